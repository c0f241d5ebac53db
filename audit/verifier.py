"""Checks an evidence bundle or a proof of an escrow warehouse's audit log, with Python's standard library alone.

    python -I verifier.py BUNDLE_FOLDER [--anchor FILE_OR_FOLDER ...] [--manifest-sha256 HEX]
    python -I verifier.py --proof FILE [--anchor FILE_OR_FOLDER ...]

Ends with 0 where all holds, 1 where something was changed (each problem says where), 2 where it could not be checked.
It shares no code with the warehouse that wrote the bundle. What the formats are, what a verdict means and what it
cannot show stands in docs/audit.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

RECORD_FIELDS = (
    *("stream", "source", "source_key", "seq", "at", "event_day", "action", "subject", "amount", "unit", "decimals"),
    *("match_id", "signature", "stripe_id", "account", "prev_hash", "stated_hash", "detail"),
)
SEAL_FIELDS = ("seal_no", "seal_day", "stream", "records", "late_records", "root", "prev_seal")
NOTHING = sha256(b"").hexdigest()
NO_SEAL = "0" * 64
HASH = re.compile(r"[0-9a-f]{64}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MANIFEST = "manifest.json"
REQUIRED = ("anchors.json", "head.json", "index.md", "request.json", "seals.json", "verifier.py")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# Canonical bytes and trees ---------------------------------------------------------------------------------------


def canonical(form: str, fields: Sequence[str], values: Mapping[str, Any]) -> bytes:
    """`<format>\\n`, then for each field `<name>:<bytes of the value>:<value>\\n`, or `<name>:-\\n` without a value."""
    lines = [form]
    for name in fields:
        if values[name] is None:
            lines.append(f"{name}:-")
        else:
            text = str(values[name])
            lines.append(f"{name}:{len(text) if text.isascii() else len(text.encode('utf-8'))}:{text}")
    return "\n".join([*lines, ""]).encode("utf-8")


def leaf(data: bytes) -> str:
    """Hash of a leaf (RFC 6962, 2.1)."""
    return sha256(b"\x00" + data).hexdigest()


def node(left: str, right: str) -> str:
    """Hash of the node above two others."""
    return sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


class Log:
    """A tree that grows by leaves: keeps the roots of its perfect subtrees, so that every size's root is at hand."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, str]] = []  # (leaves below, root), from the left, each smaller than the last

    def add(self, one: str) -> None:
        """Append a leaf's hash."""
        peak = (1, one)
        while self._peaks and self._peaks[-1][0] == peak[0]:
            count, left = self._peaks.pop()
            peak = (2 * count, node(left, peak[1]))
        self._peaks.append(peak)
        self.size += 1

    def root(self) -> str:
        """Root of the tree as it is; SHA-256 of nothing without a leaf."""
        if not self._peaks:
            return NOTHING
        root = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            root = node(left, root)
        return root


class History:
    """The log of seals at each of its sizes: hashes of the seals, root and last day by size."""

    def __init__(self, seals: Iterable[Mapping[str, Any]] = ()) -> None:
        self._log = Log()
        self.hashes: list[str] = []
        self.roots = [NOTHING]
        self.last_days = [""]
        for seal in seals:
            self.add(seal)

    def add(self, seal: Mapping[str, Any]) -> None:
        """Append a seal."""
        self._log.add(seal["seal_hash"])
        self.hashes.append(seal["seal_hash"])
        self.roots.append(self._log.root())
        self.last_days.append(max(self.last_days[-1], seal["seal_day"]))


def root_of(leaves: Iterable[str]) -> str:
    """Root over leaf hashes."""
    log = Log()
    for one in leaves:
        log.add(one)
    return log.root()


def root_by_path(one: str, index: int, size: int, path: Sequence[str]) -> str | None:
    """The root that an inclusion proof comes to; None for a proof of another length or place."""
    if not 0 <= index < size:
        return None
    turns = []  # the way up, from the leaf: whether the sibling stands on the left
    low, high = 0, size
    while high - low > 1:
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        turns.append(index >= middle)
        low, high = (middle, high) if index >= middle else (low, middle)
    if len(turns) != len(path):
        return None
    for is_left, beside in zip(reversed(turns), path, strict=True):
        one = node(beside, one) if is_left else node(one, beside)
    return one


