"""Reading a landed object back: checked against its hash, without holding it."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.base import NewObject
from ingestion.landing import LandingCorrupt, open_received, receive, store
from warehouse.config import load_config
from warehouse.storage import filesystem

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20


@pytest.fixture
def storage(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path))
    return filesystem(load_config(ROOT / "config" / "warehouse.yml"))


def keep(storage, body: bytes) -> None:
    with receive(NewObject("d", "a", body, "api"), storage) as received:
        store(storage, "gs://landing/a.gz", received)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("body", [b"plain text\n", gzip.compress(b"packed text\n", mtime=0)], ids=["plain", "packed"])
def test_what_was_received_comes_back(storage, body):
    keep(storage, body)
    with open_received(storage, "gs://landing/a.gz", sha256(body)) as stream:
        assert stream.read() == (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)


def test_another_content_is_refused(storage):
    keep(storage, b"one")
    with pytest.raises(LandingCorrupt, match=r"gs://landing/a\.gz"):
        open_received(storage, "gs://landing/a.gz", sha256(b"other"))


def test_a_gzip_cut_short_is_given_as_far_as_it_goes(storage):
    cut = gzip.compress(bytes(range(256)) * 100, mtime=0)[:-12]
    keep(storage, cut)
    with open_received(storage, "gs://landing/a.gz", sha256(cut)) as stream, pytest.raises(EOFError):
        stream.read()


READER = """
import json, resource, sys
from ingestion.landing import open_received
from warehouse.config import load_config
from warehouse.storage import filesystem
lines = 0
with open_received(filesystem(load_config()), "gs://landing/big.gz", sys.argv[1]) as stream:
    for line in stream:
        lines += 1
print(json.dumps({"lines": lines, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def test_a_large_object_needs_no_more_memory_than_a_small_one(storage, tmp_path):
    peaks = []
    for size in (5, 60):
        line = b"%d " * 100 % tuple(range(100)) + b"\n"
        digest, path = hashlib.sha256(), tmp_path / "gcs" / "landing" / "big.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        count = size * MEGABYTE // len(line)
        with gzip.open(path, "wb", compresslevel=1) as file:
            for _ in range(count):
                digest.update(line)
                file.write(line)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", READER, digest.hexdigest()],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout)
        assert found["lines"] == count
        peaks.append(found["peak"])
    assert peaks[1] - peaks[0] < 20 * MEGABYTE


@pytest.mark.parametrize(
    ("original", "content"),
    [
        (gzip.compress(b"a\n", mtime=1), b"a\n"),
        (b"a\n", b"a\n"),
        (gzip.compress(b"a\n" * 100, mtime=1)[:-9], None),
        (b"", b""),
    ],
    ids=["packed", "plain", "cut", "empty"],
)
def test_a_copy_is_known_by_its_bytes_and_by_what_they_hold(storage, original, content):
    storage.write("gs://bucket/original", original)
    with receive(NewObject("d", "a", None, "gs://bucket/original"), storage) as received:
        assert (received.size, received.sha256) == (len(original), sha256(original))
        assert received.content_sha256 == (None if content is None else sha256(content))
        store(storage, "gs://landing/a.gz", received)
    kept = storage.read("gs://landing/a.gz")
    assert kept == original if original.startswith(b"\x1f\x8b") else gzip.decompress(kept) == original
