"""Reads one object of a managed Firestore export from standard input, writes JSON lines to standard output.

    python export_reader documents|overall|part < object

documents  {"offset", "document"} or {"offset", "code", "reason", "raw" (base64)} a record, in order
overall    {"parts": [...]}, see metadata.py
part       {"started", "ended", "outputs"}
The last line is {"end": true}; without it the reader was stopped. Metadata that can't be read: {"code", "reason"}.
Runs in an environment of its own: nothing of the project can be imported here.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from log_records import Damage, log_records

LONGEST_RAW = 1 << 20


def documents(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """A line for each document, and one for each record or stretch that is none."""
    from entities import BadEntity, document

    for found in log_records(stream):
        if isinstance(found, Damage):
            yield _problem(found.offset, "damaged_log", found.reason, found.raw)
            continue
        try:
            yield {"offset": found.offset, "document": document(found.data)}
        except BadEntity as bad:
            yield _problem(found.offset, "bad_entity", str(bad), found.data)
        except RecursionError:
            yield _problem(found.offset, "nested_too_deep", "the document is nested too deep", found.data)


def metadata(kind: str, stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """One line: what the file states, or why it can't be read."""
    import metadata as files

    try:
        yield files.overall(stream) if kind == "overall" else files.part(stream)
    except files.BadMetadata as bad:
        yield {"code": "bad_export_metadata", "reason": str(bad)}


def _problem(offset: int, code: str, reason: str, raw: bytes) -> dict[str, Any]:
    return {"offset": offset, "code": code, "reason": reason, "raw": base64.b64encode(raw[:LONGEST_RAW]).decode()}


def main(kind: str) -> None:
    """Standard input -> standard output."""
    lines = documents(sys.stdin.buffer) if kind == "documents" else metadata(kind, sys.stdin.buffer)
    for line in lines:
        print(json.dumps(line, separators=(",", ":"), ensure_ascii=False))
    print('{"end":true}', flush=True)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogatepass")
    main(sys.argv[1])
