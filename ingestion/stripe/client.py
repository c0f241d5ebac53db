"""The official Stripe client, told how to fail: one line that says what to mend, without the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import stripe
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from ingestion.errors import SourceUnavailable
from warehouse.config import Stripe

stripe.enable_telemetry = False  # it would send timings to Stripe and write an id into the home directory

LONGEST_WAIT = 30
"""Seconds between two attempts at most."""

T = TypeVar("T")


class Api:
    """GET requests with the configured key, pinned API version and retries."""

    def __init__(self, settings: Stripe, key: str) -> None:
        self._settings = settings
        self._key = key
        self._client = stripe.StripeClient(
            key,
            stripe_version=settings.api_version,
            stripe_account=settings.account if settings.account.startswith("acct_") else None,
            base_addresses={"api": settings.api_base.rstrip("/")},
            max_network_retries=settings.max_network_retries,
        )

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> stripe.StripeResponse:
        """The answer to GET <path>. Raises SourceUnavailable.

        An object that isn't there raises stripe.InvalidRequestError with http_status 404.
        """

        def ask() -> stripe.StripeResponse:
            return self._client.raw_request("get", path, **dict(parameters or {}))

        try:
            return self._patiently(ask)
        except stripe.InvalidRequestError as error:
            if error.http_status == 404 and error.code == "resource_missing":
                raise
            raise self._failed(path, error) from None
        except stripe.StripeError as error:
            raise self._failed(path, error) from None

    def _patiently(self, ask: Callable[[], T]) -> T:
        """The library repeats connection failures and 5xx; rate limits and answers that broke off are repeated here."""
        attempts = Retrying(
            retry=retry_if_exception(_worth_repeating),
            stop=stop_after_attempt(self._settings.max_network_retries + 1),
            wait=wait_exponential_jitter(initial=0.5, max=LONGEST_WAIT),
            reraise=True,
        )
        return attempts(ask)

    def _failed(self, path: str, error: stripe.StripeError) -> SourceUnavailable:
        settings = self._settings
        name = settings.api_key_env
        if isinstance(error, stripe.AuthenticationError):
            why = f"the key in {name} is refused (401): put a valid restricted key of this account there"
        elif isinstance(error, stripe.PermissionError):
            why = f"the key in {name} may not read {path} (403): give the restricted key read permission for it"
        elif isinstance(error, stripe.RateLimitError):
            why = f"{path} stays rate limited (429): run again later, or ask Stripe for a higher limit"
        elif isinstance(error, stripe.APIConnectionError):
            why = f"{settings.api_base} can't be reached: check sources.stripe.api_base and the network"
        elif isinstance(error, stripe.InvalidRequestError):
            said = " ".join((error.user_message or "").split()).replace(self._key, "[key]")
            why = f"{path} is refused ({error.http_status}): {said or 'check sources.stripe.api_base and api_version'}"
        else:
            why = f"{path} fails at Stripe ({error.http_status or 'no usable answer'}): run again later"
        return SourceUnavailable(f"stripe: {why}")


def request_text(path: str, parameters: Mapping[str, Any]) -> str:
    """A request as it is recorded in the landing: path and query, in the order of the parameters."""
    pairs: list[tuple[str, Any]] = []
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}[{part}]", item) for part, item in value.items()]
        else:
            pairs.append((name, value))
    return f"{path}?{urlencode(pairs, safe='[]')}" if pairs else path


def _worth_repeating(error: BaseException) -> bool:
    if isinstance(error, stripe.RateLimitError):
        return True
    if isinstance(error, stripe.APIConnectionError):
        return not error.should_retry  # a body that broke off; the library has repeated the others already
    return type(error) is stripe.APIError and error.http_status == 200  # a body that isn't JSON
