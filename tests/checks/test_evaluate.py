"""Rules evaluated by the real engine on the real embedded warehouse."""

from __future__ import annotations

import json

import pytest
from checks_data import USDC, VAULT

from expectations import engine
from expectations.results import load_results
from expectations.rules import Rule
from expectations.run import evaluate

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

COLUMNS = {"vault": "STRING", "mint": "STRING", "missing": "NUMERIC"}


def level(vault: str, missing: int) -> dict:
    return {"vault": vault, "mint": USDC, "missing": str(missing)}


def test_a_rule_without_failing_rows_passes(ops, fill, window, config, balance_rule, clock):
    fill("marts.levels", COLUMNS, [level(VAULT, 0)])
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    assert (result.outcome, result.rows, result.error) == ("passed", (), None)


@pytest.mark.parametrize("missing", [1, -1])
def test_a_base_unit_either_way_fails_and_says_how_much(ops, fill, window, config, balance_rule, clock, missing):
    fill("marts.levels", COLUMNS, [level(VAULT, missing), level("other", 0)])
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    (row,) = result.rows
    assert result.outcome == "failed"
    assert row.labels == {"vault": VAULT}
    assert row.figures == {"mint": USDC, "missing": str(missing)}
    sign = "-" if missing < 0 else ""
    assert row.summary == f"{sign}0.000001 USDC ({missing} base unit) missing in {VAULT}"


def test_failing_rows_are_all_there_beyond_the_engines_sample(ops, fill, window, config, balance_rule, clock):
    fill("marts.levels", COLUMNS, [level(f"vault{n:03}", n) for n in range(301)])
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    assert [row.labels["vault"] for row in result.rows] == [f"vault{n:03}" for n in range(1, 301)]


def test_what_cannot_be_evaluated_is_an_error_with_its_reason_and_never_a_pass(
    ops, fill, window, config, balance_rule, clock
):
    fill("marts.levels", COLUMNS, [])

    def rule(name: str, **change: object) -> Rule:
        return balance_rule.model_copy(update={"name": name, **change})

    rules = [
        rule("a_fine"),
        rule("b_column", failing_rows="select nowhere from {batch}"),
        rule("c_table", mart="marts.absent"),
        rule("d_evidence", evidence="select vault from {batch}"),
        rule("e_label", labels=["colour"]),
        rule("f_threshold", failing_rows="select * from {batch} where missing > {thresholds.kyc_withdrawal_limits}"),
    ]
    results = {result.rule: result for result in evaluate(rules, window, config, ops, "run-1", clock)}
    assert {name: result.outcome for name, result in results.items()} == {
        "a_fine": "passed", "b_column": "error", "c_table": "error", "d_evidence": "error", "e_label": "error",
        "f_threshold": "error",
    }  # fmt: skip
    assert "nowhere" in results["b_column"].error
    assert "absent" in results["c_table"].error
    assert results["d_evidence"].error == "marts.levels has no rows to judge for this window"
    assert results["f_threshold"].error == "thresholds.kyc_withdrawal_limits is not a number in the configuration"
    assert results["e_label"].error == "failing_rows has no column colour"


def test_an_engine_that_breaks_or_disagrees_with_the_query_is_an_error(
    ops, fill, window, config, balance_rule, clock, monkeypatch
):
    fill("marts.levels", COLUMNS, [level(VAULT, 0)])

    def breaks(*_: object) -> dict:
        raise RuntimeError("no engine\nsecond line")

    monkeypatch.setattr(engine, "run_checkpoint", breaks)
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    assert (result.outcome, result.error) == ("error", "no engine")

    monkeypatch.setattr(engine, "run_checkpoint", lambda *_: {"level_low": engine.Verdict(False, 2)})
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    assert result.error == "the engine counted 2 failing rows, the query returned 0: the mart changed meanwhile"

    fill("marts.levels", COLUMNS, [level(VAULT, 1), level("other", 1)])
    monkeypatch.setattr(engine, "run_checkpoint", lambda *_: {"level_low": engine.Verdict(False, 1)})
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    assert result.error == "the engine counted 1 failing rows, the query returned 2: the mart changed meanwhile"

    monkeypatch.setattr(engine, "run_checkpoint", lambda *_: {})
    (result,) = evaluate([balance_rule], window, config, ops, "run-1", clock)
    assert result.error == "the engine returned no verdict"


def test_window_and_lookback_bound_the_query(ops, fill, window, config, balance_rule, clock):
    hours = ["2026-10-03T23:59:59Z", "2026-10-04T00:00:00Z", "2026-10-05T23:59:59.999999Z", "2026-10-06T00:00:00Z"]
    fill("marts.levels", {"vault": "STRING", "seen_at": "TIMESTAMP"}, [{"vault": at, "seen_at": at} for at in hours])
    rule = balance_rule.model_copy(
        update={
            "reads": "window",
            "lookback_days": 1,
            "failing_rows": "select vault from {batch} where seen_at >= {read_from} and seen_at < {window_end}",
            "figures": [],
            "summary": "{{ vault }}",
        }
    )
    (result,) = evaluate([rule], window, config, ops, "run-1", clock)
    assert [row.labels["vault"] for row in result.rows] == hours[1:3]


def test_each_evaluation_is_recorded_and_a_repeat_replaces_it(ops, fill, window, config, balance_rule, clock):
    fill("marts.levels", COLUMNS, [level(VAULT, 7)])
    evaluate([balance_rule], window, config, ops, "run-1", clock)
    evaluate([balance_rule], window, config, ops, "run-2", clock)
    fill("marts.levels", COLUMNS, [level(VAULT, 9)])
    results = evaluate([balance_rule], window, config, ops, "run-1", clock)

    rows = {row["result_id"]: dict(row) for row in ops.query("select * from ops.check_results").result()}
    assert set(rows) == {"run-1:level_low", "run-2:level_low"}
    record = rows["run-1:level_low"]
    assert (record["outcome"], record["failures"], record["severity"]) == ("failed", 1, "critical")
    assert (record["window_start"], record["window_end"]) == (window.start, window.end)
    assert json.loads(record["detail"])[0]["figures"] == {"mint": USDC, "missing": "9"}
    assert load_results(ops, "run-1", [balance_rule]) == results

    other = balance_rule.model_copy(update={"name": "other"})
    evaluate([other], window, config, ops, "run-1", clock)
    assert [result.rule for result in load_results(ops, "run-1", [balance_rule, other])] == ["level_low", "other"]
