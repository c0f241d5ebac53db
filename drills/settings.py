"""The configuration of a drill: the project's own, with local receivers for channels and a few thresholds changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from drills.exercises import CHAT, HEARTBEAT, HOOK, PAGER
from sandbox.addresses import SKILL_MINT, USDC_MINT
from warehouse.config import DEFAULT_PATH
from warehouse.yaml_text import from_yaml

CHANGED = {
    "late_windows": 0,  # a window alone is judged, so that what is over ends with the next window
    # One user may take 900 SKILL at once, and four days are too short a history to know that this is usual.
    "withdrawal_floor_amounts": {USDC_MINT: 500_000_000, SKILL_MINT: 5_000_000_000_000},
    "chargeback_disputes": 1,  # the reference's own: the sandbox's account has a dispute on each of its first two days
}


def write_settings(home: Path, base: str) -> dict[str, str]:
    """Write <home>/drill.yml for receivers at `base`; gives the environment that names it and the channels' secrets."""
    document = from_yaml(DEFAULT_PATH.read_text(encoding="utf-8"))
    path = home / "drill.yml"
    path.write_text(yaml.safe_dump(changed(document, base), sort_keys=False), encoding="utf-8")
    return {
        "WAREHOUSE_CONFIG": str(path),
        "DRILL_PAGER_KEY": "0" * 32,
        "DRILL_CHAT_URL": f"{base}/{CHAT}",
        "DRILL_HOOK_URL": f"{base}/{HOOK}",
        "DRILL_HOOK_KEY": "a-key-of-the-drill",
        "DRILL_HEARTBEAT_URL": f"{base}/{HEARTBEAT}",
    }


def changed(document: dict[str, Any], base: str) -> dict[str, Any]:
    """The configuration's document with a drill's changes."""
    return {
        **document,
        "thresholds": {**document["thresholds"], **CHANGED},
        "channels": [
            *document["channels"],
            {"type": "pagerduty", "name": PAGER, "routing_key_env": "DRILL_PAGER_KEY", "api_base": f"{base}/{PAGER}"},
            {"type": "slack_webhook", "name": CHAT, "url_env": "DRILL_CHAT_URL"},
            {"type": "webhook", "name": HOOK, "url_env": "DRILL_HOOK_URL", "key_env": "DRILL_HOOK_KEY"},
        ],
        "alerting": {
            **document["alerting"],
            "heartbeat_url_env": "DRILL_HEARTBEAT_URL",
            "routes": [
                {"match": ['severity="critical"'], "channels": [PAGER, CHAT, HOOK], "fallback": ["local"]},
                {"match": ['severity="high"'], "channels": [CHAT, HOOK], "fallback": ["local"]},
                {"match": [], "channels": ["local"]},
            ],
            "outbox": {**document["alerting"]["outbox"], "fail_over_after": 1},
        },
    }
