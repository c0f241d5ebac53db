"""A landed object's bytes as a stream whose beginning can be looked at first; a broken compression ends it."""

from __future__ import annotations

import zlib
from typing import BinaryIO

from ingestion.lines import CHUNK

_BOM = b"\xef\xbb\xbf"
HEAD = 64 * 1024
"""Bytes that tell an object's form."""


class Pieces:
    """`head` holds the first bytes without a byte order mark; `read1` gives them again, then the rest.

    `broken` is (code, reason) once the compression turned out to be damaged. With `raises`, read1 then raises what the
    stream raised, as a reader of gzip expects; without it the stream just ends.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)  # read() would lose what it had when the stream breaks
        self._error: Exception | None = None
        self.raises = False
        held = b""
        while len(held) < HEAD and (piece := self._next(CHUNK)):
            held += piece
        self._held = held.removeprefix(_BOM)
        self.head = self._held[:HEAD]

    @property
    def broken(self) -> tuple[str, str] | None:
        """Code and reason of a quarantine row."""
        if self._error is None:
            return None
        if isinstance(self._error, EOFError):
            return "truncated_gzip", "the gzip stream ends early; what came before is kept"
        return "bad_gzip", "the gzip stream is damaged; what came before is kept"

    def read1(self, size: int) -> bytes:
        """Up to `size` bytes, or more of those already read; b"" at the end."""
        if self._held:
            piece, self._held = self._held, b""
            return piece
        piece = self._next(size)
        if not piece and self._error is not None and self.raises:
            raise self._error
        return piece

    read = read1

    def _next(self, size: int) -> bytes:
        if self._error is not None:
            return b""
        try:
            return self._read(size)
        except (EOFError, OSError, zlib.error) as error:
            self._error = error
            return b""
