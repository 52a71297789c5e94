"""
Other answers of Argo CD: sync windows, its release, who made a revision.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .. import models
from ..repositories import clean, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 500
"""Characters of a name or a subject that are kept."""

_WINDOWS = 3


def sync_window(answer: Any) -> str:
    """
    Read the answer about sync windows.

    Returns:
        Why no manual sync is possible now, with the windows that are the reason. Empty when one
        is possible, or nothing understandable was said.
    """
    if not isinstance(answer, dict) or answer.get("canSync") is not False:
        return ""
    active = _windows(answer.get("activeWindows"), "deny")
    # Without a denying one the reason is that no allowing one is open.
    closed = _windows(answer.get("assignedWindows"), "allow")
    found = active or closed
    named = f": {'; '.join(found[:_WINDOWS])}" if found else ""
    return f"a sync window of the project forbids syncing now{named}"


def _windows(value: Any, kind: str) -> list[str]:
    items = value if isinstance(value, list) else []
    found = [item for item in items if isinstance(item, dict) and item.get("kind") == kind]
    # One that lets manual syncs through is not what forbids them.
    return [_window(item) for item in found if item.get("manualSync") is not True]


def _window(item: Any) -> str:
    schedule, duration = (shorten(str(item.get(key, "")), 60) for key in ("schedule", "duration"))
    what = "closed" if item.get("kind") == "deny" else "open"
    return f"{what} from “{schedule}” for {duration}"


def release_of(version: str) -> tuple[int, int] | None:
    """Read major and minor of ``v3.4.5+abc1234``, whatever a vendor adds; None where it is none."""
    found = re.match(r"v?([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", version, re.ASCII)
    return (int(found[1]), int(found[2])) if found else None


def commit_of(document: Any, kind: models.SourceKind) -> models.Commit:
    """
    Read what Argo CD knows of a revision; what cannot be read is empty.

    Args:
        document: Answer of ``metadata``, ``chartdetails`` or ``ocimetadata``.

        kind: Of the source, which decides which of them it is.
    """
    said = document if isinstance(document, dict) else {}
    if kind is models.SourceKind.GIT:
        return models.Commit(author=_person(said.get("author")), subject=_first(said, "message"))
    if kind is models.SourceKind.OCI:
        return models.Commit(
            author=_person(said.get("authors")), subject=_first(said, "description")
        )
    maintainers = said.get("maintainers")
    people = [_person(one) for one in maintainers[:3]] if isinstance(maintainers, list) else []
    return models.Commit(
        author=", ".join(person for person in people if person),
        subject=_first(said, "description"),
    )


def _person(text: Any) -> str:
    """Give the name of ``Name <address>``: the address is nobody's business here."""
    if not isinstance(text, str):
        return ""
    name, mark, _ = text.partition("<")
    return clean(name.strip() if mark else text.strip())[:_LONGEST]


def _first(said: Mapping[str, Any], field: str) -> str:
    text = said.get(field)
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return clean(lines[0])[:_LONGEST] if lines else ""
