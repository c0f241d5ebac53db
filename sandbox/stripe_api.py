"""The Stripe REST API (read part) over HTTP: lists, retrieval and error answers in Stripe's own form.

Mounted below /stripe, so `stripe.StripeClient(key, base_addresses={"api": "http://127.0.0.1:PORT/stripe"})` reads it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe_provider import PLATFORM, Meeting, StripeBoard
from sandbox.stripe_shapes import API_VERSION
from sandbox.stripe_store import RESOURCES, NotExpandable, Query, StripeStore, UnknownCursor

API_KEY = "rk_sandbox_readonly"

_PARAMETER = re.compile(r"^(?P<name>[a-z_]+)(?:\[(?P<sub>[a-z0-9_]*)\])?$")
_VERSION = re.compile(r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")
_BOUNDS = frozenset({"gt", "gte", "lt", "lte"})


class ApiError(Exception):
    """An answer in Stripe's error form: HTTP status and the `error` object's fields."""

    def __init__(self, status: int, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": "invalid_request_error"}
        if code:
            self.error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param:
            self.error["param"] = param


def stripe_routes(held: StripeStore | StripeBoard, prefix: str = "/stripe", api_key: str = API_KEY) -> list[Route]:
    """Routes that serve a store, or the accounts of a board, under `<prefix>/v1` to the holder of `api_key`.

    They only read. Stripe-Account names a connected account of the board.
    """
    board = held if isinstance(held, StripeBoard) else StripeBoard({PLATFORM: lambda _: held})

    async def answer(request: Request) -> Response:
        meeting = Meeting(board, request.path_params["path"].partition("/")[0])
        return await meeting.prevented(request) or meeting.sent(_answer(request))

    def _answer(request: Request) -> Response:
        headers = {"Request-Id": f"req_{uuid.uuid4().hex[:14]}", "Cache-Control": "no-cache, no-store"}
        try:
            headers["Stripe-Version"] = _version(request)
            _authenticate(request, api_key)
            body, status = _dispatch(board, _account(request, board, api_key), request), 200
        except ApiError as problem:
            body, status = {"error": dict(sorted(problem.error.items()))}, problem.status
            if status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
        # Escaped to ASCII: recorded objects may hold lone surrogates that UTF-8 cannot carry.
        text = json.dumps(body, indent=2)
        return Response(text, status, headers, media_type="application/json")

    return [Route(prefix + "/v1/{path:path}", answer, methods=["GET", "POST", "DELETE"])]


def _version(request: Request) -> str:
    version = request.headers.get("stripe-version") or API_VERSION
    if not _VERSION.match(version):
        raise ApiError(400, f"Invalid Stripe API version: {version}")
    return version


def _authenticate(request: Request, api_key: str) -> None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    key = value.strip()
    if scheme.lower() == "basic":  # curl -u KEY:
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise ApiError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
        )
    if key != api_key:
        shown = f"{key[:8]}{'*' * max(len(key) - 12, 0)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
        raise ApiError(401, f"Invalid API Key provided: {shown}")
    if request.method != "GET":
        raise ApiError(
            403,
            f"The provided key '{key[:8]}***{key[-4:]}' does not have the required permissions for this endpoint. "
            "It may only read.",
        )


def _account(request: Request, board: StripeBoard, api_key: str) -> str:
    account = request.headers.get("stripe-account") or PLATFORM
    if account not in board.stores:
        raise ApiError(
            403,
            f"The provided key '{api_key[:8]}***{api_key[-4:]}' does not have access to account '{account}' (or that "
            "account does not exist). Application access may have been revoked.",
            "account_invalid",
        )
    return account


def _dispatch(board: StripeBoard, account: str, request: Request) -> dict[str, Any]:
    store = board.stores[account]
    resource, _, object_id = request.path_params["path"].partition("/")
    if resource == "balance" and not object_id:
        _parameters(request.query_params, frozenset({"expand"}))
        return store.balance
    if resource not in RESOURCES or "/" in object_id:
        raise ApiError(
            404,
            f"Unrecognized request URL ({request.method}: /v1/{request.path_params['path']}). "
            "Please see https://stripe.com/docs or we can help at https://support.stripe.com/.",
        )
    if object_id:
        return _retrieve(store, resource, object_id, request.query_params)
    return _list(board, account, resource, request.query_params)


def _retrieve(store: StripeStore, resource: str, object_id: str, query: QueryParams) -> dict[str, Any]:
    given = _parameters(query, frozenset({"expand"}))
    found = store.get(resource, object_id)
    if found is None:
        kind = RESOURCES[resource][0]
        raise ApiError(404, f"No such {_spoken(kind)}: '{object_id}'", "resource_missing", "id")
    return _expanded(store, found, [path for _, path in given.get("expand", [])])


def _list(board: StripeBoard, account: str, resource: str, params: QueryParams) -> dict[str, Any]:
    kind, filters = RESOURCES[resource]
    allowed = filters | {"limit", "starting_after", "ending_before", "created", "expand"}
    given = _parameters(params, allowed)
    query = _query(given, filters)
    try:
        page = board.page(account, resource, query)
    except UnknownCursor as missing:
        param = "starting_after" if query.starting_after else "ending_before"
        raise ApiError(400, f"No such {_spoken(kind)}: '{missing.args[1]}'", "resource_missing", param) from missing
    body = {"object": "list", "data": page.data, "has_more": page.has_more, "url": f"/v1/{resource}"}
    return _expanded(board.stores[account], body, [path for _, path in given.get("expand", [])])


def _parameters(query: QueryParams, allowed: frozenset[str]) -> dict[str, list[tuple[str, str]]]:
    """Query parameters as name -> [(part in brackets, value)]. Raises ApiError for a name Stripe does not know."""
    given: dict[str, list[tuple[str, str]]] = {}
    for key, value in query.multi_items():
        match = _PARAMETER.match(key)
        if not match or match["name"] not in allowed:
            raise ApiError(400, f"Received unknown parameter: {key}", "parameter_unknown", key)
        given.setdefault(match["name"], []).append((match["sub"] or "", value))
    return given


def _query(given: dict[str, list[tuple[str, str]]], filters: frozenset[str]) -> Query:
    def single(name: str) -> str | None:
        return given[name][-1][1] if name in given else None

    if "starting_after" in given and "ending_before" in given:
        raise ApiError(400, "Received both starting_after and ending_before parameters. Please pass in only one.")
    if "type" in given and "types" in given:
        raise ApiError(400, "Received both type and types parameters. Please pass in only one.")
    limit = _integer("limit", single("limit") or "10")
    if limit < 1 or limit > 100:
        side, bound = ("greater", 1) if limit < 1 else ("less", 100)
        raise ApiError(
            400,
            f"This value must be {side} than or equal to {bound} (it currently is '{limit}').",
            "parameter_invalid_integer",
            "limit",
        )
    created: dict[str, int] = {}
    for bound, value in given.get("created", []):
        name = f"created[{bound}]" if bound else "created"
        if bound and bound not in _BOUNDS:
            raise ApiError(400, f"Received unknown parameter: {name}", "parameter_unknown", name)
        created[bound or "eq"] = _integer(name, value)
    return Query(
        limit=limit,
        starting_after=single("starting_after"),
        ending_before=single("ending_before"),
        created=created,
        filters={name: [value for _, value in given[name]] for name in filters if name in given},
    )


def _integer(name: str, value: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", value):
        raise ApiError(400, f"Invalid integer: {value}", "parameter_invalid_integer", name)
    return int(value)


def _expanded(store: StripeStore, body: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    for path in paths:
        try:
            body = store.expand(body, path)
        except NotExpandable as problem:
            raise ApiError(400, f"This property cannot be expanded ({problem.args[0]}).", param="expand") from problem
    return body


def _spoken(kind: str) -> str:
    """How Stripe's messages name an object type: `payment_intent` keeps its underscore, a transaction does not."""
    return "balance transaction" if kind == "balance_transaction" else kind
