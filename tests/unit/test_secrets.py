"""A secret prints as a mask, whoever prints it and how (G4)."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from string import Template
from typing import Any

import attrs
import cattrs
import pytest

from gantry_argocd.settings import Secret, Settings, validate, without

CANARY = "canary-4711"


def settings() -> Settings:
    """Make settings in which every secret is the canary."""
    instance = {
        "name": "one",
        "argocdUrl": "https://one.example",
        "authMode": "token",
        "token": CANARY,
        "username": "u",
        "password": CANARY,
        "headers": {"X-Key": CANARY},
    }
    found = validate({"instances": [instance]}).settings
    assert found is not None
    return found


def logged(secret: Secret) -> str:
    """Log it by every way that a logger has, through a filter that looks at everything."""
    record = logging.makeLogRecord({"msg": "%s %r", "args": (secret, secret), "x": secret})
    extra = logging.Formatter("{x} {x!r}", style="{").format(record)
    return f"{record.getMessage()} {record.__dict__} {extra}"


def crashed(secret: Secret) -> str:
    """Raise with it, note it, and show the local variables of every frame."""

    def inner(token: Secret) -> None:
        kept = {"settings": settings(), "token": token}
        error = RuntimeError("failed with", token, kept)
        error.add_note(f"note {token}")
        raise error

    try:
        inner(secret)
    except RuntimeError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(told.format())
    raise AssertionError


WAYS: dict[str, Callable[[Secret], Any]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret} {secret!r} {secret!s:>40} {secret:>40}",
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
    "template": lambda secret: Template("$a").substitute(a=secret),
    "containers": lambda secret: str([secret, {secret: secret}, (secret,), {secret}]),
    "settings": lambda _: str(settings()) + repr(settings()),
    "attrs": lambda _: str(attrs.asdict(settings())),
    "json": lambda _: json.dumps(cattrs.unstructure(settings()), default=str),
    "log": logged,
    "traceback": crashed,
    "copy": lambda secret: str([copy.copy(secret), copy.deepcopy(settings())]),
    "dir": lambda secret: [getattr(secret, n) for n in dir(secret) if n.startswith("__d")],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_prints_as_a_mask(way: str) -> None:
    """Whatever prints, logs, formats, copies or crashes with a secret shows a mask."""
    told = str(WAYS[way](Secret(CANARY)))

    assert CANARY not in told
    assert "***" in told or way == "dir"


def test_a_secret_leaves_only_by_its_name() -> None:
    """It is neither pickled nor written as JSON; comparing and copying keep it whole."""
    secret = Secret(CANARY)

    for refused in (pickle.dumps, json.dumps):
        with pytest.raises(TypeError) as raised:
            refused(secret)
        assert CANARY not in str(raised.value)
    with pytest.raises(TypeError):
        pickle.dumps(settings())
    assert copy.deepcopy(settings()) == settings()
    assert not hasattr(secret, "__dict__")
    assert secret.reveal() == CANARY


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (b"GET / Authorization: Bearer canary-4711", b"GET / Authorization: Bearer ***"),
        (b'{"error": "p\\"w\\u00e9 refused"}', b'{"error": "*** refused"}'),
        (rb'{"error": "{\"pw\": \"p\\\"w\\u00e9\"}"}', rb'{"error": "{\"pw\": \"***\"}"}'),
        (b"pw=p%22w%C3%A9 p&quot;w\xc3\xa9", b"pw=*** ***"),
        (b"nothing here", b"nothing here"),
        (b"\xff\xfe canary-4711", b"\xff\xfe ***"),
    ],
)
def test_a_secret_is_taken_out_of_what_a_stranger_sends_back(content: bytes, left: bytes) -> None:
    """A text that shows our own secret back to us is masked, also where JSON escapes it."""
    for secret in (CANARY, 'p"wé', "", "/"):
        content = without(content, Secret(secret))

    assert content == left
