"""Which window a run works on: given, carried by assets, or scheduled."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from jobs.airflow_support import closing_window, run_window
from warehouse.window import Window


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def context(**given) -> dict:
    empty = {"params": {"window_start": None, "window_end": None}, "triggering_asset_events": {}}
    return empty | {"data_interval_start": at("2026-10-06T03:00"), "data_interval_end": at("2026-10-07T03:00")} | given


def event(start: str, end: str) -> SimpleNamespace:
    return SimpleNamespace(extra={"window_start": start, "window_end": end})


def test_a_given_window_wins():
    given = context(params={"window_start": "2026-01-01", "window_end": "2026-01-03"})
    assert run_window(given) == closing_window(given) == Window.parse("2026-01-01", "2026-01-03")


def test_triggering_assets_give_the_union_of_their_windows():
    events = {
        "solana": [event("2026-10-05T01:00:00Z", "2026-10-05T02:00:00Z")],
        "stripe": [event("2026-10-05T02:00:00Z", "2026-10-05T03:00:00Z"), SimpleNamespace(extra={})],
    }
    assert run_window(context(triggering_asset_events=events)) == Window.parse(
        "2026-10-05T01:00:00Z", "2026-10-05T03:00:00Z"
    )


def test_else_the_data_interval():
    assert run_window(context()) == Window.parse("2026-10-06T03:00:00Z", "2026-10-07T03:00:00Z")


def test_the_nightly_close_takes_the_whole_day_that_has_ended():
    assert closing_window(context()) == Window.parse("2026-10-06", "2026-10-07")
