"""The sandbox as one HTTP application, and the start that prepares it.

POST /rpc/{provider}     Solana JSON-RPC (providers alpha and beta)
GET  /stripe/v1/...      Stripe API
GET  /healthz            {"status": "ok", "mode": ...}
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.audit_log import audit_records
from sandbox.bucket import Buckets, write_atomically
from sandbox.chain import build_chain
from sandbox.chain_protocol import Chain
from sandbox.delivery import deliver
from sandbox.model import World
from sandbox.payments import simulate
from sandbox.payments_account import Payments
from sandbox.recorded import Span, read_recorded
from sandbox.rpc import RpcServer, rpc_endpoint
from sandbox.stripe_api import stripe_routes
from sandbox.stripe_shapes import Payer
from sandbox.stripe_store import StripeStore
from sandbox.truth import truth
from sandbox.world import build_world

PROVIDERS = ("alpha", "beta")
FAULTS = ("drop_audit_event", "move_base_unit", "rpc_down")
DOWN_PROVIDER = "alpha"


class StartError(RuntimeError):
    """The sandbox cannot be started like this; the message says why and what to do."""


@dataclass(frozen=True)
class Platform:
    """What the HTTP application serves."""

    mode: str  # simulated | recorded
    chain: Chain
    store: StripeStore
    down: frozenset[str] = frozenset()  # RPC providers that answer 503


def build_app(platform: Platform) -> Starlette:
    """The application; every route of a provider that is down answers 503."""
    server = RpcServer(platform.chain)

    async def health(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "mode": platform.mode})

    routes = [Route("/healthz", health)]
    for name in PROVIDERS:
        endpoint = rpc_endpoint(server, is_down=lambda name=name: name in platform.down)
        routes.append(Route(f"/rpc/{name}", endpoint, methods=["GET", "POST"]))
    return Starlette(routes=[*routes, *stripe_routes(platform.store)])


def prepare_simulated(home: Path, faults: Collection[str] = (), profile: str = "skill_match") -> Platform:
    """Build the world, deliver its exports and logs below `home`, and write truth.json and state.json.

    Faults of earlier starts over the same home that are not in `faults` are healed. Raises StartError for an unknown
    fault or a home of another mode, delivery.FaultError for a fault that cannot be injected any more.
    """
    unknown = sorted(set(faults) - set(FAULTS))
    if unknown:
        raise StartError(f"unknown fault {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    _claim(home, {"mode": "simulated"})
    remembered = _remembered(home)
    world = build_world()
    chain = build_chain(world, faults=set(faults), healed=remembered - set(faults))
    signatures = [chain.signature_of(tx.index) for tx in world.transactions]
    payments = payments_of(world)
    records = audit_records(world.actions, payments.actions, signatures)
    deliver(Buckets(home), world, records, signatures, drop_audit_event="drop_audit_event" in faults)
    _write(home, "faults.json", sorted(remembered | set(faults)))  # before anybody can see a fault
    _write(home, "truth.json", truth(world, payments.days))
    _write_state(home, "simulated", (world.start, world.end), faults, profile)
    store = StripeStore({**payments.objects, "events": payments.events}, _balance(payments), payments.payout_of)
    return Platform("simulated", chain, store, frozenset({DOWN_PROVIDER} if "rpc_down" in faults else ()))


def prepare_recorded(home: Path, folder: Path, profile: str, faults: Collection[str] = ()) -> Platform:
    """Read a folder of recorded data, copy its export and log files below `home`, and write state.json.

    Of the faults only rpc_down has a meaning here. Raises StartError for another fault or for a home of another mode
    or input, recorded.InputError for a folder that is not there.
    """
    senseless = sorted(set(faults) - {"rpc_down"})
    if senseless:
        raise StartError(f"fault {', '.join(senseless)} needs the simulated platform; recorded data is served as it is")
    recorded = read_recorded(folder)
    _claim(home, {"mode": "recorded", "input": str(folder.resolve())})
    buckets = Buckets(home)
    for copy in recorded.copies:
        # A file that was corrected since is a new generation of its object, as when an export is run again.
        buckets.replace(copy.bucket, copy.key, copy.path.read_bytes())
    windows = {source: _span(span) for source, span in sorted(recorded.windows.items())}
    extra = {"windows": windows, "unserved_stripe_objects": dict(sorted(recorded.unserved.items()))}
    _write_state(home, "recorded", recorded.window, faults, profile, extra)
    return Platform("recorded", recorded.chain, recorded.store, frozenset({DOWN_PROVIDER} if faults else ()))


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


def _claim(home: Path, origin: Mapping[str, str]) -> None:
    """Refuse a home whose buckets hold the data of another mode or input: the warehouse would read both."""
    path = home / "sandbox" / "origin.json"
    if path.exists():
        before = json.loads(path.read_text())
        if before != origin:
            was = before.get("input", "the simulated platform")
            raise StartError(f"{home} holds the data of {was}; use another WAREHOUSE_HOME or run `make clean` first")
    else:
        _write(home, "origin.json", origin)


def _remembered(home: Path) -> set[str]:
    """Every fault that an earlier start injected into this home."""
    path = home / "sandbox" / "faults.json"
    return set(json.loads(path.read_text())) if path.exists() else set()


def _write_state(
    home: Path,
    mode: str,
    span: Span,
    faults: Collection[str],
    profile: str,
    extra: Mapping[str, Any] | None = None,
) -> None:
    state = {"window": _span(span), "mode": mode, "faults": sorted(faults), "profile": profile, **(extra or {})}
    if "windows" not in state:
        state["windows"] = {name: _span(span) for name in ("cloudflare", "firebase", "solana", "stripe")}
    _write(home, "state.json", state)


def _span(span: Span) -> dict[str, str]:
    def text(at: datetime) -> str:
        return at.isoformat().replace("+00:00", "Z")

    return {"start": text(span[0]), "end": text(span[1])}


def _write(home: Path, name: str, value: Any) -> None:
    write_atomically(home / "sandbox" / name, json.dumps(value, indent=1, sort_keys=True).encode())
