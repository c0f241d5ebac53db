"""landing -> raw on the real embedded warehouse: exactly once, whatever happens in between."""

from __future__ import annotations

import gzip
import json

import pytest

from ingestion import load as load_module
from ingestion import run
from ingestion.base import Dataset, NewObject, Source
from ingestion.manifest import objects_in_state
from warehouse.config import load_config
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05", "2026-10-06")


def prepare(landed, stream, ctx):
    for number, line in enumerate(stream, 1):
        record = json.loads(line)
        yield (
            "solana_signatures",
            {"signature": record["s"], "slot": record["n"], "_line": number, "_event_date": record["d"]},
        )


def a_source(name: str, objects: list[NewObject]) -> Source:
    return Source(name, lambda window, ctx: iter(objects), {"signatures": Dataset("signatures", prepare)})


def lines(*records: tuple[str, int, str]) -> bytes:
    return b"".join(json.dumps({"s": s, "n": n, "d": d}).encode() + b"\n" for s, n, d in records)


@pytest.fixture
def ctx(embedded):
    return run.context(load_config())


def held(ctx, source: str) -> list[tuple]:
    rows = ctx.query(
        f"select signature, slot, _line, _event_date, _object_uri from raw.solana_signatures "
        f"where _object_uri like '%/{source}/%' order by signature, slot"
    )
    return [(row["signature"], row["slot"], row["_line"], str(row["_event_date"])) for row in rows]


def test_rows_arrive_with_their_line_and_partition_and_a_repeat_changes_nothing(ctx):
    source = a_source(
        "once", [NewObject("signatures", "a", lines(("x", 1, "2026-10-05"), ("y", 2, "2026-10-04")), "api")]
    )
    expected = [("x", 1, 1, "2026-10-05"), ("y", 2, 2, "2026-10-04")]
    for landed_now, loaded_now in ((1, 2), (0, 0)):
        assert run.land(source, WINDOW, ctx, "t") == landed_now
        assert run.load(source, WINDOW, ctx, "t").rows == loaded_now
        assert held(ctx, "once") == expected
    assert [row["event_dates"] for row in ctx.query("select event_dates from ops.objects where source = 'once'")] == [
        '["2026-10-04", "2026-10-05"]'
    ]


def test_other_content_under_the_same_name_is_a_new_generation_and_both_are_kept(ctx):
    for slot in (1, 2, 1):
        source = a_source("generations", [NewObject("signatures", "a", lines(("x", slot, "2026-10-05")), "api")])
        run.land(source, WINDOW, ctx, "t")
        run.load(source, WINDOW, ctx, "t")
    rows = ctx.query("select uri, generation from ops.objects where source = 'generations' order by generation")
    assert [row["generation"] for row in rows] == [1, 2, 3]
    assert all(ctx.filesystem.exists(row["uri"]) for row in rows)
    assert [row[:2] for row in held(ctx, "generations")] == [("x", 1), ("x", 1), ("x", 2)]


def test_bytes_are_kept_as_received_also_when_they_came_compressed(ctx):
    plain = lines(("x", 1, "2026-10-05"))
    packed = gzip.compress(lines(("y", 2, "2026-10-05")), mtime=7)
    source = a_source(
        "bytes", [NewObject("signatures", "p", plain, "api"), NewObject("signatures", "z.gz", packed, "api")]
    )
    run.land(source, WINDOW, ctx, "t")
    stored = {landed.uri: ctx.filesystem.read(landed.uri) for landed in objects_in_state(ctx.client, "bytes", "landed")}
    assert {gzip.decompress(body) for body in stored.values()} == {plain, gzip.decompress(packed)}
    assert packed in stored.values()


