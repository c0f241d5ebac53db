"""One way to files: gs:// addresses through fsspec. On the embedded target a bucket is a folder below <home>/gcs."""

from __future__ import annotations

import io
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import fsspec

from warehouse.config import Config

CHUNK = 1 << 20
"""Bytes copied at a time."""


class Found(NamedTuple):
    """An object in a listing. `version` changes when the object is written again, also with the same size."""

    uri: str
    size: int
    version: str


class Storage:
    """Objects by full address (gs://bucket/key or a local path). Writes are whole objects that appear at once."""

    def __init__(self, config: Config) -> None:
        self._buckets = None if config.target == "bigquery" else gcs_root(config)

    def _locate(self, uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
        if uri.startswith("gs://") and self._buckets is not None:
            return fsspec.filesystem("file"), str(self._buckets / uri.removeprefix("gs://"))
        filesystem, path = fsspec.core.url_to_fs(uri)
        return filesystem, path

    def exists(self, uri: str) -> bool:
        """Whether the object is there."""
        filesystem, path = self._locate(uri)
        return filesystem.exists(path)

    def open(self, uri: str) -> BinaryIO:
        """The object's bytes as a stream. Raises FileNotFoundError."""
        filesystem, path = self._locate(uri)
        return filesystem.open(path, "rb")

    def read(self, uri: str) -> bytes:
        """The object's bytes. Raises FileNotFoundError."""
        with self.open(uri) as stream:
            return stream.read()

    def write(self, uri: str, body: bytes) -> None:
        """Create or replace an object; a reader sees the old bytes or the new ones, never a part."""
        self.write_stream(uri, io.BytesIO(body))

    def upload(self, uri: str, file: Path) -> None:
        """The same from a local file."""
        with file.open("rb") as stream:
            self.write_stream(uri, stream)

    def write_stream(self, uri: str, stream: IO[bytes]) -> None:
        """The same from a stream, without holding it."""
        filesystem, path = self._locate(uri)
        if uri.startswith("gs://") and self._buckets is None:
            with filesystem.open(path, "wb") as target:  # an upload becomes visible when it is complete
                shutil.copyfileobj(stream, target, CHUNK)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        with partial.open("wb") as written:
            shutil.copyfileobj(stream, written, CHUNK)
        os.replace(partial, target)

    def delete(self, uri: str) -> None:
        """Remove an object that may already be gone."""
        filesystem, path = self._locate(uri)
        if filesystem.exists(path):
            filesystem.rm(path)

    def list(self, prefix: str) -> Iterator[Found]:
        """Each object below a prefix, in order of name; nothing for a missing prefix."""
        filesystem, path = self._locate(prefix.rstrip("/"))
        if not filesystem.exists(path):
            return
        found = filesystem.find(path, detail=True)
        for name in sorted(found):
            if not name.endswith(".part"):
                yield self._found(prefix, found[name])

    def children(self, prefix: str) -> tuple[list[str], list[Found]]:
        """(addresses of the folders, objects) directly below a prefix, in order of name."""
        filesystem, path = self._locate(prefix.rstrip("/"))
        if not filesystem.exists(path):
            return [], []
        below = sorted(filesystem.ls(path, detail=True), key=lambda item: item["name"])
        folders = [self._address(prefix, item["name"]) for item in below if item["type"] == "directory"]
        files = [item for item in below if item["type"] == "file" and not item["name"].endswith(".part")]
        return folders, [self._found(prefix, item) for item in files]

    def _found(self, prefix: str, item: Mapping[str, Any]) -> Found:
        version = item.get("generation") or item.get("mtime") or ""
        return Found(self._address(prefix, item["name"]), item["size"], str(version))

    def _address(self, prefix: str, name: str) -> str:
        if not prefix.startswith("gs://"):
            return name
        if self._buckets is None:
            return f"gs://{name}"
        return "gs://" + Path(name).relative_to(self._buckets).as_posix()


def gcs_root(config: Config) -> Path:
    """Folder that stands for all buckets on the embedded target."""
    return (config.embedded.home / "gcs").resolve()


def filesystem(config: Config) -> Storage:
    """Storage of the configured target."""
    return Storage(config)
