"""Matchers of alerts in Alertmanager's form: rule="x", vault=~"a|b", severity!=low, stream!~"test.*".

A label that an alert lacks is the empty text. Regular expressions must fit the whole value, as they do there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_FORM = re.compile(r'^\s*([a-z_][a-z0-9_]*)\s*(=~|!~|!=|=)\s*(?:"([^"]*)"|((?:[^\s"=~][^\s"]*)?))\s*$')


class MatcherError(ValueError):
    """The text is no matcher."""


@dataclass(frozen=True)
class Matcher:
    """One condition on a label; `rule` and `severity` count as labels."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'

    def fits(self, values: Mapping[str, str]) -> bool:
        """Whether the values meet the condition."""
        held = values.get(self.label, "")
        found = bool(_pattern(self.value).fullmatch(held)) if self.operator.endswith("~") else held == self.value
        return found is not self.operator.startswith("!")


def parse(text: str) -> Matcher:
    """One matcher. Raises MatcherError."""
    form = _FORM.match(text)
    if not form:
        raise MatcherError(f'not a matcher: {text!r}; write it as rule="escrow_mismatch" or vault=~"3b.*"')
    matcher = Matcher(form[1], form[2], form[3] if form[3] is not None else form[4])
    if matcher.operator.endswith("~"):
        try:
            _pattern(matcher.value)
        except re.error as error:
            raise MatcherError(f"not a regular expression: {matcher.value!r} ({error})") from None
    return matcher


def fit(matchers: Iterable[Matcher], values: Mapping[str, str]) -> bool:
    """Whether the values meet all conditions."""
    return all(matcher.fits(values) for matcher in matchers)


@lru_cache(maxsize=1000)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
