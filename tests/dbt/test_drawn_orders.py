"""A drawn order of arrival: the short form of tests/dbt/test_arrivals.py, over the models that look beyond their days.

Three nights are run in a drawn order, each object comes in a drawn one of them, and what a build is of is planned as a
run plans it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from dbt_objects import IMPORTED, at, change, export, requests
from dbt_world import SETTINGS, VAULT, World, row
from google.cloud import bigquery

from jobs.plan import mark_modelled, plan_build
from warehouse.config import load_config
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("drawn_orders")
SEED = 10
"""Gives what was once wrong: a log's first object, a transfer without an event and imported documents come last."""
TABLES = (
    "intermediate.int_escrow__balances_daily",
    "intermediate.int_escrow__vault_balances",
    "intermediate.int_firestore__export_collections",
    "intermediate.int_users__states",
    "marts.chain_native_balances_hourly",
    "marts.escrow_balances_daily",
    "marts.logpush_gaps",
)
MODELS = ["--select", *(f"+{name.split('.')[1]}" for name in TABLES)]
NIGHTS = [Window.parse(f"2026-10-{day:02}", f"2026-10-{day + 1:02}") for day in (8, 9, 10)]
Rows = dict[str, list[dict[str, Any]]]


def objects() -> Iterator[Rows]:
    """Objects of the 2nd to the 10th, each as the rows that it brings."""
    world = World()
    for number, (when, kind, amount) in enumerate(
        [("05 10:00:00", "deposit", 900), ("07 09:00:00", "entry", 200), ("08 10:00:00", "refund", 200),
         ("10 12:00:00", "withdrawal", 300)]
    ):  # fmt: skip
        match = "m1" if kind in ("entry", "refund") else None
        world.transaction(f"t{number}", 100 * number + 100, _instant(when), (kind, match, "alice", amount))
        yield world.take()
        if number == 0:
            world.transfer("odd", 150, _instant("06 13:00:00"), VAULT, -1)  # without an event of the program
            yield world.take()
    for account, when, slot in (("Treasury", "04 20:00:00", 90), ("Treasury", "07 21:00:00", 220)):
        yield {"raw.solana_account_balances": [row(
            _instant(when), f"reading/{slot}", address=account, kind="native", role="treasury", amount=str(slot),
            slot=slot, block_time=_instant(when).isoformat(),
        )]}  # fmt: skip
    yield {"raw.firestore_changelog": [change("m0", IMPORTED, "IMPORT")]}
    for name, day, operation in (("m1", 5, "CREATE"), ("m1", 9, "DELETE"), ("m2", 8, "CREATE")):
        yield {"raw.firestore_changelog": [change(name, at(day, 11), operation)]}
    for tier, day in ((0, 6), (1, 9)):
        world.change("users", "alice", at(day, 8), {"kycTier": tier})
        yield world.take()
    yield export(at(8, 3), at(8, 3, 1), "m1")
    yield export(at(9, 23, 59), at(10, 0, 1), "m2")
    for start, end in (("02T000000", "02T200000"), ("08T000000", "09T001000"), ("10T000000", "11T000000")):
        yield {"ops.objects": [requests(start, end)]}


def _instant(text: str) -> datetime:
    return datetime.strptime(f"2026-10-{text}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def arrived(number: int, rows: Rows) -> Rows:
    """The rows with the manifest's row of their object, which waits to be built."""
    raw = {name.split(".")[1]: held for name, held in rows.items() if name.startswith("raw.")}
    days = {item["_event_date"] for held in raw.values() for item in held}
    for item in rows.get("ops.objects", []):
        if item["source"] == "cloudflare":
            days = {f"2026-10-{item['uri'].removeprefix('landed/')[:2]}"}
    known = {"source": "firebase", "dataset": "any", "rows_loaded": 1} | rows.get("ops.objects", [{}])[0]
    known |= {"uri": known.get("uri", f"object-{number}"), "state": "loaded", "event_dates": json.dumps(sorted(days))}
    tables = sorted(raw) or ["cloudflare_http_requests"]
    return rows | {"ops.objects": [known | {"raw_tables": json.dumps(tables)}]}


@pytest.fixture(scope="module")
def built(home: Path, client: bigquery.Client, load: Callable, dbt: Callable, table: Callable) -> list[dict[str, Rows]]:
    """The tables after the nights in a drawn order, and built in full."""
    config, chance = load_config(), Random(SEED)
    nights = chance.sample(NIGHTS, k=len(NIGHTS))
    comes = [(chance.randrange(len(nights)), arrived(number, rows)) for number, rows in enumerate(objects())]
    for number, window in enumerate(nights):
        for _, rows in (item for item in comes if item[0] == number):
            load(rows)
        plan = plan_build(config, window)
        dbt(["run", *MODELS], plan.settings | SETTINGS)
        mark_modelled(client, plan.waiting.uris)
        load({"ops.attempts": [{
            "attempt_id": f"night {number}", "step": "transform", "outcome": "ok",
            "window_start": window.start.isoformat(), "window_end": window.end.isoformat(),
            "started_at": f"2026-11-01T0{number}:00:00Z", "detail": f"models {plan.mark} {plan.models}",
        }]})  # fmt: skip
    seen = [{name: table(name) for name in TABLES}]
    whole = Window.parse("2026-10-02", "2026-10-11")
    client.query("update ops.objects set modelled_at = null where true").result()
    dbt(["run", *MODELS, "--full-refresh"], plan_build(config, whole).settings | SETTINGS)
    return [*seen, {name: table(name) for name in TABLES}]


@pytest.mark.parametrize("name", TABLES)
def test_a_drawn_order_ends_as_a_full_refresh(built: list[dict[str, Rows]], name: str) -> None:
    assert built[0][name] == built[1][name] != []
