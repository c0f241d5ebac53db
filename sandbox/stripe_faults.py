"""Which faults the Stripe API shows, and what stands in the account: the configuration, as values.

    {"seed": 7, "as_of": "2026-10-06T00:00:00Z", "rate_limited": {"share": 0.2}, "late_events": {"share": 0.3}}

Every setting has a default. What is random depends on the seed, the kind and the request's number (from 1, counted anew
for each configuration), or on an id's hash, and on nothing else. `methods` of a fault names list resources.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from sandbox.rpc_faults import Chance, FaultConfigError, Hang, ServerError

Share = Annotated[float, Field(ge=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RateLimited(Chance):
    """429; as a lock timeout it tells the client to try again, as Stripe does."""

    retry_after: int | None = Field(default=None, ge=0, description="seconds in Retry-After")
    lock_timeout: bool = False


class LateEvents(_Settings):
    """Of a share of the events each becomes visible so many minutes after its time."""

    share: Share = 1.0
    minutes: int = Field(default=30, ge=0)


class Arrives(_Settings):
    """So many objects of the first page of a list appear only after that page was served, once for each resource."""

    objects: int = Field(default=2, ge=1)


class StripeFaults(_Settings):
    """The faults of the API. None: it does not have that one.

    `as_of`: the account is shown as it was right before this instant; None: as it stands at the end.
    `deleted_customers`, `duplicate_events`: shares; `test_mode_charges`: so many charges of test mode are beside the
    live ones.
    """

    seed: int = 0
    as_of: AwareDatetime | None = None
    late_events: LateEvents | None = None
    duplicate_events: Share = 0.0
    deleted_customers: Share = 0.0
    test_mode_charges: int = Field(default=0, ge=0)
    rate_limited: RateLimited | None = None
    server_error: ServerError | None = None
    timeout: Hang | None = None
    not_json: Chance | None = None
    reset_mid_page: Chance | None = None
    arrives_between_pages: Arrives | None = None

    def dice(self, kind: str, number: int) -> Random:
        """The dice for one fault kind in one request."""
        return Random(f"{self.seed}/{kind}/{number}")

    def chosen(self, kind: str, identity: str, share: float) -> bool:
        """Whether an id is of the share that has the fault; the same at every time."""
        digest = sha256(f"{self.seed}/{kind}/{identity}".encode()).digest()
        return int.from_bytes(digest[:8]) < share * 2**64

    @property
    def until(self) -> int | None:
        """`as_of` in unix seconds."""
        return int(self.as_of.timestamp()) if isinstance(self.as_of, datetime) else None


def read_stripe_faults(document: Any) -> StripeFaults:
    """The configuration in a parsed JSON document. Raises FaultConfigError."""
    try:
        return StripeFaults.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise FaultConfigError(f"Stripe faults: {place}: {first['msg']}") from error
