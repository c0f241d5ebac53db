"""The record: what each source says, each once; and its bytes, the same in SQL as in Python."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from audit import records
from audit.encoding import RECORD_FIELDS
from audit.own import own_record, record_id
from audit.records import VIEWS, record, record_id_sql, touched_days
from audit.tables import DATASET
from audit.tables import ensure_tables as ensure_audit
from audit.tables import table_schema as audit_schema
from ingestion.tables import ensure_tables, table_schema
from jobs.dbt_build import build_models
from jobs.variables import variables
from warehouse.client import bigquery_client
from warehouse.config import Config, ConfigError, load_config
from warehouse.profile import load_profile
from warehouse.window import Window

pytestmark = pytest.mark.xdist_group("audit_records")
WINDOW = Window.parse("2026-10-05", "2026-10-06")
DAY = {"_event_date": "2026-10-05", "_line": 1, "_object_uri": "gs://landing/a", "_landed_at": "2026-10-06T00:00:00Z"}
USER, WALLET, CUSTOMER = (
    f"{kind}_{letter * 32}" for kind, letter in (("user", "a"), ("wallet", "b"), ("customer", "c"))
)
LONG_AGO = "2026-01-01T00:00:00Z"
GRAND = "12345678901234567890123456789"
STAGED = ("stg_platform__audit_events", "stg_solana__canonical_events")
OPS = ("stg_warehouse__attempts", "stg_warehouse__object_attempts", "stg_warehouse__figures")
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class World:
    """A warehouse with the record's views and empty tables: its configuration and client, and how rows come in."""

    config: Config
    client: bigquery.Client
    home: Path

    def load(self, rows: Rows) -> None:
        """Append rows to raw and ops tables; columns left out are null."""
        for name, held in rows.items():
            dataset, table = name.split(".")
            schema = audit_schema(table) if dataset == DATASET else table_schema(table, dataset)
            file = self.home / "gcs" / self.config.project / f"{name}.ndjson"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(json.dumps(row) + "\n" for row in held))
            settings = bigquery.LoadJobConfig(
                schema=schema,
                source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
                write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            )
            uri, target = f"gs://{self.config.project}/{name}.ndjson", f"{self.config.project}.{name}"
            self.client.load_table_from_uri(uri, target, job_config=settings).result()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """A query's rows."""
        return [dict(row) for row in self.client.query(sql).result()]

    def events(self) -> list[dict[str, Any]]:
        """audit.events without the record step's own attempts, by stream and key."""
        return self.rows(
            "select * from audit.events where not starts_with(action, 'step_audit') order by stream, source_key"
        )

    def record(self, window: Window = WINDOW) -> dict[str, int]:
        """Run the step; the records added by stream, without those of the warehouse's own doings."""
        added = record(self.config, self.client, window, "run").counts
        return {stream: count for stream, count in added.items() if stream != "warehouse"}


@pytest.fixture(scope="module")
def views(embedded: Path) -> list[tuple[str, str]]:
    """("dataset.view", SQL) of the record's views and those below them, as dbt compiles them."""
    config = load_config().model_copy(update={"project": "audit-views"})
    names = [*(f"staging.{name}" for name in STAGED + OPS), *VIEWS]
    settings = variables(config, load_profile(config), WINDOW)
    failed, _ = build_models(config, settings, ["--select", *(name.split(".")[1] for name in names)], "compile")
    assert failed == []
    compiled = {path.stem: path for path in Path(os.environ["DBT_TARGET_PATH"]).glob("compiled/**/models/**/*.sql")}
    return [(name, compiled[name.split(".")[1]].read_text()) for name in names]


@pytest.fixture
def world(embedded: Path, views: list[tuple[str, str]], request: pytest.FixtureRequest) -> World:
    """An empty warehouse of the test's own."""
    project = request.node.name.replace("test_", "").replace("_", "-")[:40].strip("-")
    config = load_config().model_copy(update={"project": project})
    client = bigquery_client(config)
    ensure_tables(client)
    ensure_audit(client)
    for name, sql in views:
        client.query(f"create or replace view {name} as {sql.replace('audit-views', project)}").result()
    return World(config, client, embedded)


def audited(seq: int, digest: str, **columns: Any) -> dict[str, Any]:
    """A record of the platform's stream `escrow`."""
    stated = {"stream": "escrow", "seq": seq, "hash": digest, "computed_hash": digest, "at": "2026-10-05T10:00:00.001Z"}
    return DAY | stated | {"actor": USER, "action": "deposit", "prev_hash": "p"} | columns


