"""Whole runs of Stripe, Firebase and Cloudflare on an embedded warehouse, and what the platform really sent.

What should be held is taken from the exported lines and the account's own books; what is held, from the staging models,
compiled once and asked on the warehouse of the run.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from ingestion import run
from ingestion.base import Context
from ingestion.errors import SourceUnavailable
from ingestion.exports import key_time
from ingestion.sources import source
from ingestion.tables import ensure_tables
from jobs.dbt_build import PROJECT
from jobs.variables import variables
from sandbox.app import _stripe, audit_records, payments_of
from sandbox.audit_log import AuditRecord
from sandbox.bucket import EXPORTS, LOGPUSH, Buckets
from sandbox.chain_control import ChainControl, ChainSettings
from sandbox.connection import BreakableApp
from sandbox.control import stripe_control
from sandbox.delivery import deliver
from sandbox.payments_account import Payments
from sandbox.serving import running
from sandbox.stripe_api import API_KEY, stripe_routes
from sandbox.world import build_world
from warehouse.config import Config, load_config
from warehouse.profile import load_profile
from warehouse.services import tool
from warehouse.window import Window

SEED = 11
DAY = Window.parse("2026-10-05", "2026-10-06")
SOURCES = ("stripe", "firebase", "cloudflare")
LOGS = ("http_requests", "workers_trace_events")
PREFIXES = {LOGPUSH: LOGS, EXPORTS: ("firestore_changelog", "auth_export", "cloud_logging")}


@dataclass(frozen=True)
class Platform:
    """Two days of a platform: its Stripe account, served at `url`, and its exported objects by key."""

    url: str
    window: Window
    payments: Payments
    records: list[AuditRecord]
    exports: Mapping[str, bytes]

    def lines(self, prefix: str) -> list[dict[str, Any]]:
        """The records of the exported objects below a prefix; a change tracker's envelope is taken off."""
        found = []
        for key, body in self.exports.items():
            if key.startswith(prefix + "/"):
                text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
                found += [json.loads(line) for line in text.splitlines()]
        return [record.get("json", record) if "insertId" in record else record for record in found]


@contextmanager
def served(days: int = 2, seed: int = SEED) -> Iterator[Platform]:
    """Serve a platform's Stripe API on loopback."""
    world = build_world(days=days, seed=seed)
    payments = payments_of(world)
    signatures = ChainControl(world, set(), set(), ChainSettings()).chain.signatures
    records = audit_records(world.actions, payments.actions, signatures)
    with tempfile.TemporaryDirectory() as home:
        buckets = Buckets(Path(home))
        deliver(buckets, world, records, signatures, drop_audit_event=False)
        exports = {
            key: buckets.get(bucket, key) or b""
            for bucket, prefixes in PREFIXES.items()
            for prefix in prefixes
            for key in buckets.keys(bucket, prefix + "/")
            if key_time(key) is not None
        }
    board = _stripe(payments)
    with running(BreakableApp(routes=[*stripe_routes(board), stripe_control(board)])) as url:
        yield Platform(url, Window(world.start, world.end), payments, list(records), exports)


def config_of(name: str, url: str) -> Config:
    """The project's configuration for a warehouse of that name, its buckets its own, Stripe at `url`."""
    os.environ["STRIPE_API_KEY"] = API_KEY
    config = load_config()
    bucket = f"gs://{name}"
    firebase_settings = config.sources.firebase.model_copy(
        update={
            "changelog": f"{bucket}/firestore_changelog",
            "auth_export": f"{bucket}/auth_export",
            "cloud_logging": f"{bucket}/cloud_logging",
            "managed_export": None,
        }
    )
    jobs = {name: f"{bucket}/{name}" for name in LOGS}
    cloudflare = type(config.sources.cloudflare).model_validate(
        config.sources.cloudflare.model_dump(by_alias=True) | jobs
    )
    stripe = config.sources.stripe.model_copy(update={"api_base": f"{url}/stripe", "max_network_retries": 4})
    sources = {"firebase": firebase_settings, "cloudflare": cloudflare, "stripe": stripe, "unusable": None}
    return config.model_copy(
        update={
            "project": name,
            "landing": f"{config.landing}/{name}",
            "staging": f"{config.staging}/{name}",
            "sources": config.sources.model_copy(update=sources),
        }
    )


def context(config: Config) -> Context:
    """A context whose warehouse has its tables."""
    made = run.context(config)
    ensure_tables(made.client)
    return made


