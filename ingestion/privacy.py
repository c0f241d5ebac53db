"""Personal fields and secrets at the door between landing and raw.

Keys are compared without case, `_` and `-`, so that `Client-IP`, `client_ip` and `clientIP` are one rule; which keys
are which is told by personal_fields.yml.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ingestion.scrub import REDACTED, scrub_text
from warehouse.yaml_text import from_yaml

LONG_ID = 20  # Firebase's own ids have 20 or 28 characters
RULES_KEPT = 10_000  # keys whose rule is remembered; hostile data could hold any number of keys
TEXTS_KEPT, SHORT = 20_000, 64  # likewise, texts of so many characters at most
NAMES_KEPT = 50_000  # likewise, pseudonyms

FIELDS_FILE = Path(__file__).parent / "personal_fields.yml"


def field_group(name: str) -> frozenset[str]:
    """A group of normalised keys from personal_fields.yml. Raises KeyError."""
    return _groups()[name]


@cache
def _groups() -> dict[str, frozenset[str]]:
    document = from_yaml(FIELDS_FILE.read_text(encoding="utf-8"))
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
        self._known: dict[tuple[str, str], str] = {}

    def __reduce__(self) -> tuple[type[Pseudonymizer], tuple[bytes]]:
        return Pseudonymizer, (self._key,)  # another process remembers for itself

    def __call__(self, value: str | None, kind: str) -> str | None:
        """Pseudonym `<kind>_<32 hex>`; None and "" stay None."""
        if not value:
            return None
        known = self._known.get((kind, value))
        if known is None:
            digest = hmac.digest(self._key, f"{kind}:{value}".encode(), "sha256")
            if len(self._known) >= NAMES_KEPT:
                self._known.clear()
            known = self._known[kind, value] = f"{kind}_{digest.hex()[:32]}"
        return known


def normal_key(key: str) -> str:
    """Key as the rules compare it: lower case, no separators."""
    return _SEPARATORS.sub("", key).lower()


def clean(value: Any, pseudonym: Pseudonymizer, pseudonym_keys: Mapping[str, str]) -> Any:
    """A copy of a JSON value fit for raw tables: secrets redacted, personal fields null, ids under a pseudonym.

    `pseudonym_keys` maps normalised keys to the kind of pseudonym, e.g. {"customer": "customer", "uid": "user"}; a
    list of strings below such a key is replaced item by item. Other strings are scrubbed of addresses.
    """
    return Cleaner(pseudonym, pseudonym_keys)(value)


class _Rule(NamedTuple):
    """What to do with a key's value, the key as it is written, the kind of pseudonym."""

    action: str
    shown: str
    kind: str


_UNSEEN = _Rule("", "", "")


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
        self._rules: dict[str, _Rule | None] = {}
        self._known: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        """The value's copy; the value itself is not changed."""
        return self.sparing(_copied(value))

    def sparing(self, value: Any) -> Any:
        """The same without a copy of what needs no change: the result shares those parts, so neither may be changed."""
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return self._list(value)
        return self._string(value) if isinstance(value, str) else value

    # The two loops below take most of the time that a load spends on a record: no call that can be spared.

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        rules, known = self._rules, self._known
        cleaned, renamed = value, False
        for key, item in value.items():
            rule = rules.get(key, _UNSEEN)
            if rule is _UNSEEN:
                rule = self._rule(key)
            if rule is None:
                kind = item.__class__
                if kind is str:
                    new = known.get(item)
                    if new is None:
                        new = self._string(item)
                elif kind is dict:
                    new = self._object(item)
                elif kind is list:
                    new = self._list(item)
                else:
                    continue
            else:
                renamed = renamed or rule.shown != key
                new = None if item is None else self._field(rule, item)
            if new is not item:
                if cleaned is value:
                    cleaned = value.copy()
                cleaned[key] = new
        return {scrub_text(key): item for key, item in cleaned.items()} if renamed else cleaned

    def _list(self, value: list[Any]) -> list[Any]:
        cleaned = value
        for place, item in enumerate(value):
            kind = item.__class__
            if kind is str:
                new = self._string(item)
            elif kind is dict:
                new = self._object(item)
            elif kind is list:
                new = self._list(item)
            else:
                continue
            if new is not item:
                if cleaned is value:
                    cleaned = value.copy()
                cleaned[place] = new
        return cleaned

    def _string(self, text: str) -> str:
        """`text` of a string; short ones repeat (methods, hosts, regions), so their result is remembered."""
        if len(text) > SHORT:
            return self._text(text)
        new = self._known.get(text)
        if new is None:
            if len(self._known) >= TEXTS_KEPT:
                self._known.clear()
            new = self._known[text] = self._text(text)
        return new

    def _field(self, rule: _Rule, value: Any) -> Any:
        if rule.action == "name":
            return self._named(value, rule.kind)
        if rule.action == "redact":
            return REDACTED
        if rule.action == "drop":
            return None
        if rule.action == "plain" and isinstance(value, str):
            return scrub_text(value)
        if rule.action == "plain" and isinstance(value, list):
            return [scrub_text(item) if isinstance(item, str) else self.sparing(item) for item in value]
        return self.sparing(value)

    def _rule(self, key: str) -> _Rule | None:
        """None for a key that stays and whose value is cleaned, which is most of them."""
        normal, shown = normal_key(key), scrub_text(key)
        kind = self._kinds.get(normal, "")
        if kind:
            action = "name"
        elif normal in SECRET_KEYS:
            action = "redact"
        elif normal in self._drop:
            action = "drop"
        else:
            action = "plain" if normal in self._plain else "clean"
        rule = None if action == "clean" and shown == key else _Rule(action, shown, kind)
        if len(self._rules) >= RULES_KEPT:
            self._rules.clear()
        self._rules[key] = rule
        return rule

    def _named(self, value: Any, kind: str) -> Any:
        """Strings and whole numbers below such a key are ids; so are the keys of a map that look like ids."""
        if isinstance(value, str):
            return self._name(value, kind)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._name(str(value), kind)
        if isinstance(value, list):
            return [self._named(item, kind) if not isinstance(item, dict) else self._object(item) for item in value]
        if isinstance(value, dict):
            return dict(self._named_member(key, item, kind) for key, item in value.items())
        return value

    def _named_member(self, key: str, item: Any, kind: str) -> tuple[str, Any]:
        [(shown, cleaned)] = self._object({key: item}).items()
        is_id = looks_like_id(key) or shown != key
        return (self._name(key, kind) or "") if is_id else shown, cleaned


def _copied(value: Any) -> Any:
    """A copy of a JSON value's objects and lists."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def looks_like_id(text: str) -> bool:
    """Whether a path segment or map key is an id and no word: it has a digit or is long."""
    return len(text) >= LONG_ID or any(map(str.isdigit, text))
