"""The rules over the chain's proof, coverage, disagreements and pending transactions, with one fault each."""

from __future__ import annotations

import pytest
from checks_data import SKILL, SKILL_VAULT, USDC, VAULT
from marts import MARTS

from expectations.rules import load_rules
from expectations.run import evaluate

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

RULES = {rule.name: rule for rule in load_rules()}
NAMES = ("missing_transaction", "provider_disagreement", "pending_stale", "coverage_gap")
THIS = {"window_start": "2026-10-05T00:00:00Z", "window_end": "2026-10-06T00:00:00Z"}
BEFORE = {"window_start": "2026-10-04T00:00:00Z", "window_end": "2026-10-05T00:00:00Z"}


def texts(row: dict) -> dict:
    return {key: None if value is None else str(value) for key, value in row.items()}


def proof(account: str, **change) -> dict:
    return texts({"account": account, "account_kind": "vault", "kind": "token", "result": "proved", **THIS, **change})


@pytest.fixture
def addresses(config) -> list[str]:
    return sorted(config.own.own_addresses())


def interval(address: str, **change) -> dict:
    known = {"from_slot": 0, "to_slot": 100, "from_time": None, "to_time": "2026-10-06T00:00:00Z"}
    return texts({"address": address, **known, **change})


@pytest.fixture
def check(ops, fill, window, config, clock, addresses):
    """Evaluates a rule over its mart's rows; the chain is proved and covered unless rows say otherwise."""

    def run(name: str, rows: list[dict] = (), proofs=None, coverage=None, configured=config):
        proofs = [proof(VAULT), proof(SKILL_VAULT)] if proofs is None else proofs
        coverage = [interval(address) for address in addresses] if coverage is None else coverage
        tables = {"marts.chain_continuity": proofs, "marts.chain_coverage": coverage}
        if RULES[name].mart not in tables:
            tables[RULES[name].mart] = rows
        for mart, present in tables.items():
            fill(mart, MARTS[mart], present)
        (result,) = evaluate([RULES[name]], window, configured, ops, "run-1", clock)
        return result

    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_history_passes(check, name):
    result = check(name)
    assert (result.outcome, result.error) == ("passed", None)


@pytest.mark.parametrize("name", NAMES)
def test_a_chain_that_nobody_read_is_an_error(check, name):
    result = check(name, proofs=[], coverage=[])
    assert (result.outcome, result.error) == ("error", f"{RULES[name].mart} has no rows to judge for this window")


@pytest.mark.parametrize("name", NAMES)
def test_a_chain_that_was_read_only_before_the_window_is_an_error(check, name, addresses):
    old = [interval(address, to_time="2026-10-05T00:00:00Z") for address in addresses]
    result = check(name, proofs=[proof(VAULT, **BEFORE), proof(SKILL_VAULT, **BEFORE)], coverage=old)
    assert result.outcome == "error"


def test_one_vault_unproved_or_one_address_uncovered_is_an_error(check, addresses):
    lamports = proof(SKILL_VAULT, kind="native")
    assert check("missing_transaction", proofs=[proof(VAULT), lamports]).outcome == "error"
    for name in NAMES[1:]:
        assert check(name, coverage=[interval(address) for address in addresses[1:]]).outcome == "error", name


@pytest.mark.parametrize("name", NAMES)
def test_a_platform_whose_chain_is_not_watched_has_nothing_to_prove(check, name, config):
    solana = config.sources.solana.model_copy(update={"enabled": False})
    sources = config.sources.model_copy(update={"solana": solana})
    off = config.model_copy(update={"sources": sources, "platform": "openbook_v2"})
    assert check(name, proofs=[], coverage=[], configured=off).outcome == "passed"


def test_a_program_alone_needs_coverage_and_no_proof(check, config):
    bare = config.model_copy(update={"platform": "openbook_v2"})
    program = [interval(bare.own.program_id)]
    for name in NAMES:
        assert check(name, proofs=[], coverage=program, configured=bare).outcome == "passed", name
    assert check("coverage_gap", coverage=[], configured=bare).outcome == "error"


def break_row(account: str = VAULT, **change) -> dict:
    row = {
        "break_id": f"{account}:token:s1:s2",
        "account": account,
        "account_kind": "vault",
        "kind": "token",
        "mint": USDC,
        "decimals": 6,
        "after_signature": "s1",
        "after_slot": 10,
        "before_signature": "s2",
        "before_slot": 20,
        "expected_amount": 5_000_000,
        "found_amount": 3_500_000,
        "amount": -1_500_000,
        "found_at": "2026-11-01T00:00:00Z",
        "proofs_listing": 1,
        "state": "open",
    }
    return texts({**row, **change})


def test_a_missing_transaction_names_account_signatures_and_amount(check):
    (row,) = check("missing_transaction", [break_row()]).rows
    assert row.labels == {"account": VAULT, "kind": "token"}
    assert row.figures == {
        "account_kind": "vault",
        "mint": USDC,
        "decimals": 6,
        "after_signature": "s1",
        "after_slot": 10,
        "before_signature": "s2",
        "before_slot": 20,
        "expected_amount": "5000000",
        "found_amount": "3500000",
        "amount": "-1500000",
        "breaks": 1,
        "found_at": "2026-11-01T00:00:00Z",
    }
    assert row.summary == (
        f"A transaction of vault {VAULT} is missing between s1 and s2 (slots 10 to 20): "
        "it moves -1.500000 USDC (-1500000 base units), 6 decimals"
    )


def test_a_repaired_break_is_over(check):
    repaired = break_row(state="repaired", repaired_at="2026-11-02T00:00:00Z")
    assert check("missing_transaction", [repaired]).outcome == "passed"


