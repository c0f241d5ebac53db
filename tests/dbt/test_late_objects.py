"""Objects that come days late and change what was known of the days after theirs: exports compared, log gaps judged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from dbt_world import row

pytestmark = pytest.mark.xdist_group("dbt_project")
MODELS = ["--select", "+logpush_gaps", "+int_firestore__export_collections"]
EXPORTS, COVERAGE = "intermediate.int_firestore__export_collections", "intermediate.int_cloudflare__coverage"
GAPS = "marts.logpush_gaps"
FOUND = (EXPORTS, COVERAGE, GAPS)
DOCUMENTS = "projects/p/databases/(default)/documents"
EXPORT = "gs://b/export"


def settings(day: int, touched: list[int]) -> dict[str, Any]:
    """Variables of the night of a day of October, with new rows on other days."""
    return {
        "window_start": f"2026-10-{day:02}T00:00:00Z",
        "window_end": f"2026-10-{day + 1:02}T00:00:00Z",
        "partitions": [f"2026-10-{n:02}" for n in touched],
        "balance_partitions": [f"2026-10-{n:02}" for n in range(touched[0], day + 1)],
    }


def created(name: str, when: datetime) -> dict[str, Any]:
    return row(
        when, f"firestore/{name}", timestamp=when.isoformat(), event_id=name, document_id=name, collection="matches",
        document_name=f"{DOCUMENTS}/matches/{name}", operation="CREATE", data="{}",
    )  # fmt: skip


def manifest_row(uri: str, source: str, dataset: str, origin: str) -> dict[str, Any]:
    return {"uri": uri, "source": source, "dataset": dataset, "state": "loaded", "origin_uri": origin, "rows_loaded": 1}


def requests(start: str, end: str) -> dict[str, Any]:
    return manifest_row(
        f"landed/{start}", "cloudflare", "http_requests", f"gs://b/202610{start}Z_202610{end}Z_0a.log.gz"
    )


@pytest.fixture(scope="module")
def nights(load: Callable, dbt: Callable, table: Callable) -> list[dict[str, list[dict[str, Any]]]]:
    """The tables after the night of the 8th, after that of the 9th, which brings what is late, and built in full."""
    began, ended = (datetime(2026, 10, 8, 3, minute, tzinfo=UTC) for minute in (0, 1))
    written = {"export_uri": EXPORT, "documents": 1, "size_bytes": 10}
    load({
        "raw.firestore_changelog": [created("m1", datetime(2026, 10, 7, 12, tzinfo=UTC))],
        "raw.firestore_export_metadata": [
            row(began, "export", **written, kind="overall", file="all"),
            row(began, "export", **written, kind="part", file="part", started_at=began.isoformat(),
                ended_at=ended.isoformat()),
        ],
        "raw.firestore_export_documents": [
            row(began, "output", export_uri=EXPORT, exported_at=began.isoformat(), document_id="m1",
                document_name=f"{DOCUMENTS}/matches/m1", collection="matches", data="{}"),
        ],
        "ops.objects": [
            manifest_row("output", "firebase", "managed_export", f"{EXPORT}/all_namespaces/kind_matches/output-0"),
            requests("08T000000", "09T000000"),
        ],
    })  # fmt: skip
    seen = []
    dbt(["run", *MODELS], settings(8, [7, 8]))
    seen.append({name: table(name) for name in FOUND})
    load({
        "raw.firestore_changelog": [created("m2", datetime(2026, 10, 5, 9, tzinfo=UTC))],
        "ops.objects": [requests("05T000000", "06T001000"), requests("09T000000", "10T000000")],
    })  # fmt: skip
    dbt(["run", *MODELS], settings(9, [5, 9]))
    seen.append({name: table(name) for name in FOUND})
    dbt(["run", "--full-refresh", *MODELS], settings(9, [5, 6, 7, 8, 9]))
    seen.append({name: table(name) for name in FOUND})
    return seen


def test_an_export_is_compared_again_when_an_earlier_change_comes_late(nights: list[dict]) -> None:
    names = ("exported", "tracked", "only_exported", "only_tracked")
    figures = [[tuple(row[name] for name in names) for row in night[EXPORTS]] for night in nights]
    assert figures == [[(1, 1, 0, 0)], [(1, 2, 0, 1)], [(1, 2, 0, 1)]]


def test_days_after_a_late_first_object_are_judged_again_and_it_vouches_over_midnight(nights: list[dict]) -> None:
    gaps = [[(row["gap_date"], f"{row['gap_from']:%H:%M}", row["minutes"]) for row in night[GAPS]] for night in nights]
    late = [(date(2026, 10, 6), "00:10", 1430), (date(2026, 10, 7), "00:00", 1440)]
    assert gaps == [[], late, late]


@pytest.mark.parametrize("name", FOUND)
def test_late_objects_end_as_a_full_refresh(nights: list[dict], name: str) -> None:
    assert nights[1][name] == nights[2][name] != []
