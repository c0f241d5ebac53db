"""The policy: covers every table once, can't be lowered below what the law asks, and is what is set."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from retention_kit import POLICY, WHY, a_world
from typer.testing import CliRunner

from audit.__main__ import app
from audit.policy import FLOOR, day_of, read_policy, schema_of, stored_tables, within
from audit.policy_apply import (
    BucketSettings,
    PolicyRefused,
    apply,
    check,
    read_bucket,
    request_of,
    set_expiration,
    settings_of,
    write_bucket,
)
from audit.tables import PARTITIONED
from warehouse.config import ConfigError
from warehouse.storage import filesystem

FILE = Path(__file__).parents[2] / "config" / "retention.yml"
MODELS = Path(__file__).parents[2] / "dbt_project" / "models"
FINANCIAL = {
    *("audit.events", "audit.seals", "audit.leaves", "audit.anchors", "audit.holds", "audit.subjects"),
    *("raw.solana_transactions", "raw.canonical_events", "raw.stripe_charges", "raw.platform_audit_events"),
    *("raw.quarantine", "ops.objects", "ops.attempts", "ops.figures"),
}


def written(tmp_path: Path, change) -> Path:
    """The tests' policy, changed, as a file."""
    document = copy.deepcopy(POLICY)
    change(document)
    path = tmp_path / "changed.yml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_every_table_has_one_rule_and_a_day_where_it_needs_one():
    policy = read_policy(FILE)
    tables = stored_tables()
    assert len(tables) > 40
    for table in tables:
        rule = policy.rule(table)
        if rule.cold or rule.purge != "never":
            assert day_of(rule, schema_of(table)), table
        if rule.purge == "expire":
            assert table.startswith("raw.") or table.removeprefix("audit.") in PARTITIONED, f"{table} has no partitions"


def test_every_model_has_a_rule_and_none_is_anything_but_derived():
    policy = read_policy(FILE)
    models = [f"{path.relative_to(MODELS).parts[0]}.{path.stem}" for path in MODELS.rglob("*.sql")]
    assert len(models) > 100
    assert {policy.rule(model).klass for model in models} == {"derived"}


def test_financial_records_are_financial():
    policy = read_policy(FILE)
    assert {table: policy.rule(table).klass for table in FINANCIAL} == dict.fromkeys(FINANCIAL, "financial")
    assert {"financial": (date(2028, 1, 1) - date(2021, 1, 1)).days + 1} == FLOOR


def test_what_needs_the_whole_history_or_must_not_be_copied():
    policy = read_policy(FILE)
    assert not policy.rule("audit.subjects").cold
    assert not policy.rule("audit.subject_values").cold
    for table in ("audit.seals", "audit.leaves", "audit.tree_nodes", "audit.anchors", "audit.purges"):
        assert policy.rule(table).days is None, table
    landing = {rule.prefix: rule for rule in policy.bucket_rules("landing")}
    assert {prefix: rule.klass for prefix, rule in landing.items()} == {
        "solana/": "financial",
        "stripe/": "personal",
        "firebase/": "personal",
        "cloudflare/": "personal",
    }


def rule_of(document: dict, table: str) -> dict:
    return next(rule for rule in document["tables"] if rule["tables"][0] == table)


