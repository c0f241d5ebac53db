"""Cloudflare Logpush objects of the platform: `http_requests` and `workers_trace_events`, as gzip NDJSON.

Names follow `<dataset>/{YYYYMMDD}/<start>Z_<end>Z_<8 hex>.log.gz`; windows in the names overlap by seconds, and an
object holds a few events from before its window. `http_requests` times are unixnano ints; from the third day on the
job is set to RFC3339. The trace events' own time is always milliseconds.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from sandbox.audit_log import from_ms, to_ms
from sandbox.model import World
from sandbox.traffic import ApiCall

DATASETS = ("http_requests", "workers_trace_events")
BATCH_MS = 1_800_000
HOST = "play.skill-match.example"


@dataclass(frozen=True)
class LogObject:
    """One object to be delivered: key below the bucket, and its lines (bytes without newline)."""

    key: str
    lines: tuple[bytes, ...]

    @property
    def opens(self) -> datetime:
        """Start of the time that its name states."""
        return _named(self.key.rsplit("/", 1)[1].split("_")[0])

    @property
    def closes(self) -> datetime:
        """End of the time that its name states."""
        return _named(self.key.rsplit("/", 1)[1].split("_")[1])

    @cached_property
    def body(self) -> bytes:
        """The object's bytes; the same lines give the same bytes."""
        return pack(self.lines)


def pack(lines: Iterable[bytes]) -> bytes:
    """gzip NDJSON without a time stamp in its header."""
    return gzip.compress(b"".join(line + b"\n" for line in lines), 6, mtime=0)


def unpack(body: bytes) -> tuple[bytes, ...]:
    """The lines of a delivered object."""
    return tuple(gzip.decompress(body).splitlines())


def http_objects(world: World, calls: Sequence[ApiCall]) -> list[LogObject]:
    """The `http_requests` objects, Worker subrequests included."""
    switch = to_ms(world.start + timedelta(days=2))
    rows = []
    for call in calls:
        if not call.is_request:
            continue
        rows.append((call.at_ms, _request(call, call.at_ms >= switch)))
        if call.subrequest_ray:
            rows.append((call.at_ms + 5, _subrequest(call, call.at_ms >= switch)))
    return _batches("http_requests", world, rows)


def trace_objects(world: World, calls: Sequence[ApiCall], lost: ApiCall | None = None) -> list[LogObject]:
    """The `workers_trace_events` objects; the trace of `lost` is left out and nothing else changes."""
    rows = [(call.at_ms, _trace(call) if call is not lost else None) for call in calls if call.worker]
    return _batches("workers_trace_events", world, rows)


def single_trace(call: ApiCall, opens: datetime, closes: datetime) -> LogObject:
    """An object that holds nothing but one call's trace."""
    name = f"{opens:%Y%m%dT%H%M%S}Z_{closes:%Y%m%dT%H%M%S}Z"
    line = _trace(call)
    return LogObject(f"workers_trace_events/{opens:%Y%m%d}/{name}_{_hex(line)}.log.gz", (line,))


def late_object(like: LogObject, lines: Sequence[bytes]) -> LogObject:
    """A further object for the window of `like` with `lines`; its name differs in the hex part."""
    name = like.key.rsplit("_", 1)[0]
    return LogObject(f"{name}_{_hex(b''.join(lines))}.log.gz", tuple(lines))


def marker_files() -> dict[str, bytes]:
    """What a Logpush job writes when it is created: no logs. Key -> bytes."""
    files = {}
    for dataset in DATASETS:
        token = hashlib.sha256(f"ownership:{dataset}".encode()).hexdigest()
        files[f"{dataset}/ownership-challenge.txt"] = token.encode()
        files[f"{dataset}/test.txt.gz"] = b""
    return files


def _batches(dataset: str, world: World, rows: Iterable[tuple[int, bytes | None]]) -> list[LogObject]:
    """Spread (time, line) over one object per half hour; a line of None takes part but is not written."""
    rng = Random(f"logpush:{dataset}:{world.seed}")
    start, end = to_ms(world.start), to_ms(world.end)
    cuts = [start, *(at + rng.randint(-40, 40) * 1000 for at in range(start + BATCH_MS, end, BATCH_MS)), end]
    held: list[list[tuple[int, bytes | None]]] = [[] for _ in cuts[1:]]
    place = 0
    for at, line in sorted(rows, key=lambda row: row[0]):
        while at >= cuts[place + 1]:
            place += 1
        late = rng.random() < 0.03 and place + 1 < len(held)
        # Neither order nor window is promised: lines swap by seconds, some wait for the next object.
        held[place + late].append((at + rng.randint(0, 5_000), line))
    objects = []
    for number, batch in enumerate(held):
        lines = tuple(line for _, line in sorted(batch, key=lambda row: row[0]) if line is not None)
        opens = from_ms(cuts[number] - (rng.randint(0, 12) * 1000 if number else 0))
        name = f"{opens:%Y%m%dT%H%M%S}Z_{from_ms(cuts[number + 1]):%Y%m%dT%H%M%S}Z"
        objects.append(LogObject(f"{dataset}/{opens:%Y%m%d}/{name}_{_hex(name.encode())}.log.gz", lines))
    return objects


