"""The card on the Overview tab, from the entity's annotations alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import attrs

from ..refs import parse_list
from ..status import health_rank, sync_rank, worst_health, worst_sync
from . import badges, text, times
from .badges import Badge
from .times import Moment

_SHOWN = 5


@attrs.frozen(kw_only=True)
class SidebarApp:
    """
    One application of several.

    Attributes:
        ref: As the catalogue writes it.

        sync: Status.

        health: Status.
    """

    ref: str
    sync: Badge
    health: Badge


@attrs.frozen(kw_only=True)
class SidebarView:
    """
    All that the card shows.

    Attributes:
        label: Names the next: ``App`` or ``Apps``.

        name: The application, or how many there are.

        synced_yet: The catalogue knows a status.

        note: What is to be said when it does not. Empty when it does.

        sync: The worst of all.

        health: The worst of all.

        counts: How many there are of each health. Empty for one application.

        project: Empty when not known.

        stale: Since when nothing was heard. None when fresh.

        apps: Empty for one application.

        more: How many are left out. Empty when none.
    """

    label: str
    name: str
    synced_yet: bool
    note: str
    sync: Badge
    health: Badge
    counts: str
    project: str
    stale: Moment | None
    apps: tuple[SidebarApp, ...]
    more: str


def sidebar(annotations: Mapping[str, Any], now: datetime) -> SidebarView | None:
    """
    Draw up the card from the *annotations* of an entity, which may hold anything.

    Returns:
        None when no application is linked.
    """

    def value(key: str) -> str:
        found = annotations.get(f"argocd.io/{key}")
        return found.strip() if isinstance(found, str) else ""

    refs = parse_list(value("appNames")) or parse_list(value("appName"))
    if not refs:
        return None
    known = _apps(value("apps"))
    number = max(len(known), len(refs))
    sync = value("syncStatus") or (worst_sync(app[1] for app in known) if known else "")
    health = value("healthStatus") or (worst_health(app[2] for app in known) if known else "")
    synced_yet = bool(sync or health)
    # What is not well comes first: a long list is cut at its end.
    worst = sorted(known, key=_goodness)
    several = worst if number > 1 else []
    return SidebarView(
        label="App" if number == 1 else "Apps",
        name=text.line(known[0][0] if known else refs[0], 120)
        if number == 1
        else text.count(number, "application"),
        synced_yet=synced_yet,
        note="" if synced_yet else "Linked, not synced yet: the next discovery fills this in.",
        sync=badges.sync_badge(sync),
        health=badges.health_badge(health, sync),
        counts=_counts(several),
        project=text.line(value("project"), 80),
        stale=times.moment(times.parse(value("staleSince")), now),
        apps=tuple(_app(*app) for app in several[:_SHOWN]),
        more=f"and {len(several) - _SHOWN:,} more" if len(several) > _SHOWN else "",
    )


def _app(ref: str, sync: str, health: str) -> SidebarApp:
    return SidebarApp(
        ref=text.line(ref, 120),
        sync=badges.sync_badge(sync),
        health=badges.health_badge(health, sync),
    )


def _apps(value: str) -> list[tuple[str, str, str]]:
    found = []
    for element in parse_list(value):
        ref, equals, words = element.partition("=")
        sync, slash, health = words.partition("/")
        if ref and equals and slash:
            found.append((ref, unquote(sync) or "Unknown", unquote(health) or "Unknown"))
    return found


def _goodness(app: tuple[str, str, str]) -> tuple[int, int]:
    _, sync, health = app
    return -health_rank(badges.health_badge(health, sync).word), -sync_rank(sync)


def _counts(apps: list[tuple[str, str, str]]) -> str:
    words = Counter(badges.health_badge(health, sync).word for _, sync, health in apps)
    ordered = sorted(words.items(), key=lambda item: (-health_rank(item[0]), item[0]))
    return ", ".join(f"{number:,} {word}" for word, number in ordered[:6])
