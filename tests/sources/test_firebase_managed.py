"""Managed Firestore exports: every document of the log in the changelog's forms, damage told with its bytes."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.firebase.export_process import PYTHON, ReaderStopped, read_export
from sandbox.export_writer.framing import log as framed
from sandbox.managed_export import Export, export_files
from tests.sources.conftest import original, reasons
from warehouse.config import ConfigError

STARTED = datetime(2026, 10, 6, 3, 0, 0, 250_000, tzinfo=UTC)
ENDED = datetime(2026, 10, 6, 3, 0, 4, tzinfo=UTC)
FOLDER = "2026-10-06T03:00:00_41"
OUTPUT = f"{FOLDER}/all_namespaces/all_kinds/output-0"
RECORDED = "firebase/managed_export/epodol_bsclibrary/firestore_export"
BLOCK = 32 * 1024


def output(*documents: tuple[str, dict[str, Any]]) -> bytes:
    [files] = export_files([Export("e", documents, STARTED, ENDED)])
    return files["all_namespaces/all_kinds/output-0"]


def changelog_form(value: Any) -> Any:
    """What leveldb-export says of a value, in the changelog's forms."""
    if isinstance(value, dict) and set(value) == {"__datetime"}:
        at = datetime.fromisoformat(value["__datetime"]).replace(tzinfo=UTC)
        return {"_seconds": int(at.timestamp()), "_nanoseconds": at.microsecond * 1000}
    if isinstance(value, dict):
        return {key: changelog_form(item) for key, item in value.items()}
    return [changelog_form(item) for item in value] if isinstance(value, list) else value


def test_the_recorded_export_gives_what_leveldb_export_reads_from_it(fixtures):
    folder = fixtures / RECORDED / "all_namespaces/all_kinds"
    with (folder / "output-0").open("rb") as stream:
        told = [line["document"] for line in read_export("documents", stream)]
    expected = [json.loads(line) for line in (folder / "EXPECTED_leveldb-export-0.1.1.ndjson").open()]
    keys = [document.pop("_key") for document in expected]
    assert [("/".join(document["path"]), document["app"]) for document in told] == [
        (key["path"], key["app"]) for key in keys
    ]
    assert len(told) == 14
    for document, wanted in zip(told, expected, strict=True):
        assert as_leveldb_export(document["data"]) == changelog_form(wanted)


def as_leveldb_export(document: dict[str, Any]) -> dict[str, Any]:
    """leveldb-export 0.1.1 loses empty texts inside maps: it makes nulls of them."""

    def inside(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: inside(item) for key, item in value.items()}
        return None if value == "" else value

    return {key: inside(value) if isinstance(value, dict) else value for key, value in document.items()}


def test_recorded_documents_are_rows_without_people(prepare, fixtures, user):
    folder = fixtures / RECORDED
    rows = prepare("firebase", "managed_export", (folder / "all_namespaces/all_kinds/output-0").read_bytes(), OUTPUT)
    assert {table: len(found) for table, found in rows.items()} == {"firestore_export_documents": 14}
    row = rows["firestore_export_documents"][1]
    person = "yEjjsFDWcKIxWgXSWfb71XlGpYdN"
    data = json.loads(row.pop("data"))
    root = "projects/basis-scottsdale-library/databases/(default)/documents"
    assert row == {
        "export_uri": f"gs://bucket/managed_export/{FOLDER}",
        "exported_at": "2026-10-06T03:00:00Z",
        "document_name": f"{root}/libraries/bsclibrary/users/{user(person)}",
        "document_id": user(person),
        "collection": "libraries/{}/users",
        "_line": 2,
        "_event_date": "2026-10-06",
    }
    assert (data["uid"], data["email"], data["approvedAt"]) == (
        user(person),
        None,
        {"_seconds": 1649388435, "_nanoseconds": 0},
    )
    assert person not in json.dumps(rows["firestore_export_documents"][1])


