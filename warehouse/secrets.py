"""Secrets: from the environment, or the password of an Airflow connection of the same name in lower case."""

from __future__ import annotations

import json
import os
from urllib.parse import unquote, urlsplit


def lookup(name: str) -> str | None:
    """The secret called `name`, or None. $STRIPE_API_KEY wins over the Airflow connection `stripe_api_key`."""
    if value := os.environ.get(name):
        return value
    return _from_connection(os.environ.get(f"AIRFLOW_CONN_{name}")) or _from_metastore(name.lower())


def _from_connection(text: str | None) -> str | None:
    if not text:
        return None
    if text.lstrip().startswith("{"):
        return json.loads(text).get("password")
    password = urlsplit(text).password
    return unquote(password) if password else None


def _from_metastore(connection_id: str) -> str | None:
    """Password of a connection in Airflow's own store; only inside a running task, where the SDK can reach it."""
    if "AIRFLOW_CTX_DAG_ID" not in os.environ:
        return None
    from airflow.exceptions import AirflowNotFoundException
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowRuntimeError

    try:
        return Connection.get(connection_id).password
    except (AirflowNotFoundException, AirflowRuntimeError):
        return None
