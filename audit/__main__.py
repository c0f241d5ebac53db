"""python -m audit: keep, seal, verify and prove records; anchors and evidence; retention; decisions on differences."""

from __future__ import annotations

import typer

from audit import cli_evidence, cli_reconciliation, cli_retention, cli_seal

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
for part in (cli_seal, cli_evidence, cli_retention):
    app.add_typer(part.app)
app.add_typer(cli_reconciliation.app, name="reconciliation")

if __name__ == "__main__":
    app()
