"""The configuration of alerts: channels, who hears of what, and the limits that keep the noise down."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from warehouse.section import EnvName, Section

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
URGENT: list[Severity] = ["critical", "high"]


class _Channel(Section):
    """What all channels have. `severities` matter where `alerting.routes` is empty.

    At most `requests` requests are sent in any `per_seconds`; 0 means no limit.
    """

    name: ChannelName
    severities: list[Severity] = URGENT
    requests: int = Field(default=0, ge=0)
    per_seconds: float = Field(default=1, gt=0)
    timeout_seconds: int = Field(default=15, ge=1, le=60)

    def secrets(self) -> dict[str, str]:
        """Environment variables that the channel needs, and what each holds."""
        return {name: text.format(name=self.name) for name, text in self._secrets().items()}

    def _secrets(self) -> dict[str, str]:
        return {}


class FileChannel(_Channel):
    """Notifications as JSON lines in a local file."""

    type: Literal["file"]
    path: Path
    severities: list[Severity] = ["critical", "high", "medium", "low"]


class WebhookChannel(_Channel):
    """A Slack-compatible incoming webhook; the address is a secret and so comes from the environment."""

    type: Literal["slack_webhook"]
    url_env: EnvName
    requests: int = Field(default=1, ge=0)

    def _secrets(self) -> dict[str, str]:
        return {self.url_env: "the incoming webhook address of channel {name}"}


class PagerDutyChannel(_Channel):
    """A PagerDuty service, by the Events API v2 integration's key. `api_base` for the EU: events.eu.pagerduty.com."""

    type: Literal["pagerduty"]
    routing_key_env: EnvName = "PAGERDUTY_ROUTING_KEY"
    api_base: HttpUrl = "https://events.pagerduty.com"
    severities: list[Severity] = ["critical"]
    requests: int = Field(default=120, ge=0)
    per_seconds: float = Field(default=60, gt=0)

    def _secrets(self) -> dict[str, str]:
        return {self.routing_key_env: "the integration key (32 characters) of channel {name}"}


class DiscordChannel(_Channel):
    """A Discord webhook; Discord takes 5 requests in 2 seconds."""

    type: Literal["discord"]
    url_env: EnvName = "DISCORD_WEBHOOK_URL"
    requests: int = Field(default=5, ge=0)
    per_seconds: float = Field(default=2, gt=0)

    def _secrets(self) -> dict[str, str]:
        return {self.url_env: "the webhook address of channel {name}"}


class TelegramChannel(_Channel):
    """A Telegram bot that writes to one chat; Telegram takes about one message a second in a chat."""

    type: Literal["telegram"]
    token_env: EnvName = "TELEGRAM_BOT_TOKEN"
    chat_id: str = Field(pattern=r"^(-?\d+|@\w+)$")
    api_base: HttpUrl = "https://api.telegram.org"
    requests: int = Field(default=1, ge=0)

    def _secrets(self) -> dict[str, str]:
        return {self.token_env: "the bot's token of channel {name}"}


