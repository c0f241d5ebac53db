"""The landing zone: immutable, compressed objects with a content hash in the name, bytes exactly as received."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import tempfile
import zlib
from dataclasses import dataclass
from typing import IO, BinaryIO

from ingestion.base import NewObject
from warehouse.storage import Storage

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 20
"""Bytes read at a time."""
HELD_IN_MEMORY = 8 << 20
"""Bytes of one object that are held in memory; larger ones go through a temporary file."""


@dataclass(frozen=True)
class Received:
    """Bytes at hand, in memory as long as they are few; `sha256` is of them, `content_sha256` as in LandedObject."""

    file: IO[bytes]
    size: int
    sha256: str
    content_sha256: str | None

    def __enter__(self) -> Received:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def receive(new: NewObject, storage: Storage) -> Received:
    """Fetch what a source found, once. Raises FileNotFoundError or OSError where a copy can't be read."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=HELD_IN_MEMORY)  # noqa: SIM115 closed by Received
    digest, size = hashlib.sha256(), 0
    with io.BytesIO(new.body) if new.body is not None else storage.open(new.origin_uri) as origin:
        while chunk := origin.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
            size += len(chunk)
    file.seek(0)
    packed = file.read(2) == GZIP_MAGIC
    content = _hash_of_content(file) if packed else digest.hexdigest()
    file.seek(0)
    return Received(file, size, digest.hexdigest(), content)


def slice_uri(root: str, source: str, new: NewObject) -> str:
    """What all generations of an object have in common: <root>/<source>/<dataset>/<name>."""
    return f"{root.rstrip('/')}/{source}/{new.dataset}/{new.name.removesuffix('.gz')}"


def object_uri(slice_: str, generation: int, digest: str) -> str:
    """Address of one generation: <slice>.<generation>.<12 hex of its hash>.gz, always gzip."""
    return f"{slice_}.{generation}.{digest[:12]}.gz"


def slice_of(uri: str) -> str:
    """The slice that an object's address belongs to."""
    return uri.rsplit(".", 3)[0]


def store(storage: Storage, uri: str, received: Received) -> None:
    """Write an object unless it is there; equal names have equal content, so a repeat has nothing to do.

    Bytes received as gzip are kept as they are, others are compressed without a time stamp.
    """
    if storage.exists(uri):
        return
    packed = received.file.read(2) == GZIP_MAGIC
    received.file.seek(0)
    if packed:
        storage.write_stream(uri, received.file)
        return
    with tempfile.SpooledTemporaryFile(max_size=HELD_IN_MEMORY) as compressed:
        with gzip.GzipFile(fileobj=compressed, mode="wb", mtime=0, filename="") as out:
            shutil.copyfileobj(received.file, out, CHUNK)
        compressed.seek(0)
        storage.write_stream(uri, compressed)


def open_received(storage: Storage, uri: str, sha256: str) -> BinaryIO:
    """The object's content for reading, decompressed; reading a truncated gzip raises EOFError.

    The object is fetched once, into a temporary file, and checked against the manifest's hash first: nothing is held in
    memory. Raises LandingCorrupt when the hashes differ.
    """
    fetched = tempfile.TemporaryFile()  # noqa: SIM115 closed with the stream
    stored = hashlib.sha256()
    with storage.open(uri) as source:
        while chunk := source.read(CHUNK):
            stored.update(chunk)
            fetched.write(chunk)
    if stored.hexdigest() != sha256 and _hash_of_content(fetched) != sha256:
        fetched.close()
        raise LandingCorrupt(f"{uri}: content doesn't match the manifest's hash")
    fetched.seek(0)
    return _Received(fetched)


def is_damaged(stream: BinaryIO) -> bool:
    """Whether a landed object's gzip breaks otherwise than by ending early; the stream is left at its beginning.

    What stands before an early end is right. Behind damage the records may read well and be wrong: the check sum that
    would tell comes last.
    """
    try:
        while stream.read(CHUNK):
            pass
    except EOFError:
        return False
    except (OSError, zlib.error):
        return True
    finally:
        stream.seek(0)
    return False


class _Received(gzip.GzipFile):
    """Closes the temporary file with the stream."""

    def __init__(self, fetched: BinaryIO) -> None:
        super().__init__(fileobj=fetched, mode="rb")
        self._fetched = fetched

    def close(self) -> None:
        super().close()
        self._fetched.close()


def _hash_of_content(fetched: BinaryIO) -> str | None:
    """SHA-256 of the decompressed bytes; None where they can't be decompressed to their end."""
    fetched.seek(0)
    digest = hashlib.sha256()
    try:
        with gzip.GzipFile(fileobj=fetched, mode="rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
    except (OSError, EOFError, zlib.error):
        return None
    return digest.hexdigest()


class LandingCorrupt(RuntimeError):
    """A landed object isn't what the manifest says."""
