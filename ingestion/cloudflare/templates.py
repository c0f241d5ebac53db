"""Records that a template (or a list of fields with unusual delimiters) wrote as something that is no JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingestion.cloudflare.documented import Documented
from ingestion.cloudflare.framed import parts
from ingestion.cloudflare.pieces import Pieces
from ingestion.cloudflare.shape import Field, template
from ingestion.jsontext import BadJson, decode
from ingestion.lines import Bad, Record
from warehouse.config_cloudflare import LogpushOutput

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def template_records(pieces: Pieces, options: LogpushOutput, known: Documented) -> Iterator[Record | Bad]:
    """Records of an object; one that isn't as the settings say is a Bad."""
    expected = template(options) if options.record_template is not None else None
    cells = known if options.output_type == "csv" else None
    for item in parts(pieces, options):
        if isinstance(item, Bad):
            yield item
            continue
        number, raw = item
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            yield Bad(number, raw, "invalid_utf8", "the bytes are not UTF-8")
            continue
        if text.strip():
            values = _members(text, options) if expected is None else _values(text, expected, cells)
            if values is None:
                yield Bad(number, raw, "bad_template", "not what the job's output_options would have written")
            else:
                yield Record(number, values, raw)


def _members(text: str, options: LogpushOutput) -> dict[str, Any] | None:
    """Field -> value of a record without a template: `"name":value` with a delimiter of the job's own, or None."""
    values: dict[str, Any] = {}
    at = 0
    while True:
        try:
            name, at = decode(text, at)
            if not isinstance(name, str) or text[at : at + 1] != ":":
                return None
            values[name], at = decode(text, at + 1)
        except BadJson:
            return None
        if at == len(text):
            return values
        if not text.startswith(options.field_delimiter, at):
            return None
        at += len(options.field_delimiter)


def _values(text: str, expected: list[str | Field], cells: Documented | None) -> dict[str, Any] | None:
    """Field -> value of one record, or None. With `cells` the values are CSV cells, else JSON."""
    values: dict[str, Any] = {}
    at = 0
    for place, part in enumerate(expected):
        if isinstance(part, str):
            if not text.startswith(part, at):
                return None
            at += len(part)
        elif cells is None:
            try:
                values[part.name], at = decode(text, at)
            except BadJson:
                return None
        else:
            following = expected[place + 1] if place + 1 < len(expected) else None
            cell, at = _cell(text, at, following if isinstance(following, str) else None)
            values[part.name] = cells.value(part.name, cell)
    return values if at == len(text.rstrip("\r\n")) else None


def _cell(text: str, at: int, following: str | None) -> tuple[str, int]:
    """A CSV cell: quoted, or up to the text that follows it."""
    if quoted := _QUOTED.match(text, at):
        return quoted[1].replace('""', '"'), quoted.end()
    end = text.find(following, at) if following is not None else len(text.rstrip("\r\n"))
    end = len(text) if end < 0 else end
    return text[at:end], end
