"""Heads of the log of seals on Solana: `escrow-warehouse head <size> <root>` in a memo that the paying key signed.

Off by default (audit.memo.enabled). A head is posted once: before sending, audit.anchors is looked into, and then the
paying key's own history at the provider, where a memo stands that an earlier run sent and didn't live to write down.
Only one that is still on its way then, for a minute or so after it was sent, can be sent a second time; two memos of
one head say the same.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.cloud import bigquery
from solders.commitment_config import CommitmentLevel
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.rpc.config import (
    RpcContextConfig,
    RpcSendTransactionConfig,
    RpcSignatureStatusConfig,
    RpcTransactionConfig,
)
from solders.rpc.requests import GetLatestBlockhash, GetSignatureStatuses, GetTransaction, SendRawTransaction
from solders.rpc.responses import (
    GetLatestBlockhashResp,
    GetSignatureStatusesResp,
    GetTransactionResp,
    SendTransactionResp,
)
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_status import UiTransactionEncoding
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_fixed

from audit.anchors import BUCKET, MEMO, Anchor, Head, add_anchor, read_anchors
from ingestion.solana.rpc import requests
from ingestion.solana.rpc.answers import Answer, Request
from ingestion.solana.rpc.pool import RpcPool
from warehouse.config import Config
from warehouse.secrets import lookup

PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXDLGmgcfHr")
POLLS, PAUSE = 45, 2.0
"""How often the status is asked for, and seconds between: a block is final some 13 seconds after it was made."""
_TEXT = re.compile(r"escrow-warehouse head (0|[1-9][0-9]*) ([0-9a-f]{64})")
_LISTED = re.compile(r"\[\d+\] ")


class MemoError(RuntimeError):
    """The memo can't be posted or read back; the message names neither a key nor an address of a provider."""


@dataclass(frozen=True)
class Memo:
    """A final memo transaction that says a head. `payer` signed it; `at` is its block's time, unix seconds."""

    size: int
    root: str
    signature: str
    payer: str
    slot: int
    at: int | None


@dataclass(frozen=True)
class Posted:
    """The memo of the newest anchored head; `is_new`: this run sent it."""

    head: Head
    signature: str
    is_new: bool


def memo_text(head: Head) -> str:
    """What the memo of a head says."""
    return f"escrow-warehouse head {head.size} {head.root}"


def post(config: Config, client: bigquery.Client, run_id: str, pause: float = PAUSE) -> Posted | None:
    """Post the newest head that is anchored in the bucket; None where memos are off or nothing is anchored.

    Waits until the transaction is final, `pause` seconds between polls. Raises MemoError where it isn't after POLLS
    (the next run goes on from there), where the provider refuses it, and for a key that can't be used.
    """
    if not config.audit.memo.enabled:
        return None
    anchors = read_anchors(client)
    heads = [known.head for known in anchors if known.kind == BUCKET]
    if not heads:
        return None
    head = max(heads, key=lambda one: one.size)
    memos = [known for known in anchors if known.kind == MEMO]
    for known in memos:
        if known.head.size == head.size:
            if known.head != head:
                raise MemoError(f"audit.anchors: memo {known.address} has another head of {head.size} seals")
            return Posted(head, known.address, is_new=False)
    key = keypair(config.audit.memo.keypair_env)
    with _pool(config) as pool:
        line = _Line(pool, _provider(config))
        newest = max(memos, key=lambda known: known.head.size).address if memos else None
        found = line.find(str(key.pubkey()), memo_text(head), newest)
        signature = found or line.send(key, memo_text(head))
        line.wait(signature, pause)
        memo = line.read(signature)
    if (memo.size, memo.root, memo.payer) != (head.size, head.root, str(key.pubkey())):
        raise MemoError(f"transaction {signature} is final and says something else")
    add_anchor(client, Anchor(head, MEMO, signature), run_id)
    return Posted(head, signature, is_new=found is None)


def fetch_memo(config: Config, signature: str) -> Memo:
    """Read a final memo back from the configured provider and check it: signatures, program, form of the text.

    Raises MemoError for one that isn't there, isn't final, failed, or isn't a memo of a head.
    """
    with _pool(config) as pool:
        return _Line(pool, _provider(config)).read(signature)


def posted_heads(config: Config, payer: str) -> list[tuple[str, int, str]]:
    """(signature, size, root) of every memo of a head in a key's history at the configured provider, newest first.

    Raises MemoError.
    """
    with _pool(config) as pool:
        listed = _Line(pool, _provider(config)).memos(payer, None)
        said = [(signature, _TEXT.fullmatch(text)) for signature, text in listed]
    return [(signature, int(match[1]), match[2]) for signature, match in said if match]


def keypair(name: str) -> Keypair:
    """The key in the variable `name`: a JSON array of 64 numbers, or base58. Raises MemoError, without the value."""
    text = (lookup(name) or "").strip()
    if not text:
        raise MemoError(f"{name} is not set: it names the key that pays for memos")
    try:
        return Keypair.from_bytes(bytes(json.loads(text))) if text.startswith("[") else Keypair.from_base58_string(text)
    except BaseException as error:  # the bindings let a Rust panic through as a BaseException; and no text of theirs
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
    raise MemoError(f"{name} holds no key: neither a JSON array of 64 numbers nor base58")


def signed_memo(key: Keypair, text: str, blockhash: str) -> VersionedTransaction:
    """The transaction: one instruction to the Memo program, paid and signed by `key`."""
    message = Message.new_with_blockhash(
        [Instruction(PROGRAM, text.encode(), [])], key.pubkey(), Hash.from_string(blockhash)
    )
    return VersionedTransaction(message, [key])


