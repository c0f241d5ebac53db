"""How far back a run reads: the lists to the end of what is held, the events feed a little further.

The feed goes back 30 days. Older changes are in no event, so they are found by listing again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud import bigquery

from ingestion.base import Context
from warehouse.window import Window

FEED_REACHES = timedelta(days=30)
_PART = r"\.part[0-9]+\.[0-9]+\.[0-9a-f]+\.gz$"


@dataclass(frozen=True)
class Held:
    """What earlier windows have read of an account: from `first` to `until`, by their own ends."""

    first: datetime
    until: datetime


@dataclass(frozen=True)
class Reach:
    """From where a run reads up to its window's end: the lists, the events, the lists of what no event names.

    Events before `known` that are held by earlier windows had their objects read by these.
    """

    lists: datetime
    unnamed: datetime
    events: datetime
    known: datetime


def reach(window: Window, held: Held | None, newest_event: datetime | None, overlap: timedelta) -> Reach:
    """Where the reading of a window begins.

    - The first window ever is read as it is.
    - Then the lists begin with the window and the events `overlap` earlier: an event becomes visible a little
      after its time, and what came too late for the windows before is found by this one. A window is so final one
      overlap after its end. What no event ever names (balance transactions) is listed with the overlap too.
    - Windows that were left out before this one are part of it.
    - When the feed can't reach back to what is held, although the window lies in its last 30 days, changes in
      between are in no event: everything is listed again from the first window on. The feed's end is its newest
      event, or the window's end where that is later.
    """
    if held is None:
        return Reach(window.start, window.start, window.start, window.start)
    until = min(held.until, window.start)
    oldest = max(newest_event or window.end, window.end) - FEED_REACHES
    lists = held.first if until < oldest < window.end else until
    return Reach(lists, min(lists, until - overlap), until - overlap, until)


def held(account: str, window: Window, ctx: Context) -> Held | None:
    """What windows that begin before this one have read to the end: the last object of their feed is landed last."""
    sql = (
        "select min(window_start) as first, max(window_end) as until from ops.objects "
        "where source = 'stripe' and dataset = 'events' and origin_uri = @origin and starts_with(uri, @root) "
        f"and window_start < @start and not regexp_contains(uri, r'{_PART}')"
    )
    parameters = [
        bigquery.ScalarQueryParameter("origin", "STRING", f"stripe://{account}/v1/events"),
        bigquery.ScalarQueryParameter("root", "STRING", f"{ctx.config.landing.rstrip('/')}/stripe/events/"),
        bigquery.ScalarQueryParameter("start", "TIMESTAMP", window.start),
    ]
    [row] = ctx.query(sql, parameters)
    return Held(row["first"], row["until"]) if row["first"] else None


def known_events(account: str, events: Reach, ctx: Context) -> Sequence[str]:
    """Ids of the overlap's events that earlier windows hold."""
    sql = (
        "select distinct id from raw.stripe_events where account = @account and read_through <= @known "
        "and created >= @start and created < @known and _event_date between date(@start) and date(@known)"
    )
    parameters = [
        bigquery.ScalarQueryParameter("account", "STRING", account),
        bigquery.ScalarQueryParameter("known", "TIMESTAMP", events.known),
        bigquery.ScalarQueryParameter("start", "TIMESTAMP", events.events),
    ]
    return [row["id"] for row in ctx.query(sql, parameters)]
