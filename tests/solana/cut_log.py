"""The runtime's log limit, as the runtime applies it (LogCollector of the Solana SDK, 10,000 bytes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LIMIT = 10_000


def cut(logs: Sequence[str]) -> list[str]:
    """The log that is kept: a line that does not fit is dropped, the first such leaves `Log truncated` in its place."""
    kept: list[str] = []
    written, warned = 0, False
    for line in logs:
        if written + len(line.encode()) >= LIMIT:
            if not warned:
                kept.append("Log truncated")
            warned = True
        else:
            written += len(line.encode())
            kept.append(line)
    return kept


def chatty(result: dict[str, Any], program: str, room: int) -> dict[str, Any]:
    """The same transaction, had the program logged so much when it began that `room` bytes were left for all else."""
    logs = result["meta"]["logMessages"]
    at = next(at for at, line in enumerate(logs) if line.startswith(f"Program {program} invoke")) + 1
    used = sum(len(line.encode()) for line in logs[:at])
    padding = "Program log: " + "x" * (LIMIT - 1 - used - room - len("Program log: "))
    return result | {"meta": result["meta"] | {"logMessages": cut([*logs[:at], padding, *logs[at:]])}}
