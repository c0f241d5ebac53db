"""Personal data and secrets inside free text: replaced by a mark, the rest of the text kept."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

REDACTED = "[redacted]"

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


def scrub_text(text: str) -> str:
    """Text without e-mail and IP addresses, phone numbers, query strings of URLs, tokens and passwords."""
    if text.isalnum():  # no rule does without punctuation
        return text
    # Each is tried only where a cheap look finds what it can't do without: a search costs many times as much.
    low = text.lower() if text.isascii() else _ascii_letters(text)
    text = without_queries(text)
    if "://" in text and "@" in text:
        text = _CREDENTIALS.sub(f"://{REDACTED}@", text)
    if " " in text and ("bearer " in low or "basic " in low):
        text = _SCHEME.sub(rf"\1 {REDACTED}", text)
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if "k_live_" in text or "k_test_" in text or "whsec_" in text:
        text = _STRIPE_KEY.sub(REDACTED, text)
    if (":" in text or "=" in text) and _has_word(low):
        text = _ASSIGNED.sub(rf"\1\2{REDACTED}", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("[email]", text)
    if "+" in text:
        text = _PHONE.sub("[phone]", text)
    if text.count(".") > 2:
        text = _IPV4.sub("[ip]", text)
    if text.count(":") > 1:
        text = _IPV6.sub(lambda match: "[ip]" if _is_ipv6(match[0]) else match[0], text)
    return text


def without_queries(text: str) -> str:
    """Text without the query strings and fragments of URLs, which is what `scrub_text` begins with."""
    return _QUERY.sub(_first, text) if "://" in text and ("?" in text or "#" in text) else text


def is_inert(text: str) -> bool:
    """Whether no rule could change an ASCII text, whatever digits stood for its digits."""
    low = text.lower()
    return not (
        "@" in text
        or "%" in text
        or "+" in text
        or "eyJ" in text
        or "_" in text
        or "bearer " in low
        or "basic " in low
        or text.count(".") > 2
        or text.count(":") > 1
        or ("://" in text and ("?" in text or "#" in text))
        or ((":" in text or "=" in text) and _has_word(low))
    )


def _has_word(low: str) -> bool:
    """Whether a lower-case text has a word that a secret is assigned to."""
    return (
        "passw" in low
        or "pwd" in low
        or "secret" in low
        or "token" in low
        or "key" in low
        or "authorization" in low
        or "cookie" in low
        or "salt" in low
    )


def _first(match: re.Match[str]) -> str:
    return match[1]  # a template for this would cost three times as much


def _ascii_letters(text: str) -> str:
    """Lower case; the letters that match an ASCII one where case is ignored (long s, Kelvin's K, two i) as that one."""
    return text.replace("\u0130", "i").replace("\u0131", "i").replace("\u017f", "s").lower()


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True
