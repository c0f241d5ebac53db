"""Datastore's EntityProto, as managed exports hold Firestore documents, in the JSON forms of the Firestore changelog.

Timestamp {"_seconds", "_nanoseconds"}, GeoPoint {"_latitude", "_longitude"}, reference = its path, bytes are left out,
NaN and infinity are null. A value of a kind that isn't known is an error, never a null.
"""

from __future__ import annotations

import math
from typing import Any

from google.appengine.datastore import entity_bytes_pb2 as entity_pb
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

MICROS = 1_000_000
_PROPERTY = entity_pb.Property
_BYTES = (_PROPERTY.BLOB, _PROPERTY.BYTESTRING)
_LEFT_OUT = object()


class BadEntity(ValueError):
    """The record is no Firestore document that this reader understands. The message quotes no value."""


def document(record: bytes) -> dict[str, Any]:
    """{"app", "database", "namespace", "path": [collection, id, ...], "data": {...}} of a record. Raises BadEntity."""
    entity = _entity(record)
    path = [part for element in entity.key.path.element for part in (element.type, _identity(element))]
    if not path:
        raise BadEntity("the entity has no key")
    return {
        "app": entity.key.app,
        "database": entity.key.database_id,
        "namespace": entity.key.name_space,
        "path": path,
        "data": _fields(entity),
    }


def _entity(record: bytes) -> entity_pb.EntityProto:
    entity = entity_pb.EntityProto()
    try:
        entity.ParseFromString(record)
    except DecodeError:
        raise BadEntity("the record is no EntityProto") from None
    return entity


def _identity(element: Any) -> str:
    """Firestore shows numeric ids of Datastore as __id<number>__."""
    return element.name if element.HasField("name") else f"__id{element.id}__"


def _fields(entity: entity_pb.EntityProto) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for prop in (*entity.property, *entity.raw_property):
        if len(UnknownFieldSet(prop)) or len(UnknownFieldSet(prop.value)):
            raise BadEntity("a field has a value of an unknown kind")
        value = _value(prop)
        if prop.multiple:
            listed = found.setdefault(prop.name, [])
            if not isinstance(listed, list):
                raise BadEntity("a field is there twice")
            if value is not _LEFT_OUT:
                listed.append(value)
        elif prop.name in found:
            raise BadEntity("a field is there twice")
        elif value is not _LEFT_OUT:
            found[prop.name] = value
    return found


def _value(prop: Any) -> Any:
    value, meaning = prop.value, prop.meaning
    if meaning == _PROPERTY.EMPTY_LIST:
        return []
    if value.HasField("stringValue"):
        return _text(value.stringValue, meaning)
    if value.HasField("int64Value"):
        return _timestamp(value.int64Value) if meaning == _PROPERTY.GD_WHEN else value.int64Value
    if value.HasField("booleanValue"):
        return value.booleanValue
    if value.HasField("doubleValue"):
        return _number(value.doubleValue)
    if value.HasField("pointvalue"):
        return {"_latitude": _number(value.pointvalue.x), "_longitude": _number(value.pointvalue.y)}
    if value.HasField("referencevalue"):
        path = value.referencevalue.pathelement
        return "/".join(part for element in path for part in (element.type, _identity(element)))
    if value.HasField("uservalue"):
        raise BadEntity("a field has a value of an unknown kind")
    return None


def _text(raw: bytes, meaning: int) -> Any:
    if meaning in _BYTES:
        return _LEFT_OUT
    if meaning == _PROPERTY.ENTITY_PROTO:
        return _fields(_entity(raw))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadEntity("a text is not UTF-8") from None


def _timestamp(micros: int) -> dict[str, int]:
    return {"_seconds": micros // MICROS, "_nanoseconds": micros % MICROS * 1000}


def _number(value: float) -> int | float | None:
    """As JavaScript writes it: whole numbers without a fraction, no NaN, no infinity."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
