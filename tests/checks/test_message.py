"""What a notification says: the neutral message, and Slack's form of it held against Slack's documented limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from checks_data import START, VAULT
from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, SectionBlock

from alerting.alerts import Alert
from alerting.engine import Notification
from alerting.formats.slack import payload
from alerting.message import Links, loads, message_of

LINKS = Links("escrow-warehouse")
MARTS = {"escrow_mismatch": "marts.escrow_reconciliation"}


@pytest.fixture
def alert() -> Alert:
    return Alert(
        alert_key="0123456789abcdef" * 4,
        rule="escrow_mismatch",
        severity="critical",
        labels={"vault": VAULT},
        state="firing",
        opened_at=START + timedelta(days=1, minutes=5, microseconds=7),
        resolved_at=None,
        last_seen_at=START + timedelta(days=1, minutes=5),
        window_start=START,
        window_end=START + timedelta(days=1),
        summary=f"Vault {VAULT} lacks 0.000001 USDC & more <here>",
        figures={"difference": "-1", "slot": 300_000_123, "legs": ["vault", "events"], "note": None},
        runbook="escrow-mismatch.md",
        run_id="run-1",
    )


def message(*alerts: Alert, kind: str = "firing", links: Links = LINKS, **more):
    lead = alerts[0]
    notification = Notification(
        notification_id=f"{lead.alert_key}:{kind}:x",
        kind=kind,
        dedup_key="thread",
        severity=lead.severity,
        alerts=alerts,
        channels=("chat",),
        at=START + timedelta(days=1, minutes=6),
        **more,
    )
    return message_of(notification, links, MARTS)


def test_it_says_what_how_much_since_when_where_and_what_to_do(alert):
    body = payload(message(alert))
    assert body["text"] == f"CRITICAL: escrow_mismatch - Vault {VAULT} lacks 0.000001 USDC & more <here>"
    header, summary, facts, labels, figures, context = body["blocks"]
    assert header["text"]["text"] == ":rotating_light: CRITICAL: escrow_mismatch"
    assert summary["text"]["text"] == f"Vault {VAULT} lacks 0.000001 USDC &amp; more &lt;here&gt;"
    assert [field["text"] for field in facts["fields"]] == [
        "*Severity*\ncritical", "*Since*\n2026-10-06T00:05:00Z", "*Window*\n2026-10-05T00:00:00Z/2026-10-06T00:00:00Z",
    ]  # fmt: skip
    assert [field["text"] for field in labels["fields"]] == [f"*Vault*\n{VAULT}"]
    assert [field["text"] for field in figures["fields"]] == [
        "*Difference*\n-1", "*Slot*\n300000123", '*Legs*\n["vault", "events"]', "*Note*\n-",
    ]  # fmt: skip
    assert context["elements"][0]["text"] == (
        "Runbook: runbooks/escrow-mismatch.md · rows: marts.escrow_reconciliation · alert 0123456789ab"
    )


def test_configured_addresses_become_links(alert):
    links = Links("p-1", "https://docs.example/{runbook}", "https://bq.example/{project}/{dataset}/{table}")
    (item,) = message(alert, links=links).items
    assert item.runbook == "https://docs.example/escrow-mismatch.md"
    assert item.rows == "https://bq.example/p-1/marts/escrow_reconciliation"


def test_a_resolved_one_says_so_and_since_when(alert):
    over = replace(alert, state="resolved", resolved_at=START + timedelta(days=2))
    body = payload(message(over, kind="resolved"))
    assert body["text"].startswith("RESOLVED: escrow_mismatch - ")
    assert body["blocks"][0]["text"]["text"] == ":white_check_mark: RESOLVED: escrow_mismatch"
    assert "*Resolved*\n2026-10-07T00:00:00Z" in [field["text"] for field in body["blocks"][2]["fields"]]


def test_acknowledged_and_flapping_are_noted(alert):
    taken = replace(alert, state="acknowledged", acknowledged_at=START + timedelta(days=1), acknowledged_by="on call")
    assert message(taken, kind="acknowledged").items[0].note == "Acknowledged by on call at 2026-10-06T00:00:00Z"
    flapping = message(replace(alert, flapping=True)).items[0]
    assert flapping.note == "It comes and goes; it stays open until it has been quiet for a while"


def test_many_alerts_are_listed_and_counted(alert):
    alerts = [replace(alert, summary=f"Vault {n}", labels={"vault": str(n)}) for n in range(25)]
    told = message(*alerts)
    assert (told.title, told.text) == (
        "CRITICAL: escrow_mismatch (25 alerts)",
        "CRITICAL: escrow_mismatch (25 alerts) - Vault 0 (and 24 more)",
    )
    texts = [block["text"]["text"] for block in payload(told)["blocks"] if block["type"] == "section"]
    assert len(texts) == 21
    assert texts[0] == "Vault 0\nescrow_mismatch (critical), since 2026-10-06T00:05:00Z"
    assert texts[20] == "... and 5 more: python -m alerting list"


def test_a_digest_and_a_summary_count_by_rule(alert):
    medium = replace(alert, rule="slow_queries", severity="medium")
    over = replace(medium, state="resolved", resolved_at=START)
    assert message(medium, medium, over, kind="digest").notes == (
        "Daily digest: 2 x slow_queries (medium), 1 x slow_queries (medium, resolved)",
    )
    assert message(medium, alert, kind="summary").notes == (
        "The limit of notifications an hour is reached; these alerts were held back: "
        "1 x escrow_mismatch (critical), 1 x slow_queries (medium)",
    )


def test_a_message_survives_the_outbox(alert):
    told = message(alert, replace(alert, flapping=True), still_open=2).with_note("n")
    assert loads(told.dumps()) == told


def test_personal_data_and_secrets_in_texts_are_left_out(alert):
    leaking = replace(
        alert,
        summary="mail a.b@example.org from 203.0.113.9, password=hunter2, https://x.example/p?key=abc",
        figures={"error": "Bearer abcdefghijkl"},
    )
    text = message(leaking).dumps()
    for secret in ("a.b@example.org", "203.0.113.9", "hunter2", "key=abc", "abcdefghijkl"):
        assert secret not in text


@pytest.mark.parametrize("kind", ["firing", "resolved"])
@pytest.mark.parametrize("count", [1, 400])
def test_even_a_huge_alert_keeps_slacks_limits(alert, kind, count):
    figures = {f"figure_{n}": "x" * 5000 for n in range(130)}
    huge = replace(alert, summary="y&" * 4500, rule="r" * 400, figures=figures)
    told = message(*[huge] * count, kind=kind)
    assert len(told.dumps()) < 100_000
    body = payload(told.with_note("&" * 9000))
    blocks = Block.parse_all(body["blocks"])
    for block in blocks:
        block.validate_json()
    assert len(blocks) <= 50
    assert {type(block) for block in blocks} == {HeaderBlock, SectionBlock, ContextBlock}
    for block in body["blocks"]:
        assert len(block.get("fields", [])) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))
        assert len(block.get("text", {}).get("text", "")) <= (150 if block["type"] == "header" else 3000)
