"""What a plugin says of itself, put into words and tables for its page. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_NOTHING = "—"


def facts(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Give the plain values of a status."""
    return [
        (words(name), _shown(value))
        for name, value in status.items()
        if isinstance(value, str | int | float | bool) and value != ""
    ]


def table(rows: Any) -> tuple[list[str], list[list[str]]]:
    """
    Give a list of mappings as columns and rows.

    Columns come in the order in which they first come; those in which nothing is are left out. Of
    a mapping inside a row its ``state`` is shown, with its ``error``.
    """
    known = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    columns = list(
        dict.fromkeys(name for row in known for name in row if _shown(row[name]) != _NOTHING)
    )
    return [words(name) for name in columns], [
        [_shown(row.get(name)) for name in columns] for row in known
    ]


def report(report: Any) -> dict[str, Any] | None:
    """Give a sync report: its counts, its errors, its instances."""
    if not isinstance(report, Mapping):
        return None
    errors = report.get("errors")
    return {
        "facts": facts(report),
        "errors": [str(error) for error in errors] if isinstance(errors, list) else [],
        "instances": table(report.get("instances")),
        "running": report.get("running") is True,
    }


def checked(body: Mapping[str, Any] | None) -> list[tuple[str, bool, Any]]:
    """Give what was examined: name, whether all is well, and the steps as a table."""
    found = body.get("instances") if body is not None else None
    return [
        (str(one.get("instance", "")), one.get("ok") is True, table(one.get("steps")))
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, Mapping)
    ]


def counted(report: Mapping[str, Any]) -> str:
    """Say in one line what a sync came to."""
    counts = [
        f"{report[name]} {name}"
        for name in ("apps", "entities", "created", "updated", "unchanged", "removed")
        if isinstance(report.get(name), int)
    ]
    return "Synced: " + ", ".join(counts) if counts else "Synced"


def words(name: str) -> str:
    """Put a name of JSON into words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return apart[:1].upper() + apart[1:].lower()


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            ": ".join(str(value[key]) for key in ("state", "error") if value.get(key)) or _NOTHING
        )
    if value is None:
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_shown(item) for item in value) or _NOTHING
    return str(value) or _NOTHING
