"""One application: its header with the buttons, and all that is below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ..hookspecs import Action, PageContext
from ..models import Application
from . import badges, details, links, text, times
from .badges import Badge
from .banners import Banner, banners
from .buttons import Button, Buttons, Reason, buttons
from .details import Fact
from .history import History, history
from .links import Link
from .resources import Resources, resources
from .state import AppState
from .timeline import Timeline, timeline
from .times import Moment


@attrs.frozen(kw_only=True)
class Body:
    """
    What Argo CD answered about an application.

    Attributes:
        facts: Those that people look for first come first.

        images: Empty when not known.

        links: That the application shows to its users.

        resources: The table.

        history: What was deployed. None when nothing was.

        timeline: The same as a picture. None with fewer than two marks.
    """

    facts: tuple[Fact, ...]
    images: tuple[str, ...]
    links: tuple[Link, ...]
    resources: Resources
    history: History | None
    timeline: Timeline | None


@attrs.frozen(kw_only=True)
class Card:
    """
    One application.

    Attributes:
        anchor: Id of the card.

        ref: As the catalogue writes it.

        name: Of the application.

        called: The name, with the instance where there are several.

        instance: Of Argo CD.

        namespace: That the Application lives in; empty when it goes without saying.

        sync: Status.

        health: Status.

        stale: What is shown may be out of date.

        live: It changes by itself: worth looking again soon.

        url: The application in Argo CD. Empty when not known.

        url_label: Names that link.

        buttons: What can be done, and what cannot.

        more: What is seldom done, for a menu beside them.

        more_name: Names that menu.

        reasons: Why some cannot be pressed.

        glance: A few words for the folded card.

        synced: When it was last synced. None when never, or when not known.

        open: The card is unfolded.

        unfold_url: The page with it unfolded, when there is nothing to unfold on this one: a
            service with very many applications. Empty in most.

        banners: What has to be said first.

        body: All that was answered. None when nothing was.

        why: By which rule it belongs to this entity. Empty when not known.
    """

    anchor: str
    ref: str
    name: str
    called: str
    instance: str
    namespace: str
    sync: Badge
    health: Badge
    stale: bool
    live: bool
    url: str
    url_label: str
    buttons: tuple[Button, ...]
    more: tuple[Button, ...]
    more_name: str
    reasons: tuple[Reason, ...]
    glance: tuple[str, ...]
    synced: Moment | None
    open: bool
    unfold_url: str
    banners: tuple[Banner, ...]
    body: Body | None
    why: str


def card(
    state: AppState,
    actions: Sequence[Action],
    page: PageContext,
    now: datetime,
    anchor: str,
    *,
    only: bool,
    opens: bool,
    whole: bool,
) -> Card:
    """
    Draw up the card of one application.

    Args:
        state: The application.

        actions: What can be done to it, and why not.

        page: Where links and forms lead.

        now: For relative times.

        anchor: Id of the card.

        only: The panel has no other.

        opens: It is unfolded.

        whole: There is something to unfold.
    """
    app, key = state.application, state.key
    name = text.line(key.name)
    url = links.application(state.argocd_url, key)
    instance = text.line(key.instance, 80)
    namespace = text.line(key.namespace, 80) if "/" in state.ref else ""
    full = f"{namespace}/{name}" if namespace else name
    called = full if only else f"{full} on {instance}"
    can = buttons(actions, called, page, anchor)
    return Card(
        anchor=anchor,
        ref=text.sendable(state.ref),
        name=name,
        called=called,
        instance=instance,
        namespace=namespace,
        sync=badges.sync_badge(state.present_sync),
        health=badges.health_badge(state.present_health, state.present_sync),
        stale=state.stale,
        live=state.busy,
        url=url,
        url_label=f"Open {called} in Argo CD",
        buttons=can.main,
        more=can.more,
        more_name=f"More actions for {called}",
        reasons=can.reasons,
        glance=details.at_a_glance(state),
        synced=times.moment(app.last_sync_at, now) if app else None,
        open=opens,
        unfold_url="" if whole else links.page(page, {"argocd.app": state.ref}, anchor),
        banners=banners(state, now) if whole else (),
        body=_body(state, app, can, page, now, anchor, called) if app and whole else None,
        why=text.line(state.why, 300),
    )


def _body(
    state: AppState,
    app: Application,
    can: Buttons,
    page: PageContext,
    now: datetime,
    anchor: str,
    called: str,
) -> Body:
    url = links.application(state.argocd_url, state.key)
    past = history(state, app, can, called, now)
    return Body(
        facts=details.facts(state, app, now),
        images=details.images(app),
        links=details.external(app),
        resources=resources(app, state.ref, url, page, f"{anchor}-resources", called),
        history=past if past.rows else None,
        timeline=timeline(app, now, called),
    )
