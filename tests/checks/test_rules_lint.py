"""`python -m expectations lint`: what it finds in wrong rule files, word for word, and that the project's are fine."""

from __future__ import annotations

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from expectations.__main__ import app
from expectations.lint import problems
from expectations.rules import RULES, RUNBOOKS
from warehouse.config import load_config

QUERY = "select queue, depth_p95 from {batch} where depth_p95 > {thresholds.queue_depth}"
GOOD = {
    "name": "deep",
    "title": "Queues are emptied",
    "severity": "medium",
    "mart": "marts.queue_depth_5min",
    "needs": ["M10"],
    "reads": "state",
    "failing_rows": QUERY,
    "labels": ["queue"],
    "figures": ["depth_p95"],
    "summary": "{{ queue }} is {{ depth_p95 }} deep",
    "runbook": "deep.md",
}


@pytest.fixture
def lint(tmp_path):
    """Findings in a rule file changed in some keys."""
    rules, runbooks = tmp_path / "rules", tmp_path / "runbooks"
    rules.mkdir()
    runbooks.mkdir()
    (runbooks / "deep.md").write_text("")

    def found(**change: object) -> list[str]:
        (rules / "deep.yml").write_text(yaml.safe_dump({**GOOD, **change}))
        return [line.removeprefix(f"{rules / 'deep.yml'}: ") for line in problems(load_config(), rules, runbooks)]

    return found


def test_a_good_file_has_no_findings(lint):
    assert lint() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"runbook": "absent.md"}, "runbook: there is no runbooks/absent.md"),
        ({"inhibits": ["shallow"]}, "inhibits: there is no rule 'shallow'"),
        ({"needs": ["M99"]}, "needs: there is no metric M99"),
        ({"needs": ["M10/stripe"]}, "needs: M10 has no source stripe, but cloudflare"),
        ({"mart": "marts.levels"}, "mart: marts.levels is no mart with a contract"),
        ({"mart": "ops.levels"}, "mart: ops.levels is no table of the warehouse"),
        (
            {"failing_rows": QUERY.replace("depth_p95 >", "depth_p96 >")},
            "failing_rows: no table of the query has the column depth_p96 (marts.queue_depth_5min)",
        ),
        (
            {"evidence": "select count(*) as n from {batch} cross join marts.nothing"},
            "evidence: marts.nothing is no mart with a contract",
        ),
        (
            {"failing_rows": QUERY.replace("queue_depth", "depth")},
            "failing_rows: unknown placeholder {thresholds.depth}",
        ),
        (
            {"failing_rows": QUERY.replace("queue_depth", "kyc_withdrawal_limits")},
            "failing_rows: thresholds.kyc_withdrawal_limits is not a number in the configuration",
        ),
        ({"failing_rows": "select queue from {batch}"}, "figures: failing_rows doesn't select depth_p95"),
        ({"failing_rows": "select depth_p95 from {batch}"}, "labels: failing_rows doesn't select queue"),
        ({"other_severities": ["high"]}, "severity: failing_rows doesn't select severity"),
        (
            {"failing_rows": "select queue, depth_p95, max(wallet) over () as w from {batch}"},
            "failing_rows: reads personal data: wallet",
        ),
        ({"labels": ["email"]}, "labels: an alert must not show personal data: email"),
    ],
)
def test_a_wrong_file_is_told_by_key_and_reason(lint, change, message):
    assert message in lint(**change)


def test_sql_that_does_not_parse_is_told(lint):
    (found,) = lint(failing_rows="select queue, depth_p95 from {batch} where (depth_p95 > 1")
    assert found.startswith("failing_rows: Expecting )")


def test_the_command_ends_2_with_the_findings_and_0_without(lint, tmp_path):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["lint", *arguments])

    folders = ("--rules", str(tmp_path / "rules"), "--runbooks", str(tmp_path / "runbooks"))
    path = tmp_path / "rules" / "deep.yml"
    lint(runbook="absent.md", needs=["M99"])
    wrong = run(*folders)
    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert wrong.stderr.splitlines() == [
        f"error: {path}: runbook: there is no runbooks/absent.md",
        f"error: {path}: needs: there is no metric M99",
    ]
    lint()
    fine = run(*folders)
    assert (fine.exit_code, fine.stdout) == (0, "1 rule file is fine\n")


def test_the_projects_rules_are_fine():
    assert problems(load_config(), RULES, RUNBOOKS) == []
