"""What the Workers of the three hand-written days log: late lines, and failures that go on over midnight."""

from __future__ import annotations

from datetime import timedelta

from dbt_world import World, at, row


def request(world: World, moment: str, status: int, milliseconds: int) -> None:
    """A request to the one endpoint, answered at `moment`."""
    when = at(moment)
    world.add("raw.worker_logs", row(
        when, f"logs/{moment}", kind="api_request", at=when.isoformat(), service="api", endpoint="/a", method="GET",
        status=status, duration_ms=milliseconds, position="Logs[0].Message[0]", record="{}",
    ))  # fmt: skip


def booking(world: World, moment: str, signature: str, seconds: int) -> None:
    """A transaction booked at `moment`, so many seconds after it was final."""
    when = at(moment)
    world.add("raw.worker_logs", row(
        when, f"logs/{moment}", 2, kind="ledger_write", at=when.isoformat(), service="booking", signature=signature,
        finalized_at=(when - timedelta(seconds=seconds)).isoformat(), position="Logs[0].Message[0]", record="{}",
    ))  # fmt: skip


def delivery(world: World, moment: str, outcome: str, attempt: int, seconds: int) -> None:
    """A delivery of one Stripe event that was created so many seconds before."""
    when = at(moment)
    world.add("raw.worker_logs", row(
        when, f"logs/{moment}", 3, kind="webhook", at=when.isoformat(), service="api", provider="stripe",
        event_id="evt", event_type="charge.succeeded", created_at=(when - timedelta(seconds=seconds)).isoformat(),
        outcome=outcome, attempt=attempt, position="Logs[0].Message[0]", record="{}",
    ))  # fmt: skip


def first_lines(world: World) -> None:
    """Two failures follow the midnight after the 5th; the line of the one before it is late."""
    request(world, "05 23:50:00", 200, 10)
    request(world, "06 00:01:00", 500, 30)
    request(world, "06 00:06:00", 503, 20)
    request(world, "06 00:07:00", 200, 40)
    booking(world, "05 23:51:00", "s1", 9)
    delivery(world, "05 23:52:00", "failed", 1, 2)


def later_lines(world: World) -> None:
    """The late line of the 5th, of which the 6th knows nothing; a day later nothing has failed before midnight."""
    request(world, "05 23:59:00", 500, 50)
    request(world, "07 00:00:30", 500, 5)
    booking(world, "05 23:53:00", "s2", 4)
    delivery(world, "05 23:54:00", "handled", 2, 122)
