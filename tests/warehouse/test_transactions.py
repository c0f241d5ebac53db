"""Transactions of the embedded warehouse at once: one that fails takes its own rows back, and nothing of another's.

It copies whole tables when a transaction begins and puts them back for one that fails, which is right only as long as
it runs one script at a time: a new version of it must be seen here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import GoogleAPICallError

from warehouse.client import bigquery_client
from warehouse.config import load_config

WRITERS = 12


@pytest.fixture
def client(embedded):
    connected = bigquery_client(load_config())
    connected.query("create or replace table scratch.transactions (n int64)").result()
    return connected


def test_what_others_wrote_stays_when_a_transaction_fails(client):
    def write(n: int) -> bool:
        fails = "insert into scratch.transactions (n) select cast('x' as int64);" if n % 2 else ""
        script = f"begin transaction; insert into scratch.transactions (n) select {n}; {fails} commit transaction;"
        try:
            client.query(script).result()
        except GoogleAPICallError:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        assert list(threads.map(write, range(WRITERS))) == [n % 2 == 0 for n in range(WRITERS)]
    held = [row["n"] for row in client.query("select n from scratch.transactions order by n").result()]
    assert held == list(range(0, WRITERS, 2))