def _named(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _hex(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()[:8]


def _line(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()


def _time(at_ms: int, rfc3339: bool) -> int | str:
    if rfc3339:
        return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return at_ms * 1_000_000 + at_ms % 997  # nanoseconds, beyond what a double holds


def _request(call: ApiCall, rfc3339: bool) -> bytes:
    cached = not call.worker and call.status in (200, 304)
    return _line(
        {
            "CacheCacheStatus": "hit" if cached else "dynamic",
            "ClientASN": 64_496 + len(call.ip),
            "ClientCountry": call.country,
            "ClientDeviceType": "mobile" if "Mobile" in call.agent else "desktop",
            "ClientIP": call.ip,
            "ClientRequestBytes": 300 + len(call.path) * 3,
            "ClientRequestHost": HOST,
            "ClientRequestMethod": call.method,
            "ClientRequestPath": call.path,
            "ClientRequestProtocol": "HTTP/2",
            "ClientRequestURI": call.path,
            "ClientRequestUserAgent": call.agent,
            "EdgeColoCode": "FRA",
            "EdgeEndTimestamp": _time(call.at_ms + call.duration_ms, rfc3339),
            "EdgeResponseBytes": 0 if call.status == 304 else 900 + len(call.path) * 11,
            "EdgeResponseStatus": call.status,
            "EdgeStartTimestamp": _time(call.at_ms, rfc3339),
            "OriginResponseDurationMs": 0 if cached else call.duration_ms,
            "OriginResponseStatus": 0 if cached else call.status,
            "ParentRayID": "00",
            "RayID": call.ray_id,
            "SecurityAction": "",
            "SecurityRuleIDs": [],
            "WorkerStatus": "unknown" if not call.worker else "exception" if call.exception else "ok",
            "WorkerSubrequest": False,
        }
    )


def _subrequest(call: ApiCall, rfc3339: bool) -> bytes:
    return _line(
        {
            "CacheCacheStatus": "dynamic",
            "ClientRequestHost": HOST,
            "ClientRequestMethod": "GET",
            "ClientRequestPath": "/internal/config",
            "ClientRequestURI": "/internal/config",
            "EdgeEndTimestamp": _time(call.at_ms + 25, rfc3339),
            "EdgeResponseStatus": 200,
            "EdgeStartTimestamp": _time(call.at_ms + 5, rfc3339),
            "OriginResponseDurationMs": 18,
            "OriginResponseStatus": 200,
            "ParentRayID": call.ray_id,
            "RayID": call.subrequest_ray,
            "WorkerSubrequest": True,
        }
    )


def _trace(call: ApiCall) -> bytes:
    event: dict[str, Any]
    if call.cron:
        event = {"Cron": call.cron, "ScheduledTimeMs": call.at_ms - call.at_ms % 60_000}
    elif call.kind == "alarm":
        event = {"ScheduledTimeMs": call.at_ms}
    elif call.kind == "queue":
        event = {"Queue": "finalized-transactions", "BatchSize": 1}
    else:
        event = {
            "RayID": call.ray_id,
            "Request": {"Method": call.method, "URL": f"https://{HOST}{call.path}"},
            "Response": {"Status": call.status},
        }
    exceptions = []
    if call.exception:
        exceptions.append({"Message": call.exception, "Name": "Error", "TimestampMs": call.at_ms + call.duration_ms})
    return _line(
        {
            "CPUTimeMs": min(call.duration_ms, 3 + len(call.logs)),
            "DispatchNamespace": "",
            "Entrypoint": "",
            "Event": event,
            "EventTimestampMs": call.at_ms,
            "EventType": "scheduled" if call.cron else call.kind,
            "Exceptions": exceptions,
            "Logs": [{"Level": log.level, "Message": list(log.args), "TimestampMs": log.at_ms} for log in call.logs],
            "Outcome": "exception" if call.exception else "ok",
            "ScriptName": call.script,
            "ScriptTags": [],
            "ScriptVersion": {"id": "5f0c1d3e-8c0a-4d53-9f8e-2f6d1a7b9c10"},
            "WallTimeMs": call.duration_ms,
        }
    )
