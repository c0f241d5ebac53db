"""Reading response bodies: whose answer each part is, its text untouched, and what is no answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.solana.rpc import requests
from ingestion.solana.rpc.answers import NoAnswer, read_answers
from ingestion.solana.rpc.http import retry_after


def asked(count: int) -> dict[int, Any]:
    return {at: requests.block_time(at) for at in range(count)}


def part(id: Any, result: Any = 5) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id, "result": result})


def outcomes(text: str, count: int) -> list[tuple[str, Any]]:
    return [(answer.outcome, answer.result) for answer in read_answers(text, asked(count), "alpha").values()]


def test_a_part_of_an_unknown_id_is_nobody_s():
    assert outcomes(f"[{part(7, 70)}, {part(1, 10)}]", 2) == [("invalid", None), ("ok", 10)]


@pytest.mark.parametrize("id", ["0", True, False, 0.0, 1.0, None, [0], {"a": 1}])
def test_only_an_integer_is_an_id(id):
    text = f"[{part(id, 70)}, {part(2, 20)}]"
    assert outcomes(text, 3) == [("invalid", None), ("invalid", None), ("ok", 20)]


def test_the_same_answer_twice_is_one_and_two_different_ones_are_none():
    assert outcomes(f"[{part(0)},{part(0)},{part(1)},{part(1, 6)}]", 2) == [("ok", 5), ("invalid", None)]


@pytest.mark.parametrize(
    "text",
    [
        "", "<html>", "{", '[{"id": 0', f"[{part(0)}", f"[{part(0)},", f"[{part(0)}] x", f"[{part(0)}{part(1)}]",
        f"{part(0)}{part(1)}", "[" * 100_000,
    ],
    ids=["empty", "html", "brace", "half", "open", "comma", "more", "no comma", "two objects", "deep"],
)  # fmt: skip
def test_no_json(text):
    with pytest.raises(NoAnswer, match=r"^the answer is not JSON$") as caught:
        read_answers(text, asked(2), "alpha")
    assert (caught.value.code, caught.value.is_alone) == (None, False)


@pytest.mark.parametrize("text", ["[]", "5", "null", '"ok"', "[5, null]", part(9)])
def test_json_that_answers_nothing(text):
    with pytest.raises(NoAnswer, match=r"^the answer is not that of the request$"):
        read_answers(text, asked(1), "alpha")


@pytest.mark.parametrize(("code", "kept"), [(-32600, -32600), ("429", None), (None, None), ([1], None), (True, None)])
def test_one_error_for_all(code, kept):
    text = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "x"}})
    for count in (1, 2):
        with pytest.raises(NoAnswer) as caught:
            read_answers(text, asked(count), "alpha")
        assert (caught.value.code, caught.value.is_alone) == (kept, count == 2)


def test_one_object_for_several_requests_is_told_apart():
    with pytest.raises(NoAnswer) as caught:
        read_answers(part(0), asked(2), "alpha")
    assert (caught.value.code, caught.value.is_alone) == (None, True)
    assert outcomes(part(0), 1) == [("ok", 5)]
    assert outcomes(f" [{part(0)}]\n", 1) == [("ok", 5)]


@given(
    st.permutations(range(6)),
    st.lists(st.sampled_from(["", " ", "\n", "\t \r\n"]), min_size=8, max_size=8),
    st.lists(st.integers(min_value=0, max_value=2**62), min_size=6, max_size=6),
)
def test_every_part_keeps_its_text_in_any_order(order, space, results):
    texts = {at: f'{{"id":{at},{space[at]}"jsonrpc":"2.0", "result":{results[at]}}}' for at in range(6)}
    body = space[6] + "[" + ",".join(space[at] + texts[at] + space[7] for at in order) + "]" + space[7]
    answers = read_answers(body, asked(6), "alpha")
    assert {at: answer.text for at, answer in answers.items()} == texts
    assert [answer.result for answer in answers.values()] == results


NOW = datetime(2026, 10, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 120 "}, 120),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "1.5"}, 0),
        ({"retry-after": "²"}, 0),
        ({"retry-after": "Mon, 05 Oct 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 05 Oct 2026 14:00:30 +0200"}, 30),
        ({"retry-after": "Mon, 05 Oct 2026 11:59:00 GMT"}, 0),
        ({"retry-after": "Mon, 05 Oct 2026 12:00:30 GMT", "date": "Mon, 05 Oct 2026 12:00:20 GMT"}, 10),
        ({"retry-after": "Mon, 05 Oct 2026 12:00:30 GMT", "date": "today"}, 30),
        ({"retry-after": "Mon, 99 Oct 2026 12:00:30 GMT"}, 0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(headers, seconds):
    assert retry_after(headers, NOW) == seconds
