"""No retained record can go early: not by dbt's replace, not by a statement of ours, not by a setting of the policy.

What a setting could do (a partition expiration, a table's or a dataset's, a lowered policy) is in tests/audit/
test_policy.py. Here: models never stand in for retained tables, and nothing in the project drops, replaces, alters or
deletes from them but what is named below, each with its reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit import tables as audit_tables
from audit.policy import read_policy, stored_tables
from ingestion import tables as ingestion_tables
from warehouse.client import bigquery_client
from warehouse.config import ConfigError, load_config

pytestmark = pytest.mark.xdist_group("dbt_project")
ROOT = Path(__file__).parents[2]
POLICY = read_policy(ROOT / "config" / "retention.yml")
CODE = ("alerting", "audit", "dags", "expectations", "ingestion", "jobs", "reporting", "warehouse")
DESTRUCTIVE = re.compile(
    r"\b(delete\s+from\s+\S+|drop\s+(?:table|view|schema|materialized)\s+\S+|truncate\s+table\s+\S+"
    r"|alter\s+(?:table|schema)\s+\S+|create\s+or\s+replace\s+(?:table|view)\s+\S+|merge\s+(?:into\s+)?\S+\.\S+|update\s+(?:audit|raw|ops)\.\w+"
    r"|update\s+\{\}\.\w+|update\s+\{\}\s)",
    re.IGNORECASE,
)
CALLS = {"delete_table", "delete_dataset", "delete_model", "update_table", "update_dataset", "WRITE_TRUNCATE"}
ALLOWED: dict[tuple[str, str], str] = {
    ("audit/purge.py", "delete from {}"): "the purge: past its time, or verified in the cold tier; never what is held",
    ("audit/erasure.py", "update audit.subjects"): "an erasure destroys a subject's key and pseudonym",
    ("audit/cold_restore.py", "delete_table"): "the scratch table of a restore",
    ("audit/cold_restore.py", "WRITE_TRUNCATE"): "the scratch table of a restore",
    ("audit/policy_apply.py", "update_table"): "takes expirations away, or sets those of `purge: expire`",
    ("audit/policy_apply.py", "update_dataset"): "takes default expirations away",
    ("audit/seal.py", "create or replace table {}"): "scratch tables of a seal",
    ("audit/seal.py", "delete_table"): "scratch tables of a seal",
    ("audit/seal.py", "update {}"): "the ticket that keeps two seals from running at a time",
    ("audit/tree_sql.py", "create or replace table {}"): "scratch tables of a seal",
    ("expectations/table.py", "delete from {}"): "rows of ops.check_results of a rule and window, with their new ones",
    ("ingestion/replay.py", "update ops.objects"): "the state of objects that are read again",
    ("ingestion/solana/redecode.py", "update ops.objects"): "the state of objects whose rows are made again",
    (
        "ingestion/solana/redecode.py",
        "delete from {}.{}",
    ): "replaces objects' own rows in the transaction that adds them",
    ("ingestion/load.py", "delete from {}.{}"): "replaces an object's own rows in the transaction that adds them again",
    ("ingestion/load.py", "update {}.objects"): "the state of an object's load",
    ("ingestion/manifest.py", "update ops.objects"): "the state of an object's load",
    ("ingestion/staging.py", "delete_table"): "scratch tables of a load",
    ("ingestion/staging.py", "WRITE_TRUNCATE"): "scratch tables of a load",
}
"""(file, statement with {} for what is filled in) -> why. Files outside audit and ingestion may change the state of
alerts and objects in ops besides, and nothing else: see STATE."""
OF_MODELS = {"contracts.sql": {"create or replace table {{"}, "incremental.sql": {"delete from {{"}}
"""Macro -> what it does to the model that is being built, of which the first test here says that it isn't retained."""
STATE = re.compile(r"ops\.(objects|alerts|notifications|silences|acknowledgements|alert_\w+|incidents)$")


def replaceable(manifest: dict[str, Any]) -> list[str]:
    """Tables of a retained class that dbt could replace: models, seeds and snapshots without `full_refresh: false`."""
    found = []
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed", "snapshot"):
            table = f"{node['schema']}.{node['alias'] or node['name']}"
            retained = POLICY.rule(table).klass != "derived"
            if retained and node["config"].get("full_refresh") is not False:
                found.append(table)
    return found


def test_dbt_replaces_no_retained_table(manifest: dict[str, Any]) -> None:
    assert len([node for node in manifest["nodes"].values() if node["resource_type"] == "model"]) > 100
    assert replaceable(manifest) == []


