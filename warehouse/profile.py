"""Platform profiles: how one platform's program, IDL, events and documents map onto the canonical ones.

A team with another Anchor program writes config/platforms/<name>.yml; no code changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError, model_validator

from warehouse.config import Config, ConfigError, Section, describe

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
}
"""Canonical money events and the classes that the amount moves from and to."""

OTHER_EVENTS = (
    "escrow_created",
    "paused",
    "resumed",
    "dispute_opened",
    "dispute_resolved",
    "cancelled",
    "completed",
    "joined",
    "rated",
    "role_changed",
    "key_rotated",
    "frozen",
    "unfrozen",
)
"""Canonical events that move no money."""


class Idl(Section):
    """Where the program's Anchor IDL is: a file of this project, or a name (or program address) in the input folder."""

    file: Path | None = None
    input: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Idl:
        if (self.file is None) == (self.input is None):
            raise ValueError("give either file or input")
        return self


class EventMapping(Section):
    """One Anchor event to one canonical event."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    event: str
    canonical: str
    escrow: Expression | None = None
    holder: Expression | None = None
    mint: Expression | None = None
    vault: Expression | None = None
    amount: Expression | None = None
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
    """One platform."""

    name: str
    idl: Idl
    personal: list[str] = []
    events: list[EventMapping]
    documents: dict[str, dict[str, str]] = {}


def load_profile(config: Config, folder: Path = PROFILES) -> Profile:
    """The profile of the platform in use. Raises ConfigError naming the file and the key."""
    path = folder / f"{config.platform}.yml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Profile.model_validate(document)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in describe(error))) from None
