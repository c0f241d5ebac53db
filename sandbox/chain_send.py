"""Transactions that clients send: checked as a node's preflight does, then part of the chain.

Only memos can be sent: a legacy or version 0 transaction with one signer, whose instructions all go to the Memo
program. The simulated chain stands still at its tip, so a sent transaction lands in the tip's slot; it is confirmed at
once and final when its status has been asked for `FINAL_AFTER` times. Each getLatestBlockhash answers a hash of its
own, which the next 150 of them outlive, as a hash of a running chain outlives 150 blocks.

The payer `addresses.keypair("anchor_payer")` has one SOL to begin with; it takes no part in the simulated world.
"""

from __future__ import annotations

import threading
from base64 import b64decode
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import base58
from solders.hash import Hash
from solders.transaction import VersionedTransaction

from sandbox import addresses as a
from sandbox import rpc_params as read
from sandbox.chain_parsed import parsed
from sandbox.chain_protocol import Chain, SignatureRow
from sandbox.chain_render import LAMPORTS_PER_SIGNATURE, message_json, wire
from sandbox.chain_view import Commitments
from sandbox.rpc_params import RpcError

PAYER = "anchor_payer"
OPENING_LAMPORTS = {a.address(PAYER): 1_000_000_000}
VALID_BLOCKS = 150
FINAL_AFTER = 2
MAX_BYTES = 1_232  # of a transaction, as one packet holds it
UNITS = 5_000


@dataclass(frozen=True)
class SentTx:
    """A sent transaction as the node keeps it; see chain_render.ChainTx."""

    row: SignatureRow
    keys: tuple[str, ...]
    signed: VersionedTransaction
    meta: dict[str, Any]

    @property
    def version(self) -> int | str:
        return "legacy" if self.signed.version() != 0 else 0


