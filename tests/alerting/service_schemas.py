"""The services' requests as their documentation describes them, independent of the code that makes them.

PagerDuty: Events API v2, "Send an event". Discord: Execute Webhook, embed limits. Telegram: sendMessage.
Unknown keys are refused, so that a misspelt one is found.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PagerDutyLink(Strict):
    href: HttpUrl
    text: str


class PagerDutyPayload(Strict):
    summary: str = Field(min_length=1, max_length=1024)
    source: str = Field(min_length=1)
    severity: Literal["critical", "error", "warning", "info"]
    timestamp: datetime | None = None
    component: str | None = None
    group: str | None = None
    class_: str | None = Field(default=None, alias="class")
    custom_details: dict[str, Any] = {}


class PagerDutyEvent(Strict):
    routing_key: str = Field(min_length=32, max_length=32)
    event_action: Literal["trigger", "acknowledge", "resolve"]
    dedup_key: str = Field(min_length=1, max_length=255)
    payload: PagerDutyPayload | None = None
    client: str | None = None
    client_url: HttpUrl | None = None
    links: list[PagerDutyLink] = []
    images: list[dict] = []

    @model_validator(mode="after")
    def _a_trigger_has_a_payload(self) -> PagerDutyEvent:
        assert (self.event_action == "trigger") == (self.payload is not None)
        return self


class DiscordField(Strict):
    name: str = Field(min_length=1, max_length=256)
    value: str = Field(min_length=1, max_length=1024)
    inline: bool = False


class DiscordEmbed(Strict):
    title: str = Field(max_length=256)
    description: str = Field(max_length=4096)
    color: int = Field(ge=0, le=0xFFFFFF)
    timestamp: datetime
    fields: list[DiscordField] = Field(max_length=25)

    def characters(self) -> int:
        return len(self.title) + len(self.description) + sum(len(f.name) + len(f.value) for f in self.fields)


class DiscordMentions(Strict):
    parse: list[Literal["roles", "users", "everyone"]]


class DiscordMessage(Strict):
    content: str | None = Field(default=None, max_length=2000)
    embeds: list[DiscordEmbed] = Field(min_length=1, max_length=10)
    allowed_mentions: DiscordMentions

    @model_validator(mode="after")
    def _within_the_whole_messages_limit(self) -> DiscordMessage:
        assert sum(embed.characters() for embed in self.embeds) <= 6000
        return self


class TelegramPreview(Strict):
    is_disabled: bool


class TelegramMessage(Strict):
    chat_id: Annotated[str, Field(pattern=r"^(-?\d+|@\w+)$")]
    text: str = Field(min_length=1, max_length=4096)
    parse_mode: Literal["HTML", "MarkdownV2"]
    link_preview_options: TelegramPreview
