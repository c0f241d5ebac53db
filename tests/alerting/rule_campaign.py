"""A seeded campaign over all rules and the alert engine: clean days, faults at and just below their thresholds, several
at once, late data, and crashes of the alert engine at random statements.

    python tests/alerting/rule_campaign.py --clean 100 --faults 400

Each scenario has days of its own. The rules are evaluated by the real engine over marts that are filled by hand; the
results go through alerting.run.process with a clock of the scenario's and a real channel (a file).
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from google.cloud import bigquery  # noqa: E402
from rule_marts import Marts, marts_of  # noqa: E402
from rule_scenarios import Case, World, cases, clean, expected, reference, state, window_of  # noqa: E402

from alerting import run as alerting  # noqa: E402
from alerting.policy import policy_of  # noqa: E402
from expectations.results import CheckResult  # noqa: E402
from expectations.rules import Rule, load_rules  # noqa: E402
from expectations.run import evaluate  # noqa: E402
from warehouse.config import Config  # noqa: E402

Kind = Literal["clean", "single", "several", "late", "crash"]
KINDS: tuple[Kind, ...] = ("single", "several", "late", "single", "crash")
FIRST = datetime(2004, 1, 1, tzinfo=UTC)
CLEAN_DAYS = timedelta(days=1000)
"""Room for them before the first fault."""
APART = timedelta(days=5)
"""Between the first days of two scenarios."""
READ_TOGETHER = {"source_silent", "chargeback"}
"""A silent Stripe keeps chargeback from being judged; the two aren't put into one scenario."""
NEVER_LATE = {"rpc_outage"}
"""It reads what the run itself recorded of its calls."""
STATUS = "marts.warehouse_metric_status"


class Crash(RuntimeError):
    """The process died here."""


class CrashingClient:
    """A client that dies at its n-th statement, before it or after it was carried out."""

    def __init__(self, client: bigquery.Client, at: int, after: bool) -> None:
        self._client, self._left, self._after = client, at, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, *args: Any, **kwargs: Any) -> Any:
        """As the client's."""
        self._left -= 1
        if self._left:
            return self._client.query(*args, **kwargs)
        if self._after:
            self._client.query(*args, **kwargs).result()
        raise Crash


@dataclass(frozen=True)
class Scenario:
    """What is wrong on a day of its own; `late` data are seen by the next cycle only."""

    number: int
    seed: int
    kind: Kind
    cases: tuple[Case, ...]
    crash_at: int = 0
    crash_after: bool = False

    @property
    def day(self) -> datetime:
        """Its first day; clean days stand one after the other."""
        return FIRST + (timedelta(days=self.number) if self.kind == "clean" else CLEAN_DAYS + APART * self.number)


