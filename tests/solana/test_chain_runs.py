"""Whole runs of the Solana source against the sandbox's RPC server, on the embedded warehouse: what ends up in raw.

The long form of the campaigns is `make campaign`; a few of their seeds run here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from datetime import timedelta

import chain_campaign
import chain_runs
import pytest
from chain_campaign import put

from ingestion import run
from ingestion.solana import SOURCE
from ingestion.solana.history.backfill import backfill
from ingestion.solana.proof.account import NotWatched, prove_account, report
from ingestion.solana.rpc import pool as rpc
from sandbox import addresses
from sandbox.truth import EFFECTS
from warehouse.window import Window

VAULT = addresses.VAULTS[addresses.USDC_MINT]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "_backoff", lambda state: 0)


@pytest.fixture(scope="module")
def served(embedded) -> Iterator[chain_runs.Served]:
    with chain_runs.served() as chain:
        yield chain


@pytest.fixture
def chain(served) -> chain_runs.Served:
    """The chain with its whole day and without faults."""
    put(served, "chain", {"tip_at": None, "pending": None, "dropped": None})
    put(served, "rpc", {})
    return served


def moved(chain: chain_runs.Served, hours: int) -> Window:
    """Let the chain have got so far; the window up to there."""
    end = chain.window.start + timedelta(hours=hours)
    put(chain, "chain", {"tip_at": (end - timedelta(seconds=4)).isoformat()})
    return Window(chain.window.start, end)


def books(chain: chain_runs.Served) -> int:
    """What the platform's own books have in the vault at the day's end."""
    return sum(EFFECTS[entry.kind][0] * entry.amount for entry in chain.chain.world.ledger if entry.vault == VAULT)


def truth_until(chain: chain_runs.Served, end) -> set[str]:
    return {tx.signature for tx in chain.chain.transactions if tx.plan.at < end}


@pytest.fixture(scope="module")
def complete(served):
    """A warehouse that has read the whole day from healthy providers."""
    config = chain_runs.config_of("chain-complete", served.url)
    chain_runs.context(config)
    assert chain_runs.ingest(config, served.window) is None
    return config


def test_a_run_holds_exactly_the_chain_and_proves_it(chain, complete):
    assert chain_runs.held_events(complete) == chain_runs.true_events(chain.chain)
    assert set(chain_runs.held_signatures(complete).values()) == {1}
    assert set(chain_runs.held_signatures(complete)) == {tx.signature for tx in chain.chain.transactions}
    assert chain_runs.uncovered(complete, chain) == []
    proofs = chain_runs.rows(complete, "select account, kind, result, opening_source from raw.solana_balance_proofs")
    assert len(proofs) == 10
    assert {(row["result"], row["opening_source"]) for row in proofs} == {("proved", "zero")}


def test_the_proof_closes_at_the_balance_of_the_chains_own_books(chain, complete):
    (row,) = chain_runs.rows(
        complete,
        "select closing_amount, reported_amount, reported_slot, transactions from raw.solana_balance_proofs "
        f"where account = '{VAULT}' and kind = 'token'",
    )
    touching = [tx for tx in chain.chain.transactions if VAULT in tx.keys]
    assert int(row["closing_amount"]) == int(row["reported_amount"]) == books(chain)
    assert row["reported_slot"] == chain.chain.tip
    assert row["transactions"] == len(touching)


def test_the_same_window_again_changes_nothing(chain, complete):
    tables = ("solana_transactions", "solana_events", "solana_coverage", "solana_balance_proofs", "solana_signatures")
    before = [chain_runs.rows(complete, f"select count(*) as n from raw.{table}") for table in tables]
    assert chain_runs.ingest(complete, chain.window) is None
    assert [chain_runs.rows(complete, f"select count(*) as n from raw.{table}") for table in tables] == before


def test_with_every_provider_down_the_window_stays_open_and_the_next_run_fills_it(chain):
    config = chain_runs.config_of("chain-outage", chain.url)
    chain_runs.context(config)
    assert chain_runs.ingest(config, moved(chain, 6)) is None
    put(chain, "rpc", {"alpha": {"down": {}}, "beta": {"down": {"form": "dropped"}}})
    second = Window(chain.window.start + timedelta(hours=6), chain.window.start + timedelta(hours=12))
    moved(chain, 12)
    failure = chain_runs.ingest(config, second)
    assert str(failure).startswith("every RPC provider failed: alpha: ")
    attempts = chain_runs.rows(config, "select outcome from ops.attempts where step = 'land' order by started_at")
    assert [row["outcome"] for row in attempts] == ["ok", "failed"]
    calls = chain_runs.rows(
        config, "select provider, outcome from raw.rpc_calls where window_start >= '2026-10-05 06:00:00' group by 1, 2"
    )
    assert {(row["provider"], row["outcome"]) for row in calls} == {("alpha", "http_error"), ("beta", "connection")}
    assert set(chain_runs.held_signatures(config)) == truth_until(chain, second.start)
    put(chain, "rpc", {})
    moved(chain, 18)
    third = Window(second.end, second.end + timedelta(hours=6))
    assert chain_runs.ingest(config, third) is None
    assert set(chain_runs.held_signatures(config)) == truth_until(chain, third.end)
    assert chain_runs.uncovered(config, chain) == []


def test_what_one_provider_leaves_out_is_read_from_the_other_and_held_against_it(chain):
    left_out = next(
        tx for tx in chain.chain.transactions if tx.meta["err"] and tx.plan.fee_payer != addresses.FEE_PAYER
    )
    put(chain, "rpc", {"alpha": {"omit": {"signatures": [left_out.signature]}}})
    config = chain_runs.config_of("chain-listings", chain.url)
    chain_runs.context(config)
    assert chain_runs.ingest(config, chain.window) is None
    assert left_out.signature in chain_runs.held_signatures(config)
    found = chain_runs.rows(
        config, "select provider, kind, signature, held_by, found_by from raw.solana_disagreements order by kind"
    )
    assert {row["signature"] for row in found} == {left_out.signature}
    assert {(row["provider"], row["held_by"]) for row in found} == {("alpha", "beta")}
    assert {row["kind"]: row["found_by"] for row in found} == {"listing": "cross_listing", "transaction": "reading"}


def test_what_a_lone_provider_left_out_is_found_when_the_other_one_is_back(chain):
    left_out = next(
        tx for tx in chain.chain.transactions if tx.meta["err"] and tx.plan.fee_payer != addresses.FEE_PAYER
    )
    omitted = {"beta": {"omit": {"signatures": [left_out.signature]}}}
    put(chain, "rpc", {"alpha": {"down": {}}, **omitted})
    config = chain_runs.config_of("chain-lone", chain.url)
    chain_runs.context(config)
    assert chain_runs.ingest(config, chain.window) is None
    assert left_out.signature not in chain_runs.held_signatures(config)  # and no balance can tell
    assert chain_runs.open_breaks(config) == 0
    put(chain, "rpc", omitted)
    assert chain_runs.ingest(config, chain.window) is None
    assert set(chain_runs.held_signatures(config)) == {tx.signature for tx in chain.chain.transactions}
    found = chain_runs.rows(config, "select distinct provider, kind, signature, held_by from raw.solana_disagreements")
    assert [(row["provider"], row["kind"], row["signature"], row["held_by"]) for row in found] == [
        ("beta", "listing", left_out.signature, "alpha")
    ]
    settled = chain_runs.rows(config, "select count(*) as n from raw.solana_coverage")
    assert chain_runs.ingest(config, chain.window) is None
    assert chain_runs.rows(config, "select count(*) as n from raw.solana_coverage") == settled


def test_the_proof_alone_finds_a_deleted_deposit_names_it_and_repairs_it(chain):
    deposits = [tx for tx in chain.chain.transactions if tx.plan.calls[0].instruction == "deposit"]
    deleted, amount = deposits[3], deposits[3].plan.calls[0].moves[0].amount
    put(chain, "rpc", {"alpha": {"omit": {"signatures": [deleted.signature]}}})
    config = chain_runs.config_of("chain-deleted", chain.url, listings=1)
    chain_runs.context(config)
    assert chain_runs.ingest(config, chain.window) is None
    (found,) = chain_runs.rows(config, "select * from raw.solana_balance_breaks")
    vault = deleted.plan.calls[0].moves[0].destination
    touching = [tx.signature for tx in chain.chain.transactions if vault in tx.keys]
    place = touching.index(deleted.signature)
    assert (found["account"], found["kind"], int(found["amount"])) == (vault, "token", amount)
    assert (found["after_signature"], found["before_signature"]) == (touching[place - 1], touching[place + 1])
    assert chain_runs.open_breaks(config) == 0
    assert chain_runs.held_events(config) == chain_runs.true_events(chain.chain)
    proofs = chain_runs.rows(
        config, f"select round, result from raw.solana_balance_proofs where account = '{vault}' and kind = 'token'"
    )
    assert sorted((row["round"], row["result"]) for row in proofs) == [(0, "broken"), (1, "proved")]


def test_what_nobody_serves_stays_an_open_break_until_somebody_does(chain):
    deposits = [tx for tx in chain.chain.transactions if tx.plan.calls[0].instruction == "deposit"]
    omitted = {"omit": {"signatures": [deposits[0].signature]}}
    put(chain, "rpc", {"alpha": omitted, "beta": omitted})
    config = chain_runs.config_of("chain-nobody", chain.url)
    chain_runs.context(config)
    assert chain_runs.ingest(config, chain.window) is None
    assert chain_runs.open_breaks(config) > 0
    assert deposits[0].signature not in chain_runs.held_signatures(config)
    put(chain, "rpc", {})
    assert chain_runs.ingest(config, chain.window) is None
    assert chain_runs.open_breaks(config) == 0
    assert chain_runs.held_events(config) == chain_runs.true_events(chain.chain)


def test_confirmed_and_not_final_is_seen_and_never_counted(chain):
    put(chain, "chain", {"pending": 3})
    config = chain_runs.config_of("chain-pending", chain.url)
    chain_runs.context(config)
    assert chain_runs.ingest(config, chain.window) is None
    last = [tx.signature for tx in chain.chain.transactions[-3:]]
    seen = chain_runs.rows(config, "select signature, confirmation_status from raw.solana_pending")
    assert {row["signature"]: row["confirmation_status"] for row in seen} == dict.fromkeys(last, "confirmed")
    assert not set(last) & set(chain_runs.held_signatures(config))
    put(chain, "chain", {"pending": None})
    assert chain_runs.ingest(config, chain.window) is None
    assert set(last) <= set(chain_runs.held_signatures(config))


def test_a_backfill_in_pieces_is_the_whole_and_goes_on_where_it_stopped(chain, complete):
    config = chain_runs.config_of("chain-backfill", chain.url)
    chain_runs.context(config)
    steps = backfill(config, SOURCE, chain.window, timedelta(hours=7), "backfill")
    first = next(steps)
    assert (first.window.end, first.skipped) == (chain.window.end, False)
    steps.close()  # interrupted
    again = list(backfill(config, SOURCE, chain.window, timedelta(hours=7), "backfill"))
    assert [step.window.start for step in again] == [
        chain.window.start + timedelta(hours=hours) for hours in (17, 10, 3, 0)
    ]
    assert [step.skipped for step in again] == [False, False, False, False]
    third = backfill(config, SOURCE, chain.window, timedelta(hours=7), "backfill")
    assert [step.skipped for step in third] == [False, True, True, True]  # the chain's tip lies before the newest end
    assert chain_runs.held_events(config) == chain_runs.held_events(complete)
    assert chain_runs.uncovered(config, chain) == []
    assert chain_runs.open_breaks(config) == 0


def test_the_proof_of_an_account_reads_like_one(chain, complete):
    context = run.context(complete)
    proofs = prove_account(context, VAULT, chain.window)
    assert [(proof.account.kind, proof.result) for proof in proofs] == [("token", "proved"), ("native", "proved")]
    lines = list(report(VAULT, chain.window, proofs))
    balance = books(chain)
    assert lines[0] == f"{VAULT} (vault), token of mint {addresses.USDC_MINT}: proved, no transaction is missing"
    assert f"  closes with {balance} base units ({balance / 10**6:.6f})" in lines
    with pytest.raises(NotWatched):
        prove_account(context, addresses.OUTSIDER, chain.window)


def test_a_proof_over_part_of_the_day_opens_where_it_begins(chain, complete):
    window = Window(chain.window.start + timedelta(hours=8), chain.window.start + timedelta(hours=9))
    (token, native) = prove_account(run.context(complete), VAULT, window)
    inside = [tx for tx in chain.chain.transactions if VAULT in tx.keys and tx.plan.at in window]
    assert token.found.transactions == native.found.transactions == len(inside) > 0
    assert (token.result, token.opening_source) == ("open", "first_transaction")


@pytest.fixture
def forks(embedded) -> None:
    """Processes that can be killed start from one that has the imports behind it."""
    os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(chain_runs.__file__)])
    multiprocessing.get_context("forkserver").set_forkserver_preload(["chain_runs", "ingestion.solana.source"])


@pytest.mark.parametrize("seed", [0, 9])
def test_a_seed_of_the_fault_campaign(chain, forks, seed):
    outcome = chain_campaign.fault_run(seed, chain)
    assert outcome.is_good, outcome


@pytest.mark.parametrize("seed", [0])
def test_a_seed_of_the_deletion_campaign(chain, seed):
    outcome = chain_campaign.deletion_run(seed, chain, listings=1)
    assert outcome.is_good, outcome
    assert outcome.faults[0] == "proof"


def test_a_balance_that_contradicts_a_proof_takes_it_back_until_another_one_agrees(chain):
    config = chain_runs.config_of("chain-contradicted", chain.url)
    client = chain_runs.context(config).client
    assert chain_runs.ingest(config, chain.window) is None

    def report(change: int, minutes: int) -> None:
        client.query(
            "insert into raw.solana_account_balances (address, kind, role, amount, slot, _event_date, _landed_at) "
            f"select address, kind, role, amount + {change}, slot, _event_date, "
            f"timestamp_add(_landed_at, interval {minutes} minute) from raw.solana_account_balances "
            f"where address = '{VAULT}' and kind = 'token' order by _landed_at limit 1"
        ).result()
        assert run.verify(SOURCE, chain.window, run.context(config), "test").rows > 0

    report(-1, 1)
    (found,) = chain_runs.rows(
        config, "select distinct break_id, amount, before_signature from raw.solana_balance_breaks"
    )
    assert (int(found["amount"]), found["before_signature"]) == (-1, None)
    assert chain_runs.open_breaks(config) > 0
    report(0, 2)
    last = "select result from raw.solana_balance_proofs order by proved_at desc, round desc limit 1"
    assert chain_runs.rows(config, last) == [{"result": "proved"}]
    assert run.verify(SOURCE, chain.window, run.context(config), "test").rows == 0
