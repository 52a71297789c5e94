"""
From bytes to JSON, as strictly as Argo CD writes it: whoever else answers is held to the same.

What is read here is stored as UTF-8 and written as JSON again, so nothing comes through that
could not be: no NaN, no infinity, no half of a surrogate pair.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

_SURROGATES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair is well
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."  # a backslash may be escaped itself
)

PERHAPS_HALF = re.compile(rb"\\u[dD]")
"""Half a character, or a whole one as two halves."""

LARGE = 8 * 1024 * 1024
"""Bytes of an answer from which on its values are counted before it is read."""

BYTES_A_VALUE = 8
"""
Bytes of a large answer for each of its values, at least; in real answers it is 17 and more.

A value costs some 60 bytes of memory, while an empty list is two bytes of an answer.
"""


def is_padded(content: bytes) -> bool:
    """Say whether a large answer has more values than anybody has to tell."""
    if len(content) <= LARGE:
        return False
    values = sum(map(content.count, (b",", b"[", b"{")))
    return values * BYTES_A_VALUE > len(content)


def loads(content: bytes) -> Any:
    """
    Read JSON in UTF-8, with or without a byte order mark; of keys that repeat, the last counts.

    Half a surrogate pair becomes the replacement character, as in Argo CD's own answers.

    Raises:
        ValueError: If it is none, is cut short, or nested too deeply.
    """
    if PERHAPS_HALF.search(content):
        content = _SURROGATES.sub(lambda found: rb"\ufffd" if found[1] else found[0], content)
    try:
        return json.loads(
            content.decode("utf-8-sig"), parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        msg = "nested too deeply"
        raise ValueError(msg) from None


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise ValueError(msg)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        msg = "a number that is too large"
        raise ValueError(msg)
    return number
