"""Managed Firestore exports of the platform: the documents of an instant as Google's exporter writes them."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.firestore import documents_at
from sandbox.model import World

PREFIX = "managed_export"
EXPORT_HOUR = 3  # UTC
_WRITER = Path(__file__).parent / "export_writer"


@dataclass(frozen=True)
class Export:
    """What one export holds: (collection/id, data) of each document."""

    name: str
    documents: tuple[tuple[str, dict[str, Any]], ...]
    started: datetime
    ended: datetime
    app: str = "e~skill-match"

    def asked(self) -> dict[str, Any]:
        """As the writer takes it."""
        return {
            "name": self.name,
            "app": self.app,
            "started": _micros(self.started),
            "ended": _micros(self.ended),
            "documents": [{"path": path.split("/"), "data": data} for path, data in self.documents],
        }


def export_files(exports: Iterable[Export]) -> list[dict[str, bytes]]:
    """Files of each export, name below its folder -> bytes."""
    asked = json.dumps([export.asked() for export in exports])
    done = subprocess.run([_python(), _WRITER], input=asked, capture_output=True, text=True, check=True)
    return [{name: base64.b64decode(body) for name, body in files.items()} for files in json.loads(done.stdout)]


def managed_exports(world: World, signatures: Sequence[str]) -> dict[str, bytes]:
    """An export of the window's last day: key below the exports bucket -> bytes."""
    started = world.days()[-1] + timedelta(hours=EXPORT_HOUR, milliseconds=250)
    documents = tuple(documents_at(world, signatures, started))
    export = Export(f"{started:%Y-%m-%dT%H:%M:%S}_{len(documents)}", documents, started, started + timedelta(seconds=4))
    [files] = export_files([export])
    return {f"{PREFIX}/{export.name}/{name}": body for name, body in files.items()}


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def _python() -> Path:
    """The Python of the environment with the export's own protobuf, which `make setup` installs."""
    return Path(os.environ.get("EXPORT_READER_PYTHON") or Path(sys.prefix) / "export-reader" / "bin" / "python")
