"""The same landed data in any order: what arrives when, and the warehouse that it leaves beside one built in full.

A build costs what its models cost, hardly what its rows do. So many platforms stand in one warehouse, so far apart in
time that no figure of one looks back on another's days, and each has an order of its own: a few builds of all of them
try as many orders as there are platforms.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

from google.cloud import bigquery
from hypothesis import strategies as st

from benchmarks.landed import Landed
from benchmarks.moved import moved_objects, moved_rows
from ingestion.tables import ensure_tables, table_names
from jobs.dbt_build import build_models
from jobs.plan import plan_build
from jobs.transform import Built, record_build
from warehouse.client import bigquery_client
from warehouse.config import Config
from warehouse.window import Window

REPEATED = {"solana", "stripe"}
"""Sources of which the same rows may stand in two objects. Of the exports a repeated object is known and not loaded."""

REPEATED_SHARE = 0.02
"""Of those objects, the share that arrives twice."""

APART = 40
"""Days between the starts of two platforms: more than any figure looks back, which is 31."""

NOT_REBUILT = {"restatements", "warehouse_health", "warehouse_metric_status"}
"""Tables that tell what was known when, or how things stand for the last run's window: no full refresh can know it."""

_REPEATED_NAME = ".again"


@dataclass(frozen=True)
class Arrival:
    """A round: the window that is run, the objects (by number) that have come since the last one, and those repeated.

    `again`: the build was killed before it could mark its objects as taken in, and is made a second time.
    """

    window: Window
    objects: tuple[int, ...] = field(repr=False)
    repeated: tuple[int, ...] = field(repr=False)
    again: bool


def many_platforms(landed: Landed, count: int) -> Landed:
    """A warehouse of `count` platforms: the landed one, and the same so many days earlier, again and again."""
    config = landed.config.model_copy(update={"project": "platforms"})
    client = bigquery_client(config)
    ensure_tables(client)
    _copy(client, landed, landed.objects, "")
    if count > 1:
        days = range(APART, APART * count, APART)
        for table in table_names("raw"):
            client.query(moved_rows(client, landed, table, days)).result()
        client.query(moved_objects(client, landed, days)).result()
    rows = client.query("select uri, source, raw_tables, event_dates from ops.objects order by landed_at, uri").result()
    start = landed.window.start - timedelta(days=APART * (count - 1))
    return Landed(config, Window(start, landed.window.end), tuple(dict(row) for row in rows))


@st.composite
def arrival_orders(draw: st.DrawFn, platforms: Landed, part: int) -> list[Arrival]:
    """Any order: windows split anywhere and run in any order, and for each platform its own: its objects come in any of
    some of the rounds, some of them twice. Another `part` draws others."""
    chance = Random(f"{part} {draw(st.integers(0, 2**32))}")
    windows = draw(st.permutations(_pieces(platforms.window, draw(st.integers(1, 2)), chance)))
    if draw(st.booleans()):
        windows = [*windows, draw(st.sampled_from([platforms.window, _short_window(platforms.window, chance)]))]
    rounds = range(len(windows))
    some = [chance.sample(rounds, k=chance.randint(1, len(windows))) for _ in range(_count(platforms.window))]
    places = [chance.choice(some[_platform(platforms.window, item)]) for item in platforms.objects]
    able = [n for n, item in enumerate(platforms.objects) if item["source"] in REPEATED]
    repeats = [n for n in able if chance.random() < REPEATED_SHARE]
    again = {n: chance.choice(rounds[places[n] :]) for n in repeats}
    return [
        Arrival(
            window,
            tuple(n for n, place in enumerate(places) if place == number),
            tuple(n for n in repeats if again[n] == number),
            draw(st.integers(0, 5)) == 5,
        )
        for number, window in enumerate(windows)
    ]


def _count(window: Window) -> int:
    return (window.end - window.start).days // APART + 1


