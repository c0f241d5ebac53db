from __future__ import annotations

from datetime import date

from jobs.plan import partitions, running_partitions
from warehouse.window import Window

WINDOW = Window.parse("2026-10-05", "2026-10-07")


def day(number: int) -> date:
    return date(2026, 10, number)


def test_the_window_and_what_late_rows_touched():
    assert partitions(WINDOW, [day(1)]) == [day(1), day(5), day(6)]


def test_a_long_backfill_rebuilds_only_what_has_rows():
    years = Window.parse("2019-01-01", "2026-10-07")
    assert partitions(years, [day(1), day(3)]) == [day(1), day(3)]
    assert partitions(years, []) == [day(6)]


def test_running_balances_are_contiguous_from_the_earliest_change():
    assert running_partitions(WINDOW, [day(3)], closed_through=day(4)) == [day(3), day(4), day(5), day(6)]


def test_running_balances_close_the_days_between_two_runs():
    assert running_partitions(WINDOW, [], closed_through=day(2)) == [day(3), day(4), day(5), day(6)]


def test_a_backfill_of_an_old_window_carries_on_to_the_last_day_closed():
    assert running_partitions(WINDOW, [day(5)], closed_through=day(8)) == [day(5), day(6), day(7), day(8)]


def test_rows_after_the_window_are_closed_with_their_day():
    assert running_partitions(WINDOW, [day(8)], closed_through=day(6)) == [day(5), day(6), day(7), day(8)]
