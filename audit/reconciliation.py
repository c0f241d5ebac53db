"""Findings with their history, and what people decide of them: both only ever added to.

A build leaves what is wrong now in intermediate.int_audit__findings. The log, audit.findings, gets a row when a finding
is new, when its figures change, and when it is no longer found. Recording the same findings again adds nothing.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.cloud import bigquery

from audit.tables import ensure_tables

REASONS = ("timing", "known_incident", "platform_error", "source_error", "warehouse_error", "adjusted", "other")
"""Codes of why a finding is explained or closed."""
DECISIONS = ("explain", "close")
_COLUMNS = (
    "area", "kind", "place", "match_id", "unit", "decimals", "amount", "signature", "range_from", "range_to",
    "ended_at", "opened_at", "occurrences", "cause", "detail",
)  # fmt: skip
_FIGURES = ("amount", "range_to", "ended_at", "occurrences", "cause")
"""What may change of a finding that stays open."""
_ARRIVES = ("sequence_gap", "missing_minutes", "missing_heartbeat", "money_event_without_audit_record")
"""Kinds of gaps that close because what was missing has come."""
_ROLE = re.compile(r"[a-z][a-z0-9_-]{1,40}")
_STATES = """
    with newest as (
        select * from audit.findings where true
        qualify row_number() over (partition by finding_id order by log_number desc) = 1
    ),
    decided as (
        select * from audit.reconciliation_decisions where true
        qualify row_number() over (partition by finding_id order by decided_at desc, decision_id) = 1
    )
    select
        newest.finding_id, newest.area, newest.kind, newest.place, newest.match_id, newest.unit, newest.decimals,
        newest.amount, newest.signature, newest.range_from, newest.opened_at, newest.detail, newest.cause,
        decided.reason_code, decided.decided_by,
        case
            when newest.change = 'closed' then 'closed'
            when decided.decision is null then 'open'
            when ifnull(cast(decided.amount as string), '') <> ifnull(cast(newest.amount as string), '') then 'open'
            when decided.decision = 'close' then 'closed'
            else 'explained'
        end as state
    from newest left join decided on newest.finding_id = decided.finding_id
"""


class DecisionRefused(ValueError):
    """No such finding, several, one that isn't there any more, or a decision without a proper reason or role."""


@dataclass(frozen=True)
class Decision:
    """What a person says of a finding: `decision` is explain or close, `by` a role, never a name."""

    decision: str
    reason: str
    note: str
    by: str


def record_findings(client: bigquery.Client, as_of: datetime, run_id: str, noted_at: datetime) -> int:
    """Add what was opened, changed or closed since the last record; returns the number of rows added.

    `as_of`: the build's data are complete before this instant. `noted_at` is only recorded. One statement: all or none.
    """
    ensure_tables(client)
    columns = ", ".join(_COLUMNS)
    differs = " or ".join(
        f"ifnull(cast(c.{name} as string), '') <> ifnull(cast(h.{name} as string), '')" for name in _FIGURES
    )
    closing = ", ".join(
        f"if(h.kind in {_ARRIVES}, 'object_late', h.cause) as cause" if name == "cause" else f"h.{name}"
        for name in _COLUMNS
    )
    job = client.query(
        f"""
        insert into audit.findings
            (finding_id, change, as_of, log_number, noted_at, run_id, {columns})
        with held as (
            select * from audit.findings where true
            qualify row_number() over (partition by finding_id order by log_number desc) = 1
        ),
        found as (
            select
                c.finding_id, if(h.finding_id is null or h.change = 'closed', 'opened', 'changed') as change,
                {", ".join(f"c.{name}" for name in _COLUMNS)}
            from intermediate.int_audit__findings as c
            left join held as h on c.finding_id = h.finding_id
            where h.finding_id is null or h.change = 'closed' or {differs}
            union all
            select h.finding_id, 'closed' as change, {closing}
            from held as h
            left join intermediate.int_audit__findings as c on h.finding_id = c.finding_id
            where h.change <> 'closed' and c.finding_id is null
        )
        select
            finding_id, change, @as_of,
            (select ifnull(max(log_number), 0) from audit.findings)
                + row_number() over (order by opened_at, finding_id),
            @noted_at, @run_id, {columns}
        from found
        """,
        job_config=_parameters(as_of=as_of, noted_at=noted_at, run_id=run_id),
    )
    job.result()
    return job.num_dml_affected_rows or 0


def findings(client: bigquery.Client, area: str | None = None, everything: bool = False) -> list[dict[str, Any]]:
    """Findings with their state (open, explained, closed), oldest first; closed ones only with `everything`."""
    ensure_tables(client)
    rows = [dict(row) for row in client.query(_STATES).result()]
    wanted = [r for r in rows if (everything or r["state"] != "closed") and area in (None, r["area"])]
    return sorted(wanted, key=lambda row: (row["opened_at"], row["finding_id"]))


def decide(client: bigquery.Client, finding: str, decision: Decision, decided_at: datetime) -> str:
    """Append a decision on the finding whose id begins with `finding`; returns the whole id. Raises DecisionRefused."""
    _check(decision)
    known = [row for row in findings(client, everything=True) if row["finding_id"].startswith(finding)]
    if len(known) != 1 or not finding:
        raise DecisionRefused(f"{'no finding has' if not known else 'several findings have'} an id like {finding!r}")
    [chosen] = known
    if chosen["state"] == "closed":
        raise DecisionRefused("the finding is closed already")
    client.query(
        "insert into audit.reconciliation_decisions "
        "(decision_id, finding_id, decision, reason_code, note, decided_by, amount, decided_at) "
        "values (@decision_id, @finding_id, @decision, @reason_code, @note, @decided_by, @amount, @decided_at)",
        job_config=_parameters(
            decision_id=uuid.uuid4().hex,
            finding_id=chosen["finding_id"],
            decision=decision.decision,
            reason_code=decision.reason,
            note=decision.note,
            decided_by=decision.by,
            amount=bigquery.ScalarQueryParameter("amount", "NUMERIC", chosen["amount"]),
            decided_at=decided_at,
        ),
    ).result()
    return chosen["finding_id"]


def _check(decision: Decision) -> None:
    if decision.decision not in DECISIONS:
        raise DecisionRefused(f"a decision is one of {', '.join(DECISIONS)}")
    if decision.reason not in REASONS:
        raise DecisionRefused(f"a reason is one of {', '.join(REASONS)}")
    if not _ROLE.fullmatch(decision.by):
        raise DecisionRefused("who decides is a role, as finance or on-call: lower case, no name, no address")
    if not decision.note.strip() or "@" in decision.note:
        raise DecisionRefused("a note is needed, and names no person")


def _parameters(**values: Any) -> bigquery.QueryJobConfig:
    made: Sequence[bigquery.ScalarQueryParameter] = [
        value
        if isinstance(value, bigquery.ScalarQueryParameter)
        else bigquery.ScalarQueryParameter(name, "TIMESTAMP" if isinstance(value, datetime) else "STRING", value)
        for name, value in values.items()
    ]
    return bigquery.QueryJobConfig(query_parameters=made)
