"""Builds the report of a window: reads the marts, writes one self-contained HTML page."""

from __future__ import annotations

import os
from pathlib import Path

from google.cloud import bigquery

from reporting.data import read_report
from reporting.page import render_page
from warehouse.config import Config
from warehouse.window import Window


def build_report(client: bigquery.Client, config: Config, window: Window, run_id: str, out_path: Path) -> Path:
    """Writes the page for `window` to `out_path`, whole or not at all; returns the path.

    The same warehouse, window and run id give the same bytes: nothing on the page is of the moment it is made.
    """
    page = render_page(read_report(client, config, window), run_id)
    out_path = Path(out_path)
    out_path.parent.mkdir(parents=True, exist_ok=True)
    partial = out_path.with_name(f".{out_path.name}.part")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, out_path)
    return out_path
