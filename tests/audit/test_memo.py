"""Memos of heads over HTTP against the sandbox's RPC server, which checks the real signature as a node does."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from dataclasses import replace
from datetime import date

import base58
import httpx
import pytest
import synthetic_log as synthetic
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from audit import memo
from audit.anchor_step import anchor_seals
from audit.anchors import BUCKET, Anchor, Head, add_anchor, head_of, read_anchors, seal_hash
from audit.memo_check import check_memos
from audit.reader import Warehouse
from audit.verify import seal_document
from ingestion.tables import ensure_tables
from sandbox import addresses, chain_send
from sandbox.app import Platform, build_app
from sandbox.chain_control import ChainControl, ChainSettings
from sandbox.serving import running
from sandbox.world import build_world
from warehouse.window import Window

HEAD = Head(6, "5a" * 32, date(2026, 10, 7))
TEXT = f"escrow-warehouse head 6 {'5a' * 32}"
KEY = addresses.keypair("anchor_payer")
PAYER = str(KEY.pubkey())


@pytest.fixture(scope="module")
def control():
    return ChainControl(build_world(days=1), (), (), ChainSettings())


@pytest.fixture
def url(control):
    """A provider of a sandbox to which nothing was sent yet."""
    with running(build_app(Platform("simulated", control.chain, None, control=control))) as base:
        yield f"{base}/rpc/alpha"


@pytest.fixture
def config(audit_config, url, monkeypatch):
    """Memos are on, paid by the sandbox's payer."""
    monkeypatch.setenv("ANCHOR_KEYPAIR", json.dumps(list(bytes(KEY))))
    provider = audit_config.sources.solana.providers[0].model_copy(update={"url": url, "api_key_env": None})
    solana = audit_config.sources.solana.model_copy(update={"providers": [provider]})
    switched_on = audit_config.audit.memo.model_copy(update={"enabled": True})
    return audit_config.model_copy(
        update={
            "sources": audit_config.sources.model_copy(update={"solana": solana}),
            "audit": audit_config.audit.model_copy(update={"memo": switched_on}),
        }
    )


@pytest.fixture
def client(config, audit_client):
    """A warehouse whose newest anchored head is HEAD."""
    add_anchor(audit_client, Anchor(replace(HEAD, size=4, root="11" * 32), BUCKET, "gs://a/4"), "run-0")
    add_anchor(audit_client, Anchor(HEAD, BUCKET, "gs://a/6"), "run-1")
    return audit_client


def call(url, method, *params):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return httpx.post(url, json=body).json()


def refused(url, *params):
    error = call(url, "sendTransaction", *params)["error"]
    return error["code"], error["message"], (error.get("data") or {}).get("err")


def history(url, address=PAYER):
    return call(url, "getSignaturesForAddress", address, {"commitment": "confirmed"})["result"]


def fresh(url):
    return call(url, "getLatestBlockhash", {"commitment": "finalized"})["result"]["value"]["blockhash"]


def as_base64(raw):
    return base64.b64encode(bytes(raw)).decode()


def a_memo(url, data=TEXT.encode(), key=KEY, program=memo.PROGRAM):
    message = Message.new_with_blockhash([Instruction(program, data, [])], key.pubkey(), Hash.from_string(fresh(url)))
    return VersionedTransaction(message, [key])


def test_the_newest_head_is_posted_once_and_what_the_chain_holds_is_signed_by_the_payer(config, client, url):
    posted = memo.post(config, client, "run-2", pause=0)
    assert (posted.head, posted.is_new) == (HEAD, True)
    assert memo.post(config, client, "run-3", pause=0) == replace(posted, is_new=False)
    assert [(row["memo"], row["signature"], row["err"]) for row in history(url)] == [
        (f"[88] {TEXT}", posted.signature, None)
    ]
    assert [(known.kind, known.address, known.head) for known in read_anchors(client)] == [
        ("bucket", "gs://a/4", replace(HEAD, size=4, root="11" * 32)),
        ("bucket", "gs://a/6", HEAD),
        ("memo", posted.signature, HEAD),
    ]
    result = call(url, "getTransaction", posted.signature, "base64")["result"]
    raw = base64.b64decode(result["transaction"][0])
    assert raw[0] == 1  # signatures
    assert base58.b58encode(raw[1:65]).decode() == posted.signature
    Ed25519PublicKey.from_public_bytes(bytes(KEY.pubkey())).verify(raw[1:65], raw[65:])
    assert TEXT.encode() in raw
    assert result["meta"]["preBalances"][0] - result["meta"]["postBalances"][0] == 5000
    assert call(url, "getBalance", PAYER)["result"]["value"] == 999_995_000


