"""Rows of a platform's days as those of earlier days: what made them again, so many days before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta

from google.cloud import bigquery

from benchmarks.landed import Landed
from warehouse.window import Window

SLOTS = 216_000
"""Slots of a day, at 2.5 a second."""
SEQUENCES = 100_000
"""Numbers that a day of an audit stream is moved back by."""
OF_DAY = {
    *("signature", "event_key", "canonical_key", "duplicate_of", "escrow_id", "match_id"),
    *("document_id", "document_name", "event_id", "insert_id", "ray_id", "id", "source", "charge", "payment_intent"),
    *("balance_transaction", "latest_charge", "stripe_id", "hash", "computed_hash", "prev_hash", "call_id"),
    *("attempt_id", "proof_id", "break_id", "_object_uri", "after_signature", "before_signature", "object_id"),
}
"""Names that are the day's own: each day of the history has others. All else stays, as users, mints and accounts do.

Of documents the users' stay too: the platform has as many users after seven years as after a month, and each of them
changes again and again. What a night costs by the number of users is another question than what its history costs."""
DATED = ("origin_uri", "export_uri")
"""Names that tell the day: of the bucket's objects, and of Firestore's exports."""
OF_OBJECT = ("uri", "replaces", "superseded_by", "duplicate_of")
"""Names of objects in the manifest."""
COUNTED = {"slot": SLOTS, "from_slot": SLOTS, "to_slot": SLOTS, "finalized_slot": SLOTS, "seq": SEQUENCES}
IMPORTS = "date '1970-01-01'"
"""Day of imported documents, which have no time. An import is part of the history and no night's work: it changes what
was known on every day since."""


def moved_rows(client: bigquery.Client, landed: Landed, table: str, days: range, only_ended: bool = False) -> str:
    """Statement that adds to a raw table the rows that the platform's one holds, moved back by each of `days`.

    `only_ended`: without the escrows that are still open, for there the days end in the middle of them.

    Imports aren't moved. The bytes as received are left out: no model reads them, and they are most of the rows' size.
    """
    columns = _columns(client, f"{landed.config.project}.raw.{table}")
    moved = {name: _moved(name, kind, columns) for name, kind in columns.items()}
    moved |= {name: _moved_text(name, landed.window) for name in DATED if name in columns}
    ended = f" and (escrow_id is null or escrow_id in ({_ended(landed)}))" if table == "canonical_events" else ""
    return (
        _statement(landed, f"raw.{table}", moved, days) + f" where _event_date > {IMPORTS}{ended if only_ended else ''}"
    )


def _ended(landed: Landed) -> str:
    ends = "max(if(canonical_event in ('prize_distributed', 'refund'), 1, 0)) = 1"
    return f"select escrow_id from `{landed.config.project}`.raw.canonical_events group by escrow_id having {ends}"


def moved_objects(client: bigquery.Client, landed: Landed, days: range) -> str:
    """Statement that adds to the manifest the objects that these rows came in."""
    project = landed.config.project
    columns = _columns(client, f"{project}.ops.objects")
    moved = {name: _renamed(name) if name in OF_OBJECT else _moved(name, kind, {}) for name, kind in columns.items()}
    held = client.query(f"select distinct event_dates as dates from `{project}`.ops.objects").result()
    moved["event_dates"] = _moved_dates([row["dates"] for row in held if row["dates"]])
    moved["origin_uri"] = _moved_text("origin_uri", landed.window)
    return _statement(landed, "ops.objects", moved, days)


def _columns(client: bigquery.Client, table: str) -> dict[str, str]:
    return {field.name: field.field_type for field in client.get_table(table).schema}


def _statement(landed: Landed, table: str, columns: Mapping[str, str], days: range) -> str:
    names = ", ".join(f"`{name}`" for name in columns)
    numbers = f"unnest(generate_array({days[0]}, {days[-1]}, {days.step})) as n"
    values = ", ".join(columns.values())
    return f"insert into {table} ({names}) select {values} from `{landed.config.project}`.{table} cross join {numbers}"


def _moved_text(name: str, window: Window) -> str:
    """A text with the window's days in it, each moved: the earliest first, for its new day is none of them."""
    text = f"`{name}`"
    for day in Window(window.start - timedelta(days=1), window.end + timedelta(days=1)).days():
        for form in ("%Y-%m-%d", "%Y%m%d"):
            moved = f"format_date('{form}', date_sub(date '{day}', interval n day))"
            text = f"replace({text}, '{day:{form}}', {moved})"
    return text


def _moved_dates(lists: Iterable[str]) -> str:
    """Lists of days, as JSON, each without the imports' day."""
    cases = []
    for text in lists:
        days = [f"date '{day}'" for day in json.loads(text) if day != "1970-01-01"]
        quoted = [f"""concat('"', cast(date_sub({day}, interval n day) as string), '"')""" for day in days]
        listed = ", ',', ".join(quoted) or "''"
        cases.append(f"when '{text}' then concat('[', {listed}, ']')")
    return f"case event_dates {' '.join(cases)} end"


def _moved(name: str, kind: str, columns: Mapping[str, str]) -> str:
    if kind == "TIMESTAMP":
        return f"timestamp_sub(`{name}`, interval n day)"
    if kind == "DATE":
        return f"date_sub(`{name}`, interval n day)"
    if name in COUNTED:
        return f"`{name}` - n * {COUNTED[name]}"
    if name in OF_DAY and not (name == "source" and "reporting_category" not in columns):
        is_document = name in ("document_id", "document_name") and "collection" in columns
        return _renamed(name, "collection = 'users'" if is_document else "false")
    if name == "record":
        return "cast(null as string)"  # the bytes as received, which no model reads: most of the rows' size
    if name == "data" and "document_id" in columns:
        return _moved_document(name)
    return f"`{name}`"


def _renamed(name: str, same: str = "false") -> str:
    """The name as one of its own day, unless `same` holds."""
    kept = f"`{name}` = '' or `{name}` is null or {same}"
    return f"if({kept}, `{name}`, concat(`{name}`, '-', cast(n as string)))"


def _moved_document(name: str) -> str:
    """The times and names inside a document, moved with it."""
    named = r"""r'"(matchId|signature)":"([^"]+)"'"""
    other = r"""concat(r'"\1":"\2-', cast(n as string), '"')"""
    text = f"regexp_replace(`{name}`, {named}, {other})"
    for path in ("createdAt", "endedAt", "at"):
        held = f"json_value(`{name}`, '$.{path}._seconds')"
        later = f"cast(cast({held} as int64) - n * 86400 as string)"
        text = f"if({held} is null, {text}, replace({text}, {held}, {later}))"
    return text
