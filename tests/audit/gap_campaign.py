"""Small platforms side by side in one warehouse, each with one known fault or none, and what must be found of it.

A scenario has its own vault, match, audit stream and Stripe account, so that hundreds are judged by one build. The rows
are raw rows as the loaders write them; the expectations follow from the fault alone.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

MINT, PROGRAM = "MintUsdc", "Program"
START, END = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 8, tzinfo=UTC)
DAYS = ["2026-10-05", "2026-10-06", "2026-10-07"]
BEAT = 30
"""Minutes of the heartbeat of streams that have one."""
CLASSES = {
    "deposit": ("external", "holder"),
    "entry": ("holder", "escrow"),
    "prize_distributed": ("escrow", "holder"),
    "fee_collected": ("escrow", "treasury"),
    "withdrawal": ("holder", "external"),
}
EFFECT = {"deposit": 1, "withdrawal": -1, "fee_collected": -1}
Row = dict[str, Any]
Found = tuple[str, str, str | None, str | None, int | None, int | None, str | None]
"""area, kind, place, match, amount, first number or slot, first transaction."""


def iso(when: datetime) -> str:
    return when.isoformat()


def raw(when: datetime, uri: str, line: int = 1, **columns: Any) -> Row:
    """A raw row with where it came from."""
    day = when.date().isoformat()
    return columns | {"_object_uri": uri, "_line": line, "_event_date": day, "_landed_at": "2026-11-01T00:00:00Z"}


@dataclass
class Scenario:
    """One platform: its rows by table, the findings that its fault must leave, and the records that are held back."""

    name: str
    rng: random.Random
    rows: dict[str, list[Row]] = field(default_factory=dict)
    records: list[Row] = field(default_factory=list)
    expected: set[Found] = field(default_factory=set)
    vault_difference: int = 0
    balance: int = 0
    count: int = 0
    heartbeat: bool = False
    held: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        minutes = self.rng.randint(0, 46 * 60)  # some lives cross midnight
        self.now = START + timedelta(minutes=minutes, seconds=self.rng.randint(0, 59))

    @property
    def vault(self) -> str:
        return f"Vault{self.name}"

    @property
    def match(self) -> str:
        return f"m{self.name}"

    @property
    def stream(self) -> str:
        return f"s{self.name}"

    def add(self, table: str, row: Row) -> Row:
        self.rows.setdefault(table, []).append(row)
        return row

    def later(self) -> datetime:
        self.now += timedelta(seconds=self.rng.randint(60, 600))
        return self.now

    def slot(self, when: datetime) -> int:
        """One slot a second."""
        return 1_000 + int((when - START).total_seconds())

    def transfer(self, when: datetime, change: int) -> str:
        """A transaction that moves the vault, with what it left behind; gives its signature."""
        self.count += 1
        signature = f"tx{self.name}x{self.count:02}"
        common = {"signature": signature, "slot": self.slot(when), "block_time": iso(when), "success": True}
        self.add("raw.solana_transactions", raw(when, signature, **common, program_id=PROGRAM, log_truncated=False))
        if change:
            amounts = {"pre_amount": str(self.balance), "post_amount": str(self.balance + change)}
            self.balance += change
            self.add(
                "raw.solana_token_balances",
                raw(when, signature, **common, **amounts, account=self.vault, mint=MINT, decimals=6),
            )
        return signature

    def move(
        self, *events: tuple[str, str, int], match: str | None = None, decoded: bool = True, booked: bool = True,
        recorded: bool = True, booked_match: str | None = None, booked_by: int = 0,
    ) -> tuple[str, int]:  # fmt: skip
        """A transaction with (kind, holder, amount) events, decoded, booked and recorded; its signature and slot."""
        when = self.later()
        signature = self.transfer(when, sum(EFFECT.get(kind, 0) * amount for kind, _, amount in events))
        for number, (kind, holder, amount) in enumerate(events):
            if decoded:
                self.event(when, signature, number, kind, holder, match, amount)
            if booked:
                self.book(when, signature, number, kind, booked_match or match, amount + booked_by)
            if recorded:
                self.record(when, kind, signature=signature, match_id=match, mint=MINT, amount=str(amount))
        return signature, self.slot(when)

    def event(
        self, when: datetime, signature: str, number: int, kind: str, holder: str, match: str | None, amount: int | None
    ) -> None:
        source, target = CLASSES.get(kind, (None, None))
        self.add("raw.canonical_events", raw(
            when, signature, number + 1, canonical_key=f"{signature}:{number}", signature=signature,
            slot=self.slot(when), block_time=iso(when), canonical_event=kind, escrow_id=match, holder=holder, mint=MINT,
            decimals=6, vault=self.vault, amount=None if amount is None else str(amount), from_class=source,
            to_class=target, status="counted", program_id=PROGRAM, event_key=signature, ordinal=number,
        ))  # fmt: skip

    def book(self, when: datetime, signature: str, number: int, kind: str, match: str | None, amount: int) -> None:
        """The platform's own ledger document, half a minute later."""
        data = {"kind": kind, "matchId": match, "mint": MINT, "vault": self.vault, "amount": str(amount)}
        data |= {"slot": self.slot(when), "signature": signature, "at": _seconds(when)}
        self.document("ledger", f"{signature}-{number}", when + timedelta(seconds=30), data)

    def document(self, collection: str, identity: str, when: datetime, data: Row) -> None:
        self.add("raw.firestore_changelog", raw(
            when, f"fs-{identity}", timestamp=iso(when), document_id=identity, event_id=f"{identity}-{when:%d%H%M%S}",
            collection=collection, operation="UPDATE", data=json.dumps(data),
        ))  # fmt: skip

    def record(self, when: datetime, action: str, **fields: Any) -> Row:
        """An audit record, a second later; numbered and linked at the end."""
        made = {"at": when + timedelta(seconds=1), "action": action, **fields}
        self.records.append(made)
        return made

    def note(self) -> Row:
        """An audit record that is of no money."""
        return self.record(self.later(), "profile_updated")

    def finish(self) -> None:
        """Number and link the records as the platform does, then apply what was done to each afterwards."""
        previous = "0" * 64
        for seq, record in enumerate(self.records, 1):
            stated = {k: v for k, v in record.items() if not k.startswith("_") and k != "at"}
            digest = hashlib.sha256(f"{self.stream}|{seq}|{sorted(stated.items())}|{previous}".encode()).hexdigest()
            links = {"prev_hash": previous, "hash": digest, "computed_hash": digest} | record.get("_changed", {})
            row = raw(record["at"], f"audit-{self.stream}-{seq}", stream=self.stream, seq=seq, at=iso(record["at"]))
            if record.get("_lost"):
                self.held.append(row | stated | links)
            else:
                self.add("raw.platform_audit_events", row | stated | links)
            for other in record.get("_forks", ()):
                self.add("raw.platform_audit_events", row | stated | links | {"hash": other, "computed_hash": other})
            record["_seq"], previous = seq, digest

    def finds(self, kind: str, record: Row, **known: Any) -> None:
        """A finding of the stream at a record's number, once the numbers are known."""
        record.setdefault("_finds", []).append((kind, known))

    def stripe(self, table: str, identity: str, when: datetime, **columns: Any) -> Row:
        return self.add(f"raw.stripe_{table}", raw(
            when, f"{table}-{identity}", id=identity, created=iso(when), read_through=iso(END),
            account=f"acct{self.name}", livemode=True, **columns,
        ))  # fmt: skip


