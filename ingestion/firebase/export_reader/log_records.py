"""LevelDB's log format: https://github.com/google/leveldb/blob/main/doc/log_format.md

Blocks of 32 KiB hold fragments (masked CRC32C, length, type); a record is one fragment or FIRST, MIDDLE..., LAST. What
is damaged is told with its bytes, and reading goes on at the next intact fragment: leveldb-export's reader, and
LevelDB's, skip such stretches (and whole blocks after them) without a word.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import google_crc32c

BLOCK = 32 * 1024
HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
LONGEST_DAMAGE = 1 << 20
"""Bytes that one Damage tells of; a longer stretch is several."""

_MASK_DELTA = 0xA282EAD8


@dataclass(frozen=True)
class Record:
    """An intact record and where its first fragment begins."""

    offset: int
    data: bytes


@dataclass(frozen=True)
class Damage:
    """Bytes from `offset` on that belong to no intact record, and what is wrong with the first of them."""

    offset: int
    raw: bytes
    reason: str


@dataclass(frozen=True)
class _Fragment:
    offset: int
    kind: int
    data: bytes
    raw: bytes


def masked_crc(kind: int, data: bytes) -> int:
    """The checksum as a fragment's header states it."""
    crc = google_crc32c.extend(google_crc32c.value(bytes((kind,))), data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def log_records(stream: BinaryIO) -> Iterator[Record | Damage]:
    """Records of a log in order, and the stretches between them that are damaged. Holds one record at a time."""
    begun: list[_Fragment] = []
    damaged = _Stretch()
    for found in _fragments(stream):
        if isinstance(found, Damage):
            yield from damaged.add(*_bytes_of(begun), reason="a record has no end")
            yield from damaged.add(found.offset, found.raw, reason=found.reason)
            begun = []
            continue
        if found.kind in (FULL, FIRST):
            yield from damaged.add(*_bytes_of(begun), reason="a record has no end")
            yield from damaged.take()
            begun = [found]
        elif begun:
            begun.append(found)
        else:
            yield from damaged.add(found.offset, found.raw, reason="a record has no beginning")
        if begun and found.kind in (FULL, LAST):
            yield Record(begun[0].offset, b"".join(part.data for part in begun))
            begun = []
    yield from damaged.add(*_bytes_of(begun), reason="a record has no end")
    yield from damaged.take()


class _Stretch:
    """Damage that grows until an intact record follows it."""

    def __init__(self) -> None:
        self._offset, self._raw, self._reason = 0, bytearray(), ""

    def add(self, offset: int, raw: bytes, *, reason: str) -> Iterator[Damage]:
        if not raw:
            return
        if not self._raw:
            self._offset, self._reason = offset, reason
        self._raw += raw
        if len(self._raw) >= LONGEST_DAMAGE:
            yield from self.take()

    def take(self) -> Iterator[Damage]:
        if self._raw:
            yield Damage(self._offset, bytes(self._raw), self._reason)
            self._raw = bytearray()


def _bytes_of(fragments: list[_Fragment]) -> tuple[int, bytes]:
    return (fragments[0].offset if fragments else 0), b"".join(part.raw for part in fragments)


def _fragments(stream: BinaryIO) -> Iterator[_Fragment | Damage]:
    base = 0
    while block := _read(stream, BLOCK):
        at = 0
        while at < len(block):
            if BLOCK - at < HEADER.size:
                break  # the trailer of a block: no fragment fits
            if not any(block[at : at + HEADER.size]) and not any(block[at:]):
                break  # space set aside
            fragment, problem = _fragment(block, at)
            if fragment is not None:
                yield _Fragment(base + at, *fragment)
                at += len(fragment[2])
                continue
            end = next((place for place in range(at + 1, len(block)) if _fragment(block, place)[0]), len(block))
            yield Damage(base + at, block[at:end], problem)
            at = end
        base += len(block)


def _fragment(block: bytes, at: int) -> tuple[tuple[int, bytes, bytes] | None, str]:
    """(type, data, all its bytes) of the intact fragment at a place of a block, or why there is none."""
    if len(block) - at < HEADER.size:
        return None, "the file ends within a header"
    crc, length, kind = HEADER.unpack_from(block, at)
    end = at + HEADER.size + length
    if end > len(block):
        return None, "the file ends within a record" if len(block) < BLOCK else "a length runs over its block"
    if not FULL <= kind <= LAST:
        return None, "a fragment is of an unknown type"
    data = block[at + HEADER.size : end]
    if crc != masked_crc(kind, data):
        return None, "a checksum (CRC32C) doesn't match"
    return (kind, data, block[at:end]), ""


def _read(stream: BinaryIO, size: int) -> bytes:
    """As many bytes as asked for, unless the stream ends."""
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
