"""Figures as they were known: recorded once their period has ended, again when they change, never overwritten."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ingestion.tables import ensure_tables
from jobs.figures import Build, Followed, followed_marts, record_figures
from reporting.contracts import load_contracts
from warehouse.client import bigquery_client
from warehouse.config import load_config

MONEY = Followed(
    "money_daily", "day", "date", ("day", "mint"), {"amount": "numeric", "note": "string"}, 24, is_whole=True
)
HOURS = Followed("money_hourly", "hour", "timestamp", ("hour",), {"amount": "numeric"}, 1, is_whole=False)
DAYS = [date(2026, 10, 5), date(2026, 10, 6)]


@pytest.fixture
def client(embedded, request):
    """A warehouse of the test's own."""
    config = load_config().model_copy(update={"project": f"figures-{request.node.name[:30].replace('_', '-')}"})
    made = bigquery_client(config)
    ensure_tables(made)
    return made


def fill(client, *rows: tuple[str, str, str, str]) -> None:
    client.query(
        "create or replace table marts.money_daily as "
        + " union all ".join(
            f"select date '{day}' as day, '{mint}' as mint, parse_numeric('{amount}') as amount, '{note}' as note, "
            f"timestamp '2026-10-0{n + 1}' as as_of_time"
            for n, (day, mint, amount, note) in enumerate(rows)
        )
    ).result()


def record(client, marts, known: str, covered: str = "2026-10-07", cause: str = "late_data") -> int:
    at = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (known, covered)]
    return record_figures(client, marts, DAYS, at[1], Build("run", at[0], cause, "stripe/charges 1"))


def held(client, since: str = "2000-01-01") -> list[tuple]:
    rows = client.query(
        f"select * from ops.figures where known_at >= timestamp '{since}' order by known_at, key"
    ).result()
    return [(row["key"], row["figures"], row["cause"]) for row in rows]


def test_a_figure_is_known_once_and_again_when_it_changes(client):
    fill(client, ("2026-10-05", "A", "90071992547409931234", "x"), ("2026-10-05", "B", "100.50", "x"))
    assert record(client, [MONEY], "2026-10-07") == 2
    assert held(client) == [
        ('{"day":"2026-10-05","mint":"A"}', '{"amount":"90071992547409931234","note":"x"}', "first"),
        ('{"day":"2026-10-05","mint":"B"}', '{"amount":"100.5","note":"x"}', "first"),
    ]
    fill(client, ("2026-10-05", "B", "100.5", "x"), ("2026-10-05", "A", "90071992547409931235", "x"))
    assert record(client, [MONEY], "2026-10-08") == 1
    assert record(client, [MONEY], "2026-10-09") == 0
    fill(client, ("2026-10-05", "B", "100.5", "x"))
    assert record(client, [MONEY], "2026-10-10", cause="object_rewritten") == 1
    assert held(client, "2026-10-08") == [
        ('{"day":"2026-10-05","mint":"A"}', '{"amount":"90071992547409931235","note":"x"}', "late_data"),
        ('{"day":"2026-10-05","mint":"A"}', None, "object_rewritten"),
    ]


def test_a_day_that_is_still_filling_is_not_known_yet(client):
    fill(client, ("2026-10-05", "A", "1", "x"), ("2026-10-06", "A", "2", "x"))
    assert record(client, [MONEY], "2026-10-06", covered="2026-10-06T23:59:59") == 1
    assert record(client, [MONEY], "2026-10-07") == 1


def test_of_hours_only_the_days_that_were_built_are_looked_at(client):
    client.query(
        "create or replace table marts.money_hourly as select timestamp(hour) as hour, parse_numeric('10') as amount "
        "from unnest(['2026-10-04 23:00:00', '2026-10-05 00:00:00', '2026-10-06 23:00:00']) as hour"
    ).result()
    assert record(client, [HOURS], "2026-10-07") == 2
    client.query("update marts.money_hourly set amount = parse_numeric('11') where true").result()
    assert record(client, [HOURS], "2026-10-08") == 2
    assert [figures for _, figures, _ in held(client, "2026-10-08")] == ['{"amount":"11"}'] * 2


def test_the_marts_that_are_followed_have_their_key_among_their_columns():
    marts = followed_marts(load_contracts())
    assert {"money_daily", "matches_daily", "stripe_daily"} <= {mart.name for mart in marts}
    for mart in marts:
        assert mart.columns, mart.name
        assert mart.period in mart.key, mart.name
        assert not {"as_of_time", "as_of_slot"} & set(mart.columns), mart.name
