"""Evidence bundles: a folder with the records of a period, all that their seals and anchors prove, and a verifier.

    manifest.json                       name, bytes and SHA-256 of every other file
    request.json                        period and subject
    records/<stream>/<day>.ndjson       the records of a seal in the order of its leaves
    proofs/<stream>/<day>.ndjson        with a subject: an inclusion proof for each of its records
    seals.json, head.json               the whole log of seals and its head
    anchors/<size>.json, anchors.json   the anchors as they are in the bucket, and where each head was made known
    index.md, verifier.py               what it is for a reader, and what checks it

The same data gives the same bytes. Of a user there is nothing but the token. docs/audit.md defines each file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from re import fullmatch
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery

from audit import anchors as anchored
from audit import merkle, verifier
from audit.encoding import RECORD_FIELDS
from audit.own import own_record, record_texts
from audit.tables import DATASET
from warehouse.config import Config
from warehouse.storage import Storage

NDJSON, PARQUET = "ndjson", "parquet"
FORMATS = (NDJSON, PARQUET)
COLUMNS = ("position", "record_id", *RECORD_FIELDS)
_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_SCHEMA = pa.schema([("position", pa.int64()), *((name, pa.string()) for name in COLUMNS[1:])])


class ExportError(RuntimeError):
    """The bundle can't be written; the message says what is missing."""


@dataclass(frozen=True)
class Asked:
    """What a bundle is of: seals of the days `first` to `last`, both included; of one `subject` (its token) or all."""

    first: date
    last: date
    subject: str | None = None
    form: str = NDJSON


@dataclass(frozen=True)
class Exported:
    """A bundle that was written: `records` in it, and the SHA-256 of its manifest, hexadecimal."""

    folder: Path
    records: int
    manifest_sha256: str
    head: anchored.Head


def export(config: Config, client: bigquery.Client, asked: Asked, folder: Path) -> Exported:
    """Write a bundle into `folder`, which must be empty or missing.

    With the form `parquet` the same rows stand in records/<stream>/<day>.parquet beside the NDJSON, which the verifier
    reads. Raises ExportError where there is nothing to export, where records of a seal aren't in audit.events (any
    more), and for a folder with something in it; AnchorError where the seals themselves are unsound.
    """
    if asked.form not in FORMATS:
        raise ExportError(f"no such format: {asked.form}; there are {', '.join(FORMATS)}")
    if folder.exists() and any(folder.iterdir()):
        raise ExportError(f"{folder} is not empty")
    seals = anchored.read_seals(client)
    head = anchored.head_of(seals)
    chosen = [seal for seal in seals if asked.first.isoformat() <= seal["seal_day"] <= asked.last.isoformat()]
    if not chosen:
        raise ExportError(f"no day from {asked.first} to {asked.last} is sealed")
    folder.mkdir(parents=True, exist_ok=True)
    counts = [(seal, _write_seal(client, asked, seal, folder)) for seal in chosen if seal["records"]]
    counted = {seal["seal_no"]: count for seal, count in counts}
    _write_log(config, client, seals, head, folder)
    request = {"from": asked.first.isoformat(), "to": asked.last.isoformat(), "subject": asked.subject}
    _write(folder / "request.json", anchored.compact({"format": "escrow-request/1", **request}))
    shutil.copyfile(Path(verifier.__file__), folder / "verifier.py")
    index = index_page(asked, head, [(seal, counted.get(seal["seal_no"], 0)) for seal in chosen])
    _write(folder / "index.md", index.encode())
    manifest = anchored.compact({"format": "escrow-bundle/1", "files": list(_files(folder))})
    _write(folder / verifier.MANIFEST, manifest)
    return Exported(folder, sum(counted.values()), sha256(manifest).hexdigest(), head)