def _seconds(when: datetime) -> Row:
    return {"_seconds": int(when.timestamp()), "_nanoseconds": 0}


def live(s: Scenario, fault: str) -> None:
    """A match from deposit to withdrawal, with the fault where it belongs."""
    rng = s.rng
    stake, extra = rng.randint(1_000, 10**9), rng.randint(1, 999)
    sign = rng.choice((1, -1))
    s.move(("deposit", "alice", 5 * stake))
    noted = s.note()
    if fault == "chain_moved":
        when = s.later()
        signature = s.transfer(when, sign * extra)
        drift(s, "chain_against_events", sign * extra, s.slot(when), signature)
        s.vault_difference = sign * extra
    if fault == "transaction_missing":
        s.balance += extra
        s.vault_difference = extra
    if fault == "event_lost":
        signature, slot = s.move(("deposit", "carol", extra), decoded=False, recorded=False)
        drift(s, "chain_against_events", extra, slot, signature)
        drift(s, "events_against_books", -extra, slot, signature)
        s.vault_difference = extra
    if fault == "booked_wrong":
        signature, slot = s.move(("deposit", "carol", stake), booked_by=sign * extra)
        drift(s, "events_against_books", -sign * extra, slot, signature)
    if fault == "not_booked":
        signature, slot = s.move(("deposit", "carol", extra), booked=False)
        drift(s, "events_against_books", extra, slot, signature)
    if fault == "booked_without_event":
        when, signature = s.later(), f"ghost{s.name}"
        s.book(when, signature, 0, "withdrawal", None, extra)
        drift(s, "events_against_books", extra, s.slot(when), signature)
    if fault == "no_record":
        signature, _ = s.move(("deposit", "carol", extra), recorded=False)
        s.expected.add(("gap", "money_event_without_audit_record", None, None, extra, None, signature))
    if fault == "no_event":
        ghost = s.record(s.later(), "deposit", signature=f"ghost{s.name}", mint=MINT, amount=str(extra))
        s.finds("audit_record_without_money_event", ghost, amount=extra, signature=f"ghost{s.name}")
    signature, slot = s.move(("deposit", "bob", 5 * stake))
    if fault == "transaction_missing":
        drift(s, "chain_against_events", extra, slot, signature)
    if fault == "log_truncated":
        s.rows["raw.solana_transactions"][-1]["log_truncated"] = True
        s.expected.add(("gap", "truncated_transaction", f"chain/{PROGRAM}", None, None, slot, signature))
    s.move(("entry", "alice", stake), match=s.match)
    other = f"x{s.name}"
    elsewhere = fault == "booked_elsewhere"
    signature, slot = s.move(("entry", "bob", stake), match=s.match, booked_match=other if elsewhere else None)
    if elsewhere:
        drift(s, "match_against_books", stake, slot, signature, s.match)
        drift(s, "match_against_books", -stake, slot, signature, other)
    middle = s.note()
    settle(s, fault, stake, extra)
    last = s.note()
    s.move(("withdrawal", "bob", stake))
    log_fault(s, fault, noted, middle, last)
    s.note()


