"""How long records are kept: policy, cold tier, purge, legal holds, erasure."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
policy_app = typer.Typer(no_args_is_help=True, help="The policy file, and what is set.")
hold_app = typer.Typer(no_args_is_help=True, help="Legal holds.")
app.add_typer(policy_app, name="policy")
app.add_typer(hold_app, name="hold")

Day = Annotated[str, typer.Option("--as-of", help="UTC day, YYYY-MM-DD")]
Reason = Annotated[str, typer.Option("--reason", help="why; names no person")]
By = Annotated[str, typer.Option("--by", help="role of who decides")]


@contextmanager
def _told() -> Iterator[None]:
    """Errors that a person can do something about end the command with one line and exit 2."""
    from audit.cold import ColdError
    from audit.erasure import SubjectHeld, UnknownSubject
    from audit.holds import HoldError
    from warehouse.client import WarehouseUnreachable
    from warehouse.config import ConfigError

    try:
        yield
    except (ConfigError, WarehouseUnreachable, ColdError, HoldError, SubjectHeld, UnknownSubject) as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _connected() -> tuple[Any, Any]:
    from warehouse.client import bigquery_client
    from warehouse.config import load_config

    config = load_config()
    return config, bigquery_client(config)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"not a day (YYYY-MM-DD): {text}", param_hint=option) from None


def _month(text: str) -> date:
    return _day(f"{text}-01", "MONTH (YYYY-MM)")


def _run_id() -> str:
    return f"manual-{uuid.uuid4().hex[:12]}"


@policy_app.command("check")
def policy_check() -> None:
    """Each difference between what is set and what the policy file says; exit 1 where there is one."""
    from audit.policy_apply import check

    with _told():
        _say(check(*_connected()))


@policy_app.command("apply")
def policy_apply(
    lock: Annotated[bool, typer.Option("--lock", help="lock retention periods; nobody can take that back")] = False,
) -> None:
    """Set partition expirations, retention periods and lifecycles; says what is still different, with exit 1."""
    from audit.policy_apply import apply

    with _told():
        _say(apply(*_connected(), lock=lock))


def _say(differences: list) -> None:
    for difference in differences:
        print(difference)
    print(f"{len(differences)} differences")
    raise typer.Exit(1 if differences else 0)


@app.command()
def archive(
    as_of: Day,
    recheck: Annotated[bool, typer.Option("--recheck", help="compare every month, not only changed ones")] = False,
) -> None:
    """Copy closed months to the cold tier, and read them back."""
    from audit.cold_archive import archive as copy_months

    with _told():
        for copy in copy_months(*_connected(), _day(as_of, "--as-of"), _run_id(), recheck):
            print(f"{copy.table} {copy.month:%Y-%m}: {copy.rows:,} rows, {copy.size:,} bytes, {copy.uri}")


@app.command()
def restore(
    table: Annotated[str, typer.Argument(help="dataset.table")],
    month: Annotated[str, typer.Argument(help="YYYY-MM")],
    into_hot: Annotated[bool, typer.Option("--into-hot", help="among the table's own rows, not beside them")] = False,
) -> None:
    """Bring a month back from the cold tier and verify it against its manifest and the seals."""
    from audit.cold_restore import restore as bring_back

    with _told():
        done = bring_back(*_connected(), table, _month(month), _run_id(), into_hot)
        print(f"{done.target}: {done.rows:,} rows verified, {done.added:,} added, {done.seals:,} seals compared")


@app.command()
def purge(
    as_of: Day,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, and remove nothing")] = False,
) -> None:
    """Remove what is past its time, except what a legal hold names."""
    from audit.purge import purge as remove

    with _told():
        for gone in remove(*_connected(), _day(as_of, "--as-of"), _run_id(), dry_run):
            state = "locked" if gone.locked else "would go" if dry_run else "removed"
            stays = f", {gone.held:,} held, {gone.unsealed:,} unsealed"
            print(
                f"{gone.table} {gone.tier} {gone.first_day}..{gone.last_day} ({gone.cause}): "
                f"{gone.rows:,} {state}{stays}"
            )


@hold_app.command("place")
def hold_place(
    reason: Reason,
    by: By,
    subject: Annotated[str | None, typer.Option("--subject", help="token of audit.subjects")] = None,
    first: Annotated[str | None, typer.Option("--from", help="first day")] = None,
    last: Annotated[str | None, typer.Option("--to", help="last day, included")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="all subjects, all days")] = False,
) -> None:
    """Place a legal hold; prints its id. It counts for purges and erasures that begin afterwards."""
    from audit.holds import place

    if everything == any((subject, first, last)):
        raise typer.BadParameter("name a subject, a range, or --everything")
    with _told():
        _, client = _connected()
        days = [None if text is None else _day(text, "--from/--to") for text in (first, last)]
        print(
            place(
                client, reason=reason, by=by, at=datetime.now(UTC), run_id=_run_id(), subject=subject,
                first_day=days[0], last_day=days[1],
            )
        )  # fmt: skip


@hold_app.command("list")
def hold_list() -> None:
    """Holds in force, oldest first."""
    from audit.holds import current_holds

    with _told():
        _, client = _connected()
        for hold in current_holds(client):
            days = f"{hold.first_day or ''}..{hold.last_day or ''}"
            placed = f"{hold.placed_at:%Y-%m-%d %H:%M}"
            print(f"{hold.hold_id} {hold.subject or 'all subjects'} {days} {placed} {hold.by}: {hold.reason}")


@hold_app.command("release")
def hold_release(hold_id: Annotated[str, typer.Argument()], reason: Reason, by: By) -> None:
    """Release a legal hold."""
    from audit.holds import release

    with _told():
        _, client = _connected()
        release(client, hold_id, reason=reason, by=by, at=datetime.now(UTC), run_id=_run_id())


@app.command()
def erase(subject: Annotated[str, typer.Argument(help="token of audit.subjects")], reason: Reason) -> None:
    """Destroy a subject's key and pseudonym; refused while a legal hold covers the subject."""
    from audit.erasure import erase as destroy

    with _told():
        config, client = _connected()
        fresh = destroy(config, client, subject, reason=reason, at=datetime.now(UTC), run_id=_run_id())
        print("erased" if fresh else "was erased before")
