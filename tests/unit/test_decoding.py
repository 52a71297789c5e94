"""Bytes that claim to be JSON, from whoever answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantry_argocd.errors import Malformed
from gantry_argocd.wire import Reader, Reading, decode, disclose
from gantry_argocd.wire.decoding import loads

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Halves of surrogate pairs included: JSON can spell them.
    | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (rb'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        (rb'"\ud800"', "\N{REPLACEMENT CHARACTER}"),
        (rb'"\uDC00\uD83D\uDE00"', "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"),
        (rb'"\\ud800"', r"\ud800"),
        (rb'"\\\ud800"', "\\\N{REPLACEMENT CHARACTER}"),
        (b"1e308", 1e308),
    ],
)
def test_what_can_be_understood_is(content: bytes, read: Any) -> None:
    """Spellings that a proxy or another language's JSON brings are read all the same."""
    assert loads(content) == read


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"NaN",
        b'{"a": -Infinity}',
        b"1e999",
        b"9" * 5000,
        b"[" * 100_000,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        '"a"'.encode("utf-16"),
        b'"\x00"',
        b"{} {}",
    ],
)
def test_what_is_no_json_is_refused_as_such(content: bytes) -> None:
    """People are told that the answer is no JSON, whatever is wrong with it."""
    with pytest.raises(Malformed, match="no JSON"):
        decode(content, "one")


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'{"a":[]}', b"null"])
def test_an_answer_of_nothing_but_values_is_refused_unread(value: bytes) -> None:
    """A few megabytes of brackets do not take all the memory of the portal."""
    many = b",".join([value] * (9_000_000 // len(value)))
    with pytest.raises(Malformed, match="more values"):
        decode(b"[" + many + b"]", "one")
    with pytest.raises(Malformed, match="more values"):
        Reader().listing(b'{"items":[' + many + b"]}", Reading(instance="one"))


def test_a_large_answer_of_real_applications_is_read() -> None:
    """Twenty megabytes of small applications are no reason for doubt."""
    row = b'{"metadata":{"name":"a%d","namespace":"argocd"},"spec":{"project":"default"}}'
    rows = b",".join(row % number for number in range(250_000))

    with pytest.raises(Malformed, match="more than 200,000 applications"):
        Reader().listing(b'{"items":[' + rows + b"]}", Reading(instance="one"))
    fewer = rows[: rows.index(b"a150000") - 22]
    found = Reader().listing(b'{"items":[' + fewer.rstrip(b",") + b"]}", Reading(instance="one"))
    assert len(found.apps) == 150_000


@pytest.mark.parametrize("row", [b"{}", b'{"metadata":[]}'], ids=["quick", "thorough"])
def test_of_many_unreadable_rows_a_hundred_are_told(row: bytes) -> None:
    """A report stays readable, and says how many rows there are that it does not name."""
    listing = b'{"items":[' + b",".join([row] * 5000) + b"]}"
    found = Reader().listing(listing, Reading(instance="one"))

    assert len(found.problems) == 101
    assert found.problems[-1] == "one: 4,900 more applications cannot be read"


@given(ANY_JSON)
def test_what_was_read_can_be_stored_and_sent_on(value: Any) -> None:
    """No answer makes the catalogue or a REST answer fail in which it ends up."""
    read = loads(json.dumps(value).encode())

    written = json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
    assert loads(written) == read


def test_an_application_nested_too_deeply_is_told() -> None:
    """An object that could be read, but not be written again, is an error with a cure."""
    value: Any = {}
    for _ in range(2000):
        value = {"a": value}
    with pytest.raises(Malformed, match="nested"):
        disclose(value, everything=True)
