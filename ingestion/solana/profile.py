"""The platform's IDLs, found and checked against the profile that maps its events."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from ingestion.solana.anchor.idl import Idl, IdlError, IdlRegistry, parse_idl
from ingestion.solana.anchor.rebuild import check_rule
from warehouse.config import Config, ConfigError
from warehouse.profile import EventMapping, Profile
from warehouse.profile import Idl as Place

INPUT_ENV = "WAREHOUSE_INPUT"


def registry_of(config: Config, profile: Profile) -> IdlRegistry:
    """Registry with the IDLs of the platform's program, and of the other programs that the profile names, by slot.

    Raises ConfigError: no IDL, a broken one, or one that the profile's mappings don't fit.
    """
    own = config.own.program_id
    if own in profile.programs:
        raise ConfigError(f"{_file(profile)}: programs.{own}: this is the platform's own program, see idl")
    registry = IdlRegistry()
    for place in profile.idl:
        for idl in _find(place, f"{_file(profile)}: idl", own):
            registry.add(idl, own, place.from_slot, place.to_slot)
    for program, places in profile.programs.items():
        for place in places:
            for idl in _find(place, f"{_file(profile)}: programs.{program}", program):
                registry.add(idl, program, place.from_slot, place.to_slot)
    _check(profile, registry.lookup(own, None))
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


def _file(profile: Profile) -> str:
    return f"config/platforms/{profile.name}.yml"


def _find(place: Place, key: str, program: str) -> list[Idl]:
    """IDLs at a place of the profile; several files of the input folder may hold versions of one."""
    if place.file is not None:
        return [load_idl(place.file)]
    folder = os.environ.get(INPUT_ENV)
    where = f"{key}.input: {place.input}"
    if not folder:
        raise ConfigError(f"{where}: needs an input folder (run with INPUT=DIR)")
    found = list(_anchor_idls(Path(folder) / "solana"))
    addressed = [idl for idl in found if idl.address in (program, place.input)]
    named = [idl for idl in found if idl.name == place.input]
    chosen = addressed or named
    if not chosen:
        known = ", ".join(sorted({idl.name for idl in found})) or "none"
        raise ConfigError(
            f"{where}: no Anchor IDL of that name, or of program {program}, below {folder}/solana (found: {known})"
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


def _check(profile: Profile, versions: Sequence[Idl]) -> None:
    """Every event, field and rule that the profile names is in some version of the program's IDL.

    An older version may lack what came later: a payload of that time has no such field, and is quarantined so.
    """
    for at, mapping in enumerate(profile.events):
        where = f"{_file(profile)}: events.{at}"
        fields = _fields(versions, mapping.event, f"{where}.event")
        for key, expression in expressions(mapping):
            head = expression.removeprefix("event.").split(".")[0]
            if expression.startswith("event.") and fields and head not in fields:
                raise ConfigError(f"{where}.{key}: {mapping.event} has no field {head!r} (it has {', '.join(fields)})")
    for event, rule in profile.rebuild.items():
        where = f"{_file(profile)}: rebuild.{event}"
        _fields(versions, event, where)
        problems = [check_rule(idl, event, rule) for idl in versions]
        if all(problems):
            raise ConfigError(f"{where}: {problems[-1]}")


def _fields(versions: Sequence[Idl], event: str, where: str) -> list[str]:
    """Names of the event's fields, over all versions. Raises ConfigError when no version has the event."""
    known = [idl.event_names() for idl in versions]
    fields = {field: None for names in known if event in names for field in names[event].fields}
    if not any(event in names for names in known):
        has = ", ".join(sorted({name for names in known for name in names}))
        raise ConfigError(f"{where}: {versions[0].name} has no event {event!r} (it has {has})")
    return list(fields)


def expressions(mapping: EventMapping) -> Iterator[tuple[str, str]]:
    """The expressions that a mapping gives, with their keys."""
    for key in ("escrow", "holder", "mint", "vault", "amount", "arbiter", "outcome", "rating", "reason", "units"):
        if (expression := getattr(mapping, key)) is not None:
            yield key, expression