def is_consistent(old_size: int, old_root: str, size: int, root: str, path: Sequence[str]) -> bool:
    """Whether a consistency proof shows that one log is the beginning of the other (RFC 6962, 2.1.2)."""
    if old_size in (0, size):
        return not path and old_root == (root if old_size == size else NOTHING)
    if not 0 < old_size < size:
        return False
    rest = list(path)

    def walk(old: int, whole: int, is_known: bool) -> tuple[str, str]:
        """(old root, new root) of a subtree, taking its hashes off the end of the proof."""
        if old == whole:
            both = old_root if is_known else rest.pop()
            return both, both
        split = 1 << (whole - 1).bit_length() - 1
        if old <= split:
            right = rest.pop()
            before, after = walk(old, split, is_known)
            return before, node(after, right)
        left = rest.pop()
        before, after = walk(old - split, whole - split, False)
        return node(left, before), node(left, after)

    try:
        before, after = walk(old_size, size, True)
    except IndexError:
        return False
    return not rest and before == old_root and after == root


# What is found ---------------------------------------------------------------------------------------------------


@dataclass
class Findings:
    """`problems`: what was changed. `unchecked`: what could not be compared. `facts`: what was confirmed."""

    problems: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def problem(self, where: str, what: str) -> None:
        """Note that something does not hold."""
        self.problems.append(f"{where}: {what}")

    @property
    def code(self) -> int:
        """Exit code."""
        return 1 if self.problems else 2 if self.unchecked else 0


def compact(document: Any) -> bytes:
    """A JSON document as the bundle holds it: sorted keys, no spaces, UTF-8."""
    return ENCODER.encode(document).encode("utf-8")


def read_json(body: bytes, where: str, found: Findings) -> Any:
    """The document; None, and a problem, for bytes that are not its one canonical form."""
    try:
        document = json.loads(body.decode("utf-8"))
        is_canonical = compact(document) == body
    except (ValueError, RecursionError) as error:
        found.problem(where, f"not JSON ({type(error).__name__})")
        return None
    if not is_canonical:
        found.problem(where, "not in canonical form (sorted keys, no spaces): written by something else, or changed")
        return None
    return document


def is_number(value: Any) -> bool:
    """Whether it is an integer from 0 on."""
    return type(value) is int and value >= 0


def is_hash(value: Any) -> bool:
    """Whether it is 32 bytes in lower-case hexadecimal."""
    return isinstance(value, str) and HASH.fullmatch(value) is not None


def is_day(value: Any) -> bool:
    """Whether it is a day as YYYY-MM-DD."""
    try:
        return isinstance(value, str) and DAY.fullmatch(value) is not None and bool(date.fromisoformat(value))
    except ValueError:
        return False


def is_head(value: Any) -> bool:
    """Whether it has the form of a head: size, root, last_day."""
    return (
        isinstance(value, dict)
        and is_number(value.get("size"))
        and is_hash(value.get("root"))
        and is_day(value.get("last_day"))
    )


# Seals and anchors -----------------------------------------------------------------------------------------------


def seal_fault(seal: Any) -> str | None:
    """What is wrong with a seal by itself."""
    if not isinstance(seal, dict) or set(seal) != {*SEAL_FIELDS, "seal_hash"}:
        return "not a seal: its fields are others"
    numbers = all(is_number(seal[name]) for name in ("seal_no", "records", "late_records"))
    hashes = all(is_hash(seal[name]) for name in ("root", "prev_seal", "seal_hash"))
    if not (numbers and hashes and is_day(seal["seal_day"]) and isinstance(seal["stream"], str)):
        return "not a seal: a field has another form"
    if leaf(canonical("escrow-seal/1", SEAL_FIELDS, seal)) != seal["seal_hash"]:
        return "seal_hash is not the hash of the seal's fields: the seal was changed"
    if seal["late_records"] > seal["records"] or (seal["records"] == 0 and seal["root"] != NOTHING):
        return "its counts and its root don't fit together"
    return None


