"""re-decode on the real embedded warehouse: the same rows, or exactly what differs; and loaded again when asked."""

from __future__ import annotations

import base64
import hashlib
import json

import base58
import pytest
from chain_builder import OTHER, PAYER, call, data, enter, key, leave, transaction
from solana_context import ROOT
from typer.testing import CliRunner

from ingestion import run
from ingestion.base import NewObject, Source
from ingestion.solana import SOURCE
from ingestion.solana.cli import app
from ingestion.solana.redecode import compare, reload, with_idls
from warehouse.config import load_config
from warehouse.window import Window, parse_instant

DAY = "2031-03-0{}T00:00:00Z"  # days of this module only: the warehouse is shared
AT = int(parse_instant("2031-03-02T12:00:00Z").timestamp())
WINDOW = Window.parse(DAY.format(2), DAY.format(3))


def deposit(amount: int) -> bytes:
    """DepositMade {player, mint, vault, amount}."""
    accounts = bytes([11]) * 32 + bytes([12]) * 32 + bytes([13]) * 32
    return hashlib.sha256(b"event:DepositMade").digest()[:8] + accounts + amount.to_bytes(8, "little")


def line(program: str, number: int, payload: bytes, day: int = 0) -> bytes:
    balance = {"account": key(15), "owner": key(14), "mint": key(12), "decimals": 6, "pre": None, "post": number}
    result = transaction(
        [enter(program), data(payload), leave(program)],
        [call(program, accounts=[PAYER, OTHER])],
        balances=[balance],
        block_time=AT + number + 86400 * day,
        signature=base58.b58encode(bytes([number]) * 64).decode(),
    )
    return json.dumps({"response": json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})}).encode() + b"\n"


@pytest.fixture(scope="module")
def source(embedded):
    """Two landed and loaded objects: two deposits, and one payload that no IDL knows."""
    ctx = run.context(load_config())
    program = ctx.config.own.program_id
    objects = [
        NewObject("transactions", "redecode/a", line(program, 1, deposit(5)) + line(program, 2, deposit(7)), "api"),
        NewObject("transactions", "redecode/b", line(program, 3, b"unknown bytes"), "api"),
    ]
    source = Source("solana", lambda window, ctx: iter(objects), SOURCE.datasets)
    run.land(source, WINDOW, ctx, "t")
    run.load(source, WINDOW, ctx, "t")
    return source


@pytest.fixture
def ctx(source):
    return run.context(load_config())


def held(ctx, table: str) -> list[dict]:
    rows = ctx.query(f"select * from raw.{table} where _object_uri like '%/redecode/%'")
    return sorted(({**row} for row in rows), key=repr)


def again(ctx, source, window=WINDOW):
    found = compare(source, window, ctx)
    return list(found.lines(20)), found


# three transactions, three token balances, two native balances (the program is among each transaction's keys), two
# events, two canonical events, one payload in quarantine
ROWS = 3 + 3 + 3 + 2 + 2 + 1


def test_decoding_again_says_the_same_every_time(ctx, source):
    for _ in range(2):
        assert again(ctx, source)[0] == [f"the same: {ROWS} rows of 2 objects"]
    before = Window.parse(DAY.format(1), DAY.format(2))
    assert again(ctx, source, before)[0] == ["the same: 0 rows of 0 objects"]


def test_objects_that_are_not_loaded_are_named(ctx, source):
    later = Window.parse(DAY.format(5), DAY.format(6))
    body = line(ctx.config.own.program_id, 4, deposit(1), day=3)
    landing = Source("solana", lambda window, ctx: iter([NewObject("transactions", "later", body, "api")]), {})
    run.land(landing, later, ctx, "t")
    waiting = "not compared: 1 objects that wait for their load"
    assert again(ctx, source, later)[0] == [waiting, "the same: 0 rows of 0 objects"]
    assert again(ctx, source)[0] == [f"the same: {ROWS} rows of 2 objects"]


def test_another_idl_says_what_it_changes(ctx, source, tmp_path):
    document = json.loads((ROOT / "config/idl/skill_match.json").read_text())
    made = next(item for item in document["types"] if item["name"] == "DepositMade")
    made["type"]["fields"].append({"name": "memo", "type": "u8"})
    (tmp_path / "newer.json").write_text(json.dumps(document))
    other = with_idls(ctx, [tmp_path / "newer.json"])
    other.profile = other.profile.model_copy(update={"rebuild": {}})  # its rule gives no memo
    lines, found = again(other, source)
    first, second = (base58.b58encode(bytes([number]) * 64).decode() for number in (1, 2))
    assert sorted(lines) == sorted(
        [
            *(f"solana_events {signature}:log:1.0 held -> absent" for signature in (first, second)),
            *(f"canonical_events {signature}:log:1.0:0 held -> absent" for signature in (first, second)),
            *(f"quarantine log:1.0 payload_too_short {s} absent -> decoded" for s in (first, second)),
            "rows: 0 changed, 4 gone, 2 new, 10 the same; 1 of 2 objects differ",
        ]
    )
    assert [uri.rsplit("/", 1)[1][0] for uri in found.differing] == ["a"]
    assert again(ctx, source)[0] == [f"the same: {ROWS} rows of 2 objects"]  # nothing was written


