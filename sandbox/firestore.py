"""The platform's Firestore as the change tracker exports it: one row per document change, in hourly gzip NDJSON.

Rows: {timestamp, event_id, document_name, document_id, operation, data, old_data}; `data` is JSON text, times in it
are {"_seconds", "_nanoseconds"}, amounts int strings. A row lies in the hour in which it was exported, seconds to
minutes after the change. Some rows come twice, some in a {"insertId", "json"} envelope.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.bookings import booking_delays
from sandbox.logpush import pack
from sandbox.model import Match, User, World

PREFIX = "firestore_changelog"
_ROOT = "projects/skill-match/databases/(default)/documents"
_EPOCH = "1970-01-01T00:00:00Z"
Doc = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A document's state from `at` on; `after` None deletes it."""

    at: datetime
    collection: str
    doc_id: str
    after: Doc | None


def firestore_objects(world: World, signatures: Sequence[str]) -> dict[str, bytes]:
    """The changelog objects of the window: key below the exports bucket -> bytes. `signatures[tx_index]` in base58."""
    rng = Random(f"firestore:{world.seed}")
    hours = exported_changes(_changes(world, signatures, rng), world.start, world.end, rng)
    # Somebody re-imported one document by hand on the second day: the row carries no time of its own.
    first = min(world.users, key=lambda user: user.created_at)
    hours[world.start + timedelta(days=1, hours=9)].append(_line(_import_row(first), wrapped=False))
    return changelog_objects(hours)


def changelog_objects(hours: Mapping[datetime, Sequence[bytes]]) -> dict[str, bytes]:
    """One object for each hour that has lines: key below the exports bucket -> bytes."""
    return {f"{PREFIX}/{hour:%Y/%m/%d/%H}.ndjson.gz": pack(lines) for hour, lines in hours.items() if lines}


def exported_changes(
    changes: Iterable[Change], start: datetime, end: datetime, rng: Random
) -> dict[datetime, list[bytes]]:
    """Lines of the changelog by the hour in which they were exported; each hour of [start, end) is there."""
    hours: dict[datetime, list[bytes]] = {
        start + timedelta(hours=n): [] for n in range(int((end - start).total_seconds()) // 3600)
    }
    latest = end - timedelta(seconds=1)
    current: dict[tuple[str, str], str] = {}
    for number, change in enumerate(sorted(changes, key=lambda change: change.at)):
        row = _row(change, current, rng)
        exported = min(change.at + timedelta(milliseconds=rng.randint(300, 9_000)), latest)
        hours[_hour(exported)].append(_line(row, wrapped=number % 11 == 4))
        if number % 83 == 7:  # the export function ran twice for one change
            again = min(exported + timedelta(seconds=rng.randint(1, 400)), latest)
            hours[_hour(again)].append(_line(row, wrapped=number % 2 == 0))
    return hours


def documents_at(world: World, signatures: Sequence[str], at: datetime) -> list[tuple[str, Doc]]:
    """The documents that are there at an instant: (collection/id, data)."""
    state: dict[str, Doc | None] = {}
    rng = Random(f"firestore:{world.seed}")
    for change in sorted(_changes(world, signatures, rng), key=lambda change: change.at):
        if change.at <= at:
            state[f"{change.collection}/{change.doc_id}"] = change.after
    return [(path, data) for path, data in sorted(state.items()) if data is not None]


def _changes(world: World, signatures: Sequence[str], rng: Random) -> Iterable[Change]:
    for user in world.users:
        moments = {user.created_at}
        moments |= {change.at for change in user.kyc_changes}
        for span in user.frozen_spans:
            moments |= {span.frozen_at} | ({span.unfrozen_at} if span.unfrozen_at else set())
        for at in sorted(moments):
            yield Change(at, "users", user.uid, _user_doc(user, at))
    for match in world.matches:
        for number, _ in enumerate(match.changes):
            yield Change(match.changes[number].at, "matches", match.match_id, _match_doc(match, number))
    # The platform books a transaction once it is final: all its entries in one commit, so at one time.
    booked = booking_delays(world, rng)
    for entry in world.ledger:
        doc = {
            "entryId": entry.entry_id,
            "kind": entry.kind,
            "matchId": entry.match_id,
            "mint": entry.mint,
            "vault": entry.vault,
            "amount": str(entry.amount),
            "user": entry.uid,
            "signature": signatures[entry.tx_index],
            "slot": entry.slot,
            "at": timestamp(entry.at),
        }
        yield Change(entry.at + booked[entry.tx_index], "ledger", entry.entry_id, doc)
    # A presence document lives for a while and is deleted.
    visitor = world.users[0]
    online = world.start + timedelta(hours=10)
    yield Change(online, "presence", visitor.uid, {"uid": visitor.uid, "online": True, "since": timestamp(online)})
    yield Change(online + timedelta(minutes=37), "presence", visitor.uid, None)


def _user_doc(user: User, at: datetime) -> Doc:
    return {
        "uid": user.uid,
        "wallet": user.wallet,
        "email": user.email,
        "displayName": user.display_name,
        "kycTier": user.kyc_tier_at(at),
        "frozen": user.frozen_at(at),
        "createdAt": timestamp(user.created_at),
    }


def _match_doc(match: Match, number: int) -> Doc:
    state = match.changes[number]
    return {
        "matchId": match.match_id,
        "kind": match.kind,
        "status": state.status,
        "mint": match.mint,
        "entryAmount": str(match.entry_amount),
        "players": list(state.players),
        "winner": state.winner,
        "paused": state.paused,
        "createdAt": timestamp(match.created_at),
        "endedAt": None if state.ended_at is None else timestamp(state.ended_at),
    }


def timestamp(at: datetime) -> Doc:
    """A time in a document's data."""
    return {"_seconds": int(at.timestamp()), "_nanoseconds": at.microsecond * 1000}


def _row(change: Change, current: dict[tuple[str, str], str], rng: Random) -> Doc:
    key = (change.collection, change.doc_id)
    before = current.get(key)
    after = None if change.after is None else _json(change.after)
    operation = "DELETE" if after is None else "CREATE" if before is None else "UPDATE"
    if after is None:
        current.pop(key, None)
    else:
        current[key] = after
    return {
        "timestamp": change.at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "document_name": f"{_ROOT}/{change.collection}/{change.doc_id}",
        "document_id": change.doc_id,
        "operation": operation,
        "data": after,
        "old_data": before,
    }


def _import_row(user: User) -> Doc:
    return {
        "timestamp": _EPOCH,
        "event_id": "",
        "document_name": f"{_ROOT}/users/{user.uid}",
        "document_id": user.uid,
        "operation": "IMPORT",
        "data": _json(_user_doc(user, user.created_at)),
        "old_data": None,
    }


def _line(row: Doc, wrapped: bool) -> bytes:
    return _json({"insertId": row["event_id"], "json": row} if wrapped else row).encode()


def _json(value: Doc) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
