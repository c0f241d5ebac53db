"""A recorded getTransaction result in the other encodings of the RPC, by solders; the meta stays as it was recorded."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import base58
from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.message import Message, MessageAddressTableLookup, MessageHeader, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import CreateAccountParams, TransferParams, create_account, transfer
from solders.transaction import VersionedTransaction


def to_json(result: Mapping[str, Any]) -> dict[str, Any]:
    """A jsonParsed result in `json` encoding."""
    message = result["transaction"]["message"]
    listed = message["accountKeys"]
    keys = [item["pubkey"] for item in listed]
    static = [item for item in listed if item["source"] == "transaction"]
    looked_up = [item for item in listed if item["source"] == "lookupTable"]

    def compiled(item: Mapping[str, Any]) -> dict[str, Any]:
        accounts, data = (item["accounts"], item["data"]) if "data" in item else _encoded(item)
        return {
            "programIdIndex": keys.index(item["programId"]),
            "accounts": [keys.index(account) for account in accounts],
            "data": data,
            "stackHeight": item["stackHeight"],
        }

    loaded = {
        "writable": [item["pubkey"] for item in looked_up if item["writable"]],
        "readonly": [item["pubkey"] for item in looked_up if not item["writable"]],
    }
    inner = [
        {"index": group["index"], "instructions": [compiled(item) for item in group["instructions"]]}
        for group in result["meta"]["innerInstructions"]
    ]
    signers = sum(item["signer"] for item in static)
    header = {
        "numRequiredSignatures": signers,
        "numReadonlySignedAccounts": sum(item["signer"] and not item["writable"] for item in static),
        "numReadonlyUnsignedAccounts": sum(not item["signer"] and not item["writable"] for item in static),
    }
    written = {
        "header": header,
        "accountKeys": [item["pubkey"] for item in static],
        "recentBlockhash": message["recentBlockhash"],
        "instructions": [compiled(item) for item in message["instructions"]],
    }
    if "addressTableLookups" in message:
        written["addressTableLookups"] = message["addressTableLookups"]
    return {
        **result,
        "transaction": {"signatures": result["transaction"]["signatures"], "message": written},
        "meta": result["meta"] | {"innerInstructions": inner, "loadedAddresses": loaded},
    }


def to_parsed(result: Mapping[str, Any]) -> dict[str, Any]:
    """A `json` result as jsonParsed, for programs that the node has no parser of."""
    message, meta = result["transaction"]["message"], result["meta"]
    loaded = meta.get("loadedAddresses") or {"writable": [], "readonly": []}
    keys = [*message["accountKeys"], *loaded["writable"], *loaded["readonly"]]
    static = len(message["accountKeys"])

    def partly(item: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "programId": keys[item["programIdIndex"]],
            "accounts": [keys[at] for at in item["accounts"]],
            "data": item["data"],
            "stackHeight": item.get("stackHeight"),
        }

    listed = [
        {"pubkey": key, "signer": False, "writable": True, "source": "transaction" if at < static else "lookupTable"}
        for at, key in enumerate(keys)
    ]
    inner = [
        {"index": group["index"], "instructions": [partly(item) for item in group["instructions"]]}
        for group in meta.get("innerInstructions") or []
    ]
    instructions = [partly(item) for item in message["instructions"]]
    written = message | {"accountKeys": listed, "instructions": instructions}
    return {
        **result,
        "transaction": {"signatures": result["transaction"]["signatures"], "message": written},
        "meta": meta | {"innerInstructions": inner},
    }


def to_base64(result: Mapping[str, Any]) -> dict[str, Any]:
    """A `json` result with the transaction's bytes in base64."""
    message = result["transaction"]["message"]
    header = message["header"]
    parts = (
        MessageHeader(
            header["numRequiredSignatures"],
            header["numReadonlySignedAccounts"],
            header["numReadonlyUnsignedAccounts"],
        ),
        [Pubkey.from_string(key) for key in message["accountKeys"]],
        Hash.from_string(message["recentBlockhash"]),
        [
            CompiledInstruction(item["programIdIndex"], base58.b58decode(item["data"]), bytes(item["accounts"]))
            for item in message["instructions"]
        ],
    )
    if (lookups := message.get("addressTableLookups")) is not None:
        tables = [
            MessageAddressTableLookup(
                Pubkey.from_string(item["accountKey"]), bytes(item["writableIndexes"]), bytes(item["readonlyIndexes"])
            )
            for item in lookups
        ]
        compiled: Message | MessageV0 = MessageV0(*parts, tables)
    else:
        compiled = Message.new_with_compiled_instructions(*_flat(parts[0]), *parts[1:])
    signatures = [Signature.from_string(text) for text in result["transaction"]["signatures"]]
    raw = bytes(VersionedTransaction.populate(compiled, signatures))
    return {**result, "transaction": [base64.b64encode(raw).decode(), "base64"]}


def _flat(header: MessageHeader) -> tuple[int, int, int]:
    return (
        header.num_required_signatures,
        header.num_readonly_signed_accounts,
        header.num_readonly_unsigned_accounts,
    )


def _encoded(item: Mapping[str, Any]) -> tuple[Sequence[str], str]:
    """Accounts and base58 data of a parsed instruction.

    Top-level ones are encoded as they were signed, and so are those that say which mint an account holds; of the others
    only the accounts are kept: no decoder reads their data.
    """
    info, kind = item["parsed"]["info"], (item["program"], item["parsed"]["type"])
    key = {name: Pubkey.from_string(value) for name, value in info.items() if _is_key(value)}
    if kind == ("system", "transfer"):
        made = transfer(
            TransferParams(from_pubkey=key["source"], to_pubkey=key["destination"], lamports=info["lamports"])
        )
    elif kind == ("system", "createAccount"):
        made = create_account(
            CreateAccountParams(
                from_pubkey=key["source"], to_pubkey=key["newAccount"],
                lamports=info["lamports"], space=info["space"], owner=key["owner"],
            )
        )  # fmt: skip
    elif kind == ("spl-token", "transferChecked"):
        amount = info["tokenAmount"]
        data = bytes([12]) + int(amount["amount"]).to_bytes(8, "little") + bytes([amount["decimals"]])
        return [info[name] for name in ("source", "mint", "destination", "authority")], base58.b58encode(data).decode()
    elif kind == ("spl-token", "initializeAccount3"):
        return [info["account"], info["mint"]], base58.b58encode(bytes([18]) + bytes(key["owner"])).decode()
    elif kind[0] == "spl-associated-token-account":
        accounts = [info[name] for name in ("source", "account", "wallet", "mint", "systemProgram", "tokenProgram")]
        return accounts, base58.b58encode(bytes([kind[1] == "createIdempotent"])).decode()
    else:
        return [info[name] for name in ("account", "mint") if name in info], base58.b58encode(b"\xff").decode()
    return [str(meta.pubkey) for meta in made.accounts], base58.b58encode(made.data).decode()


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and 32 <= len(value) <= 44 and value.isalnum()
