"""Documents, managed exports and Logpush objects of October 2026, as rows of raw tables and of the manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dbt_world import row

DOCUMENTS = "projects/p/databases/(default)/documents"
IMPORTED = datetime(1970, 1, 1, tzinfo=UTC)


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, second, tzinfo=UTC)


def change(name: str, when: datetime, operation: str = "CREATE") -> dict[str, Any]:
    """A document's change as the tracker writes it; an import has no event id."""
    return row(
        when, f"firestore/{name}{operation}", timestamp=when.isoformat(), document_id=name, collection="matches",
        event_id="" if operation == "IMPORT" else f"{name}{operation}", operation=operation, data="{}",
        document_name=f"{DOCUMENTS}/matches/{name}",
    )  # fmt: skip


def export(began: datetime, ended: datetime, *names: str) -> dict[str, list[dict[str, Any]]]:
    """A managed export of the day that it begins on: its metadata and its documents, in one file."""
    uri, output = f"gs://b/{began:%d%H%M}", f"output/{began:%d%H%M}"
    written = {"export_uri": uri, "documents": len(names), "size_bytes": 10}
    return {
        "raw.firestore_export_metadata": [
            row(began, uri, **written, kind="overall", file="all"),
            row(began, uri, **written, kind="part", file="part", started_at=began.isoformat(),
                ended_at=ended.isoformat()),
        ],
        "raw.firestore_export_documents": [
            row(began, output, export_uri=uri, exported_at=began.isoformat(), document_id=name, collection="matches",
                document_name=f"{DOCUMENTS}/matches/{name}", data="{}")
            for name in names
        ],
        "ops.objects": [
            manifest_row(output, "firebase", "managed_export", f"{uri}/all_namespaces/kind_matches/output-0")
            | {"rows_loaded": len(names)}
        ],
    }  # fmt: skip


def manifest_row(uri: str, source: str, dataset: str, origin: str) -> dict[str, Any]:
    return {"uri": uri, "source": source, "dataset": dataset, "state": "loaded", "origin_uri": origin, "rows_loaded": 1}


def requests(start: str, end: str) -> dict[str, Any]:
    return manifest_row(
        f"landed/{start}", "cloudflare", "http_requests", f"gs://b/202610{start}Z_202610{end}Z_0a.log.gz"
    )
