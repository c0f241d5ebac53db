"""audit.events: one canonical row per action, added once and never changed.

What the records say stands in the views int_audit__records_*; here they get their subjects' tokens and their hashes,
and those that audit.events doesn't hold yet are added in one statement. Killed anywhere, run again, it ends the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from google.cloud import bigquery

from audit.encoding import RECORD, RECORD_FIELDS
from audit.subjects import SubjectKeys, add_subjects, subject_keys
from audit.tables import ensure_tables
from ingestion.attempts import attempted
from warehouse.config import Config
from warehouse.window import Window

STEP = "audit_record"
VIEWS = tuple(f"intermediate.int_audit__records_{source}" for source in ("platform", "chain", "stripe", "warehouse"))
OVERLAP = timedelta(days=1)
"""How far before the last step looks again: a load states its time before it commits."""
_TEXTS = {
    "seq": "cast({0} as string)",
    "at": "cast(unix_micros({0}) as string)",
    "event_day": "cast({0} as string)",
    "amount": r"regexp_replace(cast({0} as string), r'\.0*$', '')",  # the embedded warehouse writes nine zeros
    "decimals": "cast({0} as string)",
}
_IN_VIEWS = {"at": "recorded_at", "event_day": "event_date"}
Parameter = bigquery.ScalarQueryParameter


@dataclass(frozen=True)
class Recorded:
    """What was added: records per stream, and the days that were looked at."""

    counts: Mapping[str, int]
    days: tuple[date, ...]

    @property
    def total(self) -> int:
        """Number of records."""
        return sum(self.counts.values())


def record(config: Config, client: bigquery.Client, window: Window, run_id: str) -> Recorded:
    """Add every record that isn't held yet: of the window's days, and of those that were loaded into since last time.

    The models must have been built. Raises ConfigError without the subject key; every attempt gets its outcome row.
    """
    with attempted(client, STEP, window, run_id) as done:
        keys = subject_keys(config)
        ensure_tables(client)
        late, done.objects = touched_days(client)
        days = tuple(sorted({*window.days(), *late}))
        recorded = Recorded(add_records(client, keys, days, run_id), days)
        done.detail, done.rows_loaded = f"{len(days)} days", recorded.total
        return recorded


def touched_days(client: bigquery.Client) -> tuple[set[date], int]:
    """Days of which there may be new records since the last step that went well, and the objects loaded since then.

    They are the days of the rows of these objects, and those on which the warehouse did something itself.
    """
    since = _last_recorded(client)
    after = "true" if since is None else "{} >= @since"
    parameters = [] if since is None else [Parameter("since", "TIMESTAMP", since)]
    settings = bigquery.QueryJobConfig(query_parameters=parameters)
    objects = list(
        client.query(
            f"select event_dates from ops.objects where state = 'loaded' and {after.format('loaded_at')}",
            job_config=settings,
        ).result()
    )
    own = client.query(
        f"""
        select distinct day from (
            select date(ended_at) as day from ops.attempts where {after.format("ended_at")}
            union all
            select date(noted_at) from ops.object_attempts where step = 'loaded' and {after.format("noted_at")}
            union all
            select date(known_at) from ops.figures where cause <> 'first' and {after.format("known_at")}
        )
        where day is not null
        """,
        job_config=settings,
    ).result()
    dates = {
        date.fromisoformat(day) for text in {row["event_dates"] or "[]" for row in objects} for day in json.loads(text)
    }
    return dates | {row["day"] for row in own}, len(objects)


def _last_recorded(client: bigquery.Client) -> datetime | None:
    sql = f"select max(started_at) as at_ from ops.attempts where step = '{STEP}' and outcome = 'ok'"
    last = next(iter(client.query(sql).result()))["at_"]
    return None if last is None else last - OVERLAP


def add_records(client: bigquery.Client, keys: SubjectKeys, days: Sequence[date], run_id: str) -> dict[str, int]:
    """Add the records of these days that aren't held yet, their subjects first; returns their number by stream."""
    now = datetime.now(UTC)
    add_subjects(client, keys, new_pseudonyms(client, days), now)
    parameters = [Parameter("added_at", "TIMESTAMP", now), Parameter("run_id", "STRING", run_id)]
    settings = bigquery.QueryJobConfig(query_parameters=parameters)
    client.query(_insert(days, _reach_purged(client, days)), job_config=settings).result()
    added = client.query(
        f"select stream, count(*) as records from audit.events where {_on_days('event_day', days)} "
        "and added_at = @added_at and run_id = @run_id group by stream",
        job_config=settings,
    ).result()
    return {row["stream"]: int(row["records"]) for row in added}


