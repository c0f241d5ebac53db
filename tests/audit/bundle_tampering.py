"""Random single changes to an evidence bundle or to the anchors' bucket, by a seed, and where they must be found.

Some are made by somebody who writes the manifest anew so that it fits (`is_covered`): what is left then are the hashes
of records, seals, heads and proofs, and the anchors that the auditor has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from audit.anchors import anchor_body, compact, head_of, seal_hash
from audit.encoding import RECORD, RECORD_FIELDS, canonical
from audit.merkle import leaf_hash, root
from audit.verifier import Findings, check_bundle

Files = dict[str, bytes]
PROVED = ("records/", "proofs/", "anchors/", "seals.json", "head.json")
"""What holds without the manifest; anchors.json says only where to look."""


@dataclass(frozen=True)
class Case:
    """A bundle and the anchors of the bucket, by name. `places`: texts that one problem must have, each of them."""

    bundle: Files
    bucket: Files
    kind: str = "untouched"
    places: tuple[str, ...] = ()
    is_covered: bool = False


def read_folder(folder: Path) -> Files:
    """Name -> bytes of every file."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tampered(whole: Case, seed: int) -> Case:
    """The case with one change."""
    dice = Random(f"tampering/{seed}")
    kinds = [kind for kind in KINDS if kind is not rewritten_history or "request.json" in whole.bundle]
    changed = kinds[seed % len(kinds)](whole, dice)
    if changed.kind.startswith(("bucket", "changed seal")) or changed.is_covered:
        return changed
    [name] = [name for name, body in changed.bundle.items() if body != whole.bundle[name]]
    if name.startswith(PROVED) and dice.random() < 0.5:
        return covered(changed)
    # With the manifest as it was, the file's own hash gives it away, whatever else does. A changed manifest is told by
    # the file that it no longer fits.
    return replace(changed, places=("manifest" if name == "manifest.json" else name,))


def covered(case: Case) -> Case:
    """The case with a manifest that fits the files again."""
    rest = {name: body for name, body in case.bundle.items() if name != "manifest.json"}
    listed = [
        {"file": name, "bytes": len(body), "sha256": sha256(body).hexdigest()} for name, body in sorted(rest.items())
    ]
    manifest = compact({"format": "escrow-bundle/1", "files": listed})
    return replace(case, bundle={**rest, "manifest.json": manifest}, is_covered=True)


def problems(case: Case, folder: Path) -> list[str]:
    """What the verifier finds, given the bucket's anchors; `folder` is made, filled and left."""
    for name, body in case.bundle.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
    found = Findings()
    check_bundle(folder, {f"bucket/{name}": body for name, body in case.bucket.items()}, found)
    return found.problems + found.unchecked


def is_located(case: Case, found: list[str]) -> bool:
    """Whether one problem names every place."""
    return any(all(place in line for place in case.places) for line in found)


def flipped(body: bytes, dice: Random) -> bytes:
    """With one bit changed."""
    bit = dice.randrange(8 * len(body))
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def bit(case: Case, dice: Random) -> Case:
    """Any bit of any file."""
    name = dice.choice(sorted(case.bundle))
    return _with(case, "bit", name, flipped(case.bundle[name], dice), name)


def bit_in_bucket(case: Case, dice: Random) -> Case:
    """Any bit of any anchor."""
    name = dice.choice(sorted(case.bucket))
    bucket = {**case.bucket, name: flipped(case.bucket[name], dice)}
    return replace(case, bucket=bucket, kind="bucket: bit", places=(f"bucket/{name}",))


def deleted_line(case: Case, dice: Random) -> Case:
    """A record or a proof is gone."""
    name, lines = _lines(case, dice)
    del lines[dice.randrange(len(lines))]
    # Of a subject's records none is known to be missing but by its proof, and the other way round.
    place = name if json.loads(case.bundle["request.json"])["subject"] is None else _day(name)
    return _with(case, "deleted line", name, b"".join(lines), place)


