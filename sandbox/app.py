"""The sandbox as one HTTP application, and the start that prepares it.

POST /rpc/{provider}     Solana JSON-RPC (providers alpha and beta)
GET  /stripe/v1/...      Stripe API
POST /cloudflare/...     the SQL API of Workers Analytics Engine
GET  /healthz            {"status": "ok", "mode": ...}
GET, PUT  /control/...   faults, the chain's tip and the Stripe account's, while it runs (see control)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.addresses import AUTHORITY
from sandbox.analytics_engine import AnalyticsBoard, analytics_routes, points_of
from sandbox.audit_log import audit_records
from sandbox.bucket import Buckets
from sandbox.chain_control import ChainControl, ChainSettings, ChainSettingsError
from sandbox.chain_protocol import Chain
from sandbox.chain_send import SentTransactions
from sandbox.chain_truth import chain_truth
from sandbox.chain_view import Commitments
from sandbox.cloud_logging import write_errors
from sandbox.confirmation_truth import confirmation_truth
from sandbox.connection import BreakableApp
from sandbox.control import control_routes
from sandbox.delivery import deliver
from sandbox.escrow_truth import escrow_truth
from sandbox.extra_plans import MOVE_BASE_UNIT, STUCK_TRANSACTION
from sandbox.home import SOURCES, StartError, claim, is_claimed, remembered_faults, span_text, write, write_state
from sandbox.model import World
from sandbox.money_truth import money_truth
from sandbox.operations_truth import operations_truth
from sandbox.other_platforms import PROFILES, prepare_other
from sandbox.payments import simulate
from sandbox.payments_account import Payments
from sandbox.people_truth import people_truth
from sandbox.recorded import read_recorded
from sandbox.rpc_faults import PROVIDERS, RpcFaults, ServerError
from sandbox.rpc_provider import FaultBoard, provider_endpoint
from sandbox.stripe_api import stripe_routes
from sandbox.stripe_faults import StripeFaults
from sandbox.stripe_provider import PLATFORM, StripeBoard
from sandbox.stripe_shapes import Payer
from sandbox.stripe_standing import standing
from sandbox.traffic import api_calls
from sandbox.truth import add_figures, truth
from sandbox.worker_life import live
from sandbox.world import DAYS, SEED, TROUBLES, build_world

OUTAGES = {"rpc_down": PROVIDERS[:1], "rpc_outage": PROVIDERS}
"""RPC providers that a fault takes down."""
DROPS = ("drop_audit_event", "drop_logpush_object")
"""Faults of what doesn't arrive in the buckets."""
STRIPE_DOWN = "stripe_down"
FAULTS = (*DROPS, MOVE_BASE_UNIT, *OUTAGES, STUCK_TRANSACTION, STRIPE_DOWN, *TROUBLES)


@dataclass(frozen=True)
class Platform:
    """What the HTTP application serves."""

    mode: str  # simulated | recorded
    chain: Chain
    stripe: StripeBoard | None  # None: no Stripe API
    down: frozenset[str] = frozenset()  # RPC providers that answer 503
    control: ChainControl | None = None  # None: the chain is as it is
    analytics: AnalyticsBoard = field(default_factory=lambda: AnalyticsBoard({}))


@dataclass(frozen=True)
class Simulated:
    """Which world is simulated, and how much of it is there.

    `rpc_only`: the chain alone, without exports and Stripe. `chain` says how far it has got (see chain_control).
    """

    days: int = DAYS
    seed: int = SEED
    rpc_only: bool = False
    chain: ChainSettings = field(default_factory=ChainSettings)


def build_app(platform: Platform, faults: RpcFaults | None = None) -> BreakableApp:
    """The application; every route of a provider that is down answers 503, and RPC `faults` are in force."""
    board = FaultBoard(faults)
    settled = Commitments.settled(platform.chain)
    sent = SentTransactions()

    def known() -> Commitments:
        return sent.over(platform.control.known()) if platform.control else settled  # recorded data stays as it is

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "mode": platform.mode})

    routes = [Route("/healthz", health), *control_routes(board, platform.control, platform.stripe)]
    for name in PROVIDERS:
        endpoint = provider_endpoint(name, known, board, name in platform.down)
        routes.append(Route(f"/rpc/{name}", endpoint, methods=["GET", "POST"]))
    routes += analytics_routes(platform.analytics)
    return BreakableApp(routes=[*routes, *(stripe_routes(platform.stripe) if platform.stripe else ())])


