"""Rows of audit.events for tests of sealing."""

from __future__ import annotations

from audit.tables import table_schema
from expectations.table import typed, unnested


def add_events(client, *events) -> None:
    """Add rows to audit.events, as kept on the morning after their day."""
    columns = {field.name: field.field_type for field in table_schema("events")}
    rows = [
        {name: None if row.get(name) is None else str(row[name]) for name in columns}
        | {"added_at": f"{row['event_day']}T23:59:00Z"}
        for row in events
    ]
    names = ", ".join(f"`{name}`" for name in columns)
    client.query(f"insert into audit.events ({names}) select {typed(columns)} from {unnested(rows)}").result()
