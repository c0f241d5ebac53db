"""What the policy asks of BigQuery and of the buckets: set it, and compare what is set with what is written.

BigQuery: partition expiration on tables that expire by themselves; none of any kind on the others, their datasets
included. Buckets: retention period, its lock, and lifecycle rules. Google's buckets are reached through gcsfs, which is
the project's way to them. On the embedded target a bucket is a folder: the same settings stand in `.retention.json` at
its root, and audit/purge.py honours the period there as a bucket of Google's would enforce it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fsspec
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from audit.policy import BucketRule, Policy, TableRule, load_policy, stored_tables
from warehouse.config import Config, ConfigError
from warehouse.storage import filesystem

DAY_MS, DAY_SECONDS = 86_400_000, 86_400
SETTINGS_FILE = ".retention.json"
BUCKETS = ("cold", "anchors", "landing", "staging")
RETAINED_DATASETS = ("audit", "ops", "raw")


class PolicyRefused(ConfigError):
    """The setting would let something go before its time, or take back a lock."""


@dataclass(frozen=True)
class Difference:
    """Something that is set otherwise than the policy says."""

    where: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}, should be {self.wanted}"


@dataclass(frozen=True)
class BucketSettings:
    """Settings of a bucket. `lifecycle`: (prefix, days after which objects go)."""

    lock_days: int | None = None
    is_locked: bool = False
    lifecycle: tuple[tuple[str, int], ...] = ()


def check(config: Config, client: bigquery.Client) -> list[Difference]:
    """Every difference between what is set and the policy file, for the tables and buckets that there are."""
    policy = load_policy(config)
    _refuse_shared(config)
    return [*_table_differences(policy, client), *_bucket_differences(policy, config)]


def apply(config: Config, client: bigquery.Client, lock: bool = False) -> list[Difference]:
    """Set what the policy says; returns what is still different.

    A lock can't be taken back, by nobody, so buckets are locked only with `lock`. Raises PolicyRefused, before anything
    is changed, where a bucket is locked for longer than the policy says.
    """
    policy = load_policy(config)
    _refuse_shared(config)
    wanted = {bucket: _wanted(policy, config, bucket) for bucket in BUCKETS}
    for bucket, settings in wanted.items():
        _refuse_weaker(bucket, read_bucket(config, bucket), settings)
    for table in stored_tables():
        rule = policy.rule(table)
        set_expiration(client, table, rule, rule.days if rule.purge == "expire" else None)
    for dataset in RETAINED_DATASETS:
        _clear_defaults(client, dataset)
    for bucket, settings in wanted.items():
        now = read_bucket(config, bucket)
        write_bucket(config, bucket, settings, lock=lock or now.is_locked)
    return check(config, client)


def set_expiration(client: bigquery.Client, table: str, rule: TableRule, days: int | None) -> None:
    """Set a table's partition expiration, or take it away; also that of the whole table. Nothing for a missing table.

    Raises PolicyRefused for one that is shorter than the rule, or for a table whose purge goes through legal holds.
    """
    if days is not None and rule.purge != "expire":
        raise PolicyRefused(f"{table}: is purged by the job, which legal holds stop, and must not expire by itself")
    if days is not None and days < rule.days:
        raise PolicyRefused(f"{table}: partitions would expire after {days} days, kept are {rule.days}")
    try:
        found = client.get_table(f"{client.project}.{table}")
    except NotFound:
        return
    held = found.time_partitioning
    if held is None and days is not None:
        raise PolicyRefused(f"{table}: has no partitions that could expire; its rule must say `purge: job`")
    wanted = None if days is None else days * DAY_MS
    if held is not None and held.expiration_ms != wanted:
        held.expiration_ms = wanted  # None is sent as such, which takes an expiration away
        found.time_partitioning = held
        client.update_table(found, ["time_partitioning"])
    if found.expires is not None:
        found.expires = None
        client.update_table(found, ["expires"])


def lock_of(config: Config, bucket: str) -> int:
    """Days that an object of a bucket can't be deleted, as set now; 0 for none."""
    return read_bucket(config, bucket).lock_days or 0


