"""python -m jobs run | up | down | doctor: what the Makefile calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from warehouse.config import ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


def _stop(message: str) -> None:
    """End with a message for a person and no traceback."""
    print(f"error: {message}", file=sys.stderr)
    raise typer.Exit(2)


@app.command()
def run(
    fault: Annotated[list[str] | None, typer.Option(help="fault the sandbox injects")] = None,
    input: Annotated[Path | None, typer.Option(help="folder of recordings to serve instead")] = None,
    start: Annotated[str | None, typer.Option(help="start of the window, ISO 8601, UTC")] = None,
    end: Annotated[str | None, typer.Option(help="end of the window, exclusive")] = None,
) -> None:
    """Run the hourly jobs and the nightly job through Airflow for one window, and print a summary."""
    from jobs import run as runner
    from warehouse.services import ServiceFailed
    from warehouse.window import Window, WindowError

    if (start is None) != (end is None):
        _stop("give both --start and --end, or neither")
    if input is not None and not input.is_dir():
        _stop(f"--input: {input} is no folder")
    try:
        window = Window.parse(start, end) if start and end else None
        outcome = runner.run(fault or [], input, window)
    except (ConfigError, WindowError, ServiceFailed, runner.Busy) as error:
        _stop(str(error))
    if outcome.failed:
        raise typer.Exit(1)


@app.command()
def up() -> None:
    """Start Airflow's web page and scheduler on the embedded warehouse, and leave them running."""
    from jobs import stack

    try:
        stack.up()
    except (ConfigError, stack.StackError) as error:
        _stop(str(error))


@app.command()
def down() -> None:
    """Stop what `up` started."""
    from jobs import stack

    stack.down()


@app.command()
def doctor() -> None:
    """Check each configured source, credential, bucket, dataset and permission; say how to mend what fails."""
    from jobs.doctor import examine

    try:
        healthy = examine()
    except ConfigError as error:
        _stop(str(error))
    if not healthy:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