def swapped_lines(case: Case, dice: Random) -> Case:
    """Two records change places."""
    name, lines = _lines(case, dice, least=2)
    one, other = sorted(dice.sample(range(len(lines)), 2))
    lines[one], lines[other] = lines[other], lines[one]
    return _with(case, "swapped lines", name, b"".join(lines), f"{name}, line ")


def added_record(case: Case, dice: Random) -> Case:
    """A record that never was, sound by itself, between the others; the later positions are moved on."""
    name, lines = _lines(case, dice, below="records/")
    at = dice.randrange(len(lines) + 1)
    record = json.loads(lines[min(at, len(lines) - 1)])
    forged = _hashed(record | {"source_key": record["source_key"] + "\x00", "amount": "1"})
    documents = [json.loads(line) for line in lines]
    documents.insert(at, forged)
    moved = [one | {"position": one["position"] + (number > at)} for number, one in enumerate(documents)]
    return _with(case, "added record", name, _joined(moved), name)


def redated_record(case: Case, dice: Random) -> Case:
    """A record an hour earlier or later, with its id made to fit."""
    name, lines = _lines(case, dice, below="records/")
    number = dice.randrange(len(lines))
    record = json.loads(lines[number])
    moved = _hashed(record | {"at": str(int(record["at"]) + dice.choice((-1, 1)) * 3_600_000_000)})
    lines[number] = compact(moved) + b"\n"
    return _with(case, "re-dated record", name, b"".join(lines), _day(name))


def changed_field(case: Case, dice: Random) -> Case:
    """A record with another value, and its old id."""
    name, lines = _lines(case, dice, below="records/")
    number = dice.randrange(len(lines))
    record = json.loads(lines[number])
    field = dice.choice(("action", "amount", "subject", "detail", "stream"))
    lines[number] = compact(record | {field: (record[field] or "") + "1"}) + b"\n"
    return _with(
        case, "changed field", name, b"".join(lines), f"{name}, line {number + 1} ", f"position {record['position']})"
    )


def changed_seal(case: Case, dice: Random) -> Case:
    """A seal with another root or number of records, with its hash made to fit."""
    seals = json.loads(case.bundle["seals.json"])["seals"]
    seal = dice.choice(seals)
    if dice.random() < 0.5:
        seal["root"] = flipped(bytes.fromhex(seal["root"]), dice).hex()
        seal["records"] = max(seal["records"], 1)
    else:
        seal["records"] += 1
        seal["root"] = "ab" * 32
    seal["seal_hash"] = seal_hash(seal)
    # The next seal of the stream no longer follows it; the stream's last one is told by the head, the root over all.
    follower = next(
        (one for one in seals if one["stream"] == seal["stream"] and one["seal_no"] > seal["seal_no"]), None
    )
    place = ("seals.json", f"seal {follower['seal_no']} ") if follower else (f"seal {seal['seal_no']} ",)
    changed = _with(case, "changed seal", "seals.json", _seals(seals), *place)
    return covered(changed) if dice.random() < 0.5 else replace(changed, places=("seals.json: changed",))


def removed_seal(case: Case, dice: Random) -> Case:
    """A seal is gone from seals.json."""
    seals = json.loads(case.bundle["seals.json"])["seals"]
    del seals[dice.randrange(len(seals) - 1)]
    return _with(case, "removed seal", "seals.json", _seals(seals), "seals.json")