def _platform(window: Window, item: Mapping[str, Any]) -> int:
    """Number of the platform whose object it is; imports alone, which have no time, are the last one's."""
    days = [day for day in json.loads(item["event_dates"] or "[]") if day >= window.start.date().isoformat()]
    if not days:
        return _count(window) - 1
    return min((date.fromisoformat(min(days)) - window.start.date()).days // APART, _count(window) - 1)


def _pieces(window: Window, cuts: int, chance: Random) -> list[Window]:
    """The window cut at some hours of some platforms' days."""
    hours = int((window.end - window.start).total_seconds()) // 3600
    places = range(_count(window))
    at = {chance.choice(places) * APART * 24 + chance.randrange(1, 47) for _ in range(cuts)}
    edges = [window.start + timedelta(hours=hour) for hour in (0, *sorted(at), hours)]
    return [Window(*pair) for pair in pairwise(edges)]


def _short_window(window: Window, chance: Random) -> Window:
    """Some hours of a platform's days."""
    start = window.start + timedelta(days=chance.randrange(_count(window)) * APART, hours=chance.randrange(24))
    return Window(start, start + timedelta(hours=chance.randrange(1, 24)))


def arrive(landed: Landed, arrivals: Sequence[Arrival], name: str) -> Config:
    """Build after each round in a warehouse called `name`, and return it."""
    config = landed.config.model_copy(update={"project": name})
    client = bigquery_client(config)
    ensure_tables(client)
    for number, arrival in enumerate(arrivals):
        _copy(client, landed, [landed.objects[n] for n in arrival.objects], "")
        _copy(client, landed, [landed.objects[n] for n in arrival.repeated], _REPEATED_NAME)
        _build(config, arrival.window, f"round {number}")
        if arrival.again:
            client.query(f"update ops.objects set modelled_at = null where uri in ({_uris(landed, arrival)})").result()
            _build(config, arrival.window, f"round {number}")
    return config


def in_full(landed: Landed, repeated: Sequence[int], name: str) -> Config:
    """A warehouse called `name` that holds the same objects and is built once, in full, for the whole window."""
    config = landed.config.model_copy(update={"project": name})
    client = bigquery_client(config)
    ensure_tables(client)
    _copy(client, landed, landed.objects, "")
    _copy(client, landed, [landed.objects[n] for n in repeated], _REPEATED_NAME)
    plan = plan_build(config, landed.window)
    assert plan is not None
    failures, _ = build_models(config, plan.settings, ["--full-refresh"], "run")
    assert failures == []
    return config


def _uris(landed: Landed, arrival: Arrival) -> str:
    return ", ".join(["''", *(f"'{landed.objects[number]['uri']}'" for number in arrival.objects)])


def _build(config: Config, window: Window, run_id: str) -> None:
    """A transform without its data tests: of half of the data they rightly say that something is missing."""
    started = datetime.now(UTC)
    plan = plan_build(config, window)
    if plan is not None:
        failures, scanned = build_models(config, plan.settings, plan.select, "run")
        assert failures == []
        record_build(config, window, run_id, plan, Built(started, failures, scanned))


def _copy(client: bigquery.Client, landed: Landed, objects: Sequence[Mapping[str, Any]], suffix: str) -> None:
    """Load objects as the loader does: their rows, and their row of the manifest, which waits to be built."""
    if not objects:
        return
    uris = ", ".join(f"'{item['uri']}'" for item in objects)
    client.query(f"create or replace table ops.arriving as select uri from unnest([{uris}]) as uri").result()
    held = {table for item in objects for table in json.loads(item["raw_tables"] or "[]")}
    statements = []
    for dataset, table, column in [("ops", "objects", "uri"), *_places(held)]:
        names = [field.name for field in client.get_table(f"{client.project}.{dataset}.{table}").schema]
        values = [f"concat(`{name}`, '{suffix}')" if name == column else f"`{name}`" for name in names]
        statements.append(
            f"insert into {dataset}.{table} ({', '.join(f'`{name}`' for name in names)}) "
            f"select {', '.join(values)} from `{landed.config.project}`.{dataset}.{table} "
            f"where {column} in (select uri from ops.arriving)"
        )
    for statement in statements:
        client.query(statement).result()


def _places(held: set[str]) -> list[tuple[str, str, str]]:
    of_objects = {*table_names("raw")} & held
    return [("raw", table, "_object_uri") for table in sorted(of_objects)]


def tables(client: bigquery.Client) -> dict[str, Counter]:
    """Every table of intermediate and marts as its rows with their number."""
    found = {}
    for dataset, table in _models(client):
        rows = client.query(f"select * from {dataset}.{table}").result()
        found[table] = Counter(repr(sorted((key, str(value)) for key, value in row.items())) for row in rows)
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


def unequal(built: Config, full: Config) -> dict[str, list[tuple[int, str]]]:
    """Table -> how often more in the first warehouse than in the second, and the row, of up to three that differ."""
    client, found = bigquery_client(built), {}
    names = {_models(client), _models(bigquery_client(full))}
    assert len(names) == 1
    for dataset, table in next(iter(names)):
        sides = [
            f"select to_json_string(t) as row, {side} as side from `{config.project}`.{dataset}.{table} as t"
            for config, side in ((built, 1), (full, -1))
        ]
        sql = f"select row, sum(side) as more from ({' union all '.join(sides)}) group by row having sum(side) <> 0"
        rows = client.query(f"{sql} order by row limit 3").result()
        if differing := [(row["more"], row["row"]) for row in rows]:
            found[table] = differing
    return found


def _models(client: bigquery.Client) -> tuple[tuple[str, str], ...]:
    """Dataset and name of every table that a full refresh makes as it was."""
    return tuple(
        (dataset, item.table_id)
        for dataset in ("intermediate", "marts")
        for item in sorted(client.list_tables(f"{client.project}.{dataset}"), key=lambda item: item.table_id)
        if item.table_type == "TABLE" and item.table_id not in NOT_REBUILT
    )