class SentTransactions:
    """What was sent to any node of the cluster. Requests may come from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._issued: deque[str] = deque(maxlen=VALID_BLOCKS)
        self._count = 0
        self._asked: Counter[str] = Counter()
        self._sent: dict[str, SentTx] = {}

    @property
    def all(self) -> list[SentTx]:
        """In the order in which they came."""
        return list(self._sent.values())

    def over(self, known: Commitments) -> Commitments:
        """What a node knows of a chain, and of what was sent besides."""
        waiting = {tx.row.signature for tx in self.all if self._asked[tx.row.signature] < FINAL_AFTER}
        return replace(known, chain=ChainWithSent(known.chain, self), stuck=known.stuck | waiting)

    def blockhash(self, slot: int) -> str:
        """A hash for a transaction, valid for as long as VALID_BLOCKS others have not followed."""
        with self._lock:
            self._count += 1
            self._issued.append(str(Hash(sha256(f"sandbox/latest/{slot}/{self._count}".encode()).digest())))
            return self._issued[-1]

    def asked(self, signature: str) -> None:
        """Somebody asked for a status: time goes by."""
        self._asked[signature] += 1

    def send(self, known: Commitments, text: Any, encoding: str, is_checked: bool) -> str:
        """The signature of a transaction that is now on the chain. Raises RpcError, with a node's codes and words.

        `is_checked`: with preflight. Without it an unusable transaction is answered with its signature and dropped.
        """
        signed = decoded(text, encoding)
        signature = str(signed.signatures[0])
        with self._lock:
            refusal = self._refusal(known, signed)
            if refusal is None and signature not in self._sent:
                self._sent[signature] = self._landed(known, signed)
        if refusal is not None and is_checked:
            raise refusal
        return signature

    def lamports(self, chain: Chain, account: str) -> int:
        """Balance at the tip, less the fees of what was sent."""
        held = OPENING_LAMPORTS.get(account, 0) + chain.lamports(account)
        return held - sum(tx.meta["fee"] for tx in self._sent.values() if tx.keys[0] == account)

    def _refusal(self, known: Commitments, signed: VersionedTransaction) -> RpcError | None:
        if not all(signed.verify_with_results()):
            return RpcError(read.SIGNATURE_VERIFICATION, "Transaction signature verification failure")
        signature = str(signed.signatures[0])
        if signature in self._sent and self._asked[signature] >= FINAL_AFTER:
            return _simulation("AlreadyProcessed", "This transaction has already been processed")
        if str(signed.message.recent_blockhash) not in self._issued:
            return _simulation("BlockhashNotFound", "Blockhash not found")
        held = self.lamports(_beneath(known.chain), str(signed.message.account_keys[0]))
        if held == 0:
            text = "Attempt to debit an account but found no record of a prior credit."
            return _simulation("AccountNotFound", text)
        if held < LAMPORTS_PER_SIGNATURE:
            return _simulation("InsufficientFundsForFee", "Insufficient funds for fee")
        keys = [str(key) for key in signed.message.account_keys]
        for number, one in enumerate(signed.message.instructions):
            program = keys[one.program_id_index] if one.program_id_index < len(keys) else None
            if program != a.MEMO_PROGRAM:
                err = {"InstructionError": [number, "UnsupportedProgramId"]}
                return _simulation(err, f"Error processing Instruction {number}: Unsupported program id")
            try:
                bytes(one.data).decode("utf-8")
            except UnicodeDecodeError as error:
                err = {"InstructionError": [number, "InvalidInstructionData"]}
                logs = [_invoke(), f"Program log: Invalid UTF-8, from byte {error.start}"]
                logs.append(f"Program {a.MEMO_PROGRAM} failed: invalid instruction data")
                return _simulation(err, f"Error processing Instruction {number}: invalid instruction data", logs)
        return None

    def _landed(self, known: Commitments, signed: VersionedTransaction) -> SentTx:
        chain, slot = _beneath(known.chain), known.confirmed.tip
        keys = tuple(str(key) for key in signed.message.account_keys)
        memos = [bytes(one.data).decode() for one in signed.message.instructions]
        before = [self.lamports(chain, key) for key in keys]
        meta = {
            "computeUnitsConsumed": UNITS * len(memos),
            "err": None,
            "fee": LAMPORTS_PER_SIGNATURE,
            "innerInstructions": [],
            "loadedAddresses": {"readonly": [], "writable": []},
            "logMessages": [line for memo in memos for line in _logs(memo)],
            "postBalances": [before[0] - LAMPORTS_PER_SIGNATURE, *before[1:]],
            "postTokenBalances": [],
            "preBalances": before,
            "preTokenBalances": [],
            "rewards": [],
            "status": {"Ok": None},
        }
        listed = "; ".join(f"[{len(memo.encode())}] {memo}" for memo in memos)
        order = 1 << 40 | len(self._sent)  # behind everything that the simulation has
        row = SignatureRow(order, str(signed.signatures[0]), slot, None, chain.block_time(slot), listed)
        return SentTx(row, keys, signed, meta)


class ChainWithSent:
    """A chain (see chain_protocol.Chain) with what was sent besides."""

    def __init__(self, chain: Chain, sent: SentTransactions) -> None:
        self.beneath, self.sent = chain, sent
        self.first_slot, self.first_kept, self.tip = chain.first_slot, chain.first_kept, chain.tip

    def history(self, address: str) -> Sequence[SignatureRow]:
        newest = [tx.row for tx in reversed(self.sent.all) if address in tx.keys]
        return [*newest, *self.beneath.history(address)] if newest else self.beneath.history(address)

    def row(self, signature: str) -> SignatureRow | None:
        tx = self._of(signature)
        return tx.row if tx else self.beneath.row(signature)

    def transaction(self, signature: str, encoding: str) -> dict[str, Any] | None:
        tx = self._of(signature)
        if tx is None:
            return self.beneath.transaction(signature, encoding)
        body, meta = (message_json(tx.signed), tx.meta) if encoding != "jsonParsed" else parsed(tx)
        if encoding in ("base58", "base64"):
            body = wire(tx.signed, encoding)
        shown = {"blockTime": tx.row.block_time, "meta": meta, "slot": tx.row.slot}
        return {**shown, "transaction": body, "version": tx.version}

    def block_time(self, slot: int) -> int | None:
        return self.beneath.block_time(slot)

    def token_amount(self, account: str, slot: int | None = None) -> dict[str, Any] | None:
        return self.beneath.token_amount(account, slot)

    def lamports(self, account: str, slot: int | None = None) -> int:
        if slot is not None and slot < self.tip:
            return self.beneath.lamports(account, slot)
        return self.sent.lamports(self.beneath, account)

    def _of(self, signature: str) -> SentTx | None:
        return next((tx for tx in self.sent.all if tx.row.signature == signature), None)


def decoded(text: Any, encoding: str) -> VersionedTransaction:
    """The transaction in sendTransaction's first parameter. Raises RpcError."""
    if not isinstance(text, str):
        raise RpcError(read.INVALID_PARAMS, "Invalid params: invalid type, expected a string.")
    try:
        raw = b64decode(text, validate=True) if encoding == "base64" else base58.b58decode(text)
    except ValueError as error:
        raise RpcError(read.INVALID_PARAMS, f"invalid {encoding} encoding: {error}") from error
    if len(raw) > MAX_BYTES:
        text = f"decoded solana_transaction::versioned::VersionedTransaction too large: {len(raw)} bytes"
        raise RpcError(read.INVALID_PARAMS, f"{text} (max: {MAX_BYTES} bytes)")
    try:
        signed = VersionedTransaction.from_bytes(raw)
        signed.sanitize()
    except Exception as error:
        text = "failed to deserialize solana_transaction::versioned::VersionedTransaction"
        raise RpcError(read.INVALID_PARAMS, f"{text}: {error}") from error
    return signed


def _beneath(chain: Chain) -> Chain:
    return chain.beneath if isinstance(chain, ChainWithSent) else chain


def _simulation(err: Any, text: str, logs: Sequence[str] = ()) -> RpcError:
    data = {"accounts": None, "err": err, "innerInstructions": None, "logs": list(logs), "returnData": None}
    data |= {"unitsConsumed": 0}
    return RpcError(read.PREFLIGHT_FAILURE, f"Transaction simulation failed: {text}", data)


def _invoke() -> str:
    return f"Program {a.MEMO_PROGRAM} invoke [1]"


def _logs(memo: str) -> list[str]:
    quoted = memo.replace("\\", "\\\\").replace('"', '\\"')
    used = f"Program {a.MEMO_PROGRAM} consumed {UNITS} of 200000 compute units"
    shown = f'Program log: Memo (len {len(memo.encode())}): "{quoted}"'
    return [_invoke(), shown, used, f"Program {a.MEMO_PROGRAM} success"]
