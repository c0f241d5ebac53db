"""What every DAG shares: defaults, the window of a run, and the alerts when a task fails or a run is late."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, DeadlineAlert, DeadlineReference, SyncCallback

from ingestion.sources import NAMES
from warehouse.window import Window, format_instant, parse_instant

RAW_ASSETS = {name: Asset(name=f"raw_{name}", uri=f"warehouse://raw/{name}") for name in NAMES}
MARTS_ASSET = Asset(name="marts", uri="warehouse://marts")

WINDOW_PARAMS = {"window_start": None, "window_end": None}
"""Set both on a manual run (backfill, `make run`) to work on another window than the schedule's."""


def alert_on_failure(context: Mapping[str, Any]) -> None:
    """Failure callback: evaluates the rule `step_failed`, so that a person hears of it at once."""
    from jobs.checks import check_steps

    check_steps(run_window(context), run_id(context))


def alert_when_late(context: Mapping[str, Any]) -> None:
    """Deadline callback: evaluates the rule `step_late` as of the deadline, so that a person hears of a late DAG.

    `context` is what Airflow sends without a task: the run's fields and the deadline, times as text.
    """
    from jobs.checks import check_lateness

    due = context["deadline"]["deadline_time"]
    due = due if isinstance(due, datetime) else datetime.fromisoformat(due)
    run = context["dag_run"]
    check_lateness(Window(due - timedelta(hours=1), due), f"{run['dag_id']}:{run.get('dag_run_id') or run['run_id']}")


def deadline(after: timedelta, of_queueing: bool = False) -> DeadlineAlert:
    """A run must be through so long after its logical date (its interval's start), or after it was queued."""
    reference = DeadlineReference.DAGRUN_QUEUED_AT if of_queueing else DeadlineReference.DAGRUN_LOGICAL_DATE
    return DeadlineAlert(reference, after, SyncCallback(alert_when_late))


DEFAULT_ARGS = {
    "owner": "warehouse",
    "retries": int(os.environ.get("WAREHOUSE_TASK_RETRIES", "3")),
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
    "execution_timeout": timedelta(hours=2),
    "on_failure_callback": alert_on_failure,
}


def run_id(context: Mapping[str, Any]) -> str:
    """Identity of the run that a task belongs to."""
    return f"{context['dag_run'].dag_id}:{context['dag_run'].run_id}"


def run_window(context: Mapping[str, Any]) -> Window:
    """The run's window: its parameters, else the union of the triggering assets' windows, else its data interval."""
    params = context["params"]
    if params.get("window_start") and params.get("window_end"):
        return Window.parse(params["window_start"], params["window_end"])
    extras = [event.extra for events in (context.get("triggering_asset_events") or {}).values() for event in events]
    windows = [extra for extra in extras if extra.get("window_start") and extra.get("window_end")]
    if windows:
        return Window(
            min(parse_instant(extra["window_start"]) for extra in windows),
            max(parse_instant(extra["window_end"]) for extra in windows),
        )
    return Window(context["data_interval_start"], context["data_interval_end"])


def closing_window(context: Mapping[str, Any]) -> Window:
    """The nightly close's window: its parameters, else the whole UTC day that had ended when the run was due."""
    params = context["params"]
    if params.get("window_start") and params.get("window_end"):
        return Window.parse(params["window_start"], params["window_end"])
    midnight = context["data_interval_end"].astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(midnight - timedelta(days=1), midnight)


def pass_window_on(context: Mapping[str, Any], asset: Asset, window: Window) -> None:
    """Let the DAGs that this asset triggers know the window."""
    context["outlet_events"][asset].extra = {
        "window_start": format_instant(window.start),
        "window_end": format_instant(window.end),
    }
