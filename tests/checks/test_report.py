"""The report page over a small warehouse: every figure exact, everything that is absent says so."""

from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from checks_data import SKILL, SKILL_VAULT, START, USDC, VAULT
from marts import MARTS
from report_world import FEES, NET, OUTSTANDING, build

from reporting.report import build_report
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

WINDOW = Window(START, START + timedelta(days=2))


class Elements(html.parser.HTMLParser):
    """Every element with its attributes and the text directly in it and below it."""

    VOID = frozenset(["meta", "br", "link", "img", "input"])

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict] = []
        self._open: list[dict] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.found.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.handle_data(" ")
        while self._open and self._open.pop()["tag"] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element["text"] += data

    def where(self, **wanted: str) -> list[dict]:
        """Elements with these attributes; data_kpi means data-kpi."""
        names = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [element for element in self.found if all(element.get(name) == value for name, value in names.items())]

    def one(self, **wanted: str) -> dict:
        (element,) = self.where(**wanted)
        return {**element, "text": " ".join(element["text"].split())}


@pytest.fixture(scope="module")
def world(client):
    """The client of a warehouse with the small world in it; tests that change it come last and build it anew."""
    build(client)
    return client


@pytest.fixture(scope="module")
def path(world, config, tmp_path_factory) -> Path:
    """The page's file, in a folder that was not there."""
    return build_report(world, config, WINDOW, "nightly:1", tmp_path_factory.mktemp("page") / "deep" / "report.html")


@pytest.fixture(scope="module")
def page(path) -> Elements:
    return Elements(path.read_text(encoding="utf-8"))


