"""Personal data and secrets inside free text: replaced by a mark, the rest of the text kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address

REDACTED = "[redacted]"
REMEMBERED_LENGTH = 64
"""Short texts repeat (methods, hosts, paths); their result is remembered."""

# One look tells whether any rule could apply; most texts hold nothing and are done with it.
_SUSPECT = re.compile(
    r"@|%40|://|\d\.\d|:[0-9A-Fa-f]{0,4}:|\+[1-9]\d{8}|eyJ|[spr]k_(?:live|test)_|whsec_"
    r"|(?i:bearer|basic |passw|pwd|secret|token|api.?key|private.?key|authorization|cookie|salt)"
)
_QUERY = re.compile(r"(https?://[^\s?#\"'<>\\]{1,2000})[?#][^\s\"'<>\\]*")
_CREDENTIALS = re.compile(r"://[^/\s@\"']{1,256}@")
_SCHEME = re.compile(r"\b(bearer|basic) +[A-Za-z0-9._~+/=\-]{6,}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_STRIPE_KEY = re.compile(r"\b(?:[spr]k_(?:live|test)_|whsec_)\w+")
_ASSIGNED = re.compile(
    r"\b((?:[a-z]+[_-])?(?:password|passwd|pwd|secret|token|api[_-]?key|private[_-]?key|authorization|cookie|salt))"
    r"(\\?[\"']?\s{0,4}[:=]\s{0,4}\\?[\"']?)(?!\[redacted\])([^\s\"',;&}\\]+)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.%+\-]{1,64}(?:@|%40)[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}")
_PHONE = re.compile(r"(?<![\w+/=.\-])\+[1-9]\d{8,14}(?![\w+/=])")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{2,39}(?![0-9A-Za-z:])")

_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (_QUERY, r"\1"),
    (_CREDENTIALS, f"://{REDACTED}@"),
    (_SCHEME, rf"\1 {REDACTED}"),
    (_JWT, REDACTED),
    (_STRIPE_KEY, REDACTED),
    (_ASSIGNED, rf"\1\2{REDACTED}"),
    (_EMAIL, "[email]"),
    (_PHONE, "[phone]"),
    (_IPV4, "[ip]"),
    (_IPV6, lambda match: "[ip]" if _is_ipv6(match[0]) else match[0]),
)


def scrub_text(text: str) -> str:
    """Text without e-mail and IP addresses, phone numbers, query strings of URLs, tokens and passwords."""
    return _remembered(text) if len(text) <= REMEMBERED_LENGTH else _scrubbed(text)


def _scrubbed(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


_remembered = lru_cache(maxsize=50_000)(_scrubbed)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
