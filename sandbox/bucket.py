"""The platform's buckets as folders: <home>/gcs/<bucket>/<key>.

What the simulated platform delivered is never rewritten. An object appears in one step (written beside, then renamed),
so that a process killed at any moment leaves no part of an object behind.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

LOGPUSH = "platform-logpush"
EXPORTS = "platform-exports"


@dataclass(frozen=True)
class Buckets:
    """The buckets below one home folder."""

    home: Path

    def path(self, bucket: str, key: str) -> Path:
        """Where an object lies."""
        return self.home / "gcs" / bucket / key

    def put(self, bucket: str, key: str, body: bytes) -> bool:
        """Create an object; False (and nothing done) where it exists."""
        target = self.path(bucket, key)
        if target.exists():
            return False
        write_atomically(target, body, self.home / "sandbox" / "tmp")
        return True

    def replace(self, bucket: str, key: str, body: bytes) -> None:
        """Create an object, or give it new content where that differs."""
        if self.get(bucket, key) != body:
            write_atomically(self.path(bucket, key), body, self.home / "sandbox" / "tmp")

    def get(self, bucket: str, key: str) -> bytes | None:
        """An object's bytes, or None."""
        target = self.path(bucket, key)
        return target.read_bytes() if target.is_file() else None

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Keys of a bucket that start with `prefix`, sorted."""
        root = self.home / "gcs" / bucket
        found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        return sorted(key for key in found if key.startswith(prefix))


def write_atomically(target: Path, body: bytes, scratch: Path | None = None) -> None:
    """Write a file so that it is either absent, old or complete; `scratch` must be on the same file system."""
    folder = scratch or target.parent
    folder.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = folder / f".{uuid.uuid4().hex}.part"
    part.write_bytes(body)
    os.replace(part, target)
