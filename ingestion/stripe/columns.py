"""Which fields of which Stripe object become columns, and of which kind they must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from warehouse.yaml_text import from_yaml

KNOWN_FIELDS_FILE = Path(__file__).parent / "known_fields.yml"

Kind = Literal["money", "text", "flag", "time", "ref", "customer"]
"""money: integer in minor units; ref: an id, or the expanded object with that id; customer: a ref under a pseudonym."""


@dataclass(frozen=True)
class Column:
    """One column of a raw table, read from the field of the same name."""

    name: str
    kind: Kind = "text"
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A list resource of the API: the type its objects state, and the columns beside the common ones."""

    resource: str
    object_type: str
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """Raw table."""
        return f"stripe_{self.resource}"


_AMOUNT = Column("amount", "money", required=True)
_CURRENCY = Column("currency", required=True)
_STATUS = Column("status")

TABLES = {
    table.resource: table
    for table in (
        Table(
            "balance_transactions",
            "balance_transaction",
            (
                _AMOUNT,
                Column("fee", "money", required=True),
                Column("net", "money", required=True),
                _CURRENCY,
                Column("type", required=True),
                Column("reporting_category"),
                Column("source", "ref"),
                _STATUS,
                Column("available_on", "time"),
            ),
        ),
        Table(
            "charges",
            "charge",
            (
                _AMOUNT,
                Column("amount_refunded", "money"),
                _CURRENCY,
                _STATUS,
                Column("paid", "flag"),
                Column("refunded", "flag"),
                Column("disputed", "flag"),
                Column("customer", "customer"),
                Column("payment_intent", "ref"),
                Column("balance_transaction", "ref"),
                Column("failure_code"),
            ),
        ),
        Table(
            "payment_intents",
            "payment_intent",
            (
                _AMOUNT,
                Column("amount_received", "money"),
                _CURRENCY,
                _STATUS,
                Column("customer", "customer"),
                Column("latest_charge", "ref"),
            ),
        ),
        Table(
            "refunds",
            "refund",
            (
                _AMOUNT,
                _CURRENCY,
                _STATUS,
                Column("charge", "ref"),
                Column("payment_intent", "ref"),
                Column("balance_transaction", "ref"),
                Column("reason"),
            ),
        ),
        Table(
            "disputes",
            "dispute",
            (
                _AMOUNT,
                _CURRENCY,
                _STATUS,
                Column("charge", "ref"),
                Column("payment_intent", "ref"),
                Column("reason"),
            ),
        ),
        Table(
            "payouts",
            "payout",
            (
                _AMOUNT,
                _CURRENCY,
                _STATUS,
                Column("arrival_date", "time"),
                Column("balance_transaction", "ref"),
                Column("automatic", "flag"),
            ),
        ),
        Table("customers", "customer", (Column("currency"), Column("delinquent", "flag"), Column("deleted", "flag"))),
        Table("events", "event", (Column("type", required=True),)),
    )
}

RESOURCE_OF_TYPE = {table.object_type: table.resource for table in TABLES.values()}


@cache
def known_fields() -> Mapping[str, frozenset[str]]:
    """Resource -> the fields that Stripe documents for its objects."""
    return {name: frozenset(fields) for name, fields in from_yaml(KNOWN_FIELDS_FILE.read_text()).items()}
