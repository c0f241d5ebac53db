"""When a rule isn't applicable, and when it can't pass: by the standing of the metrics that it needs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from checks_data import START

from expectations.availability import Standing, Status, standing
from warehouse.window import Window

WINDOW = Window(START, START + timedelta(days=1))


def row(metric: str, source: str, state: str = "current", covered: int = 24) -> Status:
    return Status(metric, source, state, START + timedelta(hours=20), START + timedelta(hours=covered))


FINE = Standing()
UNTIL = "is read until 2026-10-05T20:00:00Z only"
OFF, ELSEWHERE = "M14: cloudflare is off", "M19: the platform has none"
ROWS = {
    "api off": row("M14", "cloudflare", "off"),
    "api": row("M14", "cloudflare"),
    "no exchange": row("M19", "firebase", "not_on_platform"),
    "exchange late": row("M19", "firebase", "late"),
    "exchange never": row("M19", "firebase", "never"),
    "two sources": row("M7", "solana"),
    "one is off": row("M7", "cloudflare", "off"),
}


@pytest.mark.parametrize(
    ("needs", "names", "expected"),
    [
        (["M14"], ["api"], FINE),
        (["M14"], ["api off"], Standing(not_applicable=OFF)),
        (["M19"], ["no exchange"], Standing(not_applicable=ELSEWHERE)),
        (["M14", "M19"], ["api off", "no exchange"], Standing(not_applicable=f"{OFF}; {ELSEWHERE}")),
        (["M14", "M19"], ["api", "no exchange"], FINE),
        (["M14", "M19"], ["api off", "exchange late"], Standing(unsure=f"M19: firebase {UNTIL}")),
        (["M19"], ["exchange never"], Standing(unsure="M19: nothing of firebase was ever read")),
        (["M7"], ["two sources", "one is off"], Standing(not_applicable="M7: cloudflare is off")),
        (["M7/solana"], ["two sources", "one is off"], FINE),
        (["M14", "M1"], ["api"], Standing(unsure="marts.warehouse_metric_status doesn't know M1")),
    ],
)  # fmt: skip
def test_the_standing_of_what_a_rule_needs(needs, names, expected):
    assert standing(needs, [ROWS[name] for name in names], WINDOW) == expected


def test_marts_that_do_not_reach_the_windows_end_let_nothing_pass():
    assert standing(["M14"], [row("M14", "cloudflare", covered=24)], WINDOW) == FINE
    behind = standing(["M14"], [row("M14", "cloudflare", covered=23)], WINDOW)
    assert behind == Standing(unsure="the marts cover the data until 2026-10-05T23:00:00Z only")
