"""LevelDB's log format, and single protobuf fields, as a writer makes them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import google_crc32c

BLOCK, HEADER = 32 * 1024, 7


def log(records: Iterable[bytes]) -> bytes:
    """The records in LevelDB's log format."""
    written = bytearray()
    for record in records:
        rest, first = record, True
        while first or rest:
            room = BLOCK - len(written) % BLOCK
            if room < HEADER:
                written += bytes(room)
                room = BLOCK
            piece, rest = rest[: room - HEADER], rest[room - HEADER :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            crc = google_crc32c.value(bytes((kind,)) + piece)
            masked = ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF
            written += struct.pack("<IHB", masked, len(piece), kind) + piece
            first = False
    return bytes(written)


def number(field: int, value: int) -> bytes:
    """A protobuf varint field."""
    return bytes(varint(field << 3)) + bytes(varint(value))


def block(field: int, content: bytes) -> bytes:
    """A protobuf field of bytes, text or a message."""
    return bytes(varint(field << 3 | 2)) + bytes(varint(len(content))) + content


def varint(value: int) -> Iterator[int]:
    """Bytes of a protobuf varint."""
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
