"""raw -> staging -> intermediate -> marts: dbt over the window and over every partition that late rows touched."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from google.cloud import bigquery

from ingestion.manifest import Attempt, record_attempt
from ingestion.tables import home
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.profile import Profile, load_profile
from warehouse.services import tool
from warehouse.window import Window, format_instant

PROJECT = Path("dbt_project")
WHOLE_WINDOW_DAYS = 62
"""A window of up to this many days is rebuilt whole; of a longer one only the partitions with new rows."""


_FAILED = ("error", "fail", "runtime error")
_ONLY_WARNS = "only_warns"
"""Tag of a data test whose failure is no failure of the step."""


class TransformFailed(RuntimeError):
    """dbt ended with an error; the message names the first failing nodes."""


@dataclass(frozen=True)
class Pending:
    """Objects loaded but not yet taken in by the models, and the partitions their rows are in."""

    uris: tuple[str, ...]
    tables: frozenset[str]
    days: frozenset[date]
    chain_days: frozenset[date]


def pending(client: bigquery.Client) -> Pending:
    """What waits for the models."""
    rows = list(
        client.query(
            "select uri, event_dates, raw_tables from ops.objects "
            "where state = 'loaded' and modelled_at is null order by uri"
        ).result()
    )
    days = {
        (row["raw_tables"], date.fromisoformat(day)) for row in rows for day in json.loads(row["event_dates"] or "[]")
    }
    return Pending(
        uris=tuple(row["uri"] for row in rows),
        tables=frozenset(table for row in rows for table in json.loads(row["raw_tables"] or "[]")),
        days=frozenset(day for _, day in days),
        chain_days=frozenset(day for tables, day in days if "canonical_events" in tables),
    )


def partitions(window: Window, touched: Iterable[date]) -> list[date]:
    """Partitions to rebuild: those with new rows, and the window's own unless it is a long backfill."""
    days = set(touched)
    if len(window.days()) <= WHOLE_WINDOW_DAYS:
        days.update(window.days())
    return sorted(days) or window.days()[-1:]


def running_partitions(window: Window, touched: Iterable[date], closed_through: date | None) -> list[date]:
    """Contiguous partitions of running balances: from the earliest day that may have changed to the last one closed.

    That is from the first day with new rows, or the day after the last one closed, whichever is earlier; to the
    window's last day, or the last one closed or touched, whichever is later: each balance carries on the day before.
    """
    starts = list(touched)
    last = max([window.days()[-1], *starts, *([closed_through] if closed_through else [])])
    if closed_through is not None and closed_through < last:
        starts.append(closed_through + timedelta(days=1))
    if len(window.days()) <= WHOLE_WINDOW_DAYS:
        starts.append(window.days()[0])
    first = min(starts, default=last)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def variables(config: Config, profile: Profile, window: Window) -> dict:
    """dbt variables that say what is built; the partitions come on top."""
    engine = config.sources.cloudflare.analytics_engine
    return {
        "window_start": format_instant(window.start),
        "window_end": format_instant(window.end),
        "covered_until": format_instant(window.end),
        "documents": profile.documents,
        "vaults": [vault.model_dump() for vault in config.own.vaults],
        "mints": {address: mint.model_dump() for address, mint in config.mints.items()},
        "audit_allowed_lag_minutes": config.thresholds.audit_allowed_lag_minutes,
        "stripe_connected_accounts": config.sources.stripe.connected_accounts,
        "stripe_count_test_mode": config.sources.stripe.count_test_mode,
        "analytics_engine": {dataset.name: dict(dataset.columns) for dataset in (engine.datasets if engine else ())},
        "logpush": {
            "late_minutes": config.sources.cloudflare.late_minutes,
            "min_gap_minutes": {name: job.min_gap_minutes for name, job in config.sources.cloudflare.jobs.items()},
        },
    }


def selection(tables: Iterable[str]) -> list[str]:
    """dbt's selection of what reads these raw tables or the manifest; enough where all else is built."""
    return ["--select", *(f"source:{home(table)}.{table}+" for table in sorted(tables)), "source:ops.objects+"]


