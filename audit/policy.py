"""config/retention.yml as typed values: how long each table and bucket is kept, in which tier, and who may remove it.

Partition expiration and bucket lifecycles know no legal hold. So whatever a hold may name is removed by
`python -m audit purge` alone, and has no automatic expiration at all (`purge: job`); only logs of our own services and
scratch objects go by themselves (`purge: expire`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from google.cloud import bigquery
from pydantic import Field, ValidationError, model_validator

from audit import tables as audit_tables
from ingestion import tables as ingestion_tables
from warehouse.config import Config, ConfigError, describe
from warehouse.section import Section
from warehouse.yaml_text import from_yaml

FLOOR = {"financial": 2557}
"""Days that a class is kept at least, whatever the file says: 7 years of which at most two are leap years."""
CEILING = {"personal": 400}
"""Days that a class is kept at most."""
NEVER_COLD = "audit.subjects"
"""Keys of subjects: a copy in a locked bucket would outlive their destruction."""

Class = Literal["financial", "operational", "personal", "derived"]
Purge = Literal["job", "expire", "never"]
Days = Annotated[int, Field(gt=0)]


class _Rule(Section):
    klass: Class = Field(alias="class")
    days: Days | None
    purge: Purge
    why: str = Field(min_length=20)

    @model_validator(mode="after")
    def _within_limits(self) -> _Rule:
        floor, ceiling = FLOOR.get(self.klass), CEILING.get(self.klass)
        if floor and self.days is not None and self.days < floor:
            raise ValueError(f"{self.klass} is kept {floor} days at least, not {self.days}")
        if ceiling and (self.days is None or self.days > ceiling):
            raise ValueError(f"{self.klass} is kept {ceiling} days at most")
        if (self.days is None) != (self.purge == "never"):
            raise ValueError("what has no end is never purged, and what has one is: days and purge disagree")
        if self.purge == "expire" and self.klass not in ("operational", "derived"):
            raise ValueError(f"{self.klass} must be purged by the job, which legal holds stop")
        return self


class TableRule(_Rule):
    """Rule of some tables, by name or pattern (`dataset.*`). `kept_hot`: days in the warehouse, None without end."""

    tables: list[Annotated[str, Field(pattern=r"^[a-z]+\.[a-z0-9_]*\*?$")]] = Field(min_length=1)
    hot_days: Days | None = None
    cold: bool = False
    day: list[Annotated[str, Field(pattern=r"^[a-z_]+$")]] = []

    @property
    def kept_hot(self) -> int | None:
        """Days in the warehouse; None without end."""
        return self.hot_days or self.days

    @model_validator(mode="after")
    def _consistent(self) -> TableRule:
        if self.hot_days and not self.cold:
            raise ValueError("what leaves the warehouse before its time must be in the cold tier")
        if self.hot_days and self.days and self.hot_days > self.days:
            raise ValueError(f"hot for {self.hot_days} of {self.days} days")
        if self.hot_days and self.purge != "job":
            raise ValueError("only the job may remove what is in the cold tier")
        if self.cold and self.purge == "expire":
            raise ValueError("a table with a cold tier must not expire by itself")
        if (self.cold or self.purge != "never") and not self.day:
            raise ValueError("name the columns of the row's day")
        return self


class BucketRule(_Rule):
    """Rule of a configured bucket, or of what lies under a prefix of it. `lock_days`: nobody can delete before."""

    bucket: Literal["cold", "anchors", "landing", "staging"]
    prefix: str = Field(default="", pattern=r"^([a-z]+/)?$")
    lock_days: Days | None = None

    @model_validator(mode="after")
    def _consistent(self) -> BucketRule:
        if self.lock_days and self.prefix:
            raise ValueError("a retention lock is a bucket's, not a prefix's")
        return self


class Policy(Section):
    """The whole file."""

    cold_after_days: Annotated[int, Field(ge=1, le=365)]
    tables: list[TableRule]
    buckets: list[BucketRule]

    @model_validator(mode="after")
    def _consistent(self) -> Policy:
        names = [(rule.bucket, rule.prefix) for rule in self.buckets]
        if len(set(names)) != len(names):
            raise ValueError("two rules for the same bucket and prefix")
        patterns = [pattern for rule in self.tables for pattern in rule.tables]
        if twice := sorted({pattern for pattern in patterns if patterns.count(pattern) > 1}):
            raise ValueError(f"two rules for {', '.join(twice)}")
        for rule in self.tables:
            if rule.cold and any(fnmatchcase(NEVER_COLD, pattern) for pattern in rule.tables):
                raise ValueError(f"{NEVER_COLD} must not be copied to a bucket: a destroyed key would live on there")
            if rule.hot_days and rule.hot_days <= self.cold_after_days + 31:
                raise ValueError(f"{rule.tables[0]}: hot_days must end after the month is copied to the cold tier")
        self._locks_reach()
        return self

    def _locks_reach(self) -> None:
        """The lock of the cold bucket must last to the end of what is copied there, and not longer than needed."""
        cold = [rule.days for rule in self.tables if rule.cold and rule.days]
        wanted = max(cold, default=0) - self.cold_after_days
        held = next((rule.lock_days for rule in self.buckets if rule.bucket == "cold" and not rule.prefix), None)
        if cold and held != wanted:
            raise ValueError(f"the cold bucket's lock_days must be {wanted}: from the copy to the end of its time")
        floor = FLOOR["financial"]
        anchors = next((rule for rule in self.buckets if rule.bucket == "anchors" and not rule.prefix), None)
        if anchors is None or (anchors.lock_days or 0) < floor:
            raise ValueError(f"the anchors' bucket needs a lock of {floor} days at least")

    def rule(self, table: str) -> TableRule:
        """Rule of a table (dataset.name): by its own name, else by a pattern. Raises ConfigError for none or two."""
        named = [rule for rule in self.tables if table in rule.tables]
        found = named or [
            rule for rule in self.tables if any("*" in each and fnmatchcase(table, each) for each in rule.tables)
        ]
        if len(found) != 1:
            raise ConfigError(f"retention: {'no rule' if not found else 'several rules'} for {table}")
        return found[0]

    def bucket_rules(self, bucket: str) -> list[BucketRule]:
        """Rules of a configured bucket."""
        return [rule for rule in self.buckets if rule.bucket == bucket]


def load_policy(config: Config) -> Policy:
    """The policy file that the configuration names. Raises ConfigError with one line a wrong key."""
    return read_policy(config.audit.retention)


def read_policy(path: Path) -> Policy:
    """A policy file. Raises ConfigError."""
    try:
        document = from_yaml(path.read_text(encoding="utf-8"))
        return Policy.model_validate(document)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: can't be read: {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in describe(error))) from None


def stored_tables() -> list[str]:
    """Tables that have a schema of ours: raw, ops and audit."""
    own = [f"{audit_tables.DATASET}.{name}" for name in audit_tables.table_names()]
    datasets = (ingestion_tables.RAW, ingestion_tables.OPS)
    return sorted([*own, *(f"{each}.{name}" for each in datasets for name in ingestion_tables.table_names(each))])


def schema_of(table: str) -> list[bigquery.SchemaField]:
    """Schema of one of stored_tables(). Raises KeyError or FileNotFoundError for another."""
    dataset, name = table.split(".")
    if dataset == audit_tables.DATASET:
        return audit_tables.table_schema(name)
    return ingestion_tables.table_schema(name, dataset)


def day_columns(rule: TableRule, schema: Iterable[bigquery.SchemaField]) -> list[tuple[str, str]]:
    """(column, its type) of the rule's days that a table has. Raises ConfigError where it has none."""
    types = {field.name: field.field_type for field in schema}
    found = [(name, types[name]) for name in rule.day if types.get(name) in ("DATE", "TIMESTAMP")]
    if not found:
        raise ConfigError(f"retention: no column {' or '.join(rule.day)} in a table of {', '.join(rule.tables)}")
    return found


def day_of(rule: TableRule, schema: Iterable[bigquery.SchemaField]) -> str:
    """SQL expression for the day of a row, null where it has none. Raises ConfigError."""
    days = [name if kind == "DATE" else f"date({name})" for name, kind in day_columns(rule, schema)]
    return days[0] if len(days) == 1 else f"coalesce({', '.join(days)})"


def within(rule: TableRule, schema: Iterable[bigquery.SchemaField], first: date, last: date) -> str:
    """SQL condition: rows of the days first to last, by a bare first column, so that partitions are cut.

    Raises ConfigError.
    """
    span = f"between date '{first}' and date '{last}'"
    (name, kind), *others = day_columns(rule, schema)
    if kind == "TIMESTAMP":
        until = last + timedelta(days=1)
        own = f"{name} >= timestamp '{first} 00:00:00+00' and {name} < timestamp '{until} 00:00:00+00'"
    else:
        own = f"{name} {span}"
    if not others:
        return f"({own})"
    return f"({own} or ({name} is null and {day_of(rule, schema)} {span}))"


def month_end(month: date) -> date:
    """Last day of the month that a day is in."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
