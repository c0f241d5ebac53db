"""One RPC provider: its rate limit and concurrency, batches, retries, circuit, and the record of its calls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from ingestion.solana.rpc import requests as make
from ingestion.solana.rpc.answers import (
    BEHIND,
    METHOD_NOT_FOUND,
    UNHEALTHY,
    Answer,
    NoAnswer,
    Request,
    read_answers,
    severity,
)
from ingestion.solana.rpc.calls import CallLog, Started
from ingestion.solana.rpc.circuit import Circuit
from ingestion.solana.rpc.http import PASSING, CallFailed, post
from warehouse.config import RpcProvider

_ATTEMPTS = 3
_LONGEST_WAIT = 10.0  # a provider that asks for more is left for the next one
_PROBE_TIMEOUT = 5.0  # getHealth does no work: a node that can't answer it sooner is not well


@dataclass(frozen=True)
class Health:
    """What a probe found. Not `ok`: asked after the others, for `reason`. `latency_ms` is that of getHealth."""

    name: str
    ok: bool
    slot: int | None
    latency_ms: int
    reason: str | None


class _Incomplete(Exception):
    """Some answers are missing or invalid."""


class Provider:
    """Built for one event loop; `backoff` gives the seconds before another attempt."""

    def __init__(
        self,
        settings: RpcProvider,
        key: str | None,
        log: CallLog,
        circuit: Circuit,
        backoff: Callable[[RetryCallState], float],
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self.circuit = circuit
        self.is_last_resort = False
        self.why = ""
        """Why the last call failed."""
        self._url = settings.url
        self._http = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else None,
            timeout=settings.timeout_seconds,
            limits=httpx2.Limits(max_connections=settings.max_concurrency),
        )
        # A tenth of a second's worth may go at once: a bucket of a whole second would let twice the rate through.
        burst = max(1.0, settings.requests_per_second / 10)
        self._limiter = AsyncLimiter(burst, burst / settings.requests_per_second)
        self._batch_size = settings.batch_size
        self._log = log
        self._latency_ms = 0
        self._backoff = backoff

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, requests: Mapping[int, Request]) -> tuple[dict[int, Answer], str | None]:
        """Answers by request id, and why there are no more of them if some are missing.

        The id is the place in the pool's list, whoever is asked and how often: the same answer is the same text.
        """
        answers: dict[int, Answer] = {}
        failures: list[str] = []
        waiting = deque(requests)
        while waiting and not failures:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.settings.max_concurrency, len(waiting))):
                    group.create_task(self._work(waiting, requests, answers, failures))
        return answers, failures[0] if failures else None

    async def _work(
        self, waiting: deque[int], requests: Mapping[int, Request], answers: dict[int, Answer], failures: list[str]
    ) -> None:
        """Ask for what waits, a batch at a time, until nothing does or the provider fails."""
        while waiting and not failures:
            chunk = [waiting.popleft() for _ in range(min(self._batch_size, len(waiting)))]
            try:
                await self._settle({at: requests[at] for at in chunk}, answers)
            except CallFailed as error:
                if not error.refusal or len(chunk) == 1:
                    failures.append(error.why)
                    return
                self._batch_size = 1
                waiting.extendleft(at for at in reversed(chunk) if not _is_settled(answers, at))
                return  # the workers start anew: there is now more to do side by side

    async def _settle(self, requests: Mapping[int, Request], answers: dict[int, Answer]) -> None:
        """Add the answers to one batch, with retries of what fails. Raises CallFailed when some are missing."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS) | (lambda state: not self.circuit.is_closed),
            wait=self._wait,
            retry=retry_if_exception(_is_retried),
            reraise=True,
        )

        async def attempt() -> None:
            if not self.circuit.is_closed:
                raise CallFailed("connection", self.left_out)
            rest = {at: request for at, request in requests.items() if not _is_settled(answers, at)}
            try:
                answers.update(await self.call(rest, self.settings.timeout_seconds))
            except CallFailed as error:
                answers.update(error.answers)
                raise
            if not all(_is_settled(answers, at) for at in rest):
                raise _Incomplete

        try:
            await retrying(attempt)
        except _Incomplete:
            return  # the invalid answers stay: they are the provider's last word

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(self._backoff(state), error.wait if isinstance(error, CallFailed) else 0)

    @property
    def left_out(self) -> str:
        """The reason of a provider whose circuit is open."""
        return f"left out for now, its last failure: {self.why}"

    async def call(self, requests: Mapping[int, Request], timeout: float) -> dict[int, Answer]:
        """One HTTP call, recorded, within the rate limit. Raises CallFailed."""
        for _ in requests:
            await self._limiter.acquire()
        started, sent = Started.now(), list(requests.values())
        try:
            bodies = [request.body(at) for at, request in requests.items()]
            answers = _read(await post(self._http, self._url, bodies, timeout), requests, self.name)
        except CallFailed as error:
            self._latency_ms = self._log.add(self.name, sent, started, error.outcome, error.code).latency_ms
            self._note(error, len(requests))
            raise
        worst = max(answers.values(), key=severity)
        slots = [slot for at, answer in answers.items() if (slot := requests[at].slot_of(answer.result)) is not None]
        call = self._log.add(self.name, sent, started, worst.outcome, worst.code, max(slots, default=None))
        self._latency_ms = call.latency_ms
        if any(answer.code == UNHEALTHY for answer in answers.values()):
            self.is_last_resort = True
        limited = {at for at, answer in answers.items() if answer.code in PASSING}
        if limited:
            rest = {at: answer for at, answer in answers.items() if at not in limited}
            code = answers[min(limited)].code
            error = CallFailed("rpc_error", f"JSON-RPC error {code}", code, passes=True, answers=rest)
            self._note(error, len(requests))
            raise error
        if any(answer.outcome != "invalid" for answer in answers.values()):
            self.circuit.succeeded()
        return answers

    def _note(self, error: CallFailed, size: int) -> None:
        """Tell the circuit of a failed call; a refused batch or one half answered is none."""
        self.why = error.why
        if error.outcome == "behind":
            self.is_last_resort = True
        elif not (error.answers or (error.refusal and size > 1)):
            self.circuit.failed()
        if error.wait > _LONGEST_WAIT:
            self.circuit.rest(error.wait)  # which ends the retries, too

    async def is_usable(self) -> bool:
        """Whether it may be asked now; of a circuit that has cooled down, one getHealth finds out."""
        if self.circuit.is_closed:
            return True
        if self.circuit.take_probe():
            await self._ask_health()
        return self.circuit.is_closed

    async def examine(self) -> Health:
        """getHealth and, if that is answered, getSlot: each once, whatever the circuit's state."""
        health = await self._ask_health()
        latency_ms = self._latency_ms
        if health is None:
            return Health(self.name, False, None, latency_ms, self.why)
        # Not every provider offers getHealth; one that doesn't is as well as its getSlot.
        why = None if health.code == METHOD_NOT_FOUND else _fault(health)
        try:
            slot = (await self.call({0: make.slot()}, _PROBE_TIMEOUT))[0]
        except CallFailed as error:
            return Health(self.name, False, None, latency_ms, why or error.why)
        why = why or _fault(slot)
        return Health(self.name, why is None, slot.result, latency_ms, why)

    async def _ask_health(self) -> Answer | None:
        """getHealth once, None without an answer. A circuit that isn't closed is closed by it, or opened again."""
        was_closed, answer = self.circuit.is_closed, None
        try:
            answer = (await self.call({0: make.health()}, _PROBE_TIMEOUT))[0]
        except CallFailed:
            return None
        finally:
            if not was_closed:
                self.circuit.probed(answer is not None and answer.outcome != "invalid")
        return answer


def _read(text: str, requests: Mapping[int, Request], provider: str) -> dict[int, Answer]:
    try:
        return read_answers(text, requests, provider)
    except NoAnswer as error:
        if error.code is None:
            raise CallFailed("invalid", str(error), passes=not error.is_alone, refusal=error.is_alone) from None
        if error.code in BEHIND:
            raise CallFailed("behind", str(error), error.code) from None
        passes = error.code in PASSING
        raise CallFailed("rpc_error", str(error), error.code, passes=passes, refusal=not passes) from None


def _is_settled(answers: Mapping[int, Answer], at: int) -> bool:
    return at in answers and answers[at].outcome != "invalid"


def _is_retried(error: BaseException) -> bool:
    return isinstance(error, _Incomplete) or (isinstance(error, CallFailed) and error.passes)


def _fault(answer: Answer) -> str | None:
    if answer.outcome == "ok":
        return None
    return answer.outcome if answer.code is None else f"{answer.outcome} (JSON-RPC error {answer.code})"