def moved(key: str, **columns: Any) -> dict[str, Any]:
    """A deposit on the chain."""
    event = {"canonical_key": key, "signature": "sig", "slot": 7, "block_time": "2026-10-05T10:00:00Z", "amount": "5"}
    event |= {"program_id": "Prog", "canonical_event": "deposit", "status": "counted", "holder": WALLET, "mint": "Usdc"}
    event |= {"decimals": 6, "vault": "Vault", "from_class": "external", "to_class": "holder"}
    return DAY | event | columns


def charged(status: str, through: str = "2026-10-06T00:00:00Z") -> dict[str, Any]:
    """A charge of 5 USD in a state."""
    charge = {"id": "ch_1", "account": "default", "created": "2026-10-05T09:00:00Z", "read_through": through}
    return DAY | charge | {"amount": "500", "currency": "usd", "status": status, "customer": CUSTOMER, "livemode": True}


def test_each_source_has_its_records_and_each_record_its_hash(world: World) -> None:
    world.load({
        "raw.platform_audit_events": [
            audited(1, "h1", amount=GRAND, mint="Mint"),
            audited(1, "h1", amount=GRAND, mint="Mint", _object_uri="gs://landing/again"),
            audited(1, "h2", actor="authority", amount=None),
            audited(2, "h3", stream="admin", action="user_frozen"),
        ],
        "raw.canonical_events": [
            moved("sig:0:0"), moved("sig:0:1", status="reverted"), moved("x", canonical_event="paused"),
        ],
        "raw.stripe_charges": [charged("succeeded"), charged("succeeded", "2026-10-06T01:00:00Z")],
        "ops.attempts": [
            {"attempt_id": "a", "step": "load", "outcome": "ok", "rows_loaded": 3, "ended_at": "2026-10-06T03:00:00Z"},
        ],
    })  # fmt: skip
    assert world.record() == {"platform/escrow": 2, "platform/admin": 1, "chain/Prog": 1, "stripe/default": 1}
    held = world.events()
    charge = f"ch_1|{sha256(b'charge|succeeded|500|usd|').hexdigest()}"
    assert [(row["stream"], row["source_key"], row["action"], row["amount"], row["unit"]) for row in held] == [
        ("chain/Prog", "sig:0:0", "deposit", Decimal(5), "Usdc"),
        ("platform/admin", "2|h3", "user_frozen", None, None),
        ("platform/escrow", "1|h1", "deposit", Decimal(GRAND), "Mint"),
        ("platform/escrow", "1|h2", "deposit", None, None),
        ("stripe/default", charge, "charge_succeeded", Decimal(500), "usd"),
        ("warehouse", "attempt|a", "step_load", Decimal(3), "rows"),
    ]
    tokens = {row["pseudonym"]: row["subject"] for row in world.rows("select * from audit.subjects")}
    assert set(tokens) == {USER, WALLET, CUSTOMER}
    assert [row["subject"] for row in held] == [
        tokens[WALLET],
        tokens[USER],
        tokens[USER],
        None,
        tokens[CUSTOMER],
        None,
    ]
    chain = held[0] | {"at": held[0]["at"].isoformat(), "event_day": held[0]["event_day"].isoformat()}
    lines = {**chain, "at": "1791194400000000", "amount": "5", "decimals": "6"}
    assert chain["at"] == "2026-10-05T10:00:00+00:00"
    assert chain["detail"] == "from=external to=holder slot=7"
    stated = "".join(
        f"{name}:-\n" if lines[name] is None else f"{name}:{len(lines[name])}:{lines[name]}\n" for name in RECORD_FIELDS
    )
    assert chain["record_id"] == sha256(b"\0escrow-audit/1\n" + stated.encode()).hexdigest()
    assert [row["record_id"] for row in held] == [record_id(row) for row in held]
    text = json.dumps(held, default=str)
    assert not [name for name in (USER, WALLET, CUSTOMER) if name in text]


def test_again_adds_nothing_and_what_changed_is_another_record(world: World) -> None:
    world.load({
        "raw.platform_audit_events": [audited(1, "h1")],
        "raw.canonical_events": [moved("sig:0:0")],
        "raw.stripe_charges": [charged("pending")],
    })  # fmt: skip
    assert sum(world.record().values()) == 3
    before = world.events()
    assert world.record() == {}
    assert world.events() == before
    world.load({
        "raw.stripe_charges": [charged("succeeded", "2026-10-07T00:00:00Z")],
        "raw.platform_audit_events": [
            audited(1, "h1", amount="9", computed_hash="h9", _landed_at="2026-10-07T00:00:00Z"),
        ],
        "raw.canonical_events": [moved("sig:0:0", amount="6", _landed_at="2026-10-07T00:00:00Z")],
    })  # fmt: skip
    assert world.record() == {"stripe/default": 1, "platform/escrow": 1}
    after = world.events()
    assert [row for row in after if row in before] == before
    assert sorted(row["action"] for row in after if row not in before) == ["charge_succeeded", "deposit"]
    [forged] = [row for row in after if row not in before and row["source"] == "platform"]
    assert (forged["source_key"], forged["detail"]) == ("1|h1|h9", "computed_hash=h9")
    tokens = {row["stream"]: row["subject"] for row in before}
    assert {row["subject"] == tokens[row["stream"]] for row in after} == {True}


