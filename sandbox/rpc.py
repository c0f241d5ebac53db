"""A Solana JSON-RPC server over a chain: the answers, limits and error codes of a real node, over HTTP or in process.

Example::

    RpcServer(chain).handle("getSlot", [], 1)           # {"jsonrpc": "2.0", "result": 300863990, "id": 1}
    Route("/rpc/alpha", rpc_endpoint(server, is_down=lambda: False), methods=["POST"])
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.chain_protocol import Chain

NODE_VERSION = "2.3.7"
MAX_SIGNATURES = 1_000
MAX_BATCH = 100
ENCODINGS = ("json", "jsonParsed", "base58", "base64")
COMMITMENTS = ("processed", "confirmed", "finalized")

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
BLOCK_CLEANED_UP = -32001
BLOCK_NOT_AVAILABLE = -32004
SLOT_SKIPPED = -32007
UNSUPPORTED_VERSION = -32015
MIN_CONTEXT_SLOT = -32016


class RpcError(Exception):
    """An error answer."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.body = {"code": code, "message": message} | ({} if data is None else {"data": data})


class RpcServer:
    """Answers JSON-RPC calls from a chain whose every slot is finalized."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._methods: dict[str, Callable[[Sequence[Any]], Any]] = {
            "getBalance": self._get_balance,
            "getBlockHeight": self._get_block_height,
            "getBlockTime": self._get_block_time,
            "getFirstAvailableBlock": lambda params: self._chain.first_slot,
            "getHealth": lambda params: "ok",
            "getSignaturesForAddress": self._get_signatures_for_address,
            "getSlot": self._get_slot,
            "getTokenAccountBalance": self._get_token_account_balance,
            "getTransaction": self._get_transaction,
            "getVersion": lambda params: {"feature-set": 2142755730, "solana-core": NODE_VERSION},
        }

    def handle(self, method: str, params: Any, id: Any) -> dict[str, Any]:
        """Answer one call; a fault in the request is an error answer, never an exception."""
        try:
            if method not in self._methods:
                raise RpcError(METHOD_NOT_FOUND, "Method not found")
            if not isinstance(params, list | None):
                raise RpcError(INVALID_PARAMS, "Invalid params: invalid type: map, expected a sequence.")
            return {"jsonrpc": "2.0", "result": self._methods[method](params or []), "id": id}
        except RpcError as error:
            return {"jsonrpc": "2.0", "error": error.body, "id": id}

    def handle_body(self, body: bytes) -> Any:
        """Answer a request body, one call or a batch; None where nothing is to be answered (notifications)."""
        try:
            request = json.loads(body)
        except ValueError:
            return {"jsonrpc": "2.0", "error": {"code": PARSE_ERROR, "message": "Parse error"}, "id": None}
        if isinstance(request, list):
            if not 0 < len(request) <= MAX_BATCH:
                return _invalid_request()
            answers = [answer for call in request if (answer := self._one(call)) is not None]
            return answers or None
        return self._one(request)

    def _one(self, call: Any) -> dict[str, Any] | None:
        if not isinstance(call, Mapping) or not isinstance(call.get("method"), str) or call.get("jsonrpc") != "2.0":
            return _invalid_request()
        answer = self.handle(call["method"], call.get("params"), call.get("id"))
        return answer if "id" in call else None

    def _config(self, params: Sequence[Any], index: int) -> Mapping[str, Any]:
        """The options object at `index`, its commitment and minContextSlot checked."""
        config = params[index] if len(params) > index else None
        if config is None:
            return {}
        if not isinstance(config, Mapping):
            raise RpcError(INVALID_PARAMS, "Invalid params: invalid type, expected struct RpcContextConfig.")
        commitment = config.get("commitment", "finalized")
        if commitment not in COMMITMENTS:
            raise RpcError(INVALID_PARAMS, f"Invalid params: unknown variant `{commitment}`{_one_of(COMMITMENTS)}")
        least = config.get("minContextSlot")
        if least is not None and least > self._chain.tip:
            data = {"contextSlot": self._chain.tip}
            raise RpcError(MIN_CONTEXT_SLOT, "Minimum context slot has not been reached", data)
        return config

    def _get_slot(self, params: Sequence[Any]) -> int:
        self._config(params, 0)
        return self._chain.tip

    def _get_block_height(self, params: Sequence[Any]) -> int:
        self._config(params, 0)
        return self._chain.tip - self._chain.first_slot

    def _context(self, value: Any) -> dict[str, Any]:
        return {"context": {"apiVersion": NODE_VERSION, "slot": self._chain.tip}, "value": value}

    def _get_balance(self, params: Sequence[Any]) -> Any:
        address = _address(params)
        self._config(params, 1)
        return self._context(self._chain.lamports(address))

    def _get_token_account_balance(self, params: Sequence[Any]) -> Any:
        address = _address(params)
        self._config(params, 1)
        amount = self._chain.token_amount(address)
        if amount is None:
            known = self._chain.history(address)
            reason = "not a Token account" if known else "could not find account"
            raise RpcError(INVALID_PARAMS, f"Invalid param: {reason}")
        return self._context(amount)

    def _get_block_time(self, params: Sequence[Any]) -> Any:
        slot = params[0] if params else None
        if not isinstance(slot, int) or isinstance(slot, bool) or slot < 0:
            raise RpcError(INVALID_PARAMS, "Invalid params: invalid type, expected u64.")
        if slot > self._chain.tip:
            raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
        if slot < self._chain.first_slot:
            first = self._chain.first_slot
            raise RpcError(
                BLOCK_CLEANED_UP, f"Block {slot} cleaned up, does not exist on node. First available block: {first}"
            )
        when = self._chain.block_time(slot)
        if when is None:
            text = f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot"
            raise RpcError(SLOT_SKIPPED, text)
        return when

    def _get_signatures_for_address(self, params: Sequence[Any]) -> Any:
        address = _address(params)
        config = self._config(params, 1)
        _refuse_processed(config)
        limit = config.get("limit", MAX_SIGNATURES)
        if limit is None:
            limit = MAX_SIGNATURES
        if not isinstance(limit, int) or not 0 < limit <= MAX_SIGNATURES:
            raise RpcError(INVALID_PARAMS, f"Invalid limit; max {MAX_SIGNATURES}")
        bounds = {}
        for name in ("before", "until"):
            if config.get(name) is not None:
                bounds[name] = self._chain.order(_signature(config[name]))
        if "before" in bounds and bounds["before"] is None:
            return []  # a node that does not know the signature has nothing before it
        before, until = bounds.get("before"), bounds.get("until")
        answer = []
        for row in self._chain.history(address):
            if before is not None and row.order >= before:
                continue
            if (until is not None and row.order <= until) or len(answer) == limit:
                break
            answer.append(
                {
                    "blockTime": row.block_time,
                    "confirmationStatus": "finalized",
                    "err": row.err,
                    "memo": None,
                    "signature": row.signature,
                    "slot": row.slot,
                }
            )
        return answer

    def _get_transaction(self, params: Sequence[Any]) -> Any:
        signature = _signature(params[0] if params else None)
        if len(params) > 1 and isinstance(params[1], str):
            params = [params[0], {"encoding": params[1]}]
        config = self._config(params, 1)
        _refuse_processed(config)
        encoding = config.get("encoding") or "json"
        if encoding not in ENCODINGS:
            raise RpcError(INVALID_PARAMS, f"Invalid params: unknown variant `{encoding}`{_one_of(ENCODINGS)}")
        result = self._chain.transaction(signature, encoding)
        if result is None:
            return None
        highest = config.get("maxSupportedTransactionVersion")
        if highest is None:
            if result.get("version", "legacy") != "legacy":
                raise RpcError(
                    UNSUPPORTED_VERSION,
                    f"Transaction version ({result['version']}) is not supported by the requesting client. Please try "
                    'the request again with the following configuration parameter: "maxSupportedTransactionVersion": '
                    f"{result['version']}",
                )
            return {name: value for name, value in result.items() if name != "version"}
        return result


def rpc_endpoint(
    server: RpcServer, is_down: Callable[[], bool] = lambda: False
) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint for `server`; while `is_down()` every request gets 503, as from a provider's balancer."""

    async def endpoint(request: Request) -> Response:
        if is_down():
            return PlainTextResponse("Service Unavailable", status_code=503)
        if request.method != "POST":
            text = "Used HTTP Method is not allowed. POST or OPTIONS is required\n"
            return PlainTextResponse(text, status_code=405)
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            text = "Supplied content type is not allowed. Content-Type: application/json is required\n"
            return PlainTextResponse(text, status_code=415)
        answer = server.handle_body(await request.body())
        return Response(status_code=200) if answer is None else JSONResponse(answer)

    return endpoint


def _invalid_request() -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": {"code": INVALID_REQUEST, "message": "Invalid request"}, "id": None}


def _one_of(names: Sequence[str]) -> str:
    return ", expected one of " + ", ".join(f"`{name}`" for name in names) + "."


def _address(params: Sequence[Any]) -> str:
    if not params:
        raise RpcError(INVALID_PARAMS, "`params` should have at least 1 argument(s)")
    try:
        return str(Pubkey.from_string(params[0]))
    except (TypeError, ValueError) as error:
        raise RpcError(INVALID_PARAMS, "Invalid param: Invalid") from error


def _signature(text: Any) -> str:
    try:
        return str(Signature.from_string(text))
    except (TypeError, ValueError) as error:
        raise RpcError(INVALID_PARAMS, "Invalid param: Invalid") from error


def _refuse_processed(config: Mapping[str, Any]) -> None:
    if config.get("commitment") == "processed":
        raise RpcError(INVALID_PARAMS, "Method does not support commitment below `confirmed`")
