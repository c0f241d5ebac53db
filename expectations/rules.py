"""Rule files: one YAML file a rule, read into checked values. A wrong file is an error that names it and the key."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, get_args

import jinja2
import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from expectations import placeholders, summaries
from warehouse.config import Section, describe
from warehouse.window import Window
from warehouse.yaml_text import from_yaml

RULES = Path(__file__).parent / "rules"
RUNBOOKS = placeholders.RUNBOOKS
Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the worst on."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]

PERSONAL_COLUMNS = frozenset(
    ["user", "uid", "user_id", "wallet", "holder", "owner", "email", "ip", "client_ip", "phone", "player", "winner"]
)
"""Columns that no alert may show: alerts carry aggregates and the platform's own addresses only."""


class RuleError(ValueError):
    """A rule file can't be used; a line for each wrong key, beginning with the file's name."""


class Rule(Section):
    """One rule.

    `failing_rows` selects, from {batch}, the rows that violate the rule; no row means that the rule holds. A row is
    one alert: `labels` are the columns that tell it from others, `figures` those that say how much, `summary` is a
    Jinja sentence over the row.

    `reads` is what an evaluation looks at, and so what it may resolve: `state` what is known at the window's end,
    whether it is the newest state or the buckets since {judged_from}, so that an alert resolves as soon as it no longer
    holds; `window` only the window, plus `lookback_days` before it, so that what happened on a day stays open until a
    run over that day finds it repaired.

    `needs` are the metrics ("M14", or "M7/solana" for one source of it) without which there is nothing to judge: where
    the platform has none of them the rule isn't applicable, and while one is late nothing passes. `evidence`, where
    given, is a query over {batch} that must return a row; without one the evaluation is an error, not a pass.

    `severity` is what the rule's alerts have. With `other_severities`, failing_rows has a column `severity` with one of
    all these. `sustained` names the threshold (minutes, in buckets of five) for which the condition must have held in
    every bucket. `inhibits`: rules that aren't told while this one fires; `inhibits_readers_of` is a label whose value
    is a source: the rules that need a metric of it aren't told.
    """

    name: Name
    title: str = Field(min_length=1)
    severity: Severity
    other_severities: list[Severity] = []
    mart: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", description="dataset.table")
    reads: Literal["state", "window"] = "window"
    lookback_days: int = Field(default=0, ge=0)
    needs: list[Annotated[str, Field(pattern=r"^M\d+(/[a-z]+)?$")]] = []
    sustained: Name | None = None
    failing_rows: str
    evidence: str | None = None
    labels: list[Name] = Field(min_length=1)
    figures: list[Name] = []
    summary: str = Field(min_length=1)
    runbook: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*\.md$", description="file below runbooks/")
    inhibits: list[Name] = []
    inhibits_readers_of: Name | None = None

    @field_validator("failing_rows", "evidence")
    @classmethod
    def _a_query(cls, sql: str | None) -> str | None:
        if sql is not None:
            placeholders.check(sql)
        return sql

    @field_validator("labels", "figures")
    @classmethod
    def _not_personal(cls, columns: list[str]) -> list[str]:
        if personal := sorted(PERSONAL_COLUMNS & set(columns)):
            raise ValueError(f"an alert must not show personal data: {', '.join(personal)}")
        if len(set(columns)) != len(columns):
            raise ValueError("a column is named twice")
        return columns

    @field_validator("summary")
    @classmethod
    def _a_template(cls, text: str) -> str:
        try:
            summaries.names_in(text)
        except jinja2.TemplateSyntaxError as error:
            raise ValueError(f"not a template: {error.message}") from None
        return text

    @model_validator(mode="after")
    def _consistent(self) -> Rule:
        if twice := sorted(set(self.labels) & set(self.figures)):
            raise ValueError(f"both a label and a figure: {', '.join(twice)}")
        if unknown := sorted(summaries.names_in(self.summary) - set(self.labels) - set(self.figures)):
            raise ValueError(f"summary uses {', '.join(unknown)}, which is neither a label nor a figure")
        if self.name in self.inhibits:
            raise ValueError("a rule can't inhibit itself")
        if self.severity in self.other_severities:
            raise ValueError(f"other_severities names the severity itself: {self.severity}")
        if self.sustained and f"{{thresholds.{self.sustained}}}" not in self.failing_rows:
            raise ValueError(f"sustained: failing_rows doesn't use {{thresholds.{self.sustained}}}")
        if self.inhibits_readers_of and self.inhibits_readers_of not in self.labels:
            raise ValueError(f"inhibits_readers_of: {self.inhibits_readers_of} is no label")
        return self

    @property
    def severities(self) -> tuple[Severity, ...]:
        """All that its alerts may have, its own first."""
        return self.severity, *self.other_severities

    def reads_from(self, window: Window) -> datetime | None:
        """First instant that an evaluation of `window` looks at; None when it reads the state, whatever its age."""
        return None if self.reads == "state" else window.start - timedelta(days=self.lookback_days)


def load_rule(path: Path) -> Rule:
    """One rule file. Raises RuleError."""
    try:
        document = from_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{path}: can't be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise RuleError(f"{path}: not YAML{place}: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(document, dict):
        raise RuleError(f"{path}: expected keys and values")
    try:
        rule = Rule.model_validate(document)
    except ValidationError as error:
        raise RuleError("\n".join(f"{path}: {line}" for line in describe(error))) from None
    if rule.name != path.stem:
        raise RuleError(f"{path}: name: is {rule.name!r}, but the file is called {path.name}")
    return rule


def load_rules(folder: Path = RULES) -> list[Rule]:
    """All rules of a folder in order of name, checked against each other; expectations.lint checks them further.

    Raises RuleError with the findings of all files, not only the first.
    """
    rules: list[Rule] = []
    problems: list[str] = []
    paths = sorted(folder.glob("*.y*ml"))
    if not paths:
        raise RuleError(f"{folder}: no rule files")
    for path in paths:
        try:
            rules.append(load_rule(path))
        except RuleError as error:
            problems.append(str(error))
    known = {path.stem for path in paths}
    for rule in rules:
        for other in sorted(set(rule.inhibits) - known):
            problems.append(f"{folder / rule.name}.yml: inhibits: there is no rule {other!r}")
    if problems:
        raise RuleError("\n".join(problems))
    return rules
