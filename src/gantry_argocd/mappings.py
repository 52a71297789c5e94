"""
JSON-shaped values, whatever mappings a host makes them of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Copy a JSON-shaped value into dicts and lists."""
    if isinstance(value, Mapping):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def as_dict(value: Any) -> dict[str, Any] | None:
    """
    Give a mapping as a dict of dicts; one that is a dict already is given as it is.

    Returns:
        None for what is no mapping.
    """
    if type(value) is dict:
        return value
    return plain(value) if isinstance(value, Mapping) else None
