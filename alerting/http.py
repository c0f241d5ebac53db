"""One POST to a channel's address. Errors name the channel and the cause, never the address, the body or a secret."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from ingestion.scrub import scrub_text

logging.getLogger("httpx2").setLevel(logging.WARNING)  # its INFO lines hold whole addresses, and so a channel's secret
PASSING = frozenset({408, 425, 429})
LONGEST_WAIT = 24 * 3600.0


class DeliveryError(RuntimeError):
    """The channel didn't take the notification; it stays in the outbox.

    `retry_after`: seconds that the channel asked to wait. `lasting`: another try alone won't help.
    """

    def __init__(self, text: str, retry_after: float | None = None, lasting: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.lasting = lasting


def post(
    channel: str, url: str, content: bytes, headers: Mapping[str, str], timeout: float, secrets: Sequence[str]
) -> httpx2.Response:
    """The answer, when it is a success; redirects aren't followed. Raises DeliveryError."""
    try:
        response = httpx2.post(
            url,
            content=content,
            headers={"Content-Type": "application/json", **headers},
            timeout=timeout,
            follow_redirects=False,
        )
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise DeliveryError(f"channel {channel}: {type(error).__name__} while posting") from None
    if not response.is_success:
        raise refusal(channel, response.status_code, response.text, response.headers, secrets, retry_body(response))
    return response


def refusal(
    channel: str, status: int, body: str, headers: Mapping[str, str], secrets: Sequence[str], wait: float | None = None
) -> DeliveryError:
    """The error for an answer that is no success."""
    for secret in secrets:
        body = body.replace(secret, "[redacted]")
    answer = scrub_text(" ".join(body.split()))[:100]
    waits = [seconds for seconds in (retry_after(headers.get("Retry-After")), wait) if seconds is not None]
    lasting = 300 <= status < 500 and status not in PASSING
    text = f"channel {channel}: HTTP {status}" + (f": {answer}" if answer else "")
    return DeliveryError(text, max(waits) if waits else None, lasting)


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, given in seconds or as a date; None without one that can be read."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def retry_body(response: httpx2.Response) -> float | None:
    """`retry_after` in the body, as Discord ({"retry_after"}) and Telegram ({"parameters": ...}) send it."""
    try:
        body = response.json()
        value = body.get("retry_after", (body.get("parameters") or {}).get("retry_after"))
    except (ValueError, AttributeError):
        return None
    return retry_after(str(value)) if isinstance(value, int | float) else None
