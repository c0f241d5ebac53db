"""SIGKILL in the middle of a run, driver and warehouse alike; the next run gives what an undisturbed one gives.

The long form, run by `make campaign`; crashes around a load's commit are in tests/warehouse/test_load.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from flow_harness import ROOT, command, environment, run, tables

pytestmark = [
    pytest.mark.xdist_group("flow"),
    pytest.mark.skipif("CAMPAIGN" not in os.environ, reason="three whole runs: make campaign"),
]

MOMENTS = {
    "while sources are read": "loading the DAGs",
    "while models are built": "ingest_cloudflare",
}
"""A step that is done -> the run is killed a moment later."""


def kill_after(home, step: str, seconds: float) -> None:
    """Start a run, wait until it has printed a step, let it go on a little, and kill every process of it."""
    started = subprocess.Popen(
        command(), cwd=ROOT, env=environment(home, PYTHONUNBUFFERED="1"), stdout=subprocess.PIPE, text=True
    )
    for line in started.stdout:
        if step in line:
            break
    time.sleep(seconds)
    assert started.poll() is None, "the run was over before it could be killed"
    children = subprocess.run(["pgrep", "-P", str(started.pid)], capture_output=True, text=True, check=False).stdout
    for pid in [started.pid, *map(int, children.split())]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    started.wait()
    started.stdout.close()


def test_a_run_after_two_killed_ones_gives_the_tables_of_an_undisturbed_run(tmp_path, clean):
    for step, seconds in zip(MOMENTS.values(), (4.0, 12.0), strict=True):
        kill_after(tmp_path, step, seconds)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    after = tables(tmp_path)
    assert after.keys() == clean["tables"].keys()
    for name, held in after.items():
        assert held == clean["tables"][name], name