def settle(s: Scenario, fault: str, stake: int, extra: int) -> None:
    """The match ends and is paid, or not as it should be."""
    fee = stake // 10
    prize = 2 * stake - fee
    ended = s.now
    if fault != "unpaid":
        winner = "bob" if fault == "paid_wrong" else "alice"
        paid = prize + extra if fault == "overpaid" else prize
        signature, _ = s.move(("prize_distributed", winner, paid), ("fee_collected", winner, fee), match=s.match)
        s.event(s.now, signature, 5, "completed", "alice", s.match, None)
        ended = s.now
    if fault == "paid_twice":
        s.move(("prize_distributed", "alice", prize), match=s.match)
    amounts = {"unpaid": 2 * stake, "overpaid": -extra, "paid_twice": prize, "paid_wrong": prize}
    if fault in amounts:
        s.expected.add(("settlement", fault, None, s.match, amounts[fault], None, None))
    data = {
        "kind": "paid",
        "status": "completed",
        "mint": MINT,
        "createdAt": _seconds(START),
        "endedAt": _seconds(ended),
    }
    s.document("matches", s.match, ended + timedelta(seconds=5), data)


def log_fault(s: Scenario, fault: str, noted: Row, middle: Row, last: Row) -> None:
    """What is done to the audit log itself, at one of three records that are of no money."""
    chosen = s.rng.choice((noted, middle, last))
    if fault == "sequence_gap":
        chosen["_lost"] = True
        s.finds(fault, chosen)
    if fault == "repeated_sequence":
        chosen["_forks"] = ["f" * 64]
        s.finds(fault, chosen)
    if fault == "broken_link":
        chosen["_changed"] = {"prev_hash": "e" * 64}
        s.finds(fault, chosen)
    if fault == "hash_mismatch":
        chosen["_changed"] = {"computed_hash": "d" * 64}
        s.finds(fault, chosen)
    if fault == "clock_back":
        before = s.records[s.records.index(chosen) - 1]
        chosen["at"] = before["at"] - timedelta(milliseconds=s.rng.randint(1, 5_000))
        s.finds(fault, chosen)


