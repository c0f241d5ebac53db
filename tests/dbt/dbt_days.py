"""Three hand-written days: what a first run sees of 5 and 6 October, and what a second run finds beside the 7th."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dbt_chain import first_readings, later_readings
from dbt_lines import first_lines, later_lines
from dbt_people import first_people, later_people
from dbt_world import GRAND, SETTINGS, SKILL_VAULT, USDC, VAULT, World, at, match, row, stripe_row

FIRST = SETTINGS | {
    "window_start": "2026-10-05T00:00:00Z",
    "window_end": "2026-10-07T00:00:00Z",
    "partitions": ["2026-10-05", "2026-10-06"],
    "balance_partitions": ["2026-10-05", "2026-10-06"],
    "rpc_partitions": ["2026-11-01"],
}
# The last day arrives with stragglers of the first: every later balance and finding has to follow.
SECOND = SETTINGS | {
    "window_start": "2026-10-07T00:00:00Z",
    "window_end": "2026-10-08T00:00:00Z",
    "partitions": ["1970-01-01", "2026-10-05", "2026-10-07"],
    "balance_partitions": ["2026-10-05", "2026-10-06", "2026-10-07"],
    "rpc_partitions": ["2026-11-02"],
}


def rpc_call(number: int, attempt: str, provider: str, outcome: str, called: datetime) -> dict[str, Any]:
    """A call for the first window, made at `called` by the caller's own clock."""
    return row(
        called, f"rpc/{attempt}", number, call_id=f"{attempt}{number}", attempt_id=attempt, provider=provider,
        method="getSlot", batch_size=1, called_at=called.isoformat(), latency_ms=number, outcome=outcome,
        window_start=FIRST["window_start"], window_end=FIRST["window_end"],
    )  # fmt: skip


def first_days(world: World) -> dict[str, Any]:
    """5 and 6 October into `world`; gives what is withheld until later, by name."""
    world.transaction("t1", 100, at("05 10:00:00"), ("deposit", None, "alice", 1_000_000))
    world.transaction("t2", 110, at("05 10:05:00"), ("deposit", None, "bob", 500_000))
    world.transaction("t3", 120, at("05 11:00:00"), ("entry", "m1", "alice", 200_000))
    world.transaction("t4", 130, at("05 11:00:10"), ("entry", "m1", "bob", 200_000))
    world.transaction(
        "t5",
        140,
        at("05 23:59:50"),
        ("prize_distributed", "m1", "alice", 380_000),
        ("fee_collected", "m1", "alice", 20_000),
    )
    world.transaction("t6", 200, at("06 09:00:00"), ("entry", "m2", "alice", 100_000))
    # One slot with two transactions of the vault, and one of SKILL whose amounts need 38 digits.
    world.transaction("t7", 210, at("06 10:00:00"), ("withdrawal", None, "bob", 300_000))
    world.transaction("t8", 210, at("06 10:00:00"), ("deposit", None, "carol", 7))
    world.transaction("t9", 220, at("06 11:00:00"), ("deposit", None, "skill-dan", GRAND))
    # A base unit leaves the SKILL vault without any event of the program.
    world.transfer("odd", 230, at("06 12:00:00"), SKILL_VAULT, -1)
    # A failed transaction's event and the twin of a doubly emitted one are kept, and never counted.
    for number, status in enumerate(("reverted", "duplicate")):
        world.add("raw.canonical_events", row(
            at("06 12:30:00"), "tx/none", number, canonical_key=f"none:{number}", signature="none", slot=240,
            block_time=at("06 12:30:00").isoformat(), canonical_event="withdrawal", holder="bob", mint=USDC, decimals=6,
            vault=VAULT, amount="999", from_class="holder", to_class="external", status=status,
        ))  # fmt: skip
    # The same transaction landed twice.
    world.add("raw.canonical_events", world.rows["raw.canonical_events"][0] | {"_object_uri": "gs://landing/again"})
    world.add(
        "raw.solana_token_balances", world.rows["raw.solana_token_balances"][0] | {"_object_uri": "gs://landing/again"}
    )
    world.add("raw.solana_account_balances", row(
        at("06 23:00:00"), "balances", address=VAULT, kind="token", role="vault", mint=USDC, decimals=6,
        amount=str(world.vaults[VAULT]), slot=250, block_time=at("06 23:00:00").isoformat(),
    ))  # fmt: skip
    world.change("matches", "m1", at("05 10:30:00"), match("paid", "created", at("05 10:30:00")))
    world.change("matches", "m1", at("05 23:59:55"), match("paid", "completed", at("05 10:30:00"), at("05 23:59:50")))
    world.change("matches", "m2", at("06 08:59:00"), match("paid", "active", at("06 08:59:00")))
    world.change("matches", "m3", at("06 00:10:05"), match("paid", "completed", at("05 23:58:00"), at("06 00:10:00")))
    world.change("matches", "f1", at("06 15:00:00"), match("free", "cancelled", at("06 14:00:00"), at("06 15:00:00")))
    for table, made in (
        stripe_row("balance_transactions", at("05 12:00:00"), "07 00:00:00", "txn_1", amount="1000", fee="59",
                   net="941", currency="usd", type="charge", reporting_category="charge"),
        stripe_row("balance_transactions", at("05 13:00:00"), "07 00:00:00", "txn_2", amount="-1000", fee="1500",
                   net="-2500", currency="usd", type="adjustment", reporting_category="dispute"),
        stripe_row("charges", at("05 12:00:00"), "07 00:00:00", "ch_1", amount="1000", currency="usd",
                   status="succeeded"),
        stripe_row("charges", at("05 12:01:00"), "07 00:00:00", "ch_2", amount="500", currency="jpy", status="failed"),
        stripe_row("disputes", at("05 13:00:00"), "07 00:00:00", "dp_1", amount="1000", currency="usd",
                   status="needs_response"),
    ):  # fmt: skip
        world.add(table, made)
    world.add(
        "raw.rpc_calls",
        rpc_call(1, "attempt1", "alpha", "http_error", datetime(2026, 11, 1, 8, 0, tzinfo=UTC)),
        rpc_call(2, "attempt1", "beta", "ok", datetime(2026, 11, 1, 8, 0, 1, tzinfo=UTC)),
    )
    first_readings(world, FIRST)
    first_lines(world)
    first_people(world)
    return {
        "audit record of t2": world.withhold("raw.platform_audit_events", seq=2, stream="escrow"),
        "booking of t4": world.withhold("raw.firestore_changelog", document_id="t4-0"),
    }


