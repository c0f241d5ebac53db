"""python -m ingestion solana decode: as a person runs it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from chain_builder import OTHER, PROGRAM, SIGNATURE, b64, call, data, enter, idl, leave, made, transaction
from solana_context import ROOT
from typer.testing import CliRunner

from ingestion.solana.cli import app


def decode(*arguments: str | Path, stdin: str = "") -> tuple[int, list[dict], str]:
    done = CliRunner().invoke(app, ["decode", *map(str, arguments)], input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_as_a_person_runs_it(fixtures):
    vector = json.loads((fixtures / "solana/event_vectors.jsonl").read_text().splitlines()[-1])
    command = ["-m", "ingestion", "solana", "decode", "--payloads", "--idl", fixtures / "solana/idl" / vector["idl"]]
    done = subprocess.run(
        [sys.executable, *command],
        input=vector["data_b64"], capture_output=True, text=True, cwd=ROOT, timeout=120, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["name"] == vector["event"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "idl.json").write_bytes(idl())
    return tmp_path


def test_files(folder):
    logs = [enter(PROGRAM), data(made(1) + b"x", made(2)[:9]), leave(PROGRAM)]
    one = transaction(
        logs, [call(PROGRAM)], {0: [call(PROGRAM, bytes.fromhex("e445a52e51cb9a1d") + made(1) + b"x", height=2)]}
    )
    (folder / "bare.json").write_text(json.dumps(one))
    (folder / "envelope.json").write_text(
        json.dumps({"jsonrpc": "2.0", "id": 1, "result": transaction([enter(OTHER), data(made(1)), leave(OTHER)])})
    )
    landed = json.dumps(
        {
            "signature": SIGNATURE,
            "response": json.dumps({"id": 1, "result": transaction([enter(PROGRAM), data(made(3)), leave(PROGRAM)])}),
        }
    )
    (folder / "landed.gz").write_bytes(gzip.compress(f"{landed}\n{landed}\n".encode()))
    (folder / "broken.json").write_text('{"a":')
    code, lines, _ = decode(
        "--idl",
        folder / "idl.json",
        folder / "bare.json",
        folder / "envelope.json",
        folder / "landed.gz",
        folder / "broken.json",
        folder / "gone.json",
    )
    common = {"signature": SIGNATURE, "program": PROGRAM}
    third = common | {"channel": "log", "position": "1.0", "name": "Made", "data": {"value": "3"}, "status": "counted"}
    assert lines == [
        common
        | {
            "channel": "log",
            "position": "1.0",
            "name": "Made",
            "data": {"value": "1"},
            "status": "counted",
            "trailing_hex": "78",
        },
        common
        | {
            "channel": "cpi",
            "position": "0.0",
            "name": "Made",
            "data": {"value": "1"},
            "status": "duplicate",
            "duplicate_of": "1.0",
            "trailing_hex": "78",
        },
        common
        | {
            "channel": "log",
            "position": "1.1",
            "status": "quarantined",
            "code": "payload_too_short",
            "reason": "Made: the payload of 9 bytes ends inside the type",
            "bytes_hex": made(2)[:9].hex(),
        },
        third,
        third,
        {
            "file": str(folder / "broken.json"),
            "status": "quarantined",
            "reason": "not JSON: Expecting value (line 1, column 6)",
        },
        {
            "file": str(folder / "gone.json"),
            "status": "quarantined",
            "reason": "can't be read (No such file or directory)",
        },
    ]
    assert code == 1


def test_a_recorded_file_with_a_legacy_idl(fixtures):
    solana = fixtures / "solana"
    code, lines, stderr = decode(
        "--idl", solana / "idl/drift_openbook_v2.json", *sorted((solana / "program_runs").glob("*.base64.json"))
    )
    assert code == 0
    cut = json.loads((solana / "program_runs/openbookv2_15_LOG_TRUNCATED_40_set_delegate.json.json").read_text())
    signature = cut["result"]["transaction"]["signatures"][0]
    assert stderr == f"note: {signature}: the log was cut, events may be missing\n"
    expected = [
        item for item in json.loads((solana / "expected_events.json").read_text()) if "openbook" in item["fixture"]
    ]
    assert sorted(line["name"] for line in lines) == sorted(item["name"] for item in expected)


def test_payloads(folder):
    stdin = f"{b64(made(7))}\n\nnot base64\n{b64(made(7)[:10])}\n"
    code, lines, _ = decode("--idl", folder / "idl.json", "--payloads", stdin=stdin)
    assert code == 0
    assert lines == [
        {"name": "Made", "data": {"value": "7"}},
        {"status": "quarantined", "code": "bad_base64", "reason": "the token is not base64"},
        {
            "status": "quarantined",
            "code": "payload_too_short",
            "reason": "Made: the payload of 10 bytes ends inside the type",
        },
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"kind": "rootNode"}', "this is a Codama IDL"),
        (b"{", "not valid JSON"),
        (None, "can't be read (No such file or directory)"),
    ],
)
def test_an_idl_that_can_not_be_used(folder, content, message):
    path = folder / "other.json"
    if content is not None:
        path.write_bytes(content)
    code, lines, stderr = decode("--idl", path, "--payloads")
    assert (code, lines) == (2, [])
    assert stderr.startswith(f"error: {path}: {message}")
    assert stderr.count("\n") == 1


def test_files_or_payloads(folder):
    assert decode("--idl", folder / "idl.json")[::2] == (2, "error: give files, or --payloads and standard input\n")


def test_a_program_given_on_the_command_line(folder):
    (folder / "floating.json").write_bytes(idl(None))
    (folder / "tx.json").write_text(
        json.dumps(transaction([enter(OTHER), data(b"unknown bytes"), leave(OTHER)], [call(OTHER)]))
    )
    assert decode("--idl", folder / "floating.json", folder / "tx.json")[1] == []
    (line,) = decode("--idl", f"{OTHER}={folder / 'floating.json'}", folder / "tx.json")[1]
    assert (line["program"], line["code"]) == (OTHER, "unknown_discriminator")
