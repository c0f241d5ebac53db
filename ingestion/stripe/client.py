"""The official Stripe client, told how to fail: one line that says what to mend, without the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import stripe
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ingestion.errors import SourceUnavailable
from ingestion.jsontext import BadJson, loads
from warehouse.config import Stripe

stripe.enable_telemetry = False  # it would send timings to Stripe and write an id into the home directory

LONGEST_WAIT = 30
"""Seconds between two attempts at most."""

_BACKOFF = wait_exponential_jitter(initial=0.5, max=LONGEST_WAIT)


@dataclass(frozen=True)
class Answer:
    """What GET <request> gave: the bytes as received, and the JSON value in them."""

    request: str
    body: bytes
    data: Any


class NotThere(Exception):
    """Stripe has no such object; `answer` is what it said."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.request)
        self.answer = answer


class Api:
    """GET requests to one account with the configured key, pinned API version and retries.

    `account`: a connected account (acct_...), or the configured one.
    """

    def __init__(self, settings: Stripe, key: str, account: str | None = None) -> None:
        self._settings = settings
        self._key = key
        self.account = account or settings.account
        self._http = _KeepingClient(settings.api_base, settings.timeout_seconds)
        self._client = stripe.StripeClient(
            key,
            stripe_version=settings.api_version,
            stripe_account=self.account if self.account.startswith("acct_") else None,
            base_addresses={"api": settings.api_base.rstrip("/")},
            max_network_retries=settings.max_network_retries,
            http_client=self._http,
        )

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """The answer to GET <path>. Raises NotThere and SourceUnavailable."""
        asked = request_text(path, parameters or {})
        try:
            self._patiently()(self._client.raw_request, "get", path, **dict(parameters or {}))
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                body = error.http_body or ""
                raise NotThere(Answer(asked, body.encode() if isinstance(body, str) else body, None)) from None
            raise self._failed(path, error) from None
        except stripe.StripeError as error:
            raise self._failed(path, error) from None
        return Answer(asked, *self._http.take())

    def _patiently(self) -> Retrying:
        """The library repeats what its rules allow; it leaves a rate limit to its caller, who may wait for it."""
        return Retrying(
            retry=retry_if_exception_type(stripe.RateLimitError),
            stop=stop_after_attempt(self._settings.max_network_retries + 1),
            wait=_as_asked,
            reraise=True,
        )

    def _failed(self, path: str, error: stripe.StripeError) -> SourceUnavailable:
        settings = self._settings
        name = settings.api_key_env
        if isinstance(error, stripe.AuthenticationError):
            why = f"the key in {name} is refused (401): put a valid restricted key of this account there"
        elif isinstance(error, stripe.PermissionError):
            why = (
                f"the key in {name} may not read {path} of account {self.account} (403): give the restricted key read "
                "permission for it"
            )
        elif isinstance(error, stripe.RateLimitError):
            why = f"{path} stays rate limited (429): run again later, or ask Stripe for a higher limit"
        elif isinstance(error, _Unreadable):
            why = f"{path} answers what is no JSON: check sources.stripe.api_base and what stands before it"
        elif isinstance(error, stripe.APIConnectionError):
            why = f"{settings.api_base} can't be reached: check sources.stripe.api_base and the network"
        elif isinstance(error, stripe.InvalidRequestError):
            said = " ".join((error.user_message or "").split()).replace(self._key, "[key]")
            why = f"{path} is refused ({error.http_status}): {said or 'check sources.stripe.api_base and api_version'}"
        else:
            why = f"{path} fails at Stripe ({error.http_status or 'no usable answer'}): run again later"
        return SourceUnavailable(f"stripe: {why}")


class _Unreadable(stripe.APIConnectionError):
    """An answer of status 2xx that is no JSON."""


class _KeepingClient(stripe.RequestsClient):
    """The library's HTTP client, which keeps an answer's bytes and gives the library an empty object in their place.

    The landing needs the bytes as received, and the library's parser is the slowest part of reading a page. An answer
    that breaks off or is no JSON is a failed connection here, so that the library repeats it like any other.
    """

    def __init__(self, address: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._kept: tuple[bytes, Any] | None = None
        self._session = self.requests.Session()
        self._session.trust_env = False  # a .netrc would put its own credentials in the key's place
        # Asked for once: looking proxies up takes a tenth of the time of a page.
        self._session.proxies.update(self.requests.utils.get_environ_proxies(address))

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self._kept = None
        try:
            body, status, answered = super().request(method, url, headers, post_data)
        except stripe.APIConnectionError as error:
            if isinstance(error.__cause__, self.requests.exceptions.ChunkedEncodingError):
                error.should_retry = True
            raise
        if not 200 <= status < 300:
            return body, status, answered
        try:
            self._kept = body, loads(body)
        except BadJson:
            raise _Unreadable("the answer is no JSON", should_retry=True) from None
        return b"{}", status, answered

    def take(self) -> tuple[bytes, Any]:
        """Bytes and value of the last answer, once."""
        kept, self._kept = self._kept, None
        if kept is None:
            raise RuntimeError("no answer is kept")
        return kept


def request_text(path: str, parameters: Mapping[str, Any]) -> str:
    """A request as it is recorded in the landing: path and query, in the order of the parameters."""
    pairs: list[tuple[str, Any]] = []
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            pairs += [(f"{name}[{part}]", item) for part, item in value.items()]
        else:
            pairs.append((name, value))
    return f"{path}?{urlencode(pairs, safe='[]')}" if pairs else path


def _as_asked(state: RetryCallState) -> float:
    """Seconds to wait: as long as Retry-After says, at least the growing pause of ours, never beyond LONGEST_WAIT."""
    error = state.outcome.exception() if state.outcome else None
    asked = (getattr(error, "headers", None) or {}).get("Retry-After", "")
    return min(max(_BACKOFF(state), float(asked) if str(asked).isdecimal() else 0.0), LONGEST_WAIT)
