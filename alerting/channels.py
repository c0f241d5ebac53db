"""Where notifications go. A channel delivers one payload or raises DeliveryError with one line without secrets."""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.webhook import WebhookClient

from warehouse import config as settings

_QUIET = logging.getLogger("alerting.slack_sdk")
_QUIET.setLevel(logging.CRITICAL)  # its messages hold the webhook's address, which is a secret

Lookup = Callable[[str], str | None]


class DeliveryError(RuntimeError):
    """The channel didn't take the notification; it stays in the outbox."""


class Channel(Protocol):
    """A way out."""

    name: str

    def send(self, notification_id: str, payload: Mapping[str, Any]) -> None:
        """Delivers one notification. Raises DeliveryError."""


class FileChannel:
    """JSON lines in a local file, one a notification: notification_id, then the Slack-compatible payload.

    A notification that the file already holds isn't written again; a line that a crash cut off is ended, not joined.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self._path = path

    def send(self, notification_id: str, payload: Mapping[str, Any]) -> None:
        """Appends the line and flushes it to disk. Raises DeliveryError."""
        line = json.dumps({"notification_id": notification_id, **payload}, ensure_ascii=False)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                stream.seek(0)
                lines = stream.read().split(b"\n")
                if any(_id_of(item) == notification_id for item in lines):
                    return
                stream.write((b"\n" if lines[-1] else b"") + line.encode() + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise DeliveryError(f"channel {self.name}: {self._path}: {error.strerror}") from None


class WebhookChannel:
    """A Slack-compatible incoming webhook. slack_sdk repeats after broken connections, 429 (Retry-After) and 5xx."""

    def __init__(self, name: str, url_env: str, lookup: Lookup, timeout: int = 15, retries: int = 2) -> None:
        self.name = name
        self._url_env = url_env
        self._lookup = lookup
        self._timeout = timeout
        self._retries = retries

    def send(self, notification_id: str, payload: Mapping[str, Any]) -> None:
        """Posts the payload. Raises DeliveryError; its text names the variable, never the address."""
        url = self._lookup(self._url_env)
        if not url:
            raise DeliveryError(f"channel {self.name}: {self._url_env} is not set")
        if not url.startswith(("https://", "http://")):
            raise DeliveryError(f"channel {self.name}: {self._url_env} is not a web address")
        handlers = [ConnectionErrorRetryHandler, RateLimitErrorRetryHandler, ServerErrorRetryHandler]
        client = WebhookClient(
            url,
            timeout=self._timeout,
            logger=_QUIET,
            retry_handlers=[handler(max_retry_count=self._retries) for handler in handlers],
        )
        try:
            response = client.send_dict(dict(payload))
        except (OSError, HTTPException, ValueError) as error:
            raise DeliveryError(f"channel {self.name}: {type(error).__name__} while posting") from None
        if response.status_code != 200:
            answer = " ".join(response.body.split())[:100]
            raise DeliveryError(f"channel {self.name}: HTTP {response.status_code}: {answer}")


def build_channels(config: settings.Config, lookup: Lookup) -> dict[str, Channel]:
    """The configured channels by name. A file's relative path is below embedded.home."""
    channels: dict[str, Channel] = {}
    for entry in config.channels:
        if isinstance(entry, settings.FileChannel):
            channels[entry.name] = FileChannel(entry.name, config.embedded.home / entry.path)
        else:
            channels[entry.name] = WebhookChannel(entry.name, entry.url_env, lookup)
    return channels


def routes(config: settings.Config, severity: str) -> list[str]:
    """Names of the channels that want alerts of this severity, in the configuration's order."""
    return [entry.name for entry in config.channels if severity in entry.severities]


def _id_of(line: bytes) -> str | None:
    try:
        return json.loads(line).get("notification_id")
    except (ValueError, AttributeError):
        return None
