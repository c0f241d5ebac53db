"""ops.attempts: how every attempt of a step ended, also those that failed or were told to end."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery

from warehouse.window import Window


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


@dataclass
class Done:
    """What a step has done so far, filled in by the step itself."""

    detail: str = ""
    objects: int = 0
    rows_loaded: int = 0
    rows_quarantined: int = 0


@contextmanager
def attempted(
    client: bigquery.Client,
    step: str,
    window: Window,
    run_id: str,
    source: str | None = None,
    attempt_id: str | None = None,
) -> Iterator[Done]:
    """Run a step and write its outcome row, before its failure goes on.

    A step that is told to end (a signal) has failed too: nothing may take its work for done.
    """
    started, done, failure = datetime.now(UTC), Done(), None
    try:
        yield done
    except BaseException as error:
        failure = error
        raise
    finally:
        record_attempt(
            client,
            Attempt(
                attempt_id=attempt_id or uuid.uuid4().hex,
                run_id=run_id,
                step=step,
                source=source,
                window=window,
                started_at=started,
                ended_at=datetime.now(UTC),
                outcome="failed" if failure is not None else "ok",
                detail=f"{type(failure).__name__}: {failure}".splitlines()[0] if failure is not None else done.detail,
                objects=done.objects,
                rows_loaded=done.rows_loaded,
                rows_quarantined=done.rows_quarantined,
            ),
        )


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
    parameters = [bigquery.ScalarQueryParameter(name, kind, value) for name, (kind, value) in columns.items()]
    client.query(
        f"insert into ops.attempts ({names}) select {values}",
        job_config=bigquery.QueryJobConfig(query_parameters=parameters),
    ).result()
