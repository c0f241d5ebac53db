"""Runbooks: every rule has one, every one is reached, and each has the head and the parts that it must have."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import yaml

from alerting.alerts import CHECK_ERROR, CHECK_ERROR_RUNBOOK
from expectations.rules import RUNBOOKS, load_rules

PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Verification", "Escalation"]
BOOKS = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "index.md")
WANTED = {rule.name: (rule.runbook, rule.severity) for rule in load_rules()} | {
    CHECK_ERROR: (CHECK_ERROR_RUNBOOK, "as the check")
}


def split(path: Path) -> tuple[dict, str]:
    """Front matter and text of a runbook."""
    _, head, text = path.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(head), text


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_runbook_has_its_head_and_parts(path):
    head, text = split(path)
    assert list(head) == ["alerts", "severity", "owner", "last_reviewed", "review_every_days"]
    assert isinstance(head["last_reviewed"], dt.date)
    assert head["review_every_days"] == 90
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    for part in text.split("\n## ")[1:]:
        assert len(part.split("\n", 1)[1].strip()) > 40, f"{part.splitlines()[0]} says nothing"


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_diagnosis_has_queries_against_qualified_tables_and_verification_has_commands(path):
    _, text = split(path)
    diagnosis = text.split("## Diagnosis")[1].split("## Mitigation")[0]
    queries = re.findall(r"```sql\n(.*?)```", diagnosis, re.DOTALL)
    assert queries
    for query in queries:
        tables = re.findall(r"(?:from|join)\s+([a-z_.]+)", query)
        named = set(re.findall(r"(\w+) as \(", query))
        assert tables
        assert all(table in named or re.fullmatch(r"(marts|staging|raw|ops)\.\w+", table) for table in tables), query
    assert "```sh\n" in text.split("## Verification")[1]


def test_every_alert_has_its_runbook_and_every_runbook_its_alert():
    heads = {path.name: split(path)[0] for path in BOOKS}
    told = {alert: (name, head["severity"]) for name, head in heads.items() for alert in head["alerts"]}
    assert told == WANTED


def test_the_on_call_index_reaches_every_runbook_and_names_every_alert():
    text = (RUNBOOKS / "index.md").read_text(encoding="utf-8")
    rows = {
        row[0]: (row[2], row[1])
        for row in re.findall(r"^\| (\w+) \| ([a-z ]+) \| \[[^\]]+\]\(([^)]+)\) \|", text, re.MULTILINE)
    }
    assert rows == WANTED
    assert {runbook for runbook, _ in rows.values()} == {path.name for path in BOOKS}
