"""landed transactions -> rows: CPU time up to each stage, against gunzip and JSON parsing of the same bytes.

A landed line holds an answer as received, a JSON text inside a JSON line, so the baseline is gunzip and two parses.
Every stage does all that the ones before it do; the rounds go through the stages in turn.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from ingestion.base import Context, LandedObject
from ingestion.privacy import Pseudonymizer
from ingestion.solana.anchor.emission import extract
from ingestion.solana.anchor.frames import scan_logs
from ingestion.solana.profile import INPUT_ENV, registry_of
from ingestion.solana.rows import prepare_transactions, read_line
from ingestion.staging import RowFiles
from sandbox.addresses import PROGRAM_ID
from sandbox.chain import build_chain
from sandbox.world import build_world
from warehouse.config import load_config
from warehouse.profile import load_profile
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05", "2026-10-09")
FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures"
LANDED = LandedObject(
    uri="gs://landing/solana/transactions/benchmark", source="solana", dataset="transactions", origin_uri="",
    window=WINDOW, generation=1, size_bytes=0, sha256="", landed_at=WINDOW.end,
)  # fmt: skip
BASELINE = "and the answer (orjson)"


def main(rows: int, runs: int) -> None:
    """Measure the simulated transactions, and the recorded ones where they are present."""
    count = max(rows // 20, 1)
    _measure("simulated", context_of("skill_match"), repeated(simulated_lines(), count), runs)
    if FIXTURES.is_dir():
        os.environ[INPUT_ENV] = str(FIXTURES)
        _measure("recorded (OpenBook)", context_of("openbook_v2"), repeated(_recorded_lines(), count), runs)
    else:
        Console().print("recorded transactions: ../shared/fixtures is absent")


def context_of(platform: str) -> Context:
    """What preparing rows needs of a platform; there is no warehouse behind it."""
    config = load_config().model_copy(update={"platform": platform})
    return Context(
        config=config, profile=load_profile(config), client=None, filesystem=None,
        pseudonym=Pseudonymizer(b"a key of the benchmark"), attempt_id="benchmark", secrets=lambda name: None,
    )  # fmt: skip


def simulated_lines() -> list[bytes]:
    """The program's transactions of the simulated chain, as landed lines."""
    chain = build_chain(build_world())
    history = reversed(chain.history(PROGRAM_ID))
    return [_line(chain.transaction(row.signature, "json")) for row in history]


def repeated(lines: list[bytes], count: int) -> list[bytes]:
    """`count` lines, the given ones again and again."""
    return (lines * (count // len(lines) + 1))[:count]


def _recorded_lines() -> list[bytes]:
    paths = sorted((FIXTURES / "solana" / "program_runs").glob("*.json.json"))
    return [_line(json.loads(path.read_bytes())["result"]) for path in paths]


def _line(result: Any) -> bytes:
    answer = orjson.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).decode()
    return orjson.dumps({"signature": None, "response": answer}, option=orjson.OPT_APPEND_NEWLINE)


def _measure(title: str, ctx: Context, lines: list[bytes], runs: int) -> None:
    body = gzip.compress(b"".join(lines), mtime=0)
    stages = _stages(ctx, lambda: gzip.GzipFile(fileobj=io.BytesIO(body)))
    spent: dict[str, list[float]] = {name: [] for name in stages}
    for number in range(runs + 1):  # the first of each is a warm-up
        for name, work in stages.items():
            started = time.process_time()
            for _ in work():
                pass
            if number:
                spent[name].append((time.process_time() - started) / len(lines) * 1e6)
    _print(title, len(lines), sum(map(len, lines)) // len(lines), spent)


def _stages(ctx: Context, received: Callable[[], Iterable[bytes]]) -> dict[str, Callable[[], Iterator[Any]]]:
    """Stage -> a function that works through all transactions up to it, one an iteration."""
    registry = registry_of(ctx.config, ctx.profile)

    def written() -> Iterator[None]:
        with RowFiles() as files:
            for table, columns in prepare_transactions(LANDED, received(), ctx):
                files.add(table, columns)
                yield
            files.finish()

    return {
        "gunzip": lambda: iter(received()),
        "and parse the line (orjson)": lambda: (orjson.loads(line) for line in received()),
        BASELINE: lambda: (orjson.loads(orjson.loads(line)["response"]) for line in received()),
        "view of the transaction": lambda: (read_line(line) for line in received()),
        "and frames of the log": lambda: (scan_logs(read_line(line)) for line in received()),
        "and events found and decoded": lambda: (extract(read_line(line), registry) for line in received()),
        "canonical events, row dicts": lambda: prepare_transactions(LANDED, received(), ctx),
        "NDJSON bytes": lambda: (orjson.dumps(row[1]) for row in prepare_transactions(LANDED, received(), ctx)),
        "compressed files to load": written,
    }


def _print(title: str, count: int, size: int, spent: dict[str, list[float]]) -> None:
    runs = len(spent[BASELINE])
    table = Table(title=f"{title}: {count:,} landed transactions of {size:,} bytes, CPU time, median of {runs}")
    for heading in ("up to", "µs a transaction", "ratio"):
        table.add_column(heading, justify="left" if heading == "up to" else "right")
    for name, mine in spent.items():
        ratio = median(one / other for one, other in zip(mine, spent[BASELINE], strict=True))
        table.add_row(name, f"{median(mine):.1f}", f"{ratio:.2f}")
    Console().print(table)