def evidence_exported(client: bigquery.Client, asked: Asked, done: Exported, run_id: str) -> None:
    """Add the record that a bundle was handed out, with the hash of its manifest, to the stream `warehouse`."""
    own_record(
        client,
        source_key=f"evidence_exported:{done.manifest_sha256}:{run_id}",
        action="evidence_exported",
        at=datetime.now(UTC),
        run_id=run_id,
        detail=f"{asked.first}/{asked.last} manifest_sha256={done.manifest_sha256} head={done.head.size}",
        subject=asked.subject,
        amount=done.records,
        unit="records",
    )


def stream_folder(stream: str) -> str:
    """The folder of a stream below records/. Raises ExportError for a stream whose name can't be one."""
    if not all(fullmatch(_PART, part) for part in stream.split("/")):
        raise ExportError(f"stream {stream!r} has a name that can't be a folder's")
    return stream


def _write_seal(client: bigquery.Client, asked: Asked, seal: Mapping[str, Any], folder: Path) -> int:
    """Write the records of a seal, and with a subject their proofs; returns the number of records."""
    name = f"{stream_folder(seal['stream'])}/{seal['seal_day']}"
    leaves = _leaves(client, seal)
    if len(leaves) != seal["records"]:
        raise ExportError(f"{name}: audit.leaves has {len(leaves)} records, the seal counts {seal['records']}")
    records = list(_records(client, seal, leaves, asked.subject))
    if asked.subject is None and len(records) != len(leaves):
        held = {record["position"] for record in records}
        lost = next(position for position in range(len(leaves)) if position not in held)
        raise ExportError(
            f"{name}: {len(leaves) - len(records)} of {len(leaves)} records aren't in audit.events, "
            f"the first at position {lost}; restore the month from the cold tier first"
        )
    if not records:
        return 0
    _write_lines(folder / "records" / f"{name}.ndjson", records)
    if asked.form == PARQUET:
        table = pa.Table.from_pylist([{name: record[name] for name in COLUMNS} for record in records], _SCHEMA)
        pq.write_table(table, folder / "records" / f"{name}.parquet", compression="zstd")
    if asked.subject is not None:
        _write_lines(folder / "proofs" / f"{name}.ndjson", _proofs(records, [leaf for _, leaf, _ in leaves]))
    return len(records)


def _leaves(client: bigquery.Client, seal: Mapping[str, Any]) -> list[tuple[int, str, date]]:
    """(position, record_id, event_day) of a seal's leaves, in order."""
    rows = client.query(
        f"select position, record_id, event_day from {DATASET}.leaves "
        "where seal_day = @day and stream = @stream order by position",
        job_config=_parameters(day=date.fromisoformat(seal["seal_day"]), stream=seal["stream"]),
    ).result()
    return [(row["position"], row["record_id"], row["event_day"]) for row in rows]


def _records(
    client: bigquery.Client, seal: Mapping[str, Any], leaves: Sequence[tuple[int, str, date]], subject: str | None
) -> Iterator[dict[str, Any]]:
    """The records of a seal in order, each field as its canonical text; only those of a subject where one is asked."""
    days = [day for _, _, day in leaves]
    columns = ", ".join(f"e.`{name}`" for name in RECORD_FIELDS)
    rows = client.query(
        f"select l.position, l.record_id, {columns} from {DATASET}.leaves as l "
        f"inner join {DATASET}.events as e on l.record_id = e.record_id "
        "where l.seal_day = @day and l.stream = @stream "
        "and e.stream = @stream and e.event_day between @first and @last "
        + ("" if subject is None else "and e.subject = @subject ")
        + "order by l.position",
        job_config=_parameters(
            day=date.fromisoformat(seal["seal_day"]),
            stream=seal["stream"],
            first=min(days),
            last=max(days),
            **({} if subject is None else {"subject": subject}),
        ),
    ).result()
    for row in rows:
        yield {"position": row["position"], "record_id": row["record_id"], **record_texts(row)}


