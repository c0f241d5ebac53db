"""The identity of own balances as dbt states it, over hand-made slots: it holds in any order, and misses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from dbt_world import GRAND, SETTINGS, at, row
from google.cloud import bigquery

pytestmark = pytest.mark.xdist_group("dbt_chain")
DAY = SETTINGS | {
    "window_start": "2026-10-06T00:00:00Z",
    "window_end": "2026-10-07T00:00:00Z",
    "partitions": ["2026-10-06"],
    "balance_partitions": ["2026-10-06"],
}
TABLES = ("solana_token_balances", "solana_native_balances")


@pytest.fixture(scope="module")
def staged(client: bigquery.Client, dbt: Callable) -> None:
    models = [f"stg_{table.replace('_', '__', 1)}" for table in TABLES]
    dbt(["run", "--select", *models], DAY)
    dbt(["compile", "--select", "own_balances_are_continuous"], DAY)


@pytest.fixture
def failing(client: bigquery.Client, load: Callable, staged: None, home) -> Iterator[Callable]:
    """failing(history) runs the test over [(signature, slot, pre, post), ...]; gives (kind, slots, amount, surplus)."""
    compiled = _compiled(home)

    def judge(history: list[tuple[str, int, int | None, int | None]], kind: str = "token") -> list[tuple[Any, ...]]:
        table = "solana_token_balances" if kind == "token" else "solana_native_balances"
        pre, post = ("pre_amount", "post_amount") if kind == "token" else ("pre_lamports", "post_lamports")
        own = {"account": "V", "account_kind": "vault"} | ({"mint": "M"} if kind == "token" else {})
        rows = [
            row(
                at("05 00:00:00") + timedelta(hours=slot), f"tx/{signature}", signature=signature, slot=slot,
                **own, **{pre: None if before is None else str(before), post: None if after is None else str(after)},
            )
            for signature, slot, before, after in history
        ]  # fmt: skip
        if rows:
            load({f"raw.{table}": rows})
        found = client.query(compiled).result()
        return sorted((r["kind"], r["slot_before"], r["slot"], int(r["amount"]), int(r["surplus"])) for r in found)

    yield judge
    for table in TABLES:
        client.query(f"delete from raw.{table} where true").result()


def _compiled(home) -> str:
    path = home / "dbt" / "target" / "compiled" / "escrow_warehouse" / "tests" / "own_balances_are_continuous.sql"
    return path.read_text()


def test_a_history_in_order_holds_and_amounts_have_38_digits(failing):
    assert failing([("a", 1, None, GRAND), ("b", 2, GRAND, GRAND - 1), ("c", 5, GRAND - 1, None)]) == []


def test_lamports_likewise(failing):
    assert failing([("a", 1, 0, 5000), ("b", 2, 5000, 0)], "native") == []
    assert failing([("c", 3, 1, 2)], "native") == [("native", 2, 3, 0, 1), ("native", 2, 3, 1, -1)]


def test_the_order_inside_a_slot_is_of_no_concern(failing):
    # 100 -> 70 -> 77 -> 70, in whatever order the rows come; and a detour that ends where it began.
    crowded = [("b", 2, 70, 77), ("c", 2, 100, 70), ("d", 2, 77, 70), ("e", 3, 70, 9), ("f", 3, 9, 70)]
    assert failing([("a", 1, 0, 100), *crowded, ("g", 4, 70, 0)]) == []


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        # The crowded slot's closing follows from what is held, so the slot after it is off as well.
        (
            "b",
            [
                ("token", 1, 3, 7, 1),
                ("token", 1, 3, 37, -1),
                ("token", 1, 3, 70, -1),
                ("token", 1, 3, 100, 1),
                ("token", 3, 4, 7, -1),
                ("token", 3, 4, 37, 1),
            ],
        ),
        ("c", [("token", 2, 3, 50, -1), ("token", 2, 3, 70, 1)]),
        ("d", [("token", 3, 4, 7, -1), ("token", 3, 4, 50, 1)]),
        ("e", [("token", 3, 5, 0, -1), ("token", 3, 5, 7, 1)]),
    ],
)
def test_any_transaction_left_out_is_found(failing, missing, expected):
    history = [("a", 1, 0, 100), ("b", 2, 100, 70), ("c", 3, 70, 50), ("d", 3, 50, 7), ("e", 4, 7, 0), ("f", 5, 0, 1)]
    assert failing([step for step in history if step[0] != missing]) == expected


def test_two_that_cancel_out_in_one_slot_are_still_found(failing):
    # 70 -> 60 and 90 -> 100 are missing: as a sum the slot would hold.
    history = [("a", 1, 0, 100), ("b", 2, 100, 70), ("c", 2, 60, 90), ("d", 3, 100, 0)]
    assert failing(history) == [
        ("token", 1, 2, 60, -1),
        ("token", 1, 2, 70, 1),
        ("token", 1, 2, 90, 1),
        ("token", 1, 2, 100, -1),
    ]


def test_a_day_boundary_is_inside_and_what_lies_before_is_not_judged(failing):
    # Slot n is n hours after the 5th began: 23 and 24 lie on both sides of midnight.
    assert failing([("a", 23, 5, 9), ("b", 24, 8, 8)]) == [("token", 23, 24, 8, -1), ("token", 23, 24, 9, 1)]


def test_users_accounts_are_left_alone(client, load, failing):
    user = {"account": "U", "account_kind": "other", "mint": "M"}
    for signature, slot, before, after in (("a", 1, 0, 5), ("b", 2, 3, 1)):
        load({"raw.solana_token_balances": [row(
            at("06 00:00:00"), signature, signature=signature, slot=slot, pre_amount=str(before),
            post_amount=str(after), **user,
        )]})  # fmt: skip
    assert failing([]) == []
