"""Landed signatures, balances and call records to raw rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.quarantine import quarantine_row
from ingestion.solana.answers import Unusable, parse_json
from ingestion.solana.records import instant, record_rows
from warehouse.config import Config
from warehouse.window import format_instant

NATIVE_DECIMALS = 9
"""Decimals of lamports."""


def prepare_signatures(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON lines {"address", "entries"}: entries of getSignaturesForAddress."""
    for number, line in enumerate(stream, start=1):
        try:
            record = parse_json(line)
            entries = [(record["address"], entry, instant(entry.get("blockTime"))) for entry in record["entries"]]
            rows = [_signature_row(number, address, entry, when) for address, entry, when in entries]
        except (Unusable, KeyError, TypeError, AttributeError, ValueError) as error:
            reason = str(error) if isinstance(error, Unusable) else "the line is no {address, entries} record"
            yield quarantine_row(landed, number, "not_an_answer", reason, line.rstrip(b"\n"))
            continue
        for row, (_, entry, when) in zip(rows, entries, strict=True):
            if when is None:
                reason = "the signature has no block time, so it belongs to no day"
                yield quarantine_row(
                    landed,
                    number,
                    "no_block_time",
                    reason,
                    line.rstrip(b"\n"),
                    position=entry["signature"],
                    signature=entry["signature"],
                )
            else:
                yield row


def _signature_row(line: int, address: str, entry: dict[str, Any], when: datetime | None) -> Row:
    return "solana_signatures", {
        "address": address,
        "signature": entry["signature"],
        "slot": entry["slot"],
        "block_time": None if when is None else format_instant(when),
        "success": entry.get("err") is None,
        "confirmation_status": entry.get("confirmationStatus"),
        "_line": line,
        "_event_date": None if when is None else when.date().isoformat(),
    }


def prepare_account_balances(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON lines {"address", "role", "kind", "response", "block_time"}: answers as received.

    `block_time` is the result of getBlockTime of the answer's slot, unix seconds or null.
    """
    for number, line in enumerate(stream, start=1):
        try:
            row = _balance_row(landed, number, parse_json(line), ctx.config)
        except Unusable as error:
            yield quarantine_row(landed, number, error.code, str(error), line.rstrip(b"\n"))
            continue
        except (KeyError, TypeError, AttributeError, ValueError):
            yield quarantine_row(landed, number, "not_an_answer", "the line is no balance record", line.rstrip(b"\n"))
            continue
        yield row


def _balance_row(landed: LandedObject, line: int, record: dict[str, Any], config: Config) -> Row:
    answer = parse_json(record["response"])
    if answer.get("error") is not None:
        code = answer["error"].get("code")
        raise Unusable("no_balance", f"no balance of the {record['role']} {record['address']} (JSON-RPC error {code})")
    when = instant(record["block_time"])
    if when is None:
        raise Unusable("no_block_time", "the balance's slot has no block time, so it belongs to no day")
    value = answer["result"]["value"]
    is_token = record["kind"] == "token"
    mints = {vault.address: vault.mint for vault in config.own.vaults}
    return "solana_account_balances", {
        "address": record["address"],
        "kind": record["kind"],
        "role": record["role"],
        "mint": mints.get(record["address"], record.get("mint")) if is_token else None,
        "decimals": value["decimals"] if is_token else NATIVE_DECIMALS,
        "amount": str(int(value["amount"] if is_token else value)),
        "slot": answer["result"]["context"]["slot"],
        "block_time": format_instant(when),
        "window_start": format_instant(landed.window.start),
        "window_end": format_instant(landed.window.end),
        "_line": line,
        "_event_date": when.date().isoformat(),
    }


def prepare_rpc_calls(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON call records (see rpc.calls.Call)."""
    reason = "the line is no call record"
    return record_rows(landed, stream, "not_a_call", reason, lambda call: [("rpc_calls", call, call["called_at"])])