def test_the_hand_made_marts_have_the_columns_that_dbt_declares():
    declared = {}
    for path in Path("dbt_project/models/marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            declared[f"marts.{model['name']}"] = {c["name"]: c["data_type"].upper() for c in model["columns"]}
    for mart, columns in MARTS.items():
        assert columns.items() <= declared[mart].items(), mart


def test_every_amount_is_exact_in_the_text_and_in_the_attribute(page):
    shown = {(e["data-day"], e["data-mint"]): e for e in page.where(data_kpi="outstanding")}
    assert {key: int(e["data-value"]) for key, e in shown.items()} == OUTSTANDING
    assert shown["2026-10-06", USDC]["text"] == "90,071,992,547.409931"
    assert shown["2026-10-06", SKILL]["text"] == "7.000000001"
    assert shown["2026-10-06", SKILL]["title"] == "7,000,000,001 base units"
    assert {(e["data-day"], e["data-mint"]): int(e["data-value"]) for e in page.where(data_kpi="fee_revenue")} == FEES
    assert page.one(data_kpi="fee_revenue", data_day="2026-10-05", data_mint=SKILL)["text"] == "0.000000001"
    net = page.where(data_kpi="stripe_net")
    assert {(e["data-day"], e["data-currency"]): int(e["data-value"]) for e in net} == NET
    texts = {(e["data-day"], e["data-currency"]): e["text"] for e in net}
    assert texts == {("2026-10-05", "eur"): "123.45", ("2026-10-06", "eur"): "-0.05", ("2026-10-05", "jpy"): "98,765"}
    assert [e["text"] for e in page.where(data_kpi="matches_created")] == ["40", "41"]


def test_the_headline_is_the_sum_of_the_days_and_the_last_days_balance(page):
    assert int(page.one(data_kpi="escrow_outstanding", data_mint=USDC)["data-value"]) == OUTSTANDING["2026-10-06", USDC]
    assert page.one(data_kpi="fee_revenue_total", data_mint=USDC)["text"] == "2.623456 USDC"
    assert page.one(data_kpi="stripe_net_total", data_currency="eur")["text"] == "123.40 EUR"
    assert page.one(data_kpi="matches_total")["data-value"] == "81"
    assert page.one(id="tile-matches")["text"] == "Matches 81 50 paid, 31 free"
    assert page.one(id="tile-checks")["text"] == "Checks passed 1 of 3 1 failed, 1 not evaluated"
    assert page.one(id="tile-alerts")["text"] == "Open alerts 1 1 resolved"
    assert page.one(id="tile-rows")["text"] == "Rows loaded 1,234 1 in quarantine"
    assert page.one(data_kpi="as_of_slot")["text"] == "300,000,009"
    assert page.one(id="verdict")["text"] == "1 open alert1 of 3 checks passed"


def test_the_escrow_table_shows_legs_and_differences_and_no_zero_for_a_missing_leg(page):
    vault = page.one(data_kpi="vault_balance", data_vault=VAULT)
    assert (vault["text"], vault["title"]) == ("90,071,992,547.40993", "90,071,992,547,409,930 base units")
    difference = page.one(data_kpi="ledger_difference", data_vault=VAULT)
    assert (difference["text"], difference["data-value"]) == ("-0.000001", "-1")
    missing = page.one(data_kpi="offchain_balance", data_vault=VAULT)
    assert (missing["text"], missing["data-value"]) == ("–", "")
    states = [e["text"] for e in page.where(class_="badge critical") + page.where(class_="badge good")]
    assert "differs" in states
    assert "agrees" in states


def test_counts_of_each_day_with_their_rates(page):
    shown = {(e["data-day"], e["data-kpi"]): e["text"] for e in page.found if "transactions_" in e.get("data-kpi", "")}
    assert shown["2026-10-05", "transactions_failures"] == "1"
    assert shown["2026-10-06", "transactions_failures"] == "0"
    assert shown["2026-10-05", "transactions_fee_lamports_total"] == "9,007,199,254,740,993"
    assert shown["2026-10-05", "transactions_compute_units_p95"] == "–"
    assert {day for day, _ in shown} == {"2026-10-05", "2026-10-06"}
    assert page.one(title="1,233 of 1,234")["text"] == "99.9 %"
    tiers = {e["data-label"]: " ".join(e["text"].split()) for e in page.found if e.get("data-label") in ("0", "2")}
    assert tiers == {"0": "2026-10-06 0 30 3 –", "2": "2026-10-06 2 12 1 –"}


def test_metrics_without_figures_say_why(page):
    rows = [(e["data-metric"], e["data-state"]) for e in page.found if "data-metric" in e]
    assert rows == [("M3", "late"), ("M19", "not_on_platform")]
    assert page.one(id="exchange")["text"].endswith("No data from this source. No exchange in this window (firebase).")


def test_the_proof_of_each_account(page):
    rows = [element for element in page.found if "data-proof" in element]
    vault, skill = (f"{address[:6]}…{address[-6:]}" for address in (VAULT, SKILL_VAULT))
    amounts = "90,071,992,547.409931 90,071,992,547.40993"
    assert {(e["data-proof"], e["data-balance"]): (e["data-result"], " ".join(e["text"].split())) for e in rows} == {
        (VAULT, "token"): ("broken", f"{vault}vault USDC 300,000,009 {amounts} 2 broken"),
        (VAULT, "native"): ("open", f"{vault}vault SOL 300,000,009 0.00203928 – 0 open"),
        (SKILL_VAULT, "token"): ("proved", f"{skill}vault SKILL 300,000,009 0.00 0.00 0 proved"),
    }


def test_checks_alerts_and_quarantine_of_the_window_and_nothing_else(page):
    assert [(e["data-check"], e["data-outcome"]) for e in page.found if "data-check" in e] == [
        ("audit_log_gap", "passed"),
        ("escrow_mismatch", "failed"),
        ("rpc_outage", "error"),
    ]
    assert "no rows to judge" in page.one(data_check="rpc_outage")["text"]
    assert [e["data-state"] for e in page.found if "data-alert" in e] == ["firing", "resolved"]
    assert "runbooks/escrow-mismatch.md" in page.one(data_alert="escrow_mismatch", data_state="firing")["text"]
    quarantined = page.one(data_quarantine="not_json")
    assert "the object is <no> JSON" in quarantined["text"]
    assert page.where(data_quarantine="elsewhere") == []


def test_freshness_and_what_was_loaded_per_source(page):
    row = page.one(tag="tr", data_source="solana")["text"]
    assert row == "solana 1 1,200 0 2.0 KiB 2026-10-06 23:58:30 1 min 30 s 2026-10-07 00:10:00"
    assert page.one(tag="tr", data_source="stripe")["text"] == "stripe no data from this source for this window"
    cloudflare = page.one(tag="tr", data_source="cloudflare")["text"]
    assert (
        cloudflare
        == "cloudflare no data from this source for this window; 2 objects in all, last loaded 2026-10-07 00:10:00"
    )


def test_the_same_data_give_the_same_bytes(world, path, config, tmp_path):
    again = build_report(world, config, WINDOW, "nightly:1", tmp_path / "again.html")
    assert again.read_bytes() == path.read_bytes()


def test_the_page_needs_nothing_else_and_holds_no_original_bytes(page, path):
    assert [
        e for e in page.found if e["tag"] in ("link", "img", "iframe") or (e["tag"] == "script" and "src" in e)
    ] == []
    text = path.read_text(encoding="utf-8")
    assert "c2VjcmV0" not in text
    assert "@import" not in re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]


