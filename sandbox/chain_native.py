"""Solana's own programs as bytes: accounts and data of the System, SPL Token and Associated Token instructions used.

An account's flags are (address, signer, writable).
"""

from __future__ import annotations

from solders.pubkey import Pubkey

from sandbox import addresses as a
from sandbox.model import Call, TokenMove

Flags = list[tuple[str, bool, bool]]


def transfer_data(move: TokenMove) -> bytes:
    """SPL token TransferChecked."""
    return bytes([12]) + move.amount.to_bytes(8, "little") + bytes([a.DECIMALS[move.mint]])


def create_account_data(lamports: int, space: int, owner: str) -> bytes:
    """System program CreateAccount."""
    parts = ((0).to_bytes(4, "little"), lamports.to_bytes(8, "little"), space.to_bytes(8, "little"))
    return b"".join(parts) + bytes(Pubkey.from_string(owner))


def native_instruction(call: Call) -> tuple[Flags, bytes]:
    """Accounts and data of a call to a program of Solana itself. Raises KeyError for an unknown one."""
    return _BUILDERS[call.program, call.instruction](call)


def _transfer_checked(call: Call) -> tuple[Flags, bytes]:
    move = call.moves[0]
    accounts = [(move.source, False, True), (move.mint, False, False), (move.destination, False, True)]
    return [*accounts, (move.authority, True, False)], transfer_data(move)


def _mint_to(call: Call) -> tuple[Flags, bytes]:
    mint, account, authority = (call.accounts[name] for name in ("mint", "account", "authority"))
    data = bytes([7]) + call.args["amount"].to_bytes(8, "little")
    return [(mint, False, True), (account, False, True), (authority, True, False)], data


def _transfer(call: Call) -> tuple[Flags, bytes]:
    data = (2).to_bytes(4, "little") + call.args["lamports"].to_bytes(8, "little")
    return [(call.accounts["source"], True, True), (call.accounts["destination"], False, True)], data


def _create_token_account(call: Call) -> tuple[Flags, bytes]:
    accounts = [(call.accounts["payer"], True, True), (call.accounts["account"], False, True)]
    readonly = (call.accounts["owner"], call.accounts["mint"], a.SYSTEM_PROGRAM, a.TOKEN_PROGRAM)
    return accounts + [(key, False, False) for key in readonly], bytes([0])


_BUILDERS = {
    ("token", "transfer_checked"): _transfer_checked,
    ("token", "mint_to"): _mint_to,
    ("system", "transfer"): _transfer,
    ("associated_token", "create"): _create_token_account,
}
