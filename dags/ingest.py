"""Hourly ingest, one DAG a source: what the source has for the hour is landed as received, then loaded into raw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronDataIntervalTimetable, dag, task

from ingestion.sources import NAMES
from jobs import airflow_support as support
from jobs import pipeline


def ingest_dag(source: str):
    """The ingest DAG of one source."""

    @dag(
        dag_id=f"ingest_{source}",
        schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        default_args=support.DEFAULT_ARGS,
        deadline=support.deadline(timedelta(hours=3)),  # two hours after its interval's end
        params=support.WINDOW_PARAMS,
        tags=["ingest", source],
        doc_md=f"""
        Reads **{source}** for the window and keeps what was received in the landing zone, then loads it into `raw`.
        Where a source can be proved complete (Solana), that is done at last, and what is missing is read again.
        Safe to repeat: objects already landed or loaded are left alone. For another window set `window_start` and
        `window_end`.
        """,
    )
    def build():
        @task
        def land(**context) -> int:
            return pipeline.land_source(source, support.run_window(context), support.run_id(context))

        @task(trigger_rule="all_done")  # what was landed before a failure tells of it: RPC calls, for one
        def load(**context) -> int:
            return pipeline.load_source(source, support.run_window(context), support.run_id(context))

        @task(outlets=[support.RAW_ASSETS[source]])
        def verify(**context) -> int:
            window = support.run_window(context)
            rows = pipeline.verify_source(source, window, support.run_id(context))
            support.pass_window_on(context, support.RAW_ASSETS[source], window)
            return rows

        landed, loaded = land(), load()
        landed >> loaded
        [landed, loaded] >> verify()

    return build()


for name in NAMES:
    globals()[f"ingest_{name}"] = ingest_dag(name)
