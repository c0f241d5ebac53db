"""What time alone brings to alerts: escalations, the daily digest, retries, what was held back."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import dag, task

from jobs import airflow_support as support
from jobs import checks


@dag(
    dag_id="alerts",
    schedule="*/5 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=support.DEFAULT_ARGS,
    tags=["alerts"],
    doc_md="""
    Advances open alerts and delivers the outbox between the runs that evaluate rules. It decides nothing about data.
    """,
)
def alerts():
    @task
    def advance() -> str:
        return checks.advance_alerts()

    advance()


alerts()
