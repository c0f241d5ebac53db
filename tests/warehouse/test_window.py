from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from warehouse.window import Window, WindowError, format_instant, parse_instant


def test_days_are_those_touched_and_the_end_is_exclusive():
    assert Window.parse("2026-10-05", "2026-10-07").days() == [date(2026, 10, 5), date(2026, 10, 6)]
    assert Window.parse("2026-10-05T23:59:59Z", "2026-10-06T00:00:01Z").days() == [date(2026, 10, 5), date(2026, 10, 6)]


def test_membership_is_half_open():
    window = Window.parse("2026-10-05T01:00:00Z", "2026-10-05T02:00:00Z")
    assert window.start in window
    assert window.end not in window


def test_offsets_become_utc_and_bare_times_are_utc():
    assert parse_instant("2026-10-05T02:00:00+02:00") == datetime(2026, 10, 5, tzinfo=UTC)
    assert parse_instant("2026-10-05") == datetime(2026, 10, 5, tzinfo=UTC)
    assert format_instant(parse_instant("2026-10-05T02:00:00.5+02:00")) == "2026-10-05T00:00:00.500000Z"


def test_slug_names_both_ends():
    assert Window.parse("2026-10-05", "2026-10-06").slug == "20261005T000000Z_20261006T000000Z"


@pytest.mark.parametrize(
    ("start", "end"), [("2026-10-05", "2026-10-05"), ("2026-10-06", "2026-10-05"), ("soon", "2026-10-05")]
)
def test_empty_backward_and_unreadable_windows_are_refused(start, end):
    with pytest.raises(WindowError):
        Window.parse(start, end)


def test_naive_instants_are_refused():
    with pytest.raises(WindowError, match="aware"):
        Window(datetime(2026, 10, 5), datetime(2026, 10, 6))  # noqa: DTZ001
