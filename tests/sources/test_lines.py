"""Records in every form, and what is bad between them: no good record lost, no bad byte dropped."""

from __future__ import annotations

import gzip
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.lines import Bad, Record, records


def read(body: bytes, wrapper: str | None = "events") -> list[tuple]:
    found = []
    for item in records(io.BytesIO(body), wrapper):
        if isinstance(item, Record):
            found.append((item.line, item.value))
        else:
            found.append((item.line, item.code, item.raw))
    return found


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"\n \r\n\n", []),
        (b'{"a":1}\n\n{"a":2}\r\n{"a":3}', [(1, {"a": 1}), (3, {"a": 2}), (4, {"a": 3})]),
        (b'\xef\xbb\xbf{"a":1}\n', [(1, {"a": 1})]),
        (b'[{"a":1}, {"a":2}]', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'[\n  {\n    "a": 1\n  },\n  {"a": 2}\n]\n', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{\n "a": 1\n}\n', [(1, {"a": 1})]),
        (b'{\n "a": 1\n}\n{\n "a": 2}', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"events":[{"a":1},{"a":2}]}', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"events": [\n{"a":1},\n{"a":2}\n]}\n', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"events":[{"a":1}]}\n{"events":[{"a":2}]}', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"events":[\n{"a":1}],\n"n":[1]}\n{"events":[\n{"a":2}]}', [(1, {"a": 1}), (2, {"a": 2})]),
        (b'{"n":1,"events":[{"a":1}]}', [(1, {"a": 1})]),
        (b'{"events":[]}', []),
        (b"[]", []),
    ],
)
def test_each_form_of_a_good_object(body, expected):
    assert read(body) == expected


def test_a_list_of_another_name_is_a_record():
    assert read(b'{"events":[{"a":1}]}', wrapper=None) == [(1, {"events": [{"a": 1}]})]
    assert read(b'{"events":[{"a":1}]}', wrapper="users") == [(1, {"events": [{"a": 1}]})]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"a":1}\n{bad}\n{"a":"\xff"}\n{"a":2}\n{"a":',
            [
                (1, {"a": 1}),
                (2, "bad_json", b"{bad}"),
                (3, "invalid_utf8", b'{"a":"\xff"}'),
                (4, {"a": 2}),
                (5, "bad_json", b'{"a":'),
            ],
        ),
        (b'{bad\n{"a":1}\n', [(1, "bad_json", b"{bad"), (2, {"a": 1})]),
        (b'bad\n{"a":1}\n', [(1, "bad_json", b"bad"), (2, {"a": 1})]),
        (b'{"a":NaN}\n{"a":1e999}', [(1, "bad_json", b'{"a":NaN}'), (2, "bad_json", b'{"a":1e999}')]),
        (b'{"a":1}{"a":2}', [(1, {"a": 1}), (2, {"a": 2})]),
        (
            b'[\n  {"a":1},\n  {bad},\n  {"a":"\xff"},\n  {"a":2}\n]\n',
            [(1, {"a": 1}), (2, "bad_json", b"{bad},"), (3, "invalid_utf8", b'{"a":"\xff"},'), (4, {"a": 2})],
        ),
        (b'{"events":[\n{"a":1},\n{"a":2', [(1, {"a": 1}), (2, "bad_json", b'{"a":2')]),
        (b'[{"a":1},\n', [(1, {"a": 1}), (2, "bad_json", b"")]),
    ],
)
def test_what_is_bad_is_named_and_what_is_good_around_it_is_kept(body, expected):
    assert read(body) == expected


def test_integers_are_exact_at_any_size_and_lone_surrogates_are_mended():
    body = b'{"n":1506702504433000200,"u":18446744073709551615,"big":340282366920938463463374607431768211456}'
    assert read(body) == [(1, {"n": 1506702504433000200, "u": 2**64 - 1, "big": 2**128})]
    assert read(b'{"a":"x\\ud800y","\\udfff":"\\ud83d\\ude00"}') == [(1, {"a": "x\ufffdy", "\ufffd": "\U0001f600"})]


def test_deep_nesting_is_refused_and_does_not_stop_the_reading():
    deep = b"[" * 100_000
    assert read(b'{"a":' + deep + b'}\n{"a":1}') == [(1, "nested_too_deep", b'{"a":' + deep + b"}"), (2, {"a": 1})]


def test_a_truncated_gzip_keeps_the_lines_before_the_break():
    whole = b"".join(b'{"a":%d}\n' % number for number in range(50_000))
    packed = gzip.compress(whole)
    found = list(records(gzip.GzipFile(fileobj=io.BytesIO(packed[: len(packed) // 2]))))
    *good, last = found
    assert isinstance(last, Bad)
    assert last.code == "truncated_gzip"
    assert [item.value["a"] for item in good] == list(range(len(good)))
    # Everything that can be decompressed is a record or in the row of the break.
    held = b"".join(item.raw + b"\n" for item in good) + last.raw
    assert whole.startswith(held)
    assert len(held) == len(decompressible(packed[: len(packed) // 2]))


def decompressible(packed: bytes) -> bytes:
    import zlib

    return zlib.decompressobj(wbits=31).decompress(packed)


@pytest.mark.parametrize(
    ("damage", "code"),
    [(lambda packed: packed[:-4], "truncated_gzip"), (lambda packed: packed[:-8] + b"\0" * 8, "bad_gzip")],
)
def test_a_damaged_end_loses_no_line(damage, code):
    packed = gzip.compress(b'{"a":1}\n{"a":2}')
    *good, last = records(gzip.GzipFile(fileobj=io.BytesIO(damage(packed))))
    assert [item.value for item in good] == [{"a": 1}, {"a": 2}]
    assert (last.code, last.raw) == (code, b"")


json_values = st.dictionaries(
    st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=20), st.none(), st.lists(st.booleans())), max_size=4
)


@settings(max_examples=60)
@given(
    st.lists(st.one_of(json_values, st.binary(max_size=20).filter(lambda b: b"\n" not in b)), max_size=20),
    st.booleans(),
)
def test_no_good_line_is_lost_among_garbage(parts, packed):
    """The garbage never opens with a bracket here: one bad first line could make the object a document."""
    parts = [part if isinstance(part, dict) else b"?" + part for part in parts]
    lines = [json.dumps(part).encode() if isinstance(part, dict) else part for part in parts]
    body = b"\n".join(lines)
    stream = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(body))) if packed else io.BytesIO(body)
    found = {item.line: item for item in records(stream, "events")}
    assert sorted(found) == list(range(1, len(parts) + 1))
    for number, part in enumerate(parts, 1):
        if isinstance(part, dict):
            assert found[number].value == part
        else:
            assert isinstance(found[number], Bad)
            assert found[number].raw == part.rstrip(b"\r")


@pytest.mark.parametrize("offset", range(8))
def test_an_integer_of_20_digits_is_exact_wherever_it_stands(offset):
    key = "k" * offset
    assert read(f'{{"{key}":18446744073709551617}}'.encode()) == [(1, {key: 2**64 + 1})]
