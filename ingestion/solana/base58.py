"""Base58 of instruction data."""

from __future__ import annotations

from functools import lru_cache

_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_INVALID = 255
_DIGITS = bytes(_ALPHABET.find(byte) if byte in _ALPHABET else _INVALID for byte in range(256))


def decode_base58(text: str) -> bytes:
    """Bytes of base58 text. Raises ValueError for another character.

    All digits are folded at once: the number first holds one digit a byte, and each step joins neighbouring lanes, so
    that a lane twice as wide holds left * 58**width + right. An event payload (400 digits) takes nine such steps.
    """
    digits = _digits(text)
    value = int.from_bytes(digits, "big")
    for shift, right_lanes, surplus in _steps(len(digits).bit_length()):
        # value = left * 2**shift + right in every lane; subtracting left * (2**shift - 58**width) leaves the sum wanted
        value -= (value >> shift & right_lanes) * surplus
    zeros = len(digits) - len(digits.lstrip(b"\0"))
    return bytes(zeros) + value.to_bytes((value.bit_length() + 7) // 8, "big")


def begins_with(text: str, prefix: bytes) -> bool:
    """Whether the bytes begin with a prefix (its first byte not 0), without decoding them. Raises ValueError as above.

    Texts of one length are in the order of their numbers, because the alphabet is in the order of ASCII: those that
    begin with the prefix lie between two texts.
    """
    _digits(text)
    return any(low <= text <= high for low, high in _ranges(len(text), prefix))


def _digits(text: str) -> bytes:
    digits = text.encode("ascii", "replace").translate(_DIGITS)
    if _INVALID in digits:
        raise ValueError("not base58")
    return digits


@lru_cache(maxsize=4096)
def _ranges(length: int, prefix: bytes) -> list[tuple[str, str]]:
    """(first, last) texts of this length that begin with the prefix, for each number of bytes that has such texts."""
    least, most = 58 ** (length - 1) if length else 0, 58**length - 1
    head = int.from_bytes(prefix, "big")
    ranges = []
    bits = 0
    while head << bits <= most:
        low, high = max(head << bits, least), min((head + 1 << bits) - 1, most)
        if low <= high:
            ranges.append((_encoded(low), _encoded(high)))
        bits += 8
    return ranges


def _encoded(number: int) -> str:
    text = bytearray()
    while number:
        number, digit = divmod(number, 58)
        text.append(_ALPHABET[digit])
    return text[::-1].decode()


@lru_cache(maxsize=16)
def _steps(doublings: int) -> tuple[tuple[int, int, int], ...]:
    """(bits of a lane, mask of every second lane, 2**bits - 58**digits of a lane), up to 2**doublings digits."""
    steps = []
    for step in range(doublings):
        width = 1 << step
        lane = b"\0" * width + b"\xff" * width
        lanes = int.from_bytes(lane * (1 << doublings - step - 1), "big")
        steps.append((8 * width, lanes, (1 << 8 * width) - 58**width))
    return tuple(steps)
