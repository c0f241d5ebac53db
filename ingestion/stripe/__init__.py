"""Stripe: objects by their list endpoints, changes by the events feed."""

from __future__ import annotations

from ingestion.base import Dataset, Source
from ingestion.stripe.columns import TABLES
from ingestion.stripe.land import land
from ingestion.stripe.rows import prepare
from ingestion.stripe.unusable import prepare_unusable

SOURCE = Source(
    name="stripe",
    land=land,
    datasets={name: Dataset(name, prepare) for name in TABLES} | {"unusable": Dataset("unusable", prepare_unusable)},
)