CHANGES = {
    "below-the-floor": (lambda d: rule_of(d, "audit.events").update(days=2556), "kept 2557 days at least"),
    "personal-too-long": (lambda d: rule_of(d, "raw.firebase_auth_users").update(days=401), "400 days at most"),
    "personal-for-ever": (
        lambda d: rule_of(d, "raw.firebase_auth_users").update(days=None, purge="never"),
        "400 days at most",
    ),
    "money-that-expires": (
        lambda d: rule_of(d, "raw.stripe_charges").update(purge="expire", cold=False, hot_days=None),
        "must be purged by the job",
    ),
    "hot-longer-than-kept": (lambda d: rule_of(d, "audit.events").update(hot_days=2558), "hot for 2558 of 2557"),
    "hot-without-cold": (lambda d: rule_of(d, "audit.events").update(cold=False), "must be in the cold tier"),
    "hot-before-copied": (lambda d: rule_of(d, "audit.events").update(hot_days=70), "hot_days must end after"),
    "end-without-purge": (lambda d: rule_of(d, "audit.events").update(purge="never"), "days and purge disagree"),
    "no-day": (lambda d: rule_of(d, "audit.events").update(day=[]), "name the columns"),
    "no-reason": (lambda d: rule_of(d, "audit.events").update(why="because"), "why"),
    "twice": (lambda d: d["tables"].append(rule_of(d, "audit.events")), "two rules for audit.events"),
    "unknown-key": (lambda d: rule_of(d, "audit.events").update(keep=1), "unknown key"),
    "keys-in-a-bucket": (
        lambda d: rule_of(d, "audit.*").update(cold=True, day=["created_at"]),
        "audit.subjects must not be copied",
    ),
    "lock-too-short": (lambda d: d["buckets"][0].update(lock_days=2511), "lock_days must be 2512"),
    "lock-too-long": (lambda d: d["buckets"][0].update(lock_days=2513), "lock_days must be 2512"),
    "anchors-unlocked": (lambda d: d["buckets"][1].update(lock_days=None), "lock of 2557 days"),
    "lock-of-a-prefix": (lambda d: d["buckets"][2].update(lock_days=1), "not a prefix's"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_policy_that_would_lose_something_is_refused(tmp_path, name):
    change, why = CHANGES[name]
    with pytest.raises(ConfigError, match=why):
        read_policy(written(tmp_path, change))


def test_a_name_comes_before_a_pattern_and_two_patterns_are_ambiguous(tmp_path):
    policy = read_policy(written(tmp_path, lambda document: None))
    assert policy.rule("audit.events").days == 2557
    assert policy.rule("audit.seals").days is None
    with pytest.raises(ConfigError, match=r"no rule for marts\.x"):
        policy.rule("marts.x")
    more = {"tables": ["audit.s*"], "class": "financial", "days": None, "purge": "never", "why": WHY}
    policy = read_policy(written(tmp_path, lambda document: document["tables"].append(more)))
    with pytest.raises(ConfigError, match=r"several rules for audit\.seals"):
        policy.rule("audit.seals")


def test_rows_are_found_by_the_bare_column_so_that_partitions_are_cut():
    policy = read_policy(FILE)
    days = (date(2020, 1, 1), date(2020, 1, 31))
    assert within(policy.rule("audit.events"), schema_of("audit.events"), *days) == (
        "(event_day between date '2020-01-01' and date '2020-01-31')"
    )
    assert within(policy.rule("ops.attempts"), schema_of("ops.attempts"), *days) == (
        "(started_at >= timestamp '2020-01-01 00:00:00+00' and started_at < timestamp '2020-02-01 00:00:00+00')"
    )


@pytest.fixture
def world(embedded, tmp_path):
    return a_world(tmp_path)


def expiration(client, table: str) -> int | None:
    return client.get_table(f"{client.project}.{table}").time_partitioning.expiration_ms


def test_applied_nothing_differs_and_each_change_is_found(world):
    config, client = world
    apply(config, client)
    unlocked = [f"{config.audit.cold}: retention lock", f"{config.audit.anchors}: retention lock"]
    assert [each.where for each in check(config, client)] == unlocked
    assert apply(config, client, lock=True) == []
    assert expiration(client, "raw.rpc_calls") == 400 * 86_400_000
    for table in ("raw.stripe_charges", "audit.events", "raw.firebase_auth_users"):
        assert expiration(client, table) is None, table

    for table, days in (("audit.events", 3000), ("raw.rpc_calls", 399), ("raw.firebase_auth_users", 400)):
        changed = client.get_table(f"{client.project}.{table}")
        partitioning = changed.time_partitioning
        partitioning.expiration_ms = days * 86_400_000
        changed.time_partitioning = partitioning
        client.update_table(changed, ["time_partitioning"])
    dataset = client.get_dataset(f"{client.project}.audit")
    dataset.default_partition_expiration_ms = 5 * 86_400_000
    client.update_dataset(dataset, ["default_partition_expiration_ms"])
    client.create_table(f"{client.project}.audit.unforeseen", exists_ok=True)
    settings = f"{config.audit.cold}/.retention.json"
    filesystem(config).write(settings, filesystem(config).read(settings).replace(b"2512", b"30"))
    try:
        assert [str(each) for each in check(config, client)] == [
            "audit.events: partition expiration: 3000 days, should be none",
            "audit: default partition expiration: 5 days, should be none",
            "raw.firebase_auth_users: partition expiration: 400 days, should be none",
            "raw.rpc_calls: partition expiration: 399 days, should be 400 days",
            f"{config.audit.cold}: retention period: 30 days, should be 2512 days",
        ]
        assert apply(config, client) == []
        assert check(config, client) == []
    finally:
        client.delete_table(f"{client.project}.audit.unforeseen", not_found_ok=True)


def test_a_table_without_a_rule_is_a_difference(world, tmp_path):
    config, client = world
    path = written(tmp_path, lambda d: d["tables"][-1].update(tables=["audit.*", "raw.*"]))
    config = config.model_copy(update={"audit": config.audit.model_copy(update={"retention": path})})
    found = {each.where: each.found for each in check(config, client)}
    assert found["ops.figures"] == "no rule for ops.figures"


def test_an_expiration_that_is_too_short_or_passes_holds_by_is_refused(world):
    config, client = world
    policy = read_policy(config.audit.retention)
    with pytest.raises(PolicyRefused, match="would expire after 399 days, kept are 400"):
        set_expiration(client, "raw.rpc_calls", policy.rule("raw.rpc_calls"), 399)
    for table in ("audit.events", "raw.firebase_auth_users"):
        with pytest.raises(PolicyRefused, match="legal holds stop"):
            set_expiration(client, table, policy.rule(table), 10_000)


def test_a_lock_can_only_become_longer(world):
    config, _ = world
    write_bucket(config, "cold", BucketSettings(2512), lock=True)
    for days in (2511, None):
        with pytest.raises(PolicyRefused, match="can only become more"):
            write_bucket(config, "cold", BucketSettings(days), lock=False)
    write_bucket(config, "cold", BucketSettings(2513), lock=False)
    assert read_bucket(config, "cold") == BucketSettings(2513, is_locked=True)


def test_a_policy_below_a_lock_changes_nothing(world):
    config, client = world
    write_bucket(config, "cold", BucketSettings(2600), lock=True)
    before = expiration(client, "raw.rpc_calls")
    with pytest.raises(PolicyRefused):
        apply(config, client)
    assert expiration(client, "raw.rpc_calls") == before
    assert read_bucket(config, "anchors") == BucketSettings()


def test_two_tiers_in_one_bucket_are_refused(world):
    config, client = world
    shared = config.audit.model_copy(update={"cold": f"{config.landing}/cold"})
    with pytest.raises(PolicyRefused, match="bucket of their own"):
        check(config.model_copy(update={"audit": shared}), client)


def test_settings_as_cloud_storage_has_them():
    settings = BucketSettings(2512, True, (("", 7), ("in/", 30)))
    body = request_of(settings, is_locked=False)
    assert body == {
        "lifecycle": {
            "rule": [
                {"action": {"type": "Delete"}, "condition": {"age": 7}},
                {"action": {"type": "Delete"}, "condition": {"age": 30, "matchesPrefix": ["in/"]}},
            ]
        },
        "retentionPolicy": {"retentionPeriod": "217036800"},
    }
    answer = json.loads(json.dumps(body))
    answer["retentionPolicy"]["isLocked"] = True
    assert settings_of(answer) == settings
    assert settings_of({}) == BucketSettings()
    assert request_of(BucketSettings(), is_locked=False) == {"lifecycle": None, "retentionPolicy": None}
    strange = {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"numNewerVersions": 2}}]}}
    assert settings_of(strange).lifecycle == (("?", 0),)