def fingerprint(settings: dict, project: Path = PROJECT) -> str:
    """Hash of the models and of what they are built for: equal means that a build without new rows changes nothing."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in sorted(project.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and not {"target", "logs"} & set(path.parts):
            digest.update(path.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def transform(config: Config, window: Window, run_id: str) -> str:
    """Build the models for a window; returns a line that says what was done. Raises TransformFailed."""
    client, profile = bigquery_client(config), load_profile(config)
    started = datetime.now(UTC)
    settings = variables(config, profile, window)
    mark = fingerprint(settings)
    waiting = pending(client)
    same = _last_mark(client) == mark
    if same and not waiting.tables:
        _mark_modelled(client, waiting.uris)
        return "nothing new since the last build"
    closed = _closed_through(client)
    settings |= {
        "partitions": [day.isoformat() for day in partitions(window, waiting.days)],
        "balance_partitions": [day.isoformat() for day in running_partitions(window, waiting.chain_days, closed)],
    }
    failures, scanned = _dbt_build(config, settings, selection(waiting.tables) if same else [])
    record_attempt(
        client,
        Attempt(
            attempt_id=uuid.uuid4().hex,
            run_id=run_id,
            step="transform",
            source=None,
            window=window,
            started_at=started,
            ended_at=datetime.now(UTC),
            outcome="failed" if failures else "ok",
            detail=f"failed: {', '.join(failures[:5])}" if failures else f"models {mark}",
            objects=len(waiting.uris),
            bytes_scanned=scanned,
        ),
    )
    if failures:
        raise TransformFailed(f"{len(failures)} dbt nodes failed: {', '.join(failures[:5])}")
    _mark_modelled(client, waiting.uris)
    return f"{len(settings['partitions'])} partitions, {len(waiting.uris)} new objects"


def _last_mark(client: bigquery.Client) -> str | None:
    """Mark of the newest build, None when it failed or there was none."""
    rows = list(
        client.query(
            "select outcome, detail from ops.attempts where step = 'transform' order by started_at desc limit 1"
        ).result()
    )
    return rows[0]["detail"].removeprefix("models ") if rows and rows[0]["outcome"] == "ok" else None


def _closed_through(client: bigquery.Client) -> date | None:
    tables = {table.table_id for table in client.list_tables(f"{client.project}.marts")}
    if "escrow_balances_daily" not in tables:
        return None
    return next(iter(client.query("select max(balance_date) as day from marts.escrow_balances_daily").result()))["day"]


def _mark_modelled(client: bigquery.Client, uris: Sequence[str]) -> None:
    if uris:
        parameters = [
            bigquery.ScalarQueryParameter("now", "TIMESTAMP", datetime.now(UTC)),
            bigquery.ArrayQueryParameter("uris", "STRING", uris),
        ]
        sql = "update ops.objects set modelled_at = @now where uri in unnest(@uris)"
        client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=parameters)).result()


def _dbt_build(config: Config, settings: dict, select: Sequence[str]) -> tuple[list[str], int]:
    """Build and test the models; returns the nodes that failed and the bytes scanned.

    A failed test is a warning to dbt, so that it goes on below it: a doubtful row must not keep the rest of the
    warehouse from being as of today. To us it is a failure. Unit tests belong to the project's tests, not to a run.
    """
    command = ["build", "--exclude-resource-type", "unit_test", *select]
    return _dbt(config, command, settings | {"test_severity": "warn"})


def _dbt(config: Config, verb: Sequence[str], settings: dict) -> tuple[list[str], int]:
    environment = {
        "WAREHOUSE_PROJECT": config.project,
        "WAREHOUSE_LOCATION": config.location,
        "WAREHOUSE_TARGET": config.target,
    }
    command = [
        tool("dbt"), *verb, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--vars", json.dumps(settings),
    ]  # fmt: skip
    results_file = Path(os.environ.get("DBT_TARGET_PATH", PROJECT / "target")) / "run_results.json"
    results_file.unlink(missing_ok=True)  # another run's results must not be taken for this one's
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    results = json.loads(results_file.read_text())["results"] if results_file.is_file() else []
    failed = [result["unique_id"] for result in results if result["status"] in _FAILED]
    warned = [result["unique_id"] for result in results if result["status"] == "warn"]
    failed += _meant_as_failures(warned, results_file.with_name("manifest.json"))
    if done.returncode and not failed:
        failed = [(done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["dbt gave no output"])[-1]]
    return failed, sum(int((result.get("adapter_response") or {}).get("bytes_processed") or 0) for result in results)


def _meant_as_failures(warned: Sequence[str], manifest: Path) -> list[str]:
    """The tests among those that warned that would have failed, had they not been told to warn (see _dbt_build)."""
    if not warned:
        return []
    nodes = json.loads(manifest.read_text())["nodes"]
    return [name for name in warned if _ONLY_WARNS not in nodes[name]["tags"]]
