"""A pool of Solana JSON-RPC providers: ordered failover, short retries, batches, rate limits, a record of every call.

Answers are kept as the text that was received. "Not here", "behind" and null mean that another provider is asked; only
when none has it is that the answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from types import TracebackType

import httpx2
from aiolimiter import AsyncLimiter
from solana.exceptions import SolanaRpcException
from solana.rpc.async_http_provider import AsyncHTTPProvider
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ingestion.errors import SourceUnavailable
from ingestion.solana.rpc_answers import Answer, Body, NoAnswer, Request, context_slot, read_answers
from warehouse.config import RpcProvider

logging.getLogger("httpx2").setLevel(logging.WARNING)  # its INFO lines hold whole addresses, and so a provider's key

_RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}
_ATTEMPTS = 3
_OPEN_AFTER = 3  # failures in a row after which a provider is left out
_PROBE_EVERY = 20  # while left out, one request in so many tries it
_LONGEST_WAIT = 10.0
_backoff = wait_random_exponential(multiplier=0.25, max=4)


@dataclass(frozen=True)
class Call:
    """One HTTP call, as raw.rpc_calls has it."""

    call_id: str
    attempt_id: str
    provider: str
    method: str
    batch_size: int
    called_at: str
    latency_ms: int
    outcome: str
    error_code: str | None
    slot: int | None


class AllProvidersDown(SourceUnavailable):
    """No provider answered; the message names each with its reason (never an address, which may hold a key)."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("every RPC provider failed: " + "; ".join(f"{name}: {why}" for name, why in reasons.items()))
        self.reasons = reasons


class _CallFailed(Exception):
    """A call without a usable answer. `wait` is how long the provider asked to be left alone, seconds."""

    def __init__(self, outcome: str, why: str, code: str | None = None, wait: float = 0) -> None:
        super().__init__(why)
        self.outcome, self.why, self.code, self.wait = outcome, why, code, wait


class _Passing(_CallFailed):
    """A failure worth another try."""


@dataclass
class _Provider:
    settings: RpcProvider
    http: AsyncHTTPProvider
    limiter: AsyncLimiter
    failures: int = 0
    skipped: int = 0

    @property
    def is_open(self) -> bool:
        return self.failures >= _OPEN_AFTER

    def is_due(self) -> bool:
        """Whether an open provider gets a probe now."""
        self.skipped += 1
        return self.skipped % _PROBE_EVERY == 0


