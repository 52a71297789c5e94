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

LARGE = 32 * 1024 * 1024
"""Bytes of an answer from which on its values are counted before it is read."""

VALUES_LIMIT = 20_000_000
"""
Values of a large answer; the 85,000 applications that fit into the largest have half of that.

Each costs some 60 bytes of memory, while an empty list is two bytes of an answer.
"""


def loads(content: bytes) -> Any:
    """
    Read JSON in UTF-8, with or without a byte order mark; of keys that repeat, the last counts.

    Half a surrogate pair becomes the replacement character, as in Argo CD's own answers.

    Raises:
        ValueError: If it is none, is cut short, nested too deeply, or made of too many values.
    """
    if len(content) > LARGE and sum(map(content.count, (b",", b"[", b"{"))) > VALUES_LIMIT:
        msg = "too many values"
        raise ValueError(msg)
    if b"\\ud" in content or b"\\uD" in content:
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