def of_seal(seal: Mapping[str, Any]) -> str:
    """Names a seal in a message."""
    return f"seal {seal['seal_no']} (stream {seal['stream']}, day {seal['seal_day']})"


def check_seals(seals: Any, where: str, found: Findings) -> list[dict[str, Any]]:
    """The seals, where each one's hash, number, day and link to the one before hold; none of them otherwise."""
    if not isinstance(seals, list):
        found.problem(where, "not a list of seals")
        return []
    before, newest, sound = len(found.problems), {}, []
    for number, seal in enumerate(seals):
        if fault := seal_fault(seal):
            named = of_seal(seal) if isinstance(seal, dict) and set(seal) > set(SEAL_FIELDS) else f"seal {number}"
            found.problem(where, f"entry {number}, {named}: {fault}")
            continue
        sound.append(seal)
        if seal["seal_no"] != number:
            found.problem(where, f"entry {number} is {of_seal(seal)}: seal {number} is missing or out of order")
        last = newest.get(seal["stream"])
        if seal["prev_seal"] != (last["seal_hash"] if last else NO_SEAL):
            found.problem(where, f"{of_seal(seal)}: prev_seal is not the stream's seal before it: the chain is broken")
        if last and seal["seal_day"] != str(date.fromisoformat(last["seal_day"]) + timedelta(days=1)):
            found.problem(where, f"{of_seal(seal)} follows on {last['seal_day']}: a day is missing or sealed twice")
        newest[seal["stream"]] = seal
    return sound if len(found.problems) == before else []


def check_head(head: Mapping[str, Any], history: History, where: str, found: Findings) -> bool:
    """Whether a head is the one that the log had at its size."""
    size, before = head["size"], len(found.problems)
    if size >= len(history.roots):
        found.problem(where, f"covers {size} seals, there are {len(history.hashes)}")
    elif head["root"] != history.roots[size]:
        found.problem(where, f"the root over seals 0 to {size - 1} is another than the one stated")
    elif head["last_day"] != history.last_days[size]:
        found.problem(where, f"last_day is {head['last_day']}, the seals end with {history.last_days[size]}")
    return len(found.problems) == before


def read_anchor(body: bytes, where: str, found: Findings) -> dict[str, Any] | None:
    """An anchor by itself: its form, and its own seals; None, and a problem, where that does not hold."""
    before = len(found.problems)
    anchor = read_json(body, where, found)
    if anchor is None:
        return None
    if (
        not isinstance(anchor, dict)
        or set(anchor) != {"format", "head", "previous_size", "seals"}
        or anchor["format"] != "escrow-anchor/1"
        or not is_head(anchor["head"])
        or set(anchor["head"]) != {"size", "root", "last_day"}
        or not is_number(anchor["previous_size"])
        or not isinstance(anchor["seals"], list)
    ):
        found.problem(where, "not an anchor (escrow-anchor/1)")
        return None
    first, size = anchor["previous_size"], anchor["head"]["size"]
    if len(anchor["seals"]) != size - first:
        found.problem(where, f"says that it holds seals {first} to {size - 1}, it holds {len(anchor['seals'])}")
    for number, seal in enumerate(anchor["seals"], start=first):
        if fault := seal_fault(seal):
            found.problem(where, f"seal {number}: {fault}")
        elif seal["seal_no"] != number:
            found.problem(where, f"seal {seal['seal_no']} stands where {number} belongs")
    return anchor if len(found.problems) == before else None


def check_anchors(
    anchors: Mapping[str, Mapping[str, Any]], seals: Sequence[Mapping[str, Any]], found: Findings
) -> int | None:
    """Compare anchors with the seals of the log; the size of the largest that agrees, None where none does.

    An anchor of a later log is joined on by the seals that it holds itself.
    """
    history, agreed = History(seals), None
    for where, anchor in sorted(anchors.items(), key=lambda item: item[1]["head"]["size"]):
        first, known = anchor["previous_size"], len(history.hashes)
        if first > known:
            found.unchecked.append(f"{where}: begins at seal {first}, the log known so far ends at {known}")
            continue
        before = len(found.problems)
        for seal in anchor["seals"]:
            if seal["seal_no"] >= known:
                history.add(seal)
            elif seal["seal_hash"] != history.hashes[seal["seal_no"]]:
                found.problem(where, f"{of_seal(seal)} is another than in the log: one of the two was rewritten")
        if len(found.problems) == before and check_head(anchor["head"], history, where, found):
            agreed = anchor["head"]["size"]
    return agreed


