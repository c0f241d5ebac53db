"""Months as Parquet files: rows as typed batches, and hashes by which two sets of rows are compared in any order.

A row's hash is taken over its canonical bytes (format escrow-cold/1: the columns in the table's order, written as in
audit/encoding.py; money without the zeros that an engine adds, truth as true or false). The hash of a set of rows is
SHA-256 over their hashes in ascending order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.cloud import bigquery

from audit.encoding import canonical

FORM = "escrow-cold/1"
BATCH_ROWS = 50_000
_TYPES = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "INTEGER": pa.int64(),
    "BOOL": pa.bool_(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "NUMERIC": pa.decimal128(38, 9),
}
Digests = Counter[bytes]
"""Hash of a row -> how often it is there."""


def arrow_schema(schema: Iterable[bigquery.SchemaField]) -> pa.Schema:
    """Arrow's types of a table's columns. Raises KeyError for a type that no table of ours has."""
    return pa.schema([(field.name, _TYPES[field.field_type]) for field in schema])


def read_rows(client: bigquery.Client, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """A query's rows as batches of the schema's columns. Raises ArrowInvalid for a value that doesn't fit."""
    for batch in client.query(sql).result().to_arrow_iterable():
        table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
        yield from table.to_batches(max_chunksize=BATCH_ROWS)


def read_file(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Rows of a Parquet file as batches."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=BATCH_ROWS, columns=columns)


def write_file(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Digests:
    """Write rows to a Parquet file; returns their hashes."""
    digests: Digests = Counter()
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for batch in batches:
            file.write_batch(batch)
            digests.update(row_digests(batch))
    return digests


def row_digests(batch: pa.RecordBatch) -> list[bytes]:
    """Hash of each row's canonical bytes."""
    names = tuple(batch.schema.names)
    columns = [_texts(batch.column(name)) for name in names]
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return [sha256(canonical(FORM, names, row)).digest() for row in rows]


def digests_of(batches: Iterable[pa.RecordBatch]) -> Digests:
    """Hashes of all rows."""
    return Counter(digest for batch in batches for digest in row_digests(batch))


def rows_hash(digests: Digests) -> str:
    """Hash of a set of rows, hexadecimal, whatever their order."""
    whole = sha256()
    for digest in sorted(digests.elements()):
        whole.update(digest)
    return whole.hexdigest()


def only(batches: Iterable[pa.RecordBatch], wanted: Digests) -> Iterator[pa.RecordBatch]:
    """The rows whose hashes are wanted, as often as they are wanted."""
    left = Counter(wanted)
    for batch in batches:
        kept = []
        for place, digest in enumerate(row_digests(batch)):
            if left[digest] > 0:
                left[digest] -= 1
                kept.append(place)
        if kept:
            yield batch.take(pa.array(kept))


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _texts(column: pa.Array) -> list[str | None]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return pc.cast(pc.cast(column, pa.int64()), pa.string()).to_pylist()
    if pa.types.is_decimal(kind):
        return [None if value is None else f"{value.normalize():f}" for value in column.to_pylist()]
    return pc.cast(column, pa.string()).to_pylist()
