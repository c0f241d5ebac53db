"""The nightly step that anchors the seals: in the bucket, then in a memo on Solana where that is switched on."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from google.cloud import bigquery

from audit import anchors
from ingestion.manifest import Attempt, record_attempt
from warehouse.config import Config
from warehouse.window import Window

STEP = "audit_anchor"


def anchor_seals(config: Config, client: bigquery.Client, window: Window, run_id: str) -> int:
    """Anchor the head over all seals; returns the number of seals that it covers, 0 where nothing is sealed yet.

    `window` is recorded with the attempt and selects nothing: a head always covers the whole log. Raises AnchorError
    and MemoError; every attempt gets its outcome row.
    """
    started, size, failure = datetime.now(UTC), 0, None
    try:
        size = anchors.anchor(config, client, run_id).head.size
        if config.audit.memo.enabled:
            from audit.memo import post  # here: every parse of the DAGs would load the Solana client

            post(config, client, run_id)
        return size
    except anchors.NothingSealed:
        return 0
    except Exception as error:
        failure = error
        raise
    finally:
        detail = f"{type(failure).__name__}: {failure}".splitlines()[0] if failure else f"{size} seals"
        record_attempt(
            client,
            Attempt(
                attempt_id=uuid.uuid4().hex,
                run_id=run_id,
                step=STEP,
                source=None,
                window=window,
                started_at=started,
                ended_at=datetime.now(UTC),
                outcome="failed" if failure else "ok",
                detail=detail,
                objects=0,
                rows_loaded=0,
            ),
        )
