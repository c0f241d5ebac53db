"""What a notification says, held against Slack's documented limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from checks_data import START, VAULT
from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, SectionBlock

from alerting.alerts import Alert
from alerting.message import notification_id, payload


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


def test_it_says_what_how_much_since_when_where_and_what_to_do(alert):
    body = payload(alert, "firing")
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
    assert context["elements"][0]["text"] == "Runbook: runbooks/escrow-mismatch.md · alert 0123456789ab"


def test_a_resolved_one_says_so_and_since_when(alert):
    body = payload(replace(alert, state="resolved", resolved_at=START + timedelta(days=2)), "resolved")
    assert body["text"].startswith("RESOLVED: escrow_mismatch - ")
    assert body["blocks"][0]["text"]["text"] == ":white_check_mark: RESOLVED: escrow_mismatch"
    assert "*Resolved*\n2026-10-07T00:00:00Z" in [field["text"] for field in body["blocks"][2]["fields"]]


def test_the_id_is_the_same_for_each_attempt_and_differs_by_kind_and_outbreak(alert):
    later = replace(alert, opened_at=alert.opened_at + timedelta(hours=1))
    ids = [notification_id(alert, "firing"), notification_id(alert, "resolved"), notification_id(later, "firing")]
    assert ids[0] == f"{alert.alert_key}:firing:2026-10-06T00:05:00.000007Z"
    assert len(set(ids)) == 3


@pytest.mark.parametrize("kind", ["firing", "resolved"])
def test_even_a_huge_alert_keeps_slacks_limits(alert, kind):
    figures = {f"figure_{n}": "x" * 5000 for n in range(37)}
    body = payload(replace(alert, summary="y" * 9000, rule="r" * 400, figures=figures), kind)
    blocks = Block.parse_all(body["blocks"])
    for block in blocks:
        block.validate_json()
    assert len(blocks) <= 50
    assert {type(block) for block in blocks} == {HeaderBlock, SectionBlock, ContextBlock}
    for block in body["blocks"]:
        assert len(block.get("fields", [])) <= 10
        assert all(len(field["text"]) <= 2000 for field in block.get("fields", []))
        assert len(block.get("text", {}).get("text", "")) <= (150 if block["type"] == "header" else 3000)
