"""Balances at any slot, and the chain as a lagging or forgetful node and each commitment see it."""

from __future__ import annotations

import pytest

from sandbox import addresses
from sandbox.chain import SimulatedChain, build_chain
from sandbox.chain_view import ChainView, commitments
from sandbox.recorded_chain import RecordedChain
from sandbox.world import build_world

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]


@pytest.fixture(scope="module")
def chain() -> SimulatedChain:
    return build_chain(build_world(days=1))


def after(chain: SimulatedChain, account: str, slot: int) -> tuple[int | None, str | None]:
    """(lamports, token amount) that the last transaction up to `slot` left, by a walk over all of them."""
    lamports = tokens = None
    for tx in chain.transactions:
        if tx.plan.slot <= slot and account in tx.keys:
            index = tx.keys.index(account)
            lamports = tx.meta["postBalances"][index]
            found = [b["uiTokenAmount"]["amount"] for b in tx.meta["postTokenBalances"] if b["accountIndex"] == index]
            tokens = found[0] if found else None
    return lamports, tokens


@pytest.mark.parametrize("name", ["simulated", "recorded"])
def test_balances_at_every_slot_are_what_the_transactions_left(chain: SimulatedChain, name: str) -> None:
    answers = [chain.transaction(tx.signature, "base64") for tx in chain.transactions]
    served = chain if name == "simulated" else RecordedChain.from_answers(answers)
    slots = sorted({tx.plan.slot + step for tx in chain.transactions for step in (-1, 0)})
    accounts = [VAULT, addresses.TREASURY_ACCOUNTS[addresses.USDC_MINT], addresses.FEE_PAYER, addresses.AUTHORITY]
    for account in accounts:
        for slot in slots[::7]:
            lamports, tokens = after(chain, account, slot)
            if lamports is not None:
                assert served.lamports(account, slot) == lamports
            assert (served.token_amount(account, slot) or {}).get("amount") == tokens
    assert served.lamports(addresses.AUTHORITY, 300_000_001) == 40 * 10**9  # what it had before its first transaction
    assert served.lamports(addresses.FEE_PAYER, 300_000_001) == 0
    assert served.lamports(addresses.FEE_PAYER) == served.lamports(addresses.FEE_PAYER, chain.tip)


def test_accounts_in_no_transaction_hold_what_they_opened_with(chain: SimulatedChain) -> None:
    outside = addresses.token_account(addresses.OUTSIDER, addresses.USDC_MINT)
    assert chain.token_amount(outside)["amount"] == "5000000"
    assert chain.lamports(addresses.OUTSIDER, 300_000_001) == 3 * 10**9
    assert chain.token_amount(addresses.OUTSIDER) is None
    assert chain.lamports(addresses.address("nobody")) == 0


def test_a_view_ends_at_its_tip_and_lacks_what_is_hidden(chain: SimulatedChain) -> None:
    hidden, last = chain.signature_of(20), chain.transactions[150]
    view = ChainView(chain, last.plan.slot, frozenset({hidden}).__contains__)
    expected = [tx.signature for tx in reversed(chain.transactions) if tx.plan.slot <= last.plan.slot]
    shown = [row.signature for row in view.history(PROGRAM)]
    assert shown == [s for s in expected if s != hidden and PROGRAM in chain.transactions[chain.row(s).order].keys]
    assert view.row(hidden) is view.transaction(hidden, "json") is None
    later = chain.transactions[200].signature
    assert view.row(later) is view.transaction(later, "json") is None
    assert view.transaction(last.signature, "json") == chain.transaction(last.signature, "json")
    assert view.block_time(view.tip) == chain.block_time(last.plan.slot)
    assert view.block_time(view.tip + 1) is None
    assert view.token_amount(VAULT)["amount"] == after(chain, VAULT, last.plan.slot)[1]
    assert view.token_amount(VAULT, chain.tip) == view.token_amount(VAULT)  # it knows nothing of later slots
    assert view.lamports(addresses.FEE_PAYER) == after(chain, addresses.FEE_PAYER, last.plan.slot)[0]


def test_the_last_transactions_are_only_confirmed(chain: SimulatedChain) -> None:
    known = commitments(chain, chain.rows, chain.tip, pending=3)
    *_, fourth, third, second, first = [tx.signature for tx in chain.transactions]
    assert [known.status(s) for s in (fourth, third, second, first)] == ["finalized", *["confirmed"] * 3]
    assert known.finalized.tip == chain.row(third).slot - 1
    assert known.confirmed.tip == chain.tip
    assert commitments(chain, chain.rows, chain.tip).finalized.tip == chain.tip


def test_a_slot_is_final_as_a_whole(chain: SimulatedChain) -> None:
    rows = chain.rows
    shared = next(n for n in range(1, len(rows)) if rows[n].slot == rows[n - 1].slot)
    known = commitments(chain, rows, rows[shared].slot, pending=1)
    assert [known.status(rows[n].signature) for n in (shared - 1, shared)] == ["confirmed", "confirmed"]
    assert known.finalized.tip == rows[shared].slot - 1
    assert known.status(rows[shared + 1].signature) is None
