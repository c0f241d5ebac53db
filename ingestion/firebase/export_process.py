"""The reader of managed exports as a process of its own environment (see export_reader/requirements.in)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ingestion.jsontext import loads
from warehouse.config import ConfigError

READER = Path(__file__).parent / "export_reader"
PYTHON = "EXPORT_READER_PYTHON"
"""Environment variable that names another Python than the one that `make setup` installs."""
_CHUNK = 1 << 20


class ReaderStopped(RuntimeError):
    """The reader ended before the object did; the message tells how, and quotes nothing of the object."""


def reader_python() -> Path:
    """The Python of the reader's environment. Raises ConfigError when it isn't installed."""
    python = Path(os.environ.get(PYTHON) or Path(sys.prefix) / "export-reader" / "bin" / "python")
    if not python.is_file():
        raise ConfigError(f"the reader of managed Firestore exports is not installed ({python}): run `make setup`")
    return python


def read_export(kind: str, stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """What the reader says of an object, see export_reader/__main__.py, in flat memory; the process ends with it.

    Raises EOFError, OSError or zlib.error, as the stream does, once all before the break is told; ReaderStopped;
    ConfigError.
    """
    process = subprocess.Popen(
        [reader_python(), READER, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
    )
    feeding = _Feeder(stream, process.stdin)
    complaints = _Tail(process.stderr)
    try:
        ended = False
        for line in process.stdout:
            told = loads(line)
            ended = told.get("end") is True
            if not ended:
                yield told
        if not ended:
            raise ReaderStopped(f"the reader of managed exports stopped ({complaints.kind()}, exit {process.wait()})")
        feeding.finish()
    finally:
        process.kill()
        process.wait()
        feeding.join()
        complaints.join()
        process.stdout.close()


class _Feeder(threading.Thread):
    """Copies a stream into the process. A broken stream ends the copy; `finish` raises what broke it."""

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        super().__init__(daemon=True)
        self._source, self._target = source, target
        self._broken: Exception | None = None
        self.start()

    def run(self) -> None:
        read = getattr(self._source, "read1", self._source.read)  # read() would lose what it had when the stream breaks
        with suppress(BrokenPipeError), self._target:
            try:
                while chunk := read(_CHUNK):
                    self._target.write(chunk)
            except BrokenPipeError:
                pass
            except (OSError, EOFError, zlib.error) as error:
                self._broken = error

    def finish(self) -> None:
        self.join()
        if self._broken is not None:
            raise self._broken


class _Tail(threading.Thread):
    """Keeps the last line that the process writes to standard error."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__(daemon=True)
        self._source, self._last = source, b""
        self.start()

    def run(self) -> None:
        with self._source:
            for line in self._source:
                self._last = line.strip() or self._last

    def kind(self) -> str:
        """The kind of error, without its text: that might quote a document."""
        self.join()
        return self._last.partition(b":")[0].decode("ascii", "replace")[:100] or "no message"
