"""Proofs that an auditor checks offline: that a record is in the log, and that the log only grew.

    {"format": "escrow-proof/1",
     "record": {field: text or null, ...},       the fields of escrow-audit/1; their canonical bytes are hashed
     "canonical": "<those bytes, hexadecimal>",
     "record_id": "<leaf hash: SHA-256 of 0x00 and those bytes>",
     "index": 5, "size": 3021,                   place in the day's tree, from 0, and leaves of that tree
     "path": ["<hash>", ...],                    RFC 6962 inclusion proof in the day's tree, the lowest hash first
     "seal": {"seal_no": "7", "seal_day": "2026-10-05", "stream": "...", "records": "3021", "late_records": "0",
              "root": "<hash>", "prev_seal": "<hash>"},         texts, as in escrow-seal/1
     "seal_hash": "<leaf hash of the seal's canonical bytes>",
     "seal_path": ["<hash>", ...],               inclusion proof of leaf seal_no in the log of head.size seals
     "head": {"size": "40", "root": "<hash>", "last_day": "2026-10-08"}}        texts, as in escrow-head/1

    {"format": "escrow-consistency/1", "old": {a head}, "new": {a head}, "path": ["<hash>", ...]}

To check a proof: record_id is the leaf hash of the record's canonical bytes; index, size and path lead from
there to seal.root; seal_hash is the leaf hash of the seal's canonical bytes; seal_no, head.size and seal_path lead from
there to head.root, which must be an anchored one. Hashes are 64 lower-case hexadecimal digits.
`audit/verifier.py --proof FILE` does all this without the warehouse.

Of a day's tree, the leaves of one tile of 256 are read and one tile of nodes of each kept level above it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from google.cloud import bigquery

from audit import merkle
from audit.anchors import Head, read_seals
from audit.encoding import RECORD, RECORD_FIELDS, SEAL_FIELDS, canonical
from audit.heads import Consistency, consistency, head_at, seal_path, size_on
from audit.own import record_texts
from audit.tree_sql import LEVELS, STEP

_TILE = 1 << STEP


class NotProvable(RuntimeError):
    """There is no such record or head, or what is stored doesn't prove it; the message says which."""


def prove(client: bigquery.Client, record_id: str, size: int | None = None, day: date | None = None) -> dict[str, Any]:
    """The proof of a record, up to the head of `size` seals, the newest by default.

    `day` is the record's event_day; without it, the record is looked for in all days of audit.events.

    Raises NotProvable for a record that isn't held, isn't sealed, or is not what was sealed; AnchorError (a
    RuntimeError) where the log of seals itself is unsound.
    """
    record = _record(client, record_id, day)
    leaf = _leaf(client, record_id, record)
    seal_day, stream, position = leaf["seal_day"], leaf["stream"], leaf["position"]
    seals = read_seals(client)
    seal = next((one for one in seals if (one["seal_day"], one["stream"]) == (seal_day.isoformat(), stream)), None)
    if seal is None:
        raise NotProvable(f"{stream} has no seal of {seal_day}")
    if size is None:
        size = len(seals)
    if not seal["seal_no"] < size <= len(seals):
        raise NotProvable(f"the record is in seal {seal['seal_no']} of {len(seals)}: no head of {size} seals proves it")
    path = day_path(client, seal_day, stream, position, seal["records"])
    texts = record_texts(record)
    data = canonical(RECORD, RECORD_FIELDS, texts)
    digest = merkle.leaf_hash(data)
    if digest.hex() != record_id:
        raise NotProvable(f"record {record_id} was changed: its fields have the hash {digest.hex()}")
    if merkle.root_from_inclusion(digest, position, seal["records"], path).hex() != seal["root"]:
        raise NotProvable(f"the leaves of {stream} on {seal_day} don't come to the sealed root: verify that day")
    return {
        "format": "escrow-proof/1",
        "record": texts,
        "canonical": data.hex(),
        "record_id": record_id,
        "index": position,
        "size": seal["records"],
        "path": [node.hex() for node in path],
        "seal": {name: str(seal[name]) for name in SEAL_FIELDS},
        "seal_hash": seal["seal_hash"],
        "seal_path": seal_path(seals[:size], seal["seal_no"]),
        "head": _texts(head_at(seals, size)),
    }


