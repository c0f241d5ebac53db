"""Retention: closed months go to the cold tier, and what is past its time goes."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import CronDataIntervalTimetable, dag, task

from jobs import airflow_support as support
from jobs import pipeline


@dag(
    dag_id="retention",
    schedule=CronDataIntervalTimetable("0 6 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=support.DEFAULT_ARGS,
    params=support.WINDOW_PARAMS,
    tags=["audit", "retention"],
    doc_md="""
    Copies closed months to the cold tier, reads them back, and removes what config/retention.yml says is past its time
    at the end of the interval. Apart from the nightly close: a run over old data, as a recording's, must remove
    nothing.
    """,
)
def retention():
    @task
    def keep_retention(**context) -> str:
        return pipeline.keep_retention(support.run_window(context), support.run_id(context))

    keep_retention()


retention()
