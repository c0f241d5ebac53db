"""Peak memory of preparing 10,000, 100,000 and (--rows 1000000) 1,000,000 landed transactions, each in its own process.

The simulated transactions are streamed again and again, compressed as they are landed, through the reader and into the
files that are loaded. python -m benchmarks.solana_memory COUNT is one such process: it prints its peak in bytes.
"""

from __future__ import annotations

import gzip
import io
import resource
import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from benchmarks.solana_rows import LANDED, context_of, repeated, simulated_lines
from ingestion.solana.rows import prepare_transactions
from ingestion.staging import RowFiles

MEMBER = 1_000
"""Transactions in a gzip member; a stream is the same member again and again."""


class _Repeated(io.RawIOBase):
    """The same bytes a number of times, without holding them."""

    def __init__(self, content: bytes, times: int) -> None:
        self._content, self._left, self._at = content, times, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        if self._left == 0:
            return 0
        part = self._content[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        if self._at == len(self._content):
            self._at, self._left = 0, self._left - 1
        return len(part)


def main(rows: int, runs: int) -> None:
    """Peak resident memory by number of transactions, and its ratio to that of the fewest."""
    counts = [count for count in (10_000, 100_000, 1_000_000) if count <= max(rows, 10_000)]
    table = Table(title="peak resident memory of landed transactions -> files to load")
    for heading in ("transactions", "MB", "ratio", "seconds"):
        table.add_column(heading, justify="right")
    first = 0.0
    for count in counts:
        started = time.perf_counter()
        command = [sys.executable, "-m", "benchmarks.solana_memory", str(count)]
        peak = int(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) / 1e6
        first = first or peak
        table.add_row(f"{count:,}", f"{peak:.0f}", f"{peak / first:.2f}", f"{time.perf_counter() - started:.0f}")
    Console().print(table)


def _peak(count: int) -> int:
    """Peak resident memory of this process after preparing `count` transactions, bytes."""
    member = gzip.compress(b"".join(repeated(simulated_lines(), MEMBER)), mtime=0)
    stream = gzip.GzipFile(fileobj=io.BufferedReader(_Repeated(member, count // MEMBER)))
    transactions = 0
    with RowFiles() as files:
        for table, columns in prepare_transactions(LANDED, stream, context_of("skill_match")):
            files.add(table, columns)
            transactions += table == "solana_transactions"
        files.finish()
    if transactions != count:
        raise RuntimeError(f"{transactions} of {count} transactions became rows")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(_peak(int(sys.argv[1])))