def test_a_memo_is_read_back_with_what_it_says_and_who_signed(config, client, url):
    posted = memo.post(config, client, "run", pause=0)
    read = memo.fetch_memo(config, posted.signature)
    assert (read.size, read.root, read.signature, read.payer) == (6, "5a" * 32, posted.signature, PAYER)
    tip = call(url, "getSlot")["result"]
    assert (read.slot, read.at) == (tip, call(url, "getBlockTime", tip)["result"])
    parsed = call(url, "getTransaction", posted.signature, "jsonParsed")["result"]["transaction"]["message"]
    assert parsed["instructions"][0] == {
        "parsed": TEXT,
        "program": "spl-memo",
        "programId": "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXDLGmgcfHr",
        "stackHeight": 1,
    }


def test_what_is_no_memo_of_a_head_is_refused_by_name(config, control, url):
    other = control.chain.transactions[5].signature
    with pytest.raises(memo.MemoError, match=f"transaction {other} is no memo of a head"):
        memo.fetch_memo(config, other)
    unknown = str(a_memo(url).signatures[0])
    with pytest.raises(memo.MemoError, match="alpha: getTransaction: there is no such final transaction"):
        memo.fetch_memo(config, unknown)
    for text in (TEXT + " ", TEXT.upper(), f"escrow-warehouse head 06 {'5a' * 32}"):
        sent = call(url, "sendTransaction", as_base64(a_memo(url, text.encode())), {"encoding": "base64"})["result"]
        for _ in range(chain_send.FINAL_AFTER):
            call(url, "getSignatureStatuses", [sent])
        with pytest.raises(memo.MemoError, match=f"transaction {sent} is no memo of a head"):
            memo.fetch_memo(config, sent)


def test_a_run_that_is_killed_after_sending_goes_on_with_what_was_sent(config, client, url, monkeypatch):
    def power_cut(*_):
        raise ConnectionAbortedError("power cut")

    for place in ((memo._Line, "wait"), (memo, "add_anchor")):
        with monkeypatch.context() as patch:
            patch.setattr(*place, power_cut)
            with pytest.raises(ConnectionAbortedError):
                memo.post(config, client, "run-2", pause=0)
    posted = memo.post(config, client, "run-3", pause=0)
    assert not posted.is_new
    assert [row["signature"] for row in history(url)] == [posted.signature]
    assert [known.address for known in read_anchors(client) if known.kind == "memo"] == [posted.signature]


def test_a_newer_head_is_posted_though_an_older_memo_is_there(config, client, url):
    first = memo.post(config, client, "run-2", pause=0)
    add_anchor(client, Anchor(replace(HEAD, size=8, root="22" * 32), BUCKET, "gs://a/8"), "run-3")
    second = memo.post(config, client, "run-4", pause=0)
    assert second.is_new
    assert [row["signature"] for row in history(url)] == [second.signature, first.signature]


def test_finality_is_waited_for_a_bounded_number_of_polls(config, client, url, monkeypatch):
    monkeypatch.setattr(memo, "POLLS", 3)
    monkeypatch.setattr(chain_send, "FINAL_AFTER", 5)
    with pytest.raises(memo.MemoError, match=r"isn't final after 3 polls"):
        memo.post(config, client, "run-2", pause=0)
    [sent] = history(url)
    assert sent["confirmationStatus"] == "confirmed"
    assert [known.kind for known in read_anchors(client)] == ["bucket", "bucket"]
    assert memo.post(config, client, "run-3", pause=0).signature == sent["signature"]


def test_nothing_is_sent_where_memos_are_off_or_nothing_is_anchored(config, audit_config, audit_client, url):
    assert not audit_config.audit.memo.enabled
    assert memo.post(audit_config, audit_client, "run") is None
    assert memo.post(config, audit_client, "run") is None
    assert history(url) == []


def test_a_memo_row_of_another_root_stops_the_run(config, client, url):
    add_anchor(client, Anchor(replace(HEAD, root="33" * 32), "memo", "5sig"), "run")
    with pytest.raises(memo.MemoError, match=r"memo 5sig has another head of 6 seals"):
        memo.post(config, client, "run", pause=0)
    assert history(url) == []


