"""Records in a JSON list ([...] or {"events": [...]}) of any length, one at a time in flat memory.

After the list the stream may go on: with another list, or with objects one after the other.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from ingestion.cloudflare.pieces import Pieces
from ingestion.jsontext import BadJson, decode, skip_space
from ingestion.lines import CHUNK, Bad, Record

LONGEST = 8 * 1024 * 1024
"""Characters that are looked through for the end of a record; a record of more is not read."""
_PLAIN = json.JSONDecoder()
_KEY = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:')


def opens_list(text: str, wrapper: str) -> bool:
    """Whether a text begins with a list, or with an object whose `wrapper` is a list."""
    return _opening(text, 0, wrapper) is not None


def listed(pieces: Pieces, wrapper: str) -> Iterator[Record | Bad]:
    """Elements of the lists in a stream, numbered from 1. What is no JSON is a Bad; reading goes on behind it."""
    text = _Window(pieces)
    count, inside, signature = 0, False, ""
    while True:
        text.skip(" \t\r\n,")
        if text.at_end:
            break
        if inside and text.next == "]":
            text.advance(1)
            text.rest_of_wrapper()
            inside = False
            continue
        if not inside and (opening := text.opening(wrapper)) is not None:
            text.advance(opening)
            inside = True
            continue
        count += 1
        value = text.value()
        if value is not None:
            signature = signature or _signature(value[1])
            yield Record(count, value[0], _bytes(value[1]))
        else:
            code, reason, raw = text.bad(signature)
            if text.at_end and pieces.broken:
                yield Bad(count, raw, *pieces.broken)
                return
            yield Bad(count, raw, code, reason)
    if pieces.broken:
        yield Bad(count + 1, b"", *pieces.broken)
    elif inside:
        yield Bad(count + 1, b"", "bad_json", "the list has no end; what came before is kept")


class _Window:
    """The part of the stream's text that is being looked at, and a place in it."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces, self._text, self._at, self._ended = pieces, "", 0, False
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def _fill(self, ahead: int) -> None:
        """Have `ahead` characters after the place, if the stream has as many."""
        if self._ended or len(self._text) - self._at >= ahead:
            return
        parts, have = [self._text[self._at :]], len(self._text) - self._at
        while have < 2 * ahead and not self._ended:  # more than asked for, or each record would move what is held
            piece = self._pieces.read1(CHUNK)
            self._ended = not piece
            parts.append(self._decoder.decode(piece, final=self._ended))
            have += len(parts[-1])
        self._text, self._at = "".join(parts), 0

    @property
    def at_end(self) -> bool:
        self._fill(1)
        return self._at >= len(self._text)

    @property
    def next(self) -> str:
        self._fill(1)
        return self._text[self._at : self._at + 1]

    def advance(self, count: int) -> None:
        self._at += count

    def skip(self, characters: str) -> None:
        """Go to the next character that is none of these."""
        while True:
            self._fill(1)
            while self._at < len(self._text) and self._text[self._at] in characters:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return

    def opening(self, wrapper: str) -> int | None:
        """Characters up to the first element, where a list or wrapper begins here."""
        self._fill(CHUNK)
        end = _opening(self._text, self._at, wrapper)
        return None if end is None else end - self._at

    def rest_of_wrapper(self) -> None:
        """Go behind what a wrapper has after its list."""
        self.skip(" \t\r\n")
        if self.next == ",":
            self._fill(CHUNK)
            try:
                _, end = decode("{" + self._text[self._at + 1 :], 0)
                self.advance(end)
            except BadJson:
                pass
        elif self.next == "}":
            self.advance(1)

    def value(self) -> tuple[object, str] | None:
        """(value, its text) of the JSON value here, going behind it; None where there is none."""
        for ahead in (CHUNK, LONGEST):
            self._fill(ahead)
            try:
                value, end = decode(self._text, self._at)
            except BadJson:
                if self._ended or not _is_cut(self._text, self._at):
                    return None
                continue
            if end < len(self._text) or self._ended:  # a number may go on in the next piece
                raw, self._at = self._text[self._at : end], end
                return value, raw
        return None

    def bad(self, signature: str) -> tuple[str, str, bytes]:
        """(code, reason, bytes) of what stands here up to where a record seems to begin, going there."""
        try:
            decode(self._text, self._at)
            code, reason = "bad_json", "the record is longer than any that is read"
        except BadJson as bad:
            code, reason = bad.code, bad.reason
        end = self._next_record(signature)
        raw, self._at = self._text[self._at : end], end
        return code, reason, _bytes(raw.rstrip(" \t\r\n,"))

    def _next_record(self, signature: str) -> int:
        """Where the next line with an object begins, or the next object with the first key that records have."""
        starts = [re.compile(r"\n\s*\{")]
        if signature:
            starts.append(re.compile(r",\s*" + re.escape(signature)))
        found = [match.start() + 1 for start in starts if (match := start.search(self._text, self._at + 1))]
        return min(found, default=len(self._text))


def _opening(text: str, at: int, wrapper: str) -> int | None:
    at = skip_space(text, at)
    if text[at : at + 1] == "[":
        return at + 1
    if text[at : at + 1] != "{":
        return None
    while True:  # the members before the list
        at = skip_space(text, at + 1)
        try:
            key, at = decode(text, at)
            at = skip_space(text, at)
            if text[at : at + 1] != ":":
                return None
            at = skip_space(text, at + 1)
            if key == wrapper and text[at : at + 1] == "[":
                return at + 1
            _, at = decode(text, at)
        except BadJson:
            return None
        at = skip_space(text, at)
        if text[at : at + 1] != ",":
            return None


def _is_cut(text: str, at: int) -> bool:
    """Whether what begins here is no JSON only because the text ends."""
    try:
        _PLAIN.raw_decode(text, at)
    except json.JSONDecodeError as error:
        return error.msg.startswith("Unterminated string") or error.pos >= len(text) - len("\\uXXXX")
    except (ValueError, RecursionError):
        pass
    return False


def _signature(raw: str) -> str:
    """The beginning of a record up to its first key."""
    match = _KEY.match(raw)
    return match[0] if match else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
