"""What the balance proof reads of the warehouse: watched accounts, their moves, earlier proofs, reported balances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig, ScalarQueryParameter

from ingestion.base import Context
from warehouse.config import Platform

_PROOFS = """
    select account, kind, from_slot, to_slot, opening_amount, closing_amount, reported_slot, reported_amount, breaks
    from raw.solana_balance_proofs
    order by proved_at, round, from_slot
"""
_CONTRADICTED = """
    select account, kind, max(before_slot) as slot
    from raw.solana_balance_breaks
    where before_signature is null
    group by account, kind
"""
_REPORTED = """
    select address, kind, slot, amount
    from raw.solana_account_balances
    where address in unnest(@accounts)
    qualify row_number() over (partition by address, kind order by slot desc, _landed_at desc) = 1
"""
_MOVES = {
    "token": """
        select account, signature, min(slot) as slot, min(coalesce(pre_amount, 0)) as pre,
            min(coalesce(post_amount, 0)) as post, min(mint) as mint, min(decimals) as decimals
        from raw.solana_token_balances
        where account = @account and slot between @first and @last and _event_date >= @since
        group by account, signature
        order by slot, signature
    """,
    "native": """
        select account, signature, min(slot) as slot, min(pre_lamports) as pre, min(post_lamports) as post
        from raw.solana_native_balances
        where account = @account and slot between @first and @last and _event_date >= @since
        group by account, signature
        order by slot, signature
    """,
}
EPOCH = date(1970, 1, 1)
"""Earlier than every partition."""


@dataclass(frozen=True)
class Account:
    """A watched balance: an account's tokens or its lamports."""

    address: str
    role: str
    kind: str


@dataclass(frozen=True)
class Reported:
    """What the chain says an account holds at a slot."""

    slot: int
    amount: int


@dataclass(frozen=True)
class Segment:
    """Slots [from_slot, to_slot] of an account, proved without a break. Amounts None: it had no transaction."""

    from_slot: int
    to_slot: int
    opening: int | None
    closing: int | None
    reported: Reported | None = None


def watched(own: Platform) -> list[Account]:
    """The platform's own balances."""
    accounts = [Account(vault.address, "vault", kind) for vault in own.vaults for kind in ("token", "native")]
    accounts += [Account(address, "treasury", kind) for address in own.treasury for kind in ("token", "native")]
    accounts += [Account(address, "fee_payer", "native") for address in own.fee_payers]
    return [*dict.fromkeys([*accounts, Account(own.program_id, "program", "native")])]


def proved_segments(ctx: Context) -> dict[tuple[str, str], list[Segment]]:
    """Segments without a break; a later proof with one takes back what it overlaps."""
    held: dict[tuple[str, str], list[Segment]] = {}
    for row in ctx.query(_PROOFS):
        segments = held.setdefault((row["account"], row["kind"]), [])
        segments[:] = [item for item in segments if item.to_slot < row["from_slot"] or item.from_slot > row["to_slot"]]
        if row["breaks"] == 0:
            reported = row["reported_slot"]
            segments.append(
                Segment(
                    row["from_slot"],
                    row["to_slot"],
                    _integer(row["opening_amount"]),
                    _integer(row["closing_amount"]),
                    None if reported is None else Reported(reported, int(row["reported_amount"])),
                )
            )
    return held


def reported_balances(ctx: Context, accounts: Sequence[Account]) -> dict[Account, Reported]:
    """The newest balance that the chain reported of each account."""
    known = {(account.address, account.kind): account for account in accounts}
    addresses = ArrayQueryParameter("accounts", "STRING", sorted({account.address for account in accounts}))
    return {
        known[row["address"], row["kind"]]: Reported(row["slot"], int(row["amount"]))
        for row in ctx.query(_REPORTED, [addresses])
        if (row["address"], row["kind"]) in known
    }


def moves_of(ctx: Context, account: Account, first: int, last: int, since: date = EPOCH) -> Iterator[Mapping[str, Any]]:
    """Balances of an account around its transactions in slots [first, last], by slot; `since` cuts the scan only."""
    parameters = [
        ScalarQueryParameter("account", "STRING", account.address),
        ScalarQueryParameter("first", "INT64", first),
        ScalarQueryParameter("last", "INT64", last),
        ScalarQueryParameter("since", "DATE", since),
    ]
    yield from ctx.client.query(_MOVES[account.kind], job_config=QueryJobConfig(query_parameters=parameters)).result()


def contradicted_slots(ctx: Context) -> dict[tuple[str, str], int]:
    """The last slot at which a reported balance contradicted a proof, by account and kind."""
    return {(row["account"], row["kind"]): row["slot"] for row in ctx.query(_CONTRADICTED)}


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)