def test_the_official_client_sends_a_memo_too(url):
    async def talk():
        async with AsyncClient(url) as client:
            blockhash = (await client.get_latest_blockhash()).value.blockhash
            signed = memo.signed_memo(KEY, "hello", str(blockhash))
            assert (await client.send_raw_transaction(bytes(signed))).value == signed.signatures[0]
            [status] = (await client.get_signature_statuses([signed.signatures[0]])).value
            assert status.err is None
            [listed] = (await client.get_signatures_for_address(KEY.pubkey(), commitment=Confirmed)).value
            assert listed.memo == "[5] hello"

    asyncio.run(talk())


@pytest.mark.parametrize("place", [1, 40, 64, 70, 120, -1])
def test_a_transaction_with_one_changed_bit_is_refused_with_a_nodes_code(url, place):
    raw = bytearray(bytes(a_memo(url)))
    raw[place] ^= 1
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(bytes(raw[69:101])).verify(bytes(raw[1:65]), bytes(raw[65:]))
    assert refused(url, as_base64(raw), {"encoding": "base64"}) == (
        -32003,
        "Transaction signature verification failure",
        None,
    )
    assert history(url) == []


def test_preflight_refuses_as_a_node_does(url):
    encoded = {"encoding": "base64"}
    elsewhere = memo.signed_memo(KEY, TEXT, str(Hash.default()))
    assert refused(url, as_base64(elsewhere), encoded) == (
        -32002, "Transaction simulation failed: Blockhash not found", "BlockhashNotFound",
    )  # fmt: skip
    poor = a_memo(url, key=Keypair.from_seed(bytes(32)))
    assert refused(url, as_base64(poor), encoded) == (
        -32002,
        "Transaction simulation failed: Attempt to debit an account but found no record of a prior credit.",
        "AccountNotFound",
    )
    assert refused(url, as_base64(a_memo(url, b"ok \xff")), encoded) == (
        -32002,
        "Transaction simulation failed: Error processing Instruction 0: invalid instruction data",
        {"InstructionError": [0, "InvalidInstructionData"]},
    )
    other = a_memo(url, program=Pubkey.from_string(addresses.TOKEN_PROGRAM))
    assert refused(url, as_base64(other), encoded)[0] == -32002
    assert refused(url, "AAAA", encoded)[0] == -32602
    assert refused(url, "not base64", encoded)[0] == -32602
    assert refused(url, as_base64(bytes(1233)), encoded)[0] == -32602
    assert refused(url)[0] == -32602
    assert refused(url, "x", {"encoding": "hex"})[0] == -32602
    assert history(url) == []
    sent = call(url, "sendTransaction", as_base64(elsewhere), encoded | {"skipPreflight": True})["result"]
    assert sent == str(elsewhere.signatures[0])
    assert history(url) == []


def test_base58_is_the_default_and_a_transaction_lands_once(url):
    signed = a_memo(url)
    text = base58.b58encode(bytes(signed)).decode()
    assert call(url, "sendTransaction", text)["result"] == str(signed.signatures[0])
    assert call(url, "sendTransaction", text)["result"] == str(signed.signatures[0])
    assert len(history(url)) == 1
    assert call(url, "getSignaturesForAddress", PAYER)["result"] == []  # nothing of it is final yet
    statuses = [call(url, "getSignatureStatuses", [str(signed.signatures[0])])["result"]["value"][0] for _ in range(3)]
    assert [status["confirmationStatus"] for status in statuses] == ["confirmed", "confirmed", "finalized"]
    assert refused(url, text) == (
        -32002, "Transaction simulation failed: This transaction has already been processed", "AlreadyProcessed",
    )  # fmt: skip


