"""The exchange's requests as Firestore documents, in the change tracker's objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from sandbox.exchange_world import Exchange, Request, RequestState
from sandbox.firestore import Change, Doc, changelog_objects, exported_changes, timestamp

COLLECTION = "exchange_requests"


def exchange_objects(exchange: Exchange) -> dict[str, bytes]:
    """The changelog objects of the window: key below the exports bucket -> bytes."""
    world = exchange.world
    rng = Random(f"exchange:{world.seed}")
    return changelog_objects(exported_changes(_changes(exchange.requests), world.start, world.end, rng))


def _changes(requests: Sequence[Request]) -> Iterator[Change]:
    for request in requests:
        for state in request.states:
            yield Change(state.at, COLLECTION, request.request_id, _document(request, state))
        if request.deleted_at is not None:
            yield Change(request.deleted_at, COLLECTION, request.request_id, None)


def _document(request: Request, state: RequestState) -> Doc:
    return {
        "requestId": request.request_id,
        "userId": request.uid,
        "mint": request.mint,
        "units": request.units,
        "rate": str(request.rate),
        "tokens": None if state.tokens is None else str(state.tokens),
        "status": state.status,
        "reason": state.reason,
        "createdAt": timestamp(request.created_at),
        "endedAt": None if state.ended_at is None else timestamp(state.ended_at),
    }
