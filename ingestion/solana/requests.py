"""The JSON-RPC requests that the warehouse makes, all at `finalized`."""

from __future__ import annotations

from typing import Any

from solders.commitment_config import CommitmentLevel
from solders.pubkey import Pubkey
from solders.rpc.config import RpcContextConfig, RpcSignaturesForAddressConfig, RpcTransactionConfig
from solders.rpc.requests import (
    GetBalance,
    GetBlockTime,
    GetSignaturesForAddress,
    GetTokenAccountBalance,
    GetTransaction,
)
from solders.rpc.responses import (
    GetBalanceResp,
    GetBlockTimeResp,
    GetSignaturesForAddressResp,
    GetTokenAccountBalanceResp,
    GetTransactionResp,
)
from solders.signature import Signature
from solders.transaction_status import UiTransactionEncoding

from ingestion.solana.rpc_answers import Request
from ingestion.solana.transaction import NotATransaction, view_of

PAGE = 1000
"""Largest page of getSignaturesForAddress."""


def transaction(signature: str) -> Request:
    """getTransaction in `json` encoding; an answer for another signature is none."""
    config = RpcTransactionConfig(
        encoding=UiTransactionEncoding.Json, commitment=CommitmentLevel.Finalized, max_supported_transaction_version=0
    )
    key = Signature.from_string(signature)
    return Request(
        "getTransaction",
        lambda at: GetTransaction(key, config, at),
        GetTransactionResp,
        lambda result: _signature(result) == signature,
    )


def _signature(result: Any) -> str | None:
    try:
        return view_of(result).signature
    except NotATransaction:
        return None


def signatures(address: str, before: str | None = None) -> Request:
    """getSignaturesForAddress: a page of entries older than `before`, newest first."""
    config = RpcSignaturesForAddressConfig(
        before=None if before is None else Signature.from_string(before),
        limit=PAGE,
        commitment=CommitmentLevel.Finalized,
    )
    key = Pubkey.from_string(address)
    return Request(
        "getSignaturesForAddress",
        lambda at: GetSignaturesForAddress(key, config, at),
        GetSignaturesForAddressResp,
        lambda result: all("blockTime" in entry for entry in result),
    )


def token_balance(address: str) -> Request:
    """getTokenAccountBalance."""
    key = Pubkey.from_string(address)
    return Request(
        "getTokenAccountBalance",
        lambda at: GetTokenAccountBalance(key, CommitmentLevel.Finalized, at),
        GetTokenAccountBalanceResp,
    )


def balance(address: str) -> Request:
    """getBalance, lamports."""
    key, config = Pubkey.from_string(address), RpcContextConfig(commitment=CommitmentLevel.Finalized)
    return Request("getBalance", lambda at: GetBalance(key, config, at), GetBalanceResp)


def block_time(slot: int) -> Request:
    """getBlockTime, unix seconds."""
    return Request("getBlockTime", lambda at: GetBlockTime(slot, at), GetBlockTimeResp)
