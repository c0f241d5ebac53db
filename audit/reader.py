"""What verification reads, a day at a time: from the warehouse, or from rows at hand.

Rows are mappings with the columns of the audit tables, as the warehouse's client gives them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, Protocol

from google.cloud import bigquery

from audit.encoding import RECORD_FIELDS
from warehouse.config import Config
from warehouse.storage import Storage

Row = Mapping[str, Any]
NO_DAY = "date '0001-01-01'"
EVENT_COLUMNS = ("record_id", *RECORD_FIELDS, "added_at")


class Leaf(NamedTuple):
    """A row of audit.leaves and a row of audit.events with its stream, record_id and event_day; None without one."""

    stream: str | None
    position: int | None
    record_id: str | None
    event_day: date | None
    event: Row | None


class Source(Protocol):
    """Where the rows come from. A day is None for rows whose day is null; `stream` None means all."""

    def seals(self) -> Sequence[Row]:
        """All of audit.seals, by seal_no."""

    def anchors(self) -> Sequence[Row]:
        """All of audit.anchors."""

    def objects(self) -> Mapping[str, bytes]:
        """Address -> bytes of each object among the anchors."""

    def sealed_days(self) -> Sequence[Row]:
        """All of audit.sealed_days."""

    def removed_days(self, table: str) -> Sequence[tuple[date, date]]:
        """First and last days that a purge removed from a table of the warehouse ("audit.events")."""

    def days(self) -> set[date | None]:
        """Days that have rows in events (by event_day), leaves or tree_nodes (by seal_day)."""

    def leaves(self, day: date | None, stream: str | None) -> Iterable[Leaf]:
        """Leaves of a seal day in order of stream and position; one for each event where several match."""

    def nodes(self, day: date | None, stream: str | None) -> Iterable[Row]:
        """Rows of tree_nodes of a seal day."""

    def strays(self, day: date | None, stream: str | None) -> Iterable[Row]:
        """Events of an event day that no leaf has."""


def _order(value: Any) -> tuple[bool, Any]:
    return value is not None, value


@dataclass
class Rows:
    """Rows at hand: the tables' contents as lists."""

    events: list[dict[str, Any]]
    leaf_rows: list[dict[str, Any]]
    node_rows: list[dict[str, Any]]
    seal_rows: list[dict[str, Any]]
    sealed_day_rows: list[dict[str, Any]]
    anchor_rows: list[dict[str, Any]] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    removed: dict[str, list[tuple[date, date]]] = field(default_factory=dict)

    def seals(self) -> Sequence[Row]:
        """See Source."""
        return sorted(self.seal_rows, key=lambda row: _order(row["seal_no"]))

    def anchors(self) -> Sequence[Row]:
        """See Source."""
        return self.anchor_rows

    def objects(self) -> Mapping[str, bytes]:
        """See Source."""
        return self.bodies

    def sealed_days(self) -> Sequence[Row]:
        """See Source."""
        return self.sealed_day_rows

    def removed_days(self, table: str) -> Sequence[tuple[date, date]]:
        """See Source."""
        return self.removed.get(table, [])

    def days(self) -> set[date | None]:
        """See Source."""
        named = (("event_day", self.events), ("seal_day", self.leaf_rows), ("seal_day", self.node_rows))
        return {row[name] for name, rows in named for row in rows}

    def leaves(self, day: date | None, stream: str | None) -> Iterator[Leaf]:
        """See Source."""
        by_id: dict[tuple, list[Row]] = {}
        for event in self.events:
            by_id.setdefault((event["stream"], event["record_id"], event["event_day"]), []).append(event)
        held = [row for row in self.leaf_rows if row["seal_day"] == day and stream in (None, row["stream"])]
        for row in sorted(held, key=lambda row: (_order(row["stream"]), _order(row["position"]))):
            key = row["stream"], row["record_id"], row["event_day"]
            for event in (by_id.get(key) if None not in key else None) or [None]:
                yield Leaf(row["stream"], row["position"], row["record_id"], row["event_day"], event)

    def nodes(self, day: date | None, stream: str | None) -> Iterator[Row]:
        """See Source."""
        return (row for row in self.node_rows if row["seal_day"] == day and stream in (None, row["stream"]))

    def strays(self, day: date | None, stream: str | None) -> Iterator[Row]:
        """See Source."""
        sealed = {(row["stream"], row["record_id"], row["event_day"]) for row in self.leaf_rows}
        for event in self.events:
            key = event["stream"], event["record_id"], event["event_day"]
            is_asked = event["event_day"] == day and stream in (None, event["stream"])
            if is_asked and (None in key or key not in sealed):
                yield event


