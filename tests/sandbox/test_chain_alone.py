"""The simulated chain on its own: a short window without exports, and the transaction that stays unfinished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import addresses
from sandbox.app import Simulated, StartError, build_app, prepare_simulated
from sandbox.chain import SimulatedChain
from sandbox.chain_control import ChainControl
from sandbox.serving import running

PROGRAM, VAULT = addresses.PROGRAM_ID, addresses.VAULTS[addresses.USDC_MINT]


def test_a_stuck_transaction_is_never_final_and_gone_after_it_is_healed(tmp_path: Path) -> None:
    options = Simulated(days=1, rpc_only=True)

    def start(*faults: str) -> ChainControl:
        control = prepare_simulated(tmp_path, faults, options=options).control
        assert control is not None
        return control

    clean = start()
    stuck = start("stuck_transaction")
    (extra,) = _extra(clean.chain, stuck.chain)
    assert stuck.chain.block_time(stuck.chain.tip) - extra.block_time == 20 * 60
    assert stuck.known().status(extra.signature) == "confirmed"
    assert stuck.known().finalized.tip == stuck.chain.tip
    later = [row for row in stuck.chain.rows if row.order > extra.order]
    assert later
    assert {stuck.known().status(row.signature) for row in later} == {"finalized"}
    tx = stuck.chain.transactions[extra.order]
    assert extra in stuck.chain.history(PROGRAM)
    changed = [
        key
        for key, had, has in zip(tx.keys, tx.meta["preBalances"], tx.meta["postBalances"], strict=True)
        if had != has
    ]
    assert changed == [addresses.BYSTANDER]
    assert tx.meta["preTokenBalances"] == tx.meta["postTokenBalances"] == []
    healed = start()
    assert healed.known().status(extra.signature) is None
    assert [row.signature for row in healed.chain.rows] == [row.signature for row in clean.chain.rows]
    assert _balances(healed) == _balances(clean)


def _extra(before: SimulatedChain, after: SimulatedChain) -> list[Any]:
    return [row for row in after.rows if before.row(row.signature) is None]


def _balances(control: ChainControl) -> list[Any]:
    own = (PROGRAM, VAULT, addresses.FEE_PAYER, addresses.TREASURY, *addresses.TREASURY_ACCOUNTS.values())
    return [(control.chain.lamports(key), control.chain.token_amount(key)) for key in own]


def test_the_chain_alone_is_quickly_there(tmp_path: Path) -> None:
    platform = prepare_simulated(tmp_path, options=Simulated(days=1, rpc_only=True))
    assert platform.stripe is None
    assert not (tmp_path / "gcs").exists()
    day = {"start": "2026-10-05T00:00:00Z", "end": "2026-10-06T00:00:00Z"}
    state = json.loads((tmp_path / "sandbox/state.json").read_text())
    assert (state["window"], state["windows"]) == (day, {"solana": day})
    truth = json.loads((tmp_path / "sandbox/truth.json").read_text())["days"]
    assert truth.keys() == {"2026-10-05"}
    assert {"M1", "M3", "M16", "M17"} <= truth["2026-10-05"].keys()
    assert "M21" not in truth["2026-10-05"]
    with running(build_app(platform)) as url:
        assert httpx.get(f"{url}/stripe/v1/balance").status_code == 404
    with pytest.raises(StartError, match="another simulated platform"):
        prepare_simulated(tmp_path, options=Simulated(days=2, rpc_only=True))
    with pytest.raises(StartError, match="needs the exports"):
        prepare_simulated(tmp_path, ["drop_audit_event"], options=Simulated(days=1, rpc_only=True))
