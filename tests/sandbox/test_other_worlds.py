"""The other simulated platforms: the same each time, solvent, and a truth that agrees with the chain."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox import addresses as a
from sandbox import job_operations as jobs
from sandbox.app import prepare_simulated
from sandbox.chain import build_chain
from sandbox.escrow_truth import wilson
from sandbox.exchange_truth import exchange_truth
from sandbox.exchange_world import POOLS, build_exchange_world
from sandbox.genesis import MINTED
from sandbox.home import StartError
from sandbox.job_world import build_job_world
from sandbox.world import START


def test_the_same_arguments_give_the_same_worlds() -> None:
    assert build_job_world(START, 2, 7) == build_job_world(START, 2, 7)
    assert build_exchange_world(START, 2, 7) == build_exchange_world(START, 2, 7)
    assert build_job_world(START, 1, 8) != build_job_world(START, 1, 7)


def test_a_job_platforms_truth_is_what_its_chain_holds(tmp_path: Path) -> None:
    control = prepare_simulated(tmp_path, profile="job_escrow").control
    assert control is not None
    truth = json.loads((tmp_path / "sandbox" / "truth.json").read_text())
    last = truth["days"]["2026-10-06"]["M3"]
    for mint, vault in jobs.VAULTS.items():
        held = control.chain.token_amount(vault)["amount"]
        assert last["vaults"][vault] == last["tvl"][mint] == held
        assert int(held) == sum(int(e["balance"]) for e in last["escrows"].values() if e["mint"] == mint)
    fees = sum(int(day["M17"][a.USDC_MINT]["fee_revenue"]) for day in truth["days"].values())
    treasury = int(control.chain.token_amount(a.TREASURY_ACCOUNTS[a.USDC_MINT])["amount"])
    assert treasury == MINTED[a.USDC_MINT] + fees
    life = [figures for day in truth["days"].values() for figures in day["M20"].values()]
    assert all(
        sum(figures[step] for figures in life) > 5 for step in ("assigned", "completed", "cancelled", "resolved")
    )
    assert sum(figures["created"] for figures in life) == 90
    outcomes = ("for_payer", "for_payee", "split")
    assert sum(told["resolved"] for told in truth["arbiters"].values()) == sum(
        figures[name] for figures in life for name in outcomes
    )


def test_an_exchanges_truth_is_what_left_its_pools() -> None:
    exchange = build_exchange_world(START, 2, 7)
    chain, days = build_chain(exchange.world), exchange_truth(exchange)["days"]
    for mint, pool in POOLS.items():
        told = [day["M19"][mint] for day in days.values()]
        left = MINTED[mint] - int(chain.token_amount(pool)["amount"])
        assert left == sum(int(figures["tokens_out"]) for figures in told)  # by the program and by hand
        assert 0 < sum(int(figures["tokens_on_chain"]) for figures in told) < left
    statuses = {request.last.status for request in exchange.requests}
    assert statuses == {"requested", "completed", "failed", "fallback"}
    assert any(len(request.states) > 2 for request in exchange.requests)  # a failure that was taken up again
    assert any(request.deleted_at for request in exchange.requests)


def test_what_the_other_platforms_refuse(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="move_base_unit needs the skill-match platform"):
        prepare_simulated(tmp_path, ["move_base_unit"], profile="job_escrow")
    prepare_simulated(tmp_path, profile="token_exchange")
    with pytest.raises(StartError, match="holds the data of another simulated platform"):
        prepare_simulated(tmp_path, profile="job_escrow")


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    # statsmodels.stats.proportion.proportion_confint(x, n, method="wilson"), to six decimals
    [(5, 5, "0.565518", "1.000000"), (1, 4, "0.045587", "0.699358"), (0, 10, "0.000000", "0.277533")],
)
def test_wilson(successes: int, trials: int, lower: str, upper: str) -> None:
    assert wilson(successes, trials) == (Decimal(lower), Decimal(upper))