def test_what_left_for_the_cold_tier_is_not_added_again(world: World) -> None:
    world.load({"raw.platform_audit_events": [audited(1, "h1"), audited(2, "h2")]})
    world.record()
    [first, _] = world.events()
    query = world.client.query
    query(
        "insert into audit.leaves (seal_day, stream, position, record_id, event_day) "
        f"values (date '2026-10-06', '{first['stream']}', 0, '{first['record_id']}', date '2026-10-05')"
    ).result()
    query(
        "insert into audit.purges (table_name, tier, first_day, last_day) "
        "values ('audit.events', 'hot', date '2026-10-01', date '2026-10-31')"
    ).result()
    query("delete from audit.events where true").result()
    assert world.record() == {"platform/escrow": 1}  # the other one has no leaf: it was never kept anywhere else
    assert [row["source_key"] for row in world.events()] == ["2|h2"]


def test_killed_after_the_subjects_it_ends_as_if_it_never_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.load({"raw.platform_audit_events": [audited(1, "h1")], "raw.canonical_events": [moved("sig:0:0")]})

    def killed(days: Sequence[date], with_purged: bool) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(records, "_insert", killed)
        with pytest.raises(KeyboardInterrupt):
            world.record()
    made = world.rows("select * from audit.subjects order by pseudonym")
    assert [row["pseudonym"] for row in made] == [USER, WALLET]
    assert world.events() == []
    assert world.record() == {"platform/escrow": 1, "chain/Prog": 1}
    assert world.rows("select * from audit.subjects order by pseudonym") == made
    ended = world.rows("select outcome from ops.attempts order by started_at")
    assert [row["outcome"] for row in ended] == ["failed", "ok"]
    assert [row["subject"] for row in world.events()] == [made[1]["subject"], made[0]["subject"]]


def test_a_failure_leaves_its_attempt_and_days_stay_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    late = {"uri": "gs://landing/late", "state": "loaded", "loaded_at": "2026-10-06T00:00:00Z"}
    world.load({"ops.objects": [late | {"event_dates": '["2026-09-01"]'}]})
    with monkeypatch.context() as patch:
        patch.delenv("WAREHOUSE_SUBJECT_KEY")
        with pytest.raises(ConfigError, match="WAREHOUSE_SUBJECT_KEY"):
            world.record()
    assert date(2026, 9, 1) in touched_days(world.client)[0]
    world.record()
    kept = world.rows("select step, outcome, detail, rows_loaded, objects from ops.attempts order by started_at")
    assert [(row["step"], row["outcome"], row["objects"]) for row in kept] == [
        ("audit_record", "failed", 0),
        ("audit_record", "ok", 1),
    ]
    assert "WAREHOUSE_SUBJECT_KEY is not set" in kept[0]["detail"]


def test_days_that_late_objects_brought_are_recorded(world: World) -> None:
    assert world.record() == {}
    soon = datetime.now(UTC).isoformat()
    old = {"at": "2026-08-01T23:59:59.999Z", "_event_date": "2026-08-01"}
    world.load({
        "raw.platform_audit_events": [
            audited(1, "h1", **old), audited(2, "h2", at="2026-08-09T00:00:00Z", _event_date="2026-08-09"),
        ],
        "ops.objects": [
            {"uri": "gs://landing/a", "state": "loaded", "loaded_at": soon, "event_dates": '["2026-08-01"]'},
            {"uri": "gs://landing/b", "state": "landed", "loaded_at": None, "event_dates": '["2026-08-09"]'},
            {"uri": "gs://landing/c", "state": "loaded", "loaded_at": LONG_AGO, "event_dates": '["2026-08-09"]'},
        ],
    })  # fmt: skip
    assert world.record() == {"platform/escrow": 1}
    [row] = [row for row in world.events() if row["source"] == "platform"]
    assert (row["source_key"], row["event_day"]) == ("1|h1", date(2026, 8, 1))


