"""Records of a landed object: NDJSON, a JSON array, one JSON document, or the list of a wrapper like {"events": []}.

Good records before, between and after bad ones are kept; what is bad comes out as a Bad with its original bytes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from ingestion.base import LandedObject, Row
from ingestion.cutting import first_line
from ingestion.fields import BadRecord
from ingestion.jsontext import BadJson, decode, loads, skip_space
from ingestion.quarantine import quarantine_row

CHUNK = 256 * 1024
LOOKAHEAD = 64 * 1024 * 1024
"""How much of an object is read to learn whether it is a document over many lines."""

LISTED = 10**9
"""Between lines that are records each, element n of a list on line m has the number m * LISTED + n."""

_BOM = b"\xef\xbb\xbf"


class Record(NamedTuple):
    """A JSON value with its place (line of an NDJSON object, else number of the element) and its bytes as received."""

    line: int
    value: Any
    raw: bytes


class Bad(NamedTuple):
    """Bytes that hold no record. `code`: bad_json, invalid_utf8, nested_too_deep, truncated_gzip, bad_gzip."""

    line: int
    raw: bytes
    code: str
    reason: str


Convert = Callable[[Record], Iterable[Row]]


def prepared(landed: LandedObject, stream: BinaryIO, convert: Convert, wrapper: str | None = None) -> Iterator[Row]:
    """Rows of every record of an object; a record that can't be used becomes a quarantine row and stops nothing.

    `convert` gives a record's rows or raises BadRecord. A value that is no JSON object never reaches it.
    """
    for item in records(stream, wrapper):
        if isinstance(item, Bad):
            yield quarantine_row(landed, item.line, item.code, item.reason, item.raw)
        else:
            yield from converted(landed, item, convert)


def converted(landed: LandedObject, record: Record, convert: Convert) -> list[Row]:
    """Rows of one record: those of `convert`, or one quarantine row."""
    try:
        if not isinstance(record.value, dict):
            raise BadRecord("not_an_object", "the record is no JSON object")
        return list(convert(record))
    except BadRecord as bad:
        code, reason, position = bad.code, bad.reason, bad.position
    except RecursionError:
        code, reason, position = "nested_too_deep", "the record is nested too deep", ""
    return [quarantine_row(landed, record.line, code, reason, record.raw, position=position)]


def in_their_case(record: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The record with its known fields in the source's spelling (itself, if it is so); `names` maps lower case to it.

    Copies made by other tools have lower-case keys; where both are there, the source's own counts.
    """
    if record.keys() <= set(names.values()):
        return record
    spelled = {names.get(key.lower(), key): value for key, value in record.items() if key not in names.values()}
    return spelled | {key: value for key, value in record.items() if key in names.values()}


def records(stream: BinaryIO, wrapper: str | None = None) -> Iterator[Record | Bad]:
    """Records of a stream in order.

    NDJSON is read line by line in flat memory; the other forms are held whole. `wrapper` is a key whose list holds the
    records ({"events": [...]}); it may be the whole object or one line of many.
    """
    lines = Lines(stream)
    coming = iter(lines)
    if first_line(stream) > 1:  # a piece of an object whose first line was a record
        yield from _by_line(coming, wrapper, first_line(stream))
        if lines.broken:
            yield lines.broken
        return
    head = b""
    for line in coming:
        head += line
        if line.strip():
            break
    if _is_json(head.strip()) or head.lstrip()[:1] not in (b"[", b"{"):
        yield from _by_line(chain(_split(head), coming), wrapper)
    else:
        yield from _document_or_lines(coming, head, wrapper)
    if lines.broken:
        yield lines.broken


