"""The Stripe API as a client meets it: accounts behind routes, with the faults that are configured."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.connection import BrokenResponse, client_left
from sandbox.rpc_faults import Chance
from sandbox.stripe_faults import StripeFaults
from sandbox.stripe_store import RESOURCE_OF_TYPE, Page, Query, StripeStore

_LOCK_TIMEOUT = {
    "code": "lock_timeout",
    "message": "This object cannot be accessed right now because another API request is accessing it.",
}
_RATE_LIMIT = {
    "code": "rate_limit",
    "message": "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
}

Standing = Callable[[StripeFaults], StripeStore]
"""What an account shows under a configuration."""

PLATFORM = ""
"""The account of the key itself; connected ones are called acct_..."""


class StripeBoard:
    """The configuration in force, the accounts as they stand under it, and the faults that requests have met."""

    def __init__(self, accounts: Mapping[str, Standing], faults: StripeFaults | None = None) -> None:
        self._accounts = dict(accounts)
        self.replace(faults or StripeFaults())

    def replace(self, faults: StripeFaults) -> None:
        """Put another configuration in force; counts and request numbers begin anew."""
        self.faults = faults
        self.stores = {name: stands(faults) for name, stands in self._accounts.items()}
        self.requests = 0
        self._met: Counter[str] = Counter()
        self._arrived: set[tuple[str, str]] = set()

    def describe(self) -> dict[str, Any]:
        """The configuration, the requests so far, and those that met a fault, by kind."""
        return {
            "faults": self.faults.model_dump(mode="json", exclude_defaults=True),
            "requests": self.requests,
            "injected": dict(sorted(self._met.items())),
        }

    def count(self, kind: str) -> None:
        """Write down that a request met a fault."""
        self._met[kind] += 1

    def page(self, account: str, resource: str, query: Query) -> Page:
        """A page of an account, without the objects that arrive only after it. Raises UnknownCursor."""
        store, arrives = self.stores[account], self.faults.arrives_between_pages
        is_first = query.starting_after is None and query.ending_before is None and query.limit > 1
        named = resource in RESOURCE_OF_TYPE.values() and resource not in ("events", "balance_transactions")
        if not (arrives and is_first and named) or (account, resource) in self._arrived:
            return store.page(resource, query)
        self._arrived.add((account, resource))
        page = store.page(resource, replace(query, limit=query.limit + arrives.objects))
        late = self.faults.dice(f"arrives/{resource}", 0).sample(
            range(len(page.data)), min(arrives.objects, len(page.data))
        )
        if late:
            self.count("arrives_between_pages")
        shown = [obj for place, obj in enumerate(page.data) if place not in late]
        return Page(shown[: query.limit], page.has_more or len(shown) > query.limit)


class Meeting:
    """One request and the faults it meets: at most one of those that prevent an answer."""

    def __init__(self, board: StripeBoard, resource: str) -> None:
        board.requests += 1
        self._board, self._faults, self._number = board, board.faults, board.requests
        self._resource = frozenset({resource})

    async def prevented(self, request: Request) -> Response | None:
        """What the client gets instead of any answer; None where nothing prevents one."""
        if self._strikes("timeout"):
            with suppress(TimeoutError):
                await asyncio.wait_for(client_left(request), self._faults.timeout.seconds)
                return Response()
        if self._strikes("rate_limited"):
            return self._rate_limited()
        if self._strikes("server_error"):
            status = self._dice("status").choice(self._faults.server_error.statuses)
            return _error(status, {"message": "An unknown error occurred", "type": "api_error"})
        return None

    def sent(self, response: Response) -> Response:
        """The response as it gets through: whole, cut off, or no JSON."""
        body = bytes(response.body)
        if response.status_code == 200 and self._strikes("reset_mid_page"):
            return BrokenResponse(body, len(body) // 2)
        if response.status_code == 200 and self._strikes("not_json"):
            return Response(body[:-1], media_type="application/json")
        return response

    def _strikes(self, kind: str) -> bool:
        chance: Chance | None = getattr(self._faults, kind)
        if chance is None or not chance.strikes(self._number, self._resource, self._dice(kind)):
            return False
        self._board.count(kind)
        return True

    def _dice(self, kind: str) -> Any:
        return self._faults.dice(kind, self._number)

    def _rate_limited(self) -> Response:
        settings = self._faults.rate_limited
        headers = {} if settings.retry_after is None else {"Retry-After": str(settings.retry_after)}
        if settings.lock_timeout:
            message = (
                "This object cannot be accessed right now because another API request or Stripe process is using it."
            )
            headers["Stripe-Should-Retry"] = "true"
            return _error(429, {"code": "lock_timeout", "message": message, "type": "invalid_request_error"}, headers)
        message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
        return _error(429, {"code": "rate_limit", "message": message, "type": "invalid_request_error"}, headers)


def _error(status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps({"error": error}, indent=2), status, dict(headers or {}), media_type="application/json")
