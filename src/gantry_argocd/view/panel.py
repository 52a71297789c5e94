"""The tab: the answer, the environments, then one card for each application."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

import attrs

from ..hookspecs import Action, PageContext
from . import answer, badges, history, links, text, times
from .badges import Badge
from .card import Card, card
from .links import Link
from .state import AppState
from .times import Moment

_TITLE = "Argo CD"
MANY = 12
"""Of more applications only those that matter are told in full: ninety would be a page of 2 MB."""

_DANGLING = 10
"""Links that name nothing, each told in a sentence of its own."""

Kind = Literal["disabled", "not-configured", "no-application-linked"]

_ICONS = {
    "good": "check",
    "bad": "cross",
    "busy": "clock",
    "missing": "alert",
    "drift": "alert",
    "paused": "pause",
}
_NOTICES: dict[Kind, tuple[str, str]] = {
    "disabled": (
        "The ArgoCD plugin is disabled",
        (
            "What it had put into the catalog is kept and marked as stale. A platform engineer "
            "can enable it under Plugins."
        ),
    ),
    "not-configured": (
        "No Argo CD server is configured",
        "A platform engineer can name one under Plugins, ArgoCD, Configure.",
    ),
    "no-application-linked": (
        "No Argo CD application is linked to this service",
        (
            "Set the annotation argocd.io/appName to the name of an application, or give the "
            "application in Argo CD a label whose value is the name of this service."
        ),
    ),
}


@attrs.frozen(kw_only=True)
class Environment:
    """
    One row of the table of environments.

    Attributes:
        url: Where it is shown unfolded: the card on this page, or the page with it unfolded.

        name: Of the application.

        instance: Of Argo CD.

        namespace: That it is deployed to. Empty when not known.

        sync: Status.

        health: Status.

        revisions: That were deployed last, else those compared.

        synced: When it was last synced. None when never, or when not known.

        stale: The row may be out of date.
    """

    url: str
    name: str
    instance: str
    namespace: str
    sync: Badge
    health: Badge
    revisions: tuple[Link, ...]
    synced: Moment | None
    stale: bool


@attrs.frozen(kw_only=True)
class Notice:
    """
    Why there is nothing to show.

    Attributes:
        title: In one sentence.

        help: What to do about it.
    """

    title: str
    help: str


@attrs.frozen(kw_only=True)
class PanelView:
    """
    All that the tab shows.

    Attributes:
        anchor: Id of the panel; all ids in it begin so.

        title: Names the panel for those who hear it.

        answer: How the service is, in a sentence. Empty with a *notice*.

        tone: Ends a CSS class.

        icon: Name of a glyph.

        count: ``2 applications``.

        reload_url: The page itself.

        fragment_url: Answers the panel alone. Empty when the host has no such route.

        confirmed: What a form carries when its question was answered with yes, as a query. Empty
            when the host wants to ask itself.

        live: Something changes by itself: worth looking again soon.

        dangling: Sentences about links that name nothing.

        environments: Empty for a single application.

        cards: One for each application.

        notice: Why there is nothing else. None in most.
    """

    anchor: str
    title: str
    answer: str
    tone: str
    icon: str
    count: str
    reload_url: str
    fragment_url: str
    confirmed: str
    live: bool
    dangling: tuple[str, ...]
    environments: tuple[Environment, ...]
    cards: tuple[Card, ...]
    notice: Notice | None


def panel(
    states: Sequence[AppState],
    actions: Sequence[Action],
    page: PageContext,
    now: datetime,
    dangling: Sequence[str] = (),
) -> PanelView:
    """
    Draw up the tab.

    Args:
        states: The applications of the entity, in the order of the catalogue.

        actions: What can be done, and why not. Those of other applications are left out.

        page: Where links and forms lead.

        now: For relative times.

        dangling: Links that somebody wrote and that name nothing.
    """
    return panel_at("argo", states, actions, page, now, dangling)


def panel_at(
    anchor: str,
    states: Sequence[AppState],
    actions: Sequence[Action],
    page: PageContext,
    now: datetime,
    dangling: Sequence[str] = (),
) -> PanelView:
    """Draw up the tab with ids that begin with *anchor*, for several tabs on one page."""
    only = len(states) == 1
    # Ids keep the catalogue's order, so that an application's stay the same when it recovers.
    numbered = [(state, f"{anchor}-app-{number}") for number, state in enumerate(states, start=1)]
    numbered.sort(key=lambda pair: answer.badness(pair[0]), reverse=True)
    possible: dict[str, list[Action]] = defaultdict(list)
    for action in actions:
        possible[action["app"]].append(action)
    cards = []
    for place, (state, own) in enumerate(numbered):
        asked = page["params"].get("argocd.app") == state.ref
        worth_it = (state.needs_attention or state.busy) and place < MANY
        opens = only or asked or worth_it
        whole = opens or len(states) <= MANY
        mine = possible[state.ref]
        cards.append(card(state, mine, page, now, own, only=only, opens=opens, whole=whole))
    if not states and not dangling:
        return notice("no-application-linked", page, anchor)
    tone = answer.tone(states)
    return PanelView(
        anchor=anchor,
        title=_TITLE,
        answer=answer.summary(states, now) if states else "No linked application was found.",
        tone=tone,
        icon=_ICONS.get(tone, "help"),
        count=text.count(len(states), "application"),
        reload_url=links.page(page, {}),
        fragment_url=page.get("fragmentUrl", ""),
        confirmed=urlencode(page.get("confirmed", {})),
        live=any(state.busy for state in states),
        dangling=_dangling(dangling),
        environments=()
        if only
        else tuple(
            _environment(state, one.unfold_url or f"#{one.anchor}", now)
            for (state, _), one in zip(numbered, cards, strict=True)
        ),
        cards=tuple(cards),
        notice=None,
    )


def notice(kind: Kind, page: PageContext, anchor: str = "argo") -> PanelView:
    """Draw up the tab of an entity that has nothing to show."""
    title, advice = _NOTICES[kind]
    return PanelView(
        anchor=anchor,
        title=_TITLE,
        answer="",
        tone="unknown",
        icon="unplugged",
        count="",
        reload_url=links.page(page, {}),
        fragment_url=page.get("fragmentUrl", ""),
        confirmed=urlencode(page.get("confirmed", {})),
        live=False,
        dangling=(),
        environments=(),
        cards=(),
        notice=Notice(title=title, help=advice),
    )


def _dangling(names: Sequence[str]) -> tuple[str, ...]:
    """Say it of some links, and how many more there are: a list may hold thousands."""
    told = [
        f"The link “{text.line(name, 120)}” names no application that Argo CD lists: a typing "
        "error, or it was deleted, or the token may not read it."
        for name in names[:_DANGLING]
    ]
    more = len(names) - len(told)
    if more:
        told.append(f"So it is with {text.count(more, 'more link')} of this service.")
    return tuple(told)


def _environment(state: AppState, url: str, now: datetime) -> Environment:
    app = state.application
    revisions = history.deployed_or_compared(app) if app else ()
    return Environment(
        url=url,
        name=text.line(state.key.name),
        instance=text.line(state.key.instance, 80),
        namespace=text.line(app.facts.destination.namespace, 80) if app else "",
        sync=badges.sync_badge(state.present_sync),
        health=badges.health_badge(state.present_health, state.present_sync),
        revisions=revisions,
        synced=times.moment(app.last_sync_at, now) if app else None,
        stale=state.stale,
    )
