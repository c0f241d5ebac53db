"""config/warehouse.yml as typed values. A wrong key is an error that names it.

`${NAME}` and `${NAME:-default}` in the file are replaced from the environment (addresses of services, folders).
Secrets are named (`api_key_env: STRIPE_API_KEY`) and looked up by warehouse.secrets, never written here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AnyHttpUrl,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from warehouse.config_alerting import Alerting, Channel
from warehouse.config_alerting import FileChannel as FileChannel
from warehouse.config_alerting import WebhookChannel as WebhookChannel
from warehouse.config_audit import Audit
from warehouse.config_cloudflare import Cloudflare
from warehouse.config_thresholds import Thresholds
from warehouse.section import Base58, EnvName, GsUri, Section
from warehouse.yaml_text import from_yaml

DEFAULT_PATH = Path("config/warehouse.yml")
_REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")
_URL = TypeAdapter(AnyHttpUrl)


class ConfigError(ValueError):
    """The configuration can't be used; the message names each wrong key."""


class Embedded(Section):
    """The embedded warehouse and sandbox; used when target is `embedded`."""

    home: Path = Path("var")
    rest_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")
    sandbox_port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")


class RpcProvider(Section):
    """One Solana JSON-RPC endpoint. The key, if any, is sent as a bearer token.

    `requests_per_second` counts each request of a batch; at most `max_concurrency` calls are under way at a time.
    A provider more than `max_slot_lag` slots behind the newest is asked after the others.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    url: str = Field(pattern=r"^https?://")
    api_key_env: EnvName | None = None
    requests_per_second: float = Field(default=10, gt=0)
    batch_size: int = Field(default=1, ge=1, le=1000)
    max_concurrency: int = Field(default=4, ge=1, le=100)
    max_slot_lag: int = Field(default=150, ge=0)
    timeout_seconds: float = Field(default=20, gt=0)

    @field_validator("url")
    @classmethod
    def _usable(cls, url: str) -> str:
        try:
            _URL.validate_python(url)
        except ValidationError:
            raise ValueError("is not an address that can be called") from None  # pydantic's own text would show it
        return url


class Solana(Section):
    """On-chain source: providers in order of preference; `listings` of them list each address and are compared."""

    enabled: bool = True
    listings: int = Field(default=2, ge=1)
    providers: list[RpcProvider] = Field(min_length=1)

    @field_validator("providers")
    @classmethod
    def _distinct(cls, providers: list[RpcProvider]) -> list[RpcProvider]:
        names = [provider.name for provider in providers]
        if len(set(names)) != len(names):
            raise ValueError("two providers share a name")
        return providers


class Stripe(Section):
    """Stripe account, read with a restricted read-only key, and the connected accounts that are read with it.

    An event may become visible `events_overlap_minutes` after its time and is still found. `timeout_seconds` is how
    long the API may be silent. `count_test_mode`: whether test objects count in the marts; raw and staging have them.
    """

    enabled: bool = True
    api_base: str = Field(default="https://api.stripe.com", pattern=r"^https?://")
    api_version: str = "2026-08-26.dahlia"
    api_key_env: EnvName = "STRIPE_API_KEY"
    account: str = Field(default="default", pattern=r"^[0-9A-Za-z_]+$")
    connected_accounts: list[Annotated[str, Field(pattern=r"^acct_[0-9A-Za-z]+$")]] = []
    events_overlap_minutes: int = Field(default=60, ge=0)
    count_test_mode: bool = False
    timeout_seconds: float = Field(default=80, gt=0)
    max_network_retries: int = Field(default=4, ge=0)
    resources: list[
        Literal[
            "balance_transactions",
            "charges",
            "payment_intents",
            "refunds",
            "disputes",
            "payouts",
            "customers",
            "events",
        ]
    ] = Field(min_length=1)


class Firebase(Section):
    """Prefixes of the exports and tables in BigQuery; a null one is a part that the platform doesn't have.

    Tables are project.dataset.table; dated sink tables project.dataset.prefix_*. Rows of the last `late_hours` before a
    window are read again.
    """

    enabled: bool = True
    changelog: GsUri | None = None
    auth_export: GsUri | None = None
    cloud_logging: GsUri | None = None
    managed_export: GsUri | None = None
    changelog_table: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]+\.\w+\.\w+$")] | None = None
    cloud_logging_table: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]+\.\w+\.\w+\*?$")] | None = None
    late_hours: int = Field(default=24, ge=0)


class Sources(Section):
    """The four sources. `unusable` holds files that a recording could not serve; each becomes a quarantine row."""

    solana: Solana
    stripe: Stripe
    firebase: Firebase
    cloudflare: Cloudflare
    unusable: GsUri | None = None


class Vault(Section):
    """A token account that holds users' money."""

    address: Base58
    mint: Base58


