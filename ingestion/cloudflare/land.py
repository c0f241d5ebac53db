"""Logpush objects -> landing: each as it is, once; with the points of Workers Analytics Engine.

Names of Logpush objects are no watermark: windows overlap, and an object may come late. So every run looks at the
days from `late_days` before its window on, and takes what the landing doesn't have.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ingestion.base import Context, NewObject
from ingestion.cloudflare.analytics import land_points
from ingestion.exports import new_objects, unusable_objects
from warehouse.window import Window


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """New objects of the configured Logpush jobs, then the points of Workers Analytics Engine."""
    settings = ctx.config.sources.cloudflare
    first = (window.start - timedelta(days=settings.late_days)).date()
    for dataset, job in settings.jobs.items():
        yield from new_objects("cloudflare", dataset, job.prefix, window, ctx, first)
    yield from unusable_objects("cloudflare", window, ctx)
    yield from land_points(window, ctx)
