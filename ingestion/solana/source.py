"""The Solana source as the core of landing and loading sees it."""

from __future__ import annotations

from ingestion.base import Dataset, Source
from ingestion.solana.account_rows import prepare_account_balances, prepare_rpc_calls, prepare_signatures
from ingestion.solana.history.coverage import prepare_coverage
from ingestion.solana.history.disagreements import prepare_disagreements
from ingestion.solana.history.land import land
from ingestion.solana.history.pending import prepare_pending
from ingestion.solana.proof.rows import prepare_proofs
from ingestion.solana.proof.verify import TURNS, verify
from ingestion.solana.rows import prepare_transactions, prepare_unusable

SOURCE = Source(
    "solana",
    land,
    {
        dataset.name: dataset
        for dataset in (
            Dataset("transactions", prepare_transactions),
            Dataset("signatures", prepare_signatures),
            Dataset("account_balances", prepare_account_balances),
            Dataset("coverage", prepare_coverage),
            Dataset("disagreements", prepare_disagreements),
            Dataset("pending", prepare_pending),
            Dataset("proofs", prepare_proofs),
            Dataset("rpc_calls", prepare_rpc_calls),
            Dataset("unusable", prepare_unusable),
        )
    },
    verify,
    TURNS,
)