def day_path(client: bigquery.Client, day: date, stream: str, position: int, records: int) -> list[bytes]:
    """Inclusion proof of a leaf in the tree of a seal of `records` leaves, from one tile of each kept level.

    Raises NotProvable where a tile isn't complete.
    """
    path: list[bytes] = []
    for level in (0, *LEVELS):
        count = -(-records >> level) if level else records  # nodes of the level: records / 2**level, rounded up
        first = position >> level + STEP << STEP
        nodes = _tile(client, day, stream, level, first)
        if len(nodes) != min(_TILE if level < LEVELS[-1] else count, count - first):
            raise NotProvable(f"{stream} on {day}: level {level} has {len(nodes)} nodes from {first} on")
        path += merkle.inclusion_proof(nodes, (position >> level) - first)
        if count <= _TILE:
            break
    return path


def growth(client: bigquery.Client, old: str, new: str | None = None) -> Consistency:
    """The proof that the log of `old` is the beginning of that of `new` (by default all seals).

    Each is a number of seals or a day (YYYY-MM-DD: the log that holds all seals up to that day). Raises NotProvable.
    """
    seals = read_seals(client)
    sizes = [_size(seals, one) for one in (old, str(len(seals)) if new is None else new)]
    try:
        return consistency(seals, *sizes)
    except ValueError as error:
        raise NotProvable(str(error)) from None


def growth_document(proof: Consistency) -> dict[str, Any]:
    """A consistency proof as JSON document."""
    heads = {"old": _texts(proof.old), "new": _texts(proof.new)}
    return {"format": "escrow-consistency/1", **heads, "path": list(proof.path)}


def _texts(head: Head) -> dict[str, str]:
    return {name: str(value) for name, value in head.document().items()}


def _size(seals: Sequence[Mapping[str, Any]], text: str) -> int:
    if text.isdecimal():
        return int(text)
    try:
        return size_on(seals, date.fromisoformat(text))
    except ValueError:
        raise NotProvable(f"neither a number of seals nor a day: {text!r}") from None


def _record(client: bigquery.Client, record_id: str, day: date | None) -> Mapping[str, Any]:
    of_day = "" if day is None else f"and event_day = date '{day}'"
    rows = list(_rows(client, f"select * from audit.events where record_id = @record_id {of_day}", record_id=record_id))
    if not rows:
        raise NotProvable(f"no record {record_id} in audit.events")
    return rows[0]


def _leaf(client: bigquery.Client, record_id: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record's leaf: in the seal of its own day, or of one of the later days that hold records of that day."""
    day, stream = record["event_day"], record["stream"]
    later = _rows(
        client,
        "select distinct seal_day from audit.sealed_days where event_day = @day and stream = @stream",
        day=day,
        stream=stream,
    )
    days = ", ".join(f"date '{one}'" for one in sorted({day, *(row["seal_day"] for row in later)}))
    rows = list(
        _rows(
            client,
            "select seal_day, stream, position from audit.leaves "
            f"where seal_day in ({days}) and stream = @stream and record_id = @record_id",
            stream=stream,
            record_id=record_id,
        )
    )
    if not rows:
        raise NotProvable(f"record {record_id} of {stream} on {day} isn't in a seal yet")
    return rows[0]


def _tile(client: bigquery.Client, day: date, stream: str, level: int, first: int) -> list[bytes]:
    """Up to 256 nodes of a level from `first` on; on the highest level, all."""
    column, table = ("record_id", "leaves") if level == 0 else ("node_hash", "tree_nodes")
    of_level = "and level = @level" if level else ""
    last = first + _TILE - 1 if level < LEVELS[-1] else (1 << 32)
    rows = _rows(
        client,
        f"select {column} as hash from audit.{table} where seal_day = @day and stream = @stream "
        f"and position between @first and @last {of_level} order by position",
        day=day,
        stream=stream,
        level=level,
        first=first,
        last=last,
    )
    return [bytes.fromhex(row["hash"]) for row in rows]


def _rows(client: bigquery.Client, sql: str, **values: Any) -> Any:
    kinds = {date: "DATE", int: "INT64", str: "STRING"}
    given = [
        bigquery.ScalarQueryParameter(name, kinds[type(value)], value)
        for name, value in values.items()
        if f"@{name}" in sql
    ]
    return client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=given)).result()
