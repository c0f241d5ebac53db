"""The values of a report: plain rows, amounts as integers beside the unit that they are written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from alerting.alerts import Alert
from reporting.amounts import readable
from reporting.sections import Filled
from warehouse.window import Window


@dataclass(frozen=True, order=True)
class Unit:
    """How to write amounts of a mint or currency: `key` is the mint's address or the currency's code."""

    symbol: str
    key: str
    decimals: int

    def text(self, amount: int) -> str:
        """Exact amount in major units, thousands separated: 1,234.50; currencies with all their decimals."""
        return readable(amount, self.decimals, least=self.decimals if self.decimals <= 3 else 2)


@dataclass(frozen=True)
class Amounts:
    """One day's amounts and counts in one unit, by KPI; None is absent, not zero."""

    day: date
    unit: Unit
    amounts: Mapping[str, int | None]
    counts: Mapping[str, int | None]


@dataclass(frozen=True)
class Counts:
    """One day's counts by KPI."""

    day: date
    counts: Mapping[str, int | None]


@dataclass(frozen=True)
class Balance:
    """What a vault held at the end of a day; `slot` and `at` are of its last posting known then."""

    day: date
    vault: str
    unit: Unit
    outstanding: int
    open_escrows: int
    slot: int | None
    at: datetime | None


@dataclass(frozen=True)
class Reconciled:
    """A vault's three ledgers at one slot and what they differ by; a leg without a source is None."""

    vault: str
    unit: Unit
    method: str
    slot: int
    observed_at: datetime | None
    legs: Mapping[str, int | None]
    differences: Mapping[str, int | None]

    @property
    def state(self) -> str:
        """`agrees`, `differs`, or `not compared` when no two legs have a source."""
        known = [value for value in self.differences.values() if value is not None]
        return "differs" if any(known) else "agrees" if known else "not compared"


@dataclass(frozen=True)
class Proved:
    """How far a watched account's balances follow from each other, and up to which balance that the chain reports."""

    account: str
    role: str
    kind: str
    unit: Unit
    result: str
    slot: int
    closing: int | None
    reported: int | None
    open_breaks: int


@dataclass(frozen=True)
class Check:
    """The newest evaluation of a rule that meets the window; `found` is a line for each failing row, or the error."""

    rule: str
    severity: str
    outcome: str
    failures: int
    window: Window
    found: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """What one source brought: in all, and for windows that meet the report's; and how fresh it is."""

    name: str
    objects: int
    window_objects: int
    window_rows: int
    window_quarantined: int
    window_bytes: int
    newest_event_at: datetime | None
    newest_loaded_at: datetime | None


@dataclass(frozen=True)
class Quarantined:
    """Quarantine rows of one kind, from objects whose window meets the report's."""

    source: str
    dataset: str
    reason_code: str
    reason: str
    rows: int


@dataclass(frozen=True)
class Absent:
    """A metric that has no figures, or old ones: the source that it lacks, and why (see warehouse_metric_status)."""

    metric: str
    source: str
    state: str


@dataclass(frozen=True)
class Report:
    """Everything on the page. An empty sequence is a part without data; `missing` names marts that don't exist yet."""

    window: Window
    platform: str
    sources: Sequence[Source]
    reconciled: Sequence[Reconciled]
    proofs: Sequence[Proved]
    balances: Sequence[Balance]
    money: Sequence[Amounts]
    matches: Sequence[Counts]
    stripe: Sequence[Amounts]
    sections: Sequence[Filled]
    absent: Sequence[Absent]
    checks: Sequence[Check]
    alerts: Sequence[Alert]
    quarantine: Sequence[Quarantined]
    missing: Sequence[str]

    def closing(self) -> list[Balance]:
        """Each vault's balance on the last day that has one."""
        last = max((balance.day for balance in self.balances), default=None)
        return [balance for balance in self.balances if balance.day == last]

    def open_alerts(self) -> list[Alert]:
        """Alerts that are firing."""
        return [alert for alert in self.alerts if alert.is_open]

    def outcomes(self) -> dict[str, int]:
        """How many checks passed, failed, and could not be evaluated."""
        names = ("passed", "failed", "error", "not_applicable")
        return {name: sum(check.outcome == name for check in self.checks) for name in names}

    def judged(self) -> int:
        """Checks that had something to judge: all but those that don't apply to the platform."""
        return len(self.checks) - self.outcomes()["not_applicable"]

    def as_of_slot(self) -> int | None:
        """The newest slot that anything on the page speaks of."""
        slots = [row.slot for row in self.reconciled] + [row.slot for row in self.closing() if row.slot is not None]
        return max(slots, default=None)


def units(rows: Iterable[Amounts | Balance]) -> list[Unit]:
    """The units of rows, each once, in order of symbol."""
    return sorted({row.unit for row in rows})


def totals(rows: Iterable[Amounts], kpi: str) -> dict[Unit, int]:
    """Sum of an amount per unit over all days; a unit without any value is left out."""
    sums: dict[Unit, int] = {}
    for row in rows:
        if (value := row.amounts.get(kpi)) is not None:
            sums[row.unit] = sums.get(row.unit, 0) + value
    return dict(sorted(sums.items()))


def outstanding(rows: Iterable[Balance]) -> dict[Unit, int]:
    """Sum of what vaults hold per unit."""
    sums: dict[Unit, int] = {}
    for row in rows:
        sums[row.unit] = sums.get(row.unit, 0) + row.outstanding
    return dict(sorted(sums.items()))


def counted(rows: Iterable[Counts], kpi: str) -> int | None:
    """Sum of a count over all days; None when no day has it."""
    values = [row.counts[kpi] for row in rows if row.counts.get(kpi) is not None]
    return sum(values) if values else None
