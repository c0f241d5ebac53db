"""Where notifications go. A channel delivers one message or raises DeliveryError with one line without secrets."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
import os
import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from slack_sdk.webhook import WebhookClient

from alerting.formats import discord, mail, pagerduty, slack, telegram
from alerting.http import DeliveryError, post, refusal
from alerting.message import Message
from warehouse import config as settings
from warehouse import config_alerting as sections

_QUIET = logging.getLogger("alerting.slack_sdk")
_QUIET.setLevel(logging.CRITICAL)  # its messages hold the webhook's address, which is a secret

Lookup = Callable[[str], str | None]


class Channel(Protocol):
    """A way out."""

    name: str

    def send(self, message: Message) -> None:
        """Delivers one message. Raises DeliveryError."""


class FileChannel:
    """JSON lines in a local file, one a notification: its id and thread, then the Slack-compatible payload.

    A notification that the file already holds isn't written again; a line that a crash cut off is ended, not joined.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path

    def send(self, message: Message) -> None:
        """Appends the line and flushes it to disk. Raises DeliveryError."""
        head = {"notification_id": message.notification_id, "kind": message.kind, "dedup_key": message.dedup_key}
        line = json.dumps({**head, **slack.payload(message)}, ensure_ascii=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                stream.seek(0)
                lines = stream.read().split(b"\n")
                if any(_id_of(item) == message.notification_id for item in lines):
                    return
                stream.write((b"\n" if lines[-1] else b"") + line.encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise DeliveryError(f"channel {self.name}: {self._path}: {error.strerror}") from None


class SlackChannel:
    """A Slack-compatible incoming webhook. Repeats are the outbox's, so slack_sdk makes one try."""

    def __init__(self, entry: sections.WebhookChannel, lookup: Lookup) -> None:
        self.name = entry.name
        self._entry = entry
        self._lookup = lookup

    def send(self, message: Message) -> None:
        """Posts the payload. Raises DeliveryError; its text names the variable, never the address."""
        url = _address(self.name, self._entry.url_env, self._lookup)
        client = WebhookClient(url, timeout=self._entry.timeout_seconds, logger=_QUIET, retry_handlers=[])
        try:
            response = client.send_dict(slack.payload(message))
        except (OSError, HTTPException, ValueError) as error:
            raise DeliveryError(f"channel {self.name}: {type(error).__name__} while posting") from None
        if response.status_code != 200:
            headers = {name.title(): value for name, value in response.headers.items()}
            raise refusal(self.name, response.status_code, response.body, headers, [url])


class DiscordChannel:
    """A Discord webhook."""

    def __init__(self, entry: sections.DiscordChannel, lookup: Lookup) -> None:
        self.name = entry.name
        self._entry = entry
        self._lookup = lookup

    def send(self, message: Message) -> None:
        """Posts the embed. Raises DeliveryError."""
        url = _address(self.name, self._entry.url_env, self._lookup)
        post(self.name, url, _json(discord.payload(message)), {}, self._entry.timeout_seconds, [url])


class TelegramChannel:
    """A Telegram bot; its token is part of the address."""

    def __init__(self, entry: sections.TelegramChannel, lookup: Lookup) -> None:
        self.name = entry.name
        self._entry = entry
        self._lookup = lookup

    def send(self, message: Message) -> None:
        """Calls sendMessage. Raises DeliveryError."""
        token = _secret(self.name, self._entry.token_env, self._lookup)
        url = f"{self._entry.api_base.rstrip('/')}/bot{token}/sendMessage"
        body = _json(telegram.payload(message, self._entry.chat_id))
        post(self.name, url, body, {}, self._entry.timeout_seconds, [token])


class PagerDutyChannel:
    """PagerDuty's Events API v2; it drops repeats by the thread's key."""

    def __init__(self, entry: sections.PagerDutyChannel, lookup: Lookup, source: str) -> None:
        self.name = entry.name
        self._entry = entry
        self._lookup = lookup
        self._source = source

    def send(self, message: Message) -> None:
        """Enqueues the event. Raises DeliveryError."""
        key = _secret(self.name, self._entry.routing_key_env, self._lookup)
        url = f"{self._entry.api_base.rstrip('/')}/v2/enqueue"
        body = _json(pagerduty.event(message, key, self._source))
        post(self.name, url, body, {}, self._entry.timeout_seconds, [key])


class SignedWebhookChannel:
    """Any endpoint. X-Alert-Signature is sha256= and the hex HMAC-SHA256 of `<X-Alert-Timestamp>.<body>`."""

    def __init__(
        self, entry: sections.SignedWebhookChannel, lookup: Lookup, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.name = entry.name
        self._entry = entry
        self._lookup = lookup
        self._clock = clock or (lambda: datetime.now(UTC))

    def send(self, message: Message) -> None:
        """Posts the message as JSON. Raises DeliveryError."""
        url = _address(self.name, self._entry.url_env, self._lookup)
        key = _secret(self.name, self._entry.key_env, self._lookup)
        body = message.dumps().encode()
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Idempotency-Key": message.notification_id,
            "X-Alert-Timestamp": timestamp,
            "X-Alert-Signature": f"sha256={signature(key, timestamp, body)}",
        }
        post(self.name, url, body, headers, self._entry.timeout_seconds, [url, key])


class MailChannel:
    """SMTP. The whole mail is refused when the server refuses one of its recipients."""

    def __init__(self, entry: sections.MailChannel, lookup: Lookup) -> None:
        self.name = entry.name
        self._entry = entry
        self._lookup = lookup

    def send(self, message: Message) -> None:
        """Sends the mail. Raises DeliveryError; its text holds no address."""
        entry = self._entry
        password = _secret(self.name, entry.password_env, self._lookup) if entry.user else None
        letter = mail.mail(message, entry.sender, entry.to)
        try:
            with self._connected() as server:
                if password is not None:
                    server.login(entry.user, password)
                refused = server.send_message(letter, entry.sender, entry.to)
        except smtplib.SMTPResponseException as error:
            lasting = 500 <= error.smtp_code < 600
            raise DeliveryError(f"channel {self.name}: SMTP {error.smtp_code}", lasting=lasting) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(f"channel {self.name}: {type(error).__name__} while sending") from None
        if refused:
            raise DeliveryError(f"channel {self.name}: {len(refused)} of {len(entry.to)} recipients refused")

    def _connected(self) -> smtplib.SMTP:
        entry = self._entry
        if entry.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(entry.host, entry.port, timeout=entry.timeout_seconds, context=context)
        server = smtplib.SMTP(entry.host, entry.port, timeout=entry.timeout_seconds)
        if entry.security == "starttls":
            try:
                server.starttls(context=ssl.create_default_context())
            except BaseException:
                server.close()
                raise
        return server


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of the time and the body."""
    return hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def build_channels(config: settings.Config, lookup: Lookup) -> dict[str, Channel]:
    """The configured channels by name. A file's relative path is below embedded.home."""
    return {entry.name: _build(entry, config, lookup) for entry in config.channels}


def _build(entry: Any, config: settings.Config, lookup: Lookup) -> Channel:
    if isinstance(entry, sections.FileChannel):
        return FileChannel(entry.name, config.embedded.home / entry.path)
    if isinstance(entry, sections.PagerDutyChannel):
        return PagerDutyChannel(entry, lookup, f"{config.project}/{config.platform}")
    return _KINDS[type(entry)](entry, lookup)


_KINDS: dict[type, Callable[[Any, Lookup], Channel]] = {
    sections.WebhookChannel: SlackChannel,
    sections.DiscordChannel: DiscordChannel,
    sections.TelegramChannel: TelegramChannel,
    sections.SignedWebhookChannel: SignedWebhookChannel,
    sections.MailChannel: MailChannel,
}


def _secret(channel: str, name: str, lookup: Lookup) -> str:
    value = (lookup(name) or "").strip()
    if not value:
        raise DeliveryError(f"channel {channel}: {name} is not set", lasting=True)
    return value


def _address(channel: str, name: str, lookup: Lookup) -> str:
    url = _secret(channel, name, lookup)
    if not url.startswith(("https://", "http://")):
        raise DeliveryError(f"channel {channel}: {name} is not a web address", lasting=True)
    return url


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _id_of(line: bytes) -> str | None:
    try:
        return json.loads(line).get("notification_id")
    except (ValueError, AttributeError):
        return None
