"""Text of strangers, made fit to be shown: one line or several, never endless, nothing hidden."""

from __future__ import annotations

import re

import attrs

from ..repositories import redact

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"[\t\n ]+")

LINE = 200
"""Characters of a text that is shown in one piece."""

BLOCK = 400
"""Characters of a message before the rest is folded away."""

BLOCK_LINES = 6
WHOLE = 10_000


@attrs.frozen(kw_only=True)
class Message:
    """
    A text of any length.

    Attributes:
        text: What is shown at once. May hold line ends.

        whole: All of it, up to 10,000 characters. Empty when *text* is all of it.
    """

    text: str
    whole: str = ""


@attrs.frozen(kw_only=True)
class Field:
    """
    A hidden field of a form.

    Attributes:
        name: Of the parameter.

        value: Of the parameter.
    """

    name: str
    value: str


def hidden(name: str, value: str) -> Field:
    """Give a hidden field that any answer can hold."""
    return Field(name=sendable(name), value=sendable(value))


def line(text: object, limit: int = LINE) -> str:
    """Give *text* as one line of at most *limit* characters; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    if len(text) <= limit and text.isprintable() and "  " not in text and "@" not in text:
        return text.strip()  # most are, and a table has hundreds of them
    return cut(_BLANKS.sub(" ", _visible(_head(text, limit * 4))).strip(), limit)


def sentence(text: str, limit: int = LINE) -> str:
    """Give *text* as one line that ends like a sentence."""
    short = line(text, limit).rstrip(".: ")
    return short if short.endswith("…") else f"{short}."


def message(text: str) -> Message:
    """Give *text* with its line ends, the part beyond some lines folded away."""
    if len(text) <= BLOCK and text.isprintable() and "@" not in text:
        return Message(text=text.strip())
    visible = _visible(_head(text, WHOLE + 1).replace("\r\n", "\n")).strip()
    whole = cut(visible, WHOLE)
    short = "\n".join(whole.split("\n")[:BLOCK_LINES])
    short = cut(short, BLOCK)
    if short == whole:
        return Message(text=whole)
    return Message(text=short if short.endswith("…") else f"{short} …", whole=whole)


def sendable(text: str) -> str:
    """Give *text* as it is, but for lone surrogates: no answer can hold one."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def cut(text: str, limit: int) -> str:
    """Give *text* with at most *limit* characters, an ellipsis for what is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def count(number: int, one: str, many: str = "") -> str:
    """Say how many: ``1 application``, ``2 applications``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listing(parts: list[str]) -> str:
    """Write *parts* as prose: ``a, b and c``."""
    *before, last = parts or [""]
    return f"{', '.join(before)} and {last}" if before else last


def _head(text: str, limit: int) -> str:
    """Cut *text* before it is read, but never within an address: user info would lose its end."""
    if len(text) <= limit:
        return text
    start = max(text.rfind(blank, 0, limit) for blank in " \t\n") + 1
    return text[:start] + "…" if ":" in text[start:limit] else text[:limit]


def _visible(text: str) -> str:
    # Direction overrides could make a name read as another one; a lone surrogate cannot be sent.
    # Credentials hide in addresses wherever tenants write (a path, a label, a message).
    return redact(sendable(_UNSEEN.sub("", text)))
