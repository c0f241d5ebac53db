"""Writes the files of managed Firestore exports: a JSON list from standard input, another to standard output.

In goes a list of {"name", "app", "started", "ended" (microseconds), "documents": [{"path": [collection, id, ...],
"data": {...}}]}, out comes {name: base64} for each. Data are in the forms of the Firestore changelog, and
{"$reference": "a/b"}, {"$bytes": base64}, {"$double": "NaN"}.
Runs in the export reader's environment; the only library that knows these messages is installed there.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import Any

from framing import block, log, number
from google.appengine.datastore import entity_bytes_pb2 as entity_pb

FOLDER = "all_namespaces/all_kinds"
PART = f"{FOLDER}/all_namespaces_all_kinds.export_metadata"


def files(asked: dict[str, Any]) -> dict[str, bytes]:
    """Files of the export, name -> content."""
    output = log(entity(asked["app"], item["path"], item["data"]) for item in asked["documents"])
    times = number(2, asked["started"]) + number(3, asked["ended"])
    part = block(1, block(1, asked["name"].encode()) + times) + block(2, block(1, b"") + block(2, b"output-0"))
    stated = block(1, number(1, 2) + number(3, 3)) + block(2, PART.encode())
    overall = block(1, stated + number(3, len(asked["documents"])) + number(4, len(output)))
    return {
        f"{FOLDER}/output-0": output,
        PART: part,
        f"{asked['name']}.overall_export_metadata": log([b"3", overall]),
    }


def entity(app: str, path: list[str], data: dict[str, Any]) -> bytes:
    """One document as an EntityProto."""
    made = entity_pb.EntityProto()
    made.key.app = app
    for kind, name in zip(path[::2], path[1::2], strict=True):
        element = made.key.path.element.add(type=kind)
        if name.startswith("__id"):
            element.id = int(name.strip("_id"))
        else:
            element.name = name
    made.entity_group.element.add().CopyFrom(made.key.path.element[0])
    fields(made, data)
    return made.SerializeToString()


def fields(made: Any, data: dict[str, Any]) -> None:
    """Adds a map's fields to an EntityProto."""
    for name, value in data.items():
        if value == []:
            made.property.add(name=name, multiple=False, meaning=entity_pb.Property.EMPTY_LIST).value.SetInParent()
        elif isinstance(value, list):
            for item in value:
                set_value(made.raw_property.add(name=name, multiple=True), item)
        else:
            set_value(made.raw_property.add(name=name, multiple=False), value)


def set_value(prop: Any, value: Any) -> None:
    """Gives a property its value and meaning."""
    prop.value.SetInParent()
    keys = set(value) if isinstance(value, dict) else set()
    if keys == {"_seconds", "_nanoseconds"}:
        prop.meaning = entity_pb.Property.GD_WHEN
        prop.value.int64Value = value["_seconds"] * 1_000_000 + value["_nanoseconds"] // 1000
    elif keys == {"_latitude", "_longitude"}:
        prop.meaning = entity_pb.Property.GEORSS_POINT
        prop.value.pointvalue.x, prop.value.pointvalue.y = value["_latitude"], value["_longitude"]
    elif keys == {"$reference"}:
        parts = value["$reference"].split("/")
        prop.value.referencevalue.app = "s~any"
        for kind, name in zip(parts[::2], parts[1::2], strict=True):
            prop.value.referencevalue.pathelement.add(type=kind, name=name)
    elif keys == {"$bytes"}:
        prop.meaning = entity_pb.Property.BLOB
        prop.value.stringValue = base64.b64decode(value["$bytes"])
    elif keys == {"$double"}:
        prop.value.doubleValue = float(value["$double"])
    elif isinstance(value, dict):
        inner = entity_pb.EntityProto()
        inner.key.app = ""
        inner.key.path.SetInParent()
        inner.entity_group.SetInParent()
        fields(inner, value)
        prop.meaning = entity_pb.Property.ENTITY_PROTO
        prop.value.stringValue = inner.SerializeToString()
    elif isinstance(value, bool):
        prop.value.booleanValue = value
    elif isinstance(value, int):
        prop.value.int64Value = value
    elif isinstance(value, float):
        prop.value.doubleValue = value
    elif isinstance(value, str):
        prop.value.stringValue = value.encode()


if __name__ == "__main__":
    made = (files(asked) for asked in json.load(sys.stdin))
    json.dump([{name: base64.b64encode(body).decode() for name, body in one.items()} for one in made], sys.stdout)
