"""Renders one TxPlan as a signed transaction and the meta a node keeps of it."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import base58
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from sandbox import addresses as a
from sandbox.anchor_encode import AnchorEncoder
from sandbox.chain_ledger import Ledger
from sandbox.chain_native import native_instruction
from sandbox.chain_program import PROGRAM_IDS, Run
from sandbox.model import Call, TxPlan

IDL_FOLDER = Path(__file__).resolve().parent.parent / "config" / "idl"
DEFAULT_UNITS = 200_000  # compute limit of an instruction without a compute budget
LAMPORTS_PER_SIGNATURE = 5_000
NATIVE = ("associated_token", "system", "token")  # Call.program of Solana's own programs
LOOKUP_ADDRESSES = (
    a.VAULT_AUTHORITY,
    a.EVENT_AUTHORITY,
    a.TOKEN_PROGRAM,
    a.SYSTEM_PROGRAM,
    *a.MINTS,
    *a.VAULTS.values(),
    *a.TREASURY_ACCOUNTS.values(),
)


@cache
def encoder(program: str = "skill_match") -> AnchorEncoder:
    """Encoder of a simulated program's own IDL."""
    return AnchorEncoder(json.loads((IDL_FOLDER / f"{program}.json").read_text()))


@cache
def pubkey(address: str) -> Pubkey:
    """Parsed address."""
    return Pubkey.from_string(address)


def blockhash(slot: int) -> str:
    """Blockhash of a slot; depends on nothing else, so that an added transaction changes no other signature."""
    return str(Hash(sha256(f"skill_match/blockhash/{slot}".encode()).digest()))


@dataclass(frozen=True)
class ChainTx:
    """A transaction as the node stores it."""

    signature: str
    plan: TxPlan
    keys: tuple[str, ...]  # static keys, then loaded writable, then loaded readonly
    signed: VersionedTransaction
    meta: dict[str, Any]

    @property
    def version(self) -> int | str:
        return 0 if self.plan.version == "0" else "legacy"


def instruction(call: Call, payer: str) -> Instruction:
    """The top-level instruction of a call."""
    if call.program in NATIVE:
        flags, data = native_instruction(call)
    elif call.program == "lookalike":
        flags = [(payer, True, False), *((account, False, False) for account in call.remaining)]
        data = sha256(b"global:mimic").digest()[:8]
    else:
        roles = encoder(call.program).roles(call.instruction)
        flags = [(call.accounts[role.name], role.signer, role.writable) for role in roles]
        flags += [(account, False, True) for account in call.remaining]
        data = encoder(call.program).instruction(call.instruction, call.args)
    program = PROGRAM_IDS[call.program]
    if call.via_executor:
        flags, program = [*flags, (program, False, False)], a.EXECUTOR_PROGRAM
        data = sha256(b"global:relay").digest()[:8] + data
    return Instruction(pubkey(program), data, [AccountMeta(pubkey(k), s, w) for k, s, w in flags])


def sign(plan: TxPlan) -> VersionedTransaction:
    """Compile and sign the transaction. Depends on the plan alone, so its signature is the same in every chain."""
    instructions = [instruction(call, plan.fee_payer) for call in plan.calls]
    if plan.compute_limit is not None:
        budget = [set_compute_unit_limit(plan.compute_limit), set_compute_unit_price(plan.compute_price)]
        instructions = budget + instructions
    payer, recent = pubkey(plan.fee_payer), Hash.from_string(blockhash(plan.slot - 12))
    if plan.version == "0":
        table = AddressLookupTableAccount(pubkey(a.LOOKUP_TABLE), [pubkey(k) for k in LOOKUP_ADDRESSES])
        message: Message | MessageV0 = MessageV0.try_compile(payer, instructions, [table], recent)
    else:
        message = Message.new_with_blockhash(instructions, payer, recent)
    return VersionedTransaction(message, [a.keypair(label) for label in plan.signers])


