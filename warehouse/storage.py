"""One way to files: gs:// addresses through fsspec. On the embedded target a bucket is a folder below <home>/gcs."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import fsspec

from warehouse.config import Config


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
        filesystem, path = self._locate(uri)
        if uri.startswith("gs://") and self._buckets is None:
            filesystem.pipe_file(path, body)  # an upload becomes visible when it is complete
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        partial.write_bytes(body)
        os.replace(partial, target)

    def upload(self, uri: str, file: Path) -> None:
        """Create or replace an object from a local file, without holding it; it appears at once, as with `write`."""
        filesystem, path = self._locate(uri)
        if uri.startswith("gs://") and self._buckets is None:
            filesystem.put_file(str(file), path)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        shutil.copyfile(file, partial)
        os.replace(partial, target)

    def delete(self, uri: str) -> None:
        """Remove an object that may already be gone."""
        filesystem, path = self._locate(uri)
        if filesystem.exists(path):
            filesystem.rm(path)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        """(address, size in bytes) of each object below a prefix, in order of name; nothing for a missing prefix."""
        filesystem, path = self._locate(prefix.rstrip("/"))
        if not filesystem.exists(path):
            return
        found = filesystem.find(path, detail=True)
        for name in sorted(found):
            if name.endswith(".part"):
                continue
            yield self._address(prefix, name), found[name]["size"]

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
