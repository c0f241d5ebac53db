"""Quarantine on the real embedded warehouse: sealed bytes, first and last seen, schema changes, replay."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from ingestion import run
from ingestion.base import Dataset, NewObject, Source
from ingestion.cli_quarantine import app
from ingestion.drift import FieldWatch
from ingestion.quarantine import quarantine_row
from ingestion.replay import Selection, original, replay, rows
from ingestion.sealing import Sealer, WrongKey
from warehouse.config import load_config
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05", "2026-10-06")
BODY = b"""{"s": "x", "n": 1, "note": "hello"}
{"s": "ada@example.com", "n": "two", "note": 1}
{"s": "y", "n": 3, "d": 4}
"""


def reader(fixed: bool):
    """Rows of {"s", "n"}; before the fix a number written as text is not understood."""

    def prepare(landed, stream, ctx):
        watch = FieldWatch(landed, ["s", "n"])
        for number, line in enumerate(stream, 1):
            record = json.loads(line)
            watch.see(record, number)
            if fixed or isinstance(record["n"], int):
                slot = {"two": 2}.get(record["n"], record["n"])
                day = "2026-10-05" if number < 3 else "2026-10-04"
                yield "solana_signatures", {"signature": record["s"], "slot": slot, "_line": number, "_event_date": day}
            else:
                yield quarantine_row(
                    landed, number, "wrong_type", "n must be an integer", line.rstrip(b"\n"), position="n"
                )
        yield from watch.rows()

    return prepare


@pytest.fixture
def ctx(embedded):
    return run.context(load_config())


def a_source(fixed: bool = False) -> Source:
    objects = [NewObject("transactions", "replay/a", BODY, "api")]
    return Source("solana", lambda window, ctx: iter(objects), {"transactions": Dataset("transactions", reader(fixed))})


@pytest.fixture
def loaded(ctx):
    run.land(a_source(), WINDOW, ctx, "t")
    run.load(a_source(), WINDOW, ctx, "t")
    yield
    for table, column in (
        ("ops.objects", "uri"),
        ("raw.quarantine", "_object_uri"),
        ("raw.solana_signatures", "_object_uri"),
        ("ops.schema_changes", "_object_uri"),
    ):
        ctx.client.query(f"delete from {table} where {column} like '%/replay/%'").result()


def test_the_bytes_are_sealed_and_open_only_with_the_key(ctx, loaded):
    [row] = rows(ctx, Selection(code="wrong_type", source="solana"), 10)
    assert original(ctx, row) == BODY.splitlines()[1]
    assert (row["raw_bytes"], row["position"], row["_line"]) == (len(BODY.splitlines()[1]), "n", 2)
    assert row["first_seen_at"] == row["_landed_at"] <= row["last_seen_at"]
    other = replace(ctx, sealer=Sealer(b"another key of 16 bytes"))
    with pytest.raises(WrongKey):
        original(other, row)
    with pytest.raises(WrongKey):
        original(ctx, {**row, "quarantine_id": "another row"})


def test_unknown_fields_and_changed_types_are_listed(ctx, loaded):
    found = ctx.query(
        "select field, change, json_type, records, first_line from ops.schema_changes "
        "where _object_uri like '%/replay/%' order by field"
    )
    assert [tuple(row.values()) for row in found] == [
        ("d", "new_field", "number", 1, 3),
        ("n", "changed_type", None, 1, 0),
        ("note", "new_field", "string", 2, 1),
    ]


def test_replay_after_a_fix_empties_quarantine_and_loses_no_row(ctx, loaded, monkeypatch):
    held = "select signature, slot, _line from raw.solana_signatures where _object_uri like '%/replay/%' order by _line"
    before = [tuple(row.values()) for row in ctx.query(held)]
    assert before == [("x", 1, 1), ("y", 3, 3)]
    ctx.query("update ops.objects set modelled_at = loaded_at where uri like '%/replay/%'")
    monkeypatch.setattr("ingestion.replay.source", lambda name: a_source(fixed=False))
    [first] = rows(ctx, Selection(code="wrong_type"), 10)
    done = replay(ctx, Selection(code="wrong_type"))
    assert (done.objects, done.before, done.after) == (1, 1, 1)
    [again] = rows(ctx, Selection(code="wrong_type"), 10)
    assert again["first_seen_at"] == first["first_seen_at"]
    assert again["last_seen_at"] > first["last_seen_at"]
    assert again["raw_sealed"] == first["raw_sealed"]
    monkeypatch.setattr("ingestion.replay.source", lambda name: a_source(fixed=True))
    done = replay(ctx, Selection(row=first["quarantine_id"][:10]))
    assert (done.objects, done.before, done.after) == (1, 1, 0)
    assert [tuple(row.values()) for row in ctx.query(held)] == [("x", 1, 1), ("ada@example.com", 2, 2), ("y", 3, 3)]
    [state] = ctx.query("select state, modelled_at, event_dates from ops.objects where uri like '%/replay/%'")
    assert state == {"state": "loaded", "modelled_at": None, "event_dates": '["2026-10-04", "2026-10-05"]'}
    changes = ctx.query("select field from ops.schema_changes where _object_uri like '%/replay/%' order by 1")
    assert [row["field"] for row in changes] == ["d", "note"]


def test_at_the_terminal(ctx, loaded, monkeypatch):
    monkeypatch.setattr("ingestion.replay.source", lambda name: a_source(fixed=True))
    call = CliRunner().invoke
    [row] = rows(ctx, Selection(code="wrong_type"), 10)
    listed = call(app, ["list", "--code", "wrong_type"], env={"COLUMNS": "200"}).stdout
    assert "quarantine: 1 rows" in listed
    assert row["quarantine_id"][:12] in listed
    shown = call(app, ["show", row["quarantine_id"]])
    assert "n must be an integer" in shown.stdout
    assert "ada@example.com" not in shown.stdout
    assert call(app, ["show", "--raw", row["quarantine_id"][:12]]).stdout_bytes == BODY.splitlines()[1]
    assert call(app, ["show", "no such row"]).exit_code == 1
    assert call(app, ["replay"]).exit_code == 2
    done = call(app, ["replay", "--source", "solana", "--code", "wrong_type"])
    assert (done.exit_code, done.stdout) == (0, "1 objects read again: 1 rows in quarantine before, 0 after\n")
