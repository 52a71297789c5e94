"""
Showing again what somebody typed as a configuration and the plugin refused. Pure.

The plugin masks what it has accepted. What it has not may have secrets in places where none
belong, so only what the schema knows as no secret is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HIDDEN = "__GANTRY_SECRET_REDACTED__"
"""Gantry's own mask: sent back, it means the stored secret."""

_KEY = "PRIVATE KEY"


def without_secrets(value: Any, schema: Any) -> Any:
    """Give *value* with the mask instead of all that *schema* does not know as no secret."""
    if not isinstance(schema, Mapping) or schema.get("secret") or schema.get("writeOnly"):
        return _hidden(value)
    if isinstance(value, Mapping):
        known, other = schema.get("properties") or {}, schema.get("additionalProperties")
        return {key: without_secrets(inner, known.get(key, other)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_secrets(inner, schema.get("items")) for inner in value]
    if isinstance(value, str):
        kinds = schema.get("type", "string")
        fits = "string" in kinds and _KEY not in value
        return _without_user(value) if fits else HIDDEN
    return value


def safe_text(text: str, *, address: bool = False) -> str:
    """Give a text that is known as no secret without what slipped into it."""
    if _KEY in text:
        return ""
    return _without_user(text) if address or "://" in text else text


def _hidden(value: Any) -> Any:
    return value if value in ("", None) else HIDDEN


def _without_user(text: str) -> str:
    """Take user and password out of an address, with whatever characters they have."""
    scheme, mark, rest = text.partition("://")
    if mark:
        return scheme + mark + rest.rpartition("@")[2]
    user, _, place = text.rpartition("@")
    return place if ":" in user else text
