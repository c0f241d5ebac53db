"""The platform's own accounts begin with nothing, and every change of theirs is in a transaction."""

from __future__ import annotations

import hashlib
import struct
from datetime import timedelta
from pathlib import Path
from typing import Any

import base58
import pytest
import yaml
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import decode_transfer

from sandbox import addresses
from sandbox.chain import SimulatedChain, build_chain
from sandbox.chain_render import ChainTx
from sandbox.world import build_world

ROOT = Path(__file__).resolve().parents[2]
USDC, SKILL = addresses.MINTS
SOL = 10**9
# SHA-256 of the worlds' joined signatures, taken before the chain had a set-up: adding it must change none of them.
SIGNATURES = {
    (4, 7): (1008, "696ace8baeaf4bfae5db96d76bcb810d7440d2b9af25c7cd90c1694e9085f8ba"),
    (1, 7): (303, "8a2cda16793b1f74d81713e7afd223a04465bf64e1242f9f8b1d4540bb3e68d3"),
    (2, 3): (572, "c09f3bb47cabd1d49647042343111af231ba016ceb7efe4718d45204871382fe"),
}


@pytest.fixture(scope="module")
def chain() -> SimulatedChain:
    return build_chain(build_world())


def own_accounts() -> list[str]:
    """Every address that config/warehouse.yml calls the platform's own, and the wallet that owns its treasury."""
    own = yaml.safe_load((ROOT / "config/warehouse.yml").read_text())["platforms"]["skill_match"]
    vaults = [vault["address"] for vault in own["vaults"]]
    return [own["program_id"], *vaults, *own["treasury"], *own["fee_payers"], addresses.TREASURY]


def set_up(chain: SimulatedChain) -> list[ChainTx]:
    return [tx for tx in chain.transactions if tx.plan.index <= -97]


def instructions(tx: ChainTx) -> list[tuple[str, list[str], bytes]]:
    """(program, accounts, data) of each top-level instruction, with the lookup table resolved."""
    return [
        (tx.keys[i.program_id_index], [tx.keys[n] for n in bytes(i.accounts)], bytes(i.data))
        for i in tx.signed.message.instructions
    ]


@pytest.mark.parametrize("window", [(4, 7), (1, 7), (2, 3)])
def test_no_signature_of_a_world_has_changed(window: tuple[int, int]) -> None:
    signatures = build_chain(build_world(days=window[0], seed=window[1])).signatures
    assert (len(signatures), hashlib.sha256("".join(signatures).encode()).hexdigest()) == SIGNATURES[window]


def test_the_set_up_comes_before_everything_else(chain: SimulatedChain) -> None:
    assert [tx.plan.index for tx in chain.transactions[:5]] == [-100, -99, -98, -97, 0]
    start = chain.world.start
    assert [tx.plan.at - start for tx in set_up(chain)] == [timedelta(seconds=s) for s in (4, 8, 12, 16)]
    assert [tx.plan.slot for tx in set_up(chain)] == [300_000_010, 300_000_020, 300_000_030, 300_000_040]
    for tx in set_up(chain):
        assert tx.meta["err"] is None
        assert all(tx.signed.verify_with_results())


@pytest.mark.parametrize("number", range(7))
def test_an_own_account_begins_with_nothing_and_never_changes_unseen(chain: SimulatedChain, number: int) -> None:
    """Lamports and tokens, over every transaction: what one leaves is what the next one finds."""
    account = own_accounts()[number]
    lamports, tokens, seen = 0, None, 0
    for tx in chain.transactions:
        if account not in tx.keys:
            continue
        seen += 1
        index = tx.keys.index(account)
        had, has = (
            {b["accountIndex"]: int(b["uiTokenAmount"]["amount"]) for b in tx.meta[side]}.get(index)
            for side in ("preTokenBalances", "postTokenBalances")
        )
        assert (tx.meta["preBalances"][index], had) == (lamports, tokens), tx.signature
        lamports, tokens = tx.meta["postBalances"][index], has
    assert seen > 0
    assert chain.lamports(account) == lamports > 0
    assert (chain.token_amount(account) or {}).get("amount") == (None if tokens is None else str(tokens))
    assert (chain.token_amount(account, 300_000_000), chain.lamports(account, 300_000_000)) == (None, 0)