class MailChannel(_Channel):
    """E-mail over SMTP. With `user`, the password is looked up; `security` none is for a local relay."""

    type: Literal["email"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_env: EnvName = "SMTP_PASSWORD"
    sender: MailAddress
    to: list[MailAddress] = Field(min_length=1)

    @model_validator(mode="after")
    def _no_open_password(self) -> MailChannel:
        if self.user and self.security == "none":
            raise ValueError("a password needs security: starttls or tls")
        return self

    def _secrets(self) -> dict[str, str]:
        return {self.password_env: "the mail server's password of channel {name}"} if self.user else {}


class SignedWebhookChannel(_Channel):
    """Any HTTP endpoint: JSON, with an HMAC-SHA256 signature over the time and the body in its headers."""

    type: Literal["webhook"]
    url_env: EnvName
    key_env: EnvName
    severities: list[Severity] = ["critical", "high", "medium"]

    def _secrets(self) -> dict[str, str]:
        return {
            self.url_env: "the address of channel {name}",
            self.key_env: "the key that signs the requests of channel {name}",
        }


Channel = Annotated[
    FileChannel
    | WebhookChannel
    | PagerDutyChannel
    | DiscordChannel
    | TelegramChannel
    | MailChannel
    | SignedWebhookChannel,
    Field(discriminator="type"),
]


class Route(Section):
    """Who hears of alerts that all `match` matchers fit (Alertmanager's: rule="x", vault=~"a|b", severity!=high).

    All `channels` are told. Where one fails, the next one of `channels`, then of `fallback`, is told in its place. The
    first route that fits is taken; with `go_on` the following ones are looked at too.
    """

    match: list[str] = []
    channels: list[ChannelName] = Field(min_length=1)
    fallback: list[ChannelName] = []
    go_on: bool = False


class InhibitRule(Section):
    """While an alert fits `source`, alerts that fit `target` with equal values of the labels `equal` aren't told."""

    source: list[str] = Field(min_length=1)
    target: list[str] = Field(min_length=1)
    equal: list[str] = []


class EscalationStep(Section):
    """So many minutes after a critical alert was told and nobody has acknowledged it, these channels are told."""

    after_minutes: int = Field(ge=1)
    channels: list[ChannelName] = Field(min_length=1)


class Flapping(Section):
    """`changes` (raised or resolved) within `within_minutes`: it stays firing until quiet for `quiet_minutes`."""

    changes: int = Field(default=5, ge=3)
    within_minutes: int = Field(default=60, ge=1)
    quiet_minutes: int = Field(default=30, ge=1)


class Outbox(Section):
    """Delivery. The pause after the nth failure is retry_seconds * 2^(n-1), at most retry_limit_seconds.

    After `fail_over_after` failures, or one that will not pass, the next channel of the route is told. A notification
    that a channel has refused `attempts` times is given up there. A process that takes notifications to send has
    `lease_seconds`; then another may.
    """

    retry_seconds: int = Field(default=30, ge=1)
    retry_limit_seconds: int = Field(default=3600, ge=1)
    attempts: int = Field(default=12, ge=1)
    fail_over_after: int = Field(default=2, ge=1)
    lease_seconds: int = Field(default=300, ge=30)


IncidentLevel = Literal["SEV1", "SEV2", "SEV3", "SEV4"]


class IncidentRule(Section):
    """An incident is of this level when at least `alerts` of its alerts fit all `match` matchers."""

    level: IncidentLevel
    match: list[str] = []
    alerts: int = Field(default=1, ge=1)


class Incidents(Section):
    """How alerts become incidents.

    An alert of a severity in `opened_by` opens one, unless it joins one that is not resolved; one of `joined_by` joins
    only. An alert joins when it fired within `group_minutes` of any of the incident's alerts, or has the same value of
    one of the labels `shared_labels`. The first of `levels` that fits is the incident's; without any it is SEV4.
    """

    opened_by: list[Severity] = ["critical"]
    joined_by: list[Severity] = ["critical", "high"]
    group_minutes: int = Field(default=30, ge=0)
    shared_labels: list[str] = ["vault", "mint", "match_id", "account", "source", "stream"]
    levels: list[IncidentRule] = [
        IncidentRule(level="SEV1", match=['rule=~"escrow_mismatch|missing_transaction|audit_log_gap"']),
        IncidentRule(level="SEV1", match=['severity="critical"'], alerts=4),
        IncidentRule(level="SEV2", match=['severity="critical"']),
        IncidentRule(level="SEV3", match=['severity="high"']),
    ]


class Alerting(Section):
    """How alerts are told; the defaults are those of the reference."""

    routes: list[Route] = []
    group_by: list[str] = Field(default=["family"], description="family, or names of labels")
    families: dict[str, list[str]] = Field(default={}, description="family: rules that are told together")
    group_wait_minutes: dict[Severity, int] = {}
    group_interval_minutes: dict[Severity, int] = {"high": 5}
    pending_minutes: dict[str, int] = Field(default={}, description="rule: so long it must fail before it fires")
    cooldown_minutes: int = Field(default=5, ge=0)
    limit_an_hour: int = Field(default=50, ge=1)
    digest: list[Severity] = ["medium"]
    digest_hour: int = Field(default=8, ge=0, le=23, description="UTC")
    record_only: list[Severity] = ["low"]
    escalate: list[Severity] = ["critical"]
    escalation: list[EscalationStep] = []
    inhibit: list[InhibitRule] = []
    flapping: Flapping = Flapping()
    outbox: Outbox = Outbox()
    incidents: Incidents = Incidents()
    heartbeat_url_env: EnvName | None = Field(default=None, description="told after each nightly run; null: off")
    runbook_url: str | None = Field(default=None, description="address with {runbook}; left out: the file's path")
    rows_url: str | None = Field(default=None, description="address with {project}, {dataset}, {table}")

    @field_validator("escalation")
    @classmethod
    def _in_order(cls, steps: list[EscalationStep]) -> list[EscalationStep]:
        minutes = [step.after_minutes for step in steps]
        if sorted(set(minutes)) != minutes:
            raise ValueError("each step must come later than the one before it")
        return steps

    @field_validator("runbook_url", "rows_url")
    @classmethod
    def _a_template(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                url.format(runbook="", project="", dataset="", table="")
            except (KeyError, IndexError, ValueError):
                raise ValueError("may hold {runbook}, or {project}, {dataset} and {table}") from None
        return url

    def named_channels(self) -> set[str]:
        """Channels that routes and escalation name."""
        routed = {name for route in self.routes for name in (*route.channels, *route.fallback)}
        return routed | {name for step in self.escalation for name in step.channels}
