"""Proofs in trees that no test could hold: 100 million equal leaves, whose nodes are known level by level."""

from __future__ import annotations

import random
from datetime import date
from functools import cache

import pytest

from audit import merkle, prove
from audit.prove import NotProvable, day_path
from audit.verify import Tree

LEAF = merkle.leaf_hash(b"the same record again")
SIZE = 100_000_000


@cache
def root_of(size: int) -> bytes:
    """Root over `size` equal leaves, by the definition of RFC 6962, section 2.1."""
    if size == 1:
        return LEAF
    split = 1 << (size - 1).bit_length() - 1
    return merkle.node_hash(root_of(split), root_of(size - split))


def tile(asked: list[tuple[int, int]]):
    """Stands for the tables: nodes of a level from a position on, 256 at most, or all of the highest level."""

    def read(client, day, stream, level, first):
        count = -(-SIZE // (1 << level))
        last = min(count, first + 256)
        asked.append((level, last - first))
        return [root_of(min(1 << level, SIZE - (n << level))) for n in range(first, last)]

    return read


def test_a_record_among_100_million_is_proved_by_few_hashes_from_few_nodes(monkeypatch):
    rng = random.Random(100)
    for position in (0, 255, 256, 65_536, 2**24 - 1, 2**24, SIZE - 1, *(rng.randrange(SIZE) for _ in range(20))):
        asked: list[tuple[int, int]] = []
        monkeypatch.setattr(prove, "_tile", tile(asked))
        path = day_path(None, date(2026, 10, 5), "s", position, SIZE)
        assert len(path) < 30
        assert [level for level, _ in asked] == [0, 8, 16, 24]
        assert sum(count for _, count in asked) <= 3 * 256 + 6
        assert merkle.root_from_inclusion(LEAF, position, SIZE, path) == root_of(SIZE)


def test_a_tile_that_lacks_a_node_proves_nothing(monkeypatch):
    monkeypatch.setattr(prove, "_tile", lambda *args: tile([])(*args)[1:])
    with pytest.raises(NotProvable, match="level 0 has 255 nodes from 256 on"):
        day_path(None, date(2026, 10, 5), "s", 300, SIZE)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 513, 65_535, 65_536, 65_537, 70_000])
def test_a_tree_built_leaf_by_leaf_is_that_of_the_whole_list(size):
    leaves = [merkle.leaf_hash(n.to_bytes(4, "big")) for n in range(size)]
    built, nodes, whole = Tree(), leaves, {}
    for leaf in leaves:
        built.add(leaf)
    for level in range(1, 25):
        nodes = merkle.next_level(nodes)
        whole[level] = nodes
    assert built.root() == merkle.root(leaves)
    assert built.size == size
    assert built.levels() == {level: whole[level] for level in (8, 16, 24) if size > 1 << level - 8}
