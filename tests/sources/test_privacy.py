"""What leaves the door: no secret, no personal field, ids under their pseudonyms, and everything else untouched."""

from __future__ import annotations

import json

import pytest

from ingestion.personal import Platform, is_address
from ingestion.privacy import Pseudonymizer, clean, scrub_text

PSEUDONYM = Pseudonymizer(b"key of the tests, 16 bytes or more")
WALLET = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU"
VAULT = "3br6bWgnfFxuv96uCMfPZqng2mSiRMmac6pq8GZyqQBr"
RULES = Platform(PSEUDONYM, own=[VAULT], personal=["contestant"], user_collections=["gamers"])


def user(value: str) -> str | None:
    return PSEUDONYM(value, "user")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from jane.doe+x@mail.example.org to us", "from [email] to us"),
        ("jürgen@exämple.de", "[email]"),
        ("jane%40example.org", "[email]"),
        ("peer 203.0.113.7:443 and 2001:db8::1.", "peer [ip]:443 and [ip]."),
        ("::ffff:203.0.113.7", "::ffff:[ip]"),
        ("call +49 or +4915112345678 now", "call +49 or [phone] now"),
        ("GET https://a.example/x?token=abc#y done", "GET https://a.example/x done"),
        ("redis://me:pass@host/0", "redis://[redacted]@host/0"),
        ("Authorization: Bearer abcdef.ghi-123", "Authorization: [redacted] [redacted]"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "jwt [redacted] end"),
        ("key sk_live_abc123 whsec_abc", "key [redacted] [redacted]"),
        ('password="hunter2", user_token: t1', 'password="[redacted]", user_token: [redacted]'),
    ],
)
def test_free_text_loses_what_is_personal_or_secret(text, expected):
    assert scrub_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "at 12:34:56 on 2026-10-05T12:34:56.789Z",
        "version 1.2.3",
        "slot 300410355, amount 17073777",
        "2hwqALSrwDqcM5ncGkV6RVBJausut6gHjqfnsNA1Huh9K5RtdWvdGqcZexbBYXn9A6HYVjqkJAzn6tW3NEMwgBNX",
        "std::vector<int>",
        "https://a.example/x/y",
        "+1 -1 +0200",
        "the token of the user expired",
    ],
)
def test_other_text_stays_as_it_is(text):
    assert scrub_text(text) == text


def test_a_hostile_text_takes_no_long_time():
    assert scrub_text("a" * 200_000 + "@") == "a" * 200_000 + "@"
    assert scrub_text("a." * 100_000 + "@b") == "a." * 100_000 + "@b"


def test_clean_goes_by_the_keys_whatever_their_spelling():
    value = {
        "Client-IP": "203.0.113.7",
        "user_agent": "x",
        "E-Mail": "a@b.example",
        "clientSecret": "s",
        "Cookie": {"a": 1},
        "uid": "u1",
        "ids": {"UID": ["u1", "u2", 7, None]},
        "count": 7,
        "ok": True,
        "none": None,
        "text": "mail a@b.example",
        "a@b.example": 1,
    }
    assert clean(value, PSEUDONYM, {"uid": "user"}) == {
        "Client-IP": None,
        "user_agent": None,
        "E-Mail": None,
        "clientSecret": "[redacted]",
        "Cookie": "[redacted]",
        "uid": user("u1"),
        "ids": {"UID": [user("u1"), user("u2"), user("7"), None]},
        "count": 7,
        "ok": True,
        "none": None,
        "text": "mail [email]",
        "[email]": 1,
    }
    assert value["uid"] == "u1"


def test_a_map_keyed_by_user_ids_hides_its_keys():
    cleaned = RULES.clean({"players": {"u0001": {"score": 3}, "total": 3}, "scores": {"a1": 1}})
    assert cleaned == {"players": {user("u0001"): {"score": 3}, "total": 3}, "scores": {"a1": 1}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("u0001", user("u0001")),
        ("user:u0001", user("u0001")),
        ("system", "system"),
        ("authority", "authority"),
        ("admin:alice", f"admin:{user('alice')}"),
        ("admin:compliance", "admin:compliance"),
        (WALLET, PSEUDONYM(WALLET, "wallet")),
        (VAULT, VAULT),
        (user("u0001"), user("u0001")),
        ("", None),
    ],
)
def test_an_actor_is_a_pseudonym_unless_it_is_no_person(value, expected):
    assert RULES.identity(value) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/users/u0001/balance?token=x", f"/api/users/{user('u0001')}/balance"),
        ("/api/users/me/balance#top", "/api/users/me/balance"),
        ("/api/users/search", "/api/users/search"),
        ("/api/gamers/yEjjsFDWcKIxWgXSWfbcXlGpYdNa", f"/api/gamers/{user('yEjjsFDWcKIxWgXSWfbcXlGpYdNa')}"),
        ("/api/matches/m00012/join", "/api/matches/m00012/join"),
        (f"/w/{WALLET}/x", f"/w/{PSEUDONYM(WALLET, 'wallet')}/x"),
        (f"/w/{VAULT}/x", f"/w/{VAULT}/x"),
        ("/reset/a@b.example", "/reset/[email]"),
    ],
)
def test_paths_keep_their_form_and_lose_users_and_queries(path, expected):
    assert RULES.path(path) == expected


def test_on_chain_addresses_stay_and_wallets_do_not():
    document = {"mint": WALLET, "vault": VAULT, "wallet": WALLET, "note": f"paid {WALLET}", "contestant": "u1"}
    hidden = PSEUDONYM(WALLET, "wallet")
    expected = {"mint": WALLET, "vault": VAULT, "wallet": hidden, "note": f"paid {hidden}", "contestant": user("u1")}
    assert RULES.clean(document) == expected


def test_json_inside_a_text_is_cleaned_too():
    inner = {"uid": "u1", "headers": {"x": 1}, "deep": json.dumps({"email": "a@b.example", "n": 1})}
    cleaned = RULES.clean({"message": json.dumps(inner)})
    assert json.loads(cleaned["message"]) == {"uid": user("u1"), "headers": None, "deep": '{"email":null,"n":1}'}


def test_only_32_bytes_are_an_address():
    assert is_address(WALLET)
    assert is_address("11111111111111111111111111111111")
    assert not is_address("5f0c1d3e8c0a4d539f8e2f6d1a7b9c1f")
    assert not is_address("z" * 44)
    assert not is_address("0" * 44)
