"""dbt's variables: what the models must know of the configuration, the platform and the run's window."""

from __future__ import annotations

from ingestion.sources import NAMES
from reporting.metrics import load_metrics
from warehouse.config import Config
from warehouse.profile import Profile
from warehouse.window import Window, format_instant


def variables(config: Config, profile: Profile, window: Window) -> dict:
    """dbt variables that say what is built; the partitions come on top."""
    engine = config.sources.cloudflare.analytics_engine
    return {
        "metrics": _metrics(profile),
        "sources": {
            name: {
                "enabled": getattr(config.sources, name).enabled,
                "silent_hours": config.thresholds.source_silent_hours.get(name),
            }
            for name in NAMES
        },
        "window_start": format_instant(window.start),
        "window_end": format_instant(window.end),
        "covered_until": format_instant(window.end),
        "documents": profile.documents,
        "vaults": [vault.model_dump() for vault in config.own.vaults],
        "mints": {address: mint.model_dump() for address, mint in config.mints.items()},
        "audit_allowed_lag_minutes": config.thresholds.audit_allowed_lag_minutes,
        "audit_heartbeat_minutes": config.thresholds.audit_heartbeat_minutes,
        "settlement_deadline_minutes": config.thresholds.settlement_deadline_minutes,
        "minimum_group": config.thresholds.minimum_group,
        "kyc_withdrawal_limits": config.thresholds.kyc_withdrawal_limits,
        "arbiter_days": config.thresholds.arbiter_days,
        "stripe_connected_accounts": config.sources.stripe.connected_accounts,
        "stripe_count_test_mode": config.sources.stripe.count_test_mode,
        "analytics_engine": {dataset.name: dict(dataset.columns) for dataset in (engine.datasets if engine else ())},
        "logpush": {
            "late_minutes": config.sources.cloudflare.late_minutes,
            "off_after_days": config.sources.cloudflare.off_after_days,
            "min_gap_minutes": {name: job.min_gap_minutes for name, job in config.sources.cloudflare.jobs.items()},
        },
    }


def _metrics(profile: Profile) -> dict[str, dict]:
    """Metric -> its sources, and whether the platform has what it is made of."""
    mapped = {f"document.{name}" for name in profile.documents} | {f"event.{item.canonical}" for item in profile.events}
    return {
        metric.id: {"sources": metric.sources, "on_platform": not metric.needs or bool(mapped & set(metric.needs))}
        for metric in load_metrics()
    }
