"""The pure state function: when an alert is raised, stays, and is resolved."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest
from checks_data import START

from alerting.alerts import Alert, Change, alert_key, transition
from expectations.results import CheckResult, FailingRow
from warehouse.window import Window

DAY = Window(START, START + timedelta(days=1))


def hour(n: int) -> Window:
    return Window(START + timedelta(hours=n), START + timedelta(hours=n + 1))


def at(minute: int) -> datetime:
    return START + timedelta(days=2, minutes=minute)


def result(
    minute: int,
    vaults: dict[str, int] | None = None,
    *,
    window: Window = DAY,
    error: str | None = None,
    state: bool = True,
    rule: str = "escrow_mismatch",
) -> CheckResult:
    """An evaluation at `minute` that reports the vaults and their differences."""
    rows = tuple(FailingRow({"vault": v}, {"difference": d}, f"{v} is off by {d}") for v, d in (vaults or {}).items())
    return CheckResult(
        run_id=f"run-{minute}",
        rule=rule,
        severity="critical",
        window=window,
        evaluated_at=at(minute),
        outcome="error" if error else "failed" if rows else "passed",
        rows=rows,
        runbook="escrow-mismatch.md",
        reads_from=None if state else window.start,
        error=error,
    )


class Book:
    """Keeps the newest row of each alert, as the store does."""

    def __init__(self) -> None:
        self.rows: dict[str, Alert] = {}

    def take(self, *results: CheckResult) -> list[tuple[str | None, str]]:
        """(news, label) of each change."""
        changes = transition(list(self.rows.values()), results)
        self.rows.update({change.alert.alert_key: change.alert for change in changes})
        return [(change.news, *change.alert.labels.values()) for change in changes]

    def firing(self) -> list[str]:
        return sorted(next(iter(a.labels.values())) for a in self.rows.values() if a.state == "firing")


def test_a_failing_row_raises_an_alert_with_everything_a_person_needs():
    (change,) = transition([], [result(0, {"A": -1})])
    assert change == Change(
        Alert(
            alert_key=hashlib.sha256(b'["escrow_mismatch",[["vault","A"]]]').hexdigest(),
            rule="escrow_mismatch",
            severity="critical",
            labels={"vault": "A"},
            state="firing",
            opened_at=at(0),
            resolved_at=None,
            last_seen_at=at(0),
            window_start=DAY.start,
            window_end=DAY.end,
            summary="A is off by -1",
            figures={"difference": -1},
            runbook="escrow-mismatch.md",
            run_id="run-0",
            fired_at=at(0),
            changes=(at(0),),
        ),
        "firing",
    )


def test_still_failing_is_no_news_but_keeps_the_figures_current():
    book = Book()
    book.take(result(0, {"A": 1}))
    assert book.take(result(5, {"A": 7})) == [(None, "A")]
    (alert,) = book.rows.values()
    assert (alert.opened_at, alert.last_seen_at, alert.figures, alert.run_id) == (
        at(0),
        at(5),
        {"difference": 7},
        "run-0",
    )


def test_each_label_is_an_alert_of_its_own_and_resolves_on_its_own():
    book = Book()
    assert book.take(result(0, {"A": 1, "B": 2})) == [("firing", "A"), ("firing", "B")]
    assert book.take(result(1, {"B": 2, "C": 3})) == [("resolved", "A"), (None, "B"), ("firing", "C")]
    assert book.take(result(2)) == [("resolved", "B"), ("resolved", "C")]
    assert book.firing() == []


def test_it_fires_again_after_it_was_resolved():
    book = Book()
    book.take(result(0, {"A": 1}))
    book.take(result(1))
    assert book.take(result(2, {"A": 1})) == [("firing", "A")]
    assert next(iter(book.rows.values())).opened_at == at(2)


def test_an_evaluation_that_failed_resolves_nothing_and_is_an_alert_until_the_check_works():
    book = Book()
    book.take(result(0, {"A": 1}))
    assert book.take(result(1, error="no such table")) == [("firing", "escrow_mismatch")]
    assert book.firing() == ["A", "escrow_mismatch"]
    error = book.rows[alert_key("check_error", {"check": "escrow_mismatch"})]
    assert (error.rule, error.severity, error.runbook) == ("check_error", "critical", "check-error.md")
    assert error.summary == "The check escrow_mismatch could not be evaluated: no such table"
    assert book.take(result(2, {"A": 1})) == [("resolved", "escrow_mismatch"), (None, "A")]
    assert book.firing() == ["A"]


def test_another_rules_pass_resolves_nothing():
    book = Book()
    book.take(result(0, {"A": 1}))
    assert book.take(result(1, rule="audit_log_gap")) == []
    assert book.firing() == ["A"]


def test_an_old_runs_results_cannot_undo_what_a_newer_run_found():
    failed, passed = result(0, {"A": 1}), result(5)
    book = Book()
    book.take(failed)
    book.take(passed)
    assert book.take(failed) == []
    assert book.firing() == []

    book = Book()
    book.take(result(5, {"A": 1}))
    assert book.take(result(0)) == []
    assert book.firing() == ["A"]


def test_the_same_results_again_change_nothing():
    book = Book()
    results = [result(0, {"A": 1}), result(0, error="broken", rule="audit_log_gap")]
    book.take(*results)
    before = dict(book.rows)
    assert [news for news, _ in book.take(*results)] == [None, None]
    assert book.rows == before


def test_a_rule_over_the_window_is_resolved_only_by_one_that_looks_at_all_of_it():
    book = Book()
    book.take(result(0, {"A": 1}, window=hour(3), state=False))
    assert book.take(result(1, window=hour(4), state=False)) == []
    assert book.take(result(2, window=hour(3), state=False)) == [("resolved", "A")]

    book.take(result(3, {"A": 1}, window=hour(3), state=False))
    book.take(result(4, {"A": 1}, window=hour(9), state=False))
    assert book.take(result(5, window=hour(3), state=False)) == []
    assert book.take(result(6, window=hour(9), state=False)) == []
    assert book.take(result(7, window=DAY, state=False)) == [("resolved", "A")]


def test_a_rule_over_the_state_is_resolved_by_any_later_window_but_not_by_an_earlier_one():
    book = Book()
    book.take(result(0, {"A": 1}, window=hour(3)))
    assert book.take(result(1, window=hour(2))) == []
    assert book.take(result(2, window=hour(4))) == [("resolved", "A")]


def test_an_older_window_that_still_fails_leaves_the_newer_figures():
    book = Book()
    book.take(result(0, {"A": 5}, window=hour(3)))
    book.take(result(1, {"A": 2}, window=hour(1)))
    (alert,) = book.rows.values()
    assert (alert.figures, alert.window_start, alert.window_end) == ({"difference": 5}, hour(1).start, hour(3).end)


def test_rows_with_equal_labels_are_one_alert_that_says_how_many():
    rows = tuple(FailingRow({"vault": "A"}, {"difference": n}, f"off by {n}") for n in (1, 2, 3))
    failed = result(0, {"A": 1})
    (change,) = transition([], [CheckResult(**{**vars(failed), "rows": rows})])
    assert change.alert.figures == {"difference": 3, "failing_rows": 3}


def test_a_row_may_have_a_severity_of_its_own_and_the_worst_of_equal_labels_counts():
    rows = tuple(
        FailingRow({"vault": vault}, {}, "off", severity)
        for vault, severity in (("A", "high"), ("B", "critical"), ("B", "medium"), ("C", None))
    )
    failed = result(0, {"A": 1})
    changes = transition([], [CheckResult(**{**vars(failed), "rows": rows})])
    assert [change.alert.severity for change in changes] == ["high", "critical", "critical"]


def test_a_rule_that_is_not_applicable_resolves_nothing_but_its_check_error():
    book = Book()
    book.take(result(0, {"A": 1}))
    book.take(result(1, error="broken"))
    absent = CheckResult(**{**vars(result(2)), "outcome": "not_applicable", "error": "no such source"})
    assert book.take(absent) == [("resolved", "escrow_mismatch")]
    assert book.firing() == ["A"]


def test_two_results_of_one_rule_are_refused():
    with pytest.raises(ValueError, match="two results of one rule"):
        transition([], [result(0), result(1)])


def test_the_key_depends_on_rule_and_labels_but_not_on_their_order():
    assert alert_key("r", {"a": "1", "b": "2"}) == alert_key("r", {"b": "2", "a": "1"})
    assert len({alert_key("r", {"a": "1"}), alert_key("r", {"a": "2"}), alert_key("s", {"a": "1"})}) == 3
