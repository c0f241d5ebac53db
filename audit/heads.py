"""The log of seals: an RFC 6962 log whose leaf i is the seal with seal_no i; its heads and its proofs.

The functions take the seals in order, from 0 without a gap, as audit.anchors.read_seals gives them: days are text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from audit import merkle
from audit.anchors import Head, head_of

Seals = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Consistency:
    """Two heads and the hashes (hexadecimal) that show that the log of the first is the beginning of the second's."""

    old: Head
    new: Head
    path: tuple[str, ...]


def head_at(seals: Seals, size: int) -> Head:
    """The head over the first `size` seals. Raises ValueError for none, and for more than the log has."""
    if not 0 < size <= len(seals):
        raise ValueError(f"no head of {size} seals: the log has {len(seals)}")
    return head_of(seals[:size])


def size_on(seals: Seals, day: date) -> int:
    """Size of the smallest log that holds every seal of `day` and of the days before it; 0 where there is none."""
    return max((number + 1 for number, seal in enumerate(seals) if seal["seal_day"] <= day.isoformat()), default=0)


def seal_path(seals: Seals, seal_no: int) -> list[str]:
    """Inclusion proof of a seal in the log of all of `seals`, hexadecimal. Raises IndexError outside the log."""
    return [node.hex() for node in merkle.inclusion_proof(_leaves(seals), seal_no)]


def consistency(seals: Seals, old_size: int, new_size: int) -> Consistency:
    """Proof between two heads. Raises ValueError for sizes that the log doesn't have, and for a larger old one."""
    old, new = head_at(seals, old_size), head_at(seals, new_size)
    if old_size > new_size:
        raise ValueError(f"a log of {old_size} seals is not the beginning of one of {new_size}")
    path = merkle.consistency_proof(_leaves(seals[:new_size]), old_size)
    return Consistency(old, new, tuple(node.hex() for node in path))


def is_consistent(proof: Consistency) -> bool:
    """Whether the proof shows what it says."""
    old, new = proof.old, proof.new
    path = [bytes.fromhex(node) for node in proof.path]
    return merkle.consistent(old.size, bytes.fromhex(old.root), new.size, bytes.fromhex(new.root), path)


def _leaves(seals: Seals) -> list[bytes]:
    return [bytes.fromhex(seal["seal_hash"]) for seal in seals]
