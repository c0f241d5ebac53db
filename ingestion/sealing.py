"""The original bytes of quarantine rows, sealed: they may hold personal data, which must not stand in a table.

AES-SIV is deterministic, so that the same bytes of the same row are the same text on every load. Its key comes from
the pseudonym key by HKDF (RFC 5869): who may tell users from pseudonyms may read what was quarantined.
"""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"escrow-warehouse quarantine v1"


class Sealer:
    """Seals and opens bytes that belong to a row's id."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESSIV(HKDF(SHA256(), 64, salt=None, info=_PURPOSE).derive(key))

    def __reduce__(self) -> tuple[type[Sealer], tuple[bytes]]:
        return Sealer, (self._key,)  # the cipher can't be sent to another process

    def seal(self, raw: bytes, row_id: str) -> str:
        """The sealed bytes, base64; empty bytes stay empty."""
        return base64.b64encode(self._cipher.encrypt(raw, [row_id.encode()])).decode() if raw else ""

    def open(self, sealed: str, row_id: str) -> bytes:
        """The bytes. Raises WrongKey when they were sealed under another key, for another row, or changed."""
        if not sealed:
            return b""
        try:
            return self._cipher.decrypt(base64.b64decode(sealed), [row_id.encode()])
        except (InvalidTag, ValueError):
            raise WrongKey(f"quarantine row {row_id} can't be opened with this key") from None


class WrongKey(ValueError):
    """The sealed bytes don't open."""
