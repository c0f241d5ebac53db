"""Names as the IDL writes them, to snake_case."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=65536)
def snake(name: str) -> str:
    """`tokenXFeeAmount` -> `token_x_fee_amount`; a name without capitals is returned as it is.

    The word boundaries are those of the converter that Anchor itself uses for legacy IDLs (heck): before a capital that
    follows a small letter, and before the last capital of a run that a small letter follows. Digits open no word.
    """
    if name.islower() or not any(char.isupper() for char in name):
        return name
    words: list[str] = []
    start, mode = 0, ""
    for at, char in enumerate(name[:-1]):
        following = name[at + 1]
        current = "lower" if char.islower() else "upper" if char.isupper() else mode
        if current == "lower" and following.isupper():
            words.append(name[start : at + 1])
            start, mode = at + 1, ""
        elif mode == "upper" and char.isupper() and following.islower():
            words.append(name[start:at])
            start, mode = at, ""
        else:
            mode = current
    words.append(name[start:])
    return "_".join(word.lower().strip("_") if at else word.lower().rstrip("_") for at, word in enumerate(words))


def last_segment(path: str) -> str:
    """`module::Name` -> `Name`."""
    return path.rsplit("::", 1)[-1]