class Lines:
    """Lines of a stream with their line ends. A broken compression ends them: `broken` then says how."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)  # read() would lose what it had when the stream breaks
        self._count = first_line(stream) - 1
        self.broken: Bad | None = None

    def __iter__(self) -> Iterator[bytes]:
        held: list[bytes] = []
        first = self._count == 0
        while chunk := self._chunk():
            if first:
                chunk, first = chunk.removeprefix(_BOM), False
            *whole, rest = chunk.split(b"\n")
            for part in whole:
                held.append(part)
                self._count += 1
                yield b"".join(held) + b"\n"
                held = []
            if rest:
                held.append(rest)
        if not held:
            return
        last = b"".join(held)
        if self.broken and not _is_json(last.strip()):
            self.broken = Bad(self._count + 1, last, self.broken.code, self.broken.reason)
        else:
            yield last

    def _chunk(self) -> bytes:
        try:
            return self._read(CHUNK) if not self.broken else b""
        except EOFError:
            self.broken = Bad(
                self._count + 1, b"", "truncated_gzip", "the gzip stream ends early; what came before is kept"
            )
        except (OSError, zlib.error):
            self.broken = Bad(self._count + 1, b"", "bad_gzip", "the gzip stream is damaged; what came before is kept")
        return b""


def is_record(line: bytes, wrapper: str | None = None) -> bool:
    """Whether an object whose first line this is holds a record a line, so that it may be cut."""
    try:
        value = loads(line.strip())
    except BadJson:
        return False
    return isinstance(value, dict) and not _is_list(value, wrapper)


def _split(body: bytes) -> list[bytes]:
    return [line + b"\n" for line in body.removesuffix(b"\n").split(b"\n")] if body else []


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(loads(text), dict | list)
    except BadJson:
        return False


def _by_line(lines: Iterable[bytes], wrapper: str | None, first: int = 1) -> Iterator[Record | Bad]:
    """Records are numbered by their lines; where the first line is a list, all are numbered as its elements are."""
    inner, numbered_by_line = 0, first > 1
    for number, line in enumerate(lines, first):
        raw = line.rstrip(b"\r\n")
        text = raw.strip()
        if not text:
            continue
        try:
            value = loads(text)
        except BadJson as bad:
            yield Bad(number, raw, bad.code, bad.reason)
            continue
        if _is_list(value, wrapper):
            if numbered_by_line:
                inner = number * LISTED
            for item in _document(raw.decode(), wrapper, inner):
                inner = item.line
                yield item
        elif numbered_by_line or not inner:
            numbered_by_line = True
            yield Record(number, value, raw)
        else:
            inner += 1
            yield Record(inner, value, raw)


def _is_list(value: Any, wrapper: str | None) -> bool:
    wrapped = isinstance(value, dict) and wrapper is not None and isinstance(value.get(wrapper), list)
    return wrapped or isinstance(value, list)


def _document_or_lines(coming: Iterator[bytes], head: bytes, wrapper: str | None) -> Iterator[Record | Bad]:
    """The first line is no JSON of its own: a document over many lines, or NDJSON with a bad first line."""
    held, size, listed = [head], len(head), _opens(_text(head), wrapper) is not None
    for line in coming:
        held.append(line)
        size += len(line)
        if size > LOOKAHEAD and not listed:
            break
    body = b"".join(held)
    if listed or (size <= LOOKAHEAD and _begins_with_json(_text(body))):
        yield from _document(_text(body), wrapper)
    else:
        yield from _by_line(chain(_split(body), coming), wrapper)


def _begins_with_json(text: str) -> bool:
    try:
        decode(text, skip_space(text, 0))
    except BadJson:
        return False
    return True


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _opens(text: str, wrapper: str | None, start: int = 0) -> int | None:
    """Where the elements begin, if an array or a wrapper begins at `start`."""
    key = "" if wrapper is None else r'(?:\{\s*"' + re.escape(wrapper) + r'"\s*:\s*)?'
    match = re.compile(rf"\s*{key}\[").match(text, start)
    return match.end() if match else None


def _document(text: str, wrapper: str | None, count: int = 0) -> Iterator[Record | Bad]:
    """Records of a text of arrays, wrappers or objects one after the other; numbered on from `count`."""
    at = skip_space(text, 0)
    while at < len(text):
        inside = _opens(text, wrapper, at)
        if inside is None:
            try:
                value, end = decode(text, at)
            except BadJson as bad:
                yield Bad(count + 1, _bytes(text[at:]), bad.code, bad.reason)
                return
            if isinstance(value, dict) and wrapper is not None and isinstance(value.get(wrapper), list):
                listed = value[wrapper]  # the wrapper isn't the first key: the elements' own bytes aren't at hand
                for element in listed:
                    count += 1
                    yield Record(count, element, _bytes(text[at:end]))
            else:
                count += 1
                yield Record(count, value, _bytes(text[at:end]))
            at = skip_space(text, end)
            continue
        braced = text[at] == "{"
        for item, end in elements(text, inside, count):
            at = end
            if item is not None:
                count = item.line
                yield item
        at = _after_wrapper(text, skip_space(text, at)) if braced else skip_space(text, at)


def _after_wrapper(text: str, at: int) -> int:
    """Where the text goes on after the rest of a wrapper, whose list ended before `at`."""
    if text[at : at + 1] == "}":
        return skip_space(text, at + 1)
    if text[at : at + 1] == ",":
        try:
            _, end = decode("{" + text[at + 1 :], 0)
            return skip_space(text, at + end)
        except BadJson:
            pass
    return at


def elements(text: str, start: int, count: int = 0) -> Iterator[tuple[Record | Bad | None, int]]:
    """(element, where it ends) of the JSON array whose first element begins at `start`; None for the array's end.

    After an element that is no JSON the reading goes on at the next line that is indented like it and opens an object.
    """
    at = start
    while True:
        at = skip_space(text, at)
        while text[at : at + 1] == ",":
            at = skip_space(text, at + 1)
        if text[at : at + 1] == "]":
            yield None, at + 1
            return
        if at >= len(text):
            yield Bad(count + 1, b"", "bad_json", "the list has no end; what came before is kept"), at
            return
        count += 1
        try:
            value, end = decode(text, at)
            yield Record(count, value, _bytes(text[at:end])), end
        except BadJson as bad:
            end = _next_element(text, at)
            yield Bad(count, _bytes(text[at:end].rstrip()), bad.code, bad.reason), end
            if end == len(text):
                return
        at = end


def _next_element(text: str, at: int) -> int:
    line = text.rfind("\n", 0, at) + 1
    indent = text[line:at] if not text[line:at].strip() else ""
    opening = text.find(f"\n{indent}{{", at)
    return len(text) if opening < 0 else opening + 1


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