def later_days(world: World, held: dict[str, Any]) -> None:
    """7 October and the stragglers."""
    world.transaction("t10", 300, at("07 10:00:00"), ("refund", "m2", "alice", 100_000))
    world.transfer("back", 310, at("07 11:00:00"), SKILL_VAULT, 1)
    world.change("matches", "m2", at("07 10:00:05"), match("paid", "cancelled", at("06 08:59:00"), at("07 10:00:00")))
    # A deposit of the first day is found only now; the vault's later balances were stated with it all along.
    late = World()
    late.transaction("t0", 99, at("05 09:00:00"), ("deposit", None, "erin", 40))
    late.rows.pop("raw.solana_token_balances")
    late.rows.pop("raw.solana_native_balances")
    late.rows.pop("raw.platform_audit_events")
    for table, rows in late.take().items():
        world.add(table, *rows)
    # Older states come after the newer ones; that of m3 without the partition in which the newer one lies.
    world.change("matches", "m1", at("05 11:30:00"), match("paid", "active", at("05 10:30:00")))
    world.change("matches", "m3", at("05 23:58:00"), match("paid", "created", at("05 23:58:00")))
    for table, made in (
        stripe_row("balance_transactions", at("07 13:00:00"), "08 00:00:00", "txn_3", amount="1000", fee="-1500",
                   net="2500", currency="usd", type="adjustment", reporting_category="dispute_reversal"),
        stripe_row("disputes", at("05 13:00:00"), "08 00:00:00", "dp_1", amount="1000", currency="usd", status="won"),
    ):  # fmt: skip
        world.add(table, made)
    world.add("raw.rpc_calls", rpc_call(3, "attempt2", "alpha", "ok", datetime(2026, 11, 2, 8, 0, tzinfo=UTC)))
    later_readings(world, SECOND)
    later_lines(world)
    later_people(world)
    world.add("raw.platform_audit_events", held["audit record of t2"])
    world.add("raw.firestore_changelog", held["booking of t4"])