def test_the_commands(world, monkeypatch):
    monkeypatch.setattr("audit.cli_retention._connected", lambda: world)
    run = CliRunner().invoke
    assert run(app, ["policy", "check"]).exit_code == 1
    assert run(app, ["policy", "apply"]).exit_code == 1
    done = run(app, ["policy", "apply", "--lock"])
    assert (done.exit_code, done.stdout) == (0, "0 differences\n")
    assert run(app, ["archive", "--as-of", "2026-11-21"]).exit_code == 0
    assert run(app, ["purge", "--as-of", "2026-11-21", "--dry-run"]).exit_code == 0
    assert run(app, ["restore", "audit.events", "2020-01"]).exit_code == 2
    held = run(app, ["hold", "place", "--reason", "case 7", "--by", "counsel", "--from", "2020-01-01"])
    hold_id = held.stdout.strip()
    listed = run(app, ["hold", "list"]).stdout
    assert f"{hold_id} all subjects 2020-01-01.. " in listed
    assert run(app, ["hold", "release", hold_id, "--reason", "closed", "--by", "counsel"]).exit_code == 0
    assert run(app, ["hold", "list"]).stdout == ""
    assert run(app, ["hold", "place", "--reason", "case 7", "--by", "counsel"]).exit_code == 2
    assert run(app, ["erase", "0" * 32, "--reason", "asked for"]).exit_code == 2
    assert run(app, ["purge", "--as-of", "yesterday"]).exit_code == 2
