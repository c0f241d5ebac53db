"""The nightly close: late data of every source, models, checks, alerts and the report of the day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
    deadline=support.deadline(timedelta(hours=28)),  # four hours after it is due
    params=support.WINDOW_PARAMS,
    tags=["nightly", "checks", "report"],
    doc_md="""
    Reads every source once more for what came late, builds the models, keeps and seals the audit log's records,
    evaluates the rules, sends alerts and writes the report. A source that can't be read doesn't stop the others: its
    failure raises an alert of its own. At last an address outside hears that the night is through.
    """,
)
def nightly_close():
    @task
    def ingest_late(source: str, **context) -> int:
        window, run = support.closing_window(context), support.run_id(context)
        try:
            pipeline.land_source(source, window, run)
        finally:  # what was landed before a failure tells of it: RPC calls, for one
            rows = pipeline.load_source(source, window, run)
        return rows + pipeline.verify_source(source, window, run)

    @task(trigger_rule="all_done")
    def build_models(**context) -> str:
        return pipeline.build_models(support.closing_window(context), support.run_id(context))

    @task(trigger_rule="all_done")
    def record_audit(**context) -> int:
        return pipeline.record_audit(support.closing_window(context), support.run_id(context))

    @task
    def seal_audit(**context) -> int:
        return pipeline.seal_audit(support.closing_window(context), support.run_id(context))

    @task
    def anchor_seals(**context) -> int:
        return pipeline.anchor_seals(support.closing_window(context), support.run_id(context))

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

    @task
    def tell_outside(**context) -> bool:
        return checks.tell_outside(support.closing_window(context), support.run_id(context))

    (
        ingest_late.expand(source=list(NAMES))
        >> build_models()
        >> record_audit()
        >> seal_audit()
        >> anchor_seals()
        >> run_checks()
        >> send_alerts()
        >> write_report()
        >> tell_outside()
    )


nightly_close()