def read_bucket(config: Config, bucket: str) -> BucketSettings:
    """What is set on a configured bucket now."""
    if config.target != "bigquery":
        storage, uri = filesystem(config), f"{_root(config, bucket)}/{SETTINGS_FILE}"
        if not storage.exists(uri):
            return BucketSettings()
        held = json.loads(storage.read(uri))
        lifecycle = tuple((rule["prefix"], rule["days"]) for rule in held["lifecycle"])
        return BucketSettings(held["lock_days"], held["is_locked"], lifecycle)
    return settings_of(_gcs(config).call("GET", "b/{}", _name(config, bucket), json_out=True))


def write_bucket(config: Config, bucket: str, settings: BucketSettings, lock: bool) -> None:
    """Set a bucket's retention period and lifecycle, and lock the period where asked. Raises PolicyRefused."""
    now = read_bucket(config, bucket)
    _refuse_weaker(bucket, now, settings)
    locked = bool(settings.lock_days) and (lock or now.is_locked)
    if config.target != "bigquery":
        document = {
            "lock_days": settings.lock_days,
            "is_locked": locked,
            "lifecycle": [{"prefix": prefix, "days": days} for prefix, days in settings.lifecycle],
        }
        body = json.dumps(document, indent=1).encode() + b"\n"
        filesystem(config).write(f"{_root(config, bucket)}/{SETTINGS_FILE}", body)
        return
    gcs, name = _gcs(config), _name(config, bucket)
    answer = gcs.call("PATCH", "b/{}", name, json=request_of(settings, is_locked=now.is_locked), json_out=True)
    if locked and not now.is_locked:
        path = "b/{}/lockRetentionPolicy"
        gcs.call("POST", path, name, ifMetagenerationMatch=answer["metageneration"], json_out=True)


def settings_of(answer: Mapping[str, Any]) -> BucketSettings:
    """A bucket resource of Cloud Storage's JSON API as settings; a lifecycle rule not of our form has prefix `?`."""
    period = answer.get("retentionPolicy", {})
    seconds = int(period["retentionPeriod"]) if "retentionPeriod" in period else None
    lifecycle = []
    for rule in answer.get("lifecycle", {}).get("rule", []):
        condition = dict(rule["condition"])
        age, prefixes = condition.pop("age", 0), condition.pop("matchesPrefix", [""])
        ours = rule["action"]["type"] == "Delete" and not condition
        lifecycle += [(prefix if ours else "?", age) for prefix in prefixes]
    return BucketSettings(
        None if seconds is None else seconds // DAY_SECONDS, bool(period.get("isLocked")), tuple(sorted(lifecycle))
    )


def request_of(settings: BucketSettings, is_locked: bool) -> dict[str, Any]:
    """Body of the PATCH that sets them. The period of a locked bucket is named only as what it is or longer."""
    rules = [
        {"action": {"type": "Delete"}, "condition": {"age": days} | ({"matchesPrefix": [prefix]} if prefix else {})}
        for prefix, days in settings.lifecycle
    ]
    body: dict[str, Any] = {"lifecycle": {"rule": rules} if rules else None}
    if settings.lock_days or not is_locked:
        seconds = (settings.lock_days or 0) * DAY_SECONDS
        body["retentionPolicy"] = {"retentionPeriod": str(seconds)} if seconds else None
    return body


def _table_differences(policy: Policy, client: bigquery.Client) -> Iterator[Difference]:
    for dataset in RETAINED_DATASETS:
        for table, found in sorted(_tables(client, dataset).items()):
            try:
                rule = policy.rule(table)
            except ConfigError as error:
                yield Difference(table, "one rule", str(error).removeprefix("retention: "))
                continue
            held = found.time_partitioning.expiration_ms if found.time_partitioning else None
            wanted = rule.days * DAY_MS if rule.purge == "expire" else None
            if held != wanted:
                yield Difference(f"{table}: partition expiration", _days(wanted), _days(held))
            if found.expires is not None:
                yield Difference(f"{table}: table expiration", "none", found.expires.isoformat())
        for name, value in _defaults(client, dataset).items():
            if value is not None:
                yield Difference(f"{dataset}: {name}", "none", _days(value))


