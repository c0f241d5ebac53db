"""The nightly close: late data of every source, models, checks, alerts and the report of the day."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import CronDataIntervalTimetable, dag, task

from ingestion.sources import NAMES
from jobs import airflow_support as support
from jobs import checks, pipeline


@dag(
    dag_id="nightly_close",
    schedule=CronDataIntervalTimetable("0 3 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=support.DEFAULT_ARGS,
    params=support.WINDOW_PARAMS,
    tags=["nightly", "checks", "report"],
    doc_md="""
    Reads every source once more for what came late, builds the models, evaluates the rules, sends alerts and writes
    the report. A source that can't be read doesn't stop the others: its failure raises an alert of its own.
    """,
)
def nightly_close():
    @task
    def ingest_late(source: str, **context) -> int:
        window, run = support.closing_window(context), support.run_id(context)
        pipeline.land_source(source, window, run)
        return pipeline.load_source(source, window, run) + pipeline.verify_source(source, window, run)

    @task(trigger_rule="all_done")
    def build_models(**context) -> str:
        return pipeline.build_models(support.closing_window(context), support.run_id(context))

    @task(trigger_rule="all_done")
    def run_checks(**context) -> str:
        return checks.run_checks(support.closing_window(context), support.run_id(context))

    @task
    def send_alerts(**context) -> str:
        return checks.send_alerts(support.closing_window(context), support.run_id(context))

    @task(outlets=[support.MARTS_ASSET])
    def write_report(**context) -> str:
        window = support.closing_window(context)
        support.pass_window_on(context, support.MARTS_ASSET, window)
        return pipeline.write_report(window, support.run_id(context))

    ingest_late.expand(source=list(NAMES)) >> build_models() >> run_checks() >> send_alerts() >> write_report()


nightly_close()
