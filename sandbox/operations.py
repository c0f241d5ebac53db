"""The simulated program's instructions as values: accounts, arguments, events, token transfers, rent.

Each function builds the Call of one instruction of config/idl/skill_match.json. Nothing here keeps state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import addresses as a
from sandbox.model import Call, EventPlan, Rent, TokenMove

BALANCE_RENT = 1_447_680  # rent-exempt minimum of 80 bytes
MATCH_RENT = 2_276_160  # rent-exempt minimum of 199 bytes
TOKEN_ACCOUNT_RENT = 2_039_280  # rent-exempt minimum of 165 bytes

INSUFFICIENT_BALANCE = (6000, "InsufficientBalance")
MATCH_FULL = (6001, "MatchFull")


def _emitter() -> dict[str, str]:
    return {"event_authority": a.EVENT_AUTHORITY, "program": a.PROGRAM_ID}


def initialize(mint: str, fee_bps: int) -> Call:
    """Create the vault of a mint."""
    vault = a.VAULTS[mint]
    return Call(
        "skill_match",
        "initialize",
        {"fee_bps": fee_bps},
        {
            "authority": a.AUTHORITY,
            "vault_authority": a.VAULT_AUTHORITY,
            "mint": mint,
            "vault": vault,
            "token_program": a.TOKEN_PROGRAM,
            "associated_token_program": a.ASSOCIATED_TOKEN_PROGRAM,
            "system_program": a.SYSTEM_PROGRAM,
            **_emitter(),
        },
        events=(
            EventPlan(
                "VaultInitialized", {"mint": mint, "vault": vault, "authority": a.VAULT_AUTHORITY, "fee_bps": fee_bps}
            ),
        ),
        rents=(Rent(a.AUTHORITY, vault, TOKEN_ACCOUNT_RENT),),
    )


def deposit(wallet: str, mint: str, amount: int, opens_balance: bool) -> Call:
    """Move tokens from a wallet into the vault, credited to the user's balance there."""
    vault, source, balance = a.VAULTS[mint], a.token_account(wallet, mint), a.balance_account(wallet, mint)
    return Call(
        "skill_match",
        "deposit",
        {"amount": amount},
        {
            "player": wallet,
            "player_token_account": source,
            "player_balance": balance,
            "mint": mint,
            "vault": vault,
            "token_program": a.TOKEN_PROGRAM,
            "system_program": a.SYSTEM_PROGRAM,
            **_emitter(),
        },
        events=(EventPlan("DepositMade", {"player": wallet, "mint": mint, "vault": vault, "amount": amount}),),
        moves=(TokenMove(source, vault, wallet, mint, amount),),
        rents=(Rent(wallet, balance, BALANCE_RENT),) if opens_balance else (),
    )


def withdraw(wallet: str, mint: str, amount: int) -> Call:
    """Move tokens from the vault back to the user's wallet."""
    vault, target = a.VAULTS[mint], a.token_account(wallet, mint)
    return Call(
        "skill_match",
        "withdraw",
        {"amount": amount},
        {
            "player": wallet,
            "player_token_account": target,
            "player_balance": a.balance_account(wallet, mint),
            "vault_authority": a.VAULT_AUTHORITY,
            "mint": mint,
            "vault": vault,
            "token_program": a.TOKEN_PROGRAM,
            **_emitter(),
        },
        events=(EventPlan("WithdrawalMade", {"player": wallet, "mint": mint, "vault": vault, "amount": amount}),),
        moves=(TokenMove(vault, target, a.VAULT_AUTHORITY, mint, amount),),
    )


def create_match(match_id: str, mint: str, entry_amount: int, max_players: int, fee_bps: int) -> Call:
    """Open the escrow of a paid match."""
    vault, escrow = a.VAULTS[mint], a.match_account(match_id)
    args = {"match_id": match_id, "entry_amount": entry_amount, "max_players": max_players, "fee_bps": fee_bps}
    return Call(
        "skill_match",
        "create_match",
        args,
        {
            "authority": a.AUTHORITY,
            "match_escrow": escrow,
            "mint": mint,
            "vault": vault,
            "system_program": a.SYSTEM_PROGRAM,
            **_emitter(),
        },
        events=(EventPlan("MatchCreated", {**args, "mint": mint, "vault": vault}),),
        rents=(Rent(a.AUTHORITY, escrow, MATCH_RENT),),
    )


def join_match(match_id: str, wallet: str, mint: str, amount: int) -> Call:
    """Pay a match's entry out of the user's balance into the match escrow; no token moves."""
    vault = a.VAULTS[mint]
    fields = {"match_id": match_id, "player": wallet, "mint": mint, "vault": vault, "amount": amount}
    return Call(
        "skill_match",
        "join_match",
        {"match_id": match_id},
        {
            "player": wallet,
            "player_balance": a.balance_account(wallet, mint),
            "match_escrow": a.match_account(match_id),
            "mint": mint,
            "vault": vault,
            **_emitter(),
        },
        events=(EventPlan("EntryPaid", fields),),
    )


