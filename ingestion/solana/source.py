"""The Solana source as the core of landing and loading sees it."""

from __future__ import annotations

from ingestion.base import Dataset, Source
from ingestion.solana.account_rows import prepare_account_balances, prepare_rpc_calls, prepare_signatures
from ingestion.solana.land import land
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
            Dataset("rpc_calls", prepare_rpc_calls),
            Dataset("unusable", prepare_unusable),
        )
    },
)
