"""The standalone verifier: its trees and proofs, that untouched evidence passes, and that any change is located."""

from __future__ import annotations

import ast
import json
import os
import random
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest
import synthetic_log as synthetic
from bundle_tampering import Case, covered, flipped, is_located, problems, read_folder, tampered

from audit import merkle, verifier
from audit.anchors import anchor
from audit.encoding import HEAD, HEAD_FIELDS, RECORD, RECORD_FIELDS, SEAL, SEAL_FIELDS, canonical
from audit.export import Asked, export
from warehouse.client import bigquery_client
from warehouse.config import load_config

FIRST, _, LAST = synthetic.DAYS
CHANGES = 500 if os.environ.get("CAMPAIGN") else 25
# The reference implementation of RFC 6962: leaves and the root over its first eight (see test_merkle.py).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOT = "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.fixture(scope="module")
def evidence(embedded, tmp_path_factory) -> tuple[Path, Path, Path]:
    """(folder of everything, folder of one subject, folder of the bucket's anchors)."""
    home = tmp_path_factory.mktemp("verifier")
    given = load_config()
    config = given.model_copy(
        update={"project": "audit-verifier", "embedded": given.embedded.model_copy(update={"home": home})}
    )
    client = bigquery_client(config)
    for days in (synthetic.DAYS[:1], synthetic.DAYS[:2], synthetic.DAYS):
        synthetic.put(client, synthetic.small_log(days))
        anchor(config, client, "run")
    export(config, client, Asked(FIRST, LAST), home / "all")
    export(config, client, Asked(FIRST, LAST, synthetic.ALICE), home / "alice")
    return home / "all", home / "alice", home / "gcs" / "escrow-anchors" / "heads"


@pytest.fixture
def cases(evidence) -> list[Case]:
    whole, subject, bucket = evidence
    return [Case(read_folder(whole), read_folder(bucket)), Case(read_folder(subject), read_folder(bucket))]