def settle_match(match_id: str, winner: str, mint: str, prize: int, fee: int, ended_at: int) -> Call:
    """Pay the pot: prize to the winner's balance inside the vault, fee to the treasury. `ended_at` is unix seconds."""
    vault, escrow, treasury = a.VAULTS[mint], a.match_account(match_id), a.TREASURY_ACCOUNTS[mint]
    return Call(
        "skill_match",
        "settle_match",
        {"match_id": match_id, "winner": winner, "ended_at": ended_at},
        {
            "authority": a.AUTHORITY,
            "match_escrow": escrow,
            "winner_balance": a.balance_account(winner, mint),
            "vault_authority": a.VAULT_AUTHORITY,
            "mint": mint,
            "vault": vault,
            "treasury_token_account": treasury,
            "token_program": a.TOKEN_PROGRAM,
            **_emitter(),
        },
        events=(
            EventPlan("MatchCompleted", {"match_id": match_id, "winner": winner, "ended_at": ended_at}),
            EventPlan(
                "MatchSettled",
                {"match_id": match_id, "winner": winner, "mint": mint, "vault": vault, "prize": prize, "fee": fee},
            ),
        ),
        moves=(TokenMove(vault, treasury, a.VAULT_AUTHORITY, mint, fee),) if fee else (),
        rents=(Rent(escrow, a.AUTHORITY, MATCH_RENT, created=False),),
    )


def cancel_match(
    match_id: str, mint: str, entry_amount: int, wallets: Sequence[str], reason: Mapping[str, Any]
) -> Call:
    """Cancel a match and give every player the entry back; `reason` is a CancelReason variant."""
    vault, escrow = a.VAULTS[mint], a.match_account(match_id)
    refunds = tuple(
        EventPlan(
            "EntryRefunded",
            {"match_id": match_id, "player": wallet, "mint": mint, "vault": vault, "amount": entry_amount},
        )
        for wallet in wallets
    )
    return Call(
        "skill_match",
        "cancel_match",
        {"match_id": match_id, "reason": reason},
        {"authority": a.AUTHORITY, "match_escrow": escrow, "mint": mint, "vault": vault, **_emitter()},
        remaining=tuple(a.balance_account(wallet, mint) for wallet in wallets),
        events=(EventPlan("MatchCancelled", {"match_id": match_id, "reason": reason}), *refunds),
        rents=(Rent(escrow, a.AUTHORITY, MATCH_RENT, created=False),),
    )


def _on_match(
    instruction: str, match_id: str, signer: tuple[str, str], args: Mapping[str, Any], event: EventPlan
) -> Call:
    role, key = signer
    accounts = {role: key, "match_escrow": a.match_account(match_id), **_emitter()}
    return Call("skill_match", instruction, {"match_id": match_id, **args}, accounts, events=(event,))


def pause_match(match_id: str, reason: str | None, at: int) -> Call:
    """Pause a running match; `at` is unix seconds."""
    event = EventPlan("MatchPaused", {"match_id": match_id, "reason": reason, "paused_at": at})
    return _on_match("pause_match", match_id, ("authority", a.AUTHORITY), {"reason": reason}, event)


def resume_match(match_id: str, at: int) -> Call:
    """Resume a paused match; `at` is unix seconds."""
    event = EventPlan("MatchResumed", {"match_id": match_id, "resumed_at": at})
    return _on_match("resume_match", match_id, ("authority", a.AUTHORITY), {}, event)


def open_dispute(match_id: str, wallet: str, reason: Mapping[str, Any]) -> Call:
    """A player disputes a result; `reason` is a DisputeReason variant."""
    event = EventPlan("DisputeOpened", {"match_id": match_id, "player": wallet, "reason": reason})
    return _on_match("open_dispute", match_id, ("player", wallet), {"reason": reason}, event)


def resolve_dispute(match_id: str, outcome: Mapping[str, Any], winner: str | None) -> Call:
    """The platform decides a dispute; `outcome` is a DisputeOutcome variant."""
    event = EventPlan("DisputeResolved", {"match_id": match_id, "outcome": outcome, "winner": winner})
    return _on_match("resolve_dispute", match_id, ("authority", a.AUTHORITY), {"outcome": outcome}, event)


def token_transfer(move: TokenMove) -> Call:
    """A plain SPL transfer that the program knows nothing of."""
    return Call("token", "transfer_checked", {"amount": move.amount}, moves=(move,))


def lookalike(event: EventPlan) -> Call:
    """Another program that logs one of our events' bytes; its event is not ours."""
    return Call("lookalike", "mimic", events=(event,))