def test_several_breaks_of_an_account_are_one_alert_and_each_kind_is_its_own(check):
    beginning = {"after_signature": None, "after_slot": None, "before_slot": 9}
    end = {"break_id": "e", "before_signature": None, "before_slot": 30, "kind": "native", "mint": None, "decimals": 9}
    rows = [
        break_row(SKILL_VAULT, mint=SKILL, decimals=9),
        break_row(SKILL_VAULT, mint=SKILL, decimals=9, break_id="b", amount=10**19 + 1, **beginning),
        break_row(SKILL_VAULT, amount=-5000, **end),
    ]
    native, token = check("missing_transaction", rows).rows
    assert (native.labels["kind"], token.labels["kind"]) == ("native", "token")
    assert token.summary == (
        f"A transaction of vault {SKILL_VAULT} is missing between the beginning and s2 (slots 0 to 9): "
        "it moves 10000000000.000000001 SKILL (10000000000000000001 base units), 9 decimals; 1 more open"
    )
    assert native.summary == (
        f"A transaction of vault {SKILL_VAULT} is missing between s1 and the reported balance (slots 10 to 30): "
        "it moves -5000 lamports, 9 decimals"
    )


def omission(provider: str = "alpha", **change) -> dict:
    row = {
        "disagreement_date": "2026-10-05",
        "provider": provider,
        "signatures": 2,
        "listing_omissions": 1,
        "transaction_omissions": 1,
        "found_by_proof": 1,
        "example_signature": "s7",
        "example_held_by": "beta",
        "newest_slot": 70,
        "first_found_at": "2026-11-01T00:00:00Z",
        "last_found_at": "2026-11-01T00:01:00Z",
        **THIS,
    }
    return texts({**row, **change})


def test_a_provider_that_leaves_something_out_is_named_with_an_example(check):
    later = {"disagreement_date": "2026-10-04", "example_signature": "s8", "newest_slot": 60, "signatures": 1}
    rows = [omission(), omission(**later, transaction_omissions=0), omission("beta", **BEFORE)]
    (row,) = check("provider_disagreement", rows).rows
    assert row.labels == {"provider": "alpha"}
    assert row.figures == {
        "signatures": 3,
        "listing_omissions": 2,
        "transaction_omissions": 1,
        "found_by_proof": 2,
        "example_signature": "s7",
        "held_by": "beta",
        "last_found_at": "2026-11-01T00:01:00Z",
    }
    assert row.summary == (
        "RPC provider alpha left out 3 transactions that others have (2 in listings, 1 answered with null), "
        "for example s7, which beta has"
    )


def pending(signature: str = "s9", **change) -> dict:
    row = {
        "signature": signature,
        "state": "pending",
        "block_date": "2026-10-05",
        "slot": 90,
        "block_time": "2026-10-05T23:40:00Z",
        "addresses": VAULT,
        "confirmation_status": "confirmed",
        "sightings": 2,
        "first_seen_at": "2026-10-05T23:40:10Z",
        "last_seen_at": "2026-10-05T23:50:00Z",
        "as_of_time": "2026-10-05T23:50:00Z",
        "age_minutes": 10,
    }
    return texts({**row, **change})


@pytest.mark.parametrize(("minutes", "expected"), [(9, []), (10, ["s9"])])
def test_a_pending_transaction_is_stale_at_the_threshold(check, minutes, expected):
    result = check("pending_stale", [pending(age_minutes=minutes)])
    assert result.error is None
    assert [row.labels["signature"] for row in result.rows] == expected


def test_the_threshold_is_configured_and_what_has_ended_is_not_stale(check, config):
    longer = config.model_copy(update={"thresholds": config.thresholds.model_copy(update={"pending_minutes": 11})})
    assert check("pending_stale", [pending()], configured=longer).outcome == "passed"
    ended = [pending("f", state="finalized"), pending("d", state="dropped")]
    assert check("pending_stale", ended).outcome == "passed"
    (row,) = check("pending_stale", [*ended, pending()]).rows
    assert row.summary == f"Transaction s9 of {VAULT} is confirmed and not final after 10 minutes (slot 90)"


def test_a_hole_in_the_coverage_names_its_slots_and_times(check, addresses):
    whole = [interval(address) for address in addresses[1:]]
    above = {"from_slot": 103, "to_slot": 200, "from_time": "2026-10-05T10:01:00Z", "gap_before_slots": 2}
    highest = {"from_slot": 300, "to_slot": 400, "from_time": "2026-10-05T12:00:00Z", "gap_before_slots": 99}
    holes = [
        interval(addresses[0], to_time="2026-10-05T10:00:00Z"),
        interval(addresses[0], **highest, gap_from_time="2026-10-05T11:00:00Z"),
        interval(addresses[0], **above, gap_from_time="2026-10-05T10:00:00Z"),
    ]
    (row,) = check("coverage_gap", coverage=[*whole, *holes]).rows
    assert row.labels == {"address": addresses[0]}
    assert row.summary == (
        f"Address {addresses[0]} is not covered in slots 101 to 102 (2026-10-05 10:00 to 2026-10-05 10:01 UTC): "
        "2 holes, 101 slots in all"
    )
    assert (row.figures["gap_from_slot"], row.figures["gap_to_slot"], row.figures["missing_slots"]) == (101, 102, 101)


def test_a_history_that_begins_in_the_middle_is_no_hole(check, addresses):
    assert check("coverage_gap", coverage=[interval(a, from_slot=50) for a in addresses]).outcome == "passed"