def prepare_simulated(
    home: Path, faults: Collection[str] = (), profile: str = "skill_match", options: Simulated | None = None
) -> Platform:
    """Build the world, deliver its exports and logs below `home`, and write truth.json and state.json.

    Faults of earlier starts over the same home that are not in `faults` are healed. Raises StartError for an unknown
    fault, chain settings that do not fit, or a home of another mode or world, delivery.FaultError for a fault that
    cannot be injected any more.
    """
    options = options or Simulated()
    if profile in PROFILES:
        return _prepare_other(home, faults, profile, options)
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown:
        raise StartError(f"unknown fault {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    if options.rpc_only and (needing := sorted(set(faults) & set(DROPS))):
        raise StartError(f"fault {', '.join(needing)} needs the exports, which are not there with --rpc-only")
    other = {
        name: str(getattr(options, name))
        for name, usual in (("days", DAYS), ("seed", SEED))
        if getattr(options, name) != usual
    }
    remembered = remembered_faults(home)
    if late := sorted(set(faults) & set(TROUBLES) - remembered) if is_claimed(home) else []:
        raise StartError(f"fault {', '.join(late)} changes the world and needs a new home: run `make clean` first")
    claim(home, {"mode": "simulated", **other})
    troubles = {*faults, *remembered} & set(TROUBLES)  # what happened stays in the home's history
    write(home, "faults.json", sorted(remembered | troubles))
    try:
        world = build_world(days=options.days, seed=options.seed, troubles=troubles)
    except ValueError as problem:
        raise StartError(str(problem)) from problem
    try:
        control = ChainControl(world, set(faults), remembered - set(faults), options.chain)
    except ChainSettingsError as problem:
        raise StartError(str(problem)) from problem
    payments = None if options.rpc_only else payments_of(world)
    figures = truth(world, payments.days if payments else None)
    add_figures(figures, chain_truth(control.chain, control.known()))
    add_figures(figures, escrow_truth(world, (AUTHORITY,)))
    add_figures(figures, money_truth(world))
    points = {}
    if payments:
        signatures = control.chain.signatures
        records = audit_records(world.actions, payments.actions, signatures)
        life = live(world, api_calls(world, records), signatures)
        dropped = {name: name in faults for name in DROPS}
        deliver(Buckets(home), world, records, signatures, **dropped, calls=life.calls)
        add_figures(figures, operations_truth(world, life, records))
        add_figures(figures, people_truth(world, payments.actions))
        add_figures(figures, {"hours": confirmation_truth(life)})
        points = points_of(life.lines)
        figures["write_errors"] = write_errors(world)
    write(home, "faults.json", sorted(remembered | set(faults)))  # before anybody can see a fault
    write(home, "truth.json", figures)
    sources = ("solana",) if options.rpc_only else SOURCES
    write_state(home, "simulated", (world.start, world.end), faults, profile, sources=sources)
    board, stripe = AnalyticsBoard(points), _stripe(payments, STRIPE_DOWN in faults) if payments else None
    return Platform("simulated", control.chain, stripe, _down(faults), control, board)


def _prepare_other(home: Path, faults: Collection[str], profile: str, options: Simulated) -> Platform:
    """Prepare one of the other platforms (see other_platforms); it has no Stripe account."""
    if senseless := sorted(set(faults) - set(OUTAGES)):
        raise StartError(f"fault {', '.join(senseless)} needs the skill-match platform")
    extent = {"days": options.days} if options.days != DAYS else {}
    world = prepare_other(home, profile, seed=options.seed, **extent)
    try:
        control = ChainControl(world, (), (), options.chain)
    except ChainSettingsError as problem:
        raise StartError(str(problem)) from problem
    return Platform("simulated", control.chain, None, _down(faults), control)


def _down(faults: Collection[str]) -> frozenset[str]:
    return frozenset(name for fault in faults for name in OUTAGES.get(fault, ()))


def _stripe(payments: Payments, is_down: bool = False) -> StripeBoard:
    faults = StripeFaults(server_error=ServerError(statuses=(503,))) if is_down else None
    return StripeBoard({PLATFORM: partial(standing, payments, _balance(payments))}, faults)


def prepare_recorded(home: Path, folder: Path, profile: str, faults: Collection[str] = ()) -> Platform:
    """Read a folder of recorded data, copy its export and log files below `home`, and write state.json.

    Of the faults only those of RPC providers have a meaning here. Raises StartError for another fault or for a home of
    another mode or input, recorded.InputError for a folder that is not there.
    """
    senseless = sorted(set(faults) - set(OUTAGES))
    if senseless:
        raise StartError(f"fault {', '.join(senseless)} needs the simulated platform; recorded data is served as it is")
    recorded = read_recorded(folder)
    claim(home, {"mode": "recorded", "input": str(folder.resolve())})
    buckets = Buckets(home)
    for copy in recorded.copies:
        # A file that was corrected since is a new generation of its object, as when an export is run again.
        buckets.replace(copy.bucket, copy.key, copy.path.read_bytes())
    windows = {source: span_text(span) for source, span in sorted(recorded.windows.items())}
    extra = {"windows": windows, "unserved_stripe_objects": dict(sorted(recorded.unserved.items()))}
    write_state(home, "recorded", recorded.window, faults, profile, extra)
    return Platform("recorded", recorded.chain, StripeBoard({PLATFORM: lambda _: recorded.store}), _down(faults))


def payments_of(world: World) -> Payments:
    """The Stripe account of a world: its users pay by card."""
    payers = [Payer(u.uid, u.display_name, u.email, int(u.created_at.timestamp())) for u in world.users]
    return simulate(payers, int(world.start.timestamp()), int(world.end.timestamp()), world.seed)


def _balance(payments: Payments) -> dict[str, Any]:
    """The account's balance object at the end of the window."""
    sums: dict[str, dict[str, int]] = {"available": {}, "pending": {}}
    for txn in payments.objects["balance_transactions"]:
        kept = sums[txn["status"]]
        kept[txn["currency"]] = kept.get(txn["currency"], 0) + txn["net"]
    parts = {
        name: [{"amount": n, "currency": c, "source_types": {"card": n}} for c, n in sorted(kept.items())]
        for name, kept in sums.items()
    }
    return {"object": "balance", "connect_reserved": [], "livemode": True, **parts}
