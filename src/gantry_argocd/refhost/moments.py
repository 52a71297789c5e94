"""Times as the host writes them (RFC 3339, UTC) and as people read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present time, aware. Passed in, so that tests can decide what time it is."""


def system_clock() -> datetime:
    """Give the present time of this machine in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Write *moment* as ``2026-11-23T17:27:30.180000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def readable(text: str) -> str:
    """Turn a stored time into ``23 Nov 2026, 17:27 UTC``; anything else stays as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{moment.astimezone(UTC):%d %b %Y, %H:%M} UTC".lstrip("0")
