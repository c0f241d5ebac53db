"""The sandbox's own files below HOME/sandbox: what the home was made for, its faults so far, and its state."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.bucket import write_atomically
from sandbox.recorded import Span

SOURCES = ("cloudflare", "firebase", "solana", "stripe")


class StartError(RuntimeError):
    """The sandbox cannot be started like this; the message says why and what to do."""


def claim(home: Path, origin: Mapping[str, str]) -> None:
    """Refuse a home that holds the data of another mode, input or world: the warehouse would read both.

    Raises StartError.
    """
    path = home / "sandbox" / "origin.json"
    if path.exists():
        before = json.loads(path.read_text())
        if before != origin:
            was = before.get("input", "another simulated platform")
            raise StartError(f"{home} holds the data of {was}; use another WAREHOUSE_HOME or run `make clean` first")
    else:
        write(home, "origin.json", origin)


def is_claimed(home: Path) -> bool:
    """Whether an earlier start has used this home."""
    return (home / "sandbox" / "origin.json").exists()


def remembered_faults(home: Path) -> set[str]:
    """Every fault that an earlier start injected into this home."""
    path = home / "sandbox" / "faults.json"
    return set(json.loads(path.read_text())) if path.exists() else set()


def write_state(
    home: Path,
    mode: str,
    span: Span,
    faults: Collection[str],
    profile: str,
    extra: Mapping[str, Any] | None = None,
    sources: Sequence[str] = SOURCES,
) -> None:
    """Write state.json; `extra` adds to it, and may bring windows of its own in place of one for each of `sources`."""
    state = {"window": span_text(span), "mode": mode, "faults": sorted(faults), "profile": profile, **(extra or {})}
    if "windows" not in state:
        state["windows"] = {name: span_text(span) for name in sources}
    write(home, "state.json", state)


def span_text(span: Span) -> dict[str, str]:
    """A span of time as state.json has it."""

    def text(at: datetime) -> str:
        return at.isoformat().replace("+00:00", "Z")

    return {"start": text(span[0]), "end": text(span[1])}


def write(home: Path, name: str, value: Any) -> None:
    """Write one file of the sandbox's own, whole or not at all."""
    write_atomically(home / "sandbox" / name, json.dumps(value, indent=1, sort_keys=True).encode())
