"""Stripe's lists into the landing: pages/s and peak memory, beside the official library's own auto-paging.

A server process of its own hands out pages of 100 charges, each as Stripe renders it. This reader asks for them one
after the other, checks them, and lands them compressed, with their manifest rows; the library alone only turns them
into its objects. `python -m benchmarks.stripe_pages SIDE URL PAGES` is one such process.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qs

import stripe
from rich.console import Console
from rich.table import Table

from ingestion import run
from ingestion.sources import source
from ingestion.tables import ensure_tables
from sandbox.serving import running
from sandbox.stripe_shapes import Card, Payer, charge, payment_intent
from warehouse.config import load_config
from warehouse.services import SANDBOX_PSEUDONYM_KEY, Services, runtime_environment
from warehouse.window import Window

COUNTS = (100, 1_000, 3_000)
"""Pages of a run; the library alone reads at most BOTH of them, for it takes long."""
BOTH = 1_000
PER_PAGE = 100
WINDOW = Window.parse("2026-10-05", "2026-10-06")
KEY = "rk_benchmark"


def main(rows: int, runs: int) -> None:
    """Measure both sides in turn, each run in a process of its own."""
    table = Table(title=f"pages of {PER_PAGE} charges, {len(_page(0, True)) / 1e3:.0f} kB each; median of {runs}")
    for heading in ("", "pages", "pages/s", "ratio", "pages / CPU s", "peak MB"):
        table.add_column(heading, justify="left" if not heading else "right")
    with _server() as url, _warehouse():
        for pages in COUNTS:
            sides = ("ours", "library") if pages <= BOTH else ("ours",)
            measured: dict[str, list[tuple[float, float, float]]] = {side: [] for side in sides}
            for _ in range(runs):
                for side in sides:
                    measured[side].append(_in_a_process(side, url, pages))
            slowest = max(median(figure[0] for figure in figures) for figures in measured.values())
            for side, figures in measured.items():
                seconds, cpu, peak = (median(values) for values in zip(*figures, strict=True))
                ratio = f"{slowest / seconds:.1f}" if len(sides) > 1 else ""
                name = "this reader" if side == "ours" else "the library"
                speed, alone = f"{pages / seconds:,.0f}", f"{pages / cpu:,.0f}"
                table.add_row(name, f"{pages:,}", speed, ratio, alone, f"{peak / 1e6:.0f}")
    Console().print(table)


def _in_a_process(side: str, url: str, pages: int) -> tuple[float, float, float]:
    """(seconds, CPU seconds, peak bytes) of one run."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.stripe_pages", side, url, str(pages)]
    seconds, cpu, peak = map(float, subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split())
    return seconds, cpu, peak


def _ours(url: str, pages: int) -> None:
    config = load_config()
    settings = {"api_base": f"{url}/{pages}", "resources": ["charges"]}
    settings = config.sources.stripe.model_copy(update=settings)
    sources = config.sources.model_copy(update={"stripe": settings})
    landing = f"gs://bench-{os.getpid()}"  # nothing of an earlier run is held
    config = config.model_copy(update={"sources": sources, "landing": landing})
    ctx = replace(run.context(config), secrets=lambda name: KEY)
    landed = run.land(source("stripe"), WINDOW, ctx, "bench")
    if not landed:
        raise RuntimeError("nothing was landed")


def _library(url: str, pages: int) -> None:
    client = stripe.StripeClient(KEY, base_addresses={"api": f"{url}/{pages}"})
    count = sum(1 for _ in client.v1.charges.list({"limit": PER_PAGE}).auto_paging_iter())
    if count != pages * PER_PAGE:
        raise RuntimeError(f"{count} charges came")


def _page(number: int, more: bool) -> bytes:
    """Page `number` as Stripe renders it."""
    rendered = _template().replace('"ch_0"', '"ch_%08d"')
    charges = ",\n".join(rendered % (number * PER_PAGE + place) for place in range(PER_PAGE))
    end = f'  "has_more": {json.dumps(more)},\n  "url": "/v1/charges"\n}}'
    return f'{{\n  "object": "list",\n  "data": [\n{charges}\n  ],\n{end}'.encode()


@cache
def _template() -> str:
    at = int(WINDOW.start.timestamp())
    payer, card = Payer("u1", "Jane Doe", "jane@example.org"), Card("pm_1", "visa", "4242", "US", "f")
    made = charge("ch_0", payment_intent("pi_1", "cus_1", 1999, "usd", at, "coin pack"), card, payer, at)
    return json.dumps(made, indent=2)


class _Pages:
    """The list of charges as an ASGI application: /<number of pages>/v1/charges?starting_after=..."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        pages = int(scope["path"].split("/")[1])
        after = parse_qs(scope["query_string"].decode()).get("starting_after")
        number = (int(after[0][3:]) + 1) // PER_PAGE if after else 0
        body = _page(number, number + 1 < pages)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _serve(told: Any) -> None:
    with running(_Pages()) as url:
        told.send(url)
        told.recv()


@contextmanager
def _server() -> Iterator[str]:
    """The server in a process of its own, so that it takes no turn of the reader's interpreter."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


@contextmanager
def _warehouse() -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(runtime_environment(Path(folder)))
        os.environ["WAREHOUSE_PSEUDONYM_KEY"] = SANDBOX_PSEUDONYM_KEY
        with Services(load_config()) as services:
            services.start_warehouse()
            ensure_tables(run.context(load_config()).client)
            yield


def _measured(side: Callable[[str, int], None], url: str, pages: int) -> str:
    started, busy = time.perf_counter(), time.process_time()
    side(url, pages)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"{seconds} {cpu} {peak}"


if __name__ == "__main__":
    print(_measured({"ours": _ours, "library": _library}[sys.argv[1]], sys.argv[2], int(sys.argv[3])))
