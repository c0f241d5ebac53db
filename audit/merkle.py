"""Merkle trees of RFC 6962 (section 2.1) over SHA-256: roots, inclusion proofs and consistency proofs.

A leaf's hash is SHA-256(0x00 || data), a node's is SHA-256(0x01 || left || right). Level by level, the nodes of a level
are paired from the left and a last one without a partner goes up as it is; that is the RFC's tree, which splits at the
largest power of two. Hashes are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf's data."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of the node above two others."""
    return sha256(b"\x01" + left + right).digest()


def next_level(nodes: Sequence[bytes]) -> list[bytes]:
    """The nodes above `nodes`."""
    above = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes[::2], nodes[1::2], strict=False)]
    if len(nodes) % 2:
        above.append(nodes[-1])
    return above


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes; that of an empty log is SHA-256 of nothing."""
    if not leaves:
        return EMPTY_ROOT
    nodes = leaves
    while len(nodes) > 1:
        nodes = next_level(nodes)
    return nodes[0]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Hashes that lead from leaf `index` (from 0) to the root, the lowest first. Raises IndexError outside the log."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a log of {len(leaves)}")
    path, nodes = [], leaves
    while len(nodes) > 1:
        beside = index ^ 1
        if beside < len(nodes):
            path.append(nodes[beside])
        nodes, index = next_level(nodes), index // 2
    return path


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a proof comes to (RFC 9162, 2.1.3.2). Raises ValueError for a proof of another length or place."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a log of {size}")
    node, place, last = leaf, index, size - 1
    for beside in path:
        if last == 0:
            raise ValueError("the proof is longer than the tree is high")
        if place % 2 or place == last:
            node = node_hash(beside, node)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            node = node_hash(node, beside)
        place, last = place // 2, last // 2
    if last:
        raise ValueError("the proof is shorter than the tree is high")
    return node


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Hashes that show that the log of `old_size` leaves is the beginning of this one (RFC 6962, 2.1.2).

    Empty for sizes 0 and len(leaves). Raises ValueError for a size beyond the log.
    """
    if not 0 <= old_size <= len(leaves):
        raise ValueError(f"no log of {old_size} leaves within one of {len(leaves)}")
    return [] if old_size in (0, len(leaves)) else _subproof(leaves, old_size, whole=True)


def _subproof(leaves: Sequence[bytes], old_size: int, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], old_size - split, False), root(leaves[:split])]


def consistent(old_size: int, old_root: bytes, size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that one log is the beginning of the other (RFC 9162, 2.1.4.2)."""
    if old_size > size:
        return False
    if old_size == size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not hashes:
        return False
    place, last = old_size - 1, size - 1
    while place % 2:
        place, last = place // 2, last // 2
    first = second = hashes[0]
    for beside in hashes[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            first, second = node_hash(beside, first), node_hash(beside, second)
            while place and not place % 2:
                place, last = place // 2, last // 2
        else:
            second = node_hash(second, beside)
        place, last = place // 2, last // 2
    return last == 0 and first == old_root and second == new_root
