"""A transaction's message in any encoding: its keys and its instructions, the latter in the shape of `json` encoding.

What is not shaped as documented raises whatever reading it raises; view_of turns that into a reason.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from ingestion.solana.base58 import decode_base58


class NotATransaction(ValueError):
    """The value is no usable getTransaction result; the message says why and quotes nothing of it."""


Message = tuple[Sequence[str], list[str], Sequence[Mapping[str, Any]], str, str]
"""Signatures, account keys with the looked-up ones, instructions as received, version, encoding."""


def message_of_json(transaction: Mapping[str, Any], meta: Mapping[str, Any]) -> Message:
    """Message of a transaction in `json` or `jsonParsed` encoding."""
    message = transaction["message"]
    written = message["accountKeys"]
    parsed = bool(written) and isinstance(written[0], dict)
    keys = [item["pubkey"] for item in written] if parsed else list(written)
    loaded = _loaded(meta)
    # jsonParsed lists looked-up accounts among the keys already
    if loaded and not (parsed and keys[-len(loaded) :] == loaded):
        keys += loaded
    version = "0" if message.get("addressTableLookups") else "legacy"
    return transaction["signatures"], keys, message["instructions"], version, "jsonParsed" if parsed else "json"


def message_of_bytes(transaction: Any, meta: Mapping[str, Any]) -> Message:
    """Message of a transaction in `base64` or `base58` encoding, [text, encoding] or text. Raises NotATransaction."""
    text, encoding = (transaction, "base58") if isinstance(transaction, str) else transaction
    if encoding not in ("base64", "base58"):
        raise NotATransaction(f"unknown encoding {encoding!r}"[:60])
    raw = base64.b64decode(text, validate=True) if encoding == "base64" else decode_base58(text)
    decoded = VersionedTransaction.from_bytes(raw)
    message = decoded.message
    keys = [str(key) for key in message.account_keys] + _loaded(meta)
    top = [
        {"programIdIndex": item.program_id_index, "accounts": item.accounts, "data": item.data, "stackHeight": 1}
        for item in message.instructions
    ]
    version = "0" if isinstance(message, MessageV0) else "legacy"
    return [str(signature) for signature in decoded.signatures], keys, top, version, encoding


def _loaded(meta: Mapping[str, Any]) -> list[str]:
    loaded = meta.get("loadedAddresses")
    return [*loaded.get("writable", ()), *loaded.get("readonly", ())] if loaded else []