def test_after_an_erasure_a_user_has_another_token(world: World) -> None:
    world.load({"raw.platform_audit_events": [audited(1, "h1"), audited(2, "h2")]})
    world.record()
    world.client.query(
        "update audit.subjects set pseudonym = null, wrapped_key = null, erased_at = timestamp '2026-10-07' where true"
    ).result()
    before = world.events()
    assert world.record() == {}
    assert world.rows("select count(*) as n from audit.subjects") == [{"n": 1}]  # nothing new to tell of the user
    world.load({"raw.platform_audit_events": [audited(3, "h3")]})
    assert world.record() == {"platform/escrow": 1}
    first, second, third = (row["subject"] for row in world.events())
    assert first == second != third
    assert world.events()[:2] == before
    assert [row["record_id"] for row in world.events()] == [record_id(row) for row in world.events()]


def test_a_record_of_a_user_who_has_no_token_yet_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.load({"raw.platform_audit_events": [audited(1, "h1"), audited(2, "h2", actor="authority")]})
    with monkeypatch.context() as patch:  # the row came after the subjects were made
        patch.setattr(records, "new_pseudonyms", lambda client, days: [])
        assert world.record() == {"platform/escrow": 1}
    assert world.record() == {"platform/escrow": 1}
    assert [row["source_key"] for row in world.events()] == ["1|h1", "2|h2"]


TEXTS = [
    "",
    " ",
    "a",
    "ä",
    "añ€😀",
    "日本",
    "line\nline",
    "\r\n\t",
    "'",
    '"',
    "''' \\n \\",
    "5:abc",
    "-",
    "a:-\n",
    "\u2028",
    "{x}",
]
NUMBERS = [None, 0, 1, -1, -(10**28), 99999999999999999999999999999, -99999999999999999999999999999, 1000, 10]
TIMES = [
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999Z",
    "2026-10-05T10:00:00.000001Z",
    "9999-12-31T23:59:59.999999Z",
]


def nasty(number: int) -> dict[str, Any]:
    """A record of awkward values; every field is null in some."""
    words = [None, *TEXTS]
    row = {name: words[(number + place * 5) % len(words)] for place, name in enumerate(RECORD_FIELDS)}
    times = [None, *TIMES]
    at = times[number % len(times)]
    amount = NUMBERS[number % len(NUMBERS)]
    row |= {"seq": [None, 0, 2**63 - 1, -(2**63)][number % 4], "at": at, "event_day": at and at[:10]}
    return row | {
        "amount": None if amount is None else str(amount),
        "decimals": [None, 0, 9][number % 3],
        "run_id": str(number),
    }


def test_sql_and_python_give_the_same_hash(world: World) -> None:
    world.load({"audit.events": [nasty(number) for number in range(120)]})
    computed = record_id_sql({name: f"e.`{name}`" for name in RECORD_FIELDS})
    held = world.rows(f"select e.*, {computed} as computed from audit.events as e")
    assert len(held) == 120
    assert [row for row in held if row["computed"] != record_id(row)] == []
    assert len({row["computed"] for row in held}) == 120
    assert {row["amount"] for row in held} == {None if n is None else Decimal(n) for n in NUMBERS}


def test_an_own_record_is_kept_once(audit_client: bigquery.Client, rows_of: Callable) -> None:
    given = {"source_key": "hold|h1|placed", "action": "legal_hold_placed", "run_id": "run"}
    at = datetime.fromisoformat("2026-10-05T23:30:00.000001-01:00")
    own_record(audit_client, **given, at=at, detail="reason=court", subject="ab" * 16, amount=-3, unit="rows")
    own_record(audit_client, **given | {"run_id": "another"}, at=datetime(2026, 11, 1, tzinfo=UTC))
    own_record(audit_client, **given | {"source_key": "other"}, at=at)
    first, other = rows_of("select * from audit.events order by source_key")
    assert first["record_id"] == record_id(first)
    added = first.pop("added_at")
    assert added.utcoffset().total_seconds() == 0
    null = dict.fromkeys(
        ("seq", "decimals", "match_id", "signature", "stripe_id", "account", "prev_hash", "stated_hash")
    )
    assert first == null | given | {
        "record_id": first["record_id"], "stream": "warehouse", "source": "warehouse", "event_day": date(2026, 10, 6),
        "at": datetime(2026, 10, 6, 0, 30, 0, 1, tzinfo=UTC), "subject": "ab" * 16, "amount": Decimal(-3),
        "unit": "rows", "detail": "reason=court",
    }  # fmt: skip
    assert (other["source_key"], other["amount"], other["detail"]) == ("other", None, None)
    with pytest.raises(ValueError, match="has no zone"):
        own_record(audit_client, **given, at=datetime(2026, 10, 5))  # noqa: DTZ001


def test_an_amount_that_is_not_whole_has_no_bytes() -> None:
    with pytest.raises(ValueError, match=r"1\.5 is no whole number"):
        record_id(dict.fromkeys(RECORD_FIELDS) | {"amount": Decimal("1.5")})
