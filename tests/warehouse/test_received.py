"""Reading a landed object back: checked against its hash, without holding it."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.landing import LandingCorrupt, content_hash, open_received, store
from warehouse.config import load_config
from warehouse.storage import filesystem

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20


@pytest.fixture
def storage(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path))
    return filesystem(load_config(ROOT / "config" / "warehouse.yml"))


@pytest.mark.parametrize("body", [b"plain text\n", gzip.compress(b"packed text\n", mtime=0)], ids=["plain", "packed"])
def test_what_was_received_comes_back(storage, body):
    store(storage, "gs://landing/a.gz", body)
    with open_received(storage, "gs://landing/a.gz", content_hash(body)) as stream:
        assert stream.read() == (gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)


def test_another_content_is_refused(storage):
    store(storage, "gs://landing/a.gz", b"one")
    with pytest.raises(LandingCorrupt, match=r"gs://landing/a\.gz"):
        open_received(storage, "gs://landing/a.gz", content_hash(b"other"))


def test_a_gzip_cut_short_is_given_as_far_as_it_goes(storage):
    cut = gzip.compress(bytes(range(256)) * 100, mtime=0)[:-12]
    store(storage, "gs://landing/a.gz", cut)
    with open_received(storage, "gs://landing/a.gz", content_hash(cut)) as stream, pytest.raises(EOFError):
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
