"""Landed objects -> rows in files to load, a unit at a time; workers.py says in which process.

A large object whose records are independent lines is cut into pieces, always the same ones: what comes out doesn't
depend on the number of processes, and a huge object takes no more memory than a small one.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from ingestion.base import Context, Dataset, LandedObject
from ingestion.cutting import PIECE_BYTES, Piece, cut
from ingestion.drift import TABLE as SCHEMA_CHANGES
from ingestion.drift import change_row
from ingestion.landing import LandingCorrupt, is_damaged, open_received
from ingestion.quarantine import quarantine_row, sealed, stopped, unreadable_row
from ingestion.staging import RowFiles
from ingestion.tables import RAW, home
from warehouse.config import ConfigError
from warehouse.window import format_instant

log = logging.getLogger(__name__)
DAMAGED = "the gzip stream is damaged, so nothing vouches for any of its records; the object is kept in the landing"
CUT_BYTES = 1 << 20
"""Received (compressed) bytes from which on an object is cut."""


@dataclass
class Prepared:
    """What an object, or a piece of it, gave: rows in raw tables (quarantine apart), partitions, tables, findings."""

    rows: int = 0
    quarantined: int = 0
    dates: set[str | None] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    wrong_types: Counter[str] = field(default_factory=Counter)
    new_fields: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    unreadable: str = ""

    def add(self, other: Prepared) -> None:
        """Take in what another piece of the object gave."""
        self.rows += other.rows
        self.quarantined += other.quarantined
        self.dates |= other.dates
        self.tables |= other.tables
        self.wrong_types += other.wrong_types
        for columns in other.new_fields.values():
            self.saw(columns)
        self.unreadable = self.unreadable or other.unreadable

    def saw(self, columns: dict[str, Any]) -> None:
        """Take in a row of ops.schema_changes."""
        place = columns["field"], columns["change"]
        if before := self.new_fields.get(place):
            first = min(before, columns, key=lambda row: row["first_line"])
            columns = {**first, "records": before["records"] + columns["records"]}
        self.new_fields[place] = columns


@dataclass(frozen=True)
class Unit:
    """Work of one process at a time: a whole object, or a piece of it."""

    landed: LandedObject
    piece: Piece | None = None


class Preparer:
    """Turns units into rows of `files`."""

    def __init__(self, datasets: Mapping[str, Dataset], ctx: Context, files: RowFiles, loaded_at: datetime) -> None:
        self._datasets, self._ctx, self._files = datasets, ctx, files
        self._loaded_at = format_instant(loaded_at)

    def units(self, batch: Iterable[LandedObject]) -> Iterator[Unit]:
        """The batch's objects, the large ones in pieces where their records allow it."""
        for landed in batch:
            may_be_cut = self._datasets[landed.dataset].may_be_cut
            if may_be_cut is None or landed.size_bytes < CUT_BYTES or landed.content_sha256 is None:
                yield Unit(landed)
                continue
            try:
                stream = self._open(landed)
            except LandingCorrupt:
                yield Unit(landed)  # found again, and recorded, where it is read
                continue
            with stream:
                for piece in cut(stream, PIECE_BYTES):
                    if piece.first_line == 1 and not may_be_cut(piece.first_record(), landed, self._ctx):
                        yield Unit(landed)
                        break
                    yield Unit(landed, piece)

    def run(self, unit: Unit) -> Prepared:
        """Rows of one unit into the files. An object that breaks its reader keeps its good rows and says so."""
        landed, done = unit.landed, Prepared()
        add = self._adder(landed, done)
        prepare = self._datasets[landed.dataset].prepare
        try:
            with unit.piece or self._open(landed) as stream:
                if landed.content_sha256 is None and is_damaged(stream):
                    add(*quarantine_row(landed, 0, "bad_gzip", DAMAGED, b""))
                    return done
                for table, columns in prepare(landed, stream, self._ctx):
                    if table == SCHEMA_CHANGES:
                        done.saw(columns)
                    else:
                        add(table, columns)
        except ConfigError:  # the reader can't start: nothing is wrong with the object
            raise
        except Exception as error:  # one bad object must not stop the others: it is kept, named and can be replayed
            log.exception("object can't be read to its end: %s", landed.uri)
            done.unreadable = stopped(error)
        return done

    def finish(self, landed: LandedObject, done: Prepared) -> None:
        """Rows that only the whole object can tell."""
        add = self._adder(landed, done)
        for columns in done.new_fields.values():
            add(SCHEMA_CHANGES, columns)
        for name, records in sorted(done.wrong_types.items()):
            add(*change_row(landed, name, "changed_type", None, records, 0))
        if done.unreadable:
            add(*unreadable_row(landed, done.unreadable))

    def _open(self, landed: LandedObject) -> BinaryIO:
        return open_received(self._ctx.filesystem, landed.uri, landed.sha256)

    def _adder(self, landed: LandedObject, done: Prepared) -> Callable[[str, dict[str, Any]], None]:
        """What adds rows of an object to the files, and counts them."""
        landed_at = format_instant(landed.landed_at)
        place = {"_object_uri": landed.uri, "_landed_at": landed_at}

        def add(table: str, columns: dict[str, Any]) -> None:
            done.tables.add(table)
            if home(table) == RAW:
                done.dates.add(columns["_event_date"])
                done.rows += table != "quarantine"
            if table == "quarantine":
                if columns["reason_code"] == "wrong_type":
                    done.wrong_types[columns["position"]] += 1
                columns = sealed(columns, self._ctx.sealer)
                columns |= {"first_seen_at": landed_at, "last_seen_at": self._loaded_at}
                done.quarantined += 1
            self._files.add(table, columns | place)

        return add