# Records ---------------------------------------------------------------------------------------------------------


def record_fault(record: Any) -> str | None:
    """What is wrong with a record by itself; it holds the canonical fields, record_id and position."""
    if not isinstance(record, dict) or set(record) != {*RECORD_FIELDS, "record_id", "position"}:
        return "not a record: its fields are others"
    if not all(record[name] is None or isinstance(record[name], str) for name in RECORD_FIELDS):
        return "not a record: a field is neither text nor null"
    if not is_number(record["position"]) or not is_day(record["event_day"]):
        return "not a record: position or event_day has another form"
    if leaf(canonical("escrow-audit/1", RECORD_FIELDS, record)) != record["record_id"]:
        return "record_id is not the hash of the record's fields: the record was changed"
    try:
        day = None if record["at"] is None else str((EPOCH + timedelta(microseconds=int(record["at"]))).date())
    except (ValueError, OverflowError):
        return "`at` is no time"
    if day is not None and day != record["event_day"]:
        return f"event_day is {record['event_day']}, its time lies on {day}"
    return None


def order_of(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What records of a seal are ordered by; no value comes first."""
    at = record["at"]
    return (
        (at is not None, int(at or 0)),
        (record["source"] is not None, record["source"] or ""),
        (record["source_key"] is not None, record["source_key"] or ""),
    )


def lines_of(path: Path, where: str, found: Findings) -> Iterator[tuple[int, Any]]:
    """(line, document) of a file with a JSON document a line."""
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            if not raw.endswith(b"\n"):
                found.problem(f"{where}, line {number}", "the last line has no end")
            document = read_json(raw.removesuffix(b"\n"), f"{where}, line {number}", found)
            if document is not None:
                yield number, document


def check_records(
    path: Path, name: str, seal: Mapping[str, Any], subject: str | None, found: Findings
) -> dict[str, int]:
    """Check the records of one seal; record_id -> position of the sound ones.

    Without `subject` they are the whole day: their positions have no gap, and their root is the seal's.
    """
    of_day, positions, log = f"stream {seal['stream']}, day {seal['seal_day']}", {}, Log()
    last, expected, before, late = None, 0, len(found.problems), 0
    for line, record in lines_of(path, name, found):
        where = f"{name}, line {line} ({of_day}"
        if fault := record_fault(record):
            position = record.get("position") if isinstance(record, dict) else None
            found.problem(f"{where}, position {position})", fault)
            expected += 1
            continue
        where += f", position {record['position']})"
        if record["stream"] != seal["stream"]:
            found.problem(where, f"a record of stream {record['stream']}")
        if record["event_day"] > seal["seal_day"]:
            found.problem(where, f"a record of {record['event_day']}, a later day than the sealed one")
        if subject is not None and record["subject"] != subject:
            found.problem(where, "a record of another subject than the one asked for")
        if subject is None and record["position"] != expected:
            found.problem(where, f"position {expected} belongs here: a record is missing, added, or out of its order")
        expected = record["position"] + 1
        if last is not None and (order_of(record) <= order_of(last) or record["position"] <= last["position"]):
            found.problem(where, "does not come after the line before by time, source and source_key")
        late += record["event_day"] < seal["seal_day"]
        positions[record["record_id"]] = record["position"]
        log.add(record["record_id"])
        last = record
    if subject is None:
        if log.size != seal["records"]:
            found.problem(f"{name} ({of_day})", f"{log.size} sound records, the seal counts {seal['records']}")
        elif log.root() != seal["root"]:
            found.problem(f"{name} ({of_day})", "the root over the records is another than the sealed one")
        elif late != seal["late_records"] and len(found.problems) == before:
            found.problem(f"{name} ({of_day})", f"{late} late records, the seal counts {seal['late_records']}")
    return positions


def check_paths(path: Path, name: str, seal: Mapping[str, Any], positions: Mapping[str, int], found: Findings) -> None:
    """Check the inclusion proofs of a subject's records in one seal: one a record, each leading to the sealed root."""
    of_day, proved, last = f"stream {seal['stream']}, day {seal['seal_day']}", set(), -1
    for line, proof in lines_of(path, name, found):
        where = f"{name}, line {line} ({of_day})"
        if (
            not isinstance(proof, dict)
            or set(proof) != {"record_id", "position", "records", "path"}
            or not (is_number(proof["position"]) and is_number(proof["records"]) and is_hash(proof["record_id"]))
            or not isinstance(proof["path"], list)
            or not all(is_hash(one) for one in proof["path"])
        ):
            found.problem(where, "not a proof")
            continue
        record_id, position = proof["record_id"], proof["position"]
        if position <= last:
            found.problem(where, f"position {position} is out of order")
        last = position
        if positions.get(record_id) != position or proof["records"] != seal["records"]:
            found.problem(where, f"proves position {position} of {proof['records']}, which no record of the file has")
        elif root_by_path(record_id, position, seal["records"], proof["path"]) != seal["root"]:
            found.problem(where, f"does not lead from the record at position {position} to the sealed root")
        else:
            proved.add(record_id)
    for record_id, position in positions.items():
        if record_id not in proved:
            found.problem(f"{name} ({of_day}, position {position})", "the record has no proof that holds")


# A bundle --------------------------------------------------------------------------------------------------------


def check_files(folder: Path, found: Findings) -> set[str]:
    """Compare the files with the manifest; the names that the manifest has and that are there."""
    try:
        body = (folder / MANIFEST).read_bytes()
    except OSError:
        found.problem(MANIFEST, "missing")
        return set()
    manifest = read_json(body, MANIFEST, found)
    if manifest is None:
        return set()
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    if (
        not isinstance(listed, list)
        or set(manifest) != {"format", "files"}
        or manifest["format"] != "escrow-bundle/1"
        or not all(
            isinstance(one, dict)
            and set(one) == {"file", "bytes", "sha256"}
            and isinstance(one["file"], str)
            and is_number(one["bytes"])
            and is_hash(one["sha256"])
            for one in listed
        )
    ):
        found.problem(MANIFEST, "not the manifest of a bundle (escrow-bundle/1)")
        return set()
    names = [one["file"] for one in listed]
    if names != sorted(set(names)):
        found.problem(MANIFEST, "names are out of order or repeated")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for name in sorted(there - set(names) - {MANIFEST}):
        found.problem(name, "is not in the manifest: added or renamed")
    for name in [name for name in REQUIRED if name not in names]:
        found.problem(MANIFEST, f"does not list {name}, which every bundle has")
    for one in listed:
        path = folder / one["file"]
        if one["file"] not in there or path.is_symlink():
            found.problem(one["file"], "is in the manifest and not in the bundle: removed or renamed")
            continue
        digest, size = sha256(), 0
        with path.open("rb") as stream:
            while part := stream.read(1 << 20):
                digest.update(part)
                size += len(part)
        if (size, digest.hexdigest()) != (one["bytes"], one["sha256"]):
            found.problem(one["file"], f"changed: {size} bytes with another SHA-256 than the manifest has")
    return {name for name in names if name in there and not (folder / name).is_symlink()}


def check_bundle(folder: Path, anchors: Mapping[str, bytes], found: Findings) -> None:
    """Check all of a bundle; `anchors` are copies from elsewhere, by name."""
    names = check_files(folder, found)
    documents = {
        name: read_json((folder / name).read_bytes(), name, found)
        for name in ("request.json", "seals.json", "head.json", "anchors.json")
        if name in names
    }
    request, sealed = documents.get("request.json"), documents.get("seals.json")
    if not isinstance(sealed, dict) or set(sealed) != {"format", "seals"} or sealed["format"] != "escrow-seals/1":
        found.problem("seals.json", "not the seals of a log (escrow-seals/1)")
        return
    seals = check_seals(sealed["seals"], "seals.json", found)
    if not seals:
        found.problem("seals.json", "without sound seals nothing else can be judged")
        return
    check_bundle_head(documents.get("head.json"), seals, found)
    check_bundle_anchors(folder, names, documents.get("anchors.json"), anchors, seals, found)
    if (
        not isinstance(request, dict)
        or set(request) != {"format", "from", "to", "subject"}
        or request["format"] != "escrow-request/1"
        or not (is_day(request["from"]) and is_day(request["to"]))
        or not (request["subject"] is None or isinstance(request["subject"], str))
    ):
        found.problem("request.json", "does not say what the bundle is of (escrow-request/1)")
        return
    check_days(folder, names, request, seals, found)


def check_bundle_head(head: Any, seals: Sequence[Mapping[str, Any]], found: Findings) -> None:
    """Whether head.json is the head of the seals."""
    if not is_head(head) or set(head) != {"format", "size", "root", "last_day"} or head["format"] != "escrow-head/1":
        found.problem("head.json", "not a head (escrow-head/1)")
        return
    if head["size"] != len(seals):
        found.problem("head.json", f"covers {head['size']} seals, seals.json has {len(seals)}")
    check_head(head, History(seals), "head.json", found)
    found.facts.append(f"head of the log: {head['size']} seals up to {head['last_day']}, root {head['root']}")


def check_bundle_anchors(
    folder: Path,
    names: Iterable[str],
    listed: Any,
    given: Mapping[str, bytes],
    seals: Sequence[Mapping[str, Any]],
    found: Findings,
) -> None:
    """Compare the anchors in the bundle, those listed in anchors.json, and those given, with the seals."""
    own = {}
    for name in sorted(name for name in names if name.startswith("anchors/")):
        anchor = read_anchor((folder / name).read_bytes(), name, found)
        if anchor is not None:
            own[name] = anchor
            if name != f"anchors/{anchor['head']['size']:012d}.json":
                found.problem(name, f"is the anchor of {anchor['head']['size']} seals")
    end = 0
    for name, anchor in own.items():
        if anchor["previous_size"] != end:
            found.problem(name, f"follows an anchor of {anchor['previous_size']} seals; the one before has {end}")
        end = anchor["head"]["size"]
    if end > len(seals):
        found.problem("anchors", f"an anchor covers {end} seals, seals.json has {len(seals)}")
    rows = listed.get("anchors") if isinstance(listed, dict) else None
    if not isinstance(rows, list) or set(listed) != {"format", "anchors"} or listed["format"] != "escrow-anchors/1":
        found.problem("anchors.json", "not a list of anchors (escrow-anchors/1)")
        rows = []
    heads, history = {anchor["head"]["size"] for anchor in own.values()}, History(seals)
    for number, row in enumerate(rows):
        where = f"anchors.json, entry {number}"
        if not is_head(row) or set(row) != {"size", "root", "last_day", "kind", "address"}:
            found.problem(where, "not an anchor's entry")
            continue
        check_head(row, history, f"{where} ({row['kind']} {row['address']})", found)
        name = f"{row['size']:012d}.json"
        if row["kind"] == "bucket" and (row["size"] not in heads or not str(row["address"]).endswith(f"/heads/{name}")):
            found.problem(where, f"anchors/{name} is missing, or has another address")
        elif row["kind"] not in ("bucket", "memo"):
            found.problem(where, "neither an object in a bucket nor a memo")
        elif row["kind"] == "memo":
            memo = f"escrow-warehouse head {row['size']} {row['root']}"
            found.facts.append(f"to look up on Solana: transaction {row['address']} has the memo `{memo}`")
    others = {}
    for name, body in given.items():
        anchor = read_anchor(body, name, found)
        if anchor is not None:
            others[name] = anchor
    check_anchors(own, seals, found)
    agreed = check_anchors(others, seals, found)
    if others and agreed is not None:
        found.facts.append(f"anchors that you gave: agree, the largest covers {agreed} seals")
    if not given:
        found.facts.append("no anchor was given with --anchor: nothing outside of this bundle was compared")
    if end < len(seals):
        found.facts.append(f"seals {end} to {len(seals) - 1} are not anchored in this bundle yet")


def check_days(
    folder: Path, names: set[str], request: Mapping[str, Any], seals: Sequence[Mapping[str, Any]], found: Findings
) -> None:
    """Check the records of every seal of the period."""
    first, last, subject = request["from"], request["to"], request["subject"]
    rest = {name for name in names if name.startswith(("records/", "proofs/"))}
    records = days = 0
    for seal in seals:
        if not first <= seal["seal_day"] <= last:
            continue
        name = f"records/{seal['stream']}/{seal['seal_day']}.ndjson"
        proofs = f"proofs/{seal['stream']}/{seal['seal_day']}.ndjson"
        rest -= {name, name.removesuffix("ndjson") + "parquet"}  # of the Parquet the manifest's hash alone is checked
        if subject is not None and name in names:
            rest.discard(proofs)
        if name not in names:
            if seal["records"] and subject is None:
                found.problem(name, f"missing: {of_seal(seal)} counts {seal['records']} records")
            continue
        positions = check_records(folder / name, name, seal, subject, found)
        records, days = records + len(positions), days + 1
        if subject is not None:
            if proofs in names:
                check_paths(folder / proofs, proofs, seal, positions, found)
            else:
                found.problem(proofs, "missing: the records have no proofs")
    for name in sorted(rest):
        found.problem(name, f"belongs to no seal from {first} to {last}")
    whose = "all records" if subject is None else f"records of subject {subject}, each by a proof,"
    found.facts.append(f"{whose} of {first} to {last}: {records} records in {days} sealed days of streams")


# A proof ---------------------------------------------------------------------------------------------------------


def check_proof(document: Any, where: str, found: Findings) -> Mapping[str, Any] | None:
    """Check a proof of one record (escrow-proof/1) or of the log's growth (escrow-consistency/1); its newest head."""
    form = document.get("format") if isinstance(document, dict) else None
    if form not in ("escrow-proof/1", "escrow-consistency/1"):
        found.problem(where, "neither a proof of a record (escrow-proof/1) nor of growth (escrow-consistency/1)")
        return None
    try:
        if form == "escrow-proof/1":
            return _record_proof(document, where, found)
        return _growth_proof(document, where, found)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found.problem(where, f"a field is missing or has another form ({error})")
        return None


def _record_proof(proof: Mapping[str, Any], where: str, found: Findings) -> Mapping[str, Any]:
    record, index, size = proof["record"], number_in(proof["index"]), number_in(proof["size"])
    seal = with_numbers(proof["seal"], "seal_no", "records", "late_records") | {"seal_hash": proof["seal_hash"]}
    head = with_numbers(proof["head"], "size")
    if not is_head(head) or not all(is_hash(one) for one in [*proof["path"], *proof["seal_path"]]):
        raise ValueError("head or path")
    before = len(found.problems)
    if set(record) != set(RECORD_FIELDS) or not all(
        value is None or isinstance(value, str) for value in record.values()
    ):
        raise ValueError("record")
    data = canonical("escrow-audit/1", RECORD_FIELDS, record)
    if proof["canonical"] != data.hex():
        found.problem(where, "canonical: not the bytes of the record's fields: one of the two was changed")
    if leaf(data) != proof["record_id"]:
        found.problem(where, "record_id: not the hash of the record's fields: the record was changed")
    if fault := seal_fault(seal):
        found.problem(where, f"seal: {fault}")
    if len(found.problems) > before:
        return head
    if record["stream"] != seal["stream"] or size != seal["records"]:
        found.problem(where, "seal: one of another stream, or of another number of records")
    elif root_by_path(proof["record_id"], index, size, proof["path"]) != seal["root"]:
        found.problem(where, f"path: does not lead from place {index} of {size} to the root of {of_seal(seal)}")
    elif root_by_path(seal["seal_hash"], seal["seal_no"], head["size"], proof["seal_path"]) != head["root"]:
        found.problem(where, f"seal_path: does not lead from {of_seal(seal)} to the head's root")
    else:
        found.facts.append(f"record {proof['record_id']} is at position {index} of {of_seal(seal)}")
        found.facts.append(f"that seal is in the log with the head of {head['size']} seals, root {head['root']}")
    return head


def _growth_proof(proof: Mapping[str, Any], where: str, found: Findings) -> Mapping[str, Any]:
    old, new, path = with_numbers(proof["old"], "size"), with_numbers(proof["new"], "size"), proof["path"]
    if not (is_head(old) and is_head(new) and all(is_hash(one) for one in path)):
        raise ValueError("old, new or path")
    if not is_consistent(old["size"], old["root"], new["size"], new["root"], path):
        found.problem(
            where, f"path: does not show that the log of {new['size']} seals begins with that of {old['size']}"
        )
    else:
        found.facts.append(f"the log of {new['size']} seals begins with that of {old['size']}: it only grew")
    return new


def number_in(value: Any) -> int:
    """A number, given as one or as its decimal text. Raises ValueError."""
    if isinstance(value, str) and value == str(int(value)):
        value = int(value)
    if not is_number(value):
        raise ValueError("a number")
    return value


def with_numbers(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A copy of an object in which these fields are numbers. Raises ValueError."""
    return {**document} | {name: number_in(document[name]) for name in names}


def check_proof_anchors(head: Mapping[str, Any], given: Mapping[str, bytes], found: Findings) -> None:
    """Whether an anchor of the same size has the proof's root."""
    sizes = {}
    for name, body in given.items():
        anchor = read_anchor(body, name, found)
        if anchor is not None:
            sizes[anchor["head"]["size"]] = name, anchor["head"]
    if head["size"] not in sizes:
        if given:
            found.unchecked.append(f"no given anchor covers exactly {head['size']} seals")
        return
    name, anchored = sizes[head["size"]]
    if anchored["root"] != head["root"]:
        found.problem(name, f"the anchored root of {head['size']} seals is another than the proof's")
    else:
        found.facts.append(f"{name}: the anchored head is the proof's")


# Command line ----------------------------------------------------------------------------------------------------


def read_given(paths: Sequence[str]) -> dict[str, bytes]:
    """Anchors by path; a folder stands for the JSON files below it. Raises OSError."""
    files = [file for path in map(Path, paths) for file in (sorted(path.rglob("*.json")) if path.is_dir() else [path])]
    return {str(file): file.read_bytes() for file in files}


def verify(arguments: argparse.Namespace) -> Findings:
    """Check what the arguments name."""
    found = Findings()
    try:
        given = read_given(arguments.anchor)
        if arguments.proof:
            document = json.loads(Path(arguments.proof).read_text(encoding="utf-8"))
            head = check_proof(document, arguments.proof, found)
            if head is not None:
                check_proof_anchors(head, given, found)
            return found
        folder = Path(arguments.bundle)
        if not folder.is_dir():
            found.unchecked.append(f"{folder}: no such folder")
            return found
        if (folder / MANIFEST).is_file():
            digest = sha256((folder / MANIFEST).read_bytes()).hexdigest()
            found.facts.append(f"SHA-256 of {MANIFEST}, to compare with the receipt: {digest}")
            if arguments.manifest_sha256 not in (None, digest):
                found.problem(MANIFEST, "has another SHA-256 than the one given")
        check_bundle(folder, given, found)
    except OSError as error:
        found.unchecked.append(f"{error.filename}: {error.strerror}")
    except ValueError as error:
        found.problem(str(arguments.proof or arguments.bundle), f"not JSON ({error})")
    return found


def main() -> int:
    """Print the verdict; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", nargs="?", help="folder of an evidence bundle")
    parser.add_argument("--proof", help="file with one proof instead of a bundle")
    parser.add_argument("--anchor", nargs="+", action="extend", default=[], help="anchors that you got elsewhere")
    parser.add_argument("--manifest-sha256", help="hash of the manifest, from the receipt")
    arguments = parser.parse_args()
    if (arguments.bundle is None) == (arguments.proof is None):
        parser.error("name a bundle, or a proof with --proof")
    found = verify(arguments)
    for fact in found.facts:
        print(f"  {fact}")
    for what in found.unchecked:
        print(f"NOT CHECKED  {what}")
    for what in found.problems:
        print(f"PROBLEM  {what}")
    print(
        {
            0: "VERIFIED: every check holds.",
            1: f"CHANGED: {len(found.problems)} problems. What the lines above name is not what was sealed.",
            2: "NOT VERIFIED: something could not be checked.",
        }[found.code]
    )
    return found.code


if __name__ == "__main__":
    sys.exit(main())
