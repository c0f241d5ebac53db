"""Reads a call's parameters as a node does, and refuses them with a node's error codes and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature

COMMITMENTS = ("processed", "confirmed", "finalized")

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
BLOCK_CLEANED_UP = -32001
PREFLIGHT_FAILURE = -32002
SIGNATURE_VERIFICATION = -32003
BLOCK_NOT_AVAILABLE = -32004
NODE_UNHEALTHY = -32005
SLOT_SKIPPED = -32007
UNSUPPORTED_VERSION = -32015
MIN_CONTEXT_SLOT = -32016


class RpcError(Exception):
    """An error answer."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.body = {"code": code, "message": message} | ({} if data is None else {"data": data})


def options(params: Sequence[Any], index: int) -> Mapping[str, Any]:
    """The options object at `index`, its commitment checked. Raises RpcError."""
    config = params[index] if len(params) > index else None
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise RpcError(INVALID_PARAMS, "Invalid params: invalid type, expected struct RpcContextConfig.")
    commitment(config)
    return config


def commitment(config: Mapping[str, Any]) -> str:
    """The commitment asked for, `finalized` by default. Raises RpcError for an unknown one."""
    name = config.get("commitment")
    if name is None:
        return "finalized"
    if name not in COMMITMENTS:
        raise RpcError(INVALID_PARAMS, f"Invalid params: unknown variant `{name}`{one_of(COMMITMENTS)}")
    return name


def refuse_processed(config: Mapping[str, Any]) -> None:
    """Raises RpcError where history is asked for below `confirmed`."""
    if config.get("commitment") == "processed":
        raise RpcError(INVALID_PARAMS, "Method does not support commitment below `confirmed`")


def one_of(names: Sequence[str]) -> str:
    """The end of a node's message about an unknown name."""
    return ", expected one of " + ", ".join(f"`{name}`" for name in names) + "."


def address(params: Sequence[Any]) -> str:
    """The address in the first parameter. Raises RpcError."""
    if not params:
        raise RpcError(INVALID_PARAMS, "`params` should have at least 1 argument(s)")
    try:
        return str(Pubkey.from_string(params[0]))
    except (TypeError, ValueError) as error:
        raise RpcError(INVALID_PARAMS, "Invalid param: Invalid") from error


def signature(text: Any) -> str:
    """A signature. Raises RpcError."""
    try:
        return str(Signature.from_string(text))
    except (TypeError, ValueError) as error:
        raise RpcError(INVALID_PARAMS, "Invalid param: Invalid") from error