def ingest(config: Config, window: Window) -> bool:
    """Land and load a window of the three sources, as the DAG does; whether nothing failed."""
    good = True
    for name in SOURCES:
        for step in (run.land, run.load):
            try:
                step(source(name), window, run.context(config), "test")
            except SourceUnavailable:
                good = False
    return good


def rows(config: Config, sql: str) -> list[dict[str, Any]]:
    """Rows of a query on a warehouse."""
    return [dict(row) for row in run.context(config).client.query(sql).result()]


@cache
def staging_queries() -> dict[str, str]:
    """Staging model -> its compiled query, with {project} for the project."""
    config = load_config()
    window = Window.parse("2026-10-05", "2026-10-07")
    settings = variables(config, load_profile(config), window) | {"partitions": [], "balance_partitions": []}
    with tempfile.TemporaryDirectory() as target:
        command = [
            *(tool("dbt"), "compile", "--select", "staging", "--no-introspect"),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", target),
            *("--vars", json.dumps(settings)),
        ]
        own = {
            "WAREHOUSE_PROJECT": "the-project",
            "WAREHOUSE_LOCATION": config.location,
            "WAREHOUSE_TARGET": "embedded",
        }
        done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stdout[-2000:])
        files = Path(target).glob("compiled/*/models/staging/*/*.sql")
        return {path.stem: path.read_text().replace("`the-project`", "`{project}`") for path in files}


def held(config: Config, model: str, columns: str) -> Counter[tuple]:
    """Rows of a staging model, cut to some columns, as texts."""
    query = staging_queries()[model].format(project=config.project)
    return Counter(_texts(row.values()) for row in rows(config, f"select {columns} from ({query})"))


def _texts(values: Any) -> tuple[str | None, ...]:
    return tuple(_text(value) for value in values)


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return None if value is None else str(value)


def _instant(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


STRIPE_COLUMNS = {
    "charges": "charge_id, amount, amount_refunded, currency, status, is_paid, is_disputed",
    "refunds": "refund_id, amount, currency, status",
    "disputes": "dispute_id, amount, currency, status",
    "payouts": "payout_id, amount, currency, status",
    "payment_intents": "payment_intent_id, amount, amount_received, currency, status",
    "balance_transactions": "balance_transaction_id, amount, fee, net, currency, transaction_type",
    "events": "event_id, event_type",
}
_FIELD = {"transaction_type": "type", "event_type": "type", "is_paid": "paid", "is_disputed": "disputed"}


def checks(platform: Platform) -> Iterator[tuple[str, str, Counter[tuple]]]:
    """(staging model, its columns, the rows that it must have) for every table that the three sources fill."""
    requests, traces = (platform.lines(name) for name in LOGS)
    yield (
        "stg_cloudflare__http_requests",
        "ray_id, path, status_code",
        Counter(_texts((line["RayID"], line["ClientRequestPath"], line["EdgeResponseStatus"])) for line in requests),
    )
    yield (
        "stg_cloudflare__worker_traces",
        "event_at, outcome, cpu_ms, wall_ms",
        Counter(
            _texts((_instant(line["EventTimestampMs"]), line["Outcome"], line["CPUTimeMs"], line["WallTimeMs"]))
            for line in traces
        ),
    )
    yield (
        "stg_platform__audit_events",
        "stream, seq, record_hash",
        Counter(_texts((record.stream, record.seq, record.event["hash"])) for record in platform.records),
    )
    changes = platform.lines("firestore_changelog")
    named = {(line["event_id"], line["operation"]) for line in changes if line["event_id"]}
    imports = Counter(("", line["operation"]) for line in changes if not line["event_id"])
    yield "stg_firestore__changes", "event_id, operation", Counter(named) + imports
    entries = {(line["insertId"], line["severity"]) for line in platform.lines("cloud_logging")}
    yield "stg_cloud_logging__entries", "insert_id, severity", Counter(entries)
    users: Counter[tuple] = Counter()
    for key, body in platform.exports.items():
        if key.startswith("auth_export/"):
            day = date.fromisoformat(key.split("/")[1][:8])
            users[str(day),] += len(json.loads(body)["users"])
    yield "stg_firebase__auth_users", "event_date", users
    objects = {**platform.payments.objects, "events": platform.payments.events}
    for resource, columns in STRIPE_COLUMNS.items():
        _, *others = columns.split(", ")
        fields = ["id", *(_FIELD.get(name, name) for name in others)]
        yield (
            f"stg_stripe__{resource}",
            columns,
            Counter(_texts(obj[name] for name in fields) for obj in objects[resource]),
        )
