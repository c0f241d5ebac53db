"""Users in the audit log: each is a random token, with a key of their own under which personal values are sealed.

audit.subjects holds which pseudonym a token stands for, and the subject's key, wrapped under the warehouse's subject
key; audit.subject_values holds personal values under the subject's key. Once both are gone from audit.subjects (an
erasure), a token can't be linked and its values can't be read, while every record and hash stays. A pseudonym that is
seen again after that gets another token.
"""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from google.cloud import bigquery

from expectations.table import columns_of, typed, unnested
from warehouse import secrets
from warehouse.config import Config, ConfigError
from warehouse.window import format_instant

PSEUDONYM = "pseudonym"
"""Name of the value that each subject has in audit.subject_values."""
SUBJECTS_A_STATEMENT = 400  # each is written twice, some 500 bytes; BigQuery takes statements of up to 1 MB
_KEY_BYTES = 32
_WRAPPING = b"escrow-warehouse subject key v1"
_SEALING = b"escrow-warehouse subject value v1"


class SubjectUnreadable(ValueError):
    """A subject's key or value doesn't open: another key, another subject, or changed."""


class SubjectKeys:
    """Wraps subjects' keys under the warehouse's subject key. Raises ValueError for one below 16 bytes."""

    def __init__(self, master: bytes) -> None:
        if len(master) < 16:
            raise ValueError("the subject key needs at least 16 bytes")
        self._cipher = _cipher(master, _WRAPPING)

    def wrap(self, key: bytes, subject: str) -> str:
        """The subject's key as audit.subjects holds it, base64."""
        return base64.b64encode(self._cipher.encrypt(key, [subject.encode()])).decode()

    def unwrap(self, wrapped: str, subject: str) -> bytes:
        """The subject's key. Raises SubjectUnreadable."""
        return _opened(self._cipher, wrapped, [subject.encode()], f"the key of subject {subject}")


def seal_value(key: bytes, subject: str, name: str, value: str) -> str:
    """A personal value under the subject's own key, base64; it opens only as the value of that name of that subject."""
    sealed = _cipher(key, _SEALING).encrypt(value.encode(), [subject.encode(), name.encode()])
    return base64.b64encode(sealed).decode()


def open_value(key: bytes, subject: str, name: str, sealed: str) -> str:
    """The personal value. Raises SubjectUnreadable."""
    bound = [subject.encode(), name.encode()]
    return _opened(_cipher(key, _SEALING), sealed, bound, f"value {name} of subject {subject}").decode()


def subject_keys(config: Config) -> SubjectKeys:
    """What the configured key wraps. Raises ConfigError when it is missing."""
    name = config.audit.subject_key_env
    master = secrets.lookup(name)
    if master is None:
        raise ConfigError(
            f"{name} is not set: the keys of the audit log's subjects are wrapped under it (16 bytes or more); "
            "keep it, without it no personal value of the audit log can be read"
        )
    return SubjectKeys(master.encode())


def token_of(client: bigquery.Client, pseudonym: str) -> str | None:
    """The token that stands for a pseudonym now; None where none does, or it was erased."""
    rows = client.query(
        "select min(subject) as subject from audit.subjects where pseudonym = @pseudonym",
        job_config=bigquery.QueryJobConfig(
            query_parameters=[bigquery.ScalarQueryParameter("pseudonym", "STRING", pseudonym)]
        ),
    ).result()
    return next(iter(rows))["subject"]


def add_subjects(client: bigquery.Client, keys: SubjectKeys, pseudonyms: Iterable[str], now: datetime) -> None:
    """Give each pseudonym that has no token a token, a key, and itself as a sealed value; the others stay.

    Each batch is one transaction, so a subject is there with its value or not at all.
    """
    wanted = sorted(set(pseudonyms))
    for start in range(0, len(wanted), SUBJECTS_A_STATEMENT):
        batch = [_subject(keys, pseudonym, now) for pseudonym in wanted[start : start + SUBJECTS_A_STATEMENT]]
        client.query(_script(client, batch)).result()


def _subject(keys: SubjectKeys, pseudonym: str, now: datetime) -> dict[str, str | None]:
    """A new subject's row of audit.subjects, with its sealed value under `sealed_value`."""
    subject, key = random.token_hex(16), random.token_bytes(_KEY_BYTES)
    return {
        "subject": subject,
        "pseudonym": pseudonym,
        "wrapped_key": keys.wrap(key, subject),
        "created_at": format_instant(now),
        "erased_at": None,
        "name": PSEUDONYM,
        "sealed_value": seal_value(key, subject, PSEUDONYM, pseudonym),
        "added_at": format_instant(now),
    }


def _script(client: bigquery.Client, batch: Sequence[dict[str, str | None]]) -> str:
    """A pseudonym that has got a token meanwhile keeps it; the value goes only with a subject that was added."""
    subjects, values = (columns_of(client, f"audit.{table}") for table in ("subjects", "subject_values"))
    rows = unnested(batch)
    return f"""
        begin transaction;
        insert into audit.subjects ({", ".join(subjects)})
        select {typed(subjects)} from {rows}
        where json_value(r, '$.pseudonym') not in (
            select pseudonym from audit.subjects where pseudonym is not null
        );
        insert into audit.subject_values ({", ".join(values)})
        select {typed(values)} from {rows}
        where json_value(r, '$.subject') in (select subject from audit.subjects);
        commit transaction;
    """


def _cipher(secret: bytes, purpose: bytes) -> AESSIV:
    return AESSIV(HKDF(SHA256(), 64, salt=None, info=purpose).derive(secret))


def _opened(cipher: AESSIV, sealed: str, bound: list[bytes], what: str) -> bytes:
    try:
        return cipher.decrypt(base64.b64decode(sealed), bound)
    except (InvalidTag, ValueError):
        raise SubjectUnreadable(f"{what} can't be opened with this key") from None
