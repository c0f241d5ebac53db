"""Every figure of every mart beside the sandbox's own books, for every hour, day, mint, provider and program."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import figures_chain
import figures_operations
import figures_other
import figures_platform
import figures_rpc
from google.cloud import bigquery

AREAS: dict[str, Callable[[bigquery.Client, Mapping[str, Any]], list[str]]] = {
    "chain": figures_chain.differences,
    "rpc": lambda client, _: figures_rpc.differences(client),
    "escrow life": figures_other.differences,
    "operation": figures_operations.differences,
    "platform": figures_platform.differences,
}


def truth_of(home: Path) -> dict[str, Any]:
    """What the sandbox below a home says of itself."""
    return json.loads((home / "sandbox" / "truth.json").read_text())


def differences(client: bigquery.Client, truth: Mapping[str, Any]) -> list[str]:
    """What any mart says otherwise, a line each; a mart without anything to compare is an error."""
    return [f"{area}: {line}" for area, compare in AREAS.items() for line in compare(client, truth)]


def with_access_reviews(truth: Mapping[str, Any]) -> dict[str, Any]:
    """The truth after drop_audit_event in a home that had its record: access was reviewed twice more, 10 s apart.

    The platform's books are of its simulated days; the fault lets two things happen that they don't know.
    """
    other = copy.deepcopy(dict(truth))
    service = other["hours"]["2026-10-08T23:00:00Z"]["M15"]["skill-match-api"]
    service |= {name: service[name] + 2 for name in ("invocations", "exception_rate_denominator")}
    stream = other["days"]["2026-10-08"]["M23"]["accounts"]
    last = datetime.fromisoformat(stream["as_of_time"]) + timedelta(seconds=20)
    stream |= {name: stream[name] + 2 for name in ("events", "last_seq")}
    stream["as_of_time"] = f"{last:%Y-%m-%dT%H:%M:%S}.{last.microsecond // 1000:03}Z"
    return other
