"""bucket -> landing -> raw: Worker traces by this loader, by dlt, and by DuckDB's own read of the file into a table.

The loader copies the object and hashes it, parses each record, replaces personal fields, types the columns, makes rows
of structured log lines, stages, and swaps in one transaction; dlt parses and normalises; DuckDB's read only parses.
Each counted load is a process of its own, so that its memory can be told. The embedded warehouse copies a table when
a transaction first writes to it, so the raw tables are emptied between loads.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.environment import CompetitorsMissing, competitors_python
from benchmarks.worker_traces import write_traces
from warehouse.config import load_config
from warehouse.services import SANDBOX_PSEUDONYM_KEY, Services, runtime_environment
from warehouse.storage import gcs_root
from warehouse.window import Window

HERE = Path(__file__).parent
WINDOW = Window.parse("2026-10-05", "2026-10-06")
TABLES = ("cloudflare_worker_traces", "worker_logs")
WARM_UP = 2_000
"""Records that each side loads once before it counts."""


@dataclass(frozen=True)
class Load:
    """Seconds of one load of ours, and the peak memory of its process and of the largest it started, bytes."""

    landing: float
    loading: float
    own_peak: int
    child_peak: int


def main(rows: int, runs: int) -> None:
    """Measure the three sides in turn, then memory at a tenth of the records, and print medians and ratios."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {count: folder / f"{count}.log.gz" for count in (WARM_UP, rows // 10, rows)}
        sizes = {count: write_traces(file, count) for count, file in files.items()}
        with _dlt(folder, console) as dlt, _warehouse(folder) as ours:
            ours(files[WARM_UP], WARM_UP)
            _duckdb(files[WARM_UP], folder)
            dlt(files[WARM_UP], WARM_UP)
            small = ours(files[rows // 10], rows // 10)
            loads, reads, others = [], [], []
            for _ in range(runs):
                loads.append(ours(files[rows], rows))
                reads.append(_duckdb(files[rows], folder))
                others.append(dlt(files[rows], rows))
        _print(console, rows, sizes[rows], loads, reads, [seconds for seconds in others if seconds])
        memory = f"{small.own_peak / 1e6:.0f} MB and {median(load.own_peak for load in loads) / 1e6:.0f} MB"
        children = f"{small.child_peak / 1e6:.0f} MB and {median(load.child_peak for load in loads) / 1e6:.0f} MB"
        console.print(
            f"peak memory at {rows // 10:,} and {rows:,} records: {memory}; each process it starts: {children}"
        )


@contextmanager
def _warehouse(folder: Path) -> Iterator:
    """An embedded warehouse; yields what loads a file of so many records into it, in a new process."""
    os.environ.update(runtime_environment(folder / "home"))
    os.environ["WAREHOUSE_PSEUDONYM_KEY"] = SANDBOX_PSEUDONYM_KEY
    from ingestion.tables import ensure_tables  # here: with the client that the environment now names
    from warehouse.client import bigquery_client

    with Services(load_config()) as services:
        services.start_warehouse()
        config = load_config()
        client = bigquery_client(config)
        ensure_tables(client)
        bucket = gcs_root(config) / config.sources.cloudflare.workers_trace_events.prefix.removeprefix("gs://")
        number = 0

        def load(file: Path, rows: int) -> Load:
            nonlocal number
            number += 1
            target = bucket / "20261005" / f"20261005T{number:06d}Z_20261005T235959Z_{number:08x}.log.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy, file.open("rb") as original:
                shutil.copyfileobj(original, copy)
                copy.write(gzip.compress(b"\n" * number))  # the same content again would be a repeated delivery
            command = [sys.executable, "-m", "benchmarks.load"]
            answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            [held] = client.query(f"select count(*) as n from raw.{TABLES[0]}").result()
            if held["n"] != rows:
                raise RuntimeError(f"{held['n']} of {rows} records are in the table")
            for table in TABLES:
                client.query(f"delete from raw.{table} where true").result()
            return Load(**answer)

        yield load


@contextmanager
def _dlt(folder: Path, console: Console) -> Iterator:
    """What loads a file of so many records by dlt and gives the seconds; None where dlt can't be installed."""
    try:
        python = competitors_python()
    except CompetitorsMissing as error:
        console.print(f"load: without dlt, {error}")
        yield lambda file, rows: None
        return
    command = [str(python), str(HERE / "competitors_load.py"), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:

        def load(file: Path, rows: int) -> float:
            print(file, file=child.stdin, flush=True)
            seconds, loaded = json.loads(child.stdout.readline())
            if loaded != rows:
                raise RuntimeError(f"dlt loaded {loaded} of {rows} records")
            return seconds

        yield load
        child.stdin.close()


def _duckdb(file: Path, folder: Path) -> float:
    """Seconds of DuckDB reading the file into a table of a database file."""
    database = folder / "read.duckdb"
    database.unlink(missing_ok=True)
    started = time.perf_counter()
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"create table t as select * from read_json('{file}', format = 'newline_delimited')")
    return time.perf_counter() - started


def _load_once() -> Load:
    """Land and load what is new in the bucket."""
    from ingestion import run
    from ingestion.sources import source

    cloudflare, ctx = source("cloudflare"), run.context(load_config())
    started = time.perf_counter()
    run.land(cloudflare, WINDOW, ctx, "bench")
    landed = time.perf_counter()
    run.load(cloudflare, WINDOW, ctx, "bench")
    loaded = time.perf_counter()
    unit = 1 if sys.platform == "darwin" else 1024
    return Load(
        landing=landed - started,
        loading=loaded - landed,
        own_peak=_own_peak() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        child_peak=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit,
    )


def _own_peak() -> int | None:
    """Peak of this process alone, bytes: getrusage counts in what started it, which may have held more. Linux only."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    fields = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def _print(console: Console, rows: int, size: int, loads: list[Load], reads: list[float], others: list[float]) -> None:
    ours = [load.landing + load.loading for load in loads]
    table = Table(title=f"{rows:,} Worker traces, {size / 1e6:.0f} MB, bucket -> raw table; median of {len(loads)}")
    for heading in ("", "seconds", "records/s", "ours takes", "wanted"):
        table.add_column(heading, justify="left" if not heading else "right")
    table.add_row("this loader", f"{median(ours):.2f}", f"{rows / median(ours):,.0f}", "", "")
    table.add_row("  of which landing", f"{median(load.landing for load in loads):.2f}", "", "", "")
    for name, theirs, wanted in (("dlt -> DuckDB", others, "1/10"), ("DuckDB read_json -> table", reads, "x 3")):
        if theirs:
            ratio = median(mine / other for mine, other in zip(ours, theirs, strict=True))
            shown = f"x {ratio:.2f}" if ratio > 1 else f"1/{1 / ratio:.1f}"
            table.add_row(name, f"{median(theirs):.2f}", f"{rows / median(theirs):,.0f}", shown, wanted)
    console.print(table)


if __name__ == "__main__":
    print(json.dumps(vars(_load_once())))
