"""The same night on a warehouse that holds 30 days, a year and seven years: its build must cost what the night brings.

Two days of the sandbox are landed and loaded; their rows, moved back again and again, are the history, and all models
are built over it. Then the night's objects arrive and are built, again and again, in turn on each warehouse. All stand
in one embedded warehouse, so that they are measured side by side.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from statistics import median

from google.cloud import bigquery
from rich.console import Console
from rich.table import Table

from benchmarks.landed import Landed, landed_platform
from ingestion.tables import ensure_tables, table_names
from jobs.dbt_build import build_models
from jobs.plan import plan_build
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.services import runtime_environment
from warehouse.window import Window

HISTORIES = tuple(int(days) for days in os.environ.get("HISTORY_DAYS", "30,365,2555").split(","))
"""Days of history, the shortest first: the others are compared with it."""
NIGHT = 2
"""Days of the sandbox that are the night's data: what a run over a weekend finds."""
SLOTS = 216_000
"""Slots of a day, at 2.5 a second."""
SEQUENCES = 100_000
"""Numbers that a day of an audit stream is moved back by."""
OF_DAY = {
    *(
        "signature",
        "event_key",
        "canonical_key",
        "duplicate_of",
        "escrow_id",
        "match_id",
        "document_id",
        "document_name",
    ),
    *("event_id", "insert_id", "ray_id", "id", "source", "charge", "payment_intent", "balance_transaction"),
    *("latest_charge", "stripe_id", "hash", "computed_hash", "prev_hash", "call_id", "attempt_id", "proof_id"),
    *("break_id", "_object_uri", "after_signature", "before_signature", "object_id"),
}
"""Names that are the day's own: each day of the history has others. All else stays, as users, mints and accounts do.

Of documents the users' stay too: the platform has as many users after seven years as after a month, and each of them
changes again and again. What a night costs by the number of users is another question than what its history costs."""
COUNTED = {"slot": SLOTS, "from_slot": SLOTS, "to_slot": SLOTS, "finalized_slot": SLOTS, "seq": SEQUENCES}
IMPORTS = "date '1970-01-01'"
"""Day of imported documents, which have no time. An import is part of the history and no night's work: it changes what
was known on every day since."""
NOT_COPIED = {"quarantine", "solana_coverage", "solana_balance_proofs", "solana_balance_breaks"}
"""Read whole by their models: intervals and proofs, a row per account and run, which no night of this size fills."""


def main(rows: int, runs: int) -> None:
    """Build the night `runs` times on each warehouse, in turn."""
    del rows
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="history-") as home:
        os.environ.update(runtime_environment(Path(home)))
        with landed_platform(days=NIGHT) as landed:
            nights = {days: _with_history(landed, days) for days in HISTORIES}
            seconds: dict[int, list[float]] = {days: [] for days in HISTORIES}
            for number in range(runs + 1):
                for days, config in nights.items():
                    taken = _night(config, landed.window)
                    if number:  # the first one also makes what a first build makes
                        seconds[days].append(taken)
    os.environ.clear()
    os.environ.update(before)
    table = Table(title=f"one night, by the days of history before it; median of {runs}")
    for heading in ("days of history", "seconds", "lowest", "highest", "times the shortest"):
        table.add_column(heading, justify="right")
    shortest = median(seconds[HISTORIES[0]])
    for days, taken in seconds.items():
        figures = (median(taken), min(taken), max(taken))
        table.add_row(f"{days:,}", *(f"{figure:.1f}" for figure in figures), f"{median(taken) / shortest:.2f}")
    Console(width=120).print(table)


def _with_history(landed: Landed, days: int) -> Config:
    """A warehouse with the night's rows and `days` days before it, built over the history."""
    config = landed.config.model_copy(update={"project": f"history-{days}"})
    client = bigquery_client(config)
    ensure_tables(client)
    for table in table_names("raw"):
        if table not in NOT_COPIED:
            client.query(_history_of(client, landed.config.project, table, days)).result()
            client.query(_rows_of(landed, table, f"_event_date = {IMPORTS}")).result()
    before = Window(landed.window.start - timedelta(days=NIGHT), landed.window.start)
    plan = plan_build(config, before)
    assert plan is not None
    failures, _ = build_models(config, plan.settings, ["--full-refresh"], "run")
    assert failures == []
    for table in table_names("raw"):
        client.query(_rows_of(landed, table, f"_event_date > {IMPORTS} or _event_date is null")).result()
    objects = f"`{landed.config.project}`.ops.objects"
    client.query(f"insert into ops.objects select * from {objects}").result()
    days_but_imports = """regexp_replace(event_dates, r'"1970-01-01"(, *)?', '')"""
    client.query(f"update ops.objects set event_dates = {days_but_imports} where true").result()
    return config


def _rows_of(landed: Landed, table: str, condition: str) -> str:
    return f"insert into raw.{table} select * from `{landed.config.project}`.raw.{table} where {condition}"


def _history_of(client: bigquery.Client, project: str, table: str, days: int) -> str:
    columns = {field.name: field.field_type for field in client.get_table(f"{project}.raw.{table}").schema}
    names = ", ".join(f"`{name}`" for name in columns)
    moved = ", ".join(_moved(name, kind, columns) for name, kind in columns.items())
    return (
        f"insert into raw.{table} ({names}) select {moved} from `{project}`.raw.{table} "
        f"cross join unnest(generate_array({NIGHT}, {days}, {NIGHT})) as n where _event_date > {IMPORTS}"
    )


def _moved(name: str, kind: str, columns: Mapping[str, str]) -> str:
    if kind == "TIMESTAMP":
        return f"timestamp_sub(`{name}`, interval n day)"
    if kind == "DATE":
        return f"date_sub(`{name}`, interval n day)"
    if name in COUNTED:
        return f"`{name}` - n * {COUNTED[name]}"
    if name in OF_DAY and not (name == "source" and "reporting_category" not in columns):
        same = f"`{name}` = '' or `{name}` is null"
        if name in ("document_id", "document_name") and "collection" in columns:
            same += " or collection = 'users'"
        return f"if({same}, `{name}`, concat(`{name}`, '-', cast(n as string)))"
    if name == "record":
        return "cast(null as string)"  # the bytes as received, which no model reads: most of the rows' size
    if name == "data" and "document_id" in columns:
        return _moved_document(name)
    return f"`{name}`"


def _moved_document(name: str) -> str:
    """The times and names inside a document, moved with it."""
    named = r"""r'"(matchId|signature)":"([^"]+)"'"""
    other = r"""concat(r'"\1":"\2-', cast(n as string), '"')"""
    text = f"regexp_replace(`{name}`, {named}, {other})"
    for path in ("createdAt", "endedAt", "at"):
        held = f"json_value(`{name}`, '$.{path}._seconds')"
        later = f"cast(cast({held} as int64) - n * 86400 as string)"
        text = f"if({held} is null, {text}, replace({text}, {held}, {later}))"
    return text


def _night(config: Config, window: Window) -> float:
    """Seconds of a build after the night's objects have arrived."""
    client = bigquery_client(config)
    client.query("update ops.objects set modelled_at = null where true").result()
    plan = plan_build(config, window)
    assert plan is not None
    began = time.perf_counter()
    build_models(config, plan.settings | {"models_unchanged": True}, [])
    return time.perf_counter() - began
