"""A pool of Solana JSON-RPC providers: ordered failover, health probes, a record of every call.

Answers are kept as the text that was received. "Not here", "behind" and null mean that another provider is asked; only
when none has it is that the answer. How one provider is asked is in provider.py.

Example::

    with RpcPool(config.sources.solana.providers, secrets, attempt_id) as pool:
        pool.probe()
        answers = pool.ask([requests.transaction(signature) for signature in signatures])
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from types import TracebackType

from tenacity import wait_random_exponential

from ingestion.errors import SourceUnavailable
from ingestion.solana.rpc.answers import Answer, Request, severity
from ingestion.solana.rpc.calls import Call, CallLog
from ingestion.solana.rpc.circuit import Circuit
from ingestion.solana.rpc.provider import Health, Provider
from warehouse.config import RpcProvider

_backoff = wait_random_exponential(multiplier=0.25, max=4)


class AllProvidersDown(SourceUnavailable):
    """No provider answered; the message names each with its reason (never an address, which may hold a key)."""

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__("every RPC provider failed: " + "; ".join(f"{name}: {why}" for name, why in reasons.items()))
        self.reasons = reasons


class RpcPool:
    """Use as a context manager, in one thread; `clock` (seconds) times how long a failing provider is left out."""

    def __init__(
        self,
        providers: Sequence[RpcProvider],
        secret: Callable[[str], str | None],
        attempt_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = CallLog(attempt_id)
        self._runner = asyncio.Runner()
        self._providers = [
            Provider(
                settings,
                secret(settings.api_key_env) if settings.api_key_env else None,
                self._log,
                Circuit(clock),
                lambda state: _backoff(state),
            )
            for settings in providers
        ]

    def __enter__(self) -> RpcPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for provider in self._providers:
            self._runner.run(provider.close())
        self._runner.close()

    @property
    def names(self) -> list[str]:
        """Names of the providers, in configured order."""
        return [provider.name for provider in self._providers]

    @property
    def calls(self) -> list[Call]:
        """Every call made so far, in the order in which they ended."""
        return self._log.rows

    def call_lines(self) -> bytes:
        """Every call so far as NDJSON."""
        return self._log.lines()

    def probe(self) -> list[Health]:
        """Health of every provider, asked side by side, each once.

        Until the next probe, the ones that aren't ok are asked after the others: those that don't answer, say that
        they are unhealthy, or are more than their `max_slot_lag` behind the newest slot.
        """
        return self._runner.run(self._probe())

    async def _probe(self) -> list[Health]:
        found = await asyncio.gather(*(provider.examine() for provider in self._providers))
        newest = max((health.slot for health in found if health.slot is not None), default=0)
        judged = []
        for provider, health in zip(self._providers, found, strict=True):
            lag = 0 if health.slot is None else newest - health.slot
            if health.ok and lag > provider.settings.max_slot_lag:
                health = replace(health, ok=False, reason=f"{lag} slots behind")
            provider.is_last_resort = not health.ok
            judged.append(health)
        return judged

    def ask(self, requests: Sequence[Request], among: Collection[str] | None = None) -> list[Answer]:
        """Answers in the order of the requests, each the best that any provider gave; `among` names those to ask.

        Raises AllProvidersDown when a request got no JSON-RPC answer from any of them, ValueError for unknown names.
        """
        if among is not None and (unknown := sorted(set(among) - set(self.names))):
            raise ValueError(f"no such RPC provider: {', '.join(unknown)}")
        return self._runner.run(self._ask(requests, self.names if among is None else among)) if requests else []

    async def _ask(self, requests: Sequence[Request], among: Collection[str]) -> list[Answer]:
        best: dict[int, Answer] = {}
        denied: dict[int, list[str]] = {}
        reasons: dict[str, str] = {}
        failed: str | None = None
        for provider in sorted(self._providers, key=lambda provider: provider.is_last_resort):
            wanted = {at: requests[at] for at in range(len(requests)) if at not in best or best[at].outcome != "ok"}
            if provider.name not in among or not wanted:
                continue
            if not await provider.is_usable():
                reasons[provider.name] = provider.left_out
                failed = provider.name
                continue
            self._log.failover_from = failed or self._set_aside_for(provider, among)
            try:
                answers, failure = await provider.ask(wanted)
            finally:
                self._log.failover_from = None
            if failure is not None:
                reasons[provider.name] = failure
            if failure is not None or any(answer.outcome not in ("ok", "null") for answer in answers.values()):
                failed = provider.name
            for at, answer in answers.items():
                if at not in best or severity(answer) < severity(best[at]):
                    best[at] = answer
                if answer.outcome in ("null", "behind"):
                    denied.setdefault(at, []).append(provider.name)
        if len(best) < len(requests):
            raise AllProvidersDown(reasons)
        return [
            replace(best[at], denied=tuple(denied.get(at, ()))) if best[at].outcome == "ok" else best[at]
            for at in range(len(requests))
        ]

    def _set_aside_for(self, provider: Provider, among: Collection[str]) -> str | None:
        """The most preferred provider that would have been asked before this one, were it well."""
        before = self._providers[: self._providers.index(provider)]
        return next((other.name for other in before if other.is_last_resort and other.name in among), None)
