"""The landing zone: immutable, compressed objects with a content hash in the name, bytes exactly as received."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from io import BytesIO
from typing import BinaryIO

from ingestion.base import NewObject
from warehouse.storage import Storage

GZIP_MAGIC = b"\x1f\x8b"


def content_hash(body: bytes) -> str:
    """SHA-256 of the bytes as received, hex."""
    return hashlib.sha256(body).hexdigest()


def slice_uri(root: str, source: str, new: NewObject) -> str:
    """What all generations of an object have in common: <root>/<source>/<dataset>/<name>."""
    return f"{root.rstrip('/')}/{source}/{new.dataset}/{new.name.removesuffix('.gz')}"


def object_uri(slice_: str, generation: int, digest: str) -> str:
    """Address of one generation: <slice>.<generation>.<12 hex of its hash>.gz, always gzip."""
    return f"{slice_}.{generation}.{digest[:12]}.gz"


def slice_of(uri: str) -> str:
    """The slice that an object's address belongs to."""
    return uri.rsplit(".", 3)[0]


def store(storage: Storage, uri: str, body: bytes) -> None:
    """Write an object unless it is there; equal names have equal content, so a repeat has nothing to do.

    Bytes received as gzip are kept as they are, others are compressed without a time stamp.
    """
    if not storage.exists(uri):
        storage.write(uri, body if body.startswith(GZIP_MAGIC) else gzip.compress(body, mtime=0))


def open_received(storage: Storage, uri: str, sha256: str) -> BinaryIO:
    """The object's content for reading, decompressed; reading a truncated gzip raises EOFError.

    The bytes are checked against the manifest's hash first. Raises LandingCorrupt when they differ.
    """
    stored = storage.read(uri)
    if content_hash(stored) != sha256 and content_hash(_decompressed(stored)) != sha256:
        raise LandingCorrupt(f"{uri}: content doesn't match the manifest's hash")
    return gzip.GzipFile(fileobj=BytesIO(stored))


def _decompressed(stored: bytes) -> bytes:
    try:
        return gzip.decompress(stored)
    except (OSError, EOFError, zlib.error):
        return b""


class LandingCorrupt(RuntimeError):
    """A landed object isn't what the manifest says."""