def test_recorded_metadata_states_the_documents_and_bytes_of_the_output(prepare, fixtures):
    folder = fixtures / RECORDED
    overall = (folder / "firestore_export.overall_export_metadata").read_bytes()
    [row] = prepare("firebase", "managed_export", overall, f"{FOLDER}/firestore_export.overall_export_metadata")[
        "firestore_export_metadata"
    ]
    part = "all_namespaces/all_kinds/all_namespaces_all_kinds.export_metadata"
    size = (folder / "all_namespaces/all_kinds/output-0").stat().st_size
    assert (row["kind"], row["file"], row["documents"], row["size_bytes"]) == ("overall", part, 14, size)
    assert row["export_uri"] == f"gs://bucket/managed_export/{FOLDER}"
    [row] = prepare("firebase", "managed_export", (folder / part).read_bytes(), f"{FOLDER}/{part}")[
        "firestore_export_metadata"
    ]
    assert (row["kind"], row["file"], row["outputs"]) == ("part", part, '["output-0"]')
    assert (row["started_at"], row["ended_at"]) == ("2022-08-08T04:01:58.036978Z", "2022-08-08T04:01:58.040645Z")
    assert row["export_uri"] == f"gs://bucket/managed_export/{FOLDER}"


def test_other_files_of_an_export_are_told_apart(prepare):
    assert prepare("firebase", "managed_export", b"{}", "x/firebase-export-metadata.json") == {}
    rows = prepare("firebase", "managed_export", b"{}", "x/notes.txt")
    assert reasons(rows) == [(1, "unknown_export")]
    for name in ("a.overall_export_metadata", "a.export_metadata"):
        rows = prepare("firebase", "managed_export", b"no protobuf", name)
        assert (list(rows), reasons(rows)) == (["quarantine"], [(1, "bad_export_metadata")])


def test_every_kind_of_value_has_the_changelogs_form(prepare):
    sent = {
        "text": "a \u0000 \U0001f600",
        "empty": "",
        "int": 2**63 - 1,
        "whole": 30.0,
        "fraction": 0.1,
        "large": 1e300,
        "nan": {"$double": "nan"},
        "inf": {"$double": "-inf"},
        "yes": True,
        "nothing": None,
        "at": {"_seconds": -1, "_nanoseconds": 999_999_000},
        "geo": {"_latitude": 36.7783, "_longitude": -119.4179},
        "ref": {"$reference": "reference/r1/sub/s2"},
        "bytes": {"$bytes": "AAEC"},
        "list": ["a", None, 1, {"k": "v"}, {"$bytes": "AAEC"}],
        "only_bytes": [{"$bytes": "AAEC"}],
        "none": [],
        "map": {"deep": {"at": {"_seconds": 1, "_nanoseconds": 2000}, "empty": "", "list": [1.5], "none": []}},
        "empty_map": {},
    }
    wanted = sent | {
        "whole": 30,
        "nan": None,
        "inf": None,
        "ref": "reference/r1/sub/s2",
        "list": ["a", None, 1, {"k": "v"}],
        "only_bytes": [],
    }
    del wanted["bytes"]
    body = output(("matches/m1", sent), ("matches/__id42__", {}))
    first, second = prepare("firebase", "managed_export", body, OUTPUT)["firestore_export_documents"]
    assert json.loads(first["data"]) == wanted
    assert '"whole":30,' in first["data"]
    assert (second["document_id"], second["data"]) == ("__id42__", "{}")
    assert first["document_name"] == "projects/skill-match/databases/(default)/documents/matches/m1"


DOCUMENTS = [(f"matches/m{n}", {"n": n, "fill": "x" * (n * 997 % 9000)}) for n in range(40)]
"""Some 180 kB: records that end, begin and go on at the borders of six blocks."""


def numbers(rows: dict[str, list[dict[str, Any]]]) -> list[int]:
    return [json.loads(row["data"])["n"] for row in rows.get("firestore_export_documents", [])]


def fragments(log: bytes) -> list[tuple[int, int, int]]:
    """(offset, end, type) of each fragment, read without the reader."""
    found, at = [], 0
    while at < len(log):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", log, at)
        found.append((at, at + 7 + length, kind))
        at += 7 + length
    return found


def owners(log: bytes) -> dict[int, int]:
    """Offset of a fragment -> the document that it belongs to."""
    number, owner = -1, {}
    for offset, _, kind in fragments(log):
        number += kind in (1, 2)
        owner[offset] = number
    return owner