def drift(s: Scenario, kind: str, amount: int, slot: int, signature: str, match: str | None = None) -> None:
    s.expected.add(("escrow", kind, s.vault, match, amount, slot, signature))


def pay(s: Scenario, fault: str) -> None:
    """A charge, a refund, a dispute and a payout, each with its record and its balance transaction."""
    rng, n = s.rng, s.name
    # Per item: table, id, Stripe's status, sign in the balance, the action that states it.
    items = [
        ("charges", f"ch_{n}", "succeeded", 1, "charge.succeeded"),
        ("refunds", f"re_{n}", "succeeded", -1, "refund.created"),
        ("disputes", f"dp_{n}", "needs_response", -1, "charge.dispute.created"),
        ("payouts", f"po_{n}", "paid", -1, "payout.created"),
    ]
    only = {"status_differs": 0, "payout_returned": 3, "payout_overdue": 3}
    hit = only.get(fault, rng.randrange(4)) if fault in STRIPE else -1
    for number, (table, identity, status, sign, action) in enumerate(items):
        faulty, when = number == hit, s.later()
        amount, off = rng.randint(100, 10**6), rng.choice((1, -1)) * rng.randint(1, 99)
        stated, currency, moved = amount, "usd", sign * amount
        difference = 0
        if faulty and fault == "amount_differs":
            stated, difference = amount + off, off
        if faulty and fault == "currency_differs":
            currency, difference = "eur", amount
        if faulty and fault == "balance_differs":
            moved, difference = moved + off, off
        if faulty and fault == "status_differs":
            action, difference = "charge.failed", -amount
        if faulty and fault == "payout_returned":
            status, moved, difference = "failed", 0, -amount
        if faulty and fault == "payout_overdue":
            status, difference = "in_transit", -amount
        more = {"arrival_date": iso(START)} if table == "payouts" else {}
        if faulty and fault == "missing_in_stripe":
            difference = stated
        else:
            s.stripe(table, identity, when, amount=str(amount), currency="usd", status=status, **more)
            if faulty and fault == "missing_balance_transaction":
                difference = -moved
            elif moved:
                kind = {"charges": "charge", "refunds": "refund", "disputes": "adjustment", "payouts": "payout"}[table]
                s.stripe(
                    "balance_transactions", f"txn_{number}{n}", when, amount=str(moved), fee="0", net=str(moved),
                    currency="usd", type=kind, reporting_category=kind, source=identity, status="available",
                    available_on=iso(when),
                )  # fmt: skip
        if faulty and fault == "missing_in_platform":
            difference = -amount
        else:
            fields = {"amount": str(stated), "currency": currency, "stripe_id": identity}
            s.record(when, action, **fields)
            if faulty and fault == "duplicate":
                s.record(when, action, **fields)
                difference = amount
        if faulty:
            s.expected.add(("stripe", fault, identity, None, difference, None, None))


def beat(s: Scenario, fault: str) -> None:
    """A stream with a record every 20 minutes until the end, and a silence in it."""
    s.records = []
    s.heartbeat = True
    times = [START + timedelta(minutes=20 * n, seconds=s.rng.randint(0, 59)) for n in range(3 * 72)]
    first, length = s.rng.randint(10, 150), s.rng.randint(3, 40)
    if fault == "missing_heartbeat":
        times = times[:first] + times[first + length :]
    for when in times:
        s.record(when, "heartbeat")
    for before, after in zip(s.records, s.records[1:], strict=False):
        due = before["at"] + timedelta(minutes=BEAT)
        days: dict[str, int] = {}
        while due < after["at"]:
            days[due.date().isoformat()] = days.get(due.date().isoformat(), 0) + 1
            due += timedelta(minutes=BEAT)
        for missing in days.values():
            s.finds("missing_heartbeat", before, occurrences=missing)


