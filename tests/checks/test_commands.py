"""The command lines as a person calls them: what they print, how they end, and no traceback."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from checks_data import START, USDC, VAULT
from click.testing import Result
from google.cloud import bigquery
from marts import MARTS, status
from report_world import build
from typer.testing import CliRunner

from alerting import store
from alerting.__main__ import app as alerting_app
from alerting.engine import step
from alerting.policy import Policy, Route
from alerting.run import entries_of
from expectations.__main__ import app as expectations_app
from expectations.availability import STATUS
from expectations.results import CheckResult, FailingRow
from reporting.__main__ import main as reporting_main
from warehouse.config import Config
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

DAY = ["--start", "2026-10-05", "--end", "2026-10-06"]


reporting_app = typer.Typer()
reporting_app.command()(reporting_main)
APPS = {"expectations": expectations_app, "alerting": alerting_app, "reporting": reporting_app}


@pytest.fixture
def call(ops: bigquery.Client, config: Config):
    """Runs a command line in this process against the tests' warehouse; variables set to None are left out."""
    settings = {
        "BQ_EMULATOR_URL": ops._connection.API_BASE_URL,
        "WAREHOUSE_HOME": str(config.embedded.home),
        "WAREHOUSE_CONFIG": "config/warehouse.yml",
        "COLUMNS": "200",
    }

    def run(app: str, *arguments: str, **change: str | None) -> Result:
        done = CliRunner().invoke(APPS[app], arguments, env={**settings, **change})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


def raise_alert(client: bigquery.Client, config: Config, channel: str) -> None:
    window = Window(START, START + timedelta(days=1))
    rows = (FailingRow({"vault": VAULT, "mint": USDC}, {"difference": "-1"}, f"Vault {VAULT} is off"),)
    result = CheckResult(
        "run-1", "escrow_mismatch", "critical", window, window.end, "failed", rows, "escrow-mismatch.md", None
    )
    policy = Policy(routes=(Route((), (channel,)),))
    held = store.load(client, window.end)
    after, told = step(held.state, [result], window.end, policy)
    store.save(client, held, after, told, entries_of(told, config, policy), window.end, "run-1")


def test_expectations_list_names_every_rule(call):
    done = call("expectations", "list")
    assert done.exit_code == 0
    assert all(name in done.stdout for name in ("escrow_mismatch", "audit_log_gap", "rpc_outage", "step_failed"))


def test_expectations_run_prints_the_outcome_and_records_it(call, ops, fill):
    fill("marts.audit_gaps", MARTS["marts.audit_gaps"], [])
    fill(STATUS, MARTS[STATUS], status())
    passed = call("expectations", "run", *DAY, "--rule", "audit_log_gap", "--run-id", "by-hand")
    assert passed.exit_code == 0, passed.stderr
    assert "passed" in passed.stdout
    (row,) = ops.query("select result_id, outcome from ops.check_results").result()
    assert (row["result_id"], row["outcome"]) == ("by-hand:audit_log_gap", "passed")


@pytest.mark.parametrize(
    ("arguments", "change", "message"),
    [
        (
            ["expectations", "run", *DAY, "--rule", "nothing"],
            {},
            "--rule: there is no rule nothing; the rules are api_down, ",
        ),
        (["expectations", "run", "--start", "tomorrow", "--end", "2026-10-06"], {}, "not an ISO 8601 time: 'tomorrow'"),
        (["expectations", "run", *DAY], {"BQ_EMULATOR_URL": None}, "BQ_EMULATOR_URL is not set"),
        (
            ["alerting", "list"],
            {"WAREHOUSE_CONFIG": "absent.yml"},
            "absent.yml: can't be read (No such file or directory)",
        ),
        (["alerting", "deliver"], {"BQ_EMULATOR_URL": None}, "BQ_EMULATOR_URL is not set"),
        (["alerting", "test", "nobody"], {}, "there is no channel nobody; the channels are local"),
        (["alerting", "ack", "x", "--by", "a@b.example"], {}, "--by: give a role or a name (letters, digits, spaces"),
        (["alerting", "silence", "rule="], {}, "a silence needs --by and --reason"),
        (
            ["alerting", "silence", "what", "--by", "ops", "--reason", "x"],
            {},
            "not a matcher: 'what'; write it as rule=",
        ),
        (["alerting", "silence", "rule=r", "--by", "o", "--reason", "x", "--for", "1y"], {}, "--for: '1y' is no span"),
        (["reporting", "--start", "2026-10-06", "--end", "2026-10-06", "--out", "x.html"], {}, "empty window"),
    ],
)
def test_what_cannot_work_is_one_line_and_ends_2(call, arguments, change, message):
    done = call(*arguments, **change)
    assert (done.exit_code, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"error: {message}")


