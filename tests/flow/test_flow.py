"""The whole product, run as a person runs it: clean, again, with faults, healed. The tests build on one another."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from figures import differences, truth_of, with_access_reviews
from flow_harness import rows, steps, tables, warehouse_of
from people import dump, forbidden, hits

from expectations.rules import RULES
from sandbox.addresses import USDC_MINT, VAULTS

HOLD_PEOPLE = {"gcs", "sandbox"}
"""The buckets, and the platform that the sandbox simulates; everything else must not know who the users are."""

pytestmark = pytest.mark.xdist_group("flow")


@pytest.fixture(scope="module")
def truth(home, clean) -> dict:
    return json.loads((home / "sandbox" / "truth.json").read_text())["days"]


def number(value: object) -> Decimal:
    return Decimal(str(value))


def test_it_prints_rows_figures_checks_alerts_and_where_the_report_is(home, clean):
    report = next((home / "report").glob("*.html"))
    for text in ("solana", "stripe", "firebase", "cloudflare", "fee revenue", "escrow_mismatch", "0 open", str(report)):
        assert text in clean["printed"]


def test_nothing_is_wrong_on_a_clean_run(clean):
    assert clean["alerts"] == []
    outcomes = dict.fromkeys((path.stem for path in RULES.glob("*.yml")), "passed")
    outcomes |= dict.fromkeys(("fallback_rate", "fallback_spike"), "not_applicable")  # a platform without exchanges
    assert {row["rule"]: row["outcome"] for row in clean["checks"]} == outcomes
    assert clean["tables"]["raw.quarantine"] == []


def test_escrow_balances_are_the_truth_at_each_day_end(clean, truth):
    held = {(str(row["balance_date"]), row["vault"]): row for row in clean["marts"]["escrow_balances_daily"]}
    expected = {
        (day, vault): balance for day, figures in truth.items() for vault, balance in figures["M3"]["vaults"].items()
    }
    assert {key: number(row["outstanding"]) for key, row in held.items()} == {
        key: number(balance) for key, balance in expected.items()
    }
    for day, figures in truth.items():
        for mint, vault in VAULTS.items():
            open_escrows = [item for item in figures["M3"]["escrows"].values() if item["mint"] == mint]
            assert held[day, vault]["open_escrows"] == len(open_escrows)
            assert number(held[day, vault]["escrow_balance"]) == sum(number(item["balance"]) for item in open_escrows)


def test_open_escrows_are_the_truth_match_by_match(clean, truth):
    last = truth[max(truth)]["M3"]["escrows"]
    held = {row["escrow_id"]: row for row in clean["marts"]["escrow_balances"] if row["account_class"] == "escrow"}
    assert {match: (row["mint"], number(row["balance"])) for match, row in held.items()} == {
        match: (item["mint"], number(item["balance"])) for match, item in last.items()
    }


def test_matches_are_the_truth_each_day(clean, truth):
    held = {str(row["match_date"]): row for row in clean["marts"]["matches_daily"]}
    assert set(held) == set(truth)
    for day, figures in truth.items():
        assert {key: held[day][key] for key in figures["M16"]} == figures["M16"], day


def test_money_is_the_truth_each_day_and_mint(clean, truth):
    held = {(str(row["activity_date"]), row["mint"]): row for row in clean["marts"]["money_daily"]}
    assert set(held) == {(day, mint) for day, figures in truth.items() for mint in figures["M17"]}
    for (day, mint), row in held.items():
        expected = dict(truth[day]["M17"][mint])
        mean = expected.pop("mean_entry")
        assert {key: number(row[key]) for key in expected} == {key: number(value) for key, value in expected.items()}
        assert number(row["mean_entry_numerator"]) == number(mean["numerator"])
        assert row["mean_entry_denominator"] == mean["denominator"]


def test_stripe_is_the_truth_each_day_and_currency(clean, truth):
    held = {(str(row["activity_date"]), row["currency"]): row for row in clean["marts"]["stripe_daily"]}
    assert set(held) == {(day, currency) for day, figures in truth.items() for currency in figures["M21"]}
    for (day, currency), row in held.items():
        expected = truth[day]["M21"][currency]
        assert {key: number(row[key]) for key in expected} == {key: number(value) for key, value in expected.items()}


def test_failed_writes_to_firestore_are_the_truth_each_hour(home, clean):
    held: dict = {}
    for row in clean["write_errors"]:
        codes = held.setdefault(row["hour"], {}).setdefault(row["logged_by"], {}).setdefault(row["collection"], {})
        codes[row["code"]] = row["errors"]
    assert held == json.loads((home / "sandbox" / "truth.json").read_text())["write_errors"]


def test_the_managed_export_was_compared_document_by_document(clean):
    compared = {
        row["collection"]: row for row in clean["marts"]["firebase_export_parity"] if row["kind"] == "documents"
    }
    assert set(compared) == {"ledger", "matches", "users"}
    assert all(row["expected"] == row["found"] > 50 for row in compared.values())


def test_the_steps_of_a_second_run_change_no_figure_and_load_nothing_twice(home, clean):
    steps(home)
    after = tables(home)
    with warehouse_of(home) as client:
        objects = rows(client, "select uri, rows_loaded from ops.objects where dataset <> 'rpc_calls' order by uri")
    assert objects == clean["objects"]
    assert after.keys() == clean["tables"].keys()
    assert sum(map(len, after.values())) > 40_000
    for name, held in after.items():
        assert held == clean["tables"][name], name


def test_each_fault_raises_its_alert_and_only_that(home, faulty):
    with warehouse_of(home) as client:
        firing = rows(client, "select rule, labels, figures, summary, runbook from ops.alerts where state = 'firing'")
        sent = [json.loads(line) for line in (home / "alerts" / "notifications.ndjson").read_text().splitlines()]
    by_rule = {row["rule"]: row for row in firing}
    assert len(firing) == len(by_rule) == 3
    mismatch, gap, outage = by_rule["escrow_mismatch"], by_rule["audit_log_gap"], by_rule["rpc_outage"]
    assert VAULTS[USDC_MINT] in mismatch["labels"]
    assert "1 base unit" in mismatch["summary"]
    assert json.loads(gap["labels"])["stream"] == "accounts"
    assert json.loads(outage["labels"])["provider"] == "alpha"
    assert len(sent) == 3
    assert {row["runbook"] for row in firing} == {"escrow-mismatch.md", "audit-log-gap.md", "rpc-outage.md"}


def test_the_clean_run_after_it_resolves_every_alert(home, healed):
    with warehouse_of(home) as client:
        states = rows(client, "select rule, state from ops.alerts order by rule")
        assert differences(client, with_access_reviews(truth_of(home))) == []
        causes = {row["cause"] for row in rows(client, "select cause from marts.restatements")}
    assert {(row["rule"], row["state"]) for row in states} == {
        (rule, "resolved") for rule in ("audit_log_gap", "escrow_mismatch", "rpc_outage")
    }
    assert causes == {"late_data"}  # the lost base unit was in figures of days that had ended, and is out of them again


def test_no_person_and_no_secret_is_in_any_table_log_report_or_alert(home, clean, tmp_path):
    words = forbidden()
    (tmp_path / "words").write_text("\n".join(words), encoding="utf-8")
    tables_of_the_run = tmp_path / "tables"
    tables_of_the_run.mkdir()
    with warehouse_of(home) as client:
        assert dump(client, tables_of_the_run) > 30_000
    (tmp_path / "printed").write_text(clean["printed"])
    places = [path for path in home.iterdir() if path.name not in HOLD_PEOPLE]
    assert {path.name for path in places} >= {"airflow", "alerts", "bq", "dbt", "logs", "report"}
    found = hits(tmp_path / "words", tables_of_the_run, tmp_path / "printed", *places)
    assert [line for line in found if line] == []
    in_the_landing = hits(tmp_path / "words", home / "gcs" / "platform-exports" / "auth_export")
    assert len(in_the_landing) > 100  # the search finds people where there are some
