"""`make doctor`: is everything that the configuration names there, reachable and permitted, and if not, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from rich.console import Console

from audit import tables as audit_tables
from ingestion.errors import SourceUnavailable
from ingestion.tables import DATASETS, ensure_tables
from jobs.run import prepare_environment
from warehouse import secrets
from warehouse.client import bigquery_client
from warehouse.config import Config, ConfigError, RpcProvider, load_config
from warehouse.profile import load_profile
from warehouse.services import Services
from warehouse.storage import Storage, filesystem


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, and what to do where it isn't."""

    subject: str
    healthy: bool
    detail: str


def examine(console: Console | None = None) -> bool:
    """Print every finding; True when all are well. The embedded services are started for the examination."""
    console = console or Console()
    config = prepare_environment()
    with ExitStack() as stack:
        if config.target == "embedded":
            services = stack.enter_context(Services(config))
            services.start_warehouse()
            services.start_sandbox()
            config = load_config()
        findings = list(findings_of(config))
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.healthy else "[red]wrong[/red]"
        console.print(f"{mark} {finding.subject}: {finding.detail}", highlight=False, soft_wrap=True)
    wrong = sum(not finding.healthy for finding in findings)
    console.print(f"{len(findings) - wrong} well, {wrong} to mend", highlight=False)
    return not wrong


def findings_of(config: Config) -> Iterator[Finding]:
    """All findings for a configuration whose services run."""
    yield Finding("configuration", True, f"target {config.target}, platform {config.platform}")
    yield _check("profile", lambda: f"{len(load_profile(config).events)} event mappings")
    yield _secret(config.pseudonym_key_env, "16 bytes or more; keep it, another key gives other pseudonyms")
    yield from _warehouse(config)
    storage = filesystem(config)
    yield _check(f"landing {config.landing}", lambda: _writable(storage, config.landing))
    yield _check(f"staging {config.staging}", lambda: _writable(storage, config.staging))
    yield from _sources(config, storage)
    for channel in config.channels:
        for name, holds in channel.secrets().items():
            yield _secret(name, holds)


def _warehouse(config: Config) -> Iterator[Finding]:
    try:
        client = bigquery_client(config)
        held = {dataset.dataset_id for dataset in client.list_datasets()}
    except (GoogleAPIError, GoogleAuthError, OSError) as error:
        yield Finding(
            f"project {config.project}",
            False,
            f"can't be reached ({_short(error)}): run `gcloud auth application-default login`, or give the service "
            "account roles/bigquery.user and roles/bigquery.dataEditor",
        )
        return
    yield Finding(f"project {config.project}", True, f"{len(held)} datasets")
    yield _check("tables", lambda: _tables(client))
    yield _check("permission to query", lambda: _permitted(client))


def _tables(client: bigquery.Client) -> str:
    ensure_tables(client)
    audit_tables.ensure_tables(client)
    return f"datasets {', '.join((*DATASETS, audit_tables.DATASET))} are there"


def _permitted(client: bigquery.Client) -> str:
    client.query("select count(*) from ops.attempts").result()
    return "reads ops.attempts"


def _writable(storage: Storage, root: str) -> str:
    probe = f"{root.rstrip('/')}/.doctor"
    storage.write(probe, b"probe")
    storage.delete(probe)
    return "can be written"


def _sources(config: Config, storage: Storage) -> Iterator[Finding]:
    sources = config.sources
    if sources.solana.enabled:
        for provider in sources.solana.providers:
            yield _check(f"solana provider {provider.name}", lambda provider=provider: _health(provider))
    if sources.stripe.enabled:
        yield _check(f"stripe account {sources.stripe.account}", lambda: _stripe(config))
    exports = {
        "firebase": {key: getattr(sources.firebase, key) for key in ("changelog", "auth_export", "cloud_logging")},
        "cloudflare": {dataset: job.prefix for dataset, job in sources.cloudflare.jobs.items()},
    }
    for source, prefixes in exports.items():
        for key, prefix in prefixes.items():
            if getattr(sources, source).enabled and prefix is not None:
                yield _check(f"{source} {key}", lambda prefix=prefix: _listable(storage, prefix))


def _health(provider: RpcProvider) -> str:
    headers = {}
    if provider.api_key_env:
        if (key := secrets.lookup(provider.api_key_env)) is None:
            raise SourceUnavailable(f"set {provider.api_key_env}")
        headers["Authorization"] = f"Bearer {key}"
    body = {"jsonrpc": "2.0", "id": 1, "method": "getSlot", "params": [{"commitment": "finalized"}]}
    answer = httpx2.post(provider.url, json=body, headers=headers, timeout=provider.timeout_seconds)
    answer.raise_for_status()
    return f"finalized slot {answer.json()['result']}"


def _stripe(config: Config) -> str:
    from ingestion.stripe.client import Api

    settings = config.sources.stripe
    if (key := secrets.lookup(settings.api_key_env)) is None:
        raise SourceUnavailable(f"set {settings.api_key_env} to a restricted key with read permission only")
    accounts = (settings.account, *settings.connected_accounts)
    for account in accounts:
        for resource in settings.resources:
            Api(settings, key, account).get(f"/v1/{resource}", {"limit": 1})
    if key.startswith("sk_"):
        raise SourceUnavailable(
            f"works, but {settings.api_key_env} holds a secret key (sk_), which may also move money: "
            "put a restricted key (rk_) with read permission only there"
        )
    read = f"{len(settings.resources)} resources of {len(accounts)} account{'s' * (len(accounts) > 1)}"
    return f"{read} can be read, API version {settings.api_version}"


def _listable(storage: Storage, prefix: str) -> str:
    first = next(storage.list(prefix), None)
    return f"{prefix} can be listed" if first else f"{prefix} is empty: is the export running?"


def _secret(name: str, meaning: str) -> Finding:
    if secrets.lookup(name):
        return Finding(f"secret {name}", True, "is set")
    return Finding(
        f"secret {name}", False, f"set it in the environment or as Airflow connection {name.lower()}: {meaning}"
    )


def _check(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, look())
    except (ConfigError, SourceUnavailable) as error:
        return Finding(subject, False, str(error))
    except Exception as error:
        return Finding(subject, False, f"{type(error).__name__}: {_short(error)}")


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
