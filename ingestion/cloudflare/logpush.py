"""What both Logpush datasets share: files that are no logs, and the forms in which a job may deliver its records."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.cloudflare.cells import csv_records, header_delimiter
from ingestion.cloudflare.documented import Documented, documented
from ingestion.cloudflare.framed import begins_framed
from ingestion.cloudflare.listed import listed, opens_list
from ingestion.cloudflare.pieces import Pieces
from ingestion.cloudflare.shape import Shape, learn
from ingestion.cloudflare.templates import template_records
from ingestion.cutting import first_line
from ingestion.drift import FieldWatch
from ingestion.jsontext import BadJson, loads
from ingestion.lines import Bad, Record, converted, is_record, records
from ingestion.quarantine import quarantine_row
from warehouse.config_cloudflare import LogpushOutput

# What Logpush writes when a job is set up: the ownership token, and a test upload.
_NOT_LOGS = re.compile(r"(ownership-challenge|test\.txt)[^/]*$")
_PLAIN = Shape()


def log_rows(
    landed: LandedObject, stream: BinaryIO, ctx: Context, convert: Callable[[Record], Iterable[Row]]
) -> Iterator[Row]:
    """Rows of a Logpush object in any of its forms, then what its records show of a changed schema.

    `convert` gives a record's rows or raises BadRecord. Files that are no logs have no rows.
    """
    if _NOT_LOGS.match(landed.origin_uri.rpartition("/")[2]):
        return
    known = documented(landed.dataset)
    watch = FieldWatch(landed, known.known)
    for item in log_records(stream, _options(landed, ctx), known):
        if isinstance(item, Bad):
            yield quarantine_row(landed, item.line, item.code, item.reason, item.raw)
            continue
        if isinstance(item.value, dict):
            watch.see(item.value, item.line)
        yield from converted(landed, item, convert)
    yield from watch.rows()


def may_be_cut(first: bytes, landed: LandedObject, ctx: Context) -> bool:
    """Whether an object with this first line is read line by line below."""
    options = _options(landed, ctx)
    return options.output_type == "ndjson" and is_record(first, (_shape(options) or _PLAIN).wrapper)


def _options(landed: LandedObject, ctx: Context) -> LogpushOutput:
    job = ctx.config.sources.cloudflare.jobs.get(landed.dataset)
    return job.output_options if job else LogpushOutput()


def log_records(stream: BinaryIO, options: LogpushOutput, known: Documented) -> Iterator[Record | Bad]:
    """Records of an object, by the documented names of their fields where a template renamed them.

    JSON tells its form itself, and so does CSV with a header of documented fields; only for the others the settings
    are looked at. So objects from before a setting was changed are read as well.
    """
    shape, is_csv = _shape(options), options.output_type == "csv"
    wrapper = (shape or _PLAIN).wrapper
    if first_line(stream) > 1:
        return _shaped(records(stream, wrapper), shape or _PLAIN, known)
    pieces = Pieces(stream)
    text = pieces.head.decode("utf-8", "replace").lstrip()
    beginning = text.partition("\n")[0]
    is_templated = options.record_template is not None if is_csv else shape is None
    if is_templated and not _is_json(beginning):
        found = template_records(pieces, options, known)
    elif is_csv and (begins_framed(pieces.head, options) or not text.startswith(("{", "["))):
        found = csv_records(pieces, options, known)
    elif opens_list(text, wrapper):
        found = listed(pieces, wrapper)
    elif delimiter := header_delimiter(beginning, known):
        found = csv_records(pieces, LogpushOutput(output_type="csv", field_delimiter=delimiter), known)
    else:
        pieces.raises = True  # this reader says itself what a broken compression cost
        found = records(pieces, wrapper)  # type: ignore[arg-type]
    return _shaped(found, shape or _PLAIN, known)


def _shaped(found: Iterable[Record | Bad], shape: Shape, known: Documented) -> Iterator[Record | Bad]:
    """The records inside their elements: {"info": {...}} is one where the job's settings, or its fields, say so."""
    if shape.path or shape.names:
        found = (Record(f.line, shape.record(f.value), f.raw) if isinstance(f, Record) else f for f in found)
    for item in found:
        if isinstance(item, Record) and isinstance(item.value, dict) and len(item.value) == 1:
            [(name, inner)] = item.value.items()
            if name not in known.known and isinstance(inner, dict) and not known.known.isdisjoint(inner):
                item = Record(item.line, inner, item.raw)
        yield item


def _is_json(line: str) -> bool:
    try:
        return isinstance(loads(line.encode()), dict)
    except BadJson:
        return False


_shape = cache(learn)
