"""The steps that Airflow's tasks call: each takes a window and a run id, and can be repeated."""

from __future__ import annotations

from pathlib import Path

from ingestion import run as ingest
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


def report_path(window: Window) -> Path:
    """Where the report of a window goes."""
    return load_config().embedded.home / REPORT / f"{window.slug}.html"


def write_report(window: Window, run_id: str) -> str:
    """Write the report page; returns its path."""
    from reporting.report import build_report

    config = load_config()
    return str(build_report(bigquery_client(config), config, window, run_id, report_path(window)))
