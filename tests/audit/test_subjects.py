"""Subjects of the audit log: tokens, keys of their own, values that open for nobody else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from google.cloud import bigquery

from audit import subjects
from audit.subjects import SubjectKeys, SubjectUnreadable, add_subjects, open_value, seal_value, token_of

KEYS = SubjectKeys(b"a key of at least 16 bytes")
NOW = datetime(2026, 10, 6, 3, tzinfo=UTC)
NAMES = [f"user_{number:032x}" for number in range(5)]


def test_a_wrapped_key_opens_only_with_the_warehouses_key_and_for_its_subject() -> None:
    wrapped = KEYS.wrap(b"k" * 32, "one")
    assert KEYS.unwrap(wrapped, "one") == b"k" * 32
    changed = base64.b64encode(bytes([base64.b64decode(wrapped)[0] ^ 1]) + base64.b64decode(wrapped)[1:]).decode()
    for keys, text, subject in (
        (KEYS, wrapped, "two"),
        (SubjectKeys(b"another key of 16 bytes"), wrapped, "one"),
        (KEYS, changed, "one"),
        (KEYS, "no base64", "one"),
    ):
        with pytest.raises(SubjectUnreadable, match=f"the key of subject {subject}"):
            keys.unwrap(text, subject)
    with pytest.raises(ValueError, match="at least 16 bytes"):
        SubjectKeys(b"short")


def test_a_value_opens_only_with_its_key_as_what_it_is() -> None:
    sealed = seal_value(b"k" * 32, "one", "wallet", "añ€😀")
    assert open_value(b"k" * 32, "one", "wallet", sealed) == "añ€😀"
    assert "añ€😀".encode() not in base64.b64decode(sealed)
    for key, subject, name in ((b"x" * 32, "one", "wallet"), (b"k" * 32, "two", "wallet"), (b"k" * 32, "one", "mail")):
        with pytest.raises(SubjectUnreadable, match=f"value {name} of subject {subject}"):
            open_value(key, subject, name, sealed)


def test_subjects_are_made_once_each_with_its_sealed_pseudonym(
    audit_client: bigquery.Client, rows_of: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "SUBJECTS_A_STATEMENT", 2)
    add_subjects(audit_client, KEYS, [NAMES[0], NAMES[1], NAMES[0]], NOW)
    first = rows_of("select * from audit.subjects")
    add_subjects(audit_client, KEYS, NAMES, NOW)
    add_subjects(audit_client, KEYS, [], NOW)
    made = rows_of("select * from audit.subjects order by pseudonym")
    assert [row["pseudonym"] for row in made] == NAMES
    assert all(row in made for row in first)
    assert len({row["subject"] for row in made}) == 5
    assert {(len(bytes.fromhex(row["subject"])), row["created_at"], row["erased_at"]) for row in made} == {
        (16, NOW, None)
    }
    keys = {row["subject"]: KEYS.unwrap(row["wrapped_key"], row["subject"]) for row in made}
    assert len(set(keys.values())) == 5
    values = rows_of("select * from audit.subject_values")
    assert [(row["name"], row["added_at"]) for row in values] == [("pseudonym", NOW)] * 5
    opened = {s["subject"]: open_value(keys[s["subject"]], s["subject"], s["name"], s["sealed_value"]) for s in values}
    assert opened == {row["subject"]: row["pseudonym"] for row in made}
    assert token_of(audit_client, NAMES[3]) == made[3]["subject"]
    assert token_of(audit_client, "user_unknown") is None
