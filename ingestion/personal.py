"""Personal data in the platform's own documents and logs: users, wallets, paths and JSON inside texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import base58

from ingestion.base import Context
from ingestion.jsontext import BadJson, dumps, loads
from ingestion.privacy import NAMES_KEPT, TEXTS_KEPT, Cleaner, Pseudonymizer, field_group, looks_like_id, normal_key
from ingestion.scrub import is_inert, scrub_text, without_queries

USER_KEYS = field_group("user")
WALLET_KEYS = field_group("wallet")
PUBLIC_ADDRESS_KEYS = field_group("public_address")
USER_COLLECTIONS = field_group("user_collections")
ROLES = field_group("roles")

_ADDRESS = re.compile(r"(?<![0-9A-Za-z])[1-9A-HJ-NP-Za-km-z]{32,44}(?![0-9A-Za-z])")
INERT_LENGTH = 200
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_AS_ZERO = str.maketrans("123456789", "000000000")
_LONG_WORD = re.compile(r"[0-9A-Za-z]{32}")
_PSEUDONYM = re.compile(r"(?:user|wallet|customer)_[0-9a-f]{32}")
_ACTOR = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,31})[:/](.+)", re.DOTALL)
_OPENING, _CLOSING = ("{", "["), ("}", "]")
_SELF = frozenset(("me", "self", "current"))


def is_address(text: str) -> bool:
    """Whether a text is a base58 public key of 32 bytes."""
    if not 32 <= len(text) <= 44:
        return False
    try:
        return len(base58.b58decode(text)) == 32
    except ValueError:
        return False


class Platform:
    """The rules for one platform's documents and logs. The platform's own addresses and its mints stay readable."""

    def __init__(
        self,
        pseudonym: Pseudonymizer,
        own: Iterable[str] = (),
        personal: Iterable[str] = (),
        user_collections: Iterable[str] = (),
    ) -> None:
        self._pseudonym = pseudonym
        self._known: dict[tuple[str, str], str | None] = {}
        self._inert: dict[bytes, bool] = {}
        self._own = frozenset(own)
        self._collections = USER_COLLECTIONS.union(name.lower() for name in user_collections)
        kinds = dict.fromkeys((*USER_KEYS, *(normal_key(name) for name in personal)), "user")
        kinds |= dict.fromkeys(WALLET_KEYS, "wallet")
        self._kinds = kinds
        names = "|".join(sorted(map(re.escape, self._collections), key=len, reverse=True))
        self._named = re.compile(rf"(?<![0-9a-z_-])(?:{names.translate(_AS_ZERO)})/")
        self._segment = re.compile(rf"(?<![0-9A-Za-z_-])({names})/([^/?#\s\"'<>\\]+)", re.IGNORECASE)
        self.clean = Cleaner(self.identity, kinds, text=self.text, plain=PUBLIC_ADDRESS_KEYS)

    def identity(self, value: str, kind: str = "user") -> str | None:
        """Pseudonym of a user or wallet; roles (system, admin:...) and the platform's own addresses as they are.

        `user:<id>` gives the pseudonym of the id, `admin:<name>` the role and the name's pseudonym.
        """
        if not value:
            return None
        known = self._known.get((value, kind))
        if known is None:
            if len(self._known) >= NAMES_KEPT:
                self._known.clear()
            known = self._known[value, kind] = self._identity(value, kind)
        return known

    def _identity(self, value: str, kind: str) -> str | None:
        if value in self._own or value.lower() in ROLES or _PSEUDONYM.fullmatch(value):
            return value
        if is_address(value):
            return self._pseudonym(value, "wallet")
        prefixed = _ACTOR.fullmatch(value)
        if kind == "user" and prefixed:
            role, rest = prefixed[1].lower(), prefixed[2]
            if role in USER_KEYS and role not in ROLES:
                return self.identity(rest, kind)
            if role in ROLES:
                return f"{role}:{self.identity(rest, kind)}"
        return self._pseudonym(value, kind)

    def is_user_key(self, key: str) -> bool:
        """Whether the values of a field are user ids."""
        return self._kinds.get(normal_key(key)) == "user"

    def is_user_document(self, collection: str, document_id: str) -> bool:
        """Whether a document's id names a user: by its collection, or because it is an e-mail or wallet address."""
        named = scrub_text(document_id) != document_id or (is_address(document_id) and document_id not in self._own)
        return named or collection.lower() in self._collections

    def text(self, text: str) -> str:
        """Free text, a path, or JSON inside a text, without personal data."""
        if text[:1] in _OPENING and text[-1:] in _CLOSING:
            try:
                return dumps(self.clean.sparing(loads(text.encode())))
            except BadJson:
                pass
        text = without_queries(text)
        if self._is_known_inert(text):
            return text
        text = scrub_text(text)
        if "/" in text:
            text = self._segment.sub(self._hide_segment, text)
        if len(text) >= 32:
            text = _ADDRESS.sub(self._hide_address, text)
        return text

    def _is_known_inert(self, text: str) -> bool:
        """Whether nothing in a text could be personal whatever its digits are; most texts repeat but for those."""
        if len(text) > INERT_LENGTH or not text.isascii():
            return False
        shape = text.encode().translate(_ZEROS)
        known = self._inert.get(shape)
        if known is None:
            if len(self._inert) >= TEXTS_KEPT:
                self._inert.clear()
            zeroed = shape.decode()
            known = is_inert(zeroed) and not self._named.search(zeroed.lower()) and not _LONG_WORD.search(zeroed)
            self._inert[shape] = known
        return known

    def path(self, path: str) -> str:
        """Path of a URL without query and fragment, ids of users in it under their pseudonyms."""
        return self.clean.sparing(path.partition("?")[0].partition("#")[0])

    def _hide_segment(self, match: re.Match[str]) -> str:
        word, segment = match[1], match[2]
        if segment.lower() in _SELF or not looks_like_id(segment) or _PSEUDONYM.fullmatch(segment):
            return match[0]
        return f"{word}/{self.identity(segment)}"

    def _hide_address(self, match: re.Match[str]) -> str:
        found = match[0]
        if found in self._own or not is_address(found):
            return found
        return self._pseudonym(found, "wallet") or ""


def platform(ctx: Context) -> Platform:
    """The rules of the configured platform and profile."""
    users: Any = ctx.profile.documents.get("users", {}).get("collection")
    own = ctx.config.own.own_addresses().union(ctx.config.mints, (vault.mint for vault in ctx.config.own.vaults))
    return Platform(ctx.pseudonym, own, ctx.profile.personal, [users] if users else [])
