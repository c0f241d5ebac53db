"""The first run from nothing, shared: it is what repeated, faulty and killed runs are compared with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flow_harness import rows, run, tables, warehouse_of


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("flow")


@pytest.fixture(scope="session")
def clean(home) -> dict:
    """What the first run printed, and every table it left."""
    done = run(home)
    assert done.returncode == 0, done.stdout + done.stderr
    held = tables(home)
    with warehouse_of(home) as client:
        return {
            "printed": done.stdout,
            "tables": held,
            "objects": rows(
                client, "select uri, rows_loaded from ops.objects where dataset <> 'rpc_calls' order by uri"
            ),
            "alerts": rows(client, "select * from ops.alerts"),
            "checks": rows(client, "select rule, outcome from ops.check_results where run_id like 'nightly_close%'"),
            "write_errors": rows(
                client,
                "select format_timestamp('%Y-%m-%dT%H:%M:%SZ', hour_start) as hour, * "
                "from intermediate.int_firebase__write_errors",
            ),
            "marts": {
                name: rows(client, f"select * from marts.{name}")
                for name in (
                    *("escrow_balances_daily", "escrow_balances", "matches_daily", "money_daily", "stripe_daily"),
                    "firebase_export_parity",
                )
            },
        }


FAULTS = ("move_base_unit", "drop_audit_event", "rpc_down")


@pytest.fixture(scope="session")
def faulty(home, clean, tmp_path_factory) -> Path:
    """A copy of the home as a run with three faults leaves it; the home itself goes on."""
    done = run(home, *(word for fault in FAULTS for word in ("--fault", fault)))
    assert done.returncode == 0, done.stdout + done.stderr
    return _copy(home, tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="session")
def healed(home, faulty, tmp_path_factory) -> Path:
    """A copy of the home as the clean run after that leaves it."""
    done = run(home)
    assert done.returncode == 0, done.stdout + done.stderr
    return _copy(home, tmp_path_factory.mktemp("healed"))


def _copy(home: Path, into: Path) -> Path:
    """The warehouse, its buckets and the sandbox's state."""
    for name in ("bq", "gcs", "sandbox"):
        shutil.copytree(home / name, into / name)
    return into
