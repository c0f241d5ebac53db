"""The JSON-RPC requests that the warehouse makes, at `finalized` unless told otherwise."""

from __future__ import annotations

from typing import Any

from solders.commitment_config import CommitmentLevel
from solders.pubkey import Pubkey
from solders.rpc.config import RpcContextConfig, RpcSignaturesForAddressConfig, RpcTransactionConfig
from solders.rpc.requests import (
    GetBalance,
    GetBlockTime,
    GetFirstAvailableBlock,
    GetHealth,
    GetSignaturesForAddress,
    GetSlot,
    GetTokenAccountBalance,
    GetTransaction,
)
from solders.rpc.responses import (
    GetBalanceResp,
    GetBlockTimeResp,
    GetFirstAvailableBlockResp,
    GetHealthResp,
    GetSignaturesForAddressResp,
    GetSlotResp,
    GetTokenAccountBalanceResp,
    GetTransactionResp,
)
from solders.signature import Signature
from solders.transaction_status import UiTransactionEncoding

from ingestion.solana.rpc.answers import Request
from ingestion.solana.transaction import NotATransaction, view_of

PAGE = 1000
"""Largest page of getSignaturesForAddress."""

_LEVELS = {"confirmed": CommitmentLevel.Confirmed, "finalized": CommitmentLevel.Finalized}


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


def signatures(
    address: str,
    before: str | None = None,
    until: str | None = None,
    commitment: str = "finalized",
    min_context_slot: int | None = None,
) -> Request:
    """getSignaturesForAddress: a page of entries older than `before` and newer than `until`, newest first.

    `commitment` is confirmed or finalized (KeyError otherwise: there is no other). A node that hasn't reached
    `min_context_slot` says that it is behind.
    """
    config = RpcSignaturesForAddressConfig(
        before=None if before is None else Signature.from_string(before),
        until=None if until is None else Signature.from_string(until),
        limit=PAGE,
        commitment=_LEVELS[commitment],
        min_context_slot=min_context_slot,
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


def slot() -> Request:
    """getSlot: the newest finalized slot."""
    config = RpcContextConfig(commitment=CommitmentLevel.Finalized)
    return Request("getSlot", lambda at: GetSlot(config, at), GetSlotResp, slot_of=lambda result: result)


def health() -> Request:
    """getHealth: "ok", or the error that the node is behind."""
    return Request("getHealth", lambda at: GetHealth(at), GetHealthResp, lambda result: result == "ok")


def first_available_block() -> Request:
    """getFirstAvailableBlock: the lowest slot that the provider keeps, 0 where it keeps the whole history."""
    return Request("getFirstAvailableBlock", lambda at: GetFirstAvailableBlock(at), GetFirstAvailableBlockResp)
