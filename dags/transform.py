"""Models and checks, whenever every source has new rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from jobs import airflow_support as support
from jobs import checks, pipeline


@dag(
    dag_id="transform_hourly",
    schedule=list(support.RAW_ASSETS.values()),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=support.DEFAULT_ARGS,
    deadline=support.deadline(timedelta(hours=1), of_queueing=True),
    params=support.WINDOW_PARAMS,
    tags=["transform", "checks"],
    doc_md="""
    Runs when all four sources have loaded: builds the models for the union of their windows and for the partitions
    that late rows touched, evaluates the rules, and turns failed ones into alerts.
    """,
)
def transform_hourly():
    @task
    def build_models(**context) -> str:
        return pipeline.build_models(support.run_window(context), support.run_id(context))

    @task(trigger_rule="all_done", outlets=[support.MARTS_ASSET])
    def run_checks(**context) -> str:
        window = support.run_window(context)
        outcome = checks.run_checks(window, support.run_id(context))
        support.pass_window_on(context, support.MARTS_ASSET, window)
        return outcome

    @task
    def send_alerts(**context) -> str:
        return checks.send_alerts(support.run_window(context), support.run_id(context))

    build_models() >> run_checks() >> send_alerts()


transform_hourly()
