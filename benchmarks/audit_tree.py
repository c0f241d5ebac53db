"""Hashing of records and trees against hashlib's SHA-256 over the same records' canonical bytes, in CPU time.

In Python: leaf hashes, the tree as `verify` builds it, both. In the embedded warehouse: the tree's script alone, which
hashes no records but all nodes, beside hashlib over the same nodes' bytes; and a whole sealing, with all it reads,
compares and writes. CPU time of the warehouse's process, as its two threads and other processes share the machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from audit.encoding import RECORD, RECORD_FIELDS, canonical
from audit.merkle import leaf_hash, root
from audit.seal import seal_window
from audit.tables import ensure_tables
from audit.tree_sql import tree_script
from audit.verify import Tree
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.services import Services, runtime_environment
from warehouse.window import Window

DAY = "2026-10-05"
STREAM = "platform/benchmark"


def main(rows: int, runs: int) -> None:
    """Measure with `rows` records, `runs` times each side in turn."""
    records = [_record(n) for n in range(rows)]
    _python(records, runs)
    with tempfile.TemporaryDirectory(prefix="bench-audit-") as home:
        before = dict(os.environ)
        os.environ.update(runtime_environment(Path(home)))
        try:
            _warehouse(rows, runs)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _record(number: int) -> bytes:
    """Canonical bytes of a record such as a money event."""
    texts = dict.fromkeys(RECORD_FIELDS) | {
        "stream": STREAM,
        "source": "platform",
        "source_key": f"event/{number:012d}",
        "seq": str(number),
        "at": str(1_791_158_400_000_000 + number),
        "event_day": DAY,
        "action": "stake_deposited",
        "subject": f"{number:032x}",
        "amount": "25000000",
        "unit": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
        "decimals": "6",
        "match_id": f"match-{number // 2:08d}",
    }
    return canonical(RECORD, RECORD_FIELDS, texts)


def _python(records: Sequence[bytes], runs: int) -> None:
    leaves = [leaf_hash(record) for record in records]
    sides: dict[str, Callable[[], object]] = {
        "hashlib.sha256 of the records": lambda: [sha256(record).digest() for record in records],
        "leaf hashes": lambda: [leaf_hash(record) for record in records],
        "tree over leaf hashes": lambda: _built(leaves),
        "leaf hashes and tree": lambda: _built(leaf_hash(record) for record in records),
    }
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(runs + 1):  # the first of each is a warm-up
        for name, work in sides.items():
            started = time.process_time()
            work()
            if number:
                spent[name].append(time.process_time() - started)
    size = sum(map(len, records)) // len(records)
    _print(f"Python: {len(records):,} records of {size} bytes", len(records), spent)


def _built(leaves: object) -> bytes:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def _warehouse(rows: int, runs: int) -> None:
    config = load_config()
    nodes = [os.urandom(32) for _ in range(rows)]
    spent: dict[str, list[float]] = {
        name: [] for name in ("hashlib.sha256 of the nodes", "SHA-256 of the nodes in SQL", "tree in SQL", "sealing")
    }
    with Services(config) as services:
        services.start_warehouse()
        process = services.processes[0].pid
        for number in range(runs):
            client = bigquery_client(config.model_copy(update={"project": f"bench-{number}"}))
            ensure_tables(client)
            client.create_dataset("scratch")
            client.query(_leaves_sql(rows)).result()
            started = time.process_time()
            root(nodes)
            spent["hashlib.sha256 of the nodes"].append(time.process_time() - started)
            hashed = "select max(to_hex(sha256(from_hex(concat('01', hash, hash))))) from scratch.leaves"
            spent["SHA-256 of the nodes in SQL"].append(_cpu(process, lambda: client.query(hashed).result()))  # noqa: B023
            script = tree_script("scratch.leaves", "scratch.nodes", rows)
            spent["tree in SQL"].append(_cpu(process, lambda: client.query(script).result()))  # noqa: B023
            client.query(_EVENTS_SQL).result()
            window = Window.parse(DAY, "2026-10-06")
            alone = config.model_copy(update={"audit": config.audit.model_copy(update={"recomputed_records": 0})})
            spent["sealing"].append(_cpu(process, lambda: seal_window(alone, client, window, "bench")))  # noqa: B023
    _print(f"embedded warehouse: {rows:,} records", rows, spent)


def _cpu(process: int, work: Callable[[], object]) -> float:
    before = _cpu_seconds(process)
    work()
    return _cpu_seconds(process) - before


def _cpu_seconds(process: int) -> float:
    """User and system time of a process so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _leaves_sql(rows: int) -> str:
    return f"""
        create or replace table scratch.leaves as
        select '{STREAM}' as tree, n as position, to_hex(sha256(cast(n as string))) as hash
        from unnest(generate_array(0, {rows - 1})) as n
    """


_EVENTS_SQL = f"""
    insert into audit.events (record_id, stream, source, source_key, `at`, event_day, action, added_at)
    select hash, tree, 'platform', hash, timestamp_add(timestamp '{DAY} 00:00:00', interval position microsecond),
        date '{DAY}', 'stake_deposited', timestamp '{DAY} 23:59:59'
    from scratch.leaves
"""


def _print(title: str, rows: int, spent: dict[str, list[float]]) -> None:
    [baseline, *_] = spent.values()
    table = Table(title=f"{title}, CPU time, median of {len(baseline)}")
    for heading in ("work", "records/s and core", "ratio to the first"):
        table.add_column(heading, justify="left" if heading == "work" else "right")
    for name, mine in spent.items():
        ratio = median(one / other for one, other in zip(mine, baseline, strict=True))
        table.add_row(name, f"{rows / median(mine):,.0f}", f"{ratio:.2f}")
    Console().print(table)
