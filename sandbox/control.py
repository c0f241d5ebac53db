"""HTTP routes that set the sandbox's faults, its chain and its Stripe account while it runs.

GET  /control/rpc        the faults in force, requests so far, and requests that met a fault, by provider and kind
PUT  /control/rpc        put another configuration in force, as a whole (see rpc_faults); counts begin anew
GET  /control/chain      tip_at, pending, dropped, and the slots and signatures they come to
PUT  /control/chain      set one or several of them (see chain_control)
GET  /control/stripe     the Stripe API's faults in force, requests so far, and those that met a fault, by kind
PUT  /control/stripe     put another configuration in force, as a whole (see stripe_faults); counts begin anew

All PUTs answer what GET would, or 400 with {"error": ...} and no change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.chain_control import ChainControl, ChainSettingsError
from sandbox.rpc_faults import FaultConfigError, read_faults
from sandbox.rpc_provider import FaultBoard
from sandbox.stripe_faults import read_stripe_faults
from sandbox.stripe_provider import StripeBoard


def control_routes(board: FaultBoard, chain: ChainControl | None, stripe: StripeBoard | None = None) -> list[Route]:
    """The routes; without a simulated chain there is no /control/chain, without a Stripe API no /control/stripe."""

    def put_faults(document: Any) -> None:
        board.replace(read_faults(document))

    routes = [_route("/control/rpc", board.describe, put_faults)]
    if chain is not None:
        routes.append(_route("/control/chain", chain.describe, chain.change))
    if stripe is not None:
        routes.append(stripe_control(stripe))
    return routes


def stripe_control(board: StripeBoard) -> Route:
    """The route of the Stripe API's faults."""

    def put_faults(document: Any) -> None:
        board.replace(read_stripe_faults(document))

    return _route("/control/stripe", board.describe, put_faults)


def _route(path: str, describe: Callable[[], dict[str, Any]], put: Callable[[Any], None]) -> Route:
    async def endpoint(request: Request) -> Response:
        if request.method == "PUT":
            try:
                put(json.loads(await request.body()))
            except (FaultConfigError, ChainSettingsError) as error:
                return JSONResponse({"error": str(error)}, 400)
            except ValueError:
                return JSONResponse({"error": "the body is not JSON"}, 400)
        return JSONResponse(describe())

    return Route(path, endpoint, methods=["GET", "PUT"])
