"""What comes out of a load doesn't depend on how it was divided: pieces, processes, or one plain read."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import prepare, workers
from ingestion.base import Context, Dataset, LandedObject
from ingestion.cutting import cut
from ingestion.lines import Bad, Record, is_record, records
from ingestion.privacy import Pseudonymizer
from ingestion.sealing import Sealer
from ingestion.sources import source
from ingestion.staging import RowFiles
from ingestion.workers import WorkerEnded, prepare_batch
from warehouse.config import load_config
from warehouse.profile import load_profile
from warehouse.storage import filesystem
from warehouse.window import Window

KEY = b"key of the tests, 16 bytes or more"
AT = datetime(2026, 10, 9, tzinfo=UTC)
DATASET = "workers_trace_events"


def trace(number: int, **changes) -> bytes:
    lines = [
        f"GET /api/users/u{number}/balance",
        json.dumps({"type": "queue_depth", "at": 1791158400, "queue": "q", "depth": number}),
    ]
    record = {
        "Event": {"RayID": f"{number:x}", "Request": {"URL": f"https://play.example/api?n={number}"}},
        "EventTimestampMs": 1791158400123 + number * 60_000,
        "Exceptions": [{"Name": "TypeError", "Message": "no mail for jane@example.org"}],
        "Logs": [{"Level": "info", "Message": [line], "TimestampMs": 1} for line in lines],
        "ScriptName": "api",
    }
    return json.dumps({**record, **changes}).encode()


def mixed() -> bytes:
    """Good and bad lines of every kind, in an order of their own."""
    draw = random.Random(4)
    others = [
        b"",
        b" \r",
        b"no json",
        b'{"Event": "\xff"}',
        b'{"Outcome": 7}',
        b'{"a": 1}',
        b"[]",
        b'{"events":[{"Outcome":"ok"},{"Outcome":"ok"}]}',
        b'[{"Outcome":"ok"},7]',
        trace(1, New="field"),
        trace(2, Newer=[1]),
        trace(3, Logs=[{"Message": ['{"type":"queue_depth"']}]),
    ]
    lines = [trace(0), *(draw.choice(others) if draw.random() < 0.2 else trace(number) for number in range(2_000))]
    return gzip.compress(b"\n".join(lines), mtime=0)


def context(home, processes: int) -> Context:
    config = load_config().model_copy(update={"load_processes": processes})
    config = config.model_copy(update={"embedded": config.embedded.model_copy(update={"home": home})})
    profile, store = load_profile(config), filesystem(config)
    return Context(config, profile, None, store, Pseudonymizer(KEY), "test", lambda name: None, Sealer(KEY))


def landed(ctx: Context, name: str, body: bytes) -> LandedObject:
    uri = f"gs://landing/{name}.gz"
    ctx.filesystem.write(uri, body)
    digest = hashlib.sha256(body).hexdigest()
    try:
        content = hashlib.sha256(gzip.decompress(body)).hexdigest()
    except EOFError:
        content = None
    window = Window.parse("2026-10-05", "2026-10-06")
    return LandedObject(uri, "cloudflare", DATASET, f"gs://logs/{name}", window, 1, len(body), digest, AT, content)


def prepared(batch, datasets, ctx) -> tuple[dict, dict, int]:
    """(what each object gave, rows by table in an order, number of files)."""
    with RowFiles() as files:
        found = prepare_batch(batch, datasets, ctx, files, AT)
        tables = files.tables()
        rows = {
            table: [row for path in paths for row in pq.read_table(path).to_pylist()] for table, paths in tables.items()
        }
        return found, {table: sorted(held, key=repr) for table, held in rows.items()}, sum(map(len, tables.values()))


def test_pieces_in_processes_give_the_rows_of_one_plain_read(tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "CUT_BYTES", 10_000)
    monkeypatch.setattr(prepare, "PIECE_BYTES", 40_000)  # some 25 pieces
    monkeypatch.setattr(workers, "SEVERAL_BYTES", 0)
    datasets = source("cloudflare").datasets
    uncut = {name: replace(dataset, may_be_cut=None) for name, dataset in datasets.items()}
    ctx = context(tmp_path, 1)
    whole, cut_short, other = (
        landed(ctx, "whole", mixed()),
        landed(ctx, "short", mixed()[:-200]),
        gzip.compress(trace(5)),
    )
    batch = [whole, cut_short, landed(ctx, "small", other), replace(landed(ctx, "no", other), sha256="0" * 64)]

    found, rows, _ = prepared(batch, uncut, ctx)
    assert found[batch[3].uri].unreadable == "the reader stopped: LandingCorrupt"
    assert {row["field"]: row["records"] for row in rows["schema_changes"]}.keys() == {"New", "Newer", "a", "Outcome"}
    assert {row["reason_code"] for row in rows["quarantine"]} == {
        "bad_json", "bad_worker_log", "invalid_utf8", "not_a_trace", "not_an_object", "truncated_gzip", "unreadable",
        "wrong_type",
    }  # fmt: skip
    assert len(rows["cloudflare_worker_traces"]) > 3_200
    keys = [(row["_object_uri"], row["_line"]) for row in rows["cloudflare_worker_traces"]]
    assert len(keys) == len(set(keys))

    assert prepared(batch, datasets, ctx)[:2] == (found, rows)
    in_two, rows_of_two, files = prepared(batch, datasets, context(tmp_path, 2))
    assert (in_two, rows_of_two) == (found, rows)
    assert files > len(rows)  # both processes wrote some


LINE = st.sampled_from(
    [
        b'{"a":1}',
        b'{"events":[{"b":1},2]}',
        b'[{"c":1}]',
        b"[]",
        b"x",
        b"",
        b" ",
        b"\r",
        b"\xef\xbb\xbf{}",
        b'"t"',
        b"\xff",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(LINE, max_size=12), st.booleans(), st.integers(1, 60))
def test_records_of_pieces_are_the_records_of_the_whole(lines, ends, size):
    body = b"\n".join([b'{"first":1}', *lines]) + b"\n" * ends
    pieces = list(cut(io.BytesIO(body), size))
    assert b"".join(piece.getvalue() for piece in pieces) == body
    in_pieces: list[Record | Bad] = [item for piece in pieces for item in records(piece, "events")]
    assert in_pieces == list(records(io.BytesIO(body), "events"))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b'{"a":1}', True),
        (b'{"events":[1]}', False),
        (b'{"events":1}', True),
        (b"[{}]", False),
        (b"{", False),
        (b"1", False),
    ],
)
def test_only_an_object_of_a_record_a_line_is_cut(line, wanted):
    assert is_record(line, "events") is wanted


def end_at_once(landed, stream, ctx):
    os._exit(3)


def test_a_process_that_dies_fails_the_load(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "SEVERAL_BYTES", 0)
    ctx = context(tmp_path, 2)
    with RowFiles() as files, pytest.raises(WorkerEnded, match="ended with 3"):
        prepare_batch(
            [landed(ctx, "a", gzip.compress(b"{}"))], {DATASET: Dataset(DATASET, end_at_once)}, ctx, files, AT
        )


def too_much(landed, stream, ctx):
    yield "solana_signatures", {"signature": "s", "slot": "no number", "_line": 1, "_event_date": None}


def test_a_row_that_does_not_fit_its_table_is_an_error_that_names_why(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "SEVERAL_BYTES", 0)
    ctx = context(tmp_path, 2)
    with RowFiles() as files, pytest.raises(ValueError, match="'no number' with type str"):
        prepare_batch([landed(ctx, "a", gzip.compress(b"{}"))], {DATASET: Dataset(DATASET, too_much)}, ctx, files, AT)