def test_a_model_in_the_place_of_a_retained_table_would_be_found() -> None:
    def of(schema: str, alias: str, **config: Any) -> dict[str, Any]:
        return {"resource_type": "model", "schema": schema, "alias": alias, "name": "m", "config": config}

    nodes = {
        "a": of("ops", "figures", materialized="table"),
        "b": of("audit", "events", full_refresh=None),
        "c": of("audit", "leaves", full_refresh=False),
        "d": of("marts", "money_daily"),
        "e": of("raw", "stripe_charges", materialized="incremental"),
    }
    assert replaceable({"nodes": nodes}) == ["ops.figures", "audit.events", "raw.stripe_charges"]


def test_a_model_in_a_dataset_without_a_rule_would_be_found() -> None:
    node = {"resource_type": "model", "schema": "elsewhere", "alias": "m", "name": "m", "config": {}}
    with pytest.raises(ConfigError, match=r"no rule for elsewhere\.m"):
        replaceable({"nodes": {"a": node}})


def test_dbt_hooks_operations_and_macros_destroy_nothing(manifest: dict[str, Any]) -> None:
    hooks = [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and (node["config"]["pre-hook"] or node["config"]["post-hook"])
    ]
    assert hooks == []
    assert [name for name, node in manifest["nodes"].items() if node["resource_type"] == "operation"] == []
    for path in (ROOT / "dbt_project").rglob("*.sql"):
        if "target" not in path.parts:
            text = re.sub(r"--[^\n]*|\{#.*?#\}", " ", path.read_text(), flags=re.DOTALL)
            found = {match[0] for match in DESTRUCTIVE.finditer(text)}
            assert found <= OF_MODELS.get(path.name, set()), path


def statements(text: str) -> Iterator[str]:
    """Destructive statements and calls of a Python file: texts with {} for what is filled in, and attribute names."""
    tree = ast.parse(text)
    of_modules = (ast.Module, ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, of_modules) and node.body and isinstance(node.body[0], ast.Expr)
    }
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part != node
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CALLS:
            yield node.attr
        said = None
        if isinstance(node, ast.JoinedStr):
            said = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docs | inside):
            said = node.value
        if said:
            yield from (re.sub(r"\s+", " ", match[0].lower()).strip(" ;") for match in DESTRUCTIVE.finditer(said))


def unexplained() -> list[str]:
    """file: statement for each that isn't allowed."""
    found = []
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "export_reader" in name:
                continue
            for statement in statements(path.read_text()):
                of_state = STATE.search(statement) and folder not in ("audit", "ingestion") and "drop" not in statement
                if not of_state and (name, statement) not in ALLOWED:
                    found.append(f"{name}: {statement}")
    return found


def test_nothing_of_ours_destroys_a_retained_record() -> None:
    assert unexplained() == []


def test_everything_that_is_allowed_is_still_there() -> None:
    held = {
        (str(path.relative_to(ROOT)), said)
        for path in (ROOT / name for name in {name for name, _ in ALLOWED})
        for said in statements(path.read_text())
    }
    assert set(ALLOWED) - held == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q('delete from audit.events where true')", ["delete from audit.events"]),
        ("q(f'DELETE  FROM audit.{name} where true')", ["delete from audit.{}"]),
        ("q('''begin;\n  truncate table audit.seals;''')", ["truncate table audit.seals"]),
        ("q('drop table raw.stripe_charges')", ["drop table raw.stripe_charges"]),
        ("q('create or replace table ops.figures as select 1')", ["create or replace table ops.figures"]),
        ("q('alter table audit.events set options ()')", ["alter table audit.events"]),
        ("q('update audit.events set amount = 1')", ["update audit.events"]),
        ("q('merge audit.leaves as t using s on true')", ["merge audit.leaves"]),
        ("client.delete_table('x')", ["delete_table"]),
        ("c(write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE)", ["WRITE_TRUNCATE"]),
        ('"""Says: delete from audit.events."""', []),
        ("q('select * from audit.events')", []),
    ],
)
def test_a_statement_that_destroys_is_seen(text: str, said: list[str]) -> None:
    assert list(statements(text)) == said


def test_making_the_tables_again_keeps_every_row_and_setting(embedded_alone: Path) -> None:
    client = bigquery_client(load_config().model_copy(update={"project": "retained-tests"}))
    for _ in range(2):
        ingestion_tables.ensure_tables(client)
        audit_tables.ensure_tables(client)
        client.query("insert into audit.events (record_id) values ('a')").result()
        client.query("insert into ops.figures (mart) values ('a')").result()
    for table in ("audit.events", "ops.figures"):
        assert next(iter(client.query(f"select count(*) as n from {table}").result()))["n"] == 2
    names = {f"{each}.{item.table_id}" for each in ("audit", "ops", "raw") for item in client.list_tables(each)}
    assert names >= set(stored_tables())
    for table in stored_tables():
        found = client.get_table(f"{client.project}.{table}")
        assert found.expires is None, table
        assert found.time_partitioning is None or found.time_partitioning.expiration_ms is None, table
