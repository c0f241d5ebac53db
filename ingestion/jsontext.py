"""JSON as the raw tables need it: strict, integers exact at any size, text that every table can hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

_DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
_SPACE = re.compile(r"[ \t\r\n]*")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


class BadJson(ValueError):
    """The bytes are no JSON. `code` is invalid_utf8, bad_json or nested_too_deep."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def loads(raw: bytes) -> Any:
    """The JSON value of UTF-8 bytes. No NaN, no infinity; lone surrogates become U+FFFD. Raises BadJson."""
    if not _has_20_digits(raw):  # orjson would make a float of an integer beyond 64 bits
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass  # told apart below; it may also be a lone surrogate, which is legal JSON
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadJson("invalid_utf8", "the bytes are not UTF-8") from None
    value, end = decode(text, _SPACE.match(text).end())
    if _SPACE.match(text, end).end() != len(text):
        raise BadJson("bad_json", "not JSON: text after the value")
    return value


def _has_20_digits(raw: bytes) -> bool:
    """Whether 20 digits stand side by side; five of them are then neighbours in a look at every fourth byte."""
    return b"00000" in raw[::4].translate(_DIGITS) and b"0" * 20 in raw.translate(_DIGITS)


def decode(text: str, start: int) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and where it ends. Raises BadJson."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise BadJson("nested_too_deep", "the JSON is nested too deep to read") from None
    except json.JSONDecodeError as error:
        raise BadJson("bad_json", f"not JSON: {error.msg}") from None
    except ValueError as error:
        raise BadJson("bad_json", f"not JSON: {error}") from None
    if _ESCAPED_BYTE.search(text, start, end):
        raise BadJson("invalid_utf8", "the bytes are not UTF-8")
    return _mended(value) if "\\u" in text[start:end] else value, end


def dumps(value: Any) -> str:
    """Compact JSON text; characters beyond ASCII as they are, the order of keys kept."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def skip_space(text: str, start: int) -> int:
    """Where the next character that is no white space stands."""
    return _SPACE.match(text, start).end()


def members(text: str) -> Iterator[tuple[str, int]]:
    """(key, start of its value) for each member of the object that `text` holds. Raises BadJson."""
    at = skip_space(text, 0)
    if text[at : at + 1] != "{":
        raise BadJson("bad_json", "not JSON: no object")
    at = skip_space(text, at + 1)
    while text[at : at + 1] != "}":
        key, end = decode(text, at)
        end = skip_space(text, end)
        if not isinstance(key, str) or text[end : end + 1] != ":":
            raise BadJson("bad_json", "not JSON: a key was expected")
        start = skip_space(text, end + 1)
        yield key, start
        _, end = decode(text, start)
        at = skip_space(text, end)
        if text[at : at + 1] == ",":
            at = skip_space(text, at + 1)
        elif text[at : at + 1] != "}":
            raise BadJson("bad_json", "not JSON: the object has no end")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _mended(value: Any) -> Any:
    """Lone surrogates can't be written as UTF-8."""
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)
