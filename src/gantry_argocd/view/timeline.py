"""The last deployments as a picture: when, and how each ended."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..models import Application, Operation
from . import history, text, times
from .times import Moment

WIDTH = 640
_EDGE, _GAP = 12.0, 20.0
_MIDDLE, _RADIUS = 14.0, 8.4
_SCALE = 0.7
"""A glyph is drawn on a grid of 24 units."""

_MARKS = 15


@attrs.frozen(kw_only=True)
class Mark:
    """
    One deployment, or the operation that follows the last of them.

    Attributes:
        tone: Ends a CSS class: good, bad or busy.

        icon: Name of a glyph.

        place: Where the glyph is, as SVG says it.

        title: When, what, and how it ended.
    """

    tone: str
    icon: str
    place: str
    title: str


@attrs.frozen(kw_only=True)
class Timeline:
    """
    The picture.

    Attributes:
        label: All that it shows, in words.

        view_box: Of the picture, as SVG says it.

        end: Where its line ends.

        marks: From the oldest to the newest.

        first: When the oldest was.

        last: When the newest was.
    """

    label: str
    view_box: str
    end: str
    marks: tuple[Mark, ...]
    first: Moment
    last: Moment


@attrs.frozen
class _Event:
    when: datetime
    tone: str
    icon: str
    words: str


def timeline(app: Application, now: datetime, called: str) -> Timeline | None:
    """Draw up the picture of the application *called* so; None where nothing is to compare."""
    events = sorted([*_deployments(app), *_operation(app)], key=lambda event: event.when)[-_MARKS:]
    first = times.moment(events[0].when, now) if events else None
    last = times.moment(events[-1].when, now) if events else None
    if len(events) < 2 or first is None or last is None:
        return None
    return Timeline(
        label=_label(called, events, first, last),
        view_box=f"0 0 {WIDTH} {_MIDDLE * 2:g}",
        end=f"{WIDTH - _EDGE:g}",
        marks=tuple(
            Mark(
                tone=event.tone,
                icon=event.icon,
                place=f"translate({x - _RADIUS:.1f} {_MIDDLE - _RADIUS:.1f}) scale({_SCALE})",
                title=event.words,
            )
            for event, x in zip(events, _places([event.when for event in events]), strict=True)
        ),
        first=first,
        last=last,
    )


def _places(moments: list[datetime]) -> list[float]:
    """Place each by its time, but never so near to the next that one hides the other."""
    room = WIDTH - 2 * _EDGE
    whole = (moments[-1] - moments[0]).total_seconds() or 1.0
    spare = room - _GAP * (len(moments) - 1)
    return [
        _EDGE + _GAP * number + spare * (moment - moments[0]).total_seconds() / whole
        for number, moment in enumerate(moments)
    ]


def _deployments(app: Application) -> list[_Event]:
    found = []
    for entry in history.newest_first(app)[:_MARKS]:
        if entry.deployed_at is None:
            continue
        revisions = " + ".join(
            link.text for link in history.linked(entry.revisions, app.sources_of(entry))
        )
        took = times.duration(entry.started_at, entry.deployed_at)
        words = [times.title(entry.deployed_at), f"{revisions or 'something'} was deployed"]
        words.append(f"started by {history.who(entry)}")
        words += [f"took {took}"] if took else []
        found.append(_Event(entry.deployed_at, "good", "check", text.line(", ".join(words), 300)))
    return found


def _operation(app: Application) -> list[_Event]:
    """Give the last operation, when it is no deployment of the history."""
    operation = app.operation
    if operation is None or operation.dry_run or operation.phase == "Succeeded":
        return []
    when = operation.finished_at or operation.started_at
    if when is None:
        return []
    ended = not operation.running or operation.waiting_for_retry
    words = f"{times.title(when)}, {_outcome(operation)}"
    return [_Event(when, *(("bad", "cross") if ended else ("busy", "clock")), words)]


def _outcome(operation: Operation) -> str:
    if operation.waiting_for_retry:
        return "an attempt failed and the next is awaited"
    if operation.running:
        return "a sync is in progress"
    return f"a sync ended as {text.line(operation.phase, 40)}"


def _label(called: str, events: list[_Event], first: Moment, last: Moment) -> str:
    good = sum(event.tone == "good" for event in events)
    bad = sum(event.tone == "bad" for event in events)
    parts = [text.count(good, "deployment")] if good else []
    parts += [text.count(bad, "failed sync", "failed syncs")] if bad else []
    parts += ["a sync in progress"] if good + bad < len(events) else []
    span = f"from {first.title} to {last.title}"
    return f"{called}: {text.listing(parts)}, {span}"