def test_all_own_accounts_are_covered(chain: SimulatedChain) -> None:
    assert len(set(own_accounts())) == 7


def test_the_faucets_transfers_by_the_official_decoder(chain: SimulatedChain) -> None:
    moved = []
    for tx in set_up(chain)[:2]:
        assert tx.keys[0] == addresses.FAUCET
        for program, accounts, data in instructions(tx):
            metas = [AccountMeta(Pubkey.from_string(key), False, True) for key in accounts]
            read = decode_transfer(Instruction(Pubkey.from_string(program), data, metas))
            moved.append((str(read["from_pubkey"]), str(read["to_pubkey"]), read["lamports"]))
        system = addresses.SYSTEM_PROGRAM
        frames = [f"Program {system} invoke [1]", f"Program {system} success"]
        assert tx.meta["logMessages"] == frames * len(instructions(tx))
    assert moved == [
        (addresses.FAUCET, addresses.FEE_PAYER, 250 * SOL),
        (addresses.FAUCET, addresses.TREASURY, 120 * SOL),
        (addresses.FAUCET, addresses.PROGRAM_ID, 25 * SOL),
    ]


def test_the_treasurys_accounts_are_created_and_filled(chain: SimulatedChain) -> None:
    created, filled = set_up(chain)[2:]
    system, token = addresses.SYSTEM_PROGRAM, addresses.TOKEN_PROGRAM
    assert instructions(created) == [
        (
            addresses.ASSOCIATED_TOKEN_PROGRAM,
            [addresses.FEE_PAYER, addresses.TREASURY_ACCOUNTS[mint], addresses.TREASURY, mint, system, token],
            b"\x00",
        )
        for mint in (USDC, SKILL)
    ]
    inner = [
        [base58.b58decode(i["data"])[:1] for i in group["instructions"]] for group in created.meta["innerInstructions"]
    ]
    assert inner == [[b"\x15", b"\x00", b"\x16", b"\x12"]] * 2  # size, create, immutable owner, initialize
    assert created.meta["preTokenBalances"] == []
    assert [b["uiTokenAmount"]["amount"] for b in created.meta["postTokenBalances"]] == ["0", "0"]
    assert created.meta["preBalances"][0] - created.meta["postBalances"][0] == 5_000 + 2 * 2_039_280

    assert isinstance(filled.signed.message, MessageV0)
    assert instructions(filled) == [
        (
            token,
            [mint, addresses.TREASURY_ACCOUNTS[mint], addresses.MINT_AUTHORITY],
            b"\x07" + struct.pack("<Q", 1_000_000_000),
        )
        for mint in (USDC, SKILL)
    ]
    assert [b["uiTokenAmount"]["amount"] for b in filled.meta["preTokenBalances"]] == ["0", "0"]
    assert [b["uiTokenAmount"]["amount"] for b in filled.meta["postTokenBalances"]] == ["1000000000", "1000000000"]
    assert filled.meta["logMessages"][:2] == [f"Program {token} invoke [1]", "Program log: Instruction: MintTo"]
    assert filled.meta["fee"] == 10_000


def test_the_parsed_encoding_names_what_they_do(chain: SimulatedChain) -> None:
    def parsed(n: int) -> list[dict[str, Any]]:
        answer = chain.transaction(set_up(chain)[n].signature, "jsonParsed")
        return [i["parsed"] for i in answer["transaction"]["message"]["instructions"]]

    info = {"source": addresses.FAUCET, "destination": addresses.FEE_PAYER, "lamports": 250 * SOL}
    assert parsed(0) == [{"type": "transfer", "info": info}]
    minted = {"mint": USDC, "account": addresses.TREASURY_ACCOUNTS[USDC], "amount": "1000000000"}
    assert parsed(3)[0] == {"type": "mintTo", "info": {**minted, "mintAuthority": addresses.MINT_AUTHORITY}}
