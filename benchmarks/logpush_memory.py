"""Peak memory of reading a Logpush object of 10 MB, 100 MB and (--rows 1000000) 1 GB decompressed, in three forms.

The same Worker traces are streamed again and again, compressed as Logpush delivers them, through the reader and into
the files that are loaded. python -m benchmarks.logpush_memory FORM MEGABYTES is one such process: it prints its peak in
bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, repeat

from rich.console import Console
from rich.table import Table

from benchmarks.solana_rows import context_of
from benchmarks.worker_traces import trace_lines
from ingestion.base import LandedObject
from ingestion.cloudflare.traces import prepare_traces
from ingestion.staging import RowFiles
from warehouse.window import Window

FORMS = ("ndjson", "list", "csv")
PART = 2_000
"""Records in a gzip member."""
LANDED = LandedObject(
    uri="gs://landing/cloudflare/workers_trace_events/bench.1.0123456789ab.gz",
    source="cloudflare",
    dataset="workers_trace_events",
    origin_uri="gs://bucket/workers_trace_events/bench.log.gz",
    window=Window.parse("2026-10-05", "2026-10-06"),
    generation=1,
    size_bytes=0,
    sha256="0" * 64,
    landed_at=datetime(2026, 10, 6, tzinfo=UTC),
)


class _Joined(io.RawIOBase):
    """Pieces of bytes one after the other, without holding them all."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = piece
        part, self._held = self._held[: len(buffer)], self._held[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def main(rows: int, runs: int) -> None:
    """Peak resident memory by form and size, and its ratio to that of the smallest object."""
    table = Table(title="peak resident memory of a Logpush object -> files to load")
    for heading in ("form", "MB of records", "MB of memory", "ratio", "seconds"):
        table.add_column(heading, justify="left" if heading == "form" else "right")
    for form in FORMS:
        first = 0.0
        for megabytes in (size for size in (10, 100, 1_000) if size <= max(rows // 1_000, 10)):
            started = time.perf_counter()
            command = [sys.executable, "-m", "benchmarks.logpush_memory", form, str(megabytes)]
            peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) / 1e6
            first = first or peak
            seconds = f"{time.perf_counter() - started:.0f}"
            table.add_row(form, f"{megabytes:,}", f"{peak:.0f}", f"{peak / first:.2f}", seconds)
    Console().print(table)


def _parts(form: str) -> tuple[bytes, bytes, bytes]:
    """What an object of this form begins with, repeats, and ends with."""
    lines = list(trace_lines(PART))
    if form == "ndjson":
        return b"", b"\n".join(lines) + b"\n", b""
    if form == "list":
        return b'{"events":[', b",".join(lines) + b",", lines[0] + b"]}"
    names = list(json.loads(lines[0]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for line in lines:
        trace = json.loads(line)
        writer.writerow(value if isinstance(value, str | int) else json.dumps(value) for value in trace.values())
    return ",".join(names).encode() + b"\n", text.getvalue().encode(), b""


def _peak(form: str, megabytes: int) -> int:
    """Peak resident memory of this process after reading an object of this size, bytes."""
    begin, part, end = _parts(form)
    times = megabytes * 1_000_000 // len(part)
    members = chain([gzip.compress(begin)], repeat(gzip.compress(part, 1), times), [gzip.compress(end)])
    stream = gzip.GzipFile(fileobj=io.BufferedReader(_Joined(members)))
    found = 0
    with RowFiles() as files:
        for table, columns in prepare_traces(LANDED, stream, context_of("skill_match")):
            files.add(table, columns)
            found += table == "cloudflare_worker_traces"
        files.finish()
    if found != PART * times + bool(end):
        raise RuntimeError(f"{found} of {PART * times} records became rows")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(_peak(sys.argv[1], int(sys.argv[2])))
