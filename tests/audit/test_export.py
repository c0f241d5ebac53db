"""Evidence bundles out of a warehouse: what is in them, that they verify, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import synthetic_log as synthetic
from typer.testing import CliRunner

from audit.__main__ import app
from audit.anchors import anchor, read_seals
from audit.export import Asked, ExportError, export, stream_folder
from audit.prove import growth, growth_document, prove
from audit.seal import seal_window
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.window import Window

FIRST, MIDDLE, LAST = synthetic.DAYS
RECORDS = f"records/{synthetic.PLATFORM}"


@pytest.fixture(scope="module")
def config(embedded, tmp_path_factory):
    given = load_config()
    home = tmp_path_factory.mktemp("export")
    return given.model_copy(
        update={"project": "audit-export", "embedded": given.embedded.model_copy(update={"home": home})}
    )


@pytest.fixture(scope="module")
def client(config):
    """A warehouse with the small log, anchored after its second day and at its end."""
    made = bigquery_client(config)
    synthetic.put(made, synthetic.small_log(synthetic.DAYS[:2]))
    anchor(config, made, "run-1")
    synthetic.put(made, synthetic.small_log())
    anchor(config, made, "run-2")
    return made


@pytest.fixture(scope="module")
def bundle(config, client, tmp_path_factory) -> Path:
    """Everything of the three days."""
    folder = tmp_path_factory.mktemp("bundle") / "all"
    assert export(config, client, Asked(FIRST, LAST), folder).records == 22
    return folder


def verdict(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output of the bundle's own verifier, isolated and in an empty environment."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "verifier.py", ".", *arguments],
        cwd=folder, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.stderr == ""
    return run.returncode, run.stdout


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_holds_whole_days_and_its_own_verifier_finds_it_whole_in_an_empty_environment(config, bundle):
    assert sorted(files(bundle)) == [
        "anchors.json",
        "anchors/000000000004.json",
        "anchors/000000000006.json",
        "head.json",
        "index.md",
        "manifest.json",
        f"records/{synthetic.CHAIN}/2026-10-05.ndjson",
        f"records/{synthetic.CHAIN}/2026-10-07.ndjson",
        f"{RECORDS}/2026-10-05.ndjson",
        f"{RECORDS}/2026-10-06.ndjson",
        f"{RECORDS}/2026-10-07.ndjson",
        "request.json",
        "seals.json",
        "verifier.py",
    ]
    digest = sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    heads = str(config.embedded.home / "gcs" / "escrow-anchors" / "heads")
    code, text = verdict(bundle, "--manifest-sha256", digest, "--anchor", heads)
    assert text.splitlines() == [
        f"  SHA-256 of manifest.json, to compare with the receipt: {digest}",
        f"  head of the log: 6 seals up to 2026-10-07, root {synthetic.small_log().head.root}",
        "  anchors that you gave: agree, the largest covers 6 seals",
        "  all records of 2026-10-05 to 2026-10-07: 22 records in 5 sealed days of streams",
        "VERIFIED: every check holds.",
    ]
    assert code == 0


def test_records_stand_in_the_order_of_their_leaves_as_canonical_text(bundle):
    lines = (bundle / RECORDS / "2026-10-06.ndjson").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["source_key"] for record in records[:3]] == ["late|1", "late-2", "b0"]
    assert [record["position"] for record in records] == list(range(9))
    log = synthetic.small_log()
    expected = [
        leaf["record_id"] for leaf in log.leaves if (leaf["seal_day"], leaf["stream"]) == (MIDDLE, synthetic.PLATFORM)
    ]
    assert [record["record_id"] for record in records] == expected
    assert records[1] == dict.fromkeys(records[1]) | {
        "position": 1,
        "record_id": expected[1],
        "stream": "platform/main",
        "source": "platform",
        "source_key": "late-2",
        "at": "1791244799999999",
        "event_day": "2026-10-05",
        "action": "deposit",
        "amount": "12",
        "unit": "usd",
        "decimals": "2",
    }


def test_the_same_data_gives_the_same_bytes(config, client, bundle, tmp_path):
    export(config, client, Asked(FIRST, LAST), tmp_path / "again")
    assert files(tmp_path / "again") == files(bundle)


def test_the_manifest_has_every_other_file_with_its_size_and_hash(bundle):
    held = files(bundle)
    manifest = json.loads(held.pop("manifest.json"))
    assert manifest == {
        "format": "escrow-bundle/1",
        "files": [
            {"file": name, "bytes": len(body), "sha256": sha256(body).hexdigest()}
            for name, body in sorted(held.items())
        ],
    }


def test_the_index_says_what_it_is_and_escapes_what_it_shows(bundle, config, client, tmp_path):
    text = (bundle / "index.md").read_text(encoding="utf-8")
    assert "all records that were sealed for the days 2026-10-05 to 2026-10-07 (UTC), 22 in all" in text
    rows = [line.split(" | ")[:5] for line in text.splitlines() if line.startswith("| platform")]
    assert rows == [
        ["| platform/main", "2026-10-05", "7", "0", "7"],
        ["| platform/main", "2026-10-06", "9", "2", "9"],
        ["| platform/main", "2026-10-07", "2", "0", "2"],
    ]
    export(config, client, Asked(FIRST, LAST, subject="<b>|`x`"), tmp_path / "odd")
    page = (tmp_path / "odd" / "index.md").read_text(encoding="utf-8")
    assert "the records of subject `&lt;b&gt;&#124;&#96;x&#96;`" in page


def test_a_subjects_bundle_has_its_records_alone_each_with_a_proof(config, client, tmp_path):
    done = export(config, client, Asked(FIRST, LAST, subject=synthetic.ALICE), tmp_path / "alice")
    held = files(tmp_path / "alice")
    records = [
        json.loads(line) for name in sorted(held) if name.startswith("records/") for line in held[name].splitlines()
    ]
    assert done.records == len(records) == 5
    assert {record["subject"] for record in records} == {synthetic.ALICE}
    assert [record["source_key"] for record in records] == ["a0", "a2", "a4", "a6", "b4"]
    assert synthetic.BOB.encode() not in b"".join(body for name, body in held.items() if name != "verifier.py")
    proofs = [
        json.loads(line) for name in sorted(held) if name.startswith("proofs/") for line in held[name].splitlines()
    ]
    assert [(proof["position"], proof["records"], len(proof["path"])) for proof in proofs] == [
        (0, 7, 3), (2, 7, 3), (4, 7, 3), (6, 7, 2), (6, 9, 4),
    ]  # fmt: skip
    code, text = verdict(tmp_path / "alice")
    assert "5 records in 2 sealed days of streams" in text
    assert code == 0


def test_one_day_takes_all_seals_for_the_head_and_the_records_of_that_day(config, client, tmp_path):
    export(config, client, Asked(MIDDLE, MIDDLE), tmp_path / "day")
    held = files(tmp_path / "day")
    assert [name for name in held if name.startswith("records/")] == [f"{RECORDS}/2026-10-06.ndjson"]
    assert len(json.loads(held["seals.json"])["seals"]) == 6
    assert verdict(tmp_path / "day")[0] == 0


def test_parquet_has_the_same_rows_beside_the_ndjson(config, client, tmp_path):
    export(config, client, Asked(FIRST, LAST, form="parquet"), tmp_path / "parquet")
    for name in ("2026-10-05", "2026-10-06", "2026-10-07"):
        rows = pq.read_table(tmp_path / "parquet" / RECORDS / f"{name}.parquet").to_pylist()
        lines = (tmp_path / "parquet" / RECORDS / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
        assert rows == [json.loads(line) for line in lines]
    assert verdict(tmp_path / "parquet")[0] == 0


def test_the_commands_anchor_and_export_and_the_receipt_is_an_audit_record(embedded, tmp_path, monkeypatch):
    text = Path("config/warehouse.yml").read_text(encoding="utf-8")
    given = re.sub(r"(?m)^project: .*$", "project: audit-commands", text)
    given = given.replace("gs://escrow-anchors", "gs://escrow-anchors-commands")
    (tmp_path / "warehouse.yml").write_text(given, encoding="utf-8")
    monkeypatch.setenv("WAREHOUSE_CONFIG", str(tmp_path / "warehouse.yml"))
    client, runner, log = bigquery_client(load_config()), CliRunner(), synthetic.small_log()
    command = ["export", "--from", "2026-10-05", "--to", "2026-10-07", "--out"]
    assert runner.invoke(app, [*command, str(tmp_path / "early")]).exit_code == 2  # nothing is sealed yet
    synthetic.put(client, log)
    done = runner.invoke(app, ["anchor"])
    assert (done.exit_code, done.output) == (
        0,
        f"anchored: 6 seals, root {log.head.root}\n  gs://escrow-anchors-commands/heads/000000000006.json\n",
    )
    assert runner.invoke(app, ["anchor"]).output.startswith("already anchored: 6 seals")
    done = runner.invoke(app, [*command, str(tmp_path / "out")])
    digest = sha256((tmp_path / "out" / "manifest.json").read_bytes()).hexdigest()
    assert done.exit_code == 0
    assert done.output.splitlines()[0].startswith("22 records of 2026-10-05 to 2026-10-07 in ")
    assert f"receipt: SHA-256 of manifest.json {digest}" in done.output.splitlines()
    [row] = client.query("select * from audit.events where action = 'evidence_exported'").result()
    assert (row["stream"], row["amount"], row["unit"], row["subject"]) == ("warehouse", 22, "records", None)
    assert row["detail"] == f"2026-10-05/2026-10-07 manifest_sha256={digest} head=6"
    client.query("update audit.events set amount = 13 where source_key = 'late-2'").result()
    done = runner.invoke(app, [*command, str(tmp_path / "tampered")])
    assert done.exit_code == 1
    assert (
        f"PROBLEM  {RECORDS}/2026-10-06.ndjson, line 2 (stream platform/main, day 2026-10-06, position 1): record_id "
        "is not the hash of the record's fields: the record was changed"
    ) in done.output.splitlines()


def test_what_is_not_there_is_refused_by_name(config, client, tmp_path):
    with pytest.raises(ExportError, match="no day from 2026-11-01 to 2026-11-02 is sealed"):
        export(config, client, Asked(date(2026, 11, 1), date(2026, 11, 2)), tmp_path / "none")
    with pytest.raises(ExportError, match="no such format: csv"):
        export(config, client, Asked(FIRST, LAST, form="csv"), tmp_path / "csv")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(ExportError, match="full is not empty"):
        export(config, client, Asked(FIRST, LAST), tmp_path / "full")
    for stream in ("platform/../x", "platform/", "/x", "a b", ".x"):
        with pytest.raises(ExportError, match=re.escape(repr(stream))):
            stream_folder(stream)


def test_a_sealed_record_that_the_warehouse_lacks_is_named(embedded, config, tmp_path):
    other = config.model_copy(update={"project": "audit-export-lost"})
    client, log = bigquery_client(other), synthetic.small_log()
    synthetic.put(client, log)
    lost = log.leaves[11]
    client.query(f"delete from audit.events where record_id = '{lost['record_id']}'").result()
    with pytest.raises(
        ExportError, match=r"platform/main/2026-10-06: 1 of 9 records aren't in audit\.events, the first at position 1"
    ):
        export(other, client, Asked(FIRST, LAST), tmp_path / "lost")


def test_what_the_warehouse_sealed_and_proved_itself_is_verified(audit_config, audit_client, tmp_path):
    given = audit_config.embedded.model_copy(update={"home": tmp_path / "home"})
    config = audit_config.model_copy(update={"embedded": given})
    log = synthetic.small_log()
    late = [event for event in log.events if event["source_key"].startswith("late")]
    first = [event for event in log.events if event not in late]
    synthetic.put(audit_client, synthetic.Log(first, [], []))
    windows = {day: Window.parse(str(day), str(day + timedelta(days=1))) for day in synthetic.DAYS}
    seal_window(config, audit_client, windows[FIRST], "run-1")
    anchor(config, audit_client, "run-1")
    synthetic.add(audit_client, "events", late)
    seal_window(config, audit_client, windows[LAST], "run-2")
    anchor(config, audit_client, "run-2")
    done = export(config, audit_client, Asked(FIRST, LAST), tmp_path / "all")
    sealed = {(seal["stream"], seal["seal_day"]): seal for seal in read_seals(audit_client)}
    for seal in log.seals:
        same = ("records", "late_records", "root")
        there = sealed[seal["stream"], seal["seal_day"]]
        assert [there[name] for name in same] == [seal[name] for name in same]
    assert done.records == 22 + sum(seal["records"] for (stream, _), seal in sealed.items() if stream == "warehouse")
    code, text = verdict(tmp_path / "all", "--anchor", str(tmp_path / "home" / "gcs" / "escrow-anchors" / "heads"))
    assert (code, text.splitlines()[-1]) == (0, "VERIFIED: every check holds.")
    (tmp_path / "all" / "proof.json").write_text(json.dumps(prove(audit_client, late[0]["record_id"])))
    (tmp_path / "all" / "grown.json").write_text(json.dumps(growth_document(growth(audit_client, "2"))))
    for name in ("proof.json", "grown.json"):
        run = [sys.executable, "-I", "verifier.py", "--proof", name]
        done = subprocess.run(run, cwd=tmp_path / "all", capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
