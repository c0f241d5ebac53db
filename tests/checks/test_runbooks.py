"""Runbooks: every rule has one, every one is reached, each has its parts, and what they name is there."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from runbook_checks import columns_of, command_problem, lines_of, mentions, problem_of

from alerting.alerts import CHECK_ERROR, CHECK_ERROR_RUNBOOK
from expectations.rules import RUNBOOKS, load_rules
from reporting.runbooks import INDEX, Review, runbooks, runbooks_reviewed
from warehouse.config import Thresholds

PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Verification", "Escalation"]
SEVERITIES = ["critical", "high", "medium", "low", "as the check"]
BOOKS = runbooks(RUNBOOKS)
RULES = load_rules()
WANTED = {rule.name: (rule.runbook, rule.severity) for rule in RULES} | {
    CHECK_ERROR: (CHECK_ERROR_RUNBOOK, "as the check")
}

each_runbook = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.file.removesuffix(".md"))


@each_runbook
def test_a_runbook_has_its_head_and_parts(book):
    assert list(book.head) == ["alerts", "severity", "owner", "last_reviewed", "review_every_days"]
    assert isinstance(book.head["last_reviewed"], dt.date)
    assert book.head["review_every_days"] == 90
    assert list(book.parts) == PARTS
    for part, text in book.parts.items():
        assert len(text.strip()) > 40, f"{part} says nothing"


@each_runbook
def test_diagnosis_has_queries_and_verification_has_commands(book):
    languages = {part: [block.language for block in book.blocks if block.part == part] for part in PARTS}
    assert "sql" in languages["Diagnosis"]
    assert "sh" in languages["Verification"]
    assert {block.language for block in book.blocks} <= {"sql", "sh", "markdown", ""}
    assert all(block.no_test is None or len(block.no_test) > 10 for block in book.blocks)


@each_runbook
def test_queries_name_tables_and_columns_that_are_there(book):
    queries = [block.code for block in book.blocks if block.language == "sql" and not block.no_test]
    wrong = {query: problem_of(query) for query in queries}
    assert {query: problem for query, problem in wrong.items() if problem} == {}


@each_runbook
def test_commands_and_their_options_are_there(book):
    wrong = {line: command_problem(line, whole=True) for block in book.blocks if block.language == "sh"
             for line in lines_of(block.code)}  # fmt: skip
    wrong |= {line: command_problem(line, whole=False) for line in mentions(book)}
    assert {line: problem for line, problem in wrong.items() if problem} == {}


@each_runbook
def test_files_that_a_runbook_names_are_there(book):
    named = {name for name in re.findall(r"\b([a-z0-9-]+\.md)\b", book.text) if not book.text.count(f"docs/{name}")}
    assert named - {path.name for path in RUNBOOKS.glob("*.md")} == set()


@each_runbook
def test_thresholds_that_a_runbook_names_are_in_the_configuration(book):
    assert set(re.findall(r"`thresholds\.(\w+)`", book.text)) - set(Thresholds.model_fields) == set()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("select nothing from marts.escrow_reconciliation", "nothing"),
        ("select v.vault from marts.escrow_reconciliation as e", "v"),
        ("select vault from marts.escrow_reconciliations", "there is no marts.escrow_reconciliations"),
        ("select vault from escrow_reconciliation", "there is no .escrow_reconciliation"),
        ("select kind from (select vault from marts.escrow_reconciliation)", "kind"),
        ("select vault from marts.escrow_reconciliation where", "can't be parsed"),
        ("delete from ops.alerts where true", "is no select"),
    ],
)
def test_a_wrong_query_is_found(query, problem):
    assert problem in problem_of(query)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("python -m alerting lists", "no command lists"),
        ("python -m alerting list --everything", "No such option: --everything"),
        ("python -m expectations run --start x", "Missing option '--end'"),
        ("python -m auditing verify", "there is no python -m auditing"),
        ("make tests", "make has no target tests"),
    ],
)
def test_a_wrong_command_is_found(line, problem):
    assert problem in command_problem(line, whole=True)


def test_every_data_set_that_a_runbook_may_read_is_known():
    assert {name: len(tables) > 5 for name, tables in columns_of().items()} == dict.fromkeys(
        ("marts", "staging", "raw", "ops", "audit"), True
    )


def test_every_alert_has_its_runbook():
    told = {alert: book.file for book in BOOKS for alert in book.head["alerts"]}
    assert {alert: told.get(alert) for alert in WANTED} == {alert: file for alert, (file, _) in WANTED.items()}


def test_a_runbook_has_the_greatest_severity_of_its_alerts():
    for book in BOOKS:
        severities = [WANTED[alert][1] for alert in book.head["alerts"]]
        assert book.head["severity"] == min(severities, key=SEVERITIES.index, default="none"), book.file


def index_rows() -> dict[str, tuple[str, str]]:
    """Alert -> (runbook, severity) as the on-call index has it."""
    text = (RUNBOOKS / INDEX).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ([a-z ]+) \| \[([^\]]+)\]\(([^)]+)\) \|", text, re.MULTILINE)
    assert len({row[0] for row in rows}) == len(rows)
    assert all(shown == file for _, _, shown, file in rows)
    return {alert: (file, severity) for alert, severity, _, file in rows}


def test_the_on_call_index_names_every_alert_as_its_rule_does():
    rows = index_rows()
    assert {alert: rows.get(alert) for alert in WANTED} == WANTED


def test_no_runbook_and_no_row_of_the_index_is_for_an_alert_that_nothing_raises():
    told = {alert for book in BOOKS for alert in book.head["alerts"]}
    assert told - set(WANTED) == set()
    assert set(index_rows()) - set(WANTED) == set()


def test_the_on_call_index_reaches_every_runbook():
    text = (RUNBOOKS / INDEX).read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(([a-z0-9-]+\.md)\)", text)) == {book.file for book in BOOKS}


HEAD = "---\nalerts: []\nlast_reviewed: {day}\nreview_every_days: {every}\n---\n\n# Title\n"


def test_reviews_are_read_and_the_index_is_none(tmp_path):
    (tmp_path / "b.md").write_text(HEAD.format(day="2026-08-01", every=90))
    (tmp_path / "a.md").write_text(HEAD.format(day="2026-11-21", every=30))
    (tmp_path / "index.md").write_text("# On-call index\n")
    assert runbooks_reviewed(tmp_path) == [
        Review("a.md", dt.date(2026, 11, 21), 30),
        Review("b.md", dt.date(2026, 8, 1), 90),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# Title\n", "a.md: no front matter"),
        (HEAD.format(day="soon", every=90), "a.md: last_reviewed is no date: 'soon'"),
        (HEAD.format(day="2026-11-21", every=0), "a.md: review_every_days is no positive number of days: 0"),
        (HEAD.format(day="2026-11-21", every="often"), "a.md: review_every_days"),
        ("---\nalerts: []\n---\n", "a.md: last_reviewed is no date: None"),
    ],
)
def test_a_review_that_cannot_be_judged_is_an_error(tmp_path, text, problem):
    (tmp_path / "a.md").write_text(text)
    with pytest.raises(ValueError, match=re.escape(problem)):
        runbooks_reviewed(tmp_path)
