"""Which faults a provider's RPC endpoint shows, and the dice that decide when: the configuration, as values.

    {"seed": 7, "alpha": {"rate_limited": {"share": 0.2, "retry_after": 1}, "behind": {"slots": 40}}, "beta": {...}}

Every setting has a default but `behind.slots`. What is random depends on the seed, the provider, the kind and the
request's number (from 1, counted anew for each configuration), or on a signature's hash, and on nothing else.
"""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PROVIDERS = ("alpha", "beta")
Share = Field(default=1.0, ge=0, le=1)


class FaultConfigError(ValueError):
    """A configuration that cannot be used; the message names the place and the reason."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Chance(_Settings):
    """A fault of whole requests: of a share of them, of the first so many only, of some methods only."""

    share: float = Share
    first: int | None = Field(default=None, ge=0, description="only the first N requests; None: all")
    methods: tuple[str, ...] | None = Field(default=None, description="only requests with one of these; None: all")

    def strikes(self, number: int, methods: frozenset[str], dice: Random) -> bool:
        """Whether request `number`, which calls `methods`, has the fault. Throws the dice once."""
        thrown = dice.random() < self.share
        asked = self.methods is None or not methods.isdisjoint(self.methods)
        return thrown and asked and (self.first is None or number <= self.first)


class RateLimited(Chance):
    """429 over HTTP, or as a JSON-RPC error in a body of status 200; `mixed` is half and half."""

    retry_after: int | None = Field(
        default=None, ge=0, description="seconds in Retry-After, sent with every second one"
    )
    form: Literal["http", "body", "mixed"] = "mixed"


class ServerError(Chance):
    """An HTTP status of a server in trouble."""

    statuses: tuple[int, ...] = Field(default=(500, 502, 503), min_length=1)


class Late(Chance):
    """The right answer, but so many seconds later: `hang` beyond the client's patience, `slow` within it."""

    seconds: float = Field(default=0.2, ge=0)


class Hang(Late):
    """As Late."""

    seconds: float = Field(default=60.0, ge=0)


class Down(Chance):
    """Nothing works: 503, or the connection ends without an answer."""

    form: Literal["503", "dropped"] = "503"


class NoBatch(Chance):
    """Batches are refused, by a JSON-RPC error, with this HTTP status."""

    status: int = 200


class BatchPartial(Chance):
    """A batch answer lacks a share of its ids, one at least."""

    left_out: float = Field(default=0.3, gt=0, le=1)


class OfSignatures(_Settings):
    """A fault of given signatures, and of a share of all by their hash."""

    signatures: tuple[str, ...] = ()
    share: float = Field(default=0.0, ge=0, le=1)

    def holds(self, signature: str, salt: str) -> bool:
        """Whether the signature has the fault; the same at every time."""
        if signature in self.signatures:
            return True
        return int.from_bytes(sha256(f"{salt}/{signature}".encode()).digest()[:8]) < self.share * 2**64


class Behind(_Settings):
    """The node lags: everything after its slot is unknown to it, at every commitment."""

    slots: int = Field(gt=0)


class Duplicates(Chance):
    """Entries of a listing page come twice."""

    entries: float = Field(default=0.2, gt=0, le=1, description="share of the entries, one at least")


class OutOfOrder(Chance):
    """A listing page is shuffled among neighbours; which entries it has stays right."""

    reach: int = Field(default=4, ge=2, description="entries that are shuffled among each other")


class ProviderFaults(_Settings):
    """The faults of one provider, by kind; None: it does not have that one."""

    down: Down | None = None
    rate_limited: RateLimited | None = None
    server_error: ServerError | None = None
    no_batch: NoBatch | None = None
    hang: Hang | None = None
    slow: Late | None = None
    half_answer: Chance | None = None
    invalid_json: Chance | None = None
    null_transaction: OfSignatures | None = None
    behind: Behind | None = None
    omit: OfSignatures | None = None
    duplicates: Duplicates | None = None
    out_of_order: OutOfOrder | None = None
    batch_partial: BatchPartial | None = None


class RpcFaults(_Settings):
    """The faults of every provider."""

    seed: int = 0
    alpha: ProviderFaults = ProviderFaults()
    beta: ProviderFaults = ProviderFaults()

    def of(self, provider: str) -> ProviderFaults:
        """The faults of one provider. Raises AttributeError for an unknown one."""
        return getattr(self, provider)

    def dice(self, provider: str, kind: str, number: int) -> Random:
        """The dice for one fault kind in one request."""
        return Random(f"{self.seed}/{provider}/{kind}/{number}")

    def salt(self, provider: str, kind: str) -> str:
        """What a signature's hash is mixed with."""
        return f"{self.seed}/{provider}/{kind}"


def read_faults(document: Any) -> RpcFaults:
    """The configuration in a parsed JSON document. Raises FaultConfigError."""
    try:
        return RpcFaults.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise FaultConfigError(f"RPC faults: {place}: {first['msg']}") from error
