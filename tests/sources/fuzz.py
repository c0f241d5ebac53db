"""Good records of every dataset with records among them that are known to be bad, each in a way that is named.

A bad record is damaged as bytes (no JSON, no UTF-8, cut off, nested without end) or in one field (another type than
documented, a required one missing). Seeded: the same seed gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

OBJECT, TEXT, LIST, NUMBER = {"a": 1}, "no such thing", [[]], 10**40
GONE = object()
"""The field is left out."""


@dataclass(frozen=True)
class Kind:
    """A dataset: where its good records come from, and values that make a record bad, by field."""

    source: str
    dataset: str
    wrong: Mapping[str, tuple[Any, ...]]
    lines_hold_bytes: bool = True
    """Whether a quarantine row keeps the bytes; not those of auth exports, which hold password hashes."""


_AMOUNT = (TEXT, 1.5, None, GONE, OBJECT, True)
_STRIPE = {"id": (GONE, 7, OBJECT), "created": (TEXT, 1.5, GONE, OBJECT), "object": ("coupon", GONE)}
KINDS = (
    Kind(
        "cloudflare",
        "http_requests",
        {
            "EdgeStartTimestamp": (TEXT, OBJECT, True, NUMBER),
            "EdgeResponseStatus": (TEXT, OBJECT, LIST),
            "RayID": (OBJECT, LIST),
            "ClientRequestMethod": (OBJECT, LIST),
        },
    ),
    Kind(
        "cloudflare",
        "workers_trace_events",
        {
            "EventTimestampMs": (TEXT, OBJECT, NUMBER),
            "CPUTimeMs": (TEXT, OBJECT, LIST),
            "Outcome": (OBJECT, LIST),
            "Logs": (OBJECT, TEXT),
        },
    ),
    Kind(
        "firebase",
        "firestore_changelog",
        {
            "timestamp": (TEXT, OBJECT, None, GONE),
            "event_id": (OBJECT, None, GONE),
            "document_name": ("one-segment", OBJECT, GONE),
            "operation": ("UPSERT", OBJECT, GONE),
            "data": ("{no json", OBJECT, "[1]"),
        },
    ),
    Kind(
        "firebase",
        "auth_export",
        {"localId": (OBJECT, None, GONE), "createdAt": (TEXT, OBJECT), "disabled": (TEXT, OBJECT)},
        lines_hold_bytes=False,
    ),
    Kind("firebase", "cloud_logging", {"timestamp": (TEXT, OBJECT), "insertId": (OBJECT, LIST), "resource": (TEXT, 7)}),
    Kind("stripe", "charges", {**_STRIPE, "amount": _AMOUNT, "currency": (OBJECT, GONE), "paid": (TEXT,)}),
    Kind("stripe", "balance_transactions", {**_STRIPE, "amount": _AMOUNT, "fee": _AMOUNT, "net": _AMOUNT}),
    Kind("stripe", "refunds", {**_STRIPE, "amount": _AMOUNT}),
    Kind("stripe", "disputes", {**_STRIPE, "amount": _AMOUNT}),
    Kind("stripe", "payouts", {**_STRIPE, "amount": _AMOUNT, "arrival_date": (TEXT, 1.5)}),
    Kind("stripe", "payment_intents", {**_STRIPE, "amount": _AMOUNT}),
    Kind("stripe", "customers", {"id": (GONE, 7), "object": ("coupon",), "delinquent": (TEXT,)}),
    Kind("stripe", "events", {"id": (GONE, 7), "type": (GONE, OBJECT), "data": (GONE, TEXT, OBJECT)}),
)

BYTES: dict[str, Callable[[Random, bytes], bytes]] = {
    "cut off": lambda dice, line: line[: dice.randrange(1, len(line) - 1)],
    "a quote too many": lambda dice, line: b'"' + line,
    "no UTF-8": lambda dice, line: line[:1] + b'"\xc3\x28": 1, ' + line[1:],
    "nested without end": lambda dice, line: line[:1] + b'"deep": ' + b"[" * 100_000 + b", " + line[1:],
    "not a number": lambda dice, line: line[:1] + b'"n": NaN, ' + line[1:],
    "too large a number": lambda dice, line: line[:1] + b'"n": 1e999, ' + line[1:],
    "a lone word": lambda dice, line: dice.choice([b"null", b"true", b"7", b'"text"', b"\x00\x01\x02", b"{}}"]),
    "a control character": lambda dice, line: line[:1] + b'"c": "\x01", ' + line[1:],
}


@dataclass(frozen=True)
class Fuzzed:
    """An object's bytes; `lines` that are bad (1-based) with their bytes; the same object without them."""

    body: bytes
    bad: Mapping[int, bytes]
    good: bytes


def bad_record(dice: Random, kind: Kind, record: Mapping[str, Any]) -> bytes:
    """A bad record's bytes, made of a good one."""
    if dice.random() < 0.5:
        # An answer of Stripe's is kept as text, so its bytes can't be anything but UTF-8.
        ways = sorted(BYTES.keys() - ({"no UTF-8"} if kind.source == "stripe" else set()))
        return BYTES[dice.choice(ways)](dice, _line(record))
    name = dice.choice(sorted(kind.wrong))
    changed = deepcopy(dict(record))
    inner = changed["json"] if isinstance(changed.get("json"), dict) else changed  # a change tracker's envelope
    value = dice.choice(kind.wrong[name])
    if value is GONE:
        inner.pop(name, None)
    else:
        inner[name] = value
    return _line(changed)


def fuzzed(dice: Random, kind: Kind, good: list[Mapping[str, Any]], bad: int) -> Fuzzed:
    """Good records in order with `bad` bad ones at seeded places; the first record of an object is a good one."""
    lines: list[tuple[bytes, bool]] = [(_line(record), True) for record in good]
    for _ in range(bad):
        lines.insert(dice.randrange(1, len(lines) + 1), (bad_record(dice, kind, dice.choice(good)), False))
    wrap = _answer if kind.source == "stripe" else lambda line: line
    places = {number: line for number, (line, is_good) in enumerate(lines, 1) if not is_good}
    body = b"".join(wrap(line) + b"\n" for line, _ in lines)
    return Fuzzed(body, places, b"".join(wrap(line) + b"\n" for line, is_good in lines if is_good))


def cut(dice: Random, body: bytes) -> bytes:
    """The object as gzip that ends early."""
    packed = gzip.compress(body, mtime=0)
    return packed[: dice.randrange(20, len(packed) - 8)]


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def _answer(line: bytes) -> bytes:
    """A landed answer to the retrieval of one Stripe object."""
    body = line.decode("utf-8", "surrogateescape")
    answer = {"request": "/v1/x/1", "api_version": "2026-08-26.dahlia", "account": "default", "body": body}
    return json.dumps(answer).encode()
