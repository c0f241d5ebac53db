"""raw -> staging -> intermediate -> marts: a build is planned, made by dbt, and recorded."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.reconciliation import record_findings
from audit.tables import ensure_tables as ensure_audit_tables
from ingestion.attempts import Attempt, record_attempt
from jobs.dbt_build import build_models
from jobs.figures import Build, followed_marts, record_figures
from jobs.plan import Plan, mark_modelled, plan_build
from reporting.contracts import load_contracts
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.window import Window


class TransformFailed(RuntimeError):
    """dbt ended with an error; the message names the first failing nodes."""


def transform(config: Config, window: Window, run_id: str) -> str:
    """Build the models for a window; returns a line that says what was done. Raises TransformFailed."""
    started = datetime.now(UTC)
    plan = plan_build(config, window)
    if plan is None:
        return "nothing new since the last build"
    ensure_audit_tables(bigquery_client(config))  # marts show the findings and decisions that it holds
    failures, scanned = build_models(config, plan.settings, plan.select)
    record_build(config, window, run_id, plan, Built(started, failures, scanned))
    if failures:
        raise TransformFailed(f"{len(failures)} dbt nodes failed: {', '.join(failures[:5])}")
    return f"{len(plan.settings['partitions'])} partitions, {len(plan.waiting.uris)} new objects"


@dataclass(frozen=True)
class Built:
    """How a build ended: when it began, the nodes that failed, the bytes it scanned."""

    started_at: datetime
    failures: Sequence[str]
    bytes_scanned: int


def record_build(config: Config, window: Window, run_id: str, plan: Plan, built: Built) -> None:
    """Keep what became known and how the build ended; where nothing failed, its objects are taken in.

    Figures of models that failed aren't known; those that a data test doubts are: people see them.
    """
    client = bigquery_client(config)
    if not any(name.startswith("model.") for name in built.failures):
        build = Build(run_id, datetime.now(UTC), plan.cause, plan.waiting.detail)
        record_figures(client, followed_marts(load_contracts()), plan.days, plan.covered_until, build)
        record_findings(client, plan.covered_until, run_id, build.known_at)
    done = f"models {plan.mark} {plan.models}"
    record_attempt(
        client,
        Attempt(
            attempt_id=uuid.uuid4().hex,
            run_id=run_id,
            step="transform",
            source=None,
            window=window,
            started_at=built.started_at,
            ended_at=datetime.now(UTC),
            outcome="failed" if built.failures else "ok",
            detail=f"failed: {', '.join(built.failures[:5])}" if built.failures else done,
            objects=len(plan.waiting.uris),
            bytes_scanned=built.bytes_scanned,
        ),
    )
    if not built.failures:
        mark_modelled(client, plan.waiting.uris)
