"""What must be nowhere: the simulated platform's people and secrets, and where of a run's traces they are found."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from google.cloud import bigquery

from sandbox.app import payments_of
from sandbox.stripe_api import API_KEY
from sandbox.world import build_world
from warehouse.services import SANDBOX_PSEUDONYM_KEY

DATASETS = ("raw", "ops", "staging", "intermediate", "marts", "scratch")


def forbidden() -> dict[str, str]:
    """Value -> what it is: users' personal values, customers' and cards' of the Stripe account, keys."""
    world = build_world()
    found = {API_KEY: "Stripe's key", SANDBOX_PSEUDONYM_KEY: "the pseudonym key"}
    for user in world.users:
        found |= {getattr(user, name): name for name in ("uid", "wallet", "email", "phone", "display_name", "ip")}
    for customer in payments_of(world).objects["customers"]:
        found |= {
            customer[name]: f"customer's {name}" for name in ("id", "email", "name", "phone") if customer.get(name)
        }
    return {value: what for value, what in found.items() if value}


def dump(client: bigquery.Client, folder: Path) -> int:
    """Every table and view of every dataset as a file of JSON lines below `folder`; returns the number of rows."""
    total = 0
    for dataset in DATASETS:
        for table in client.list_tables(f"{client.project}.{dataset}"):
            name = f"{dataset}.{table.table_id}"
            held = [
                json.dumps(dict(row), default=str, ensure_ascii=False)
                for row in client.query(f"select * from {name}").result()
            ]
            (folder / f"{name}.jsonl").write_text("\n".join(held), encoding="utf-8")
            total += len(held)
    return total


def hits(words: Path, *places: Path) -> list[str]:
    """`file: word` for each of the words (one a line) that stands anywhere in these files and folders."""
    command = ["grep", "-raowFf", str(words), *map(str, places)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, check=False
    )
    assert done.returncode < 2, done.stderr
    return sorted(set(done.stdout.splitlines()))
