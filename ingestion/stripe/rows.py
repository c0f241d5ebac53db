"""Landed Stripe answers -> rows of raw.stripe_*. Pure: the same object gives the same rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ingestion import fields
from ingestion.base import Context, LandedObject, Row
from ingestion.drift import FieldWatch
from ingestion.fields import BadRecord
from ingestion.jsontext import BadJson, dumps, loads, members
from ingestion.lines import Bad, Record, converted, elements, records
from ingestion.personal import USER_KEYS, WALLET_KEYS
from ingestion.privacy import Cleaner, Pseudonymizer, scrub_text
from ingestion.quarantine import quarantine_row
from ingestion.stripe.columns import TABLES, Column, known_fields
from warehouse.window import format_instant

_CUSTOMER_ID = re.compile(r"\bg?cus_[0-9A-Za-z]+")
_CUSTOMER_KEYS = ("customer", "customeraccount")
# A dispute's evidence is what the platform told the bank about a person; a prefix is made from the customer's id.
_PERSONAL = ("evidence", "invoiceprefix")


def prepare(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of one landed object; `_line` counts the Stripe objects in it.

    Fields that Stripe doesn't document are listed; one of another type than documented sends its object to quarantine.
    """
    count = 0
    clean = _cleaner(ctx.pseudonym)
    watch = FieldWatch(landed, known_fields()[landed.dataset])
    for line in records(stream):
        if isinstance(line, Bad):
            yield quarantine_row(landed, line.line, line.code, line.reason, line.raw)
            continue
        for item in _objects(line):
            count += 1
            if isinstance(item, Bad):
                yield quarantine_row(landed, count, item.code, item.reason, item.raw)
                continue
            numbered = Record(count, item.value, item.raw)
            if isinstance(item.value, dict):
                watch.see(item.value, count)
            yield from converted(landed, numbered, lambda record, line=line: [_row(record, line, landed, clean, ctx)])
    yield from watch.rows()


def _objects(line: Record) -> Iterator[Record | Bad]:
    """The Stripe objects of one answer: those of a list page, or the one that was retrieved."""
    answer = line.value
    text = answer.get("body") if isinstance(answer, dict) else None
    if not isinstance(text, str):
        yield Bad(line.line, line.raw, "not_an_answer", "the line holds no answer of Stripe")
        return
    raw = text.encode()
    try:
        starts = dict(members(text))
        body = loads(raw)
    except BadJson as bad:
        yield Bad(line.line, raw, bad.code, bad.reason)
        return
    if isinstance(body.get("error"), dict):
        yield Bad(line.line, line.raw, "resource_missing", "an event names the object, but Stripe no longer has it")
    elif isinstance(body.get("data"), list) and body.get("object") == "list":
        yield from (item for item, _ in elements(text, starts["data"] + 1) if item is not None)
    else:
        yield Record(line.line, body, raw)


def _row(record: Record, answer: Record, landed: LandedObject, clean: Cleaner, ctx: Context) -> Row:
    table, value = TABLES[landed.dataset], record.value
    if value.get("object") != table.object_type:
        raise BadRecord("wrong_object", f"the object is no {table.object_type}", "object")
    object_id = fields.text(value, "id", required=True)
    deleted = value.get("deleted") is True
    _integer_time(value, "created")
    created = fields.time(value, "created", "s", required=not deleted)
    if created is None:  # a deleted object keeps no time of its own; the event that named it may have told it
        created = fields.time(answer.value, "created", "s")
    day = created.day if created else landed.window.start.date()
    columns: dict[str, Any] = {
        "id": ctx.pseudonym(object_id, "customer") if table.resource == "customers" else object_id,
        "created": created.text if created else None,
        "livemode": fields.flag(value if "livemode" in value else answer.value, "livemode"),
        "account": fields.text(answer.value, "account"),
        "api_version": fields.text(answer.value, "api_version"),
        "read_through": format_instant(landed.window.end),
        "record": dumps(_hide_ids(clean(value), value, ctx.pseudonym)),
    }
    for column in table.columns:
        columns[column.name] = _column(column, value, deleted, ctx.pseudonym)
    if table.resource == "events":
        columns |= _event_columns(value, ctx.pseudonym)
    return table.name, columns | {"_line": record.line, "_event_date": day.isoformat()}


def _column(column: Column, value: Mapping[str, Any], deleted: bool, pseudonym: Pseudonymizer) -> Any:
    required = column.required and not deleted
    if column.kind == "money":
        return fields.money(value, column.name, required=required)
    if column.kind == "flag":
        return fields.flag(value, column.name, required=required)
    if column.kind == "time":
        _integer_time(value, column.name)
        at = fields.time(value, column.name, "s", required=required)
        return at.text if at else None
    if column.kind == "text":
        return fields.text(value, column.name, required=required)
    reference = _reference(value, column.name)
    return pseudonym(reference, "customer") if reference and column.kind == "customer" else reference


def _integer_time(value: Mapping[str, Any], name: str) -> None:
    """Stripe's times are integers; anything else is another format than the one this was written for."""
    stated = value.get(name)
    if stated is not None and (isinstance(stated, bool) or not isinstance(stated, int)):
        raise fields.wrong_type(name, "an integer of unix seconds", stated)


def _reference(value: Mapping[str, Any], name: str) -> str | None:
    """The id that a field refers to; an expanded field holds the object itself."""
    stated = value.get(name)
    return fields.text(stated if isinstance(stated, dict) else value, "id" if isinstance(stated, dict) else name)


def _event_columns(value: Mapping[str, Any], pseudonym: Pseudonymizer) -> dict[str, Any]:
    data = value.get("data")
    changed = data.get("object") if isinstance(data, dict) else None
    if not isinstance(changed, dict):
        raise BadRecord("missing_field", "data.object is missing", "data.object")
    kind, object_id = fields.text(changed, "object"), fields.text(changed, "id")
    return {
        "object_type": kind,
        "object_id": pseudonym(object_id, "customer") if kind == "customer" and object_id else object_id,
        "event_api_version": fields.text(value, "api_version"),
    }


def _cleaner(pseudonym: Pseudonymizer) -> Cleaner:
    kinds = dict.fromkeys(USER_KEYS, "user") | dict.fromkeys(WALLET_KEYS, "wallet")
    kinds |= dict.fromkeys(_CUSTOMER_KEYS, "customer")

    def text(value: str) -> str:
        return _CUSTOMER_ID.sub(lambda match: pseudonym(match[0], "customer") or "", scrub_text(value))

    return Cleaner(pseudonym, kinds, text=text, drop=_PERSONAL)


def _hide_ids(cleaned: Any, value: Any, pseudonym: Pseudonymizer) -> Any:
    """The cleaned copy of an object or event, with a customer's own id under its pseudonym whatever its form."""
    for got, said in ((cleaned, value), (_changed_object(cleaned), _changed_object(value))):
        if isinstance(said, dict) and said.get("object") == "customer" and isinstance(said.get("id"), str):
            got["id"] = pseudonym(said["id"], "customer")
    return cleaned


def _changed_object(value: Any) -> Any:
    data = value.get("data")
    return data.get("object") if isinstance(data, dict) else None
