"""Structured log lines of a platform's Workers: which kinds there are, and how a platform's own names map onto them.

docs/worker_logs.md is the description for the people who write the Workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from warehouse.section import Section

Type = Literal["text", "path", "time", "whole", "milliseconds"]


@dataclass(frozen=True)
class LogField:
    """Type of a field, and whether a line without it is damaged. `minimum` for numbers; `values`: the only ones."""

    type: Type = "text"
    required: bool = True
    minimum: int = 0
    values: tuple[str, ...] = ()


_OPTIONAL_MS = LogField("milliseconds", required=False)

KINDS: dict[str, dict[str, LogField]] = {
    "api_request": {
        "endpoint": LogField("path"),
        "method": LogField(),
        "status": LogField("whole", minimum=100),
        "duration_ms": LogField("milliseconds"),
    },
    "queue_depth": {"queue": LogField(), "depth": LogField("whole"), "oldest_ms": _OPTIONAL_MS},
    "webhook": {
        "provider": LogField(),
        "event_id": LogField(),
        "event_type": LogField(),
        "created_at": LogField("time"),
        "outcome": LogField(values=("handled", "failed")),
        "attempt": LogField("whole", required=False, minimum=1),
        "duration_ms": _OPTIONAL_MS,
        "error": LogField(required=False),
    },
    "slow_query": {
        "query": LogField(),
        "duration_ms": LogField("milliseconds"),
        "row_count": LogField("whole", required=False),
    },
    "error": {"error": LogField()},
    "ledger_write": {
        "signature": LogField(),
        "slot": LogField("whole", required=False),
        "finalized_at": LogField("time"),
    },
    "confirmation": {
        "signature": LogField(),
        "submitted_at": LogField("time"),
        "finalized_at": LogField("time", required=False),
        "outcome": LogField(required=False, values=("finalized", "expired")),
    },
}
"""Kind -> field -> what it holds. Every kind has `at` (required) and `service` beside them."""

COMMON = {"at": LogField("time"), "service": LogField(required=False)}

Path = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", description="key, or keys with dots")]


class LogKind(Section):
    """How a platform writes one kind: the value of its type field, its names of the fields, its words for values."""

    type: str | None = None
    fields: dict[str, Path] = {}
    values: dict[str, dict[str, str]] = {}


class WorkerLogs(Section):
    """A platform's structured log lines. Without it they are as docs/worker_logs.md describes them."""

    type_field: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "type"
    kinds: dict[str, LogKind] = {}

    @model_validator(mode="after")
    def _known(self) -> WorkerLogs:
        for kind, mapping in self.kinds.items():
            if kind not in KINDS:
                raise ValueError(f"{kind!r} is no kind of log line; there are {', '.join(KINDS)}")
            for name in (*mapping.fields, *mapping.values):
                if name not in KINDS[kind] and name not in COMMON:
                    raise ValueError(f"{kind} has no field {name!r}")
        return self

    def kind_of(self) -> dict[str, str]:
        """What the platform writes into its type field -> kind."""
        return {(self.kinds[kind].type if kind in self.kinds else None) or kind: kind for kind in KINDS}
