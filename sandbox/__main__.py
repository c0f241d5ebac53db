"""Command line of the sandbox: `python -m sandbox serve --home DIR --port N [--fault NAME ...] [--input DIR]`."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from sandbox.app import FAULTS, Simulated, StartError, build_app, prepare_recorded, prepare_simulated
from sandbox.chain_control import ChainSettingsError, read_settings
from sandbox.delivery import FaultError
from sandbox.recorded import InputError
from sandbox.rpc_faults import FaultConfigError, RpcFaults, read_faults
from sandbox.world import DAYS, SEED

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="The simulated or recorded platform.")


@cli.callback()
def main() -> None:
    """A platform to run the warehouse against."""


@cli.command()
def serve(
    home: Annotated[Path, typer.Option(help="Folder for buckets and state; created where it is missing.")],
    port: Annotated[int, typer.Option(help="TCP port on 127.0.0.1.", min=1, max=65535)],
    fault: Annotated[list[str] | None, typer.Option(help=f"Fault to inject: {', '.join(FAULTS)}.")] = None,
    input: Annotated[Path | None, typer.Option(help="Serve recorded data from this folder instead.")] = None,
    profile: Annotated[str, typer.Option(help="Platform profile the data belongs to.")] = "skill_match",
    days: Annotated[int, typer.Option(help="Days of the simulated window.", min=1)] = DAYS,
    seed: Annotated[int, typer.Option(help="Seed of the simulated world.")] = SEED,
    rpc_only: Annotated[bool, typer.Option("--rpc-only", help="Serve the chain alone: no exports, no Stripe.")] = False,
    rpc_faults: Annotated[Path | None, typer.Option(help="JSON file of RPC faults by provider.")] = None,
    tip_at: Annotated[str | None, typer.Option(help="The chain as it was at this instant (ISO, with zone).")] = None,
    pending: Annotated[int, typer.Option(help="So many last transactions are only confirmed.", min=0)] = 0,
) -> None:
    """Write the platform's exports below HOME/gcs, then serve its APIs until stopped or the parent process ends."""
    _follow_parent()
    try:
        faults = _faults_in(rpc_faults)
        chain = read_settings({"tip_at": tip_at, "pending": pending})
        options = Simulated(days, seed, rpc_only, chain)
        if input is None:
            platform = prepare_simulated(home, fault or (), profile, options)
        elif options != Simulated():
            raise StartError("--days, --seed, --rpc-only, --tip-at and --pending need the simulated platform")
        else:
            platform = prepare_recorded(home, input, profile, fault or ())
    except (StartError, FaultError, InputError, FaultConfigError, ChainSettingsError) as problem:
        typer.echo(f"sandbox: {problem}", err=True)
        raise typer.Exit(2) from problem
    uvicorn.run(
        build_app(platform, faults),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


def _faults_in(path: Path | None) -> RpcFaults:
    """The RPC faults in a file; none without one. Raises StartError or FaultConfigError."""
    if path is None:
        return RpcFaults()
    try:
        return read_faults(json.loads(path.read_text()))
    except (OSError, ValueError) as problem:
        if isinstance(problem, FaultConfigError):
            raise
        raise StartError(f"RPC faults: {path} is no JSON file that can be read") from problem


def _follow_parent() -> None:
    """End with the process that started this one, however that ends: nobody is left to stop the server."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


if __name__ == "__main__":
    cli()
