"""Erasure of a subject: its key and its pseudonym are destroyed, so its values can't be read nor its token be linked.

Records, hashes, seals and amounts stay as they are. A legal hold stops an erasure: one on the subject, one on
everything, and one on days on which the audit record has the subject. BigQuery keeps what a table was for its time
travel (up to 7 days) and fail-safe period (7 days more); only then is the key gone for Google as well.
"""

from __future__ import annotations

from datetime import datetime

from google.cloud import bigquery

from audit.holds import Hold, current_holds, days_of_subjects, is_token
from audit.own import own_record
from audit.tables import ensure_tables
from warehouse.config import Config
from warehouse.window import format_instant


class UnknownSubject(ValueError):
    """No subject has this token."""


class SubjectHeld(RuntimeError):
    """A legal hold covers the subject."""


def erase(config: Config, client: bigquery.Client, subject: str, *, reason: str, at: datetime, run_id: str) -> bool:
    """Destroy a subject's key and pseudonym; False where that was done before. `reason` names no person.

    The erasure is an audit record, dated to when it was done; a run that was killed in between adds it the next time.
    Raises UnknownSubject and SubjectHeld.
    """
    ensure_tables(client)
    seen = int(next(iter(client.query("select count(*) as n from audit.holds").result()))["n"])
    found = _erased_at(client, subject) if is_token(subject) else set()
    if not found:
        raise UnknownSubject(f"no subject has the token {subject}")
    (erased_at,) = found
    if erased_at is None:
        holds = covering(config, client, subject)
        if holds:
            raise SubjectHeld(f"held by {', '.join(hold.hold_id for hold in holds)}: release the hold first")
        _destroy(client, subject, at, seen)
        (erased_at,) = _erased_at(client, subject)
        fresh = True
    else:
        fresh = False
    own_record(
        client, source_key=f"erasure/{subject}", action="subject_erased", at=erased_at, run_id=run_id,
        detail=reason, subject=subject,
    )  # fmt: skip
    return fresh


def covering(config: Config, client: bigquery.Client, subject: str) -> list[Hold]:
    """Holds that keep a subject from being erased."""
    holds = current_holds(client)
    others = [hold for hold in holds if hold.subject is None]
    days = days_of_subjects(config, client, [subject])[subject] if others else set()
    return [
        hold
        for hold in holds
        if hold.subject == subject
        or (hold in others and (hold.first_day is hold.last_day is None or any(map(hold.covers, days))))
    ]


def _erased_at(client: bigquery.Client, subject: str) -> set[datetime | None]:
    rows = client.query(
        "select erased_at from audit.subjects where subject = @subject",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter("subject", "STRING", subject)]
        ),
    ).result()
    return {row["erased_at"] for row in rows}


def _destroy(client: bigquery.Client, subject: str, at: datetime, seen: int) -> None:
    """One transaction, which fails where the holds have changed since they were looked at."""
    client.query(
        f"""
        begin transaction;
        select case when (select count(*) from audit.holds) != {seen}
            then error('holds have changed meanwhile: try again') end;
        update audit.subjects set pseudonym = null, wrapped_key = null, erased_at = timestamp '{format_instant(at)}'
        where subject = '{subject}' and erased_at is null;
        commit transaction;
        """
    ).result()
