"""Landed transactions to raw rows: a pure function of the landed object, the IDLs and the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.quarantine import quarantine_row
from ingestion.solana.answers import Unusable, only_transaction, parse_json, transactions_of
from ingestion.solana.transaction import SHAPE_ERRORS, NotATransaction, TransactionView, misshapen, view_of
from ingestion.solana.transaction_rows import TransactionRows


def prepare_transactions(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of NDJSON lines {"signature", "response"}: `response` is a getTransaction answer, as received.

    One transaction is in memory at a time. One that can't be used becomes a quarantine row and harms no other.
    """
    maker = TransactionRows(landed, ctx)
    for number, line in enumerate(stream, start=1):
        if line.isspace():
            continue
        signature = None
        try:
            view = read_line(line)
            signature = view.signature
            if view.block_time is None or view.slot is None:
                missing = "block time" if view.slot is not None else "slot"
                raise Unusable("no_block_time", f"the transaction has no {missing}, so it belongs to no day")
            rows = maker.rows(view, number)
        except Unusable as error:
            yield quarantine_row(landed, number, error.code, str(error), line.rstrip(b"\n"), signature=signature)
        except (*SHAPE_ERRORS, RecursionError) as error:  # found where it was needed, such as data that is not base58
            reason = str(misshapen(error))
            yield quarantine_row(landed, number, "not_a_transaction", reason, line.rstrip(b"\n"), signature=signature)
        else:
            yield from rows


def read_line(line: bytes) -> TransactionView:
    """The transaction of a landed line. Raises Unusable, NotATransaction."""
    record = parse_json(line)
    if not isinstance(record, dict) or not isinstance(record.get("response"), str):
        raise Unusable("not_an_answer", "the line is no {signature, response} record")
    recorded = only_transaction(parse_json(record["response"]))
    view = view_of(recorded.result, block_time=recorded.block_time)
    if record.get("signature") not in (None, view.signature):
        raise Unusable("other_transaction", "the answer is that of another transaction")
    return view


def prepare_unusable(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """One quarantine row for a recorded file that could not be served, with the reason."""
    content = stream.read()
    code, reason = "not_served", "the file holds answers, but no transaction that a provider can serve"
    try:
        for recorded in transactions_of(parse_json(content)):
            view = view_of(recorded.result, block_time=recorded.block_time)
            if view.slot is None:
                code, reason = "no_slot", "a getBlock answer does not state its slot"
            elif view.block_time is None:
                code, reason = "no_block_time", "the transaction has no block time, so it belongs to no day"
    except Unusable as error:
        code, reason = error.code, str(error)
    except NotATransaction as error:
        code, reason = "not_a_transaction", str(error)
    yield quarantine_row(landed, 1, code, reason, content)
