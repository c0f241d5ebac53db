"""Rule files: what is refused, with which words, and that the project's own are fine."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from checks_data import START, USDC

from expectations import placeholders, summaries
from expectations.rules import RULES, RuleError, load_rule, load_rules
from warehouse.config import Mint
from warehouse.window import Window

GOOD = {
    "name": "level_low",
    "title": "Levels are whole",
    "severity": "critical",
    "mart": "marts.levels",
    "failing_rows": "select vault, missing from {batch} where missing > {thresholds.escrow_mismatch_base_units}",
    "labels": ["vault"],
    "figures": ["missing"],
    "summary": "{{ missing }} missing in {{ vault }}",
    "runbook": "level.md",
}


@pytest.fixture
def write(tmp_path):
    """Writes a rule file changed in some keys; a key set to None is left out."""
    (tmp_path / "rules").mkdir()

    def make(filename: str = "level_low.yml", **change: object) -> Path:
        document = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
        path = tmp_path / "rules" / filename
        path.write_text(yaml.safe_dump(document))
        return path

    return make


def load(tmp_path: Path) -> list:
    return load_rules(tmp_path / "rules")


def test_a_good_file_is_read(write):
    rule = load_rule(write())
    assert (rule.name, rule.labels, rule.reads, rule.inhibits) == ("level_low", ["vault"], "window", [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": "urgent"}, "severity: Input should be 'critical', 'high', 'medium' or 'low'"),
        ({"colour": "red"}, "colour: unknown key"),
        ({"mart": "levels"}, "mart: String should match pattern '^[a-z][a-z0-9_]*\\.[a-z][a-z0-9_]*$'"),
        ({"labels": []}, "labels: List should have at least 1 item after validation, not 0"),
        ({"labels": None}, "labels: Field required"),
        ({"labels": ["wallet"]}, "labels: an alert must not show personal data: wallet"),
        ({"figures": ["missing", "missing"]}, "figures: a column is named twice"),
        ({"figures": ["missing", "vault"]}, "(file): both a label and a figure: vault"),
        (
            {"summary": "{{ missing"},
            "summary: not a template: unexpected end of template, expected 'end of print statement'.",
        ),
        ({"summary": "{{ amount }}"}, "(file): summary uses amount, which is neither a label nor a figure"),
        (
            {"failing_rows": "delete from {batch} where true"},
            "failing_rows: must be one query that begins with select or with",
        ),
        (
            {"failing_rows": "select 1 from {batch}; drop table x"},
            "failing_rows: must be one query that begins with select or with",
        ),
        ({"failing_rows": "select vault from marts.levels"}, "failing_rows: must read from {batch}"),
        (
            {"failing_rows": "select {thresholds.nothing} from {batch}"},
            "failing_rows: unknown placeholder {thresholds.nothing}",
        ),
        ({"failing_rows": "select {window} from {batch}"}, "failing_rows: unknown placeholder {window}"),
        ({"inhibits": ["level_low"]}, "(file): a rule can't inhibit itself"),
        ({"other_severities": ["critical"]}, "(file): other_severities names the severity itself: critical"),
        ({"needs": ["api"]}, "needs.0: String should match pattern '^M\\d+(/[a-z]+)?$'"),
        (
            {"sustained": "latency_sustained_minutes"},
            "(file): sustained: failing_rows doesn't use {thresholds.latency_sustained_minutes}",
        ),
        ({"inhibits_readers_of": "missing"}, "(file): inhibits_readers_of: missing is no label"),
        ({"lookback_days": -1}, "lookback_days: Input should be greater than or equal to 0"),
        ({"name": "other"}, "name: is 'other', but the file is called level_low.yml"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(write, change, message):
    path = write(**change)
    with pytest.raises(RuleError) as error:
        load_rule(path)
    assert str(error.value) == f"{path}: {message}"


def test_files_that_are_no_rules_at_all(write, tmp_path):
    path = tmp_path / "rules" / "level_low.yml"
    for text, message in [
        (b"name: [unclosed", "not YAML (line 2): did not find expected ',' or ']'"),
        (b"- a list", "expected keys and values"),
        (b"name: \xff", "can't be read (not UTF-8)"),
    ]:
        path.write_bytes(text)
        with pytest.raises(RuleError) as error:
            load_rule(path)
        assert str(error.value) == f"{path}: {message}"
    with pytest.raises(RuleError, match=r"absent\.yml: can't be read \(No such file or directory\)"):
        load_rule(tmp_path / "absent.yml")


def test_the_findings_of_all_files_come_at_once(write, tmp_path):
    write(severity="urgent")
    write("second.yml", name="second", inhibits=["third"])
    with pytest.raises(RuleError) as error:
        load(tmp_path)
    rules = tmp_path / "rules"
    assert str(error.value).splitlines() == [
        f"{rules}/level_low.yml: severity: Input should be 'critical', 'high', 'medium' or 'low'",
        f"{rules}/second.yml: inhibits: there is no rule 'third'",
    ]


def test_placeholders_become_literals(config):
    window = Window(START, START + timedelta(hours=1))
    sql = (
        "select {window_start}, {window_end}, {read_from}, {thresholds.rpc_failure_rate}, "
        "{thresholds.source_silent_hours.solana}, {configured.vaults}, {configured.rpc_providers}, "
        "{thresholds.chargeback_rate}, {judged_from} from {batch};"
    )
    assert placeholders.fill(sql, window, START - timedelta(days=1), config, "`p.d.t`") == (
        "select timestamp '2026-10-05 00:00:00.000000+00:00', timestamp '2026-10-05 01:00:00.000000+00:00', "
        "timestamp '2026-10-04 00:00:00.000000+00:00', parse_numeric('0.1'), 2, 2, 2, "
        "parse_numeric('0.0075'), timestamp '2026-10-04 23:00:00.000000+00:00' from `p.d.t`"
    )
    assert "timestamp '0001-01-01 00:00:00.000000+00:00'" in placeholders.fill(sql, window, None, config)
    with pytest.raises(ValueError, match=r"thresholds.source_silent_hours.nothing is not a number"):
        placeholders.fill("select {thresholds.source_silent_hours.nothing} from {batch}", window, None, config)


def test_late_windows_are_judged_with_the_window_and_none_where_they_are_switched_off(config):
    window = Window(START, START + timedelta(hours=6))
    for count, hours in ((0, 0), (1, 6), (4, 24)):
        thresholds = config.thresholds.model_copy(update={"late_windows": count})
        told = placeholders.judged_from(window, config.model_copy(update={"thresholds": thresholds}))
        assert told == START - timedelta(hours=hours)


def test_maps_and_runbooks_become_the_text_of_a_json_array(config, tmp_path):
    window = Window(START, START + timedelta(hours=1))
    (tmp_path / "a.md").write_text("---\nlast_reviewed: 2026-09-01\nreview_every_days: 90\n---\ntext\n")

    def rows(placeholder: str) -> list[dict]:
        text = placeholders.fill(f"select {placeholder} from {{batch}}", window, None, config, runbooks=tmp_path)
        return json.loads(base64.b64decode(re.search(r"from_base64\('([^']*)'\)", text)[1]))

    floors = rows("{thresholds.low_balance_floors}")
    assert floors == [{"name": address, "value": "0"} for address in config.own.treasury]
    assert rows("{runbooks}") == [{"runbook": "a.md", "last_reviewed": "2026-09-01", "review_every_days": "90"}]
    (tmp_path / "b.md").write_text("no head")
    with pytest.raises(ValueError, match=r"^b\.md: no front matter$"):
        rows("{runbooks}")


@pytest.mark.parametrize(
    ("amount", "mint", "text"),
    [
        (1, USDC, "0.000001 USDC (1 base unit)"),
        (-1, USDC, "-0.000001 USDC (-1 base unit)"),
        (12_345_678_901, USDC, "12345.678901 USDC (12345678901 base units)"),
        (90_071_992_547_409_931, USDC, "90071992547.409931 USDC (90071992547409931 base units)"),
        (5, "unknown", "5 base units of unknown"),
    ],
)
def test_amounts_in_summaries_are_exact(amount, mint, text):
    mints = {USDC: Mint(symbol="USDC", decimals=6)}
    assert summaries.render("{{ amount | token(mint) }}", {"amount": amount, "mint": mint}, mints) == text


def test_the_projects_rules_are_fine_and_cover_the_first_issue():
    names = {rule.name: rule for rule in load_rules(RULES)}
    assert {"escrow_mismatch", "audit_log_gap", "rpc_outage"} <= set(names)
    assert all(names[name].severity == "critical" for name in ("escrow_mismatch", "audit_log_gap", "rpc_outage"))
