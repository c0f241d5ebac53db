"""The platform's daily `firebase auth:export` files."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sandbox.audit_log import to_ms
from sandbox.model import User, World

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
