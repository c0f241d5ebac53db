"""Workers Analytics Engine through its SQL API: the sandbox's server, the real loader, points weighted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from ingestion import run
from ingestion.base import Context
from ingestion.cloudflare import analytics_api
from ingestion.errors import SourceUnavailable
from ingestion.sources import source
from sandbox.analytics_engine import ACCOUNT, TOKEN, AnalyticsBoard, analytics_routes
from sandbox.connection import BreakableApp
from sandbox.serving import running
from tests.sources.conftest import reasons
from warehouse.config import load_config
from warehouse.config_cloudflare import AnalyticsEngine, Cloudflare
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05T10:20:00Z", "2026-10-05T12:00:00Z")
LANDING = "gs://landing-analytics"
COLUMNS = {"index1": "endpoint", "blob1": "method", "blob2": "uid", "double1": "latency_ms"}


def point(at: str, interval: int, ms: float, endpoint: str = "/a", uid: str = "u0001") -> dict[str, Any]:
    return {
        "timestamp": f"2026-10-05 {at}", "_sample_interval": interval, "index1": endpoint, "blob1": "GET",
        "blob2": uid, "double1": ms,
    }  # fmt: skip


@pytest.fixture
def board() -> AnalyticsBoard:
    """Points of four hours; 10:00:07 alone has more of them than a page."""
    busy = [point("10:00:07", 4, n + 0.25) for n in range(7)]
    rest = [point(f"{10 + n % 2}:{n:02d}:00", 1, 100 + n, "/b") for n in range(1, 60)]
    outside = [point("09:59:59", 1, 1), point("12:00:00", 1, 1)]
    return AnalyticsBoard({"api": sorted([*busy, *rest, *outside], key=lambda row: row["timestamp"]), "quiet": []})


@pytest.fixture
def ctx(embedded, board, monkeypatch) -> Iterator[Context]:
    monkeypatch.setattr(analytics_api, "_BACKOFF", lambda state: 0.0)
    with running(BreakableApp(routes=analytics_routes(board))) as url:
        engine = AnalyticsEngine(
            account_id=ACCOUNT,
            api_base=f"{url}/cloudflare/client/v4",
            datasets=[{"name": "api", "columns": COLUMNS}, {"name": "quiet", "columns": {"blob1": "page"}}],
            page_rows=5,
        )
        config = load_config()
        sources = config.sources.model_copy(
            update={"cloudflare": Cloudflare(analytics_engine=engine), "unusable": None}
        )
        ctx = run.context(config.model_copy(update={"sources": sources, "landing": LANDING}))
        ctx.secrets = {"CLOUDFLARE_API_TOKEN": TOKEN}.get
        yield ctx
        for table, column in (("ops.objects", "uri"), ("raw.analytics_engine_points", "_object_uri")):
            ctx.client.query(f"delete from {table} where starts_with({column}, '{LANDING}')").result()


def held(ctx: Context) -> list[dict[str, Any]]:
    sql = f"select * from raw.analytics_engine_points where starts_with(_object_uri, '{LANDING}') order by point_at"
    return [dict(row) for row in ctx.query(sql)]


def load(ctx: Context) -> tuple[int, int]:
    """(objects landed, rows loaded) of one ingest."""
    return run.land(source("cloudflare"), WINDOW, ctx, "t"), run.load(source("cloudflare"), WINDOW, ctx, "t").rows


def test_the_hours_of_the_window_are_read_whole_in_pages_and_once(ctx, board):
    board.faults = [429, 503, "cut"]
    assert load(ctx) == (2, 66)
    rows = held(ctx)
    wanted = [row for row in board.points["api"] if "10:00:00" <= row["timestamp"][11:] < "12:00:00"]
    told = Counter(
        (f"{r['point_at']:%Y-%m-%d %H:%M:%S}", r["sample_interval"], r["index1"], r["blob1"], r["double1"])
        for r in rows
    )
    assert told == Counter(
        (p["timestamp"], p["_sample_interval"], p["index1"], "GET", Decimal(str(p["double1"]))) for p in wanted
    )
    assert {row["blob2"] for row in rows} == {ctx.pseudonym("u0001", "user")}
    assert {f"{row['hour_start']:%H:%M}" for row in rows} == {"10:00", "11:00"}
    assert sorted(row["_line"] for row in rows if row["hour_start"].hour == 10) == list(range(1, 37))
    assert all(f"{row['_event_date']}" == "2026-10-05" for row in rows)
    assert sum(row["sample_interval"] for row in rows) == 7 * 4 + 59
    weighted = sum(row["sample_interval"] * row["double1"] for row in rows)
    assert weighted == Decimal(4 * (21 + 7 * 0.25) + sum(range(101, 160)))
    assert any(sql.endswith("LIMIT ALL FORMAT JSON") for sql in board.queries)
    assert load(ctx) == (0, 0)


def test_a_changed_hour_is_another_generation_and_an_empty_answer_takes_nothing_away(ctx, board):
    load(ctx)
    board.points["api"].append(point("11:59:59", 1, 5))
    assert load(ctx) == (1, 31)
    board.points["api"].clear()
    assert load(ctx) == (0, 0)
    generations = ctx.query(
        f"select dataset, generation from ops.objects where starts_with(uri, '{LANDING}') order by generation"
    )
    assert [row["generation"] for row in generations] == [1, 1, 2]


@pytest.mark.parametrize(
    ("faults", "token", "said"),
    [
        ([500] * 5, TOKEN, "answers 500: run again later"),
        (["cut"] * 5, TOKEN, "run again later"),
        ([422], TOKEN, "the query is refused (422): try again"),
        ([], "another-token", "the token in CLOUDFLARE_API_TOKEN is refused (403)"),
        ([], None, "set CLOUDFLARE_API_TOKEN"),
    ],
)
def test_a_failure_is_one_line_without_the_token(ctx, board, faults, token, said):
    board.faults, ctx.secrets = faults, {"CLOUDFLARE_API_TOKEN": token}.get
    with pytest.raises(SourceUnavailable) as failure:
        list(source("cloudflare").land(WINDOW, ctx))
    message = str(failure.value)
    assert said in message
    assert len(message.splitlines()) == 1
    assert TOKEN not in message
    assert "another-token" not in message


def test_what_is_not_configured_is_not_read(ctx, board):
    sources = ctx.config.sources.model_copy(update={"cloudflare": Cloudflare()})
    ctx.config = ctx.config.model_copy(update={"sources": sources})
    assert list(source("cloudflare").land(WINDOW, ctx)) == []
    assert board.queries == []


def test_points_that_cannot_be_are_quarantined_one_by_one(prepare):
    points = [
        point("10:00:00", 1, 0.1),
        {**point("10:00:00", 1, 1), "timestamp": "soon"},
        point("10:00:00", 0, 1),
        {**point("10:00:00", 1, 1), "double1": "1"},
        {**point("10:00:00", 1, 1), "double1": 1e30},
        {"timestamp": "2026-10-05 10:00:00"},
        7,
        {**point("10:00:00", 2, 1e-7), "_sample_interval": "2"},
    ]
    lines = [{"request": "q", "body": json.dumps({"data": points})}, {"request": "q", "body": '{"data": [{'}]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    rows = prepare("cloudflare", "analytics_engine", body)
    assert reasons(rows) == [
        (1, "bad_time"), (1, "out_of_range"), (1, "wrong_type"), (1, "out_of_range"), (1, "missing_field"),
        (1, "not_an_object"), (2, "bad_json"),
    ]  # fmt: skip
    assert [(r["sample_interval"], r["double1"], r["_line"]) for r in rows["analytics_engine_points"]] == [
        (1, "0.1", 1), (2, "0.0000001", 8),
    ]  # fmt: skip
