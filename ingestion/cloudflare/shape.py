"""Where a job's JSON output holds its records, learnt from its output settings by writing two records and reading them.

A job may wrap the batch ({"events": [...]}), each record ({"info": {...}}), and rename fields by a template. Settings
whose output is no JSON have no shape: their framing is taken off by its text (see framed).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ingestion.jsontext import BadJson, decode, skip_space
from warehouse.config_cloudflare import LogpushOutput

EVENTS = "events"
_SAMPLE_FIELDS = ("RayID", "EdgeStartTimestamp")
_MARK = 900_000
_ACTION = re.compile(r"""\{\{\s*(?:\.(\w+)|"((?:[^"\\]|\\.)*)"|`([^`]*)`|/\*.*?\*/)\s*\}\}""", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """`wrapper`: key whose list holds the elements; `path`: keys from an element to the record; `names`: new -> old."""

    wrapper: str = EVENTS
    path: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def record(self, element: Any) -> Any:
        """The record of an element; an element of another shape (from before the settings changed) is its own."""
        for key in self.path:
            if not isinstance(element, dict) or not isinstance(element.get(key), dict):
                break
            element = element[key]
        if self.names and isinstance(element, dict):
            return {self.names.get(key, key): value for key, value in element.items()}
        return element


@dataclass(frozen=True)
class Field:
    """A field's value in a template."""

    name: str


def template(options: LogpushOutput) -> list[str | Field]:
    """What stands between prefix and suffix of a record: constant texts and fields."""
    if options.record_template is None:
        names = options.field_names or _SAMPLE_FIELDS
        parts: list[str | Field] = []
        for name in names:
            parts += [options.field_delimiter if parts else "", "" if options.output_type == "csv" else f'"{name}":']
            parts.append(Field(name))
        return [part for part in parts if part != ""]
    parts, at = [], 0
    for action in _ACTION.finditer(options.record_template):
        parts.append(options.record_template[at : action.start()])
        at = action.end()
        name, quoted, literal = action.groups()
        parts.append(Field(name) if name else re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else literal or "")
    parts.append(options.record_template[at:])
    return [part for part in parts if part != ""]


def learn(options: LogpushOutput) -> Shape | None:
    """The shape that these settings give; None where their output is no JSON."""
    parts = template(options)
    fields = [part.name for part in parts if isinstance(part, Field)]
    marks = {_MARK + number: name for number, name in enumerate(fields)}
    numbers = iter((*marks, *marks))
    one, two = (
        "".join(part if isinstance(part, str) else str(next(numbers)) for part in parts) for _ in range(2)
    )  # the two are equal: only places are looked for
    before, after = options.before_record, options.after_record
    text = f"{options.batch_prefix}{before}{one}{after}{options.record_delimiter}{before}{two}{after}"
    values = _values(text + options.batch_suffix)
    wrapper, elements = _elements(values)
    for element in elements:
        found = _located(element, marks)
        if found is not None:
            path, record = found
            names = {key: marks[value] for key, value in record.items() if value in marks and marks[value] != key}
            return Shape(wrapper, path, names)
    return None


def _values(text: str) -> list[Any]:
    """The JSON values that the text consists of; none where it holds anything else."""
    values, at = [], skip_space(text, 0)
    while at < len(text):
        try:
            value, at = decode(text, at)
        except BadJson:
            return []
        values.append(value)
        at = skip_space(text, at)
    return values


def _elements(values: list[Any]) -> tuple[str, list[Any]]:
    if len(values) != 1:
        return EVENTS, values
    [value] = values
    if isinstance(value, list):
        return EVENTS, value
    lists = {key: held for key, held in value.items() if isinstance(held, list)} if isinstance(value, dict) else {}
    return next(iter(lists.items()), (EVENTS, []))


def _located(value: Any, marks: Mapping[int, str]) -> tuple[tuple[str, ...], dict[str, Any]] | None:
    """(path, object) of the object inside `value` that holds the marks."""
    if not isinstance(value, dict):
        return None
    if any(isinstance(held, int) and held in marks for held in value.values()):
        return (), value
    for key, held in value.items():
        if (found := _located(held, marks)) is not None:
            return (key, *found[0]), found[1]
    return None
