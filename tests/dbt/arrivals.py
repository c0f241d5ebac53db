"""The same landed data in any order: what arrives when, and the warehouse that it leaves beside one built in full."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from google.cloud import bigquery
from hypothesis import strategies as st

from benchmarks.landed import Landed
from ingestion.tables import ensure_tables, table_names
from jobs.dbt_build import build_models
from jobs.plan import Plan, plan_build
from jobs.transform import Built, record_build
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.window import Window

REPEATED = {"solana", "stripe"}
"""Sources of which the same rows may stand in two objects. Of the exports a repeated object is known and not loaded."""

REPEAT_SETS = 4
"""So many choices of objects that arrive twice, the first of which is none: each needs one build in full."""

NOT_REBUILT = {"restatements"}
"""Tables that tell what was known when: a full refresh can't know it."""


_REPEATED_NAME = ".again"


@dataclass(frozen=True)
class Arrival:
    """A round: the window that is run, the objects (by number) that have come since the last one, and those repeated.

    `again`: the build was killed before it could mark its objects as taken in, and is made a second time.
    """

    window: Window
    objects: tuple[int, ...] = field(repr=False)
    repeated: tuple[int, ...]
    again: bool


@st.composite
def arrival_orders(draw: st.DrawFn, landed: Landed) -> list[Arrival]:
    """Any order: windows split anywhere and run in any order, each object in any round, some of them twice."""
    hours = int((landed.window.end - landed.window.start).total_seconds()) // 3600
    cuts = sorted(draw(st.sets(st.integers(1, hours - 1), min_size=1, max_size=2)))
    edges = [landed.window.start + timedelta(hours=hour) for hour in (0, *cuts, hours)]
    windows = draw(st.permutations([Window(*pair) for pair in pairwise(edges)]))
    if draw(st.booleans()):
        windows = [*windows, landed.window]
    rounds = st.integers(0, len(windows) - 1)
    drawn = draw(st.lists(rounds, min_size=len(landed.objects), max_size=len(landed.objects)))
    places = [(number + place) % len(windows) for number, place in enumerate(drawn)]  # mixed even where all are drawn 0
    repeats = _repeats(landed, draw(st.integers(0, REPEAT_SETS - 1)))
    again = {n: draw(st.integers(places[n], len(windows) - 1)) for n in repeats}
    return [
        Arrival(
            window,
            tuple(n for n, place in enumerate(places) if place == number),
            tuple(n for n in repeats if again[n] == number),
            draw(st.integers(0, 5)) == 5,
        )
        for number, window in enumerate(windows)
    ]


def _repeats(landed: Landed, chosen: int) -> list[int]:
    """Objects that arrive twice: none in the first set, others in each of the others."""
    able = [n for n, item in enumerate(landed.objects) if item["source"] in REPEATED]
    return sorted(Random(chosen).sample(able, k=min(2 * chosen, len(able))))


def arrive(landed: Landed, arrivals: Sequence[Arrival], name: str) -> tuple[dict[str, Counter], Plan]:
    """Build after each round in a warehouse called `name`; returns its tables at the end, and the last plan."""
    config = landed.config.model_copy(update={"project": name})
    client = bigquery_client(config)
    ensure_tables(client)
    plan = None
    for number, arrival in enumerate(arrivals):
        _copy(client, landed, [landed.objects[n] for n in arrival.objects], "")
        _copy(client, landed, [landed.objects[n] for n in arrival.repeated], _REPEATED_NAME)
        plan = _build(config, arrival.window, f"round {number}") or plan
        if arrival.again:
            client.query(f"update ops.objects set modelled_at = null where uri in ({_uris(landed, arrival)})").result()
            plan = _build(config, arrival.window, f"round {number}") or plan
    assert plan is not None
    return tables(client), plan


def in_full(landed: Landed, repeated: Sequence[int], plan: Plan, name: str) -> dict[str, Counter]:
    """The tables of a warehouse called `name` that holds the same objects and is built once, in full."""
    config = landed.config.model_copy(update={"project": name})
    client = bigquery_client(config)
    ensure_tables(client)
    _copy(client, landed, landed.objects, "")
    _copy(client, landed, [landed.objects[n] for n in repeated], _REPEATED_NAME)
    failures, _ = build_models(config, plan.settings | {"models_unchanged": False}, ["--full-refresh"], "run")
    assert failures == []
    return tables(client)


def _uris(landed: Landed, arrival: Arrival) -> str:
    return ", ".join(["''", *(f"'{landed.objects[number]['uri']}'" for number in arrival.objects)])


def _build(config: Config, window: Window, run_id: str) -> Plan | None:
    """A transform without its data tests: of half of the data they rightly say that something is missing."""
    started = datetime.now(UTC)
    plan = plan_build(config, window)
    if plan is not None:
        failures, scanned = build_models(config, plan.settings, plan.select, "run")
        assert failures == []
        record_build(config, window, run_id, plan, Built(started, failures, scanned))
    return plan


def _copy(client: bigquery.Client, landed: Landed, objects: Sequence[Mapping[str, Any]], suffix: str) -> None:
    """Load objects as the loader does: their rows, and their row of the manifest, which waits to be built."""
    if not objects:
        return
    uris = ", ".join(f"'{item['uri']}'" for item in objects)
    held = {table for item in objects for table in json.loads(item["raw_tables"] or "[]")}
    statements = []
    for dataset, table, column in [("ops", "objects", "uri"), *_places(held)]:
        names = [field.name for field in client.get_table(f"{client.project}.{dataset}.{table}").schema]
        values = [f"concat(`{name}`, '{suffix}')" if name == column else f"`{name}`" for name in names]
        statements.append(
            f"insert into {dataset}.{table} ({', '.join(f'`{name}`' for name in names)}) "
            f"select {', '.join(values)} from `{landed.config.project}`.{dataset}.{table} where {column} in ({uris})"
        )
    for statement in statements:
        client.query(statement).result()


def _places(held: set[str]) -> list[tuple[str, str, str]]:
    of_objects = {*table_names("raw")} & held
    return [("raw", table, "_object_uri") for table in sorted(of_objects)]


def tables(client: bigquery.Client) -> dict[str, Counter]:
    """Every table of intermediate and marts as its rows with their number."""
    found = {}
    for dataset in ("intermediate", "marts"):
        for item in client.list_tables(f"{client.project}.{dataset}"):
            if item.table_type == "TABLE" and item.table_id not in NOT_REBUILT:
                rows = client.query(f"select * from {dataset}.{item.table_id}").result()
                found[item.table_id] = Counter(
                    repr(sorted((key, str(value)) for key, value in row.items())) for row in rows
                )
    return found


def differences(built: Mapping[str, Counter], full: Mapping[str, Counter]) -> dict[str, str]:
    """Table -> how many rows differ, and one of each side."""
    found = {}
    for name in sorted({*built, *full}):
        left, right = built.get(name, Counter()), full.get(name, Counter())
        more, less = left - right, right - left
        if more or less:
            built_up, in_full = (f"{rows.total()} rows, as {next(iter(rows), None)}" for rows in (more, less))
            found[name] = f"only built up: {built_up}; only in full: {in_full}"
    return found