def run(*arguments: object, cwd: Path | None = None) -> tuple[int, str]:
    """Exit code and output of the verifier in an empty environment, isolated, without site packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", verifier.__file__, *map(str, arguments)],
        cwd=cwd, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_it_needs_the_standard_library_alone():
    tree = ast.parse(Path(verifier.__file__).read_text(encoding="utf-8"))
    named = {alias.name for part in ast.walk(tree) if isinstance(part, ast.Import) for alias in part.names}
    named |= {part.module for part in ast.walk(tree) if isinstance(part, ast.ImportFrom)}
    assert {name.split(".")[0] for name in named} <= sys.stdlib_module_names


def test_its_trees_are_those_of_the_reference_log():
    leaves = [verifier.leaf(bytes.fromhex(text)) for text in LEAVES]
    assert verifier.root_of(leaves) == ROOT
    assert verifier.root_of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_its_roots_and_proofs_agree_with_the_warehouses_on_every_small_log():
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(40)]
    for size in range(1, 40):
        top = merkle.root(leaves[:size]).hex()
        assert verifier.root_of(leaf.hex() for leaf in leaves[:size]) == top
        for index in range(size):
            path = [one.hex() for one in merkle.inclusion_proof(leaves[:size], index)]
            assert verifier.root_by_path(leaves[index].hex(), index, size, path) == top
            assert verifier.root_by_path(leaves[index].hex(), index, size, [*path, top]) is None
            assert verifier.root_by_path(leaves[index].hex(), size, size, path) is None
        for old in range(size + 1):
            path = [one.hex() for one in merkle.consistency_proof(leaves[:size], old)]
            before = merkle.root(leaves[:old]).hex()
            assert verifier.is_consistent(old, before, size, top, path)
            assert not verifier.is_consistent(old, before, size, top, [*path, top])
            if path:
                assert not verifier.is_consistent(old, before, size, top, path[:-1])
                assert not verifier.is_consistent(old, before, size, "00" * 32, path)
                assert not verifier.is_consistent(old, "00" * 32, size, top, path)
    assert not verifier.is_consistent(5, "00" * 32, 4, "00" * 32, [])


def test_its_canonical_bytes_are_the_warehouses():
    texts = ["", "é—\U0001f600", "a:1:b\nc:-", None, "0"]
    for number in range(50):
        dice = random.Random(number)
        for form, fields in ((RECORD, RECORD_FIELDS), (SEAL, SEAL_FIELDS), (HEAD, HEAD_FIELDS)):
            values = {name: dice.choice(texts) for name in fields}
            assert verifier.canonical(form, fields, values) == canonical(form, fields, values)
    assert (verifier.RECORD_FIELDS, verifier.SEAL_FIELDS) == (RECORD_FIELDS, SEAL_FIELDS)


def test_untouched_evidence_passes_with_and_without_the_buckets_anchors(evidence, cases, tmp_path):
    for number, case in enumerate(cases):
        assert problems(case, tmp_path / str(number)) == []
        assert covered(case).bundle == case.bundle
    whole, subject, bucket = evidence
    for folder in (whole, subject):
        code, text = run(folder, "--anchor", bucket)
        assert (code, text.splitlines()[-1]) == (0, "VERIFIED: every check holds.")
        assert "  anchors that you gave: agree, the largest covers 6 seals" in text.splitlines()
        code, text = run(folder)
        assert "  no anchor was given with --anchor: nothing outside of this bundle was compared" in text.splitlines()
        assert code == 0


def test_every_single_change_to_bundle_or_bucket_is_found_and_located(cases, tmp_path):
    kinds, missed = Counter(), []
    for seed in range(CHANGES):
        case = tampered(cases[random.Random(seed).random() < 0.3], seed)
        found = problems(case, tmp_path / str(seed))
        kinds[case.kind, case.is_covered] += 1
        if not is_located(case, found):
            missed.append((seed, case.kind, case.is_covered, case.places, found))
    assert missed == [], "\n".join(str(one)[:420] for one in missed)
    assert sum(kinds.values()) == CHANGES
    if CHANGES > 100:
        assert {kind for kind, _ in kinds} >= {"bit", "bucket: bit", "deleted line", "swapped lines", "added record"}
        print(
            "\n".join(
                f"{count:4} {kind}{', manifest rewritten' * is_covered}"
                for (kind, is_covered), count in sorted(kinds.items())
            )
        )


def test_a_bit_in_any_place_of_the_small_files_is_found(cases, tmp_path):
    for name in ("manifest.json", "request.json", "head.json", f"records/{synthetic.CHAIN}/2026-10-07.ndjson"):
        body = cases[0].bundle[name]
        for place in range(0, 8 * len(body), 8 * 61 if CHANGES < 100 else 8):
            changed = bytearray(body)
            changed[place // 8] ^= 1 << place // 8 % 8
            case = Case({**cases[0].bundle, name: bytes(changed)}, {})
            assert problems(case, tmp_path), (name, place)
            (tmp_path / name).write_bytes(body)


def test_a_changed_record_is_named_by_line_stream_day_and_position(cases, tmp_path):
    name = f"records/{synthetic.PLATFORM}/2026-10-06.ndjson"
    body = cases[0].bundle[name].replace(b'"source_key":"b3"', b'"source_key":"b8"')
    assert problems(covered(Case({**cases[0].bundle, name: body}, {})), tmp_path) == [
        f"{name}, line 6 (stream platform/main, day 2026-10-06, position 5): record_id is not the hash of the record's "
        "fields: the record was changed",
        f"{name} (stream platform/main, day 2026-10-06): 8 sound records, the seal counts 9",
    ]


def test_a_record_made_to_fit_its_id_is_told_by_the_days_root(cases, tmp_path):
    name = f"records/{synthetic.CHAIN}/2026-10-05.ndjson"
    records = [json.loads(line) for line in cases[0].bundle[name].splitlines()]
    records[1]["amount"] = "11"
    records[1]["record_id"] = verifier.leaf(verifier.canonical(RECORD, RECORD_FIELDS, records[1]))
    body = b"".join(verifier.compact(record) + b"\n" for record in records)
    assert problems(covered(Case({**cases[0].bundle, name: body}, {})), tmp_path) == [
        f"{name} (stream {synthetic.CHAIN}, day 2026-10-05): the root over the records is another than the sealed one"
    ]


def test_a_deleted_record_is_named_by_the_place_where_it_was(cases, tmp_path):
    name = f"records/{synthetic.PLATFORM}/2026-10-06.ndjson"
    lines = cases[0].bundle[name].splitlines(keepends=True)
    body = b"".join(lines[:3] + lines[4:])
    assert problems(covered(Case({**cases[0].bundle, name: body}, {})), tmp_path) == [
        f"{name}, line 4 (stream platform/main, day 2026-10-06, position 4): position 3 belongs here: a record is "
        "missing, added, or out of its order",
        f"{name} (stream platform/main, day 2026-10-06): 8 sound records, the seal counts 9",
    ]


@pytest.mark.parametrize("more", [b" ", b'"action":"withdrawal",'], ids=["a space", "a name twice"])
def test_json_that_reads_the_same_in_other_bytes_is_named(cases, tmp_path, more):
    name = f"records/{synthetic.CHAIN}/2026-10-07.ndjson"
    body = cases[0].bundle[name].replace(b'"action":', more + b'"action":')
    found = problems(covered(Case({**cases[0].bundle, name: body}, {})), tmp_path)
    assert found[0] == (
        f"{name}, line 1: not in canonical form (sorted keys, no spaces): written by something else, or changed"
    )


def test_files_that_are_missing_or_added_are_named(evidence, cases, tmp_path):
    whole = cases[0].bundle
    name = f"records/{synthetic.PLATFORM}/2026-10-05.ndjson"
    rest = {path: body for path, body in whole.items() if path != name}
    found = problems(Case(rest, {}), tmp_path / "removed")
    assert found[0] == f"{name}: is in the manifest and not in the bundle: removed or renamed"
    assert problems(covered(Case(rest, {})), tmp_path / "covered") == [
        f"{name}: missing: seal 1 (stream platform/main, day 2026-10-05) counts 7 records"
    ]
    added = {**whole, "records/extra.ndjson": b"{}\n"}
    assert problems(Case(added, {}), tmp_path / "added") == [
        "records/extra.ndjson: is not in the manifest: added or renamed"
    ]
    assert problems(covered(Case(added, {})), tmp_path / "listed") == [
        "records/extra.ndjson: belongs to no seal from 2026-10-05 to 2026-10-07"
    ]


def test_the_receipt_tells_of_a_manifest_that_was_written_anew(evidence, cases, tmp_path):
    digest = sha256(cases[0].bundle["manifest.json"]).hexdigest()
    changed = covered(Case({**cases[0].bundle, "index.md": b"All is well.\n"}, {}))
    assert problems(changed, tmp_path) == []
    code, text = run(tmp_path, "--manifest-sha256", digest)
    assert "PROBLEM  manifest.json: has another SHA-256 than the one given" in text.splitlines()
    assert text.splitlines()[-1] == "CHANGED: 1 problems. What the lines above name is not what was sealed."
    assert code == 1


def test_what_cannot_be_checked_is_neither_verified_nor_changed(evidence, tmp_path):
    whole, _, _ = evidence
    assert run(tmp_path / "none")[0] == 2
    code, text = run(whole, "--anchor", tmp_path / "none.json")
    assert (code, "NOT CHECKED" in text) == (2, True)
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty")[0] == 1


def test_a_later_anchor_is_joined_on_by_its_own_seals(evidence, cases, tmp_path):
    early = {name: body for name, body in cases[0].bundle.items() if name != "anchors/000000000006.json"}
    seals = json.loads(early["seals.json"])["seals"][:4]
    early["seals.json"] = verifier.compact({"format": "escrow-seals/1", "seals": seals})
    head = json.loads(cases[0].bucket["000000000004.json"])["head"]
    early["head.json"] = verifier.compact({"format": "escrow-head/1", **head})
    rows = json.loads(early["anchors.json"])["anchors"][:2]
    early["anchors.json"] = verifier.compact({"format": "escrow-anchors/1", "anchors": rows})
    request = {"format": "escrow-request/1", "from": "2026-10-05", "to": "2026-10-06", "subject": None}
    early["request.json"] = verifier.compact(request)
    early = {name: body for name, body in early.items() if not name.endswith("2026-10-07.ndjson")}
    later = {"000000000006.json": cases[0].bucket["000000000006.json"]}
    assert problems(covered(Case(early, later)), tmp_path / "joined") == []
    anchored = json.loads(later["000000000006.json"])
    beyond = verifier.compact(anchored | {"previous_size": 5, "seals": anchored["seals"][1:]})
    assert problems(covered(Case(early, {"x.json": beyond})), tmp_path / "apart") == [
        "bucket/x.json: begins at seal 5, the log known so far ends at 4"
    ]


def a_proof() -> dict:
    """A proof of one record in the form of audit/prove.py, put together here."""
    log = synthetic.small_log()
    seal = log.seals[3]
    leaves = [
        leaf for leaf in log.leaves if (str(leaf["seal_day"]), leaf["stream"]) == (seal["seal_day"], seal["stream"])
    ]
    [event] = [event for event in log.events if event["source_key"] == "b3"]
    index = [leaf["record_id"] for leaf in leaves].index(event["record_id"])
    day = [bytes.fromhex(leaf["record_id"]) for leaf in leaves]
    sealed = [bytes.fromhex(one["seal_hash"]) for one in log.seals]
    record = synthetic.texts(event)
    return {
        "format": "escrow-proof/1",
        "record": record,
        "canonical": canonical(RECORD, RECORD_FIELDS, record).hex(),
        "record_id": event["record_id"],
        "index": index,
        "size": len(day),
        "path": [one.hex() for one in merkle.inclusion_proof(day, index)],
        "seal": {name: str(seal[name]) for name in SEAL_FIELDS},
        "seal_hash": seal["seal_hash"],
        "seal_path": [one.hex() for one in merkle.inclusion_proof(sealed, 3)],
        "head": {name: str(value) for name, value in log.head.document().items()},
    }


def test_a_proof_of_one_record_leads_to_an_anchored_head(evidence, tmp_path):
    (tmp_path / "proof.json").write_text(json.dumps(a_proof(), indent=1))
    code, text = run("--proof", tmp_path / "proof.json", "--anchor", evidence[2])
    assert code == 0
    assert f"  {evidence[2]}/000000000006.json: the anchored head is the proof's" in text.splitlines()
    code, text = run("--proof", tmp_path / "proof.json", "--anchor", evidence[2] / "000000000004.json")
    assert (code, "no given anchor covers exactly 6 seals" in text) == (2, True)


def test_a_changed_proof_does_not_hold_whatever_was_changed(tmp_path):
    proof = a_proof()
    other = {
        "seal_no": "2",
        "records": "8",
        "index": 4,
        "size": 10,
        "stream": "platform/other",
        "last_day": "2026-10-08",
    }
    for name, value in proof.items():
        inner = [(name, None)] if not isinstance(value, dict) else [(name, key) for key in value]
        for outer, key in inner:
            before = proof[outer] if key is None else proof[outer][key]
            if isinstance(before, list):
                after = [flipped(bytes.fromhex(before[0]), random.Random(1)).hex(), *before[1:]]
            elif isinstance(before, str) and len(before) >= 64:
                after = flipped(bytes.fromhex(before), random.Random(1)).hex()
            else:
                after = other.get(key or outer, "9")
            changed = json.loads(json.dumps(proof))
            if key is None:
                changed[outer] = after
            else:
                changed[outer][key] = after
            if (outer, key) == ("head", "last_day"):
                continue  # no hash of the proof covers it: it is for the reader, an anchor states it again
            verifier.check_proof(changed, "proof", found := verifier.Findings())
            assert found.problems, (outer, key)
            verifier.check_proof({one: two for one, two in proof.items() if one != outer}, "proof", found)
    verifier.check_proof(proof, "proof", found := verifier.Findings())
    assert found.problems == []


def test_a_proof_that_the_log_only_grew(tmp_path):
    seals = synthetic.small_log().seals
    leaves = [bytes.fromhex(seal["seal_hash"]) for seal in seals]
    heads = {size: synthetic.head_of(seals[:size]).document() for size in (2, 4, 6)}
    proof = {
        "format": "escrow-consistency/1",
        "old": {name: str(value) for name, value in heads[4].items()},
        "new": {name: str(value) for name, value in heads[6].items()},
        "path": [one.hex() for one in merkle.consistency_proof(leaves, 4)],
    }
    (tmp_path / "grown.json").write_text(json.dumps(proof))
    assert run("--proof", tmp_path / "grown.json") == (
        0,
        "  the log of 6 seals begins with that of 4: it only grew\nVERIFIED: every check holds.\n",
    )
    (tmp_path / "grown.json").write_text(json.dumps(proof | {"old": heads[2] | {"size": 4}}))
    code, text = run("--proof", tmp_path / "grown.json")
    assert (code, "does not show that the log of 6 seals begins with that of 4" in text) == (1, True)
    (tmp_path / "grown.json").write_text("{")
    assert run("--proof", tmp_path / "grown.json")[0] == 1


def test_the_worked_example_of_the_page_for_auditors_is_right_to_the_byte():
    page = (Path(verifier.__file__).parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
    blocks = [block.split("```")[0] for block in page.split("```console\n")[1:]]
    steps = [line for block in blocks for line in block.splitlines()]
    assert len(steps) == 8
    for command, expected in zip(steps[::2], steps[1::2], strict=True):
        done = subprocess.run(["bash", "-c", command.removeprefix("$ ")], capture_output=True, text=True, check=True)
        assert done.stdout == f"{expected}\n"
    digests = [line.split()[0] for line in steps[1::2]]
    shown = page.split("canonical bytes (")[1].split("```\n")[1]
    assert len(shown.encode()) == int(page.split("canonical bytes (")[1].split(" ")[0])
    assert verifier.leaf(shown.encode()) == digests[0]
    assert verifier.node(*digests[:2]) == digests[2]
    names = ("0", "2026-10-05", "platform/main", "2", "0", digests[2], "0" * 64)
    seal = dict(zip(SEAL_FIELDS, names, strict=True))
    assert verifier.leaf(canonical(SEAL, SEAL_FIELDS, seal)) == digests[3]
    assert f'`{{"last_day":"2026-10-05","root":"{digests[3]}","size":1}}`' in page


def test_the_page_for_auditors_names_every_format_and_field():
    page = (Path(verifier.__file__).parents[1] / "docs" / "audit.md").read_text(encoding="utf-8")
    for form, fields in ((RECORD, RECORD_FIELDS), (SEAL, SEAL_FIELDS), (HEAD, HEAD_FIELDS)):
        [row] = [line for line in page.splitlines() if line.startswith(f"| `{form}`")]
        assert tuple(row.split("|")[2].split("`")[1::2]) == fields
    for form in ("bundle", "request", "seals", "head", "anchor", "anchors"):
        assert f'"format":"escrow-{form}/1"' in page
