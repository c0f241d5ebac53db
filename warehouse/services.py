"""The processes of the embedded default: BigQuery emulator and sandbox, on loopback, stopping with who started them."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.config import Config
from warehouse.storage import gcs_root

SANDBOX_STRIPE_KEY = "rk_sandbox_readonly"
SANDBOX_PSEUDONYM_KEY = "sandbox-pseudonym-key-not-a-secret"
SANDBOX_SUBJECT_KEY = "sandbox-subject-key-not-a-secret"
START_SECONDS = 60


class ServiceFailed(RuntimeError):
    """A service didn't come up; the message names its log."""


def runtime_environment(home: Path) -> dict[str, str]:
    """Variables that keep every tool's state below <home> and its telemetry off. Set before the tools are imported."""
    home = home.resolve()
    return {
        "WAREHOUSE_HOME": str(home),
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path("dags").resolve()),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow' / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs" / "airflow"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "DBT_TARGET_PATH": str(home / "dbt" / "target"),
        "DBT_LOG_PATH": str(home / "logs" / "dbt"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        "PYTHONWARNINGS": "ignore::FutureWarning,ignore::DeprecationWarning",
        "PYTHONPATH": str(Path.cwd()),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    }


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Services:
    """Started processes; a context manager that stops them. Their addresses go into the environment."""

    config: Config
    processes: list[subprocess.Popen] = field(default_factory=list)

    def __enter__(self) -> Services:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start_warehouse(self, in_memory: bool = False) -> str:
        """Start the emulator on <home>/bq; returns its address. Raises ServiceFailed.

        In memory its tables end with it, and no statement waits for the disk: for tests.
        """
        port = self.config.embedded.rest_port or free_port()
        data = self.config.embedded.home / "bq"
        data.mkdir(parents=True, exist_ok=True)
        kept = ["--ephemeral"] if in_memory else ["--persistent", "--data-dir", str(data)]
        gcs_root(self.config).mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable, "-m", "warehouse.emulator", "start", *kept, "--rest-port", str(port),
            "--grpc-port", str(free_port()), "--project", self.config.project, "--log-level", "error",
        ]  # fmt: skip
        environment = {"BQEMU_GCS_LOCAL_ROOT": str(gcs_root(self.config)), "OTEL_SDK_DISABLED": "true"}
        self._start("bqemulator", command, environment, f"http://127.0.0.1:{port}/healthz")
        os.environ["BQ_EMULATOR_URL"] = f"http://localhost:{port}"
        return os.environ["BQ_EMULATOR_URL"]

    def start_sandbox(
        self, faults: Sequence[str] = (), recording: Path | None = None, options: Sequence[str] = ()
    ) -> dict:
        """Start the sandbox; returns its state (window, mode). `options` of its command. Raises ServiceFailed."""
        port = self.config.embedded.sandbox_port or free_port()
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "serve",
            "--home",
            str(self.config.embedded.home),
            "--port",
            str(port),
            *options,
        ]
        command += ["--profile", self.config.platform]
        for fault in faults:
            command += ["--fault", fault]
        if recording is not None:
            command += ["--input", str(recording)]
            os.environ["WAREHOUSE_INPUT"] = str(recording.resolve())
        self._start("sandbox", command, {}, f"http://127.0.0.1:{port}/healthz")
        os.environ["SANDBOX_URL"] = f"http://127.0.0.1:{port}"
        os.environ.setdefault("STRIPE_API_KEY", SANDBOX_STRIPE_KEY)
        os.environ.setdefault("WAREHOUSE_PSEUDONYM_KEY", SANDBOX_PSEUDONYM_KEY)
        os.environ.setdefault("WAREHOUSE_SUBJECT_KEY", SANDBOX_SUBJECT_KEY)
        return json.loads((self.config.embedded.home / "sandbox" / "state.json").read_text())

    def stop(self) -> None:
        """Ask every process to end, newest first; kill what doesn't."""
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def _start(self, name: str, command: list[str], environment: dict[str, str], health: str) -> None:
        log = self.config.embedded.home / "logs" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, env=os.environ | environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                preexec_fn=_end_with_parent, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        _wait_healthy(name, process, health, log)


def tool(name: str) -> str:
    """Path of a command installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def _end_with_parent() -> None:
    """On Linux the kernel ends the child when its parent dies, however it dies; elsewhere the child goes on."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").prctl(1, signal.SIGTERM)


def _wait_healthy(name: str, process: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise ServiceFailed(f"{name} ended while starting: {lines[-1] if lines else 'no output'} (see {log})")
        with suppress(urllib.error.URLError, OSError):
            if urllib.request.urlopen(url, timeout=2).status == 200:
                return
        time.sleep(0.1)
    raise ServiceFailed(f"{name} wasn't ready after {START_SECONDS} s (see {log})")
