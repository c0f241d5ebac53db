"""Base58 of instruction data."""

from __future__ import annotations

_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_INVALID = 255
_DIGITS = bytes(_ALPHABET.find(byte) if byte in _ALPHABET else _INVALID for byte in range(256))
_CHUNK = 8  # 58**8 fits a machine word: most of the work stays off big integers (an event payload has 400 digits)


def decode_base58(text: str) -> bytes:
    """Bytes of base58 text. Raises ValueError for another character."""
    digits = text.encode("ascii", "replace").translate(_DIGITS)
    if _INVALID in digits:
        raise ValueError("not base58")
    value = 0
    for at in range(0, len(digits), _CHUNK):
        chunk = digits[at : at + _CHUNK]
        part = 0
        for digit in chunk:
            part = part * 58 + digit
        value = value * 58 ** len(chunk) + part
    zeros = len(digits) - len(digits.lstrip(b"\0"))
    return bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8, "big")
