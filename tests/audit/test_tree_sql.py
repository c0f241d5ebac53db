"""Trees in SQL against audit/merkle.py, which is tested against RFC 6962's vectors: roots and kept nodes, equal."""

from __future__ import annotations

import os
import random
from hashlib import sha256

import pytest

from audit import merkle
from audit.tree_sql import LEVELS, above_sql, roots_sql, tree_script
from ingestion.tables import ensure_tables
from warehouse.client import bigquery_client
from warehouse.config import load_config

CAMPAIGN = bool(os.environ.get("CAMPAIGN"))
EDGES = [1, 2, 3, 15, 16, 17, 31, 33, 255, 256, 257, 511, 513]
FAR_EDGES = [4095, 4097, 65_535, 65_536, 65_537]


def hashes(log: int, size: int) -> list[str]:
    return [sha256(f"{log} {n}".encode()).hexdigest() for n in range(size)]


def kept_nodes(leaves: list[bytes]) -> dict[tuple[int, int], str]:
    """Nodes of the kept levels that have more than one kept node below them, by the Python implementation."""
    found, nodes, below = {}, leaves, len(leaves)
    for level in range(1, max(LEVELS) + 1):
        nodes = merkle.next_level(nodes)
        if level in LEVELS:
            found |= {(level, n): node.hex() for n, node in enumerate(nodes)} if below > 1 else {}
            below = len(nodes)
    return found


@pytest.fixture(scope="module")
def client(embedded):
    made = bigquery_client(load_config().model_copy(update={"project": "tree-sql"}))
    ensure_tables(made)
    return made


def logs_table(client, sizes: list[int]) -> str:
    """A table of logs; the hashes are made in SQL, as the test's are made by hashlib."""
    wanted = ", ".join(f"struct({log} as log, {size} as size)" for log, size in enumerate(sizes) if size)
    client.query(
        f"""create or replace table scratch.logs as
            select cast(w.log as string) as tree, n as position,
                to_hex(sha256(concat(cast(w.log as string), ' ', cast(n as string)))) as hash
            from unnest([{wanted}]) as w cross join unnest(generate_array(0, w.size - 1)) as n"""
    ).result()
    return "scratch.logs"


def test_roots_and_nodes_in_sql_are_those_in_python(client):
    rng = random.Random(256)
    count = 1_000 if CAMPAIGN else 40
    sizes = [*EDGES, *(FAR_EDGES if CAMPAIGN else []), *(rng.randrange(0, 700) for _ in range(count))][:count]
    logs = logs_table(client, sizes)
    rows = client.query(f"{tree_script(logs, 'scratch.nodes', 2**24 + 1)} {roots_sql(logs, 'scratch.nodes')}").result()
    found = {int(row["tree"]): (row["size"], row["root"]) for row in rows}
    nodes: dict[int, dict[tuple[int, int], str]] = {}
    for row in client.query("select * from scratch.nodes").result():
        nodes.setdefault(int(row["tree"]), {})[row["level"], row["position"]] = row["hash"]
    assert len(found) == sum(size > 0 for size in sizes)
    for log, size in enumerate(sizes):
        leaves = [bytes.fromhex(text) for text in hashes(log, size)]
        assert found.get(log, (0, merkle.EMPTY_ROOT.hex())) == (size, merkle.root(leaves).hex())
        assert nodes.get(log, {}) == kept_nodes(leaves), size


def test_the_step_is_the_same_on_every_level(client):
    """Nodes of level 24 above 300 nodes of level 16, as if each stood for a tree of 65,536 leaves."""
    logs = logs_table(client, [300])
    rows = {row["position"]: row["hash"] for row in client.query(above_sql(logs)).result()}
    leaves = [bytes.fromhex(text) for text in hashes(0, 300)]
    assert rows == {0: merkle.root(leaves[:256]).hex(), 1: merkle.root(leaves[256:]).hex()}
