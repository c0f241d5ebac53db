"""The world's books must be sound in themselves: they are what every figure of the warehouse is held against."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import yaml

from sandbox import addresses
from sandbox.book import Book
from sandbox.model import LedgerEntry, World
from sandbox.truth import truth
from sandbox.world import MONEY_KINDS, START, build_world

ROOT = Path(__file__).resolve().parents[2]
USDC, SKILL = addresses.MINTS


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


def test_same_arguments_give_the_same_world(world: World) -> None:
    assert build_world() == world
    assert build_world(seed=8).ledger != world.ledger


def test_size_and_variety(world: World) -> None:
    assert (world.start, world.end) == (datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC))
    assert len(world.users) == 60
    assert 800 <= len(world.transactions) <= 1200
    kinds = Counter(e.kind for e in world.ledger)
    assert set(kinds) == set(MONEY_KINDS)
    states = Counter((m.kind, m.status) for m in world.matches)
    for state in (("paid", "completed"), ("free", "completed"), ("paid", "cancelled"), ("free", "cancelled")):
        assert states[state] > 0, state
    assert states["paid", "disputed"] + states["paid", "active"] + states["paid", "created"] >= 3
    paid = sum(m.kind == "paid" for m in world.matches)
    assert 0.5 < paid / len(world.matches) < 0.7
    assert max(e.amount for e in world.ledger) > 2**53  # no float carries every amount
    failed = [tx for tx in world.transactions if not tx.success]
    assert 10 <= len(failed) <= len(world.transactions) * 0.03
    channels = Counter(call.channel for tx in world.transactions for call in tx.calls)
    assert min(channels["log"], channels["cpi"], channels["both"]) > 20
    shared_slots = Counter(tx.slot for tx in world.transactions)
    assert max(shared_slots.values()) >= 2
    for mint in addresses.MINTS:
        for day in world.days():
            moved = {e.kind for e in world.ledger if e.mint == mint and day <= e.at < day + timedelta(days=1)}
            assert moved >= {"deposit", "entry", "prize_distributed", "withdrawal"}, (mint, day)


def test_everything_is_in_order_and_inside_the_window(world: World) -> None:
    for times in (
        [u.created_at for u in world.users],
        [m.created_at for m in world.matches],
        [e.at for e in world.ledger],
        [a.at for a in world.actions],
        [tx.at for tx in world.transactions],
    ):
        assert times == sorted(times)
        assert world.start <= times[0]
        assert times[-1] < world.end - timedelta(seconds=60)
    slots = [tx.slot for tx in world.transactions]
    assert slots == sorted(slots)
    assert slots[-1] < world.tip
    assert [tx.index for tx in world.transactions] == list(range(len(slots)))
    for tx in world.transactions:
        assert tx.at == world.block_time(tx.slot)
    assert world.slot_at(world.start) == 300_000_000
    assert world.slot_at(world.start + timedelta(days=1)) == 300_000_000 + 216_000
    assert world.block_time(300_216_000) == world.start + timedelta(days=1)
    assert world.block_time(world.tip) == world.end - timedelta(seconds=4)


def test_no_balance_ever_falls_below_zero_and_every_pot_is_paid_once(world: World) -> None:
    users: defaultdict[tuple, int] = defaultdict(int)
    escrows: defaultdict[str, int] = defaultdict(int)
    by_match: defaultdict[str, list[LedgerEntry]] = defaultdict(list)
    for e in world.ledger:
        assert type(e.amount) is int
        assert e.amount > 0
        assert e.vault == addresses.VAULTS[e.mint]
        if e.match_id:
            by_match[e.match_id].append(e)
        sign = {"deposit": 1, "prize_distributed": 1, "refund": 1, "entry": -1, "withdrawal": -1, "fee_collected": 0}
        users[e.uid, e.mint] += sign[e.kind] * e.amount
        escrows[e.match_id] += {"entry": 1, "deposit": 0, "withdrawal": 0}.get(e.kind, -1) * e.amount
        assert min(users[e.uid, e.mint], escrows[e.match_id]) >= 0, e
    assert users.pop((None, USDC)) == 0
    assert users.pop((None, SKILL)) == 0
    for m in world.matches:
        rows = by_match[m.match_id]
        sums = Counter(dict.fromkeys(MONEY_KINDS, 0))
        for e in rows:
            sums[e.kind] += e.amount
        if m.kind == "free":
            assert rows == []
            continue
        assert {e.mint for e in rows} <= {m.mint}
        assert [e.uid for e in rows if e.kind == "entry"] == list(m.players)
        pot = m.entry_amount * len(m.players)
        assert sums["entry"] == pot
        if m.status == "completed":
            assert [e.uid for e in rows if e.kind == "prize_distributed"] == [m.winner]
            assert sums["fee_collected"] == pot * m.fee_bps // 10_000
            assert sums["prize_distributed"] + sums["fee_collected"] == pot
            assert sums["refund"] == 0
        elif m.status == "cancelled":
            assert sorted(e.uid for e in rows if e.kind == "refund") == sorted(m.players)
            assert sums["refund"] == pot
            assert sums["prize_distributed"] == 0
            assert m.winner is None
        else:
            assert m.ended_at is None
            assert escrows[m.match_id] == pot
            assert m.winner is None


def test_vault_holds_users_balances_and_escrows(world: World) -> None:
    last = truth(world)["days"]["2026-10-08"]["M3"]
    for mint in addresses.MINTS:
        rows = [e for e in world.ledger if e.mint == mint]
        vault = sum({"deposit": 1, "withdrawal": -1, "fee_collected": -1}.get(e.kind, 0) * e.amount for e in rows)
        inside = sum({"deposit": 1, "prize_distributed": 1, "refund": 1, "entry": -1, "withdrawal": -1}.get(e.kind, 0) * e.amount for e in rows)  # fmt: skip # noqa: E501
        escrow = sum(int(v["balance"]) for v in last["escrows"].values() if v["mint"] == mint)
        assert vault == inside + escrow > 0
        assert last["tvl"][mint] == last["vaults"][addresses.VAULTS[mint]] == str(vault)
        assert escrow > 0


def test_match_changes_lead_from_creation_to_the_final_state(world: World) -> None:
    for m in world.matches:
        first, last = m.changes[0], m.changes[-1]
        assert (first.at, first.status, first.players) == (m.created_at, "created", ())
        assert (last.status, last.players, last.winner, last.ended_at) == (m.status, m.players, m.winner, m.ended_at)
        times = [c.at for c in m.changes]
        assert times == sorted(set(times))
        assert (m.ended_at is not None) == (m.status in ("completed", "cancelled"))
        assert last.paused == any(span.resumed_at is None for span in m.paused_spans) or m.status == "cancelled"


def test_frozen_and_unverified_users_move_nothing_out(world: World) -> None:
    users = {u.uid: u for u in world.users}
    assert sum(bool(u.frozen_spans) for u in world.users) >= 3
    seconds = timedelta(seconds=1)  # block times are whole seconds, the freeze has milliseconds
    for e in world.ledger:
        if e.kind in ("deposit", "entry", "withdrawal"):
            user = users[e.uid]
            assert user.created_at - seconds <= e.at
            assert not (user.frozen_at(e.at) and user.frozen_at(e.at + seconds)), e
            if e.kind == "withdrawal":
                assert user.kyc_tier_at(e.at + seconds) >= 1
    for u in world.users:
        assert [c.new_tier for c in u.kyc_changes] == list(range(1, len(u.kyc_changes) + 1))


def test_every_money_event_has_exactly_one_action(world: World) -> None:
    actions = {a.entry_id: a for a in world.actions if a.stream == "escrow"}
    assert len(actions) == len(world.ledger) == sum(a.stream == "escrow" for a in world.actions)
    carried = [entry_id for tx in world.transactions for entry_id in tx.entry_ids]
    assert carried == [e.entry_id for e in world.ledger]
    for e in world.ledger:
        action = actions[e.entry_id]
        assert (action.name, action.amount, action.mint, action.match_id, action.tx_index, action.uid) == (
            e.kind, e.amount, e.mint, e.match_id, e.tx_index, e.uid,
        )  # fmt: skip
        assert timedelta(0) < action.at - e.at < timedelta(seconds=4)
        tx = world.transactions[e.tx_index]
        assert tx.success
        assert (tx.at, tx.slot) == (e.at, e.slot)
    names = Counter(a.name for a in world.actions if a.stream != "escrow")
    assert names["match_created"] == len(world.matches)
    assert names["match_completed"] == sum(m.status == "completed" for m in world.matches)
    assert names["match_cancelled"] == sum(m.status == "cancelled" for m in world.matches)
    assert names["paused"] == sum(len(m.paused_spans) for m in world.matches)
    assert names["dispute_opened"] == sum(len(m.disputes) for m in world.matches)
    assert names["user_frozen"] == sum(len(u.frozen_spans) for u in world.users)
    assert names["kyc_changed"] == sum(len(u.kyc_changes) for u in world.users)


def test_personal_values_are_distinct_and_not_the_platforms_own(world: World) -> None:
    values = world.personal_values()
    assert len(values) == 5 * len(world.users)
    own = {addresses.PROGRAM_ID, addresses.FEE_PAYER, addresses.TREASURY, *addresses.MINTS, *addresses.VAULTS.values()}
    assert not own & (values | world.user_token_accounts())
    assert {addresses.token_account(u.wallet, USDC) for u in world.users} < world.user_token_accounts()


def test_books_refuse_an_overdraft() -> None:
    book = Book(START, 1, Random(1))
    payer = addresses.FEE_PAYER
    deposits = [("deposit", None, USDC, 10, "u1"), ("deposit", None, USDC, 90, "u2")]
    book.submit(0, payer, ("fee_payer",), [], deposits)
    with pytest.raises(AssertionError, match=r"withdrawal of 11 .* overdraws u1"):
        book.submit(1, payer, ("fee_payer",), [], [("withdrawal", None, USDC, 11, "u1")])
    book = Book(START, 1, Random(1))
    book.submit(0, payer, ("fee_payer",), [], [("deposit", None, USDC, 10, "u1"), ("entry", "m1", USDC, 4, "u1")])
    with pytest.raises(AssertionError, match=r"prize_distributed of 5 .* overdraws"):
        book.submit(1, payer, ("fee_payer",), [], [("prize_distributed", "m1", USDC, 5, "u1")])


@pytest.mark.parametrize("seed", range(1, 7))
def test_other_seeds_are_sound_too(seed: int) -> None:
    other = build_world(days=2, seed=seed)
    test_no_balance_ever_falls_below_zero_and_every_pot_is_paid_once(other)
    test_match_changes_lead_from_creation_to_the_final_state(other)
    test_frozen_and_unverified_users_move_nothing_out(other)


@pytest.mark.parametrize("days", [1, 2])
def test_shorter_windows_are_sound_too(days: int) -> None:
    short = build_world(days=days)
    assert short.end == START + timedelta(days=days)
    assert len(truth(short)["days"]) == days
    assert any(m.ended_at is None for m in short.matches)


@pytest.mark.parametrize(
    ("start", "days"),
    [(START.replace(tzinfo=None), 4), (START + timedelta(hours=1), 4), (START, 0)],
)
def test_a_window_that_is_no_whole_utc_days_is_refused(start: datetime, days: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        build_world(start, days)


def test_profile_names_only_what_the_idl_declares() -> None:
    profile = yaml.safe_load((ROOT / "config/platforms/skill_match.yml").read_text())
    idl = json.loads((ROOT / profile["idl"]["file"]).read_text())
    types = {t["name"]: t["type"] for t in idl["types"]}
    fields = {e["name"]: {f["name"] for f in types[e["name"]]["fields"]} for e in idl["events"]}
    canonical = defaultdict(list)
    for row in profile["events"]:
        canonical[row["event"]].append(row["canonical"])
        for key in ("escrow", "holder", "mint", "vault", "amount"):
            if key in row:
                assert row[key] in {f"event.{name}" for name in fields[row["event"]]}, row
        if row["canonical"] in MONEY_KINDS:
            assert {"mint", "vault", "amount"} <= set(row)
    assert canonical["MatchSettled"] == ["prize_distributed", "fee_collected"]
    assert set(fields) - set(canonical) == {"VaultInitialized"}
    assert {c for rows in canonical.values() for c in rows} >= set(MONEY_KINDS)
    wallets = {f["name"] for e in fields for f in types[e]["fields"]} & {"player", "winner", "user", "owner"}
    assert wallets == set(profile["personal"])
