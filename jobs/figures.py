"""What a mart's figures were, and when: a row of ops.figures each time that those of an ended period change.

A figure is first known when its period has ended and was built; every later change is a restatement. Rows are added and
never changed, so what was known on a date stays known: the newest row of a key up to that date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from google.cloud import bigquery

from reporting.contracts import Contract
from warehouse.window import format_instant

_HOURS = {"_hourly": 1, "_daily": 24}
"""Hours of a period by the ending of the mart's name. Five-minute figures aren't followed: the hour's tell the same."""
_AS_OF = ("as_of_slot", "as_of_time")
MARTS_A_STATEMENT = 16
"""How many marts one statement compares: few statements, each of a size that BigQuery plans without trouble."""


@dataclass(frozen=True)
class Followed:
    """A mart whose figures are followed.

    `columns`: the figures, name -> type. `is_whole`: any period may change in any build (the mart is built whole).
    """

    name: str
    period: str
    period_type: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    hours: int
    is_whole: bool


def followed_marts(marts: Iterable[Contract]) -> list[Followed]:
    """Those that state a key and a period and have a grain of hours or days."""
    found = []
    for mart in marts:
        hours = next((hours for ending, hours in _HOURS.items() if mart.name.endswith(ending)), None)
        if hours is None or "period" not in mart.meta or mart.meta.get("followed") is False:
            continue
        left_out = {*mart.key, *_AS_OF, *mart.meta.get("not_followed", [])}
        found.append(
            Followed(
                mart.name,
                mart.meta["period"],
                mart.types[mart.meta["period"]],
                mart.key,
                {name: kind for name, kind in mart.types.items() if name not in left_out},
                hours,
                is_whole=hours == 24 or mart.meta.get("rebuilt") == "whole",
            )
        )
    return found


@dataclass(frozen=True)
class Build:
    """A build of the models: `cause` of the changes that it brings, `detail` of what it took in."""

    run_id: str
    known_at: datetime
    cause: str
    detail: str


def record_figures(
    client: bigquery.Client, marts: Sequence[Followed], days: Sequence[date], covered_until: datetime, build: Build
) -> int:
    """Add what is new or different in the marts to ops.figures; returns the number of rows added.

    `days`: partitions that were built; of a mart by hours all days from the first to the last are looked at, of one by
    days the whole. `covered_until`: periods that end later are still filling.
    """
    scalar = bigquery.ScalarQueryParameter
    parameters = [
        scalar("run_id", "STRING", build.run_id),
        scalar("known_at", "TIMESTAMP", build.known_at),
        scalar("cause", "STRING", build.cause),
        scalar("detail", "STRING", build.detail),
    ]
    added = 0
    for is_whole in (True, False):
        group = [mart for mart in marts if mart.is_whole == is_whole]
        for at in range(0, len(group), MARTS_A_STATEMENT):
            job = client.query(
                _statement(group[at : at + MARTS_A_STATEMENT], None if is_whole else days, covered_until),
                job_config=bigquery.QueryJobConfig(query_parameters=parameters),
            )
            job.result()
            added += job.num_dml_affected_rows or 0
    return added


def _statement(marts: Sequence[Followed], days: Sequence[date] | None, covered_until: datetime) -> str:
    """Compares several marts at once: an engine that keeps a copy of the table for each statement keeps few."""
    names = ", ".join(f"'{mart.name}'" for mart in marts)
    span = f" and period_date between date '{min(days)}' and date '{max(days)}'" if days else ""
    return f"""
        insert into ops.figures (mart, period_date, key, figures, known_at, run_id, cause, detail)
        with now_held as (
            {" union all ".join(_now_held(mart, days, covered_until) for mart in marts)}
        ),
        known as (
            select mart, period_date, key, figures
            from ops.figures
            where mart in ({names}){span}
            qualify row_number() over (partition by mart, period_date, key order by known_at desc) = 1
        )
        select
            coalesce(now_held.mart, known.mart),
            coalesce(now_held.period_date, known.period_date),
            coalesce(now_held.key, known.key),
            now_held.figures,
            @known_at,
            @run_id,
            if(known.key is null, 'first', @cause),
            @detail
        from now_held
        full outer join known
            on now_held.mart = known.mart and now_held.period_date = known.period_date and now_held.key = known.key
        where now_held.figures is distinct from known.figures
    """


def _now_held(mart: Followed, days: Sequence[date] | None, covered_until: datetime) -> str:
    period = f"date({mart.period})" if mart.period_type == "timestamp" else mart.period
    until = f"timestamp '{format_instant(covered_until)}'"
    ended = f"timestamp_add(timestamp({mart.period}), interval {mart.hours} hour) <= {until}"
    span = f" and {period} between date '{min(days)}' and date '{max(days)}'" if days else ""
    return f"""
            select
                '{mart.name}' as mart,
                {period} as period_date,
                {_json(dict.fromkeys(mart.key, "string"))} as key,
                {_json(mart.columns)} as figures
            from marts.{mart.name}
            where {ended}{span}
    """


def _json(columns: Mapping[str, str]) -> str:
    """A JSON object of columns as text. A NUMERIC is written without the zeros behind its point that an engine adds."""
    fields = []
    for name, kind in columns.items():
        text = f"cast({name} as string)"
        if kind in ("numeric", "bignumeric"):
            text = rf"regexp_replace(regexp_replace({text}, r'(\.[0-9]*?)0+$', r'\1'), r'\.$', '')"
        fields.append(f"{text} as {name}")
    return f"to_json_string(struct({', '.join(fields)}))"