def new_pseudonyms(client: bigquery.Client, days: Sequence[date]) -> list[str]:
    """Pseudonyms without a token of records that aren't held yet. One that was erased comes only with a new record."""
    rows = client.query(
        f"""
        with {_new(days)}
        select distinct pseudonym
        from new_records
        where
            pseudonym is not null
            and pseudonym not in (select pseudonym from audit.subjects where pseudonym is not null)
        order by pseudonym
        """
    ).result()
    return [row["pseudonym"] for row in rows]


def record_id_sql(columns: Mapping[str, str]) -> str:
    """SQL of a record's id, as audit.own.record_id computes it; `columns` maps each of RECORD_FIELDS to its column.

    The prefix of a leaf, a byte 0, is the character U+0000 before the canonical text: SHA256 of a STRING is taken over
    its UTF-8 bytes, and the embedded warehouse has no other way to the bytes of a text.
    """
    lines = "".join(f", {_line(name, columns[name])}" for name in RECORD_FIELDS)
    return rf"to_hex(sha256(concat(code_points_to_string([0]), '{RECORD}\n'{lines})))"


def _line(name: str, column: str) -> str:
    text = _TEXTS.get(name, "{0}").format(column)
    return rf"'{name}:', coalesce(concat(cast(byte_length({text}) as string), ':', {text}), '-'), '\n'"


def _reach_purged(client: bigquery.Client, days: Sequence[date]) -> bool:
    """Whether records of one of these days have left the warehouse for the cold tier."""
    sql = "select max(last_day) as day from audit.purges where table_name = 'audit.events' and tier = 'hot'"
    last = next(iter(client.query(sql).result()))["day"]
    return last is not None and min(days) <= last


def _insert(days: Sequence[date], with_purged: bool) -> str:
    """A record whose user got no token, because its row came after the subjects were made, waits for the next time.

    `with_purged`: records of these days may be in the cold tier alone; their leaves tell that they are kept.
    """
    kept = "where record_id not in (select record_id from audit.leaves)" if with_purged else ""
    own = {name: f"tokened.{_IN_VIEWS.get(name, name)}" for name in RECORD_FIELDS}
    names = ", ".join(f"`{name}`" for name in RECORD_FIELDS)
    return f"""
        insert into audit.events (record_id, {names}, added_at, run_id)
        with {_new(days)},
        tokens as (
            select pseudonym, min(subject) as subject
            from audit.subjects
            where pseudonym is not null
            group by pseudonym
        ),
        tokened as (
            select new_records.*, tokens.subject
            from new_records
            left join tokens on new_records.pseudonym = tokens.pseudonym
            where new_records.pseudonym is null or tokens.subject is not null
        )
        select *
        from (
            select {record_id_sql(own)} as record_id, {", ".join(own.values())}, @added_at, @run_id
            from tokened
        )
        {kept}
    """


def _new(days: Sequence[date]) -> str:
    """WITH clauses that end in `new_records`: the views' records of these days without those that are held.

    A record without a key can't be told from another one and would be added again and again; the models' tests find it.
    """
    views = " union all ".join(f"select * from {view} where {_on_days('event_date', days)}" for view in VIEWS)
    return f"""
        stated as ({views}),
        held as (select stream, source_key from audit.events where {_on_days("event_day", days)}),
        new_records as (
            select stated.*
            from stated
            left join held on stated.stream = held.stream and stated.source_key = held.source_key
            where held.source_key is null and stated.source_key is not null
            qualify row_number() over (
                partition by stated.stream, stated.source_key order by stated.recorded_at, stated.detail
            ) = 1
        )
    """


def _on_days(column: str, days: Iterable[date]) -> str:
    """Condition that cuts a partition column to constants, by spans: a long window has thousands of days."""
    numbered = enumerate(sorted(days))
    spans = [[day for _, day in group] for _, group in groupby(numbered, lambda each: each[1].toordinal() - each[0])]
    return "(" + " or ".join(f"{column} between date '{span[0]}' and date '{span[-1]}'" for span in spans) + ")"
