"""Workers Analytics Engine -> landing -> raw.analytics_engine_points.

The points have no id, so they are read in fixed slices: an object a dataset and UTC hour, whatever the run's window.
Reading an hour again gives another generation of its object; staging counts the newest. An empty answer is not
landed: the API keeps points for three months only, and must not take away what was read before.

A landed object is NDJSON, a line an answer: {"request": "<SQL>", "body": "<text as received>"}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import count
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, NewObject, Row
from ingestion.cloudflare.analytics_api import Answer, SqlApi
from ingestion.cloudflare.documented import whole
from ingestion.errors import SourceUnavailable
from ingestion.fields import BadRecord
from ingestion.jsontext import BadJson, dumps, loads
from ingestion.lines import Record, prepared
from ingestion.personal import Platform, platform
from ingestion.quarantine import quarantine_row
from warehouse.config_cloudflare import AnalyticsDataset
from warehouse.window import Window

DATASET = "analytics_engine"
TABLE = "analytics_engine_points"
TEXTS = ("index1", *(f"blob{n}" for n in range(1, 21)))
FIGURES = tuple(f"double{n}" for n in range(1, 21))
_HOUR = timedelta(hours=1)
_SECOND = timedelta(seconds=1)
_SCALE = Decimal(1).scaleb(-9)  # of BigQuery's NUMERIC
_LARGEST = Decimal(10) ** 29


def land_points(window: Window, ctx: Context) -> Iterator[NewObject]:
    """An object for each configured dataset and each UTC hour that the window touches. Raises SourceUnavailable."""
    settings = ctx.config.sources.cloudflare.analytics_engine
    if settings is None:
        return
    token = ctx.secrets(settings.api_token_env)
    if not token:
        raise SourceUnavailable(
            f"cloudflare: analytics engine: no token: set {settings.api_token_env} in the environment, or the password "
            f"of the Airflow connection {settings.api_token_env.lower()}, to one that may read Account Analytics"
        )
    with SqlApi(settings, token) as api:
        for dataset in settings.datasets:
            for start in _hours(window):
                answers = list(_answers(api, dataset, start, start + _HOUR, settings.page_rows))
                if any(answer.rows for _, answer in answers):
                    body = "".join(dumps({"request": sql, "body": answer.text}) + "\n" for sql, answer in answers)
                    origin = f"cloudflare://{settings.account_id}/analytics_engine/{dataset.name}"
                    yield NewObject(DATASET, f"{dataset.name}/{start:%Y/%m/%d/%H}", body.encode(), origin)


def prepare_points(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """A row a point. Names of the columns decide what is personal; an unnamed column was not read."""
    rules = platform(ctx)
    settings = ctx.config.sources.cloudflare.analytics_engine
    name = landed.origin_uri.rpartition("/")[2]
    columns = next((d.columns for d in (settings.datasets if settings else ()) if d.name == name), {})
    numbers = count(1)

    def convert(record: Record) -> Iterator[Row]:
        try:
            answer = loads(fields.text(record.value, "body", required=True).encode())
        except BadJson as bad:
            raise BadRecord(bad.code, f"the answer is {bad}", "body") from None
        for place, point in enumerate(fields.items(answer, "data") if isinstance(answer, dict) else ()):
            try:
                yield _row(point, next(numbers), name, columns, rules)
            except BadRecord as bad:
                position = f"data[{place}] {bad.position}".strip()
                raw = dumps(point).encode("utf-8", "replace")
                yield quarantine_row(landed, record.line, bad.code, bad.reason, raw, position=position)

    yield from prepared(landed, stream, convert)


def _hours(window: Window) -> Iterator[datetime]:
    start = window.start.replace(minute=0, second=0, microsecond=0)
    while start < window.end:
        yield start
        start += _HOUR


def _answers(
    api: SqlApi, dataset: AnalyticsDataset, start: datetime, end: datetime, page: int
) -> Iterator[tuple[str, Answer]]:
    """(query, answer) that together hold all points of [start, end): an answer that is full is asked for in halves.

    A second can't be halved (the API's times are whole seconds): it is asked for without a limit.
    """
    seconds = (end - start) // _SECOND
    sql = _sql(dataset, start, end, None if seconds == 1 else page)
    answer = api.query(sql)
    if seconds == 1 or len(answer.rows) < page:
        yield sql, answer
        return
    middle = start + _SECOND * (seconds // 2)
    yield from _answers(api, dataset, start, middle, page)
    yield from _answers(api, dataset, middle, end, page)


def _sql(dataset: AnalyticsDataset, start: datetime, end: datetime, limit: int | None) -> str:
    columns = ", ".join(("timestamp", "_sample_interval", *dataset.columns))
    return (
        f"SELECT {columns} FROM {dataset.name} "
        f"WHERE timestamp >= toDateTime('{start:%Y-%m-%d %H:%M:%S}') "
        f"AND timestamp < toDateTime('{end:%Y-%m-%d %H:%M:%S}') "
        f"ORDER BY timestamp LIMIT {'ALL' if limit is None else limit} FORMAT JSON"
    )


def _row(point: Any, number: int, dataset: str, columns: Mapping[str, str], rules: Platform) -> Row:
    if not isinstance(point, dict):
        raise BadRecord("not_an_object", "the point is no JSON object")
    at = fields.time(point, "timestamp", required=True)
    interval = whole(point, "_sample_interval", required=True)
    if interval < 1:
        raise BadRecord("out_of_range", "_sample_interval counts from 1", "_sample_interval")
    named = {columns.get(name, name): fields.text(point, name) for name in TEXTS if name in point}
    cleaned = rules.clean(named)
    hour = at.at.replace(minute=0, second=0, microsecond=0)
    return TABLE, {
        "dataset": dataset,
        "point_at": at.text,
        "hour_start": hour.isoformat().replace("+00:00", "Z"),
        "sample_interval": interval,
        **{name: cleaned.get(columns.get(name, name)) for name in TEXTS},
        **{name: _figure(point, name) for name in FIGURES},
        "_line": number,
        "_event_date": at.day.isoformat(),
    }


def _figure(point: Mapping[str, Any], name: str) -> str | None:
    """A double as NUMERIC text: rounded to nine digits behind the point."""
    value = point.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fields.wrong_type(name, "a number", value)
    exact = Decimal(repr(value))
    if abs(exact) >= _LARGEST:
        raise BadRecord("out_of_range", f"{name} doesn't fit 29 digits", name)
    return format(exact.quantize(_SCALE, ROUND_HALF_EVEN).normalize(), "f")
