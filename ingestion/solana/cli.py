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
from ingestion.solana.transaction import NotATransaction, view_of

app = typer.Typer(no_args_is_help=True, help="Solana: decode recorded transactions.")


@app.callback()
def _group() -> None:
    """Solana: decode recorded transactions."""


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
        yield {"signature": view.signature, **_finding_line(finding)}


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
