"""Balances of the platform's own accounts as the chain reports them, each with the block time of its slot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ingestion.solana.history.reader import WindowIncomplete
from ingestion.solana.rpc import requests
from ingestion.solana.rpc.answers import Answer
from ingestion.solana.rpc.pool import AllProvidersDown, RpcPool
from warehouse.config import Platform

_NO_SUCH_ACCOUNT = -32602


def balance_lines(own: Platform, pool: RpcPool) -> Iterator[dict[str, Any]]:
    """Landed records {"address", "role", "kind", "response", "block_time"}. Raises WindowIncomplete."""
    reads = [(vault.address, "vault", kind) for vault in own.vaults for kind in ("token", "native")]
    reads += [(address, "treasury", kind) for address in own.treasury for kind in ("token", "native")]
    reads += [(address, "fee_payer", "native") for address in own.fee_payers]
    reads.append((own.program_id, "program", "native"))
    tokens = iter(pool.ask([requests.token_balance(address) for address, _, kind in reads if kind == "token"]))
    natives = iter(pool.ask([requests.balance(address) for address, _, kind in reads if kind == "native"]))
    answers = [next(tokens if kind == "token" else natives) for _, _, kind in reads]
    times = _block_times(pool, answers)
    for (address, role, kind), answer in zip(reads, answers, strict=True):
        if answer.outcome == "ok":
            block_time = times[answer.result["context"]["slot"]]
        elif answer.code != _NO_SUCH_ACCOUNT:
            raise WindowIncomplete(f"no provider tells the balance of {address} ({answer.outcome}, code {answer.code})")
        elif role == "treasury":
            continue  # a treasury may be a wallet: its native balance is read as well
        else:
            block_time = None
        yield {"address": address, "role": role, "kind": kind, "response": answer.text, "block_time": block_time}


def _block_times(pool: RpcPool, answers: Sequence[Answer]) -> dict[int, int | None]:
    """Unix seconds of the balances' slots, by whom gave the balance first: another node may not have got there yet."""
    places = {(answer.result["context"]["slot"], answer.provider) for answer in answers if answer.outcome == "ok"}
    times: dict[int, int | None] = {}
    for slot, provider in sorted(places):
        for among in ([provider], None):
            if times.get(slot) is None:
                try:
                    times[slot] = pool.ask([requests.block_time(slot)], among)[0].result
                except AllProvidersDown:
                    times.setdefault(slot, None)
    return times
