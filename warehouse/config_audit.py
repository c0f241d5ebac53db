"""The configuration of the audit record: where seals are anchored, where closed months go, which key subjects have."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, NonNegativeInt

from warehouse.section import EnvName, GsUri, Section


class Memo(Section):
    """Heads of the log of seals, posted on Solana in a memo transaction.

    `keypair_env` names the variable with the paying key (JSON array of 64 numbers, as Solana's tools write it, or
    base58); `provider` is one of sources.solana.providers.
    """

    enabled: bool = False
    keypair_env: EnvName = "ANCHOR_KEYPAIR"
    provider: str | None = Field(default=None, description="left out: the first provider")


class Audit(Section):
    """`anchors`, `cold`: buckets with retention locks, of seals and of closed months; `retention`: the policy file.

    `recomputed_records`: a day's root, computed in SQL, is computed once more in Python before it is sealed, where the
    day has at most so many records.
    """

    anchors: GsUri = "gs://escrow-anchors"
    cold: GsUri = "gs://escrow-cold"
    retention: Path = Path("config/retention.yml")
    subject_key_env: EnvName = "WAREHOUSE_SUBJECT_KEY"
    memo: Memo = Memo()
    recomputed_records: NonNegativeInt = 1_000_000
