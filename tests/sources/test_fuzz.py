"""Malformed records among good ones: no crash, no good record lost, each bad one in quarantine with a reason.

400 of them here; `make campaign` reads 10,000 and loads them into the warehouse.
"""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import orjson
import pytest
import source_runs
from fuzz import KINDS, Kind, cut, fuzzed

from ingestion import run
from ingestion.base import Dataset, NewObject, Source
from ingestion.replay import Selection, replay
from ingestion.sources import source
from ingestion.tables import OF_OBJECTS, ensure_tables
from warehouse.config import load_config

BAD = 10_000 if os.environ.get("CAMPAIGN") else 400
TOGETHER = 5
"""Bad records in one object, among three times as many good ones."""
OF_THE_OBJECT = {"quarantine", "firebase_record_counts", *OF_OBJECTS}
"""Tables whose rows don't tell of one good record."""


@pytest.fixture(scope="module")
def platform() -> Iterator[source_runs.Platform]:
    with source_runs.served(days=4) as served:  # long enough for payouts
        yield served


@pytest.fixture(scope="module")
def good(platform) -> dict[str, list[dict[str, Any]]]:
    """Dataset -> records that are whole."""
    users = [
        user for key in platform.exports if key.startswith("auth_export/") for user in _users(platform.exports[key])
    ]
    lines = {
        name: platform.lines(name)
        for name in ("http_requests", "workers_trace_events", "firestore_changelog", "cloud_logging")
    }
    return {**lines, "auth_export": users, **platform.payments.objects, "events": platform.payments.events}


def _users(body: bytes) -> list[dict[str, Any]]:
    return orjson.loads(body)["users"]


def of_records(rows: dict[str, list[dict[str, Any]]]) -> Counter[bytes]:
    """Rows that tell of records, without their line."""
    return Counter(
        orjson.dumps([table, {**row, "_line": None}])
        for table, held in rows.items()
        if table not in OF_THE_OBJECT
        for row in held
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.source}-{kind.dataset}")
def test_bad_records_are_quarantined_and_good_ones_untouched(prepare, good, kind: Kind):
    dice = Random(f"fuzz/{kind.source}/{kind.dataset}")
    for _ in range(max(1, BAD // len(KINDS) // TOGETHER)):
        case = fuzzed(dice, kind, dice.sample(good[kind.dataset], min(15, len(good[kind.dataset]))), TOGETHER)
        rows, alone = prepare(kind.source, kind.dataset, case.body), prepare(kind.source, kind.dataset, case.good)
        assert of_records(rows) == of_records(alone)
        quarantined = rows.get("quarantine", [])
        assert {row["_line"] for row in quarantined} == case.bad.keys()
        assert all(row["reason"] and row["reason_code"] for row in quarantined)
        if kind.lines_hold_bytes:
            held = {row["_line"]: base64.b64decode(row["raw_base64"]) for row in quarantined if not row["position"]}
            assert held == {line: case.bad[line] for line in held}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.source}-{kind.dataset}")
def test_an_object_that_ends_early_keeps_the_records_before(prepare, good, kind: Kind):
    dice = Random(f"cut/{kind.source}/{kind.dataset}")
    for _ in range(max(2, BAD // 1000)):
        case = fuzzed(dice, kind, dice.sample(good[kind.dataset], min(30, len(good[kind.dataset]))), 0)
        rows, whole = (
            prepare(kind.source, kind.dataset, cut(dice, case.body)),
            prepare(kind.source, kind.dataset, case.body),
        )
        assert not of_records(rows) - of_records(whole)
        assert [row["reason_code"] for row in rows["quarantine"]][-1] == "truncated_gzip"


def test_the_warehouse_takes_them_and_a_replay_after_a_fix_empties_quarantine(embedded, good):
    config = load_config()
    own = {"project": "escrow-fuzz", "landing": f"{config.landing}/fuzz", "load_processes": 1}  # it patches the readers
    ctx = run.context(config.model_copy(update=own))
    ensure_tables(ctx.client)
    dice = Random("fuzz/warehouse")
    objects: dict[str, list[NewObject]] = {}
    bad = 0
    for number in range(BAD // TOGETHER):
        kind = KINDS[number % len(KINDS)]
        case = fuzzed(dice, kind, dice.sample(good[kind.dataset], min(5, len(good[kind.dataset]))), TOGETHER)
        objects.setdefault(kind.source, []).append(
            NewObject(kind.dataset, f"fuzz/{number}", case.body, f"fuzz://{number}")
        )
        bad += len(case.bad)
    for name, made in objects.items():
        reader = source(name)
        run.land(Source(name, lambda window, ctx, made=made: iter(made), reader.datasets), source_runs.DAY, ctx, "t")
        run.load(reader, source_runs.DAY, ctx, "t")

    def lines() -> int:
        return ctx.query(
            "select count(distinct concat(_object_uri, ':', cast(_line as string))) as n from raw.quarantine"
        )[0]["n"]

    assert lines() == bad
    before = _tables(ctx)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingestion.replay.source", lambda name: _fixed(source(name)))
        done = replay(ctx, Selection())
    assert (done.before >= bad, done.after, lines()) == (True, 0, 0)
    assert _tables(ctx) == before


def _tables(ctx) -> dict[str, int]:
    """Rows of good records, by table."""
    return {
        row["t"]: row["n"]
        for row in ctx.query(
            " union all ".join(
                f"select '{name}' as t, count(*) as n from raw.{name}"
                for name in (
                    "cloudflare_http_requests",
                    "cloudflare_worker_traces",
                    "firestore_changelog",
                    "firebase_auth_users",
                    "cloud_logging_entries",
                    "stripe_charges",
                    "stripe_events",
                )
            )
        )
    }


def _fixed(reader: Source) -> Source:
    """The source after a fix: what it could not use, it now can, and gives no row for."""

    def mended(dataset: Dataset):
        def prepare(landed, stream, ctx):
            return (row for row in dataset.prepare(landed, stream, ctx) if row[0] != "quarantine")

        return prepare

    datasets = {
        name: Dataset(name, mended(dataset), dataset.immutable, dataset.delivered_once)
        for name, dataset in reader.datasets.items()
    }
    return Source(reader.name, reader.land, datasets)
