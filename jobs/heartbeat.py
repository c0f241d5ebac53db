"""Dead man: after a nightly run, a beat to an address outside. Who listens there raises the alarm when one is missing.

The address is a secret: no log line, error or row shows it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from warehouse import secrets
from warehouse.config import Config
from warehouse.window import Window, format_instant

logging.getLogger("httpx2").setLevel(logging.WARNING)  # its INFO lines hold whole addresses
TIMEOUT_SECONDS = 10
ATTEMPTS = 5
WAIT = wait_random_exponential(multiplier=1, max=30)


class HeartbeatError(RuntimeError):
    """The beat wasn't taken. The text says why, without the address."""


class _Passing(HeartbeatError):
    """Another try may help."""


def beat(
    config: Config,
    window: Window,
    run_id: str,
    lookup: Callable[[str], str | None] = secrets.lookup,
    wait: wait_base = WAIT,
) -> bool:
    """Tell the configured address that the run over `window` is through; False where none is configured.

    Tries again when the address can't be reached or answers 408, 425, 429 or 5xx. Raises HeartbeatError.
    """  # fmt: skip
    name = config.alerting.heartbeat_url_env
    if name is None:
        return False
    url = (lookup(name) or "").strip()
    if not url.startswith(("https://", "http://")):
        raise HeartbeatError(f"heartbeat: {name} is {'no web address' if url else 'not set'}")
    body = {"project": config.project, "platform": config.platform, "run_id": run_id}
    body |= {"window_start": format_instant(window.start), "window_end": format_instant(window.end)}
    for attempt in Retrying(
        retry=retry_if_exception_type(_Passing), stop=stop_after_attempt(ATTEMPTS), wait=wait, reraise=True
    ):
        with attempt:
            _post(url, body)
    return True


def _post(url: str, body: dict[str, str]) -> None:
    try:
        response = httpx2.post(url, json=body, timeout=TIMEOUT_SECONDS, follow_redirects=False)
    except (httpx2.InvalidURL, ValueError) as error:
        raise HeartbeatError(f"heartbeat: {type(error).__name__}") from None
    except (httpx2.HTTPError, OSError) as error:
        raise _Passing(f"heartbeat: {type(error).__name__} while posting") from None
    if response.is_success:
        return
    passing = response.status_code in (408, 425, 429) or response.status_code >= 500
    raise (_Passing if passing else HeartbeatError)(f"heartbeat: HTTP {response.status_code}")
