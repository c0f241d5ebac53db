"""`make up` and `make down`: Airflow's web page and scheduler on the embedded warehouse, for a person to look at.

A supervisor process owns the services and Airflow; ending it ends them all.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from types import FrameType

from jobs.run import alone, prepare_environment, prepare_stores
from warehouse.config import load_config
from warehouse.services import (
    SANDBOX_PSEUDONYM_KEY,
    SANDBOX_STRIPE_KEY,
    SANDBOX_SUBJECT_KEY,
    Services,
    free_port,
    tool,
)

START_SECONDS = 120


class StackError(RuntimeError):
    """The stack didn't come up; the message names its log."""


def up() -> None:
    """Start the supervisor in the background and wait until Airflow's page answers. Raises StackError."""
    config = prepare_environment()
    state = config.embedded.home / "stack.json"
    if _running(state):
        print(f"already up: {json.loads(state.read_text())['airflow']}")
        return
    state.unlink(missing_ok=True)
    log = config.embedded.home / "logs" / "stack.log"
    with log.open("ab") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "jobs.stack"], stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if supervisor.poll() is not None:
            raise StackError(f"it ended while starting (see {log})")
        if state.is_file() and _answers(json.loads(state.read_text())["airflow"] + "/api/v2/monitor/health"):
            addresses = json.loads(state.read_text())
            for name in ("airflow", "warehouse", "sandbox"):
                print(f"{name:10} {addresses[name]}")
            print(f"for commands at a terminal (prove, backfill, expectations, ...):\n{_exports(addresses)}")
            return
        time.sleep(0.5)
    supervisor.terminate()
    raise StackError(f"Airflow's page didn't answer after {START_SECONDS} s (see {log})")


def _exports(addresses: dict) -> str:
    """What a shell needs to reach the stack; the embedded default has no secrets."""
    variables = {
        "WAREHOUSE_HOME": os.environ["WAREHOUSE_HOME"],
        "BQ_EMULATOR_URL": addresses["warehouse"],
        "SANDBOX_URL": addresses["sandbox"],
        "WAREHOUSE_PSEUDONYM_KEY": SANDBOX_PSEUDONYM_KEY,
        "WAREHOUSE_SUBJECT_KEY": SANDBOX_SUBJECT_KEY,
        "STRIPE_API_KEY": SANDBOX_STRIPE_KEY,
    }
    return "\n".join(f"  export {name}={shlex.quote(value)}" for name, value in variables.items())


def down() -> None:
    """End the supervisor, and so everything that it started."""
    state = load_config().embedded.home / "stack.json"
    if not _running(state):
        print("nothing is up")
        return
    pid = json.loads(state.read_text())["pid"]
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline and _running(state):
        time.sleep(0.2)
    state.unlink(missing_ok=True)
    print("stopped")


def supervise() -> None:
    """Hold the services and Airflow until told to end."""
    config = prepare_environment()
    os.environ.pop("WAREHOUSE_TASK_RETRIES", None)
    state = config.embedded.home / "stack.json"
    signal.signal(signal.SIGTERM, _leave)
    with alone(config.embedded.home), Services(config) as services:
        warehouse = services.start_warehouse()
        services.start_sandbox()
        prepare_stores(load_config())
        port = free_port()
        page = f"http://127.0.0.1:{port}"
        os.environ.update(
            AIRFLOW__API__HOST="127.0.0.1",
            AIRFLOW__API__PORT=str(port),
            AIRFLOW__API__BASE_URL=page,
            AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{page}/execution/",
            AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
            AIRFLOW__LOGGING__LOGGING_LEVEL="INFO",
        )
        airflow = subprocess.Popen([tool("airflow"), "standalone"], start_new_session=True)
        addresses = {"pid": os.getpid(), "airflow": page, "warehouse": warehouse, "sandbox": os.environ["SANDBOX_URL"]}
        state.write_text(json.dumps(addresses))
        try:
            airflow.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(airflow.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                airflow.wait(timeout=20)
            with suppress(ProcessLookupError):
                os.killpg(airflow.pid, signal.SIGKILL)
            state.unlink(missing_ok=True)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _running(state: Path) -> bool:
    if not state.is_file():
        return False
    try:
        os.kill(json.loads(state.read_text())["pid"], 0)
    except (ProcessLookupError, ValueError, KeyError):
        return False
    return True


def _answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except (urllib.error.URLError, OSError):
        return False


if __name__ == "__main__":
    supervise()
