"""Logpush objects -> landing: each as it is, once.

Names of Logpush objects are no watermark: windows overlap, and an object may come late. So every run looks at the
days from `late_days` before its window on, and takes what the landing doesn't have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ingestion.base import Context, NewObject
from ingestion.exports import new_objects, unusable_objects
from warehouse.window import Window


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """New objects of the configured Logpush jobs."""
    settings = ctx.config.sources.cloudflare
    first = (window.start - timedelta(days=settings.late_days)).date()
    prefixes = {"http_requests": settings.http_requests, "workers_trace_events": settings.workers_trace_events}
    for dataset, prefix in prefixes.items():
        yield from new_objects("cloudflare", dataset, prefix, window, ctx, first)
    yield from unusable_objects("cloudflare", window, ctx)
