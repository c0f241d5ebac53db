"""The first half minute of the chain: how the platform's own accounts came to their lamports and tokens.

A faucet funds the platform's wallets, the fee payer opens the treasury's token accounts, and the mints' authority fills
them. No platform account holds anything before, so every balance has a transaction that explains it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sandbox import addresses as a
from sandbox.model import Call, Rent, TxPlan, World
from sandbox.operations import TOKEN_ACCOUNT_RENT

SOL = 1_000_000_000
FUNDED = {a.FEE_PAYER: 250 * SOL, a.TREASURY: 120 * SOL, a.PROGRAM_ID: 25 * SOL}  # lamports
MINTED = dict.fromkeys(a.MINTS, 1_000_000_000)  # base units for the treasury, per mint
FIRST_INDEX = -100  # TxPlan.index of the first of these transactions; no world counts them


def set_up(world: World) -> list[TxPlan]:
    """The transactions, 4 s apart, in chain order. Their signatures depend on nothing but the window's start."""
    funded = {a.TREASURY: FUNDED[a.TREASURY], a.ANCHOR_PROGRAMS[world.program]: FUNDED[a.PROGRAM_ID]}
    faucet, payer = (a.FAUCET, ("faucet",)), (a.FEE_PAYER, ("fee_payer",))
    minters = (a.FEE_PAYER, ("fee_payer", "mint_authority"))
    return [
        _plan(world, 0, faucet, [transfer(a.FAUCET, a.FEE_PAYER, FUNDED[a.FEE_PAYER])]),
        _plan(world, 1, faucet, [transfer(a.FAUCET, key, lamports) for key, lamports in funded.items()]),
        _plan(world, 2, payer, [create_token_account(a.FEE_PAYER, a.TREASURY, mint) for mint in a.MINTS]),
        _plan(world, 3, minters, [mint_to(mint, a.TREASURY_ACCOUNTS[mint], MINTED[mint]) for mint in a.MINTS], "0"),
    ]


def _plan(
    world: World, n: int, paid_by: tuple[str, tuple[str, ...]], calls: Sequence[Call], version: str = "legacy"
) -> TxPlan:
    slot = world.slot_at(world.start + timedelta(seconds=4 * (n + 1)))
    fee_payer, signers = paid_by
    return TxPlan(FIRST_INDEX + n, world.block_time(slot), slot, fee_payer, signers, tuple(calls), version, None, 0, ())


def transfer(source: str, destination: str, lamports: int) -> Call:
    """System Transfer."""
    accounts = {"source": source, "destination": destination}
    rents = (Rent(source, destination, lamports, created=False),)
    return Call("system", "transfer", {"lamports": lamports}, accounts, rents=rents)


def create_token_account(payer: str, owner: str, mint: str) -> Call:
    """Create the associated token account of `owner` for `mint`, its rent paid by `payer`."""
    account = a.token_account(owner, mint)
    accounts = {"payer": payer, "account": account, "owner": owner, "mint": mint}
    return Call("associated_token", "create", accounts=accounts, rents=(Rent(payer, account, TOKEN_ACCOUNT_RENT),))


def mint_to(mint: str, account: str, amount: int) -> Call:
    """SPL Token MintTo: `amount` new base units on `account`."""
    accounts = {"mint": mint, "account": account, "authority": a.MINT_AUTHORITY}
    return Call("token", "mint_to", {"amount": amount}, accounts)
