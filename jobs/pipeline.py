"""The steps that Airflow's tasks call: each takes a window and a run id, and can be repeated."""

from __future__ import annotations

from pathlib import Path

from audit import anchor_step, records, seal
from ingestion import run as ingest
from ingestion.attempts import attempted
from ingestion.sources import source
from jobs.transform import transform
from warehouse.client import bigquery_client
from warehouse.config import load_config
from warehouse.window import Window

REPORT = "report"


def land_source(name: str, window: Window, run_id: str) -> int:
    """Land one source's window; returns the number of new objects, 0 for a source that is switched off."""
    config = load_config()
    if not getattr(config.sources, name).enabled:
        return 0
    return ingest.land(source(name), window, ingest.context(config), run_id)


def load_source(name: str, window: Window, run_id: str) -> int:
    """Load what is landed of one source; returns the number of rows."""
    config = load_config()
    if not getattr(config.sources, name).enabled:
        return 0
    return ingest.load(source(name), window, ingest.context(config), run_id).rows


def verify_source(name: str, window: Window, run_id: str) -> int:
    """Let a source prove what is loaded, and read again what is missing; returns the number of rows that brought."""
    config = load_config()
    if not getattr(config.sources, name).enabled:
        return 0
    return ingest.verify(source(name), window, ingest.context(config), run_id).rows


def build_models(window: Window, run_id: str) -> str:
    """Build staging, intermediate and marts for the window and the partitions that late rows touched."""
    return transform(load_config(), window, run_id)


def record_audit(window: Window, run_id: str) -> int:
    """Add what is new to the audit log; returns the number of records. The models must have been built."""
    config = load_config()
    return records.record(config, bigquery_client(config), window, run_id).total


def seal_audit(window: Window, run_id: str) -> int:
    """Seal the days that the window closes; returns the number of seals."""
    config = load_config()
    client = bigquery_client(config)
    with attempted(client, "audit_seal", window, run_id) as done:
        seals = len(seal.seal_window(config, client, window, run_id).seals)
        done.detail = f"{seals} seals"
        return seals


def anchor_seals(window: Window, run_id: str) -> int:
    """Anchor the log of seals as it is; returns the number of seals that the head covers."""
    config = load_config()
    return anchor_step.anchor_seals(config, bigquery_client(config), window, run_id)


def report_path(window: Window) -> Path:
    """Where the report of a window goes."""
    return load_config().embedded.home / REPORT / f"{window.slug}.html"


def write_report(window: Window, run_id: str) -> str:
    """Write the report page; returns its path."""
    from reporting.report import build_report

    config = load_config()
    return str(build_report(bigquery_client(config), config, window, run_id, report_path(window)))


def keep_retention(window: Window, run_id: str) -> str:
    """Copy closed months to the cold tier and remove what is past its time at the window's end; says how much."""
    from audit.cold_archive import archive
    from audit.purge import purge

    config = load_config()
    client, as_of = bigquery_client(config), window.end.date()
    with attempted(client, "retention", window, run_id) as done:
        copies = archive(config, client, as_of, run_id)
        gone = [each for each in purge(config, client, as_of, run_id) if not each.locked]
        done.detail = f"{len(copies)} months copied, {sum(each.rows for each in gone)} rows removed"
        return done.detail
