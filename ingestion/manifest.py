"""ops.objects and ops.object_attempts: what was landed and loaded, and each step that an object took."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from google.cloud import bigquery

from ingestion.base import Context, LandedObject
from ingestion.landing import slice_of
from ingestion.staging import Scratch
from ingestion.tables import OPS, table_schema
from warehouse.window import Window, format_instant

Parameter = bigquery.ScalarQueryParameter
_OF_OBJECTS = ("objects", "object_attempts")


@dataclass(frozen=True)
class Newest:
    """The newest object of a slice."""

    uri: str
    generation: int
    sha256: str
    origin_version: str


def objects_in_state(client: bigquery.Client, source: str, state: str) -> list[LandedObject]:
    """Objects of a source in a state, oldest landing first, with what they leave stale."""
    rows = _run(
        client,
        """
        select
            o.*,
            r.event_dates as replaced_dates,
            r.raw_tables as replaced_tables
        from ops.objects as o
        left join ops.objects as r on o.replaces = r.uri and r.source = @source
        where o.source = @source and o.state = @state
        order by o.landed_at, o.uri
        """,
        [Parameter("source", "STRING", source), Parameter("state", "STRING", state)],
    )
    return [_landed(row) for row in rows]


def newest_generations(client: bigquery.Client, source: str, slices: Sequence[str]) -> dict[str, Newest]:
    """Slice -> its newest object, for the slices that have one."""
    rows = _run(
        client,
        """
        select slice, uri, generation, sha256, origin_version
        from ops.objects
        where source = @source and slice in unnest(@slices)
        order by generation
        """,
        [Parameter("source", "STRING", source), bigquery.ArrayQueryParameter("slices", "STRING", slices)],
    )
    return {
        row["slice"]: Newest(row["uri"], row["generation"], row["sha256"], row["origin_version"] or "") for row in rows
    }


def objects_with_content(
    client: bigquery.Client, source: str, hashes: Sequence[str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """(dataset, content_sha256) -> (uri, slice) of the first object landed with that content that still counts."""
    rows = _run(
        client,
        """
        select dataset, content_sha256, uri, slice
        from ops.objects
        where
            source = @source
            and duplicate_of is null
            and content_sha256 in unnest(@hashes)
            and uri not in (select replaces from ops.objects where source = @source and replaces is not null)
        order by landed_at desc, uri desc
        """,
        [Parameter("source", "STRING", source), bigquery.ArrayQueryParameter("hashes", "STRING", hashes)],
    )
    return {(row["dataset"], row["content_sha256"]): (row["uri"], row["slice"]) for row in rows}


def manifest_row(landed: LandedObject) -> dict[str, Any]:
    """The object's row in ops.objects when it has just been landed."""
    return {
        "uri": landed.uri,
        "slice": slice_of(landed.uri),
        "source": landed.source,
        "dataset": landed.dataset,
        "origin_uri": landed.origin_uri,
        "origin_version": landed.origin_version,
        "window_start": format_instant(landed.window.start),
        "window_end": format_instant(landed.window.end),
        "generation": landed.generation,
        "size_bytes": landed.size_bytes,
        "sha256": landed.sha256,
        "content_sha256": landed.content_sha256,
        "replaces": landed.replaces,
        "duplicate_of": landed.duplicate_of,
        "state": "landed" if landed.duplicate_of is None else "duplicate",
        "rows_loaded": 0,
        "rows_quarantined": 0,
        "event_dates": "[]",
        "raw_tables": "[]",
        "landed_at": format_instant(landed.landed_at),
        "loaded_at": None,
        "modelled_at": None,
    }


def seen_again(client: bigquery.Client, uri: str, version: str) -> None:
    """Note that the bucket's object was written again with the content that `uri` has, so that it isn't read again."""
    _run(
        client,
        "update ops.objects set origin_version = @version where uri = @uri",
        [Parameter("version", "STRING", version), Parameter("uri", "STRING", uri)],
    )


@dataclass(frozen=True)
class Transition:
    """One attempt to bring one object a step further: discovered, landed or loaded; ok, failed, unchanged, ..."""

    source: str
    dataset: str
    origin_uri: str
    uri: str | None
    step: str
    outcome: str
    detail: str = ""

    def row(self, attempt_id: str, noted_at: datetime) -> dict[str, Any]:
        """Its row in ops.object_attempts. `detail` is one line and must hold no secret."""
        own = asdict(self) | {"detail": self.detail[:1000]}
        return own | {"attempt_id": attempt_id, "noted_at": format_instant(noted_at)}


def record_landed(landed: Sequence[LandedObject], outcomes: Sequence[Transition], ctx: Context) -> None:
    """Add objects and the outcome rows of bringing them here, in one transaction; objects that are known stay."""
    now = datetime.now(UTC)
    columns = {name: ", ".join(column.name for column in table_schema(name, OPS)) for name in _OF_OBJECTS}
    statements = ["begin transaction;"]
    with Scratch(ctx.client, ctx.filesystem, ctx.config.staging, f"{uuid.uuid4().hex}_landed") as scratch:
        if landed:
            table = scratch.load_rows("objects", map(manifest_row, landed), table_schema("objects", OPS))
            statements.append(
                f"insert into ops.objects ({columns['objects']}) select {columns['objects']} from {table} "
                "where uri not in (select uri from ops.objects);"
            )
            # A repeat is never loaded, so what it replaces is put aside here; its partitions are built again.
            statements.append(
                "update ops.objects as held set superseded_by = l.uri, modelled_at = null "
                f"from {table} as l where l.duplicate_of is not null and held.uri = l.replaces;"
            )
        if outcomes:
            rows = (outcome.row(ctx.attempt_id, now) for outcome in outcomes)
            table = scratch.load_rows("attempts", rows, table_schema("object_attempts", OPS))
            names = columns["object_attempts"]
            statements.append(f"insert into ops.object_attempts ({names}) select {names} from {table};")
        if len(statements) > 1:
            ctx.client.query("\n".join([*statements, "commit transaction;"])).result()


def record_transitions(outcomes: Sequence[Transition], ctx: Context) -> None:
    """Add outcome rows alone."""
    record_landed([], outcomes, ctx)


def _landed(row: Any) -> LandedObject:
    return LandedObject(
        uri=row["uri"],
        source=row["source"],
        dataset=row["dataset"],
        origin_uri=row["origin_uri"],
        window=Window(row["window_start"], row["window_end"]),
        generation=row["generation"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        landed_at=row["landed_at"],
        content_sha256=row["content_sha256"],
        origin_version=row["origin_version"] or "",
        replaces=row["replaces"],
        duplicate_of=row["duplicate_of"],
        stale_dates=frozenset(json.loads(row["event_dates"]) + json.loads(row["replaced_dates"] or "[]")),
        stale_tables=frozenset(json.loads(row["raw_tables"]) + json.loads(row["replaced_tables"] or "[]")),
    )


def _run(
    client: bigquery.Client, sql: str, parameters: Iterable[Parameter | bigquery.ArrayQueryParameter]
) -> list[Any]:
    job = client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=list(parameters)))
    return list(job.result())