def rewritten_anchor(case: Case, dice: Random) -> Case:
    """An anchor, in the bundle or in the bucket, of a log that was never sealed; sound by itself."""
    name = dice.choice(sorted(case.bucket))
    anchor = json.loads(case.bucket[name])
    seals = json.loads(case.bundle["seals.json"])["seals"][: anchor["head"]["size"]]
    number = dice.randrange(anchor["previous_size"], len(seals))
    seals[number] = dict(seals[number], root="cd" * 32, records=5)
    seals[number]["seal_hash"] = seal_hash(seals[number])
    body = anchor_body(seals, anchor["previous_size"])
    if dice.random() < 0.5:
        places = (f"bucket/{name}", f"seal {number} ")
        return replace(case, bucket={**case.bucket, name: body}, kind="bucket: rewritten anchor", places=places)
    return _with(case, "rewritten anchor", f"anchors/{name}", body, f"anchors/{name}")


def rewritten_history(case: Case, dice: Random) -> Case:
    """A record is changed and everything in the bundle made to fit: only the auditor's own anchors tell."""
    documents = {name: body for name, body in case.bundle.items() if name.startswith("records/")}
    name = dice.choice(sorted(documents))
    records = [json.loads(line) for line in documents[name].splitlines()]
    number = dice.randrange(len(records))
    records[number] = _hashed(records[number] | {"amount": "123456789"})
    stream, day = name.removeprefix("records/").removesuffix(".ndjson").rsplit("/", 1)
    seals, last, first = json.loads(case.bundle["seals.json"])["seals"], {}, None
    for seal in seals:
        if (seal["stream"], seal["seal_day"]) == (stream, day):
            if len(records) != seal["records"]:
                return rewritten_anchor(case, dice)  # a subject's bundle: there is no day to make fit
            seal["root"] = root([bytes.fromhex(record["record_id"]) for record in records]).hex()
            first = seal["seal_no"]
        seal["prev_seal"] = last.get(seal["stream"], "0" * 64)
        last[seal["stream"]] = seal["seal_hash"] = seal_hash(seal)
    files = {**case.bundle, name: _joined(records), "seals.json": _seals(seals)}
    files["head.json"] = compact({"format": "escrow-head/1", **head_of(seals).document()})
    rows = json.loads(files["anchors.json"])["anchors"]
    files["anchors.json"] = compact(
        {"format": "escrow-anchors/1", "anchors": [row | head_of(seals[: row["size"]]).document() for row in rows]}
    )
    for path in [path for path in files if path.startswith("anchors/")]:
        old = json.loads(files[path])
        files[path] = anchor_body(seals[: old["head"]["size"]], old["previous_size"])
    return covered(replace(case, bundle=files, kind="rewritten history", places=("bucket/", f"seal {first} ")))


KINDS: tuple[Callable[[Case, Random], Case], ...] = (
    *(bit, bit, bit_in_bucket, deleted_line, swapped_lines, added_record, redated_record),
    *(changed_field, changed_seal, removed_seal, rewritten_anchor, rewritten_history),
)


def _day(name: str) -> str:
    return name.split("/", 1)[1].removesuffix(".ndjson")


def _with(case: Case, kind: str, name: str, body: bytes, *places: str) -> Case:
    assert body != case.bundle[name]
    return replace(case, bundle={**case.bundle, name: body}, kind=kind, places=places)


def _lines(case: Case, dice: Random, least: int = 1, below: str = "") -> tuple[str, list[bytes]]:
    """A file of lines, and its lines; with an end each."""
    lined = {name: body.splitlines(keepends=True) for name, body in case.bundle.items() if name.endswith(".ndjson")}
    name = dice.choice([name for name in sorted(lined) if name.startswith(below) and len(lined[name]) >= least])
    return name, lined[name]


def _hashed(record: Mapping[str, Any]) -> dict[str, Any]:
    data = canonical(RECORD, RECORD_FIELDS, {name: record[name] for name in RECORD_FIELDS})
    return {**record, "record_id": leaf_hash(data).hex()}


def _joined(documents: list[dict[str, Any]]) -> bytes:
    return b"".join(compact(document) + b"\n" for document in documents)


def _seals(seals: list[dict[str, Any]]) -> bytes:
    return compact({"format": "escrow-seals/1", "seals": seals})
