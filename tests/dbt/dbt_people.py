"""Users and pauses of the three hand-written days: a late change, a late pause, a document imported late."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from dbt_world import World, at, row, user_id


def user(world: World, name: str, moment: str, **fields: Any) -> None:
    """A user's document as it is from `moment` on; the wallet has the user's name."""
    world.change("users", user_id(name), at(moment), {"wallet": name, "frozen": False} | fields)


def imported(world: World, name: str, **fields: Any) -> None:
    """A user's document as it was imported, without a time of the change."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    world.add("raw.firestore_changelog", row(
        epoch, f"firestore/import/{name}", timestamp=epoch.isoformat(), document_id=user_id(name), event_id="",
        document_name=user_id(name), collection="users", operation="IMPORT", data=json.dumps({"wallet": name} | fields),
    ))  # fmt: skip


def pause(world: World, kind: str, match: str, moment: str, slot: int) -> None:
    """A match is paused or resumed on the chain."""
    when = at(moment)
    world.add("raw.canonical_events", row(
        when, f"tx/{kind}/{match}", canonical_key=f"{kind}-{match}-{slot}", signature=f"{kind}-{match}", slot=slot,
        block_time=when.isoformat(), canonical_event=kind, escrow_id=match, status="counted", profile="test",
        program_id="Program",
    ))  # fmt: skip


def first_people(world: World) -> None:
    """Three sign up; bob is verified on the 6th; m1 is paused over midnight."""
    user(world, "alice", "05 08:00:00", kycTier=1)
    user(world, "bob", "05 09:00:00", kycTier=0)
    user(world, "bob", "06 08:00:00", kycTier=1)
    user(world, "carol", "06 09:30:00")
    pause(world, "paused", "m1", "05 12:00:00", 125)
    pause(world, "resumed", "m1", "06 00:30:00", 190)


def later_people(world: World) -> None:
    """bob was frozen on the 5th, which the document no longer says on the 6th; m2 has been paused since the 5th."""
    user(world, "bob", "05 20:00:00", kycTier=0, frozen=True)
    imported(world, "dave", kycTier=2, createdAt="2026-10-06T05:00:00Z")
    pause(world, "paused", "m2", "05 23:00:00", 139)
