"""The cheap looks before the rules, and what is remembered of texts, change no result."""

from __future__ import annotations

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion import personal, scrub
from ingestion.personal import Platform
from ingestion.privacy import Pseudonymizer

WALLET = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
OWN = "3br6bWgnfFxuv96uCMfPZqng2mSiRMmac6pq8GZyqQBr"
RULES = Platform(Pseudonymizer(b"key of the tests, 16 bytes or more"), own=[OWN], user_collections=["gamers2"])
"""One for all examples, so that what it remembers of one text would spoil another."""

PARTS = st.sampled_from(
    [
        *("@", "%40", "://", "https://", "?", "#", ".", ":", "::", "+", "=", "/", "-", "_", " ", "\n", '"', "'", "\\"),
        *("a.b", "203.0.113.7", "2001:db8::7", "+4915112345678", "eyJabcdefghij.klmnopqrst", "sk_live_a1", "whsec_x"),
        *("Bearer abcdef1", "basic  abcdef1", "bas\u0131c abcdef1", "\u212aey=1", "to\u212aen: x", "cook\u0130e=x"),
        *("\u017falt=5", "Password", "pwd=", "user_token: t", "api-key=", "jane.doe", "example.org", "12:34:56"),
        *("users/", "Users/u0001", "\u017fessions/u12345", "gamers2/x9", "gamers3/x9", "user/me", "u0001", "u7"),
        *(WALLET, OWN, WALLET[:31], "a" * 32, "0" * 40, "\u0661.\u0662", "caf\u00e9", "admin:alice", "m00012"),
    ]
)
TEXTS = st.lists(PARTS, max_size=8).map("".join)
ALL = (
    (scrub._QUERY, r"\1"),
    (scrub._CREDENTIALS, "://[redacted]@"),
    (scrub._SCHEME, r"\1 [redacted]"),
    (scrub._JWT, "[redacted]"),
    (scrub._STRIPE_KEY, "[redacted]"),
    (scrub._ASSIGNED, r"\1\2[redacted]"),
    (scrub._EMAIL, "[email]"),
    (scrub._PHONE, "[phone]"),
    (scrub._IPV4, "[ip]"),
    (scrub._IPV6, lambda match: "[ip]" if scrub._is_ipv6(match[0]) else match[0]),
)


def by_every_rule(text: str) -> str:
    for pattern, replacement in ALL:
        text = pattern.sub(replacement, text)
    return text


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_a_rule_is_left_out_only_where_it_finds_nothing(text):
    assert scrub.scrub_text(text) == by_every_rule(text)


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.integers(1, 9))
def test_a_text_that_differs_in_its_digits_alone_is_judged_for_itself(text, shift):
    for said in (text, "".join(str((int(char) + shift) % 10) if char in "0123456789" else char for char in text)):
        hidden = RULES._segment.sub(RULES._hide_segment, by_every_rule(said))
        assert RULES.text(said) == personal._ADDRESS.sub(RULES._hide_address, hidden)


KEYS = st.sampled_from(["uid", "E-Mail", "headers", "Cookie", "wallet", "vault", "players", "note", "a", "x@y.example"])
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.none(), st.booleans(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_a_sparing_clean_gives_what_a_copy_gives_and_changes_nothing(value):
    before = copy.deepcopy(value)
    sparing, whole = RULES.clean.sparing(value), RULES.clean(value)
    assert json.dumps(sparing) == json.dumps(whole)
    assert json.dumps(value) == json.dumps(before)


def test_a_sparing_clean_shares_what_needs_no_change():
    value = {"kept": {"a": [1, "x"]}, "changed": {"uid": "u1"}}
    cleaned = RULES.clean.sparing(value)
    assert cleaned["kept"] is value["kept"]
    assert cleaned["changed"] == {"uid": RULES.identity("u1")}
    assert RULES.clean(value)["kept"] is not value["kept"]
