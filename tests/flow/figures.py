"""Every figure of every mart beside the sandbox's own books, for every hour, day, mint, provider and program."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
