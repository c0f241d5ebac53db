"""The Solana source's context in tests: the project's own configuration and profiles, no warehouse."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingestion.base import Context, LandedObject, NewObject
from ingestion.privacy import Pseudonymizer
from ingestion.solana import SOURCE
from warehouse.config import Config
from warehouse.profile import load_profile
from warehouse.storage import filesystem
from warehouse.window import Window

ROOT = Path(__file__).parents[2]
WINDOW = Window.parse("2026-10-05", "2026-10-09")
PSEUDONYM = Pseudonymizer(b"a key of the tests only")


def context_of(config: Config, client: Any = None) -> Context:
    return Context(
        config=config,
        profile=load_profile(config, ROOT / "config" / "platforms"),
        client=client,
        filesystem=filesystem(config),
        pseudonym=PSEUDONYM,
        attempt_id="attempt",
        secrets=lambda name: None,
    )


def rows_of(ctx: Context, dataset: str, body: bytes, window: Window = WINDOW) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Rows by table that a landed body of a dataset prepares to."""
    landed = LandedObject(
        uri=f"gs://landing/solana/{dataset}/x", source="solana", dataset=dataset, origin_uri="", window=window,
        generation=1, size_bytes=len(body), sha256="", landed_at=window.end,
    )  # fmt: skip
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for table, columns in SOURCE.datasets[dataset].prepare(landed, io.BytesIO(body), ctx):
        rows[table].append(columns)
    return rows


def objects_of(objects: Sequence[NewObject], dataset: str) -> list[NewObject]:
    return [item for item in objects if item.dataset == dataset]
