"""The log of findings and the decisions on them: what is added, what isn't, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.cloud import bigquery
from typer.testing import CliRunner

from audit.cli_reconciliation import app
from audit.reconciliation import Decision, DecisionRefused, decide, findings, record_findings
from audit.tables import ensure_tables, table_schema
from ingestion.tables import ensure_tables as ensure_raw
from warehouse.client import bigquery_client
from warehouse.config import load_config

NOTED = datetime(2026, 11, 2, tzinfo=UTC)
OPENED = datetime(2026, 10, 5, 10, tzinfo=UTC)
FINDING = {
    "area": "escrow", "kind": "chain_against_events", "place": "V", "match_id": None, "unit": "M", "decimals": 6,
    "amount": "-3", "signature": "c", "range_from": 30, "range_to": 40, "ended_at": None,
    "opened_at": OPENED.isoformat(), "occurrences": 2, "cause": None, "detail": "since slot 30",
}  # fmt: skip
GAP = FINDING | {"area": "gap", "kind": "sequence_gap", "place": "platform/escrow", "amount": None, "unit": None}


@pytest.fixture
def client(embedded, request) -> bigquery.Client:
    """A warehouse of the test's own."""
    config = load_config().model_copy(update={"project": f"rec-{request.node.name[5:33].replace('_', '-')}"})
    made = bigquery_client(config)
    ensure_raw(made)
    ensure_tables(made)
    return made


def day(number: int) -> datetime:
    return datetime(2026, 10, number, tzinfo=UTC)


def found(client: bigquery.Client, **now: dict) -> None:
    """Let the build have found these: id -> the finding."""
    names = ["finding_id", *FINDING]
    fields = {field.name: field for field in table_schema("findings")}
    table = f"{client.project}.intermediate.int_audit__findings"
    client.delete_table(table, not_found_ok=True)
    client.create_table(bigquery.Table(table, schema=[fields[name] for name in names]))
    if now:
        rows = [{"finding_id": identity} | finding for identity, finding in now.items()]
        assert client.insert_rows_json(table, rows) == []


def log(client: bigquery.Client) -> list[tuple]:
    rows = client.query("select * from audit.findings order by log_number").result()
    return [
        (
            r["log_number"],
            r["finding_id"],
            r["change"],
            None if r["amount"] is None else int(r["amount"]),
            r["as_of"].day,
        )
        for r in rows
    ]


def test_the_log_gets_what_is_new_changed_or_gone(client):
    found(client, a=FINDING, b=GAP)
    assert record_findings(client, day(6), "r1", NOTED) == 2
    assert record_findings(client, day(6), "r1", NOTED) == 0
    found(client, a=FINDING | {"amount": "-4"})
    assert record_findings(client, day(7), "r2", NOTED) == 2
    found(client, a=FINDING | {"amount": "-4"}, b=GAP)
    assert record_findings(client, day(8), "r3", NOTED) == 1
    assert record_findings(client, day(9), "r4", NOTED) == 0
    rows = log(client)
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]
    assert sorted(rows[:2], key=lambda row: row[1]) == [
        (rows[0][0], "a", "opened", -3, 6),
        (rows[1][0], "b", "opened", None, 6),
    ]
    assert {row[1:] for row in rows[2:4]} == {("a", "changed", -4, 7), ("b", "closed", None, 7)}
    assert rows[4] == (5, "b", "opened", None, 8)


def test_a_gap_that_closes_says_that_its_object_came_late(client):
    found(client, a=FINDING, b=GAP)
    record_findings(client, day(6), "r1", NOTED)
    found(client)
    assert record_findings(client, day(7), "r2", NOTED) == 2
    rows = client.query("select kind, cause from audit.findings where `change` = 'closed' order by kind").result()
    assert [tuple(row.values()) for row in rows] == [("chain_against_events", None), ("sequence_gap", "object_late")]


def test_decisions_are_added_and_hold_while_the_amount_does(client):
    found(client, abc=FINDING, abd=GAP)
    record_findings(client, day(6), "r1", NOTED)
    assert decide(client, "abc", Decision("explain", "timing", "late booking", "finance"), NOTED) == "abc"
    decide(client, "abd", Decision("close", "known_incident", "log rotated", "on-call"), NOTED)
    assert [(r["finding_id"], r["state"], r["decided_by"]) for r in findings(client)] == [
        ("abc", "explained", "finance")
    ]
    assert [(r["finding_id"], r["state"]) for r in findings(client, everything=True)] == [
        ("abc", "explained"),
        ("abd", "closed"),
    ]
    found(client, abc=FINDING | {"amount": "5"}, abd=GAP)
    record_findings(client, day(7), "r2", NOTED)
    assert [(r["finding_id"], r["state"]) for r in findings(client, "escrow")] == [("abc", "open")]
    assert len(list(client.query("select * from audit.reconciliation_decisions").result())) == 2


@pytest.mark.parametrize(
    ("identity", "decision", "said"),
    [
        ("zz", Decision("explain", "timing", "n", "finance"), "no finding"),
        ("ab", Decision("explain", "timing", "n", "finance"), "several"),
        ("", Decision("explain", "timing", "n", "finance"), "several"),
        ("abc", Decision("forget", "timing", "n", "finance"), "a decision is one of"),
        ("abc", Decision("close", "because", "n", "finance"), "a reason is one of"),
        ("abc", Decision("close", "timing", "n", "Jo Doe"), "role"),
        ("abc", Decision("close", "timing", "n", "jo@example.org"), "role"),
        ("abc", Decision("close", "timing", "ask jo@example.org", "finance"), "names no person"),
        ("abc", Decision("close", "timing", " ", "finance"), "note"),
    ],
)
def test_a_decision_is_refused(shared, identity, decision, said):
    with pytest.raises(DecisionRefused, match=said):
        decide(shared, identity, decision, NOTED)
    assert list(shared.query("select * from audit.reconciliation_decisions").result()) == []


@pytest.fixture(scope="module")
def shared(embedded) -> bigquery.Client:
    """A warehouse with two open findings that no test changes."""
    made = bigquery_client(load_config().model_copy(update={"project": "rec-shared"}))
    ensure_raw(made)
    ensure_tables(made)
    found(made, abc=FINDING, abd=GAP)
    record_findings(made, day(6), "r1", NOTED)
    return made


def test_what_has_gone_cannot_be_decided_on(client):
    found(client, a=FINDING)
    record_findings(client, day(6), "r1", NOTED)
    found(client)
    record_findings(client, day(7), "r2", NOTED)
    with pytest.raises(DecisionRefused, match="closed already"):
        decide(client, "a", Decision("close", "timing", "n", "finance"), NOTED)


def test_the_command_lists_explains_and_closes(client, monkeypatch):
    monkeypatch.setattr("audit.cli_reconciliation._client", lambda: client)
    found(client, abc=FINDING)
    record_findings(client, day(6), "r1", NOTED)
    run = CliRunner().invoke
    words = ["--note", "booked a day later", "--by", "finance"]
    assert "1 findings" in run(app, ["list"]).output
    assert run(app, ["explain", "ab", "--reason", "timing", *words]).output == "abc: explained (timing, finance)\n"
    refused = run(app, ["close", "abc", "--reason", "nonsense", *words])
    assert (refused.exit_code, "a reason is one of" in refused.output) == (1, True)
    assert run(app, ["close", "abc", "--reason", "adjusted", *words]).output == "abc: closed (adjusted, finance)\n"
    assert "0 findings" in run(app, ["list", "--area", "escrow"]).output
