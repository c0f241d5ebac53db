"""Firebase exports of the platform beside Firestore: the daily auth export and Cloud Logging sink files."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.audit_log import iso_ms, to_ms
from sandbox.model import User, World

PROJECT = "skill-match"
FUNCTION_LOG = "firestore-writer"
AUDIT_LOG = "cloudaudit.googleapis.com/data_access"
EXPORT_HOUR = 3  # `firebase auth:export` runs at 03:00 UTC


def auth_exports(world: World) -> dict[str, bytes]:
    """One `auth:export` file a day: key below the exports bucket -> bytes. Like real ones they hold password hashes."""
    files = {}
    for day in world.days():
        taken = day + timedelta(hours=EXPORT_HOUR)
        known = [_auth_user(user, taken) for user in world.users if user.created_at < taken]
        files[f"auth_export/{day:%Y%m%d}.json"] = json.dumps({"users": known}, indent=2).encode()
    return files


def _auth_user(user: User, taken: datetime) -> dict[str, Any]:
    digest = hashlib.sha512(f"password:{user.uid}".encode()).digest()
    created = to_ms(user.created_at)
    return {
        "localId": user.uid,
        "email": user.email,
        "emailVerified": user.kyc_tier_at(taken) > 0,
        "passwordHash": base64.urlsafe_b64encode(digest).decode(),
        "salt": base64.urlsafe_b64encode(digest[:12]).decode(),
        "displayName": user.display_name,
        "lastSignedInAt": str(max(created, to_ms(taken) - 60_000 * (1 + int(user.uid[1:])))),
        "createdAt": str(created),
        "phoneNumber": user.phone,
        "disabled": user.frozen_at(taken),
        "customAttributes": json.dumps({"kycTier": user.kyc_tier_at(taken)}),
        "mfaInfo": [],
        "providerUserInfo": [],
    }


def cloud_logging(world: World) -> dict[str, bytes]:
    """Hourly sink files of two logs: key below the exports bucket -> bytes (NDJSON).

    The writer's log has a few write errors; one hour has an addendum that repeats an entry of the hour's file.
    """
    rng = Random(f"cloud_logging:{world.seed}")
    files: dict[str, bytes] = {}
    hours = int((world.end - world.start).total_seconds()) // 3600
    for number in range(hours):
        hour = world.start + timedelta(hours=number)
        moments = sorted(rng.randint(0, 3_540_000) for _ in range(rng.randint(3, 6)))
        entries = [_writer_entry(rng, hour + timedelta(milliseconds=ms), number, n) for n, ms in enumerate(moments)]
        name = f"{hour:%Y/%m/%d/%H}:00:00_{hour:%H}:59:59"
        files[f"cloud_logging/{FUNCTION_LOG}/{name}_S0.json"] = _ndjson(entries)
        if number == 30:
            extra = _writer_entry(rng, hour + timedelta(minutes=59, seconds=40), number, 99)
            files[f"cloud_logging/{FUNCTION_LOG}/{name}_A0.json"] = _ndjson([entries[-1], extra])
        if number % 6 == 2:
            entry = _audit_entry(rng, hour + timedelta(minutes=11, milliseconds=rng.randint(0, 999)))
            files[f"cloud_logging/{AUDIT_LOG}/{name}_S0.json"] = _ndjson([entry])
    return files


def _writer_entry(rng: Random, at: datetime, hour: int, number: int) -> dict[str, Any]:
    failed = hour % 9 == 4 and number == 1
    collection = rng.choice(("matches", "ledger", "users"))
    payload: dict[str, Any] = {
        "message": "document written",
        "collection": collection,
        "durationMs": rng.randint(8, 90),
    }
    if failed:
        payload |= {"message": "write failed, will retry", "code": rng.choice(("ABORTED", "DEADLINE_EXCEEDED"))}
    return {
        "insertId": f"{rng.getrandbits(64):016x}",
        "jsonPayload": payload,
        "labels": {"execution_id": f"{rng.getrandbits(48):012x}"},
        "logName": f"projects/{PROJECT}/logs/{FUNCTION_LOG}",
        "receiveTimestamp": iso_ms(at + timedelta(milliseconds=350)),
        "resource": {
            "labels": {"function_name": "writeLedger", "project_id": PROJECT, "region": "europe-west3"},
            "type": "cloud_function",
        },
        "severity": "ERROR" if failed else "INFO",
        "timestamp": iso_ms(at),
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
            "resourceName": f"projects/{PROJECT}/databases/(default)",
            "serviceName": "firestore.googleapis.com",
            "status": {},
        },
        "receiveTimestamp": iso_ms(at + timedelta(milliseconds=800)),
        "resource": {"labels": {"project_id": PROJECT}, "type": "audited_resource"},
        "severity": "INFO",
        "timestamp": iso_ms(at),
    }


def _ndjson(entries: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(entry, separators=(",", ":")).encode() + b"\n" for entry in entries)