def _proofs(records: Iterable[Mapping[str, Any]], leaves: Sequence[str]) -> Iterator[dict[str, Any]]:
    levels = [[bytes.fromhex(leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        levels.append(merkle.next_level(levels[-1]))
    for record in records:
        position, path = record["position"], []
        for level, nodes in enumerate(levels[:-1]):
            beside = (position >> level) ^ 1
            if beside < len(nodes):
                path.append(nodes[beside].hex())
        yield {"record_id": record["record_id"], "position": position, "records": len(leaves), "path": path}


def _write_log(
    config: Config, client: bigquery.Client, seals: Sequence[Mapping[str, Any]], head: anchored.Head, folder: Path
) -> None:
    """Write all seals, their head and the anchors, as they are in the bucket."""
    _write(folder / "seals.json", anchored.compact({"format": "escrow-seals/1", "seals": list(seals)}))
    _write(folder / "head.json", anchored.compact({"format": "escrow-head/1", **head.document()}))
    storage = Storage(config)
    for size, address in anchored.anchor_objects(config).items():
        _write(folder / "anchors" / f"{size:012d}.json", storage.read(address))
    rows = [
        {**known.head.document(), "kind": known.kind, "address": known.address}
        for known in anchored.read_anchors(client)
    ]
    _write(folder / "anchors.json", anchored.compact({"format": "escrow-anchors/1", "anchors": rows}))


def index_page(asked: Asked, head: anchored.Head, counts: Sequence[tuple[Mapping[str, Any], int]]) -> str:
    """The page for a reader, in Markdown: what it is, how many records, how to come to a verdict."""
    whose = "all records" if asked.subject is None else f"the records of subject `{_text(asked.subject)}`"
    lines = [
        "# Evidence from the audit log",
        "",
        f"This folder holds {whose} that were sealed for the days {asked.first} to {asked.last} (UTC), "
        f"{sum(count for _, count in counts):,} in all, with what proves that they are unchanged.",
        "",
        "To come to a verdict, in an empty environment with Python 3.11 or newer:",
        "",
        "    python -I verifier.py . --anchor FOLDER_WITH_ANCHORS --manifest-sha256 HASH_FROM_THE_RECEIPT",
        "",
        "Take the anchors from the bucket or from somebody who kept them, and `verifier.py` from the project itself if",
        "you don't trust this copy. 0: verified; 1: changed, and where; 2: could not be checked. docs/audit.md of the",
        "project says what each check proves and what it can't.",
        "",
        f"Head of the log of seals: {head.size} seals up to {head.last_day}, root `{head.root}`.",
        "",
        "| stream | sealed day | records sealed | late | records here | root |",
        "|---|---|---|---|---|---|",
    ]
    for seal, count in counts:
        figures = f"{seal['records']} | {seal['late_records']} | {count}"
        lines.append(f"| {_text(seal['stream'])} | {seal['seal_day']} | {figures} | `{seal['root']}` |")
    if asked.subject is not None:
        lines += [
            "",
            "Each record has a proof that it was sealed. That no record of the subject is missing here is not",
        ]
        lines.append("proved: that would take the other records of the days.")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A value inside Markdown: nothing in it is markup."""
    return "".join(f"&#{ord(one)};" if one in "|`*_[]\\\n\r" else escape(one) for one in value)


def _files(folder: Path) -> Iterator[dict[str, Any]]:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    for name, path in sorted(paths.items()):
        with path.open("rb") as stream:
            digest, size = sha256(), 0
            while part := stream.read(1 << 20):
                digest.update(part)
                size += len(part)
        yield {"file": name, "bytes": size, "sha256": digest.hexdigest()}


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)


def _write_lines(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for document in documents:
            stream.write(anchored.compact(document) + b"\n")


def _parameters(**values: Any) -> bigquery.QueryJobConfig:
    kinds = {date: "DATE", str: "STRING"}
    return bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(name, kinds[type(value)], value) for name, value in values.items()
        ]
    )
