"""Logpush as CSV: a header (or the job's field_names) names the cells, the documented types say what they hold."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from ingestion.cloudflare.documented import Documented
from ingestion.cloudflare.framed import parts
from ingestion.cloudflare.pieces import Pieces
from ingestion.lines import Bad, Record
from warehouse.config_cloudflare import LogpushOutput

MOST_PARTS = 100
"""Parts that one record may consist of, where cells hold the separator."""
DELIMITERS = ",\t;|"

csv.field_size_limit(8 * 1024 * 1024)  # a trace's logs are one cell, and longer than the library's 128 KiB


def csv_records(pieces: Pieces, options: LogpushOutput, known: Documented) -> Iterator[Record | Bad]:
    """Records of an object; a record that is no CSV is a Bad and costs none of its neighbours."""
    reader = _Reader(options, known)
    for item in parts(pieces, options):
        if isinstance(item, Bad):
            yield from reader.drain(final=True)
            yield item
        else:
            reader.waiting.append(item)
            yield from reader.drain(final=False)
    yield from reader.drain(final=True)


def header_delimiter(line: str, known: Documented) -> str | None:
    """What separates the names, if a line is a header of documented fields; None if it is none."""
    for delimiter in DELIMITERS:
        names = _cells(line.strip("\r\n"), delimiter)
        if names and known.known.issuperset(names):
            return delimiter
    return None


class _Reader:
    """Parts that wait to become records, and the columns that hold for them."""

    def __init__(self, options: LogpushOutput, known: Documented) -> None:
        self.waiting: list[tuple[int, bytes]] = []
        self._options, self._known = options, known
        self._names: Sequence[str] = options.field_names
        self._separator = options.separator.encode()

    def drain(self, final: bool) -> Iterator[Record | Bad]:
        """Records and bad parts, up to a record whose quotes are still open (unless nothing more comes)."""
        while self.waiting:
            number, raw = self.waiting[0]
            taken, found = 1, self._read(raw)
            if found is None and raw.count(b'"') % 2:
                taken = self._closed()
                if not taken and not final and len(self.waiting) < MOST_PARTS:
                    return
                raw = self._separator.join(part for _, part in self.waiting[: taken or 1])
                found = self._read(raw) if taken > 1 else None
            if found is None:  # the first part alone is at fault: what follows it may be well
                number, raw = self.waiting.pop(0)
                yield self._bad(number, raw)
                continue
            del self.waiting[:taken]
            if found and self._is_header(found):
                self._names = found
            elif found:
                cells = zip(self._names, found, strict=True)
                yield Record(number, {name: self._known.value(name, cell) for name, cell in cells}, raw)

    def _closed(self) -> int:
        """How many parts it takes until the quotes are closed; 0 when they aren't."""
        quotes = 0
        for taken, (_, part) in enumerate(self.waiting, 1):
            quotes += part.count(b'"')
            if quotes % 2 == 0:
                return taken
        return 0

    def _read(self, raw: bytes) -> list[str] | None:
        """Cells: as many as there are columns, or a header's; [] for an empty part; None for anything else."""
        try:
            text = raw.decode().strip("\r\n")
        except UnicodeDecodeError:
            return None
        if not text:
            return []
        found = _cells(text, self._options.field_delimiter)
        if found is not None and (len(found) == len(self._names) or self._is_header(found)):
            return found
        found = _cells(text, self._options.field_delimiter, escape="\\") if "\\" in text else None
        return found if found is not None and len(found) == len(self._names) else None

    def _is_header(self, found: Sequence[str]) -> bool:
        return tuple(found) == self._options.field_names or self._known.known.issuperset(found)

    def _bad(self, number: int, raw: bytes) -> Bad:
        if not self._names:
            reason = "CSV without a header: give the job's field_names under output_options"
            return Bad(number, raw, "unknown_columns", reason)
        try:
            raw.decode()
        except UnicodeDecodeError:
            return Bad(number, raw, "invalid_utf8", "the bytes are not UTF-8")
        return Bad(number, raw, "bad_csv", f"not CSV of {len(self._names)} cells")


def _cells(text: str, delimiter: str, escape: str | None = None) -> list[str] | None:
    """Cells of one record of CSV; None where it is none. `escape`: how quotes in cells are written, if not doubled."""
    rows = csv.reader([text], delimiter=delimiter, strict=True, escapechar=escape, doublequote=escape is None)
    try:
        return next(rows, None)
    except csv.Error:
        return None
