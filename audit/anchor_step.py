"""The nightly step that anchors the seals: in the bucket, then in a memo on Solana where that is switched on."""

from __future__ import annotations

from google.cloud import bigquery

from audit import anchors
from ingestion.attempts import attempted
from warehouse.config import Config
from warehouse.window import Window

STEP = "audit_anchor"


def anchor_seals(config: Config, client: bigquery.Client, window: Window, run_id: str) -> int:
    """Anchor the head over all seals; returns the number of seals that it covers, 0 where nothing is sealed yet.

    `window` is recorded with the attempt and selects nothing: a head always covers the whole log. Raises AnchorError
    and MemoError; every attempt gets its outcome row.
    """
    with attempted(client, STEP, window, run_id) as done:
        try:
            size = anchors.anchor(config, client, run_id).head.size
        except anchors.NothingSealed:
            size = 0
        else:
            if config.audit.memo.enabled:
                from audit.memo import post  # here: every parse of the DAGs would load the Solana client

                post(config, client, run_id)
        done.detail = f"{size} seals"
        return size
