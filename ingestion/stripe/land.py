"""Stripe -> landing: the lists of a window, then what the events feed says has changed of other objects, and the feed.

Lists find what was created and what no event names (balance transactions) at a hundred objects a request; events name
what has changed since, and those objects are read again one by one, as they are now, in the pinned API version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from google.cloud import bigquery

from ingestion.base import Context, NewObject
from ingestion.errors import SourceUnavailable
from ingestion.landing import slice_of, slice_uri
from ingestion.stripe.client import Answer, Api, NotThere
from ingestion.stripe.feed import Named, named
from ingestion.stripe.pages import Seen, Slice, pages
from ingestion.stripe.reach import Reach, held, known_events, reach
from warehouse.window import Window

NEVER_NAMED = frozenset({"balance_transactions"})
"""Resources that no event is about."""


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """What Stripe has for the window, of each account, in objects of bounded size. Raises SourceUnavailable."""
    settings = ctx.config.sources.stripe
    key = ctx.secrets(settings.api_key_env)
    if not key:
        raise SourceUnavailable(
            f"stripe: no API key: set {settings.api_key_env} in the environment, or the password of the Airflow "
            f"connection {settings.api_key_env.lower()}, to a restricted key that may only read"
        )
    for account in (settings.account, *settings.connected_accounts):
        yield from _Reading(Api(settings, key, account), key, window, ctx).objects()


def live_mode(key: str) -> bool | None:
    """Whether a key reads live objects, by its prefix (rk_live_, sk_test_, ...): balance transactions don't say."""
    mode = [*key.split("_", 2), ""][1]
    return {"live": True, "test": False}.get(mode)


class _Reading:
    """One account and window.

    The feed is read after the lists, so that what changes meanwhile is named by an event; a part of the feed is landed
    after the objects that it names. So its last object says that the window was read.
    """

    def __init__(self, api: Api, key: str, window: Window, ctx: Context) -> None:
        self._api, self._window, self._ctx = api, window, ctx
        self._settings = ctx.config.sources.stripe
        self._listed: dict[str, Seen] = defaultdict(Seen)
        live = live_mode(key)
        self._common = {"api_version": self._settings.api_version, "account": api.account}
        self._common |= {} if live is None else {"livemode": live}
        own = api.account == self._settings.account
        self._name = window.slug if own else f"{api.account}/{window.slug}"

    def objects(self) -> Iterator[NewObject]:
        """The objects to land, in the order in which they must be."""
        overlap = timedelta(minutes=self._settings.events_overlap_minutes)
        earlier = held(self._api.account, self._window, self._ctx)
        with_feed = "events" in self._settings.resources
        newest = self._newest_event() if with_feed and earlier else None
        span = reach(self._window, earlier, newest, overlap)
        before = self._held_slices()
        for resource in self._settings.resources:
            if resource != "events":
                yield from self._list(resource, span, before)
        if with_feed:
            yield from self._follow(span)

    def _slice(self, resource: str, name: str) -> Slice:
        return Slice(resource, name, self._api.account, self._common)

    def _list(self, resource: str, span: Reach, before: set[str]) -> Iterator[NewObject]:
        """What was created. An answer without data is kept only where data had been landed before."""
        start = span.unnamed if resource in NEVER_NAMED else span.lists
        into = self._slice(resource, self._name)
        for page in pages(self._api, f"/v1/{resource}", start, self._window.end):
            for item in page.data["data"]:
                if resource not in NEVER_NAMED and isinstance(item, dict) and isinstance(item.get("id"), str):
                    self._listed[resource].add(item["id"])
            yield from into.add(page)
        empty = NewObject(resource, self._name, b"", "")
        if into.has_data or slice_uri(self._ctx.config.landing, "stripe", empty) in before:
            yield from into.close()

    def _follow(self, span: Reach) -> Iterator[NewObject]:
        """The feed, and before each part of it the objects that its events name. An empty feed is landed too."""
        feed = self._slice("events", self._name)
        changed: dict[str, Slice] = {}
        again: set[Named] = set()
        known = frozenset(known_events(self._api.account, span, self._ctx))
        for page in pages(self._api, "/v1/events", span.events, self._window.end):
            news = [event for event in page.data["data"] if isinstance(event, dict) and event.get("id") not in known]
            for item in (item for event in news for item in named(event)):
                if item in again or self._needs_no_look(item):
                    continue
                again.add(item)
                into = changed.setdefault(item.resource, self._slice(item.resource, f"{self._name}.changed"))
                answer, more = self._retrieve(item)
                yield from into.add(answer, **more)
            for full in feed.add(page):
                for one in changed.values():
                    yield from one.cut()
                yield full
        for one in (*changed.values(), feed):
            yield from one.close()

    def _needs_no_look(self, item: Named) -> bool:
        """The lists have shown it as it is now, or its resource isn't wanted."""
        return item.resource not in self._settings.resources or item.id in self._listed[item.resource]

    def _retrieve(self, item: Named) -> tuple[Answer, dict[str, int]]:
        """One object as it is now, and what else its line says.

        What Stripe no longer has is an answer too: it is kept, and quarantined when read. A deleted object has
        forgotten when it was created; its line says so, that it may be found beside what it was.
        """
        try:
            answer = self._api.get(f"/v1/{item.resource}/{item.id}")
        except NotThere as gone:
            return gone.answer, {}
        if isinstance(answer.data, dict) and answer.data.get("deleted") is True and item.created is not None:
            return answer, {"created": item.created}
        return answer, {}

    def _newest_event(self) -> datetime | None:
        """When the newest event of the whole feed was created; None for an empty feed."""
        answer = self._api.get("/v1/events", {"limit": 1})
        found = answer.data.get("data") if isinstance(answer.data, dict) else None
        created = found[0].get("created") if found and isinstance(found[0], dict) else None
        return datetime.fromtimestamp(created, UTC) if isinstance(created, int) else None

    def _held_slices(self) -> set[str]:
        """Slices of the window that the landing holds already."""
        parameters = [
            bigquery.ScalarQueryParameter("start", "TIMESTAMP", self._window.start),
            bigquery.ScalarQueryParameter("end", "TIMESTAMP", self._window.end),
        ]
        sql = "select uri from ops.objects where source = 'stripe' and window_start = @start and window_end = @end"
        return {slice_of(row["uri"]) for row in self._ctx.query(sql, parameters)}
