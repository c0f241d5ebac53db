"""Tables that Firebase's tools write in BigQuery -> landing: the rows of each hour as one NDJSON object.

The raw changelog of the Firestore -> BigQuery extension, and Cloud Logging's sink (dated tables or one partitioned
table). A run reads its window and the late hours before it again; an hour that has got more rows is a new generation of
its slice, and staging counts each row once by its key.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from ingestion.base import Context, NewObject
from ingestion.errors import SourceUnavailable
from ingestion.jsontext import dumps
from warehouse.window import Window, format_instant

CHANGELOG, LOGGING = "firestore_changelog_table", "cloud_logging_table"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def land_tables(window: Window, ctx: Context) -> Iterator[NewObject]:
    """Hours of the configured tables. Raises SourceUnavailable for a table that isn't there or can't be read."""
    settings = ctx.config.sources.firebase
    stretch = _stretch(window, timedelta(hours=settings.late_hours))
    if settings.changelog_table is not None:
        yield from _imports(settings.changelog_table, ctx)
        yield from _hours(CHANGELOG, settings.changelog_table, stretch, ctx)
    if settings.cloud_logging_table is not None:
        yield from _hours(LOGGING, settings.cloud_logging_table, stretch, ctx)


def _stretch(window: Window, late: timedelta) -> Window:
    """Whole hours, so that an hour's object holds what the table has of it, whichever window is run."""
    first, last = _floor(window.start - late), _floor(window.end)
    return Window(first, last if last == window.end else last + _HOUR)


def _hours(dataset: str, table: str, stretch: Window, ctx: Context) -> Iterator[NewObject]:
    """One query a day (a partition, or a dated table); one object an hour that has rows."""
    for day in stretch.days():
        midnight = datetime.combine(day, time(), UTC)
        part = Window(max(stretch.start, midnight), min(stretch.end, midnight + timedelta(days=1)))
        rows = _read(_dated(table, day), part.start, part.end, ctx, dated=table.endswith("*"))
        for hour, of_hour in groupby(rows, key=lambda row: _floor(row["timestamp"])):
            yield _object(dataset, table, f"{hour:%Y/%m/%d/%H}", of_hour)


def _imports(table: str, ctx: Context) -> Iterator[NewObject]:
    """The extension gives imported documents the epoch as their time, whenever they are imported."""
    rows = list(_read(table, EPOCH, EPOCH + timedelta(microseconds=1), ctx))
    if rows:
        yield _object(CHANGELOG, table, "imports", rows)


def _dated(table: str, day: date) -> str:
    return f"{table[:-1]}{day:%Y%m%d}" if table.endswith("*") else table


def _read(table: str, start: datetime, end: datetime, ctx: Context, dated: bool = False) -> Iterator[Any]:
    """Rows of [start, end) by time. A day without a dated table has none."""
    bounds = [
        bigquery.ScalarQueryParameter("start", "TIMESTAMP", start),
        bigquery.ScalarQueryParameter("end", "TIMESTAMP", end),
    ]
    sql = f"select * from `{table}` where `timestamp` >= @start and `timestamp` < @end order by `timestamp`"
    try:
        yield from ctx.client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=bounds)).result()
    except NotFound:
        if not dated:
            raise SourceUnavailable(f"firebase: there is no BigQuery table {table}") from None
    except Forbidden:
        raise SourceUnavailable(f"firebase: the BigQuery table {table} may not be read") from None


def _object(dataset: str, table: str, place: str, rows: Iterable[Any]) -> NewObject:
    """Rows as sorted lines: the same rows are the same bytes, in whatever order the query gave them."""
    lines = sorted(dumps(_json(dict(row.items()))) for row in rows)
    body = "".join(f"{line}\n" for line in lines).encode()
    return NewObject(dataset, f"{table.rstrip('*_')}/{place}.ndjson", body, f"bigquery://{table}/{place}.ndjson")


def _json(value: Any) -> Any:
    """A value as BigQuery's client gives it, as JSON has it; columns that are null are left out."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return format_instant(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