def _pool(config: Config) -> RpcPool:
    return RpcPool(config.sources.solana.providers, lookup, "memo")


def _provider(config: Config) -> str:
    names = [provider.name for provider in config.sources.solana.providers]
    name = config.audit.memo.provider or names[0]
    if name not in names:
        raise MemoError(f"audit.memo.provider: no RPC provider is called {name}")
    return name


class _Line:
    """The calls to one provider."""

    def __init__(self, pool: RpcPool, provider: str) -> None:
        self._pool, self._provider = pool, provider

    def _ask(self, request: Request) -> Answer:
        return self._pool.ask([request], [self._provider])[0]

    def _result(self, request: Request) -> Any:
        answer = self._ask(request)
        if answer.outcome != "ok":
            raise MemoError(f"{self._provider}: {request.method}: {_why(answer)}")
        return answer.result

    def find(self, payer: str, text: str, until: str | None) -> str | None:
        """Signature of the payer's newest memo that says `text`, confirmed at least, newer than the one of `until`."""
        return next((signature for signature, said in self.memos(payer, until) if said == text), None)

    def memos(self, payer: str, until: str | None) -> Iterator[tuple[str, str]]:
        """(signature, text) of the payer's memos, newest first, confirmed at least, newer than the one of `until`."""
        before = None
        while True:
            page = self._result(requests.signatures(payer, before, until, commitment="confirmed"))
            for entry in page:
                if entry["err"] is None and (listed := entry.get("memo")):
                    yield entry["signature"], _LISTED.sub("", listed, count=1)
            if len(page) < requests.PAGE:
                return
            before = page[-1]["signature"]

    def send(self, key: Keypair, text: str) -> str:
        """Sign and send a memo; returns its signature. Sent again after a lost answer, it is the same transaction."""
        latest = self._result(_latest_blockhash())
        signed = signed_memo(key, text, latest["value"]["blockhash"])
        signature = str(signed.signatures[0])
        answer = self._ask(_send(signed))
        if answer.outcome != "ok" and self._status(signature) is None:
            raise MemoError(f"{self._provider}: sendTransaction: {_why(answer)}")
        return signature

    def wait(self, signature: str, pause: float) -> None:
        """Wait until a transaction is final. Raises MemoError where it failed, or isn't final after POLLS."""
        polling = Retrying(
            stop=stop_after_attempt(POLLS),
            wait=wait_fixed(pause),
            retry=retry_if_result(lambda status: status is None or status["confirmationStatus"] != "finalized"),
        )
        try:
            status = polling(self._status, signature)
        except RetryError:
            raise MemoError(
                f"transaction {signature} isn't final after {POLLS} polls; the next run looks again"
            ) from None
        if status["err"] is not None:
            raise MemoError(f"transaction {signature} failed: {status['err']}")

    def read(self, signature: str) -> Memo:
        """A final memo of a head. Raises MemoError."""
        result = self._result(_transaction(signature))
        signed = VersionedTransaction.from_bytes(base64.b64decode(result["transaction"][0]))
        keys = signed.message.account_keys
        if str(signed.signatures[0]) != signature or not all(signed.verify_with_results()):
            raise MemoError(f"transaction {signature}: its signature doesn't fit its bytes")
        if result["meta"]["err"] is not None:
            raise MemoError(f"transaction {signature} failed")
        texts = [bytes(one.data) for one in signed.message.instructions if keys[one.program_id_index] == PROGRAM]
        said = [match for text in texts if (match := _TEXT.fullmatch(text.decode("utf-8", "replace")))]
        if len(said) != 1:
            raise MemoError(f"transaction {signature} is no memo of a head")
        return Memo(int(said[0][1]), said[0][2], signature, str(keys[0]), result["slot"], result.get("blockTime"))

    def _status(self, signature: str) -> dict[str, Any] | None:
        return self._result(_statuses(signature))["value"][0]


def _why(answer: Answer) -> str:
    """What a provider answered instead: its own words, which name no key."""
    if answer.outcome == "null":
        return "there is no such final transaction"
    if answer.code is None:
        return answer.outcome
    message = json.loads(answer.text)["error"].get("message")
    return f"JSON-RPC error {answer.code} ({message})"


def _latest_blockhash() -> Request:
    config = RpcContextConfig(commitment=CommitmentLevel.Finalized)
    return Request("getLatestBlockhash", lambda at: GetLatestBlockhash(config, at), GetLatestBlockhashResp)


def _send(signed: VersionedTransaction) -> Request:
    signature, raw = str(signed.signatures[0]), bytes(signed)
    config = RpcSendTransactionConfig(preflight_commitment=CommitmentLevel.Finalized)
    return Request(
        "sendTransaction",
        lambda at: SendRawTransaction(raw, config, at),
        SendTransactionResp,
        lambda result: result == signature,
    )


def _statuses(signature: str) -> Request:
    key, config = Signature.from_string(signature), RpcSignatureStatusConfig(search_transaction_history=True)
    return Request("getSignatureStatuses", lambda at: GetSignatureStatuses([key], config, at), GetSignatureStatusesResp)


def _transaction(signature: str) -> Request:
    key = Signature.from_string(signature)
    config = RpcTransactionConfig(
        encoding=UiTransactionEncoding.Base64, commitment=CommitmentLevel.Finalized, max_supported_transaction_version=0
    )
    return Request("getTransaction", lambda at: GetTransaction(key, config, at), GetTransactionResp)