def test_apply_gives_raw_what_decoding_gives(ctx, source):
    tables = ("solana_transactions", "solana_events", "canonical_events", "solana_token_balances", "quarantine")
    good = {table: held(ctx, table) for table in tables}
    uri = good["solana_events"][0]["_object_uri"]
    signature = good["solana_events"][0]["signature"]
    for sql in (
        f"update raw.solana_events set data = '{{}}', slot = 1 where signature = '{signature}'",
        f"delete from raw.solana_token_balances where signature = '{signature}'",
        "insert into raw.quarantine (quarantine_id, source, dataset, reason_code, position, raw_sealed, _object_uri, "
        f"_line, _event_date) select 'old', 'solana', 'transactions', 'old_code', 'log:9.0', 'c2VjcmV0', '{uri}', 1, "
        "date '2031-03-02'",
        f"update ops.objects set modelled_at = loaded_at where uri = '{uri}'",
    ):
        ctx.query(sql)
    lines, found = again(ctx, source)
    event = next(row for row in good["solana_events"] if row["signature"] == signature)
    [balance] = [row for row in good["solana_token_balances"] if row["signature"] == signature]
    shown = event["data"] if len(event["data"]) <= 80 else f"{event['data'][:80]}..."
    assert lines == [
        "quarantine log:9.0 old_code held -> absent",
        f"solana_events {event['event_key']} slot: 1 -> 300000000",
        f"solana_events {event['event_key']} data: {{}} -> {shown}",
        f"solana_token_balances {signature} {balance['account']} absent -> decoded",
        f"rows: 1 changed, 1 gone, 1 new, {ROWS - 2} the same; 1 of 2 objects differ",
    ]
    assert again(ctx, source)[0] == lines
    reload(source, found, ctx)
    assert again(ctx, source)[0] == [f"the same: {ROWS} rows of 2 objects"]
    assert {table: held(ctx, table) for table in tables} == good
    [state] = ctx.query(f"select state, modelled_at from ops.objects where uri = '{uri}'")
    assert state == {"state": "loaded", "modelled_at": None}


def test_at_the_terminal(ctx, source):
    def command(*arguments):
        done = CliRunner().invoke(app, ["re-decode", "--from", DAY.format(2), "--to", DAY.format(3), *arguments])
        return done.exit_code, done.stdout, done.stderr

    same = f"the same: {ROWS} rows of 2 objects\n"
    assert command() == (0, same, "")
    ctx.query("update raw.solana_transactions set success = false where _object_uri like '%/redecode/b%'")
    signature = base58.b58encode(bytes([3]) * 64).decode()
    changed = f"solana_transactions {signature} success: False -> True\n"
    summary = f"rows: 1 changed, 0 gone, 0 new, {ROWS - 1} the same; 1 of 2 objects differ\n"
    assert command() == (1, changed + summary, "")
    assert command("--limit", "0") == (1, "...\n" + summary, "")
    code, out, _ = command("--apply")
    assert (code, out.startswith(f"{changed}{summary}loaded again: 1 objects, ")) == (0, True)
    assert command() == (0, same, "")
    assert command("--apply", "--idl", "x.json")[::2] == (
        2,
        "error: --apply loads with the profile's IDL: name the new one there (idl), not with --idl\n",
    )
    assert command("--idl", "gone.json")[0] == 2
    assert command("--to", DAY.format(1))[0] == 2


def test_what_a_row_must_not_show_is_not_printed(ctx, source):
    uri = held(ctx, "quarantine")[0]["_object_uri"]
    ctx.query(f"update raw.quarantine set raw_sealed = 'cGVyc29uYWw=' where _object_uri = '{uri}'")
    lines, found = again(ctx, source)
    real = base64.b64encode(bytes(16) + b"unknown bytes").decode()  # sealed: the bytes and a tag of 16
    assert lines[0].endswith(f"raw_sealed: 12 characters -> {len(real)} characters")
    reload(source, found, ctx)