def loaded_addresses(message: Message | MessageV0) -> dict[str, list[str]]:
    """meta.loadedAddresses: what the lookup table contributes."""
    lookups = message.address_table_lookups if isinstance(message, MessageV0) else []
    return {
        "writable": [LOOKUP_ADDRESSES[i] for lookup in lookups for i in bytes(lookup.writable_indexes)],
        "readonly": [LOOKUP_ADDRESSES[i] for lookup in lookups for i in bytes(lookup.readonly_indexes)],
    }


def fee(plan: TxPlan) -> int:
    """Base fee and priority fee in lamports."""
    base = LAMPORTS_PER_SIGNATURE * len(plan.signers)
    if plan.compute_limit is None:
        return base
    return base + -(-plan.compute_limit * plan.compute_price // 1_000_000)


def render(plan: TxPlan, ledger: Ledger) -> ChainTx:
    """Sign and run one transaction, moving `ledger` forward: on failure by the fee alone.

    Raises LedgerError if it would spend what an account does not hold.
    """
    signed = sign(plan)
    loaded = loaded_addresses(signed.message)
    keys = (*(str(k) for k in signed.message.account_keys), *loaded["writable"], *loaded["readonly"])
    before = ledger.snapshot(keys)
    index = {key: n for n, key in enumerate(keys)}
    budget = 0 if plan.compute_limit is None else 2
    units = plan.compute_limit or DEFAULT_UNITS * len(plan.calls)
    run = Run(encoder, index, units, Random(f"units/{signed.signatures[0]}"))
    for _ in range(budget):
        run.builtin(a.COMPUTE_BUDGET_PROGRAM)
    err = None
    for n, call in enumerate(plan.calls, start=budget):
        if not run.call(n, call):
            err = {"InstructionError": [n, {"Custom": call.error[0]}]}
            break
    assert run.units_left >= 0, f"transaction {plan.index} exceeds its compute limit"
    ledger.pay_fee(plan, fee(plan))
    if err is None:
        ledger.apply(plan)
    after = ledger.snapshot(keys)
    meta = {
        "computeUnitsConsumed": run.consumed,
        "err": err,
        "fee": fee(plan),
        "innerInstructions": run.inner,
        "loadedAddresses": loaded,
        "logMessages": run.logs,
        "postBalances": after[0],
        "postTokenBalances": after[1],
        "preBalances": before[0],
        "preTokenBalances": before[1],
        "rewards": [],
        "status": {"Ok": None} if err is None else {"Err": err},
    }
    return ChainTx(str(signed.signatures[0]), plan, keys, signed, meta)


def wire(signed: VersionedTransaction, encoding: str) -> list[str]:
    """The transaction's bytes as a node answers them: [text, "base64" | "base58"]."""
    raw = bytes(signed)
    text = b64encode(raw) if encoding == "base64" else base58.b58encode(raw)
    return [text.decode(), encoding]


def message_json(signed: VersionedTransaction) -> dict[str, Any]:
    """The transaction in a node's `json` encoding."""
    message = signed.message
    header = message.header
    body: dict[str, Any] = {
        "accountKeys": [str(k) for k in message.account_keys],
        "header": {
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
            "numRequiredSignatures": header.num_required_signatures,
        },
        "instructions": [
            {
                "accounts": list(i.accounts),
                "data": base58.b58encode(i.data).decode(),
                "programIdIndex": i.program_id_index,
                "stackHeight": 1,
            }
            for i in message.instructions
        ],
        "recentBlockhash": str(message.recent_blockhash),
    }
    if isinstance(message, MessageV0):
        body["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "readonlyIndexes": list(lookup.readonly_indexes),
                "writableIndexes": list(lookup.writable_indexes),
            }
            for lookup in message.address_table_lookups
        ]
    return {"message": body, "signatures": [str(s) for s in signed.signatures]}