@pytest.mark.parametrize("part", ["checksum", "length", "type", "data"])
def test_one_flipped_bit_costs_one_document_wherever_it_is(prepare, part):
    log = output(*DOCUMENTS)
    whole, owner = fragments(log), owners(log)
    assert {kind for _, _, kind in whole} == {1, 2, 4}
    assert numbers(prepare("firebase", "managed_export", log, OUTPUT)) == list(range(40))
    for offset, end, kind in (whole[0], whole[5], next(f for f in whole if f[2] == 2), whole[-1]):
        place = offset + {"checksum": 0, "length": 4, "type": 6, "data": 7}[part]
        bad = bytearray(log)
        bad[place] ^= 1
        rows = prepare("firebase", "managed_export", bytes(bad), OUTPUT)
        assert numbers(rows) == [n for n in range(40) if n != owner[offset]], (offset, kind)
        [found] = rows["quarantine"]
        assert found["reason_code"] == "damaged_log"
        assert found["position"].startswith("byte ")
        kept = original(found)
        assert bytes(bad[offset:end]) in kept
        start = int(found["position"].removeprefix("byte "))
        assert bad.count(kept, start) >= 1 or kind == 2


@pytest.mark.parametrize("cut", [1, 6, 8, 5000, BLOCK, BLOCK + 3, 100_000])
def test_a_log_that_is_cut_short_keeps_what_came_before(prepare, cut):
    log = output(*DOCUMENTS)
    ends: dict[int, int] = {}
    owner = owners(log)
    for offset, end, _ in fragments(log):
        ends[owner[offset]] = end
    rows = prepare("firebase", "managed_export", log[:cut], OUTPUT)
    assert numbers(rows) == [n for n, end in ends.items() if end <= cut]
    assert [code for _, code in reasons(rows)] == ([] if cut in ends.values() else ["damaged_log"])


def test_a_fragment_out_of_place_and_a_record_of_something_else_are_told(prepare):
    log = output(*DOCUMENTS)
    begin = next(offset for offset, _, kind in fragments(log) if kind == 2)
    without_begin = log[:begin] + bytes(BLOCK - begin % BLOCK) + log[begin + BLOCK - begin % BLOCK :]
    rows = prepare("firebase", "managed_export", without_begin, OUTPUT)
    assert numbers(rows) == [n for n in range(40) if n != owners(log)[begin]]
    [found] = rows["quarantine"]
    assert "no beginning" in found["reason"]
    rows = prepare("firebase", "managed_export", framed([b"no entity", b""]) + bytes(100), OUTPUT)
    assert reasons(rows) == [(1, "bad_entity"), (2, "bad_entity")]
    assert [original(row) for row in rows["quarantine"]] == [b"no entity", b""]


def test_a_truncated_gzip_keeps_the_documents_before_the_break(prepare):
    body = gzip.compress(output(*DOCUMENTS), compresslevel=0)[:100_000]
    rows = prepare("firebase", "managed_export", body, OUTPUT)
    found = numbers(rows)
    assert 10 < len(found) < 40
    assert found == list(range(len(found)))
    assert [code for _, code in reasons(rows)] == ["damaged_log", "truncated_gzip"]


def test_a_reader_that_isnt_installed_or_dies_is_an_error_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv(PYTHON, str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="make setup"):
        next(read_export("documents", io.BytesIO(b"")))
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\ncat > /dev/null\necho '{\"offset\":0}'\necho 'MemoryError: jane' >&2\nexit 3\n")
    dying.chmod(0o755)
    monkeypatch.setenv(PYTHON, str(dying))
    lines = read_export("documents", io.BytesIO(b"x"))
    assert next(lines) == {"offset": 0}
    with pytest.raises(ReaderStopped, match=r"MemoryError, exit 3\)$"):
        next(lines)


def test_closing_early_ends_the_reader(monkeypatch, tmp_path):
    endless = tmp_path / "python"
    endless.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\necho '{{}}'\nexec cat > /dev/null\n")
    endless.chmod(0o755)
    monkeypatch.setenv(PYTHON, str(endless))

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"x" * 1000

        read1 = read

    lines = read_export("documents", Endless())
    next(lines)
    lines.close()
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
