"""Firebase exports -> landing: each file as it is, once, and the hours of tables in BigQuery."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.base import Context, NewObject
from ingestion.exports import new_objects, unusable_objects
from ingestion.firebase.bigquery_tables import land_tables
from warehouse.window import Window


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """Files of the configured prefixes that are new, up to the window's end (late ones are found whenever they come),
    then hours of the configured tables.
    """
    settings = ctx.config.sources.firebase
    prefixes = {
        "firestore_changelog": settings.changelog,
        "auth_export": settings.auth_export,
        "cloud_logging": settings.cloud_logging,
        "managed_export": settings.managed_export,
    }
    for dataset, prefix in prefixes.items():
        yield from new_objects("firebase", dataset, prefix, window, ctx)
    yield from unusable_objects("firebase", window, ctx)
    yield from land_tables(window, ctx)
