"""The SQL API of Workers Analytics Engine: one query, its answer as received, retries, and failures in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from ingestion.errors import SourceUnavailable
from ingestion.jsontext import BadJson, loads
from warehouse.config_cloudflare import AnalyticsEngine

ATTEMPTS = 5
LONGEST_WAIT = 30.0
_BACKOFF = wait_exponential_jitter(initial=0.5, max=LONGEST_WAIT)


@dataclass(frozen=True)
class Answer:
    """Text of an answer as received, and the rows in it."""

    text: str
    rows: list[dict[str, Any]]


class _Passing(Exception):
    """A failure that another attempt may not meet. `wait`: seconds that the API asks for."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class SqlApi:
    """Queries of one account. A context manager."""

    def __init__(self, settings: AnalyticsEngine, token: str) -> None:
        self._token = token
        self._name = settings.api_token_env
        self._url = f"{settings.api_base.rstrip('/')}/accounts/{settings.account_id}/analytics_engine/sql"
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {token}"}, timeout=settings.timeout_seconds, trust_env=True
        )

    def __enter__(self) -> SqlApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def query(self, sql: str) -> Answer:
        """Rows of a query that ends with FORMAT JSON. Raises SourceUnavailable."""
        retrying = Retrying(
            retry=retry_if_exception_type(_Passing), stop=stop_after_attempt(ATTEMPTS), wait=_wait, reraise=True
        )
        try:
            return retrying(self._attempt, sql)
        except _Passing as error:
            raise self._unavailable(f"{error}: run again later") from None

    def _attempt(self, sql: str) -> Answer:
        try:
            answer = self._http.post(self._url, content=sql.encode(), headers={"Content-Type": "text/plain"})
        except httpx2.HTTPError as error:
            raise _Passing(f"the SQL API can't be reached ({type(error).__name__})") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise _Passing(f"the SQL API answers {answer.status_code}", _seconds(answer.headers.get("retry-after")))
        if answer.status_code in (401, 403):
            raise self._unavailable(
                f"the token in {self._name} is refused ({answer.status_code}): put one there that may read Account "
                "Analytics of this account"
            )
        if answer.status_code != 200:
            said = " ".join(answer.text.split())[:200].replace(self._token, "[token]")
            raise self._unavailable(f"the query is refused ({answer.status_code}): {said or 'no reason given'}")
        try:
            value = loads(answer.content)
        except BadJson:
            raise _Passing("the SQL API answers what is no JSON") from None
        rows = value.get("data") if isinstance(value, dict) else None
        if not isinstance(rows, list) or value.get("rows", len(rows)) != len(rows):
            raise _Passing("the SQL API's answer is not whole")
        return Answer(answer.content.decode(), rows)

    def _unavailable(self, why: str) -> SourceUnavailable:
        return SourceUnavailable(f"cloudflare: analytics engine: {why}")


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, _Passing) else None
    return min(asked, LONGEST_WAIT) if asked is not None else _BACKOFF(state)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None
