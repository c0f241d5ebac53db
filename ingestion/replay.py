"""What is in quarantine, and reading its objects again after a fix: the object's rows are replaced as by any load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.cloud import bigquery

from ingestion.base import Context
from ingestion.landing import slice_of
from ingestion.load import load_pending
from ingestion.sources import NAMES, source

Parameter = bigquery.ScalarQueryParameter


@dataclass(frozen=True)
class Selection:
    """Which quarantine rows: every part that is given must fit. `row` is a quarantine id or its beginning."""

    source: str | None = None
    dataset: str | None = None
    code: str | None = None
    object_uri: str | None = None
    row: str | None = None

    def where(self) -> tuple[str, list[Parameter]]:
        """Condition and its parameters."""
        parts = {
            "source": self.source,
            "dataset": self.dataset,
            "reason_code": self.code,
            "_object_uri": self.object_uri,
        }
        given = {column: value for column, value in parts.items() if value is not None}
        conditions = [f"{column} = @{column.strip('_')}" for column in given]
        parameters = [Parameter(column.strip("_"), "STRING", value) for column, value in given.items()]
        if self.row is not None:
            conditions.append("starts_with(quarantine_id, @row)")
            parameters.append(Parameter("row", "STRING", self.row))
        return " and ".join(conditions) or "true", parameters


@dataclass(frozen=True)
class Replayed:
    """What reading objects again did: rows in quarantine of these objects before and after."""

    objects: int
    before: int
    after: int


def groups(ctx: Context, chosen: Selection) -> list[Mapping[str, Any]]:
    """Counts by source, dataset and reason code, most rows first."""
    where, parameters = chosen.where()
    return ctx.query(
        f"""
        select
            source, dataset, reason_code, count(*) as quarantined, count(distinct _object_uri) as objects,
            min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at, min(quarantine_id) as example
        from raw.quarantine
        where {where}
        group by source, dataset, reason_code
        order by quarantined desc, source, dataset, reason_code
        """,
        parameters,
    )


def rows(ctx: Context, chosen: Selection, limit: int) -> list[Mapping[str, Any]]:
    """Quarantine rows as the table holds them, in order of object and line."""
    where, parameters = chosen.where()
    return ctx.query(
        f"select * from raw.quarantine where {where} order by _object_uri, _line, position limit {limit}", parameters
    )


def original(ctx: Context, row: Mapping[str, Any]) -> bytes:
    """The original bytes of a row. Raises WrongKey."""
    return ctx.sealer.open(row["raw_sealed"] or "", row["quarantine_id"])


def replay(ctx: Context, chosen: Selection) -> Replayed:
    """Read every object again that has a chosen row. Safe to kill: what is marked is loaded by any run."""
    where, parameters = chosen.where()
    uris = [
        row["_object_uri"]
        for row in ctx.query(f"select distinct _object_uri from raw.quarantine where {where} order by 1", parameters)
    ]
    before = _quarantined(ctx, uris)
    ctx.client.query(
        "update ops.objects set state = 'landed' where state = 'loaded' and uri in unnest(@uris)",
        job_config=bigquery.QueryJobConfig(query_parameters=[bigquery.ArrayQueryParameter("uris", "STRING", uris)]),
    ).result()
    for name in NAMES:
        if any(slice_of(uri).startswith(f"{ctx.config.landing.rstrip('/')}/{name}/") for uri in uris):
            load_pending(source(name), ctx)
    return Replayed(len(uris), before, _quarantined(ctx, uris))


def _quarantined(ctx: Context, uris: list[str]) -> int:
    parameter = bigquery.ArrayQueryParameter("uris", "STRING", uris)
    [row] = ctx.query("select count(*) as n from raw.quarantine where _object_uri in unnest(@uris)", [parameter])
    return row["n"]
