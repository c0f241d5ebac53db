"""Cloudflare: HTTP requests and Worker traces of Logpush, and Workers Analytics Engine.

The traces carry the platform's audit log and what its Workers say of themselves.
"""

from __future__ import annotations

from ingestion.base import Dataset, Source
from ingestion.cloudflare.analytics import DATASET, prepare_points
from ingestion.cloudflare.land import land
from ingestion.cloudflare.logpush import may_be_cut
from ingestion.cloudflare.requests import prepare_requests
from ingestion.cloudflare.traces import prepare_traces
from ingestion.exports import prepare_unknown

# Logpush never rewrites an object; it pushes once, and a push that is repeated has the same records.
_LOGS = {"immutable": True, "delivered_once": True, "may_be_cut": may_be_cut}

SOURCE = Source(
    name="cloudflare",
    land=land,
    datasets={
        "http_requests": Dataset("http_requests", prepare_requests, **_LOGS),
        "workers_trace_events": Dataset("workers_trace_events", prepare_traces, **_LOGS),
        DATASET: Dataset(DATASET, prepare_points),
        "unusable": Dataset("unusable", prepare_unknown),
    },
)
