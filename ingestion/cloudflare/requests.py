"""Logpush `http_requests` -> raw.cloudflare_http_requests. Fields are opt-in: an absent one is null."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.cloudflare.documented import documented, whole
from ingestion.cloudflare.logpush import log_rows
from ingestion.exports import key_day
from ingestion.fields import BadRecord
from ingestion.jsontext import dumps
from ingestion.lines import Record, in_their_case
from ingestion.personal import Platform, platform

TABLE = "cloudflare_http_requests"
_PATH_FIELDS = ("ClientRequestPath", "ClientRequestURI")
_NO_PARENT = ("", "00")


def prepare_requests(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of one object."""
    rules = platform(ctx)
    day = key_day(landed)
    known = documented("http_requests")
    job = ctx.config.sources.cloudflare.jobs.get("http_requests")
    rate = format(Decimal(str(job.output_options.sample_rate if job else 1)).normalize(), "f")

    def convert(record: Record) -> list[Row]:
        request = record.value
        if not request.keys() <= known.types.keys():
            request = in_their_case(request, known.spelling)
            if known.types.keys().isdisjoint(request):
                raise BadRecord("not_a_request", "the record has none of the fields of http_requests")
        return [_row(request, record.line, day, rate, rules)]

    return log_rows(landed, stream, ctx, convert)


def _row(request: Mapping[str, Any], line: int, named_day: date | None, rate: str, rules: Platform) -> Row:
    start, end = fields.time(request, "EdgeStartTimestamp"), fields.time(request, "EdgeEndTimestamp")
    known = start or end
    day = known.day if known else named_day
    parent = fields.text(request, "ParentRayID")
    path = fields.text(request, "ClientRequestPath") or fields.text(request, "ClientRequestURI")
    return TABLE, {
        "ray_id": fields.text(request, "RayID"),
        "parent_ray_id": None if parent in _NO_PARENT else parent,
        "edge_start_at": start.text if start else None,
        "edge_start_unixnano": str(start.unix_nanos) if start else None,
        "edge_end_at": end.text if end else None,
        "method": fields.text(request, "ClientRequestMethod"),
        "host": fields.text(request, "ClientRequestHost"),
        "path": rules.path(path) if path is not None else None,
        "status": whole(request, "EdgeResponseStatus"),
        "cache_status": fields.text(request, "CacheCacheStatus"),
        "origin_duration_ms": _origin_ms(request),
        "record": dumps(rules.clean.sparing(_without_query(request))),
        "sample_rate": rate,
        "_line": line,
        "_event_date": day.isoformat() if day else None,
    }


def _origin_ms(request: Mapping[str, Any]) -> int | None:
    """Milliseconds; jobs with the deprecated OriginResponseTime state nanoseconds."""
    if request.get("OriginResponseDurationMs") is not None:
        return whole(request, "OriginResponseDurationMs")
    nanos = whole(request, "OriginResponseTime")
    return None if nanos is None else nanos // 1_000_000


def _without_query(request: Mapping[str, Any]) -> dict[str, Any]:
    """Query strings hold tokens and e-mail addresses; no field keeps one."""
    paths = {key: request[key].partition("?")[0] for key in _PATH_FIELDS if isinstance(request.get(key), str)}
    return {**request, **paths}
