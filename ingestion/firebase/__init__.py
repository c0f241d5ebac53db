"""Firebase: Firestore changelog, auth exports, Cloud Logging's sinks and managed exports, from buckets and BigQuery."""

from __future__ import annotations

from ingestion.base import Dataset, Source
from ingestion.exports import prepare_unknown
from ingestion.firebase.auth import prepare_auth
from ingestion.firebase.bigquery_tables import CHANGELOG, LOGGING
from ingestion.firebase.changelog import prepare_changelog
from ingestion.firebase.land import land
from ingestion.firebase.logging import prepare_logging
from ingestion.firebase.managed import prepare_managed

SOURCE = Source(
    name="firebase",
    land=land,
    datasets={
        "firestore_changelog": Dataset("firestore_changelog", prepare_changelog, immutable=True),
        "auth_export": Dataset("auth_export", prepare_auth, immutable=True),
        "cloud_logging": Dataset("cloud_logging", prepare_logging, immutable=True),
        "managed_export": Dataset("managed_export", prepare_managed, immutable=True),
        CHANGELOG: Dataset(CHANGELOG, prepare_changelog),
        LOGGING: Dataset(LOGGING, prepare_logging),
        "unusable": Dataset("unusable", prepare_unknown),
    },
)
