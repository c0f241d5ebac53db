"""Managed Firestore exports: LevelDB logs of Datastore entities -> raw.firestore_export_documents, and the exporter's
own account of them -> raw.firestore_export_metadata.

An export is a folder: `output-N` files below all_namespaces/, metadata beside them and at its top.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from ingestion.base import Context, LandedObject, Row
from ingestion.exports import key_day
from ingestion.fields import BadRecord
from ingestion.firebase.documents import DocumentPath, cleaned, user_ids
from ingestion.firebase.export_process import read_export
from ingestion.jsontext import dumps
from ingestion.personal import Platform, platform
from ingestion.quarantine import quarantine_row
from ingestion.times import instant
from warehouse.window import format_instant

DOCUMENTS, METADATA = "firestore_export_documents", "firestore_export_metadata"
OUTPUT = re.compile(r"output-\d+")
_STARTED = re.compile(r"(?<!\d)(\d{4}-\d\d-\d\d)T(\d\d):?(\d\d):?(\d\d)")
_METADATA_ENDS = {".overall_export_metadata": "overall", ".export_metadata": "part"}


def prepare_managed(landed: LandedObject, stream: BinaryIO, ctx: Context) -> Iterator[Row]:
    """Rows of one file of an export. The Firebase emulator's own note (firebase-export-metadata.json) has none."""
    name = landed.origin_uri.rpartition("/")[2]
    kind = next((kind for end, kind in _METADATA_ENDS.items() if name.endswith(end)), None)
    if OUTPUT.fullmatch(name):
        yield from _documents(landed, stream, platform(ctx))
    elif kind is not None:
        yield from _metadata(landed, stream, kind)
    elif name != "firebase-export-metadata.json":
        reason = "the file belongs to no managed export; it is kept in the landing"
        yield quarantine_row(landed, 1, "unknown_export", reason, b"")


def export_uri(landed: LandedObject) -> str:
    """The folder of the export that a file belongs to."""
    folder, nested, _ = landed.origin_uri.partition("/all_namespaces/")
    return folder if nested else landed.origin_uri.rpartition("/")[0]


def _documents(landed: LandedObject, stream: BinaryIO, rules: Platform) -> Iterator[Row]:
    line = 0
    placed = _placed(landed) | {"exported_at": _exported_at(landed)}
    try:
        for line, told in enumerate(read_export("documents", stream), 1):
            position = f"byte {told['offset']}"
            if "document" not in told:
                raw = base64.b64decode(told["raw"])
                yield quarantine_row(landed, line, told["code"], told["reason"], raw, position=position)
                continue
            try:
                yield DOCUMENTS, placed | _row(told["document"], rules) | {"_line": line}
            except (BadRecord, RecursionError) as bad:
                code = bad.code if isinstance(bad, BadRecord) else "nested_too_deep"
                raw = dumps(told["document"]).encode()
                yield quarantine_row(landed, line, code, str(bad), raw, position=position)
    except EOFError:
        yield quarantine_row(landed, line + 1, "truncated_gzip", "the gzip stream ends early", b"")
    except (OSError, zlib.error):
        yield quarantine_row(landed, line + 1, "bad_gzip", "the gzip stream is damaged", b"")


def _row(document: dict[str, Any], rules: Platform) -> dict[str, Any]:
    project = document["app"].rpartition("~")[2]  # s~, e~, dev~...: where App Engine would run it
    root = f"projects/{project}/databases/{document['database'] or '(default)'}/documents"
    path = DocumentPath(f"{root}/{'/'.join(document['path'])}", rules, user_ids(document["data"], rules))
    return {
        "document_name": path.name,
        "document_id": path.document_id,
        "collection": path.collection,
        "data": cleaned(document["data"], rules),
    }


def _metadata(landed: LandedObject, stream: BinaryIO, kind: str) -> Iterator[Row]:
    placed = _placed(landed) | {"kind": kind}
    try:
        (told,) = read_export(kind, stream)
    except (EOFError, OSError, zlib.error):
        yield quarantine_row(landed, 1, "bad_gzip", "the gzip stream is damaged", b"")
        return
    if "code" in told:
        yield quarantine_row(landed, 1, told["code"], told["reason"], b"")
        return
    if kind == "overall":
        for line, part in enumerate(told["parts"], 1):
            columns = {"file": part["metadata_file"], "documents": part["documents"], "size_bytes": part["bytes"]}
            yield METADATA, placed | columns | {"outputs": None, "started_at": None, "ended_at": None, "_line": line}
        return
    times = {name: instant(told[told_name], "us").text for name, told_name in _TIMES.items()}
    columns = {"file": _relative(landed), "documents": None, "size_bytes": None, "outputs": dumps(told["outputs"])}
    yield METADATA, placed | columns | times | {"_line": 1}


_TIMES = {"started_at": "started", "ended_at": "ended"}


def _placed(landed: LandedObject) -> dict[str, Any]:
    day = key_day(landed) or landed.window.start.date()
    return {"export_uri": export_uri(landed), "_event_date": day.isoformat()}


def _relative(landed: LandedObject) -> str:
    return landed.origin_uri.removeprefix(export_uri(landed) + "/")


def _exported_at(landed: LandedObject) -> str:
    """When the export was begun, as its folder's name states it: to the second, or the day."""
    if match := _STARTED.search(landed.origin_uri):
        try:
            return instant(f"{match[1]}T{match[2]}:{match[3]}:{match[4]}Z").text
        except ValueError:
            pass
    day = key_day(landed) or landed.window.start.date()
    return format_instant(datetime(day.year, day.month, day.day, tzinfo=UTC))