class Warehouse:
    """The warehouse's tables and the anchors' bucket. Each day's rows are read once, as they come."""

    def __init__(self, config: Config, client: bigquery.Client) -> None:
        self._config, self._client = config, client
        self._sealed_days: list[Row] | None = None

    def seals(self) -> Sequence[Row]:
        """See Source."""
        return [dict(row) for row in self._rows("select * from audit.seals order by seal_no")]

    def anchors(self) -> Sequence[Row]:
        """See Source."""
        return [dict(row) for row in self._rows("select * from audit.anchors order by size, kind, address")]

    def objects(self) -> Mapping[str, bytes]:
        """See Source."""
        storage = Storage(self._config)
        return {
            item.uri: storage.read(item.uri) for item in storage.list(f"{self._config.audit.anchors.rstrip('/')}/heads")
        }

    def sealed_days(self) -> Sequence[Row]:
        """See Source."""
        if self._sealed_days is None:
            self._sealed_days = [dict(row) for row in self._rows("select * from audit.sealed_days")]
        return self._sealed_days

    def removed_days(self, table: str) -> Sequence[tuple[date, date]]:
        """See Source."""
        rows = self._rows("select first_day, last_day, table_name from audit.purges where tier = 'hot'")
        return [(row["first_day"], row["last_day"]) for row in rows if row["table_name"] == table]

    def days(self) -> set[date | None]:
        """See Source."""
        return {
            row["day"]
            for row in self._rows(
                "select distinct event_day as day from audit.events union distinct "
                "select distinct seal_day from audit.leaves union distinct "
                "select distinct seal_day from audit.tree_nodes"
            )
        }

    def leaves(self, day: date | None, stream: str | None) -> Iterator[Leaf]:
        """See Source."""
        held = _where("seal_day", day)
        days = [row["event_day"] for row in self._rows(f"select distinct event_day from audit.leaves where {held}")]
        constants = ", ".join(f"date '{one}'" for one in days if one is not None) or NO_DAY
        columns = ", ".join(f"e.`{name}`" for name in EVENT_COLUMNS)
        rows = self._rows(
            f"select l.stream as leaf_stream, l.position as leaf_position, l.record_id as leaf_id, "
            f"l.event_day as leaf_day, {columns} "
            f"from (select * from audit.leaves where {held} {_of(stream)}) as l "
            f"left join (select * from audit.events where event_day in ({constants})) as e "
            "on e.stream = l.stream and e.record_id = l.record_id and e.event_day = l.event_day "
            "order by leaf_stream, leaf_position",
            stream,
        )
        for row in rows:
            event = None if row["record_id"] is None else row
            yield Leaf(row["leaf_stream"], row["leaf_position"], row["leaf_id"], row["leaf_day"], event)

    def nodes(self, day: date | None, stream: str | None) -> Iterator[Row]:
        """See Source."""
        return iter(self._rows(f"select * from audit.tree_nodes where {_where('seal_day', day)} {_of(stream)}", stream))

    def strays(self, day: date | None, stream: str | None) -> Iterator[Row]:
        """See Source."""
        seal_days = {row["seal_day"] for row in self.sealed_days() if row["event_day"] == day} | {day}
        constants = ", ".join(f"date '{one}'" for one in sorted(one for one in seal_days if one is not None)) or NO_DAY
        columns = ", ".join(f"e.`{name}`" for name in EVENT_COLUMNS)
        return iter(
            self._rows(
                f"select {columns} "
                f"from (select * from audit.events where {_where('event_day', day)} {_of(stream)}) as e "
                f"left join (select distinct stream, record_id, event_day from audit.leaves "
                f"where seal_day in ({constants})) as l "
                "on e.stream = l.stream and e.record_id = l.record_id and e.event_day = l.event_day "
                "where l.record_id is null",
                stream,
            )
        )

    def _rows(self, sql: str, stream: str | None = None) -> Iterable[Row]:
        given = [] if stream is None else [bigquery.ScalarQueryParameter("stream", "STRING", stream)]
        return self._client.query(sql, job_config=bigquery.QueryJobConfig(query_parameters=given)).result()


def _where(column: str, day: date | None) -> str:
    return f"{column} is null" if day is None else f"{column} = date '{day}'"


def _of(stream: str | None) -> str:
    return "" if stream is None else "and stream = @stream"
