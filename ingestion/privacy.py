"""Personal fields and secrets at the door between landing and raw.

Keys are compared without case, `_` and `-`, so that `Client-IP`, `client_ip` and `clientIP` are one rule; which keys
are which is told by personal_fields.yml.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingestion.scrub import REDACTED, scrub_text

LONG_ID = 20  # Firebase's own ids have 20 or 28 characters
RULES_KEPT = 10_000  # keys whose rule is remembered; hostile data could hold any number of keys

FIELDS_FILE = Path(__file__).parent / "personal_fields.yml"


def field_group(name: str) -> frozenset[str]:
    """A group of normalised keys from personal_fields.yml. Raises KeyError."""
    return _groups()[name]


@cache
def _groups() -> dict[str, frozenset[str]]:
    document = yaml.safe_load(FIELDS_FILE.read_text(encoding="utf-8"))
    return {name: frozenset(map(str, keys)) for name, keys in document.items()}


SECRET_KEYS = field_group("secret")
"""Redacted before anything is written: the value becomes REDACTED."""

DROPPED_KEYS = field_group("personal")
"""Personal fields that no model needs: the value becomes null."""

_SEPARATORS = re.compile(r"[_\-\s]")


class Pseudonymizer:
    """Keyed pseudonyms (HMAC-SHA256, 128 bits, hex): the same value and key give the same pseudonym; no way back.

    `kind` separates name spaces, so that a wallet and a user id that look alike do not meet.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the pseudonym key needs at least 16 bytes")
        self._key = key

    def __call__(self, value: str | None, kind: str) -> str | None:
        """Pseudonym `<kind>_<32 hex>`; None and "" stay None."""
        if not value:
            return None
        digest = hmac.new(self._key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()
        return f"{kind}_{digest[:32]}"


def normal_key(key: str) -> str:
    """Key as the rules compare it: lower case, no separators."""
    return _SEPARATORS.sub("", key).lower()


def clean(value: Any, pseudonym: Pseudonymizer, pseudonym_keys: Mapping[str, str]) -> Any:
    """A copy of a JSON value fit for raw tables: secrets redacted, personal fields null, ids under a pseudonym.

    `pseudonym_keys` maps normalised keys to the kind of pseudonym, e.g. {"customer": "customer", "uid": "user"}; a
    list of strings below such a key is replaced item by item. Other strings are scrubbed of addresses.
    """
    return Cleaner(pseudonym, pseudonym_keys)(value)


_Rule = tuple[str, str, str]
"""Key as it is written, what to do with its value, kind of pseudonym."""


class Cleaner:
    """`clean` with a source's own rules; one cleaner serves many records.

    name   gives the pseudonym of (value, kind)
    keys   normalised key -> kind of pseudonym
    text   makes other strings fit
    plain  normalised keys whose strings are only scrubbed, not given to `text` (on-chain addresses that are public)
    drop   further normalised keys of personal fields
    """

    def __init__(
        self,
        name: Callable[[str, str], str | None],
        keys: Mapping[str, str],
        *,
        text: Callable[[str], str] = scrub_text,
        plain: Collection[str] = (),
        drop: Collection[str] = (),
    ) -> None:
        self._name, self._kinds, self._text = name, keys, text
        self._plain, self._drop = frozenset(plain), DROPPED_KEYS.union(drop)
        self._rules: dict[str, _Rule] = {}

    def __call__(self, value: Any) -> Any:
        """The value's copy; the value itself is not changed."""
        if isinstance(value, dict):
            rules = self._rules
            fields = ((rules.get(key) or self._rule(key), item) for key, item in value.items())
            return {rule[0]: None if item is None else self._field(rule, item) for rule, item in fields}
        if isinstance(value, list):
            return [self(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _field(self, rule: _Rule, value: Any) -> Any:
        _, action, kind = rule
        if action == "clean":
            return self(value)
        if action == "name":
            return self._named(value, kind)
        if action == "redact":
            return REDACTED
        if action == "drop":
            return None
        if action == "plain" and isinstance(value, str):
            return scrub_text(value)
        if action == "plain" and isinstance(value, list):
            return [scrub_text(item) if isinstance(item, str) else self(item) for item in value]
        return self(value)

    def _rule(self, key: str) -> _Rule:
        normal, shown = normal_key(key), scrub_text(key)
        if normal in self._kinds:
            rule = (shown, "name", self._kinds[normal])
        elif normal in SECRET_KEYS:
            rule = (shown, "redact", "")
        elif normal in self._drop:
            rule = (shown, "drop", "")
        else:
            rule = (shown, "plain" if normal in self._plain else "clean", "")
        if len(self._rules) < RULES_KEPT:
            self._rules[key] = rule
        return rule

    def _named(self, value: Any, kind: str) -> Any:
        """Strings and whole numbers below such a key are ids; so are the keys of a map that look like ids."""
        if isinstance(value, str):
            return self._name(value, kind)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._name(str(value), kind)
        if isinstance(value, list):
            return [self._named(item, kind) if not isinstance(item, dict) else self(item) for item in value]
        if isinstance(value, dict):
            return dict(self._named_member(key, item, kind) for key, item in value.items())
        return value

    def _named_member(self, key: str, item: Any, kind: str) -> tuple[str, Any]:
        [(shown, cleaned)] = self({key: item}).items()
        is_id = looks_like_id(key) or shown != key
        return (self._name(key, kind) or "") if is_id else shown, cleaned


def looks_like_id(text: str) -> bool:
    """Whether a path segment or map key is an id and no word: it has a digit or is long."""
    return any(char.isdigit() for char in text) or len(text) >= LONG_ID