def test_a_crash_before_the_commit_leaves_nothing_and_the_next_load_converges(ctx, monkeypatch):
    source = a_source("crash", [NewObject("signatures", "a", lines(("x", 1, "2026-10-05")), "api")])
    run.land(source, WINDOW, ctx, "t")
    swap = load_module._swap
    monkeypatch.setattr(
        load_module,
        "_swap",
        lambda *args: swap(*args).replace("commit transaction;", "select error('power cut');\ncommit transaction;"),
    )
    with pytest.raises(Exception, match="power cut"):
        run.load(source, WINDOW, ctx, "t")
    assert held(ctx, "crash") == []
    monkeypatch.undo()
    run.load(source, WINDOW, ctx, "t")
    assert held(ctx, "crash") == [("x", 1, 1, "2026-10-05")]


def test_a_source_that_fails_half_way_keeps_what_arrived_and_leaves_an_outcome_row(ctx):
    def land(window, ctx):
        yield NewObject("signatures", "a", lines(("x", 1, "2026-10-05")), "api")
        raise ConnectionError("the line went dead")

    source = Source("half", land, {"signatures": Dataset("signatures", prepare)})
    with pytest.raises(ConnectionError):
        run.land(source, WINDOW, ctx, "t")
    run.load(source, WINDOW, ctx, "t")
    assert held(ctx, "half") == [("x", 1, 1, "2026-10-05")]
    attempts = ctx.query("select step, outcome, detail from ops.attempts where source = 'half' order by started_at")
    assert [(row["step"], row["outcome"], row["detail"]) for row in attempts] == [
        ("land", "failed", "ConnectionError: the line went dead"),
        ("load", "ok", ""),
    ]


def test_an_object_that_breaks_its_reader_keeps_its_good_rows_and_is_quarantined(ctx):
    body = lines(("x", 1, "2026-10-05")) + b"not json\n"
    source = a_source("broken", [NewObject("signatures", "a", body, "api")])
    run.land(source, WINDOW, ctx, "t")
    done = run.load(source, WINDOW, ctx, "t")
    assert (done.rows, done.quarantined) == (1, 1)
    rows = ctx.query("select reason_code, reason from raw.quarantine where source = 'broken'")
    assert [(row["reason_code"], row["reason"]) for row in rows] == [
        ("unreadable", "the reader stopped: JSONDecodeError")
    ]


def test_a_landed_object_that_was_changed_is_noticed(ctx):
    source = a_source("changed", [NewObject("signatures", "a", lines(("x", 1, "2026-10-05")), "api")])
    run.land(source, WINDOW, ctx, "t")
    (landed,) = objects_in_state(ctx.client, "changed", "landed")
    ctx.filesystem.write(landed.uri, gzip.compress(lines(("x", 100, "2026-10-05"))))
    run.load(source, WINDOW, ctx, "t")
    assert held(ctx, "changed") == []
    rows = ctx.query("select reason from raw.quarantine where source = 'changed'")
    assert [row["reason"] for row in rows] == ["the reader stopped: LandingCorrupt"]


def test_damaged_gzip_gives_no_row_and_one_cut_short_gives_those_before_its_end(ctx):
    body = lines(*((f"s{number}", number, "2026-10-05") for number in range(2000)))
    packed = gzip.compress(body, mtime=0)
    wrong_sum = packed[:-8] + b"\x00\x00\x00\x00" + packed[-4:]  # every record reads well
    objects = [
        NewObject("signatures", "sum", wrong_sum, "api"),
        NewObject("signatures", "cut", packed[: len(packed) // 2], "api"),
    ]
    source = a_source("damaged", objects)
    run.land(source, WINDOW, ctx, "t")
    run.load(source, WINDOW, ctx, "t")
    rows = ctx.query(
        "select split(_object_uri, '/')[offset(5)] as name, count(*) as n, max(_line) as last "
        "from raw.solana_signatures where _object_uri like '%/damaged/%' group by 1"
    )
    assert [(row["name"][:3], row["n"] == row["last"], 500 < row["n"] < 2000) for row in rows] == [("cut", True, True)]
    reasons = ctx.query("select reason_code, _line from raw.quarantine where source = 'damaged' order by 1")
    assert [(row["reason_code"], row["_line"]) for row in reasons] == [("bad_gzip", 0), ("unreadable", 0)]
