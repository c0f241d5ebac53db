"""Objects that come days late and change what was known of the days after theirs: exports compared, log gaps judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from dbt_objects import IMPORTED, at, change, export, requests

pytestmark = pytest.mark.xdist_group("dbt_project")
MODELS = ["--select", "+logpush_gaps", "+int_firestore__export_collections"]
EXPORTS, COVERAGE = "intermediate.int_firestore__export_collections", "intermediate.int_cloudflare__coverage"
PRESENCE, GAPS = "intermediate.int_firestore__presence", "marts.logpush_gaps"
FOUND = (EXPORTS, PRESENCE, COVERAGE, GAPS)


def settings(day: int, touched: list[int]) -> dict[str, Any]:
    """Variables of the night of a day of October, with new rows on other days."""
    return {
        "window_start": f"2026-10-{day:02}T00:00:00Z",
        "window_end": f"2026-10-{day + 1:02}T00:00:00Z",
        "partitions": [f"2026-10-{n:02}" for n in touched],
        "balance_partitions": [f"2026-10-{n:02}" for n in range(touched[0], day + 1)],
    }


@pytest.fixture(scope="module")
def nights(load: Callable, dbt: Callable, table: Callable) -> list[dict[str, list[dict[str, Any]]]]:
    """The tables after the nights of the 8th and the 9th, after that of the 10th, which brings what is late, after an
    import, and built in full."""
    seen = []

    def night(variables: dict[str, Any], *options: str, **rows: list[dict[str, Any]]) -> None:
        load({name.replace("__", "."): held for name, held in rows.items()})
        dbt(["run", *options, *MODELS], variables)
        seen.append({name: table(name) for name in FOUND})

    load(export(at(8, 3), at(8, 3, 1), "m1"))
    load(export(at(8, 23, 59), at(9, 0, 1), "m1", "m9"))
    night(
        settings(8, [7, 8]), raw__firestore_changelog=[change("m1", at(7, 12))],
        ops__objects=[requests("08T000000", "09T000000")],
    )  # fmt: skip
    night(
        settings(9, [9]), raw__firestore_changelog=[change("m9", at(9, 0, 0, 5)), change("m1", at(9, 12), "DELETE")],
        ops__objects=[requests("09T000000", "10T000000")],
    )  # fmt: skip
    late = [change("m2", at(5, 9)), change("m3", at(6, 9)), change("m3", at(8, 12), "DELETE")]
    night(
        settings(10, [5, 6, 8, 10]), raw__firestore_changelog=late,
        ops__objects=[requests("05T000000", "06T001000"), requests("10T000000", "11T000000")],
    )  # fmt: skip
    imported = settings(10, [10]) | {"partitions": ["1970-01-01"]}
    night(imported, raw__firestore_changelog=[change("m0", IMPORTED, "IMPORT"), change("m9", IMPORTED, "IMPORT")])
    night(settings(10, [5, 6, 7, 8, 9, 10]), "--full-refresh")
    return seen


def test_exports_are_compared_again_when_an_earlier_change_comes_late(nights: list[dict]) -> None:
    """Of the second one m9 came while it was written: known on the 9th, and not compared since."""
    names = ("exported", "tracked", "only_exported", "only_tracked")
    figures = [
        [tuple(row[name] for name in names) for row in sorted(night[EXPORTS], key=lambda row: row["started_at"])]
        for night in nights
    ]
    assert figures == [
        [(1, 1, 0, 0), (2, 1, 1, 0)],
        [(1, 1, 0, 0), (1, 1, 0, 0)],
        [(1, 3, 0, 2), (1, 2, 0, 1)],
        *[[(1, 5, 0, 4), (1, 3, 0, 2)]] * 2,
    ]


def test_days_after_a_late_first_object_are_judged_again_and_it_vouches_over_midnight(nights: list[dict]) -> None:
    gaps = [[(row["gap_date"], f"{row['gap_from']:%H:%M}", row["minutes"]) for row in night[GAPS]] for night in nights]
    late = [(date(2026, 10, 6), "00:10", 1430), (date(2026, 10, 7), "00:00", 1440)]
    assert gaps == [[], [], late, late, late]


@pytest.mark.parametrize("name", FOUND)
def test_late_objects_end_as_a_full_refresh(nights: list[dict], name: str) -> None:
    assert nights[-2][name] == nights[-1][name] != []
