"""The platform's IDL, found and checked against the profile that maps its events."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ingestion.solana.anchor.idl import Idl, IdlError, IdlRegistry, parse_idl
from warehouse.config import Config, ConfigError
from warehouse.profile import EventMapping, Profile

INPUT_ENV = "WAREHOUSE_INPUT"


def registry_of(config: Config, profile: Profile) -> IdlRegistry:
    """Registry with the platform's program. Raises ConfigError: no IDL, a broken one, or not that of the profile."""
    registry = IdlRegistry()
    for idl in _find(config, profile):
        _check(profile, idl)
        registry.add(idl, program_id=config.own.program_id)
    return registry


@lru_cache(maxsize=32)
def _parsed(path: Path, size: int, modified: int) -> Idl:
    """Parse once per version of the file; size and modification time are the version."""
    return parse_idl(path.read_bytes())


def load_idl(path: Path) -> Idl:
    """IDL of a file. Raises ConfigError naming the file."""
    try:
        status = path.stat()
        return _parsed(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror})") from None
    except IdlError as error:
        raise ConfigError(f"{path}: {error}") from None


def _find(config: Config, profile: Profile) -> list[Idl]:
    if profile.idl.file is not None:
        return [load_idl(profile.idl.file)]
    wanted = profile.idl.input
    folder = os.environ.get(INPUT_ENV)
    where = f"config/platforms/{profile.name}.yml: idl.input: {wanted}"
    if not folder:
        raise ConfigError(f"{where}: needs an input folder (run with INPUT=DIR)")
    found = list(_anchor_idls(Path(folder) / "solana"))
    addressed = [idl for idl in found if idl.address in (config.own.program_id, wanted)]
    named = [idl for idl in found if idl.name == wanted]
    chosen = addressed or named
    if not chosen:
        known = ", ".join(sorted({idl.name for idl in found})) or "none"
        raise ConfigError(
            f"{where}: no Anchor IDL of that name, or of program {config.own.program_id}, "
            f"below {folder}/solana (found: {known})"
        )
    return list({idl.content_hash: idl for idl in chosen}.values())


def _anchor_idls(folder: Path) -> Iterator[Idl]:
    for path in sorted(folder.rglob("*.json")):
        with path.open("rb") as stream:
            if b'"instructions"' not in stream.read():
                continue
        try:
            yield load_idl(path)
        except ConfigError:
            continue  # a recorded transaction, or an IDL that nobody asked for


def _check(profile: Profile, idl: Idl) -> None:
    events = idl.event_names()
    for at, mapping in enumerate(profile.events):
        where = f"config/platforms/{profile.name}.yml: events.{at}"
        event = events.get(mapping.event)
        if event is None:
            raise ConfigError(
                f"{where}.event: {idl.name} has no event {mapping.event!r} (it has {', '.join(sorted(events))})"
            )
        for key, expression in expressions(mapping):
            head = expression.removeprefix("event.").split(".")[0]
            if expression.startswith("event.") and event.fields and head not in event.fields:
                raise ConfigError(
                    f"{where}.{key}: {mapping.event} has no field {head!r} (it has {', '.join(event.fields)})"
                )


def expressions(mapping: EventMapping) -> Iterator[tuple[str, str]]:
    """The expressions that a mapping gives, with their keys."""
    for key in ("escrow", "holder", "mint", "vault", "amount"):
        if (expression := getattr(mapping, key)) is not None:
            yield key, expression
