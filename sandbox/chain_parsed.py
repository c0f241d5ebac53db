"""The `jsonParsed` encoding: merged account keys, and the instructions of well-known programs taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import base58
from solders.pubkey import Pubkey

from sandbox import addresses as a
from sandbox.chain_protocol import token_amount
from sandbox.chain_render import ChainTx, message_json


def parsed(tx: ChainTx) -> tuple[dict[str, Any], dict[str, Any]]:
    """The transaction and its meta in `jsonParsed`; meta has no loadedAddresses there, the keys are merged."""
    plain = message_json(tx.signed)
    message, header = plain["message"], plain["message"]["header"]
    static = len(message["accountKeys"])
    signers = header["numRequiredSignatures"]
    loaded_writable = len(tx.meta["loadedAddresses"]["writable"])

    def writable(n: int) -> bool:
        if n >= static:
            return n < static + loaded_writable
        if n < signers:
            return n < signers - header["numReadonlySignedAccounts"]
        return n < static - header["numReadonlyUnsignedAccounts"]

    keys = [
        {
            "pubkey": key,
            "signer": n < signers,
            "source": "transaction" if n < static else "lookupTable",
            "writable": writable(n),
        }
        for n, key in enumerate(tx.keys)
    ]
    body = {**message, "accountKeys": keys, "instructions": [_parse(i, tx.keys) for i in message["instructions"]]}
    del body["header"]
    meta = {k: v for k, v in tx.meta.items() if k != "loadedAddresses"}
    meta["innerInstructions"] = [
        {"index": group["index"], "instructions": [_parse(i, tx.keys) for i in group["instructions"]]}
        for group in tx.meta["innerInstructions"]
    ]
    return {"message": body, "signatures": plain["signatures"]}, meta


def _parse(instruction: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    program = keys[instruction["programIdIndex"]]
    accounts = [keys[n] for n in instruction["accounts"]]
    data = base58.b58decode(instruction["data"])
    known = None
    if program == a.TOKEN_PROGRAM and data[0] == 12:
        known = "spl-token", _transfer_checked(accounts, data)
    elif program == a.MEMO_PROGRAM:
        known = "spl-memo", data.decode()
    elif program == a.TOKEN_PROGRAM and data[0] == 7:
        known = "spl-token", _mint_to(accounts, data)
    elif program == a.SYSTEM_PROGRAM and data[:4] == bytes([2, 0, 0, 0]):
        known = "system", _transfer(accounts, data)
    elif program == a.SYSTEM_PROGRAM and data[:4] == bytes(4):
        known = "system", _create_account(accounts, data)
    if known:
        name, info = known
        return {"parsed": info, "program": name, "programId": program, "stackHeight": instruction["stackHeight"]}
    return {
        "accounts": accounts,
        "data": instruction["data"],
        "programId": program,
        "stackHeight": instruction["stackHeight"],
    }


def _transfer_checked(accounts: Sequence[str], data: bytes) -> dict[str, Any]:
    source, mint, destination, authority = accounts
    amount = token_amount(int.from_bytes(data[1:9], "little"), data[9])
    info = {
        "authority": authority,
        "destination": destination,
        "mint": mint,
        "source": source,
        "tokenAmount": amount,
    }
    return {"info": info, "type": "transferChecked"}


def _create_account(accounts: Sequence[str], data: bytes) -> dict[str, Any]:
    info = {
        "lamports": int.from_bytes(data[4:12], "little"),
        "newAccount": accounts[1],
        "owner": str(Pubkey.from_bytes(data[20:52])),
        "source": accounts[0],
        "space": int.from_bytes(data[12:20], "little"),
    }
    return {"info": info, "type": "createAccount"}


def _mint_to(accounts: Sequence[str], data: bytes) -> dict[str, Any]:
    mint, account, authority = accounts
    amount = str(int.from_bytes(data[1:9], "little"))
    return {"info": {"account": account, "amount": amount, "mint": mint, "mintAuthority": authority}, "type": "mintTo"}


def _transfer(accounts: Sequence[str], data: bytes) -> dict[str, Any]:
    source, destination = accounts
    lamports = int.from_bytes(data[4:12], "little")
    return {"info": {"destination": destination, "lamports": lamports, "source": source}, "type": "transfer"}