class Platform(Section):
    """On-chain addresses of one platform; its profile is config/platforms/<name>.yml.

    `arbiters` resolve disputes for the platform: named in the marts, and not watched. `without` are the sources that
    the platform doesn't have, whatever `sources` says of them.
    """

    program_id: Base58
    vaults: list[Vault] = []
    treasury: list[Base58] = []
    fee_payers: list[Base58] = []
    arbiters: list[Base58] = []
    without: list[Literal["stripe", "firebase", "cloudflare"]] = []

    def own_addresses(self) -> set[str]:
        """The platform's own addresses; every other one is a user's and goes under a pseudonym."""
        return {self.program_id, *(vault.address for vault in self.vaults), *self.treasury, *self.fee_payers}


class Mint(Section):
    """Symbol and decimals of a token."""

    symbol: str
    decimals: int = Field(ge=0, le=18)


class Config(Section):
    """The whole file."""

    target: Literal["embedded", "bigquery"]
    project: str = Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")
    location: str = "US"
    platform: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    landing: str
    staging: GsUri = Field(description="scratch prefix that load jobs read prepared rows from")
    pseudonym_key_env: EnvName = "WAREHOUSE_PSEUDONYM_KEY"
    load_processes: int = Field(default=0, ge=0, le=64, description="that prepare a large load; 0: one a core")
    embedded: Embedded = Embedded()
    audit: Audit = Audit()
    sources: Sources
    platforms: dict[str, Platform]
    mints: dict[Base58, Mint] = {}
    thresholds: Thresholds = Thresholds()
    channels: list[Channel] = []
    alerting: Alerting = Alerting()

    @model_validator(mode="after")
    def _consistent(self) -> Config:
        if self.platform not in self.platforms:
            raise ValueError(f"platform {self.platform!r} has no entry under platforms ({', '.join(self.platforms)})")
        if self.target == "bigquery" and not self.landing.startswith("gs://"):
            raise ValueError("landing must be a gs:// address when target is bigquery")
        known = [channel.name for channel in self.channels]
        if len(set(known)) != len(known):
            raise ValueError("two channels share a name")
        if unknown := sorted(self.alerting.named_channels() - set(known)):
            raise ValueError(f"alerting names channels that channels lacks: {', '.join(unknown)}")
        return self

    @model_validator(mode="after")
    def _only_own_sources(self) -> Config:
        off = {name: getattr(self.sources, name).model_copy(update={"enabled": False}) for name in self.own.without}
        return self.model_copy(update={"sources": self.sources.model_copy(update=off)}) if off else self

    @property
    def own(self) -> Platform:
        """Addresses of the platform in use."""
        return self.platforms[self.platform]


def load_config(path: str | Path | None = None) -> Config:
    """The configuration file, checked.

    `path` defaults to $WAREHOUSE_CONFIG, then config/warehouse.yml. $WAREHOUSE_HOME and $WAREHOUSE_PLATFORM override
    embedded.home and platform. Raises ConfigError with one line a wrong key.
    """
    chosen = Path(path or os.environ.get("WAREHOUSE_CONFIG") or DEFAULT_PATH)
    try:
        text = chosen.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{chosen}: can't be read ({error.strerror})") from None
    try:
        document = from_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{chosen}: not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{chosen}: expected keys and values")
    document = _expand(document, str(chosen))
    if home := os.environ.get("WAREHOUSE_HOME"):
        document.setdefault("embedded", {})["home"] = home
    if platform := os.environ.get("WAREHOUSE_PLATFORM"):
        document["platform"] = platform
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError("\n".join(f"{chosen}: {line}" for line in describe(error))) from None


def describe(error: ValidationError) -> list[str]:
    """A pydantic error as `key.path: what is wrong`, a line each, without the value (it might be a secret)."""
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in item["loc"]) or "(file)"
        message = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        lines.append(f"{key}: {message}")
    return lines


def _expand(value: Any, where: str) -> Any:
    if isinstance(value, dict):
        return {key: _expand(item, f"{where}: {key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, where) for item in value]
    return _REFERENCE.sub(lambda match: _lookup(match, where), value) if isinstance(value, str) else value


def _lookup(match: re.Match[str], where: str) -> str:
    found = os.environ.get(match[1]) or match[2]
    if found is None:
        raise ConfigError(f"{where}: environment variable {match[1]} is not set")
    return found