class RpcPool:
    """Use as a context manager; `calls` has every call made so far."""

    def __init__(self, providers: Sequence[RpcProvider], secret: Callable[[str], str | None], attempt_id: str) -> None:
        self.calls: list[Call] = []
        self._attempt_id = attempt_id
        self._runner = asyncio.Runner()
        self._providers = [_provider(settings, secret) for settings in providers]

    def __enter__(self) -> RpcPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for provider in self._providers:
            self._runner.run(provider.http.close())
        self._runner.close()

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Answers in the order of the requests, each the best that any provider gave.

        Raises AllProvidersDown when a request got no JSON-RPC answer from anyone.
        """
        return self._runner.run(self._ask(requests)) if requests else []

    async def _ask(self, requests: Sequence[Request]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        reasons: dict[str, str] = {}
        for provider in self._order():
            wanted = [at for at in range(len(requests)) if at not in answers or answers[at].outcome != "ok"]
            if not wanted:
                break
            for chunk in _chunks(wanted, provider.settings.batch_size):
                try:
                    got = await self._send(provider, {at: requests[at] for at in chunk})
                except _CallFailed as error:
                    reasons[provider.settings.name] = error.why
                    break
                for at, answer in zip(chunk, got, strict=True):
                    if at not in answers or answer.outcome == "ok":
                        answers[at] = answer
        if len(answers) < len(requests):
            raise AllProvidersDown(reasons)
        return [answers[at] for at in range(len(requests))]

    def _order(self) -> list[_Provider]:
        """Providers as configured; those left out come last, except for a probe that is due."""
        first, last = [], []
        for provider in self._providers:
            (last if provider.is_open and not provider.is_due() else first).append(provider)
        return first + last

    async def _send(self, provider: _Provider, requests: Mapping[int, Request]) -> list[Answer]:
        """Answers of one provider to one batch of requests by id. Raises _CallFailed when it gave none.

        The id is the place in the list of `ask`, whoever is asked and how often: the same answer is the same text.
        """
        retrying = AsyncRetrying(
            stop=stop_after_attempt(1 if provider.is_open else _ATTEMPTS),
            wait=_wait,
            retry=retry_if_exception_type(_Passing),
            reraise=True,
        )
        return await retrying(self._call, provider, requests)

    async def _call(self, provider: _Provider, requests: Mapping[int, Request]) -> list[Answer]:
        for _ in requests:
            await provider.limiter.acquire()
        called_at, started = datetime.now(UTC), time.monotonic()
        slot, code = None, None
        outcome = "ok"
        try:
            text = await _post(provider, [request.body(at) for at, request in requests.items()])
            answers = _read(text, requests, provider)
            worst = max(answers, key=lambda answer: _SEVERITY.index(answer.outcome))
            outcome, code = worst.outcome, worst.code
            slot = max(
                (found for answer in answers if (found := context_slot(answer.result)) is not None), default=None
            )
        except _CallFailed as error:
            outcome, code = error.outcome, error.code
            raise
        finally:
            provider.failures = provider.failures + 1 if outcome in _OUTAGE else 0
            self.calls.append(
                Call(
                    call_id=f"{self._attempt_id}:{len(self.calls):06d}",
                    attempt_id=self._attempt_id,
                    provider=provider.settings.name,
                    method=next(iter(requests.values())).method,
                    batch_size=len(requests),
                    called_at=called_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    latency_ms=round((time.monotonic() - started) * 1000),
                    outcome=outcome,
                    error_code=None if code is None else str(code),
                    slot=slot,
                )
            )
        return answers

    def call_lines(self) -> bytes:
        """Every call so far as NDJSON."""
        return b"".join(json.dumps(asdict(call), separators=(",", ":")).encode() + b"\n" for call in self.calls)


_SEVERITY = ("ok", "null", "behind", "rpc_error", "invalid")
_OUTAGE = {"behind", "http_error", "timeout", "connection", "invalid"}


def _provider(settings: RpcProvider, secret: Callable[[str], str | None]) -> _Provider:
    key = secret(settings.api_key_env) if settings.api_key_env else None
    http = AsyncHTTPProvider(
        settings.url,
        extra_headers={"Authorization": f"Bearer {key}"} if key else None,
        timeout=settings.timeout_seconds,
        http2=False,
        max_transport_retries=0,  # retries are ours, so that each is recorded
    )
    burst = max(1.0, settings.requests_per_second)
    return _Provider(settings, http, AsyncLimiter(burst, burst / settings.requests_per_second))


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, _CallFailed) else 0
    return max(_backoff(state), min(asked, _LONGEST_WAIT))


@dataclass(frozen=True)
class _Batch:
    bodies: Sequence[Body] = field(default_factory=list)

    def to_json(self) -> str:
        return "[" + ",".join(body.to_json() for body in self.bodies) + "]"


async def _post(provider: _Provider, bodies: Sequence[Body]) -> str:
    try:
        return await provider.http.make_request_unparsed(bodies[0] if len(bodies) == 1 else _Batch(bodies))
    except SolanaRpcException as error:
        raise _failure(error.__cause__, provider.settings.timeout_seconds) from None


def _read(text: str, requests: Mapping[int, Request], provider: _Provider) -> list[Answer]:
    try:
        return read_answers(text, requests, provider.settings.name)
    except NoAnswer as error:
        if error.code is None:
            raise _Passing("invalid", str(error)) from None
        kind = _Passing if error.code in _RETRIED_STATUS else _CallFailed  # some providers put 429 into the body
        raise kind("rpc_error", str(error), str(error.code)) from None


def _failure(cause: BaseException | None, timeout: float) -> _CallFailed:
    match cause:
        case httpx2.HTTPStatusError(response=response):
            kind = _Passing if response.status_code in _RETRIED_STATUS else _CallFailed
            asked = response.headers.get("retry-after", "")
            wait = float(asked) if asked.isdecimal() else 0
            return kind("http_error", f"HTTP {response.status_code}", str(response.status_code), wait=wait)
        case httpx2.TimeoutException():
            return _Passing("timeout", f"no answer within {timeout:g} s")
        case httpx2.ConnectError():
            return _Passing("connection", "connection refused or host not found")
    return _Passing("connection", f"connection broke ({type(cause).__name__})")


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
