"""Command line of the sandbox: `python -m sandbox serve --home DIR --port N [--fault NAME ...] [--input DIR]`."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from sandbox.app import FAULTS, StartError, build_app, prepare_recorded, prepare_simulated
from sandbox.delivery import FaultError
from sandbox.recorded import InputError

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
) -> None:
    """Write the platform's exports below HOME/gcs, then serve its APIs until stopped or the parent process ends."""
    _follow_parent()
    try:
        if input is None:
            platform = prepare_simulated(home, fault or (), profile)
        else:
            platform = prepare_recorded(home, input, profile, fault or ())
    except (StartError, FaultError, InputError) as problem:
        typer.echo(f"sandbox: {problem}", err=True)
        raise typer.Exit(2) from problem
    uvicorn.run(
        build_app(platform),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=2,
    )


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
