"""What the simulated platform puts into its buckets, and the faults of what doesn't arrive: a record, an object.

Delivered objects are never rewritten. So the fault leaves out a record that has not been delivered yet: in a new home
a money event of the second day, in a home that has it already a record of a further pair in the `accounts` stream, of
which only the second arrives. The next delivery without the fault brings what is missing in an object of its own.

A whole object of `http_requests` can be held back in a new home only; without the fault it comes late, as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sandbox import firebase, firestore, logpush
from sandbox.audit_log import AuditRecord, chained, to_ms
from sandbox.bucket import EXPORTS, LOGPUSH, Buckets
from sandbox.cloud_logging import cloud_logging
from sandbox.logpush import LogObject
from sandbox.managed_export import managed_exports
from sandbox.model import World
from sandbox.traffic import ApiCall, Log, api_calls
from sandbox.worker_life import live

PAIR_STREAM = "accounts"
MAX_PAIRS = 20  # they fit between the last action of the world and its end


class FaultError(RuntimeError):
    """A fault cannot be injected into this home any more; the message says why and what to do."""


def deliver(
    buckets: Buckets,
    world: World,
    records: Sequence[AuditRecord],
    signatures: Sequence[str],
    drop_audit_event: bool = False,
    drop_logpush_object: bool = False,
    calls: Sequence[ApiCall] | None = None,
) -> int:
    """Write everything the simulated platform delivers; gives the number of new objects.

    With `drop_audit_event` one Worker trace with an audit record is held back, with `drop_logpush_object` an object of
    requests. Without them everything held back by earlier deliveries comes late. Raises FaultError where a fault was
    used too often in one home, or comes too late for it. `calls` are those of the world, where they are at hand.
    """
    calls = calls or live(world, api_calls(world, records), signatures).calls
    files = firestore.firestore_objects(world, signatures) | managed_exports(world, signatures)
    files |= firebase.auth_exports(world) | cloud_logging(world)
    new = sum(buckets.put(EXPORTS, key, body) for key, body in files.items())
    new += sum(buckets.put(LOGPUSH, key, body) for key, body in logpush.marker_files().items())
    requests = logpush.http_objects(world, calls)
    if drop_logpush_object:
        lost = lost_object(world, requests)
        if buckets.get(LOGPUSH, lost.key) is not None:
            raise FaultError("drop_logpush_object: the object was delivered into this home: run `make clean` first")
        requests.remove(lost)
    new += _put(buckets, requests)
    whole = logpush.trace_objects(world, calls)
    if not drop_audit_event:
        return new + _put(buckets, whole) + _put_late(buckets, whole) + _put_held_back(buckets, world, records)
    lacking = logpush.trace_objects(world, calls, lost_call(world, calls))
    [held_back] = _lines(whole) - _lines(lacking)
    if held_back not in _delivered_lines(buckets):
        return new + _put(buckets, lacking)
    new += _put(buckets, whole)
    for number in range(1, MAX_PAIRS + 1):
        first, second = pair(world, records, number)
        if buckets.get(LOGPUSH, first.key) is None:
            return new + _put(buckets, [second])
    raise FaultError(f"drop_audit_event was injected {MAX_PAIRS} times in this home: start anew with `make clean`")


def lost_call(world: World, calls: Sequence[ApiCall]) -> ApiCall:
    """The request whose trace a new home lacks: the first lone deposit after noon of the second day (or the first)."""
    noon = to_ms(world.start + timedelta(days=1, hours=12))
    lone = [call for call in calls if [r.event["action"] for r in call.records] == ["deposit"]]
    return next((call for call in lone if call.at_ms >= noon), lone[0])


def lost_object(world: World, objects: Sequence[LogObject]) -> LogObject:
    """The object that a new home lacks: the first one after noon of the second day (or the first)."""
    day = min(1, (world.end - world.start).days - 1)
    noon = world.start + timedelta(days=day, hours=12)
    return next(item for item in objects if item.opens >= noon)


def pair(world: World, records: Sequence[AuditRecord], number: int) -> tuple[LogObject, LogObject]:
    """The objects of the `number`-th pair of records (from 1): the one held back, and the one that arrives."""
    last = max((r for r in records if r.stream == PAIR_STREAM), key=lambda record: record.seq)
    room = (world.end - last.at - timedelta(seconds=10)) // timedelta(milliseconds=1)
    gap_ms = min(10_000, room // (2 * MAX_PAIRS + 1))
    fields = {"actor": "compliance", "action": "access_reviewed"}
    fields |= dict.fromkeys(("amount", "mint", "currency", "match_id", "signature", "stripe_id"))
    prev_hash = last.event["hash"]
    objects: list[LogObject] = []
    for step in range(1, number * 2 + 1):
        at = last.at + timedelta(milliseconds=gap_ms * step)
        event = chained(PAIR_STREAM, last.seq + step, at, fields, prev_hash)
        prev_hash = event["hash"]
        record = AuditRecord(PAIR_STREAM, last.seq + step, at, event)
        objects.append(logpush.single_trace(_review(record), at, at + timedelta(seconds=1)))
    return objects[-2], objects[-1]


def _review(record: AuditRecord) -> ApiCall:
    """The timed run of the Worker in which a record of a pair is written."""
    at_ms = to_ms(record.at)
    return ApiCall(
        at_ms=at_ms - 20,
        method="",
        path="",
        status=0,
        ip="",
        country="",
        agent="",
        ray_id="",
        duration_ms=35,
        worker=True,
        logs=(Log(at_ms, "info", (record.line,)),),
        cron="25 23 * * *",
        records=(record,),
    )


def _put(buckets: Buckets, objects: Iterable[LogObject]) -> int:
    return sum(buckets.put(LOGPUSH, item.key, item.body) for item in objects)


def _put_held_back(buckets: Buckets, world: World, records: Sequence[AuditRecord]) -> int:
    """Deliver the first record of each pair whose second has arrived."""
    new = 0
    for number in range(1, MAX_PAIRS + 1):
        first, second = pair(world, records, number)
        if buckets.get(LOGPUSH, second.key) is None:
            break
        new += _put(buckets, [first])
    return new


def _put_late(buckets: Buckets, whole: Sequence[LogObject]) -> int:
    """Deliver lines that no object holds, each in a further object for the window it belonged to."""
    changed = [item for item in whole if buckets.get(LOGPUSH, item.key) != item.body]
    if not changed:
        return 0
    there = _delivered_lines(buckets)
    new = 0
    for item in changed:
        missing = [line for line in item.lines if line not in there]
        if missing:
            new += _put(buckets, [logpush.late_object(item, missing)])
    return new


def _delivered_lines(buckets: Buckets) -> frozenset[bytes]:
    keys = [key for key in buckets.keys(LOGPUSH, "workers_trace_events/") if key.endswith(".log.gz")]
    return frozenset(line for key in keys for line in logpush.unpack(buckets.get(LOGPUSH, key) or b""))


def _lines(objects: Iterable[LogObject]) -> frozenset[bytes]:
    return frozenset(line for item in objects for line in item.lines)
