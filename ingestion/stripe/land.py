"""Stripe -> landing: each list resource of a window, then what the window's events say has changed.

A landed object is NDJSON, a line an answer, in the order of the requests:

    {"request": "/v1/charges?...", "api_version": "...", "account": "...", "body": "<text as received>"}

and holds nothing else that differs between two readings of the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import stripe
from google.cloud import bigquery

from ingestion.base import Context, NewObject
from ingestion.errors import SourceUnavailable
from ingestion.jsontext import dumps
from ingestion.landing import slice_of, slice_uri
from ingestion.stripe.client import Api, request_text
from ingestion.stripe.columns import RESOURCE_OF_TYPE
from warehouse.window import Window

PAGE = 100


def land(window: Window, ctx: Context) -> Iterator[NewObject]:
    """An object a resource with what Stripe lists for the window, and one with what has changed of older objects.

    Raises SourceUnavailable.
    """
    settings = ctx.config.sources.stripe
    key = ctx.secrets(settings.api_key_env)
    if not key:
        raise SourceUnavailable(
            f"stripe: no API key: set {settings.api_key_env} in the environment, or the password of the Airflow "
            f"connection {settings.api_key_env.lower()}, to a restricted key that may only read"
        )
    api = Api(settings, key)
    held = _held_slices(window, ctx)
    listed: dict[str, set[str]] = {}
    events: list[dict[str, Any]] = []
    # The feed comes last: what changes while the lists are read is then named by an event.
    for resource in sorted(settings.resources, key=lambda name: name == "events"):
        pages = list(_pages(api, f"/v1/{resource}", window))
        objects = [item for _, answer in pages for item in answer.data["data"]]
        listed[resource] = {item["id"] for item in objects if isinstance(item.get("id"), str)}
        if resource == "events":
            events = objects
        yield from _object(resource, window.slug, pages, bool(objects), held, ctx)
    for resource, ids in _changed(events, listed).items():
        answers = [_retrieve(api, f"/v1/{resource}/{object_id}") for object_id in ids]
        yield from _object(resource, f"{window.slug}.changed", answers, True, held, ctx)


Answer = tuple[str, stripe.StripeResponse]


def _pages(api: Api, path: str, window: Window) -> Iterator[Answer]:
    """(request, answer) of each page. Stripe's times are whole seconds, so the window's ends are rounded up."""
    parameters: dict[str, Any] = {
        "limit": PAGE,
        "created": {"gte": math.ceil(window.start.timestamp()), "lt": math.ceil(window.end.timestamp())},
    }
    while True:
        answer = api.get(path, parameters)
        data = answer.data
        if not isinstance(data, Mapping) or not isinstance(data.get("data"), list):
            raise SourceUnavailable(f"stripe: {path} answered no list: check sources.stripe.api_base")
        yield request_text(path, parameters), answer
        if not data.get("has_more"):
            return
        last = data["data"][-1].get("id") if data["data"] else None
        if not isinstance(last, str) or last == parameters.get("starting_after"):
            raise SourceUnavailable(f"stripe: {path} says there is more but names no object to go on from")
        parameters["starting_after"] = last


def _retrieve(api: Api, path: str) -> Answer:
    """One object as it is now. What Stripe no longer has is an answer too: it is kept, and quarantined when read."""
    try:
        return path, api.get(path)
    except stripe.InvalidRequestError as gone:
        return path, stripe.StripeResponse(str(gone.http_body), 404, gone.headers or {})


def _changed(events: Sequence[Mapping[str, Any]], listed: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Resource -> ids that events name and the lists don't hold (older or deleted objects), oldest event first."""
    found: dict[str, dict[str, None]] = {}
    for event in reversed(events):
        data = event.get("data")
        changed = data.get("object") if isinstance(data, Mapping) else None
        if not isinstance(changed, Mapping):
            continue
        resource, object_id = RESOURCE_OF_TYPE.get(str(changed.get("object"))), changed.get("id")
        if resource in listed and isinstance(object_id, str) and object_id not in listed[resource]:
            found.setdefault(resource, {})[object_id] = None
    return {resource: list(found[resource]) for resource in listed if resource in found}


def _object(
    resource: str, name: str, answers: Sequence[Answer], has_data: bool, held: set[str], ctx: Context
) -> Iterator[NewObject]:
    """The landed object of some answers. Answers without data are kept only where data had been landed before."""
    settings = ctx.config.sources.stripe
    read_with = {"api_version": settings.api_version, "account": settings.account}
    lines = [dumps({"request": request, **read_with, "body": answer.body}) for request, answer in answers]
    body = "".join(f"{line}\n" for line in lines).encode()
    origin = f"stripe://{settings.account}{answers[0][0].partition('?')[0]}" if answers else ""
    new = NewObject(dataset=resource, name=name, body=body, origin_uri=origin)
    if has_data or slice_uri(ctx.config.landing, "stripe", new) in held:
        yield new


def _held_slices(window: Window, ctx: Context) -> set[str]:
    """Slices of the window that the landing holds already."""
    parameters = [
        bigquery.ScalarQueryParameter("start", "TIMESTAMP", window.start),
        bigquery.ScalarQueryParameter("end", "TIMESTAMP", window.end),
    ]
    sql = "select uri from ops.objects where source = 'stripe' and window_start = @start and window_end = @end"
    return {slice_of(row["uri"]) for row in ctx.query(sql, parameters)}
