"""landing -> raw: rows/s of the loader against plain DuckDB reading the same file into a table.

The loader parses each record, replaces personal fields, types the columns, finds audit lines, stages, and swaps in one
transaction; DuckDB's read does none of that. The ratio says what all of it costs together.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from ingestion import run
from ingestion.base import NewObject, Source
from ingestion.sources import source
from ingestion.tables import ensure_tables
from warehouse.config import load_config
from warehouse.services import SANDBOX_PSEUDONYM_KEY, Services, runtime_environment
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05", "2026-10-06")


def records(rows: int) -> bytes:
    """Worker trace records as Logpush delivers them: gzip NDJSON, one log line each."""
    draw = random.Random(7)
    start = int(WINDOW.start.timestamp() * 1000)
    lines = (
        json.dumps(
            {
                "CPUTimeMs": draw.randrange(50),
                "EventTimestampMs": start + draw.randrange(86_400_000),
                "EventType": "fetch",
                "Event": {
                    "RayID": f"{draw.getrandbits(64):016x}",
                    "Request": {"Method": "GET", "URL": "https://api/x"},
                },
                "Exceptions": [],
                "Logs": [{"Level": "log", "Message": [f"request {n} done"], "TimestampMs": start}],
                "Outcome": "ok",
                "ScriptName": "api",
                "WallTimeMs": draw.randrange(500),
            }
        )
        for n in range(rows)
    )
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def main(rows: int, runs: int) -> None:
    """Measure both sides in turn and print medians and their ratio."""
    body = records(rows)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "records.log.gz"
        file.write_bytes(body)
        os.environ.update(runtime_environment(Path(folder)))
        os.environ["WAREHOUSE_PSEUDONYM_KEY"] = SANDBOX_PSEUDONYM_KEY
        with Services(load_config()) as services:
            services.start_warehouse()
            ensure_tables(run.context(load_config()).client)
            ours, theirs = [], []
            for number in range(runs + 1):  # the first of each is a warm-up
                ours.append(_seconds(lambda n=number: _load(body, n), before=lambda n=number: _land(body, n)))
                theirs.append(_seconds(lambda: _duckdb(file)))
    _print(rows, len(body), ours[1:], theirs[1:])


def _source(body: bytes, number: int) -> Source:
    held = source("cloudflare")
    new = NewObject("workers_trace_events", f"bench/{number}", body, "benchmark")
    return Source("cloudflare", lambda window, ctx: iter([new]), held.datasets)


def _land(body: bytes, number: int) -> None:
    # other bytes each time, or the landing would find that it holds the object
    run.land(_source(body + gzip.compress(b"\n" * (number + 1)), number), WINDOW, run.context(load_config()), "bench")


def _load(body: bytes, number: int) -> None:
    run.load(_source(body, number), WINDOW, run.context(load_config()), "bench")


def _duckdb(file: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"create table t as select * from read_json('{file}', format = 'newline_delimited')")


def _seconds(work: Callable[[], None], before: Callable[[], None] = lambda: None) -> float:
    before()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _print(rows: int, size: int, ours: list[float], theirs: list[float]) -> None:
    table = Table(title=f"landing -> raw, {rows:,} Worker traces, {size / 1e6:.1f} MB gzip, median of {len(ours)}")
    for heading in ("", "seconds", "rows/s", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
    table.add_row("this loader", f"{median(ours):.2f}", f"{rows / median(ours):,.0f}", f"{ratio:.1f}")
    table.add_row("DuckDB read_json into a table", f"{median(theirs):.2f}", f"{rows / median(theirs):,.0f}", "1.0")
    Console().print(table)