ESCROW = (
    "chain_moved", "transaction_missing", "event_lost", "booked_wrong", "not_booked", "booked_without_event",
    "booked_elsewhere",
)  # fmt: skip
STRIPE = (
    "amount_differs", "currency_differs", "status_differs", "missing_in_stripe", "missing_in_platform", "duplicate",
    "missing_balance_transaction", "balance_differs", "payout_returned", "payout_overdue",
)  # fmt: skip
SETTLEMENT = ("unpaid", "overpaid", "paid_twice", "paid_wrong")
LOG = (
    "sequence_gap", "repeated_sequence", "broken_link", "hash_mismatch", "clock_back", "no_record", "no_event",
    "log_truncated", "missing_heartbeat", "missing_minutes",
)  # fmt: skip
FAULTS = (*ESCROW, *STRIPE, *SETTLEMENT, *LOG)


def scenario(fault: str, seed: int) -> Scenario:
    """The scenario of a fault ("clean" for none), fully determined by its seed."""
    s = Scenario(f"{FAULTS.index(fault) if fault in FAULTS else 99:02}n{seed:03}", random.Random(f"{fault}:{seed}"))
    if fault in ("missing_heartbeat", "clean_heartbeat"):
        beat(s, fault)
    else:
        live(s, fault)
        pay(s, fault)
    s.finish()
    for record in s.records:
        for kind, known in record.get("_finds", []):
            amount, signature = known.get("amount"), known.get("signature")
            amount = known.get("occurrences", amount)
            s.expected.add(("gap", kind, f"platform/{s.stream}", None, amount, record["_seq"], signature))
    return s


def logpush_objects(rng: random.Random, lost: int) -> tuple[list[Row], set[Found]]:
    """An object of http_requests every half hour, of which some are lost; and the minutes that are missing."""
    chosen = set(rng.sample(range(1, 70), lost))
    rows, found = [], set()
    begins = [START + timedelta(minutes=30 * n) for n in range(144)]
    for number, begin in enumerate(begins):
        if number in {2 * n for n in chosen}:
            found.add(("gap", "missing_minutes", "logpush/http_requests", None, 30, None, iso(begin)))
            continue
        end = begin + timedelta(minutes=30)
        name = f"{begin:%Y%m%dT%H%M%SZ}_{end:%Y%m%dT%H%M%SZ}_ab12.log.gz"
        rows.append({
            "uri": f"gs://landing/{name}", "source": "cloudflare", "dataset": "http_requests", "state": "loaded",
            "origin_uri": f"gs://logpush/{begin:%Y%m%d}/{name}", "landed_at": iso(END), "loaded_at": iso(END),
        })  # fmt: skip
    return rows, found


def settings(scenarios: list[Scenario]) -> dict[str, Any]:
    """dbt's variables of a build over all of them."""
    return {
        "window_start": "2026-10-05T00:00:00Z",
        "window_end": "2026-10-08T00:00:00Z",
        "covered_until": "2026-10-08T00:00:00Z",
        "partitions": DAYS,
        "balance_partitions": DAYS,
        "vaults": [{"address": s.vault, "mint": MINT} for s in scenarios if not s.heartbeat],
        "mints": {MINT: {"symbol": "USDC", "decimals": 6}},
        "audit_allowed_lag_minutes": 15,
        "audit_heartbeat_minutes": {s.stream: BEAT for s in scenarios if s.heartbeat},
    }


def normal(row: dict[str, Any]) -> Found:
    """A row of int_audit__findings as it is expected: what a kind doesn't state is left out."""
    area, kind = row["area"], row["kind"]
    if kind == "missing_minutes":
        return (area, kind, row["place"], None, row["occurrences"], None, iso(row["opened_at"]))
    amount = None if row["amount"] is None else int(row["amount"])
    if kind == "missing_heartbeat":
        amount = row["occurrences"]
    first, signature = row["range_from"], row["signature"]
    if area in ("stripe", "settlement"):
        first = signature = None
    match = row["match_id"]
    return (area, kind, row["place"], match, amount, first, signature)
