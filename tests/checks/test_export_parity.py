"""The rule over Firebase's exports: what was lost, what was doubled, and exports that nobody compared."""

from __future__ import annotations

from typing import Any

import pytest
from marts import MARTS
from tables import insert

from expectations.rules import load_rules
from expectations.run import evaluate

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

[RULE] = [rule for rule in load_rules() if rule.name == "export_parity"]
LOADED = {
    "source": "firebase",
    "dataset": "auth_export",
    "state": "loaded",
    "rows_loaded": "5",
    "rows_quarantined": "0",
    "window_start": "2026-10-05T00:00:00Z",
    "window_end": "2026-10-06T00:00:00Z",
}


def compared(kind: str, subject: str, collection: str = "", missing: int = 0, surplus: int = 0) -> dict[str, Any]:
    dataset = "auth_export" if kind == "records" else "managed_export"
    row = {"kind": kind, "subject": subject, "dataset": dataset, "collection": collection, "expected": 9}
    row |= {"found": 9 - missing + surplus, "quarantined": 0, "missing": missing, "surplus": surplus}
    return {key: str(value) for key, value in (row | {"generation": 1, "export_date": "2026-10-05"}).items()}


@pytest.fixture
def check(ops, fill, window, config, clock):
    def run(*rows: dict[str, Any], objects: list[dict[str, Any]] | None = None):
        fill(RULE.mart, MARTS[RULE.mart], rows)
        insert(ops, "ops.objects", [LOADED] if objects is None else objects)
        (result,) = evaluate([RULE], window, config, ops, "run-1", clock)
        return result

    return run


def test_exports_that_were_loaded_whole_pass(check):
    result = check(compared("records", "a"), compared("export", "x"), compared("documents", "x", "matches"))
    assert (result.outcome, result.error) == ("passed", None)


def test_what_is_missing_or_too_much_is_told_by_kind_and_collection(check):
    result = check(
        compared("records", "a", missing=2),
        compared("records", "b", surplus=3),
        compared("records", "c"),
        compared("documents", "x", "matches", missing=1, surplus=4),
        compared("documents", "x", "ledger"),
    )
    assert (result.outcome, result.severity) == ("failed", "high")
    told = {row.labels["kind"]: row for row in result.rows}
    assert told["records"].summary == "2 records of auth_export missing and 3 too many in 2 objects, the worst b"
    assert told["records"].figures["newest_date"] == "2026-10-05"
    assert told["documents"].labels["collection"] == "matches"
    assert told["documents"].summary == (
        "The managed export x and the change tracker differ in matches: 1 document only in the export, 4 only tracked"
    )
    assert (told["records"].figures["worst_expected"], told["records"].figures["worst_found"]) == (9, 12)


def test_objects_that_nobody_compared_are_an_error_and_no_objects_are_none(check):
    assert check(compared("export", "x")).outcome == "error"
    assert check(objects=[]).outcome == "error"  # the object of the last check is still there


def test_a_platform_without_firebase_exports_has_nothing_to_compare(check):
    assert check(objects=[]).outcome == "passed"
