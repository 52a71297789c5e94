"""Times and durations in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@attrs.frozen(kw_only=True)
class Moment:
    """
    A time as people read it.

    Attributes:
        words: ``just now``, ``5m ago``, ``3h ago``, ``Nov 24, 18:27``.

        iso: For programs; RFC 3339, UTC.

        title: The whole, for the tooltip: ``24 Nov 2026, 18:27:50 UTC``.
    """

    words: str
    iso: str
    title: str


def moment(when: datetime | None, now: datetime) -> Moment | None:
    """Put *when* in words; None stays None. A time in the future is ``just now``."""
    if when is None:
        return None
    when = _utc(when)
    month = _MONTHS[when.month - 1]
    seconds = (_utc(now) - when).total_seconds()
    if seconds < _MINUTE:
        words = "just now"
    elif seconds < _HOUR:
        words = f"{int(seconds // _MINUTE)}m ago"
    elif seconds < _DAY:
        words = f"{int(seconds // _HOUR)}h ago"
    else:
        words = f"{month} {when.day}, {when:%H:%M}"
    return Moment(
        words=words,
        iso=when.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"),
        title=title(when),
    )


def title(when: datetime) -> str:
    """Write *when* in full: ``24 Nov 2026, 18:27:50 UTC``."""
    when = _utc(when)
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M:%S} UTC"


def duration(start: datetime | None, end: datetime | None) -> str:
    """Say how long it took from *start* to *end*, never negative; empty when one is not known."""
    if start is None or end is None:
        return ""
    seconds = max(0, int((_utc(end) - _utc(start)) / timedelta(seconds=1)))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        # After ten minutes nobody counts seconds.
        rest = _rest(seconds % _MINUTE, "s") if seconds < 10 * _MINUTE else ""
        return f"{seconds // _MINUTE} min{rest}"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h" + _rest(seconds % _HOUR // _MINUTE, "min")
    return f"{seconds // _DAY} d" + _rest(seconds % _DAY // _HOUR, "h")


def parse(text: object) -> datetime | None:
    """Read an RFC 3339 time of an annotation; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return _utc(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        return None


def _rest(number: int, unit: str) -> str:
    return f" {number} {unit}" if number else ""


def _utc(when: datetime) -> datetime:
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