@dataclass
class Tally:
    """What became of one rule in all scenarios.

    A fault is detected when the first cycle that can see it finds just that; one that is found later counts as missed.
    """

    faults: int = 0
    detected: int = 0
    missed: int = 0
    below: int = 0
    clean: int = 0
    false: int = 0
    needed: int = 0
    told: int = 0
    lost: int = 0
    doubled: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Nothing missed, invented, lost or told twice."""
        return not (self.missed or self.false or self.lost or self.doubled or self.notes)


def scenarios(clean_days: int, faults: int, seed: int, config: Config, first: int = 0) -> list[Scenario]:
    """Clean days, then faults: single ones go through all cases in turn, the others are drawn."""
    known, made = cases(config), []
    firing = [case for case in known if case.found]
    for number in range(clean_days + faults):
        at = first + number - clean_days
        own = random.Random(f"{seed}:{number}" if at < first else f"{seed}:fault:{at}")
        if number < clean_days:
            made.append(Scenario(number, seed, "clean", ()))
            continue
        kind = KINDS[at % len(KINDS)]
        if kind == "single":
            turn = at // len(KINDS) * 2 + (at % len(KINDS) > 0)
            made.append(Scenario(number, seed, kind, (known[turn % len(known)],)))
            continue
        usable = [case for case in firing if kind != "late" or case.rule not in NEVER_LATE]
        drawn = _apart(own, usable, own.randint(2, 4) if kind == "several" else own.randint(1, 2))
        made.append(
            Scenario(number, seed, kind, drawn, own.randint(1, 14) if kind == "crash" else 0, own.random() < 0.5)
        )
    return made


@cache
def _rules() -> dict[str, Rule]:
    return {rule.name: rule for rule in load_rules()}


def _apart(own: random.Random, known: Sequence[Case], count: int) -> tuple[Case, ...]:
    """Cases of different rules that share no mart, so that none changes what another one finds."""
    rules = _rules()
    taken: list[Case] = []
    marts: set[str] = set()
    for case in own.sample(known, len(known)):
        read = marts_of([rules[case.rule]]) - {STATUS}
        if read & marts or (case.rule in READ_TOGETHER and READ_TOGETHER & {other.rule for other in taken}):
            continue
        taken.append(case)
        marts |= read
        if len(taken) == count:
            break
    return tuple(taken)


class Campaign:
    """Runs scenarios one after the other over one warehouse."""

    def __init__(self, client: bigquery.Client, config: Config, folder: Path) -> None:
        self.client, self.folder = client, folder
        self.config = reference(config)
        self.rules = _rules()
        self.policy = policy_of(self.config, list(self.rules.values()))
        self.judged = [
            self.rules[name] for name in sorted({case.rule for case in cases(self.config)} | {"runbook_stale"})
        ]
        self.marts = Marts(client, marts_of(self.judged))
        self.marts.set_state(state(self.config))
        self.tally: dict[str, Tally] = defaultdict(Tally)
        self._expected: list[tuple[datetime, str, tuple[str, ...], str]] = []

    def run(
        self, chosen: Sequence[Scenario], seconds: float = float("inf"), together: int = 1
    ) -> tuple[dict[str, Tally], int]:
        """The tally by rule, and how many scenarios were run: none is begun after so many seconds.

        So many clean days are judged `together`, as one window and the late windows before it.
        """
        began = time.monotonic()
        quiet = [scenario for scenario in chosen if scenario.kind == "clean"]
        self.marts.add_days(clean(item.day, self.config, random.Random(f"{item.seed}:{item.number}")) for item in quiet)
        done = 0
        for scenario in chosen:
            if time.monotonic() - began > seconds:
                break
            if scenario.kind != "clean":
                self._fault(scenario)
            elif (scenario.number + 1) % together == 0:
                self._clean(scenario, together)
            done += 1
            if done % 20 == 0:
                bad = sum(not tally.is_good for tally in self.tally.values())
                print(f"{done} of {len(chosen)} scenarios, {bad} rules with findings", file=sys.stderr, flush=True)
        self._account()
        return dict(self.tally), done

    def _clean(self, scenario: Scenario, days: int) -> None:
        late = max(days - 1, self.config.thresholds.late_windows)
        thresholds = self.config.thresholds.model_copy(update={"late_windows": late})
        wide = self.config.model_copy(update={"thresholds": thresholds})
        for result in self._cycle(scenario, 0, self.judged, wide):
            self.tally[result.rule].clean += days
            self._false(result, scenario)

    def _fault(self, scenario: Scenario) -> None:
        rules = [self.rules[case.rule] for case in scenario.cases]
        seen_in = 0
        if scenario.kind == "late":
            seen_in = 1
            self.marts.add_days([self._clean_rows(scenario.day, rules)])
            for result in self._cycle(scenario, 0, rules):
                self._false(result, scenario)
        days = self._clean_rows(scenario.day, rules)
        for case in scenario.cases:
            days |= case.rows(scenario.day)
        self.marts.replace_day(scenario.day, days)
        self.marts.set_state(days)
        found = {result.rule: result for result in self._cycle(scenario, seen_in, rules)}
        fires = [self._judge(case, found[case.rule], scenario) for case in scenario.cases]
        self.marts.replace_day(scenario.day, {mart: [] for mart in days})
        self.marts.set_state(state(self.config))
        if any(fires) or any(result.rows for result in found.values()):
            after = scenario.day + timedelta(days=seen_in + 2)
            self.marts.add_days([self._clean_rows(after, rules)])
            for result in self._cycle(scenario, seen_in + 2, rules):
                self._false(result, scenario)
            self.marts.replace_day(after, {mart: [] for mart in days})

    def _clean_rows(self, day: datetime, rules: Sequence[Rule]) -> World:
        """A clean day's rows in the marts that the rules read."""
        read = marts_of(rules)
        return {mart: rows for mart, rows in clean(day, self.config).items() if mart in read}

    def _judge(self, case: Case, result: CheckResult, scenario: Scenario) -> bool:
        """Counts what the rule found; whether it should have found anything."""
        tally, wanted = self.tally[case.rule], expected(case.found, scenario.day)
        labels = self.rules[case.rule].labels
        found = {tuple(row.labels[name] for name in labels): row.severity or result.severity for row in result.rows}
        if not wanted:
            tally.below += 1
            self._false(result, scenario)
            return False
        tally.faults += 1
        tally.detected += found == wanted
        tally.missed += bool(set(wanted.items()) - set(found.items()))
        if set(found) - set(wanted) or result.outcome == "error":
            self._false(result, scenario)
        muted = {name for other in scenario.cases for name in self.rules[other.rule].inhibits}
        if case.rule not in muted:
            self._expected += [(scenario.day, case.rule, key, severity) for key, severity in wanted.items()]
        return True

    def _false(self, result: CheckResult, scenario: Scenario) -> None:
        if result.outcome in ("failed", "error"):
            tally = self.tally[result.rule]
            tally.false += 1
            texts = [row.summary for row in result.rows] or [result.error]
            tally.notes.append(f"scenario {scenario.number} ({scenario.kind}): {result.outcome}: {texts[0]}")

    def _cycle(
        self, scenario: Scenario, cycle: int, rules: Sequence[Rule], config: Config | None = None
    ) -> list[CheckResult]:
        """Rules over the cycle's window, then the alert engine an hour after its end and in the morning."""
        window = window_of(scenario.day + timedelta(days=cycle))
        at, run_id = window.end + timedelta(hours=1), f"s{scenario.number}-{cycle}"
        results = evaluate(rules, window, config or self.config, self.client, run_id, lambda: at)
        if scenario.kind == "crash":
            client = CrashingClient(self.client, scenario.crash_at, scenario.crash_after)
            try:
                self._process(results, window, client, run_id, at)
            except Crash:
                at += timedelta(minutes=1)
                self._process(results, window, self.client, run_id, at)
        elif scenario.kind != "clean" or any(result.outcome != "passed" for result in results):
            self._process(results, window, self.client, run_id, at)
        medium = any("medium" in case.found.values() for case in scenario.cases)
        if medium or scenario.kind == "crash":
            morning = window.end + timedelta(hours=8)
            alerting.tick(self.config, self.client, lambda: morning, policy=self.policy)
        return results

    def _process(self, results: Sequence[CheckResult], window: Any, client: Any, run_id: str, at: datetime) -> None:
        alerting.process(results, window, self.config, client, run_id, lambda: at, policy=self.policy)

    def _account(self) -> None:
        """Tellings against those needed: once when it fires and once when it resolves; of medium ones in digests."""
        told: dict[tuple[datetime, str, tuple[str, ...], str], int] = defaultdict(int)
        sent = self._sent()
        query = (
            "select e.happened_at, e.rule, e.event, e.detail, a.labels from ops.alert_events as e "
            "inner join ops.alerts as a on e.alert_key = a.alert_key and e.opened_at = a.opened_at "
            "where starts_with(e.event, 'told:')"
        )
        for row in self.client.query(query).result():
            began = FIRST + CLEAN_DAYS
            first = began + (row["happened_at"] - began) // APART * APART
            rule = self.rules.get(row["rule"])
            labels = json.loads(row["labels"])
            key = tuple(labels[name] for name in rule.labels) if rule else tuple(labels.values())
            told[first, row["rule"], key, row["event"]] += sent.get(row["detail"], 0)
        for day, rule, key, severity in self._expected:
            tally = self.tally[rule]
            wanted = {"told:digest": 2} if severity == "medium" else {"told:firing": 1, "told:resolved": 1}
            for event, times in wanted.items():
                count = told.pop((day, rule, key, event), 0)
                tally.needed += times
                tally.told += count
                tally.lost += max(times - count, 0)
                tally.doubled += max(count - times, 0)
                if count != times:
                    tally.notes.append(f"{event} of {rule} {key} on {day:%Y-%m-%d}: {count} times")
        for (day, rule, key, event), count in told.items():
            self.tally[rule].told += count
            self.tally[rule].doubled += count
            self.tally[rule].notes.append(f"{event} of {rule} {key} on {day:%Y-%m-%d} was not needed")

    def _sent(self) -> dict[str, int]:
        """How often each notification arrived at the file."""
        arrived: dict[str, int] = defaultdict(int)
        for path in self.folder.rglob("*.ndjson"):
            for line in path.read_text(encoding="utf-8").splitlines():
                arrived[json.loads(line)["notification_id"]] += 1
        return arrived


