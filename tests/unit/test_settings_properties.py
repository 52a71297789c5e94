"""What holds for every configuration that anybody could write."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from configurations import CANARY, CONFIGS, TRIES, edited, valid
from gantry_argocd.settings import MASK, config_schema, mask, validate
from gantry_argocd.settings.texts import web_url

BEYOND = re.compile(
    "no such secret|the mask alone|is used by|either a token or|the (password|name) of|a token"
    "|certificates without a private key|a duration of|an address such as|a header name"
    "|is given twice|one line of text"
)
"""What the validation knows and a schema cannot say."""

SCHEMA = jsonschema.Draft202012Validator(config_schema())


def secrets_of(config: Any) -> Iterator[tuple[str, str, str, str]]:
    """Give each secret of a configuration with the name, the address and the key it is for."""
    for one in config["instances"]:
        where = (one["name"], web_url(one["argocdUrl"]))
        for key in ("token", "password"):
            if one.get(key):
                yield (*where, key, one[key])
        for header, value in (one.get("headers") or {}).items():
            yield (*where, header, value)


def without_nulls(value: Any) -> Any:
    """Take keys with null away: null is as good as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=TRIES)
@given(CONFIGS, st.none() | valid(), st.booleans())
def test_a_verdict_is_whole_and_tells_no_secret(
    config: Any, stored: dict[str, Any] | None, trusted: bool
) -> None:
    """Whatever is written, it is taken as a whole or refused with paths, and no secret is told."""
    verdict = validate(config, stored=stored, trusted=trusted)

    assert (verdict.settings is None) == bool(verdict.errors)
    assert not (verdict.errors and verdict.values)
    assert all(error["path"].startswith("$") and error["message"] for error in verdict.errors)
    assert CANARY not in f"{verdict!r} {verdict.settings!r} {json.dumps(verdict.errors)}"
    if verdict.settings is not None:
        assert CANARY not in json.dumps(mask(verdict.values))


@settings(max_examples=TRIES)
@given(valid())
def test_reading_and_writing_back_changes_nothing(config: dict[str, Any]) -> None:
    """Who sends back what was shown has changed nothing at all."""
    stored = validate(config).values
    assert stored

    again = validate(mask(stored), stored=stored)

    assert again.errors == ()
    assert again.values == stored


@settings(max_examples=TRIES)
@given(valid(), st.data())
def test_no_edit_moves_a_secret(config: dict[str, Any], data: st.DataObject) -> None:
    """defect-G21: However instances are moved and renamed, a secret stays with name and address."""
    stored = validate(config).values
    at_home = set(secrets_of(stored))

    verdict = validate(data.draw(edited(mask(stored))), stored=stored)

    if verdict.errors:
        assert CANARY not in json.dumps(verdict.errors)
    else:
        found = {one for one in secrets_of(verdict.values) if CANARY in one[3]}
        assert found <= at_home
        assert MASK not in json.dumps(verdict.values)


@settings(max_examples=TRIES)
@given(CONFIGS)
def test_the_schema_and_the_validation_agree(config: Any) -> None:
    """Who follows the published schema is not refused, but for what a schema cannot say."""
    verdict = validate(config, trusted=True)
    legacy = isinstance(config, dict) and "instances" not in config
    told = [error["message"] for error in verdict.errors]

    if verdict.settings is not None and not legacy:
        SCHEMA.validate(without_nulls(config))
    if SCHEMA.is_valid(config):
        assert [message for message in told if not BEYOND.match(message)] == []
