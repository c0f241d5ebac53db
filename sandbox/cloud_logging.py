"""Cloud Logging sink files of the platform's Firestore writer and Google's audit log, and the write errors in them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.audit_log import iso_ms
from sandbox.model import World

PROJECT = "skill-match"
FUNCTION_LOG = "firestore-writer"
AUDIT_LOG = "cloudaudit.googleapis.com/data_access"
CODES = {"ABORTED": 10, "DEADLINE_EXCEEDED": 4, "PERMISSION_DENIED": 7}
_ROOT = f"projects/{PROJECT}/databases/(default)"
_LATE = 30  # this hour has an addendum


@dataclass(frozen=True)
class Write:
    """A write that a log tells of; `code` None: it went well. `logged_by`: application or audit."""

    at: datetime
    logged_by: str
    collections: tuple[str, ...]
    code: str | None


def writes(world: World) -> dict[datetime, list[Write]]:
    """Hour -> the writes that its files tell of, in order. The audit log tells of refused ones alone."""
    rng = Random(f"cloud_logging:{world.seed}")
    hours: dict[datetime, list[Write]] = {}
    for number in range(int((world.end - world.start).total_seconds()) // 3600):
        hour = world.start + timedelta(hours=number)
        moments = sorted(rng.randint(0, 3_540_000) for _ in range(rng.randint(3, 6)))
        told = []
        for place, ms in enumerate(moments):
            code = rng.choice(("ABORTED", "DEADLINE_EXCEEDED")) if number % 9 == 4 and place == 1 else None
            collection = rng.choice(("matches", "ledger", "users"))
            told.append(Write(hour + timedelta(milliseconds=ms), "application", (collection,), code))
        if number % 12 == 2:
            collections = ("ledger", "users") if number % 24 == 2 else ("matches",)
            at = hour + timedelta(milliseconds=rng.randint(0, 3_599_000))
            told.append(Write(at, "audit", collections, rng.choice(sorted(CODES))))
        hours[hour] = told
    return hours


def write_errors(world: World) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """M13: {hour: {"application" or "audit": {collection: {code: failed writes}}}}; hours without any are left out."""
    told: dict[str, Any] = {}
    for hour, of_hour in writes(world).items():
        for write in of_hour:
            for collection in write.collections if write.code else ():
                logs = told.setdefault(f"{hour:%Y-%m-%dT%H:00:00Z}", {})
                codes = logs.setdefault(write.logged_by, {}).setdefault(collection, {})
                codes[write.code] = codes.get(write.code, 0) + 1
    return told


def cloud_logging(world: World) -> dict[str, bytes]:
    """Hourly sink files of the two logs: key below the exports bucket -> bytes (NDJSON).

    One hour has an addendum that repeats an entry of the hour's file.
    """
    rng = Random(f"log_entries:{world.seed}")
    files: dict[str, bytes] = {}
    for number, (hour, told) in enumerate(writes(world).items()):
        name = f"{hour:%Y/%m/%d/%H}:00:00_{hour:%H}:59:59"
        entries = [_writer_entry(rng, write) for write in told if write.logged_by == "application"]
        files[f"cloud_logging/{FUNCTION_LOG}/{name}_S0.json"] = _ndjson(entries)
        if number == _LATE:
            extra = _writer_entry(
                rng, Write(hour + timedelta(minutes=59, seconds=40), "application", ("ledger",), None)
            )
            files[f"cloud_logging/{FUNCTION_LOG}/{name}_A0.json"] = _ndjson([entries[-1], extra])
        if number % 6 == 2:
            listed = _audit_entry(rng, hour + timedelta(minutes=11, milliseconds=rng.randint(0, 999)))
            refused = [_refused_entry(rng, write) for write in told if write.logged_by == "audit"]
            files[f"cloud_logging/{AUDIT_LOG}/{name}_S0.json"] = _ndjson([listed, *refused])
    return files


def _writer_entry(rng: Random, write: Write) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "message": "document written",
        "collection": write.collections[0],
        "durationMs": rng.randint(8, 90),
    }
    if write.code:
        payload |= {"message": "write failed, will retry", "code": write.code}
    return {
        "insertId": f"{rng.getrandbits(64):016x}",
        "jsonPayload": payload,
        "labels": {"execution_id": f"{rng.getrandbits(48):012x}"},
        "logName": f"projects/{PROJECT}/logs/{FUNCTION_LOG}",
        "receiveTimestamp": iso_ms(write.at + timedelta(milliseconds=350)),
        "resource": {
            "labels": {"function_name": "writeLedger", "project_id": PROJECT, "region": "europe-west3"},
            "type": "cloud_function",
        },
        "severity": "ERROR" if write.code else "INFO",
        "timestamp": iso_ms(write.at),
    }


def _audit_entry(rng: Random, at: datetime) -> dict[str, Any]:
    return {
        "insertId": f"{rng.getrandbits(64):016x}",
        "logName": f"projects/{PROJECT}/logs/{AUDIT_LOG.replace('/', '%2F')}",
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "authenticationInfo": {"principalEmail": "backup@skill-match.iam.gserviceaccount.com"},
            "methodName": "google.firestore.admin.v1.FirestoreAdmin.ListDatabases",
            "requestMetadata": {"callerIp": "198.51.100.33"},
            "resourceName": _ROOT,
            "serviceName": "firestore.googleapis.com",
            "status": {},
        },
        "receiveTimestamp": iso_ms(at + timedelta(milliseconds=800)),
        "resource": {"labels": {"project_id": PROJECT}, "type": "audited_resource"},
        "severity": "INFO",
        "timestamp": iso_ms(at),
    }


def _refused_entry(rng: Random, write: Write) -> dict[str, Any]:
    entry = _audit_entry(rng, write.at)
    names = [f"{_ROOT}/documents/{collection}/{rng.getrandbits(40):010x}" for collection in write.collections]
    entry["protoPayload"] |= {
        "methodName": "google.firestore.v1.Firestore.Commit",
        "request": {"database": _ROOT, "writes": [{"update": {"name": name}} for name in names]},
        "status": {"code": CODES[write.code or ""], "message": "the write was refused"},
    }
    return entry | {"severity": "ERROR"}


def _ndjson(entries: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(entry, separators=(",", ":")).encode() + b"\n" for entry in entries)