def test_a_blockhash_expires(url):
    signed = a_memo(url)
    later = [{"jsonrpc": "2.0", "id": n, "method": "getLatestBlockhash"} for n in range(chain_send.VALID_BLOCKS // 2)]
    for _ in range(2):
        httpx.post(url, json=later)
    assert refused(url, as_base64(signed), {"encoding": "base64"})[2] == "BlockhashNotFound"


def test_the_paying_key_stands_in_no_message_and_no_log(config, client, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    memo.post(config, client, "run-2", pause=0)
    spoiled = json.dumps([*bytes(KEY)[:63], 999])
    for value, why in ((spoiled, "holds no key"), (str(KEY)[:-1] + "0", "holds no key"), ("", "is not set")):
        monkeypatch.setenv("ANCHOR_KEYPAIR", value)
        with pytest.raises(memo.MemoError, match=f"^ANCHOR_KEYPAIR {why}") as raised:
            memo.keypair("ANCHOR_KEYPAIR")
        assert raised.value.__cause__ is raised.value.__context__ is None
    monkeypatch.setenv("ANCHOR_KEYPAIR", str(KEY))
    assert memo.keypair("ANCHOR_KEYPAIR") == KEY
    told = caplog.text
    assert str(KEY) not in told
    assert ", ".join(str(one) for one in bytes(KEY)[:8]) not in told


def test_an_unknown_provider_is_named(config, client):
    named = config.audit.memo.model_copy(update={"provider": "gamma"})
    wrong = config.model_copy(update={"audit": config.audit.model_copy(update={"memo": named})})
    with pytest.raises(memo.MemoError, match=r"audit\.memo\.provider: no RPC provider is called gamma"):
        memo.post(wrong, client, "run")


def test_the_nightly_step_posts_the_head_that_it_anchors(config, audit_client, url, monkeypatch, tmp_path):
    monkeypatch.setattr(chain_send, "FINAL_AFTER", 0)
    given = config.model_copy(update={"embedded": config.embedded.model_copy(update={"home": tmp_path})})
    ensure_tables(audit_client)
    log = synthetic.small_log()
    synthetic.put(audit_client, log)
    for run in ("run-1", "run-2"):
        assert anchor_seals(given, audit_client, Window.parse("2026-10-07", "2026-10-08"), run) == 6
    assert [row["memo"] for row in history(url)] == [f"[88] escrow-warehouse head 6 {log.head.root}"]
    assert [known.kind for known in read_anchors(audit_client)] == ["bucket", "memo"]


@pytest.fixture
def sealed(config, audit_client, monkeypatch, tmp_path):
    """A sealed log of six seals whose head was posted: (configuration, client, log, the memo's signature)."""
    monkeypatch.setattr(chain_send, "FINAL_AFTER", 0)
    given = config.model_copy(update={"embedded": config.embedded.model_copy(update={"home": tmp_path})})
    ensure_tables(audit_client)
    log = synthetic.small_log()
    synthetic.put(audit_client, log)
    anchor_seals(given, audit_client, Window.parse("2026-10-07", "2026-10-08"), "run-1")
    (posted,) = [known.address for known in read_anchors(audit_client) if known.kind == "memo"]
    return given, audit_client, log, posted


def found(config, client, seals=None, payers=()):
    """(memos read back, memos listed, what differs) of a check."""
    source = Warehouse(config, client)
    checked = check_memos(config, seals or source.seals(), source.anchors(), payers)
    return checked.read, checked.listed, [(one.kind, one.what, one.seal_no, one.address) for one in checked.findings]


def test_memos_of_an_untouched_log_agree_with_it(sealed):
    config, client, _, _ = sealed
    assert found(config, client) == (1, 1, [])


def test_a_rewritten_log_differs_from_its_memo_also_where_its_row_is_gone_or_rewritten_too(sealed):
    config, client, _, posted = sealed
    changed = [dict(seal) for seal in Warehouse(config, client).seals()]
    changed[2]["root"] = "77" * 32
    changed[2]["seal_hash"] = seal_hash(seal_document(changed[2]))
    other = ("anchor_memo", "a memo says another root of the first 6 seals than they have", 5, posted)
    assert found(config, client, changed) == (1, 1, [other])
    shorter = ("anchor_memo", "a memo covers 6 seals, the log has 4", 4, posted)
    assert found(config, client, changed[:4]) == (1, 1, [shorter])
    root = head_of([seal_document(seal) for seal in changed]).root
    client.query(f"update audit.anchors set root = '{root}' where kind = 'memo'").result()
    says = ("anchor_memo", "the memo on the chain says another head than audit.anchors", None, posted)
    assert found(config, client, changed) == (1, 1, [says, other])
    client.query("delete from audit.anchors where kind = 'memo'").result()
    with pytest.raises(memo.MemoError, match=r"knows no memo: name the key that posted them with --payer"):
        found(config, client, changed)
    stranger = str(Keypair.from_seed(bytes(32)).pubkey())
    none = ("anchor_memo", "the key posted no memo of a head", None, stranger)
    assert found(config, client, payers=[stranger]) == (0, 0, [none])
    assert found(config, client, changed, [PAYER]) == (0, 1, [other])


def test_a_memo_that_no_node_has_is_a_finding(sealed, url):
    config, client, _, _ = sealed
    unknown = str(a_memo(url).signatures[0])
    client.query(f"update audit.anchors set address = '{unknown}' where kind = 'memo'").result()
    what = "alpha: getTransaction: there is no such final transaction"
    assert found(config, client) == (0, 0, [("anchor_memo", what, None, unknown)])
