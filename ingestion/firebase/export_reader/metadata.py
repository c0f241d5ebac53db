"""Metadata of a managed export: what the exporter says that it wrote.

No definition of these messages is published. The fields were found in recorded exports, where they state what can be
checked otherwise: the number of documents, the bytes of the output file, and its name.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message
from log_records import Record, log_records

_MESSAGES = {
    "Overall": [("part", 1, "OverallPart")],
    "OverallPart": [("metadata_file", 2, "string"), ("documents", 3, "int64"), ("bytes", 4, "int64")],
    "Part": [("export", 1, "PartExport"), ("output", 2, "PartOutput")],
    "PartExport": [("name", 1, "string"), ("started", 2, "int64"), ("ended", 3, "int64")],
    "PartOutput": [("file", 2, "string")],
}
_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {"string": _FIELD.TYPE_STRING, "int64": _FIELD.TYPE_INT64}


class BadMetadata(ValueError):
    """The file states nothing that can be read."""


def overall(stream: BinaryIO) -> dict[str, Any]:
    """{"parts": [{"metadata_file", "documents", "bytes"}]} of an .overall_export_metadata file. Raises BadMetadata."""
    messages = []
    for record in log_records(stream):
        if not isinstance(record, Record):
            raise BadMetadata(record.reason)
        if len(record.data) > 1:  # the first record is a single byte
            messages.append(_parse("Overall", record.data))
    parts = [part for message in messages for part in message.part]
    if not all(part.HasField("metadata_file") and part.HasField("documents") for part in parts):
        raise BadMetadata("a part states no number of documents")
    return {
        "parts": [
            {"metadata_file": part.metadata_file, "documents": part.documents, "bytes": part.bytes} for part in parts
        ]
    }


def part(stream: BinaryIO) -> dict[str, Any]:
    """{"started", "ended" (microseconds), "outputs"} of an .export_metadata file. Raises BadMetadata."""
    message = _parse("Part", stream.read())
    if not message.export.HasField("started") or not message.export.HasField("ended"):
        raise BadMetadata("the times of the export are missing")
    return {
        "started": message.export.started,
        "ended": message.export.ended,
        "outputs": [output.file for output in message.output],
    }


def _parse(name: str, body: bytes) -> Message:
    message = _CLASSES[name]()
    try:
        message.ParseFromString(body)
    except DecodeError:
        raise BadMetadata("the file is no export metadata") from None
    return message


def _classes() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(name="export_metadata.proto", package="export", syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=_FIELD.LABEL_OPTIONAL)
            if kind in _SCALARS:
                added.type = _SCALARS[kind]
            else:
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".export.{kind}"
                if field in ("part", "output"):
                    added.label = _FIELD.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"export.{name}")) for name in _MESSAGES}


_CLASSES = _classes()