def _bucket_differences(policy: Policy, config: Config) -> Iterator[Difference]:
    for bucket in BUCKETS:
        wanted, found, root = _wanted(policy, config, bucket), read_bucket(config, bucket), _root(config, bucket)
        if wanted.lock_days != found.lock_days:
            days = [None if each is None else each * DAY_MS for each in (wanted.lock_days, found.lock_days)]
            yield Difference(f"{root}: retention period", _days(days[0]), _days(days[1]))
        if wanted.is_locked and not found.is_locked:
            yield Difference(f"{root}: retention lock", "locked", "not locked")
        if wanted.lifecycle != found.lifecycle:
            yield Difference(f"{root}: lifecycle", _lifecycle(wanted), _lifecycle(found))


def _wanted(policy: Policy, config: Config, bucket: str) -> BucketSettings:
    rules = policy.bucket_rules(bucket)
    lock = next((rule.lock_days for rule in rules if rule.lock_days), None)
    below = _root(config, bucket).removeprefix(f"gs://{_name(config, bucket)}").strip("/")
    expiring = sorted((_prefix(below, rule), rule.days) for rule in rules if rule.purge == "expire")
    return BucketSettings(lock, lock is not None, tuple(expiring))


def _prefix(below: str, rule: BucketRule) -> str:
    """Prefix within the bucket; the configured address may itself lie below one."""
    return f"{below}/{rule.prefix}" if below else rule.prefix


def _refuse_shared(config: Config) -> None:
    """A retention period is a bucket's: what has another one needs another bucket."""
    names = {_name(config, bucket): bucket for bucket in BUCKETS}
    if len(names) < len(BUCKETS):
        raise PolicyRefused("cold, anchors, landing and staging must be in a bucket of their own each")


def _refuse_weaker(bucket: str, now: BucketSettings, wanted: BucketSettings) -> None:
    if now.is_locked and (wanted.lock_days or 0) < (now.lock_days or 0):
        raise PolicyRefused(f"{bucket}: is locked for {now.lock_days} days, which can only become more")


def _tables(client: bigquery.Client, dataset: str) -> dict[str, bigquery.Table]:
    if dataset not in {each.dataset_id for each in client.list_datasets()}:
        return {}
    listed = client.list_tables(f"{client.project}.{dataset}")
    return {f"{dataset}.{item.table_id}": client.get_table(item.reference) for item in listed}


def _defaults(client: bigquery.Client, dataset: str) -> dict[str, int | None]:
    if dataset not in {each.dataset_id for each in client.list_datasets()}:
        return {}
    found = client.get_dataset(f"{client.project}.{dataset}")
    return {
        "default table expiration": found.default_table_expiration_ms,
        "default partition expiration": found.default_partition_expiration_ms,
    }


def _clear_defaults(client: bigquery.Client, dataset: str) -> None:
    if any(value is not None for value in _defaults(client, dataset).values()):
        found = client.get_dataset(f"{client.project}.{dataset}")
        found.default_table_expiration_ms = found.default_partition_expiration_ms = None
        client.update_dataset(found, ["default_table_expiration_ms", "default_partition_expiration_ms"])


def _root(config: Config, bucket: str) -> str:
    roots = {"cold": config.audit.cold, "anchors": config.audit.anchors}
    return (roots.get(bucket) or getattr(config, bucket)).rstrip("/")


def _name(config: Config, bucket: str) -> str:
    return _root(config, bucket).removeprefix("gs://").split("/")[0]


def _gcs(config: Config) -> fsspec.AbstractFileSystem:
    return fsspec.filesystem("gcs", project=config.project)


def _days(milliseconds: int | None) -> str:
    return "none" if milliseconds is None else f"{milliseconds / DAY_MS:g} days"


def _lifecycle(settings: BucketSettings) -> str:
    return ", ".join(f"{prefix or 'all'} after {days} days" for prefix, days in settings.lifecycle) or "none"