def test_alerting_list_and_deliver(call, ops, config):
    assert call("alerting", "list").stdout == "no open alerts\n"
    raise_alert(ops, config, "local")
    listed = call("alerting", "list")
    assert listed.exit_code == 0
    assert "escrow_mismatch" in listed.stdout
    assert "runbooks/escrow-mismatch.md" in listed.stdout
    assert call("alerting", "deliver").stdout == "1 sent, 0 left in the outbox\n"
    assert call("alerting", "deliver").stdout == "0 sent, 0 left in the outbox\n"
    told = (config.embedded.home / "alerts" / "notifications.ndjson").read_text()
    assert f"Vault {VAULT} is off" in told


def test_alerting_deliver_says_what_a_channel_lacks(call, ops, config):
    raise_alert(ops, config, "oncall")
    done = call("alerting", "deliver")
    assert (done.exit_code, done.stdout) == (1, "0 sent, 1 left in the outbox\n")
    assert done.stderr == "error: channel oncall: is not in the configuration\n"


def test_alerting_ack_silence_and_history(call, ops, config):
    raise_alert(ops, config, "local")
    key = next(iter(ops.query("select alert_key from ops.alerts").result()))["alert_key"]
    assert call("alerting", "ack", "zz", "--by", "ops").stderr == "error: no open alert with key zz\n"
    taken = call("alerting", "ack", key[:8], "--by", "on call", "--note", "looking")
    assert (
        taken.stdout == f"acknowledged {key[:8]} escrow_mismatch: Vault {VAULT} is off\n2 sent, 0 left in the outbox\n"
    )
    again = call("alerting", "ack", key[:8], "--by", "other")
    assert again.stderr == f"error: alert {key[:12]} was acknowledged by on call\n"
    assert "acknowledged by on call" in call("alerting", "list").stdout

    made = call("alerting", "silence", 'rule=~"escrow.*"', "--by", "on call", "--reason", "upgrade", "--for", "2h")
    identity = made.stdout.split()[1]
    assert "upgrade" in call("alerting", "silence").stdout
    assert f"silence {identity}" in call("alerting", "list", COLUMNS="300").stdout
    assert call("alerting", "silence", "--end", identity).stdout == f"silence {identity} ended\n"
    assert call("alerting", "silence").stdout == "no silences\n"
    assert call("alerting", "silence", "--end", identity).exit_code == 2

    told = call("alerting", "history", key[:8]).stdout
    assert [word for word in ("firing", "told:firing", "acknowledged", "told:acknowledged") if word not in told] == []
    assert call("alerting", "history", "zz").stdout == "no history of zz\n"


def test_alerting_test_sends_to_one_channel(call, config):
    assert call("alerting", "test", "local").stdout == "channel local took a test alert\n"
    told = (config.embedded.home / "alerts" / "notifications.ndjson").read_text()
    assert "This is a test of channel local; nothing is wrong" in told


def test_reporting_writes_the_page_and_prints_its_path(call, ops, tmp_path):
    build(ops)
    done = call("reporting", *DAY, "--out", str(tmp_path / "report.html"))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "report.html")
    assert "escrow_outstanding" in Path(tmp_path / "report.html").read_text()


@pytest.mark.parametrize("package", APPS)
def test_each_package_is_a_command(package):
    done = subprocess.run([sys.executable, "-m", package, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout
