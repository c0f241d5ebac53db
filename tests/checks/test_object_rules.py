"""The rules over the manifest: rewritten objects and changed schemas, in and out of the window."""

from __future__ import annotations

from datetime import timedelta

import pytest
from checks_data import START
from tables import insert

from expectations.rules import load_rules
from expectations.run import evaluate
from warehouse.window import format_instant

pytestmark = pytest.mark.xdist_group("checks")  # they share one embedded warehouse

RULES = {rule.name: rule for rule in load_rules()}


@pytest.fixture
def check(ops, window, config, clock):
    def run(name: str):
        (result,) = evaluate([RULES[name]], window, config, ops, "run-1", clock)
        return result

    return run


def an_object(uri: str, days: int, **more) -> dict:
    """An object landed for the day that lies `days` after the window's."""
    begin = START + timedelta(days=days)
    return {
        "uri": uri,
        "source": "cloudflare",
        "dataset": "http_requests",
        "origin_uri": f"gs://logs/{uri}",
        "window_start": format_instant(begin),
        "window_end": format_instant(begin + timedelta(days=1)),
        "landed_at": format_instant(begin + timedelta(days=1, minutes=5)),
        **more,
    }


@pytest.mark.parametrize("rule", ["object_rewritten", "schema_changed"])
def test_without_an_object_of_the_window_nothing_is_judged(check, ops, rule):
    insert(ops, "ops.objects", [an_object("old", -1), an_object("next", 1)])
    assert check(rule).outcome == "error"


def test_a_rewritten_object_is_told_for_seven_days(check, ops):
    insert(ops, "ops.objects", [an_object("a.1", -7), an_object("b.1", 0), an_object("a.2", -8, replaces="a.1")])
    assert check("object_rewritten").outcome == "passed"
    insert(ops, "ops.objects", [an_object("a.3", -7, replaces="a.2"), an_object("b.2", 0, replaces="b.1")])
    (row,) = check("object_rewritten").rows
    assert row.labels == {"source": "cloudflare", "dataset": "http_requests"}
    assert row.summary == (
        "2 objects of cloudflare (http_requests) were rewritten with other content, the newest gs://logs/b.2"
    )
    assert (row.figures["kept_as"], row.figures["kept_before"]) == ("b.2", "b.1")


def test_a_changed_schema_is_told_for_the_windows_objects_by_field(check, ops):
    insert(ops, "ops.objects", [an_object("old", -1), an_object("a", 0), an_object("b", 0)])

    def change(uri: str, field: str, kind: str, records: int) -> dict:
        own = {"source": "cloudflare", "dataset": "http_requests", "field": field, "change": kind}
        return own | {"json_type": "string" if kind == "new_field" else None, "records": records, "_object_uri": uri}

    insert(ops, "ops.schema_changes", [change("old", "Gone", "new_field", 5)])
    assert check("schema_changed").outcome == "passed"
    rows = [("a", "Fresh", "new_field", 2), ("b", "Fresh", "new_field", 3), ("b", "Status", "changed_type", 1)]
    insert(ops, "ops.schema_changes", [change(*row) for row in rows])
    result = check("schema_changed")
    assert result.severity == "low"
    assert sorted(row.summary for row in result.rows) == [
        "cloudflare (http_requests) sends another type than documented in Status in 1 record",
        "cloudflare (http_requests) sends the unknown field Fresh in 5 records",
    ]
