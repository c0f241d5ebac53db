"""Platform profiles: how one platform's program, IDL, events and documents map onto the canonical ones.

A team with another Anchor program writes config/platforms/<name>.yml; no code changes.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from warehouse.config import Config, ConfigError, Section, describe
from warehouse.worker_logs import WorkerLogs
from warehouse.yaml_text import from_yaml

PROFILES = Path("config/platforms")
PostingClass = Literal["external", "holder", "escrow", "treasury"]
Expression = Annotated[str, Field(pattern=r"^(event|account|mint_of|const)\.[A-Za-z0-9_.:-]+$")]

MONEY_EVENTS: dict[str, tuple[PostingClass, PostingClass]] = {
    "deposit": ("external", "holder"),
    "entry": ("holder", "escrow"),
    "prize_distributed": ("escrow", "holder"),
    "fee_collected": ("escrow", "treasury"),
    "refund": ("escrow", "holder"),
    "withdrawal": ("holder", "external"),
    "exchange_completed": ("treasury", "external"),
}
"""Canonical money events and the classes that the amount moves from and to."""

OTHER_EVENTS = (
    "escrow_created",
    "assigned",
    "paused",
    "resumed",
    "dispute_opened",
    "dispute_resolved",
    "cancelled",
    "completed",
    "joined",
    "rated",
    "exchange_requested",
    "exchange_failed",
    "exchange_fallback",
    "role_changed",
    "key_rotated",
    "frozen",
    "unfrozen",
)
"""Canonical events that move no money."""

Outcome = Literal["payer", "payee", "split"]
"""In whose favour a dispute was resolved: of who paid into the escrow, of who was to be paid out of it, or of both."""


class Idl(Section):
    """Where an Anchor IDL is: a file of this project, or a name (or program address) in the input folder.

    It holds for the slots [from_slot, to_slot). `after_gap` states that no IDL is known for the slots before it.
    """

    file: Path | None = None
    input: str | None = None
    from_slot: int = Field(default=0, ge=0)
    to_slot: int | None = None
    after_gap: bool = False

    @model_validator(mode="after")
    def _valid(self) -> Idl:
        if (self.file is None) == (self.input is None):
            raise ValueError("give either file or input")
        if self.to_slot is not None and self.to_slot <= self.from_slot:
            raise ValueError(f"to_slot {self.to_slot} is not behind from_slot {self.from_slot}")
        return self


def _versions(written: Any) -> Any:
    return written if isinstance(written, list | tuple) else [written]


def _follow(versions: tuple[Idl, ...]) -> tuple[Idl, ...]:
    """Checks that the versions of a program's IDL follow one another in slots."""
    if not versions:
        raise ValueError("name at least one IDL")
    for at, (before, after) in enumerate(pairwise(versions), start=1):
        if before.to_slot is None or after.from_slot < before.to_slot:
            held = f"[{before.from_slot}, {'...' if before.to_slot is None else before.to_slot})"
            raise ValueError(f"version {at} overlaps the one before, which holds for the slots {held}")
        if after.from_slot > before.to_slot and not after.after_gap:
            raise ValueError(
                f"no version for the slots [{before.to_slot}, {after.from_slot}); "
                f"if none is known, state after_gap: true in version {at}"
            )
        if after.from_slot == before.to_slot and after.after_gap:
            raise ValueError(f"version {at} states a gap, but there is none before it")
    return versions


IdlVersions = Annotated[tuple[Idl, ...], BeforeValidator(_versions), AfterValidator(_follow)]
"""One IDL, or its versions in order of slots."""

Address = Annotated[str, Field(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")]


class Rebuild(Section):
    """How an event that was cut from a log follows from the instruction that emits it, once each time it runs.

    `fields` gives every field of the event: arg.<name> (with .<field> inside it) or account.<name>.
    """

    instruction: str
    fields: dict[str, Annotated[str, Field(pattern=r"^(arg|account)\.[A-Za-z0-9_.]+$")]]


class EventMapping(Section):
    """One Anchor event to one canonical event.

    `outcome` and `reason` may be enums: their variant's name counts. `outcomes` says which variant is in whose favour.
    `units` are what an exchange takes, in the platform's own unit; `rating` is a whole number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    event: str
    canonical: str
    escrow: Expression | None = None
    holder: Expression | None = None
    mint: Expression | None = None
    vault: Expression | None = None
    amount: Expression | None = None
    arbiter: Expression | None = None
    outcome: Expression | None = None
    outcomes: dict[str, Outcome] = {}
    rating: Expression | None = None
    reason: Expression | None = None
    units: Expression | None = None
    from_class: PostingClass | None = Field(default=None, alias="from")
    to_class: PostingClass | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _known(self) -> EventMapping:
        if self.canonical in MONEY_EVENTS:
            missing = [key for key in ("mint", "vault", "amount") if getattr(self, key) is None]
            if missing:
                raise ValueError(f"{self.canonical} moves money and needs {', '.join(missing)}")
        elif self.canonical not in OTHER_EVENTS:
            raise ValueError(f"{self.canonical!r} is no canonical event")
        if bool(self.outcome) != bool(self.outcomes):
            raise ValueError("outcome and outcomes go together: the field, and in whose favour each of its values is")
        return self

    def classes(self) -> tuple[PostingClass, PostingClass] | None:
        """Posting classes (from, to); None for events without money.

        A deposit or withdrawal that names an escrow moves the escrow's balance, else the holder's.
        """
        if self.canonical not in MONEY_EVENTS:
            return None
        source, target = MONEY_EVENTS[self.canonical]
        if self.escrow is not None and self.canonical == "deposit":
            target = "escrow"
        if self.escrow is not None and self.canonical == "withdrawal":
            source = "escrow"
        return self.from_class or source, self.to_class or target


class Profile(Section):
    """One platform. Events of `programs` are decoded too, and are never money: `events` maps the platform's own."""

    name: str
    idl: IdlVersions
    programs: dict[Address, IdlVersions] = {}
    rebuild: dict[str, Rebuild] = {}
    personal: list[str] = []
    events: list[EventMapping]
    documents: dict[str, dict[str, str]] = {}
    worker_logs: WorkerLogs = WorkerLogs()


def load_profile(config: Config, folder: Path = PROFILES) -> Profile:
    """The profile of the platform in use. Raises ConfigError naming the file and the key."""
    path = folder / f"{config.platform}.yml"
    try:
        document = from_yaml(path.read_text(encoding="utf-8"))
        return Profile.model_validate(document)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in describe(error))) from None
