"""One HTTP POST of JSON-RPC requests, and what each way of failing means. No message holds an address or a key."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from ingestion.solana.rpc.answers import Answer, Body

logging.getLogger("httpx2").setLevel(logging.WARNING)  # its INFO lines hold whole addresses, and so a provider's key

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses worth another try; some providers put them into the JSON-RPC error code instead."""


class CallFailed(Exception):
    """A call that did not answer all of its requests; `answers` has the ones that it did, by request id.

    `passes`: worth another try. `wait`: seconds that the provider asked to be left alone. `refusal`: if the requests
    were several, then sending them one by one may work.
    """

    def __init__(
        self,
        outcome: str,
        why: str,
        code: int | None = None,
        *,
        passes: bool = False,
        wait: float = 0,
        refusal: bool = False,
        answers: Mapping[int, Answer] | None = None,
    ) -> None:
        super().__init__(why)
        self.outcome, self.why, self.code = outcome, why, code
        self.passes, self.wait, self.refusal, self.answers = passes, wait, refusal, answers or {}


async def post(client: httpx2.AsyncClient, url: str, bodies: Sequence[Body], timeout: float) -> str:
    """The response's text, strictly UTF-8: a single request is sent as an object, several as an array.

    `timeout` is for the whole call, seconds, so that a server that sends a byte now and then is not waited for.
    Raises CallFailed.
    """
    texts = [body.to_json() for body in bodies]
    content = texts[0] if len(texts) == 1 else "[" + ",".join(texts) + "]"
    try:
        async with asyncio.timeout(timeout):
            response = await client.post(url, content=content, headers={"Content-Type": "application/json"})
        response.raise_for_status()
        return response.content.decode("utf-8")
    except httpx2.HTTPStatusError as error:
        raise _refused(error.response) from None
    except (TimeoutError, httpx2.TimeoutException):
        raise CallFailed("timeout", f"no answer within {timeout:g} s", passes=True) from None
    except httpx2.ConnectError:
        raise CallFailed("connection", "connection refused or host not found", passes=True) from None
    except UnicodeDecodeError:
        raise CallFailed("invalid", "the answer is not UTF-8", passes=True) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise CallFailed("connection", f"connection broke ({type(error).__name__})", passes=True) from None


def _refused(response: httpx2.Response) -> CallFailed:
    status = response.status_code
    passes = status in PASSING
    return CallFailed(
        "http_error",
        f"HTTP {status}",
        status,
        passes=passes,
        wait=retry_after(response.headers, datetime.now(UTC)) if passes else 0,
        refusal=400 <= status < 500 and status != 401 and not passes,
    )


def retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds that a Retry-After header asks for, 0 without a usable one.

    A date is measured from the response's own Date where there is one: the server's clock may not be ours.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked)
    until = _date(asked)
    if until is None:
        return 0
    return max((until - (_date(headers.get("date", "")) or now)).total_seconds(), 0)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
