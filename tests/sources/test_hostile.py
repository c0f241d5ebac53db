"""Whatever stands in a record, reading goes on: each line is a row or a quarantine row that can be written."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**130),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["2026-10-05T00:00:00Z", "audit", "{}", "[1]", "user:", "\ud800", "\x00", "cus_1", "1" * 44]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)


def records_with(*names: str, nested: dict[str, tuple[str, ...]] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    fields: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(names, values)
    for name, inner in (nested or {}).items():
        fields[name] = st.one_of(values, st.fixed_dictionaries({}, optional=dict.fromkeys(inner, values)))
    return st.fixed_dictionaries({}, optional=fields)


CHANGE = (
    "timestamp",
    "event_id",
    "document_name",
    "document_id",
    "operation",
    "data",
    "old_data",
    "path_params",
    "json",
)
DATASETS = {
    ("firebase", "firestore_changelog"): records_with(*CHANGE).map(
        lambda row: {"timestamp": 0, "event_id": "", "document_name": "a/b", "operation": "CREATE"} | row
    ),
    ("firebase", "auth_export"): records_with(
        "localId", "createdAt", "disabled", "emailVerified", "providerUserInfo", "mfaInfo", "users"
    ),
    ("firebase", "cloud_logging"): records_with(
        "insertId",
        "insertid",
        "timestamp",
        "logName",
        "severity",
        "jsonPayload",
        nested={"resource": ("type", "labels")},
    ),
    ("cloudflare", "http_requests"): records_with(
        "RayID", "EdgeStartTimestamp", "EdgeResponseStatus", "ClientRequestPath", "OriginResponseTime", "events"
    ),
    ("cloudflare", "workers_trace_events"): records_with(
        "EventTimestampMs", "Logs", "Exceptions", "logs", "CPUTimeMs", "Event"
    ).flatmap(
        lambda trace: st.one_of(
            st.just(trace),
            records_with("v", "seq", "at", "actor", "amount", "stream", "action", "hash", "prev_hash").map(
                lambda event: {**trace, "Logs": [{"Message": [json.dumps({"type": "audit", "v": 1} | event)]}]}
            ),
        )
    ),
    ("stripe", "charges"): st.builds(
        lambda body: {"request": "/v1/charges", "body": json.dumps(body)},
        st.one_of(
            values,
            st.builds(
                lambda items: {"object": "list", "data": items},
                st.lists(
                    records_with("id", "amount", "created", "currency", "customer", "paid", "metadata").map(
                        lambda item: {"id": "ch", "object": "charge", "amount": 1, "created": 1, "currency": "x"} | item
                    ),
                    max_size=3,
                ),
            ),
        ),
    ),
}

DERIVED = ("platform_audit_events", "worker_logs")
"""Rows beside that of the record that holds them."""


@pytest.mark.parametrize("place", DATASETS, ids="-".join)
def test_no_record_stops_the_reading(prepare, place):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(DATASETS[place], min_size=1, max_size=4))
    def run(records: list[dict[str, Any]]) -> None:
        body = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        rows = prepare(*place, body)
        rows.pop("schema_changes", None)  # tells of objects, not of records
        for table in rows.values():
            for row in table:
                orjson.dumps(row)  # what the loader does with it
                assert (day := row.get("_event_date")) is None or date.fromisoformat(day)
        if place[0] == "cloudflare" and not any("events" in record for record in records):
            own = [row["_line"] for name, table in rows.items() if name not in DERIVED for row in table]
            assert set(own) == set(range(1, len(records) + 1))

    run()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=300),
    place=st.sampled_from([*DATASETS, ("stripe", "unusable"), ("firebase", "managed_export")]),
)
def test_no_bytes_stop_the_reading(prepare, body, place):
    for table in prepare(*place, body).values():
        for row in table:
            orjson.dumps(row)
