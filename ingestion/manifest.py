"""ops.objects and ops.attempts: what was landed and loaded, and how every attempt ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.cloud import bigquery

from ingestion.base import LandedObject
from ingestion.landing import slice_of
from warehouse.window import Window, format_instant

Parameter = bigquery.ScalarQueryParameter


def objects_in_state(client: bigquery.Client, source: str, state: str) -> list[LandedObject]:
    """Objects of a source in a state, oldest landing first."""
    rows = _run(
        client,
        "select * from ops.objects where source = @source and state = @state order by landed_at, uri",
        [Parameter("source", "STRING", source), Parameter("state", "STRING", state)],
    )
    return [_landed(row) for row in rows]


def newest_generations(client: bigquery.Client, source: str) -> dict[str, tuple[int, str]]:
    """Slice -> (generation, sha256) of its newest object."""
    rows = _run(
        client,
        "select uri, generation, sha256 from ops.objects where source = @source order by generation",
        [Parameter("source", "STRING", source)],
    )
    return {slice_of(row["uri"]): (row["generation"], row["sha256"]) for row in rows}


def manifest_row(landed: LandedObject) -> dict[str, Any]:
    """The object's row in ops.objects when it has just been landed."""
    return {
        "uri": landed.uri,
        "source": landed.source,
        "dataset": landed.dataset,
        "origin_uri": landed.origin_uri,
        "window_start": format_instant(landed.window.start),
        "window_end": format_instant(landed.window.end),
        "generation": landed.generation,
        "size_bytes": landed.size_bytes,
        "sha256": landed.sha256,
        "state": "landed",
        "rows_loaded": 0,
        "rows_quarantined": 0,
        "event_dates": "[]",
        "raw_tables": "[]",
        "landed_at": format_instant(landed.landed_at),
        "loaded_at": None,
        "modelled_at": None,
    }


@dataclass(frozen=True)
class Attempt:
    """Outcome of one step over one window; written for every attempt, also the failed ones."""

    attempt_id: str
    run_id: str
    step: str
    source: str | None
    window: Window
    started_at: datetime
    ended_at: datetime
    outcome: str
    detail: str = ""
    objects: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0
    bytes_scanned: int | None = None


def record_attempt(client: bigquery.Client, attempt: Attempt) -> None:
    """Add the attempt's outcome row. `detail` is one line and must hold no secret."""
    columns: dict[str, tuple[str, Any]] = {
        "attempt_id": ("STRING", attempt.attempt_id),
        "run_id": ("STRING", attempt.run_id),
        "step": ("STRING", attempt.step),
        "source": ("STRING", attempt.source),
        "window_start": ("TIMESTAMP", attempt.window.start),
        "window_end": ("TIMESTAMP", attempt.window.end),
        "started_at": ("TIMESTAMP", attempt.started_at),
        "ended_at": ("TIMESTAMP", attempt.ended_at),
        "outcome": ("STRING", attempt.outcome),
        "detail": ("STRING", attempt.detail[:1000]),
        "objects": ("INT64", attempt.objects),
        "rows_loaded": ("INT64", attempt.rows_loaded),
        "rows_quarantined": ("INT64", attempt.rows_quarantined),
        "bytes_scanned": ("INT64", attempt.bytes_scanned),
    }
    names = ", ".join(columns)
    values = ", ".join(f"@{name}" for name in columns)
    _run(
        client,
        f"insert into ops.attempts ({names}) select {values}",
        [Parameter(name, kind, value) for name, (kind, value) in columns.items()],
    )


def _landed(row: Any) -> LandedObject:
    return LandedObject(
        uri=row["uri"],
        source=row["source"],
        dataset=row["dataset"],
        origin_uri=row["origin_uri"],
        window=Window(row["window_start"], row["window_end"]),
        generation=row["generation"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        landed_at=row["landed_at"],
    )


def _run(client: bigquery.Client, sql: str, parameters: Iterable[Parameter]) -> list[Any]:
    job = client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=list(parameters)))
    return list(job.result())