def table(tallies: dict[str, Tally]) -> Iterator[str]:
    """The outcome as a Markdown table, a line a rule and one of all together."""
    columns = ("faults", "detected", "missed", "below", "clean", "false", "needed", "told", "lost", "doubled")
    yield "| rule | " + " | ".join(columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for rule, tally in sorted(tallies.items()):
        yield f"| {rule} | " + " | ".join(str(getattr(tally, name)) for name in columns) + " |"
    sums = [sum(getattr(tally, name) for tally in tallies.values()) for name in columns]
    yield "| all | " + " | ".join(map(str, sums)) + " |"


def main(
    clean_days: Annotated[int, typer.Option("--clean", help="Clean days, each judged by all rules.")] = 100,
    faults: Annotated[int, typer.Option(help="Scenarios with faults.")] = 400,
    together: Annotated[int, typer.Option(help="Clean days that one evaluation judges.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
    seconds: Annotated[float, typer.Option(help="No scenario is begun after so many seconds.")] = 7200,
    first: Annotated[int, typer.Option(help="First scenario with faults, to share them among processes.")] = 0,
) -> None:
    """Run the campaign in a warehouse of its own and print the table. Ends 1 when anything is missed, false or lost."""
    import os
    import tempfile

    from campaign_kit import ROOT, embedded

    os.chdir(ROOT)
    with embedded(Path(__file__).parent, []), tempfile.TemporaryDirectory(prefix="rules-") as folder:
        from ingestion.tables import ensure_tables
        from warehouse.client import bigquery_client
        from warehouse.config import Embedded, load_config

        config = load_config().model_copy(update={"embedded": Embedded(home=Path(folder))})
        client = bigquery_client(config)
        ensure_tables(client)
        began = time.monotonic()
        campaign = Campaign(client, config, Path(folder))
        tallies, done = campaign.run(scenarios(clean_days, faults, seed, campaign.config, first), seconds, together)
        took = time.monotonic() - began
    print("\n".join(table(tallies)))
    quiet = min(done, clean_days)
    print(f"\n{quiet} clean days and {done - quiet} scenarios with faults (seed {seed}, from {first}) in {took:.0f} s")
    notes = [note for _, tally in sorted(tallies.items()) for note in tally.notes]
    print("\n".join(notes[:50]))
    if not all(tally.is_good for tally in tallies.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
