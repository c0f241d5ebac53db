"""A sandbox Stripe account on a port of its own, its settings at hand, and contexts that read it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ingestion import run
from ingestion.base import Context, NewObject
from sandbox.connection import BreakableApp
from sandbox.payments import simulate
from sandbox.payments_account import DAY, Payments
from sandbox.serving import running
from sandbox.stripe_api import API_KEY, stripe_routes
from sandbox.stripe_faults import StripeFaults, read_stripe_faults
from sandbox.stripe_provider import PLATFORM, StripeBoard
from sandbox.stripe_shapes import Payer
from sandbox.stripe_standing import standing
from sandbox.stripe_store import StripeStore
from warehouse.config import load_config
from warehouse.window import Window

START = datetime(2026, 10, 5, tzinfo=UTC)
END = START + timedelta(days=4)
WHOLE = Window(START, END)
LANDING = "gs://sources-stripe-landing"
CONNECTED = "acct_1Connected"
BALANCE = {"object": "balance"}


def account(seed: int = 7) -> Payments:
    """Four days of payments."""
    payers = [Payer(f"u{n:04d}", f"Name {n}", f"n{n}@example.org", int(START.timestamp()) - 1) for n in range(1, 41)]
    return simulate(payers, int(START.timestamp()), int(START.timestamp()) + 4 * DAY, seed=seed)


@dataclass
class Server:
    """The running API. `requests`: (path and query, headers) of each."""

    url: str
    board: StripeBoard
    payments: Payments
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def show(self, **settings: Any) -> StripeStore:
        """Put settings in force, `as_of` as a datetime; gives what the account then shows."""
        if "as_of" in settings:
            settings["as_of"] = settings["as_of"].isoformat()
        self.board.replace(read_stripe_faults(settings))
        return self.board.stores[PLATFORM]

    def reset(self) -> None:
        """As at the start."""
        self.board.replace(StripeFaults())
        self.requests.clear()

    def retrieved(self) -> list[str]:
        """Paths of the single objects that were asked for."""
        return [path.partition("?")[0] for path, _ in self.requests if path.partition("?")[0].count("/") == 4]


@contextmanager
def served() -> Iterator[Server]:
    """A server with two accounts: the platform's, and a connected one that holds the very same ids."""
    payments = account()
    stands = partial(standing, payments, BALANCE)
    board = StripeBoard({PLATFORM: stands, CONNECTED: stands})
    server = Server("", board, payments)
    app = BreakableApp(routes=stripe_routes(board))

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            server.requests.append((f"{scope['path']}?{scope['query_string'].decode()}", headers))
        await app(scope, receive, send)

    with running(noted) as url:
        server.url = f"{url}/stripe"
        yield server


def context(url: str, secrets: Callable[[str], str | None] = lambda name: API_KEY, **settings: Any) -> Context:
    """A context with the embedded warehouse; `settings` of sources.stripe."""
    config = load_config()
    stripe = config.sources.stripe.model_copy(update={"api_base": url, "max_network_retries": 2, **settings})
    sources = config.sources.model_copy(update={"stripe": stripe})
    config = config.model_copy(update={"sources": sources, "landing": LANDING})
    return replace(run.context(config), secrets=secrets)


def by_slice(objects: Iterator[NewObject]) -> dict[tuple[str, str], NewObject]:
    """(dataset, name) -> object."""
    return {(item.dataset, item.name): item for item in objects}


def ids(new: NewObject) -> list[str]:
    """Ids of the Stripe objects in a landed object, in its order."""
    found = []
    for line in new.body.splitlines():
        answer = json.loads(json.loads(line)["body"])
        found += [item["id"] for item in answer.get("data", [answer])]
    return found
