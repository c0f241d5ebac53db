"""A seeded campaign against Stripe, Firebase and Cloudflare: nothing lost, doubled or invented in the staging tables.

    python tests/sources/source_campaign.py --runs 300

A run is two days in two windows and one more for what comes late. Every run has faults of the Stripe API and of what is
exported; half of them are killed once with SIGKILL at a seeded instant. It prints a table and ends with 1 when a single
run fell short. `make campaign` runs it.
"""

from __future__ import annotations

import gzip
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import typer

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
for folder in (str(ROOT), str(HERE)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

import source_runs  # noqa: E402 the folder must be known first

from ingestion.exports import key_time  # noqa: E402
from tests.campaign_kit import (  # noqa: E402 likewise
    First,
    Jobs,
    Outcome,
    Raw,
    Runs,
    collected,
    embedded,
    fault_table,
    in_child,
)
from warehouse.window import Window  # noqa: E402

ATTEMPTS = 3
"""Runs of a window under the same faults before the API's faults are taken away, as an outage ends."""

API_FAULTS: dict[str, Callable[[Random], Any]] = {
    "rate_limited": lambda dice: {"share": 0.2, "retry_after": 0, "lock_timeout": dice.random() < 0.5},
    "server_error": lambda dice: {"share": 0.2},
    "timeout": lambda dice: {"share": 0.05, "seconds": 0.2},
    "not_json": lambda dice: {"share": 0.2},
    "reset_mid_page": lambda dice: {"share": 0.2},
    "late_events": lambda dice: {"share": 0.5, "minutes": dice.choice([5, 30])},
    "arrives_between_pages": lambda dice: {"objects": dice.randint(1, 5)},
}
"""Faults of the Stripe API by its own names."""

Body = tuple[str, bytes]
Change = Callable[[Random, str, bytes], tuple[list[Body], list[Body]]]
"""(dice, key, whole body) -> what is delivered in time, and what only with the last window."""


def _lines(body: bytes) -> list[bytes]:
    return gzip.decompress(body).splitlines(keepends=True)


def _packed(lines: list[bytes]) -> bytes:
    return gzip.compress(b"".join(lines), mtime=0)


def _renamed(key: str, dice: Random) -> str:
    return f"{key.removesuffix('.log.gz')[:-8]}{dice.getrandbits(32):08x}.log.gz"


def _garbage(dice: Random, line: bytes) -> bytes:
    return dice.choice([b"{not json\n", line[: len(line) // 2].rstrip() + b"\n", b'"\xff\xfe"\n', b"[1, 2]\n", b"7\n"])


def _with_garbage(dice: Random, key: str, body: bytes) -> tuple[list[Body], list[Body]]:
    lines = _lines(body)
    for _ in range(3):
        place = dice.randrange(1, len(lines) + 1)
        lines.insert(place, _garbage(dice, lines[0]))
    return [(key, _packed(lines))], []


OBJECT_FAULTS: dict[str, Change] = {
    "doubled": lambda dice, key, body: ([(key, body), (_renamed(key, dice), body)], []),
    "doubled, packed anew": lambda dice, key, body: (
        [(key, body)],
        [(_renamed(key, dice), gzip.compress(gzip.decompress(body), 1, mtime=1))],
    ),
    "late": lambda dice, key, body: ([], [(key, body)]),
    "cut short, then whole": lambda dice, key, body: ([(key, body[: len(body) * 2 // 3])], [(key, body)]),
    "half its lines, then all": lambda dice, key, body: (
        [(key, _packed(_lines(body)[: len(_lines(body)) // 2]))],
        [(key, body)],
    ),
    "other lines, then its own": lambda dice, key, body: (
        [(key, _packed([line.replace(b'"2', b'"3') for line in _lines(body)]))],
        [(key, body)],
    ),
    "written again": lambda dice, key, body: ([(key, body)], [(key, body)]),
    "bad lines among good ones": _with_garbage,
}
"""Faults of one exported gzip object."""

WHERE = {
    "doubled": source_runs.LOGS,
    "doubled, packed anew": source_runs.LOGS,
    "other lines, then its own": ("http_requests", "firestore_changelog"),
}
"""Prefixes that a fault is meant for. Logpush alone repeats a delivery under another name. Audit records in traces that
were seen once stay seen, whatever the object says later: other ones are evidence, not a fault that heals."""


@dataclass
class Delivery:
    """What is put into the run's bucket, and when: objects of their time, and those that come with the last window."""

    in_time: list[Body] = field(default_factory=list)
    late: list[Body] = field(default_factory=list)


def plan(seed: int, platform: source_runs.Platform) -> tuple[Delivery, dict[str, Any], list[str]]:
    """(what is delivered, the API's faults, names for the table) of a seed."""
    dice = Random(f"sources/{seed}")
    api = dice.sample(sorted(API_FAULTS), dice.randint(0, 2))
    kinds = dice.sample(sorted(OBJECT_FAULTS), dice.randint(1, 3))
    chosen: dict[str, str] = {}
    packed = [key for key in sorted(platform.exports) if platform.exports[key].startswith(b"\x1f\x8b")]
    for kind in kinds:
        for key in dice.sample([key for key in packed if key.startswith(WHERE.get(kind, ""))], 3):
            chosen.setdefault(key, kind)
    delivery = Delivery()
    for key, body in platform.exports.items():
        if (kind := chosen.get(key)) is None:
            delivery.in_time.append((key, body))
        else:
            in_time, late = OBJECT_FAULTS[kind](dice, key, body)
            delivery.in_time += in_time
            delivery.late += late
    faults = {name: API_FAULTS[name](dice) for name in api}
    return delivery, {"seed": seed, **faults}, [*(f"Stripe: {name}" for name in api), *kinds]


def source_run(seed: int, platform: source_runs.Platform) -> Outcome:
    """Two windows under a seed's faults and one for what came late; every second run is killed once."""
    delivery, faults, kinds = plan(seed, platform)
    dice = Random(f"kill/{seed}")
    config = source_runs.config_of(f"escrow-sources-{seed}", platform.url)
    storage = source_runs.context(config).filesystem
    outcome = Outcome(seed, kinds, seed % 2 == 0, 0)
    windows = [*_halves(platform.window), Window(platform.window.end, platform.window.end + timedelta(hours=12))]
    killed_in = dice.randrange(len(windows))
    for number, window in enumerate(windows):
        bodies = (
            delivery.late if number == 2 else [b for b in delivery.in_time if window.start <= _at(b[0]) < window.end]
        )
        for key, body in bodies:
            storage.write(f"gs://{config.project}/{key}", body)
        standing = {"as_of": window.end.isoformat()} if number == 0 else {}
        _put(platform, faults | standing)
        for attempt in range(ATTEMPTS + 1):
            if attempt == ATTEMPTS:
                _put(platform, standing)
                outcome.needed_recovery = True
            outcome.attempts += 1
            is_killed = outcome.killed and attempt == 0 and number == killed_in
            if in_child(_settled, (config, window), dice.uniform(0.1, 4.0) if is_killed else None):
                break
    _judge(outcome, config, platform)
    return outcome


def _judge(outcome: Outcome, config: Any, platform: source_runs.Platform) -> None:
    """Fill in what the staging models hold against what was sent."""
    for model, columns, true in source_runs.checks(platform):
        before = (outcome.lost, outcome.doubled, outcome.invented)
        outcome.compare(true, source_runs.held(config, model, columns))
        if (outcome.lost, outcome.doubled, outcome.invented) != before:
            outcome.note += f" {model}"
    waiting = source_runs.rows(config, "select count(*) as n from ops.objects where state = 'landed'")[0]["n"]
    outcome.broken += waiting
    bad = source_runs.rows(config, "select count(*) as n from raw.quarantine where reason_code = 'unreadable'")[0]["n"]
    if bad:
        outcome.note += f" {bad} objects broke their reader"


def _at(key: str) -> datetime:
    at = key_time(key)
    assert at is not None, key
    return at


def _halves(window: Window) -> list[Window]:
    middle = window.start + (window.end - window.start) / 2
    return [Window(window.start, middle), Window(middle, window.end)]


def _put(platform: source_runs.Platform, faults: dict[str, Any]) -> None:
    answer = httpx2.put(f"{platform.url}/control/stripe", json=faults, timeout=60)
    if answer.status_code != 200:
        raise RuntimeError(answer.text)


def _settled(config: Any, window: Window) -> bool:
    """Land and load the window; whether nothing failed."""
    from stripe import StripeClient  # noqa: F401 imported before the clock runs

    from ingestion.stripe import client

    client.LONGEST_WAIT = 0.01  # the server is ours and needs no rest
    return source_runs.ingest(config, window)


@contextmanager
def served_beside_a_warehouse() -> Iterator[source_runs.Platform]:
    """A platform that is served, and an embedded warehouse."""
    with embedded(HERE, ["source_runs"]), source_runs.served() as platform:
        yield platform


def main(first: First = 0, runs: Runs = 300, jobs: Jobs = 2, raw: Raw = False) -> None:
    """Faults of the sources, and a SIGKILL in every second run."""
    outcomes = collected(__file__, [], (first, runs, jobs, raw), served_beside_a_warehouse, source_run)
    if not raw:
        print(fault_table(outcomes))
        raise typer.Exit(int(any(not item.is_good for item in outcomes)))


if __name__ == "__main__":
    began = time.monotonic()
    try:
        typer.run(main)
    finally:
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
