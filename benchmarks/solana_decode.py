"""Anchor events decoded a second: this decoder against anchorpy and against the Rust binding solana-anchor-events.

The same recorded payloads on both sides, runs in turn, medians. anchorpy gets bytes; the Rust binding takes log lines
only, so there this decoder starts from the base64 token too. The competitors live in an environment of their own below
WAREHOUSE_HOME, made here from benchmarks/requirements-competitors.txt.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.environment import CompetitorsMissing, competitors_python
from ingestion.solana.anchor.events import Decoded, decode_payload, payload_of
from ingestion.solana.anchor.idl import Idl, parse_idl

HERE = Path(__file__).parent
FIXTURES = HERE.parents[1] / "shared" / "fixtures" / "solana"


@dataclass(frozen=True)
class Case:
    """One comparison: events of an IDL, the competitor, and the ratio that is wanted."""

    competitor: str
    idl: str
    event: str | None
    from_text: bool
    wanted: float


CASES = (
    Case("anchorpy", "drift_openbook_v2.json", None, False, 10),
    Case("solana-anchor-events", "chainstack_pump_fun_idl.json", "TradeEvent", True, 1),
)


def main(rows: int, runs: int) -> None:
    """Measure each case with about `rows` events a run, and print medians and ratios."""
    console = Console()
    if not FIXTURES.is_dir():
        console.print(
            "solana_decode: not run, recorded events (../shared/fixtures/solana/event_vectors.jsonl) are absent"
        )
        return
    try:
        python = competitors_python()
    except CompetitorsMissing as error:
        console.print(f"solana_decode: not run, {error}")
        return
    table = Table(title=f"Anchor events decoded, about {rows:,} a run, median of {runs}")
    for heading in ("events", "competitor", "its events/s", "ours", "ratio", "wanted"):
        table.add_column(heading, justify="left" if heading in ("events", "competitor") else "right")
    for case in CASES:
        table.add_row(*_compared(case, python, rows, runs))
    console.print(table)


def _compared(case: Case, python: Path, rows: int, runs: int) -> tuple[str, ...]:
    idl_file = FIXTURES / "idl" / case.idl
    tokens = _tokens(case)
    passes = max(1, rows // len(tokens))
    idl = parse_idl(idl_file.read_bytes())
    ours = _run(idl, tokens, passes, case.from_text)
    with tempfile.TemporaryDirectory() as folder:
        payloads = Path(folder) / "payloads"
        payloads.write_text("\n".join(tokens))
        command = [
            str(python),
            str(HERE / "competitors.py"),
            case.competitor,
            str(idl_file),
            str(payloads),
            str(passes),
        ]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin is not None
        assert child.stdout is not None
        with child:
            names = [name for name, _ in json.loads(child.stdout.readline())]
            assert names == [_decoded(idl, token).name for token in tokens], "the two sides read different events"
            mine, other = [], []
            for _ in range(runs + 1):  # the first of each is a warm-up
                mine.append(_seconds(ours))
                print("run", file=child.stdin, flush=True)
                other.append(float(child.stdout.readline()))
            child.stdin.close()
    events = len(tokens) * passes
    ratio = median(theirs / our for our, theirs in zip(mine[1:], other[1:], strict=True))
    speeds = (f"{events / median(side[1:]):,.0f}" for side in (other, mine))
    what = f"{case.idl} {case.event or 'all events'}, {len(tokens)} vectors"
    return what, case.competitor, *speeds, f"{ratio:.2f}", f">= {case.wanted:g}"


def _tokens(case: Case) -> list[str]:
    """Base64 payloads of the case."""
    lines = (FIXTURES / "event_vectors.jsonl").read_text(encoding="utf-8").splitlines()
    vectors = [json.loads(line) for line in lines]
    return [v["data_b64"] for v in vectors if v["idl"] == case.idl and case.event in (None, v["event"])]


def _run(idl: Idl, tokens: list[str], passes: int, from_text: bool) -> Callable[[], None]:
    idls, payloads = [idl], [base64.b64decode(token) for token in tokens]

    def run() -> None:
        for _ in range(passes):
            if from_text:
                for token in tokens:
                    decode_payload(idls, payload_of(token))
            else:
                for payload in payloads:
                    decode_payload(idls, payload)

    return run


def _decoded(idl: Idl, token: str) -> Decoded:
    result = decode_payload([idl], base64.b64decode(token))
    assert isinstance(result, Decoded)
    return result


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