def test_a_browser_shows_the_figures_and_draws_the_charts(path, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium on this machine: the page was not opened in a browser")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1280,2000",
        "--virtual-time-budget=10000",
        "--dump-dom",
    ]
    done = subprocess.run([browser, *flags, path.as_uri()], capture_output=True, text=True, check=True, timeout=120)
    page = Elements(done.stdout)
    assert {
        (e["data-day"], e["data-mint"]): int(e["data-value"]) for e in page.where(data_kpi="outstanding")
    } == OUTSTANDING
    assert page.one(data_kpi="fee_revenue_total", data_mint=USDC)["text"] == "2.623456 USDC"
    drawn = [e for e in page.found if "js-plotly-plot" in e.get("class", "")]
    assert sorted(e["id"] for e in drawn) == [
        "chart-balance-0",
        "chart-balance-1",
        "chart-compliance",
        "chart-matches-created",
        "chart-matches-ended",
        "chart-money-0",
        "chart-money-1",
        "chart-stripe-0",
        "chart-stripe-1",
        "chart-transactions",
    ]
    assert len([e for e in page.found if e["tag"] == "svg" and e.get("class") == "main-svg"]) >= len(drawn)


def test_a_source_without_data_says_so_and_shows_no_zero(client, config, tmp_path):
    build(client, stripe=False)
    path = build_report(client, config, WINDOW, "nightly:1", tmp_path / "report.html")
    page = Elements(path.read_text(encoding="utf-8"))
    assert page.one(id="stripe")["text"].endswith(
        "No data from this source. No balance transaction, charge or dispute in this window (stripe)."
    )
    assert page.one(id="tile-stripe")["text"] == "Stripe net no data from this source"
    assert page.where(data_kpi="stripe_net") == []


def test_a_mart_that_does_not_exist_yet_is_named_and_the_rest_is_there(client, config, tmp_path):
    build(client)
    client.delete_table("escrow-warehouse.marts.matches_daily")
    path = build_report(client, config, WINDOW, "nightly:1", tmp_path / "report.html")
    page = Elements(path.read_text(encoding="utf-8"))
    assert "matches_daily" in page.one(id="missing-marts")["text"]
    assert page.one(id="tile-matches")["text"] == "Matches no data from this source"
    assert len(page.where(data_kpi="fee_revenue")) == 4


def test_an_empty_warehouse_is_a_page_without_figures(ops, client, config, tmp_path):
    for mart in MARTS:
        client.delete_table(f"escrow-warehouse.{mart}", not_found_ok=True)
    path = build_report(ops, config, WINDOW, "nightly:1", tmp_path / "report.html")
    page = Elements(path.read_text(encoding="utf-8"))
    assert page.one(id="verdict")["data-kind"] == "idle"
    assert [e["data-value"] for e in page.found if "data-kpi" in e] == ["0", "0", "0"]
    assert page.one(id="escrow")["text"].endswith(
        "No data from this source. No vault could be reconciled in this window (solana)."
    )
