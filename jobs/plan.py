"""What a build of the models is of: the window, every partition that late rows touched, and what selects them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from google.cloud import bigquery

from ingestion.tables import home
from jobs.dbt_build import PROJECT
from jobs.variables import variables
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.profile import load_profile
from warehouse.window import Window, format_instant

WHOLE_WINDOW_DAYS = 62
"""A window of up to this many days is rebuilt whole; of a longer one only the partitions with new rows."""
CARRIED_ON = frozenset(
    {"canonical_events", "firestore_changelog"}
    | {"solana_account_balances", "solana_native_balances", "solana_token_balances"}
)
"""Raw tables whose rows are carried on from day to day, in a model that opens with the day before."""
_IMPORTS = date(1970, 1, 1)  # the partition of imported documents, which have no time


@dataclass(frozen=True)
class Pending:
    """Objects loaded but not yet taken in by the models, and the partitions their rows are in.

    `running_days`: those of rows of CARRIED_ON, from which balances and states of documents run on.
    `detail`: their number by source and dataset; `rewritten`: one of them replaced an object that was taken in before.
    """

    uris: tuple[str, ...]
    tables: frozenset[str]
    days: frozenset[date]
    running_days: frozenset[date]
    detail: str
    rewritten: bool


def pending(client: bigquery.Client) -> Pending:
    """What waits for the models."""
    rows = list(
        client.query(
            "select uri, source, dataset, replaces, event_dates, raw_tables from ops.objects "
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
        running_days=frozenset(
            day for tables, day in days if day > _IMPORTS and CARRIED_ON.intersection(json.loads(tables or "[]"))
        ),
        detail=", ".join(
            f"{name} {count}"
            for name, count in sorted(Counter(f"{row['source']}/{row['dataset']}" for row in rows).items())
        ),
        rewritten=any(row["replaces"] for row in rows),
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


def selection(tables: Iterable[str]) -> list[str]:
    """dbt's selection of what reads these raw tables or tells of the manifest; enough where all else is built.

    Staging models also ask the manifest which objects were replaced. The tables of a replaced object are among those of
    the object that replaces it, so they are selected by name.
    """
    return ["--select", *(f"source:{home(table)}.{table}+" for table in sorted(tables)), "stg_warehouse__objects+"]


def without_views(select: Sequence[str]) -> list[str]:
    """The selection without views: no view knows of the window, so those of unchanged models are as they should be.

    Named by what is kept, since a selection that leaves views out would leave out every data test that reads one.
    """
    kept = ("config.materialized:incremental", "config.materialized:table", "resource_type:test")
    return ["--select", *(f"{part},{kind}" for part in select[1:] for kind in kept)] if select else ["--select", *kept]


def fingerprint(settings: dict, project: Path = PROJECT) -> str:
    """Hash of the models and of what they are built for: equal means that a build without new rows changes nothing."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in sorted(project.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and not {"target", "logs"} & set(path.parts):
            digest.update(path.as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Plan:
    """What a build is of: dbt's variables, its selection (empty: everything), and what waits to be taken in.

    `mark` is of models and settings, `models` of the models alone; `cause`: why figures may change.
    """

    settings: dict
    select: tuple[str, ...]
    waiting: Pending
    days: tuple[date, ...]
    covered_until: datetime
    mark: str
    models: str
    cause: str


def plan_build(config: Config, window: Window) -> Plan | None:
    """The build that the window needs now. None where all is built; objects without rows then count as taken in."""
    client = bigquery_client(config)
    last, waiting = _last_build(client), pending(client)
    covered = max([window.end, *([last.covered_until] if last else [])])
    settings = variables(config, load_profile(config), window)
    settings["covered_until"] = format_instant(covered)
    mark, models = fingerprint(settings), fingerprint(_without_window(settings))
    same = last is not None and last.is_newest and last.mark == mark
    if same and not waiting.tables:
        mark_modelled(client, waiting.uris)
        return None
    days = partitions(window, waiting.days)
    running = running_partitions(window, waiting.running_days, _closed_through(client))
    unchanged = last is not None and last.models == models
    settings |= {
        "models_unchanged": unchanged,
        "partitions": [day.isoformat() for day in days],
        "balance_partitions": [day.isoformat() for day in running],
    }
    cause = "object_rewritten" if waiting.rewritten else "late_data"
    if last is not None and not unchanged:
        cause = "models_changed"
    select = selection(waiting.tables) if same else []
    if unchanged:
        select = without_views(select)
    return Plan(settings, tuple(select), waiting, (*days, *running), covered, mark, models, cause)


@dataclass(frozen=True)
class _LastBuild:
    """The newest build that succeeded: what it was of, of which models, and how far any build has covered the data."""

    mark: str
    models: str
    covered_until: datetime
    is_newest: bool


def _last_build(client: bigquery.Client) -> _LastBuild | None:
    rows = list(
        client.query(
            "select outcome, detail, window_end from ops.attempts where step = 'transform' order by started_at desc"
        ).result()
    )
    good = [row for row in rows if row["outcome"] == "ok"]
    if not good:
        return None
    mark, _, models = good[0]["detail"].removeprefix("models ").partition(" ")
    return _LastBuild(mark, models, max(row["window_end"] for row in good), rows[0]["outcome"] == "ok")


def _without_window(settings: dict) -> dict:
    return {
        name: value for name, value in settings.items() if name not in ("window_start", "window_end", "covered_until")
    }


def _closed_through(client: bigquery.Client) -> date | None:
    tables = {table.table_id for table in client.list_tables(f"{client.project}.marts")}
    if "escrow_balances_daily" not in tables:
        return None
    return next(iter(client.query("select max(balance_date) as day from marts.escrow_balances_daily").result()))["day"]


def mark_modelled(client: bigquery.Client, uris: Sequence[str]) -> None:
    """The models have taken these objects in."""
    if uris:
        parameters = [
            bigquery.ScalarQueryParameter("now", "TIMESTAMP", datetime.now(UTC)),
            bigquery.ArrayQueryParameter("uris", "STRING", uris),
        ]
        sql = "update ops.objects set modelled_at = @now where uri in unnest(@uris)"
        client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=parameters)).result()
