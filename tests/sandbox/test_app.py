"""The sandbox as a process: start, health, state, faults, and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.addresses import USDC_MINT, VAULTS
from sandbox.app import StartError, build_app, prepare_recorded, prepare_simulated
from sandbox.chain import build_chain
from sandbox.serving import running
from sandbox.world import build_world

ROOT = Path(__file__).parents[2]
WAIT_S = 60  # a limit for a hung start, no measurement


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(home: Path, port: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "sandbox", "serve", "--home", str(home), "--port", str(port), *more]


def wait_healthy(port: int) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz").json()
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the sandbox did not answer")


def wait_silent(port: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
        except httpx.TransportError:
            return
        time.sleep(0.1)
    raise AssertionError("the sandbox still answers")


@contextmanager
def sandbox(home: Path, *more: str) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(command(home, port, *more), cwd=ROOT)
    try:
        wait_healthy(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        assert process.wait(WAIT_S) in (0, -signal.SIGTERM)


def rpc(url: str, provider: str, method: str, *params: Any) -> httpx.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return httpx.post(f"{url}/rpc/{provider}", json=body)


def read(home: Path, name: str) -> Any:
    return json.loads((home / "sandbox" / name).read_text())


def test_a_clean_start(tmp_path: Path) -> None:
    with sandbox(tmp_path) as url:
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok", "mode": "simulated"}
        slots = {name: rpc(url, name, "getSlot").json()["result"] for name in ("alpha", "beta")}
        assert slots == {"alpha": build_world().tip, "beta": build_world().tip}
        assert rpc(url, "gamma", "getSlot").status_code == 404
        balance = httpx.get(f"{url}/stripe/v1/balance", auth=("rk_sandbox_readonly", "")).json()
        assert [part["currency"] for part in balance["pending"]] == ["jpy", "kwd", "usd"]
    day = {"start": "2026-10-05T00:00:00Z", "end": "2026-10-09T00:00:00Z"}
    assert read(tmp_path, "state.json") == {
        "faults": [],
        "mode": "simulated",
        "profile": "skill_match",
        "window": day,
        "windows": {"cloudflare": day, "firebase": day, "solana": day, "stripe": day},
    }
    truth = read(tmp_path, "truth.json")["days"]
    assert sorted(truth) == ["2026-10-05", "2026-10-06", "2026-10-07", "2026-10-08"]
    assert all({"M1", "M16", "M17", "M21", "M3"} <= set(figures) for figures in truth.values())
    assert all(sorted(figures["M21"]) == ["jpy", "kwd", "usd"] for figures in truth.values())


def test_a_short_chain_alone_with_faults_and_a_tip(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps({"seed": 3, "alpha": {"behind": {"slots": 1000}}, "beta": {"null_transaction": {}}}))
    options = ("--days", "1", "--seed", "5", "--rpc-only", "--rpc-faults", str(faults), "--pending", "2")
    with sandbox(tmp_path / "home", *options, "--tip-at", "2026-10-05T20:00:00Z") as url:
        chain = build_chain(build_world(days=1, seed=5))
        noted = [row.signature for row in chain.rows if row.slot <= 300_180_000][-2:]
        settings = httpx.get(f"{url}/control/chain").json()
        assert settings == {
            "tip_at": "2026-10-05T20:00:00Z",
            "pending": 2,
            "dropped": [],
            "confirmed_slot": 300_180_000,
            "finalized_slot": chain.row(noted[0]).slot - 1,
            "only_confirmed": noted,
        }
        slots = [rpc(url, name, "getSlot").json()["result"] for name in ("alpha", "beta")]
        assert slots == [settings["finalized_slot"] - 1000, settings["finalized_slot"]]
        board = httpx.get(f"{url}/control/rpc").json()
        assert board["faults"]["alpha"] == {"behind": {"slots": 1000}}
        assert (board["requests"], board["injected"]) == ({"alpha": 1, "beta": 1}, {"alpha": {"behind": 1}})
        assert httpx.get(f"{url}/stripe/v1/balance").status_code == 404
    day = {"start": "2026-10-05T00:00:00Z", "end": "2026-10-06T00:00:00Z"}
    assert read(tmp_path / "home", "state.json")["window"] == day
    assert read(tmp_path / "home", "origin.json") == {"days": "1", "mode": "simulated", "seed": "5"}


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    port = free_port()
    # A parent that is killed, not asked to stop: it can tell its child nothing.
    start = f"p = subprocess.Popen({command(tmp_path, port)!r})"
    text = f"import subprocess, time; {start}; print(p.pid, flush=True); time.sleep(600)"
    parent = subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    try:
        wait_healthy(port)
        parent.kill()
        parent.wait(WAIT_S)
        wait_silent(port)
    finally:
        parent.kill()
        parent.stdout.close()
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fault", "gremlins"], "unknown fault gremlins; there are drop_audit_event, drop_logpush_object"),
        (["--input", "/nowhere/at/all"], "input folder /nowhere/at/all does not exist"),
        (["--input", ".", "--fault", "move_base_unit"], "needs the simulated platform"),
        (["--input", ".", "--pending", "1"], "--tip-at and --pending need the simulated platform"),
        (["--rpc-faults", "/nowhere.json"], "RPC faults: /nowhere.json is no JSON file that can be read"),
        (["--rpc-faults", "config/idl/skill_match.json"], "RPC faults: address: Extra inputs are not permitted"),
        (["--tip-at", "2026-10-05T12:00:00"], "chain settings: tip_at: Input should have timezone info"),
        (["--tip-at", "2026-10-04T12:00:00Z"], "the chain begins at 2026-10-05T00:00:00+00:00"),
        (["--rpc-only", "--fault", "drop_audit_event"], "needs the exports"),
    ],
)
def test_a_wrong_start_is_one_clear_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = subprocess.run(
        command(tmp_path, free_port(), *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_provider_alpha_is_down(tmp_path: Path) -> None:
    with running(build_app(prepare_simulated(tmp_path, ["rpc_down"]))) as url:
        assert rpc(url, "alpha", "getHealth").status_code == 503
        assert rpc(url, "beta", "getHealth").json()["result"] == "ok"
    assert read(tmp_path, "state.json")["faults"] == ["rpc_down"]
    with running(build_app(prepare_simulated(tmp_path))) as url:
        assert rpc(url, "alpha", "getHealth").json()["result"] == "ok"


def test_a_moved_base_unit_is_brought_back_by_the_next_clean_start(tmp_path: Path) -> None:
    world = build_world()
    vault = VAULTS[USDC_MINT]
    alone = build_chain(world)
    clean = int(alone.token_amount(vault)["amount"])

    def start(*faults: str) -> tuple[int, int]:
        chain = prepare_simulated(tmp_path, faults).chain
        return int(chain.token_amount(vault)["amount"]) - clean, len(chain.transactions) - len(alone.transactions)

    assert start() == (0, 0)
    assert start("move_base_unit") == (-1, 1)
    assert start() == (0, 2)
    assert start() == (0, 2)
    assert read(tmp_path, "faults.json") == ["move_base_unit"]


def test_a_dropped_audit_event_is_one_late_object_later(tmp_path: Path) -> None:
    prepare_simulated(tmp_path, ["drop_audit_event"])
    before = set((tmp_path / "gcs").rglob("*.gz"))
    prepare_simulated(tmp_path)
    assert len(set((tmp_path / "gcs").rglob("*.gz")) - before) == 1
    assert read(tmp_path, "faults.json") == ["drop_audit_event"]


def test_a_home_keeps_to_one_kind_of_data(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "other").mkdir()
    prepare_recorded(tmp_path / "home", tmp_path / "in", "openbook_v2")
    with pytest.raises(StartError, match="use another WAREHOUSE_HOME"):
        prepare_simulated(tmp_path / "home")
    with pytest.raises(StartError, match="use another WAREHOUSE_HOME"):
        prepare_recorded(tmp_path / "home", tmp_path / "other", "openbook_v2")
    assert prepare_recorded(tmp_path / "home", tmp_path / "in", "openbook_v2").mode == "recorded"
