"""Large objects of lines, cut at line ends: each piece is read on its own, with the line numbers of the whole."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

PIECE_BYTES = 8 << 20
"""Bytes of a piece, or as many as its last line needs. Fixed, so that rows don't depend on the machine."""
CHUNK = 1 << 20


class Piece(io.BytesIO):
    """Lines of an object from number `first_line` on."""

    def __init__(self, body: bytes, first_line: int) -> None:
        super().__init__(body)
        self.first_line = first_line

    def __reduce__(self) -> tuple[type[Piece], tuple[bytes, int]]:
        return Piece, (self.getvalue(), self.first_line)

    def first_record(self) -> bytes:
        """The first line that isn't blank."""
        return self.getvalue().lstrip().partition(b"\n")[0]


def first_line(stream: BinaryIO) -> int:
    """Number of the stream's first line: 1, unless it is a piece of an object."""
    return getattr(stream, "first_line", 1)


def cut(stream: BinaryIO, size: int) -> Iterator[Piece]:
    """The stream as pieces of whole lines, of `size` bytes or a little more."""
    held: list[bytes] = []
    length, line = 0, 1
    while chunk := stream.read(min(CHUNK, size)):
        held.append(chunk)
        length += len(chunk)
        if length >= size and (end := chunk.rfind(b"\n") + 1):
            held[-1] = chunk[:end]
            body = b"".join(held)
            yield Piece(body, line)
            line += body.count(b"\n")
            held, length = [chunk[end:]], len(chunk) - end
    if length:
        yield Piece(b"".join(held), line)
