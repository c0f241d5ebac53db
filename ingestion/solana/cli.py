"""Terminal commands of the Solana source."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ingestion.solana.anchor.emission import Event, Finding, extract
from ingestion.solana.anchor.events import Undecodable, decode_payload, payload_of
from ingestion.solana.anchor.idl import IdlError, IdlRegistry, parse_idl
from ingestion.solana.answers import Recorded, Unusable, parse_json, transactions_of
from ingestion.solana.cli_chain import backfill, prove
from ingestion.solana.transaction import NotATransaction, view_of

app = typer.Typer(no_args_is_help=True, help="Solana: decode recorded and landed transactions.")


@app.callback()
def _group() -> None:
    """Solana: decode recorded and landed transactions."""


app.command()(prove)
app.command()(backfill)


@app.command()
def decode(
    idl: Annotated[list[str], typer.Option(help="Anchor IDL, or PROGRAM=IDL where it doesn't name its program.")],
    files: Annotated[list[Path] | None, typer.Argument(help="getTransaction or getBlock answers, JSON.")] = None,
    payloads: Annotated[bool, typer.Option(help="Read base64 event payloads from standard input, one a line.")] = False,
) -> None:
    """Print the Anchor events of recorded answers, one JSON line each, and one line for each payload that is none.

    Ends with 1 when a file could not be read as an answer, with 2 when an IDL can't be used.
    """
    try:
        registry = _registry(idl)
    except IdlError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    if payloads == bool(files):
        typer.echo("error: give files, or --payloads and standard input", err=True)
        raise typer.Exit(2)
    failed = False
    for line in _payload_lines(registry) if payloads else _file_lines(registry, files or []):
        failed = failed or "file" in line
        typer.echo(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
    if failed:
        raise typer.Exit(1)


@app.command("re-decode")
def re_decode(
    start: Annotated[str, typer.Option("--from", help="start of the window, ISO 8601, UTC")],
    end: Annotated[str, typer.Option("--to", help="end of the window, exclusive")],
    idl: Annotated[list[Path] | None, typer.Option(help="try this IDL instead of the profile's")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="load what differs again")] = False,
    limit: Annotated[int, typer.Option(min=0, help="differences to print")] = 50,
) -> None:
    """Decode landed transactions of the window's days again, without the network, and say what differs from raw.

    Ends with 0 when nothing differs, or what did is loaded again; with 1 when something differs; with 2 when the
    comparison can't be made.
    """
    from ingestion import run  # here: they load the warehouse's client, which decoding a file does not need
    from ingestion.landing import LandingCorrupt
    from ingestion.solana import SOURCE, redecode
    from warehouse.client import WarehouseUnreachable
    from warehouse.config import ConfigError, load_config
    from warehouse.window import Window, WindowError

    try:
        if apply and idl:
            raise ConfigError("--apply loads with the profile's IDL: name the new one there (idl), not with --idl")
        ctx = redecode.with_idls(run.context(load_config()), idl or [])
        found = redecode.compare(SOURCE, Window.parse(start, end), ctx)
        for line in found.lines(limit):
            typer.echo(line)
        if found.differing and not apply:
            raise typer.Exit(1)
        if found.differing:
            loaded = redecode.reload(SOURCE, found, ctx)
            typer.echo(f"loaded again: {len(found.differing)} objects, {loaded.rows} rows")
    except (ConfigError, WindowError, WarehouseUnreachable, LandingCorrupt) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def _registry(options: list[str]) -> IdlRegistry:
    """IDLs of the command line. Raises IdlError naming the file."""
    registry = IdlRegistry()
    for option in options:
        program, _, path = option.rpartition("=") if not Path(option).exists() else ("", "", option)
        try:
            registry.add(parse_idl(Path(path).read_bytes()), program_id=program or None)
        except OSError as error:
            raise IdlError(f"{path}: can't be read ({error.strerror})") from None
        except IdlError as error:
            raise IdlError(f"{path}: {error}") from None
    return registry


def _payload_lines(registry: IdlRegistry) -> Iterator[dict[str, Any]]:
    idls = registry.all()
    for text in sys.stdin:
        if not text.strip():
            continue
        payload = payload_of(text.strip())
        result = payload if isinstance(payload, Undecodable) else decode_payload(idls, payload)
        if isinstance(result, Undecodable):
            yield {"status": "quarantined", "code": result.code, "reason": result.reason}
        else:
            yield {"name": result.name, "data": result.data, **_trailing(result.trailing)}


def _file_lines(registry: IdlRegistry, files: list[Path]) -> Iterator[dict[str, Any]]:
    for path in files:
        try:
            for recorded in _answers(path):
                yield from _transaction_lines(recorded, registry, path)
        except OSError as error:
            yield {"file": str(path), "status": "quarantined", "reason": f"can't be read ({error.strerror})"}
        except (Unusable, EOFError, zlib.error) as error:
            yield {"file": str(path), "status": "quarantined", "reason": str(error)}


def _answers(path: Path) -> Iterator[Recorded]:
    """Transactions of a file: one JSON document, or a landed object with an answer on each line; gzip or plain."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    try:
        documents = [parse_json(content)]
    except Unusable:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        try:
            documents = [parse_json(line) for line in lines]
        except Unusable:
            documents = [parse_json(content)]  # not NDJSON either: the error of the whole is the better one
    for document in documents:
        landed = isinstance(document, dict) and isinstance(document.get("response"), str)
        yield from transactions_of(parse_json(document["response"]) if landed else document)


def _transaction_lines(recorded: Recorded, registry: IdlRegistry, path: Path) -> Iterator[dict[str, Any]]:
    try:
        view = view_of(recorded.result, block_time=recorded.block_time)
        found = extract(view, registry)
    except NotATransaction as error:
        yield {"file": str(path), "status": "quarantined", "reason": str(error)}
        return
    for event in found.events:
        yield {"signature": view.signature, **_event_line(event)}
    for finding in found.findings:
        if finding.position:
            yield {"signature": view.signature, **_finding_line(finding)}
        else:  # about the transaction, not about a payload
            typer.echo(f"note: {view.signature}: {finding.reason}", err=True)


def _event_line(event: Event) -> dict[str, Any]:
    return {
        "program": event.program_id,
        "channel": event.channel,
        "position": event.position,
        "name": event.name,
        "data": event.data,
        "status": event.status,
        **({} if event.duplicate_of is None else {"duplicate_of": event.duplicate_of}),
        **_trailing(event.trailing),
    }


def _finding_line(finding: Finding) -> dict[str, Any]:
    return {
        "program": finding.program_id,
        "channel": finding.channel,
        "position": finding.position,
        "status": "quarantined",
        "code": finding.code,
        "reason": finding.reason,
        "bytes_hex": finding.raw.hex(),
    }


def _trailing(trailing: bytes) -> dict[str, str]:
    return {"trailing_hex": trailing.hex()} if trailing else {}
