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
from .details import Fact, HistoryRow
from .links import Link
from .resources import Field, Resources, hidden, resources
from .state import AppState
from .times import Moment

_ICONS = {"argocd:sync": "sync", "argocd:refresh": "refresh", "argocd:terminate": "stop"}


@attrs.frozen(kw_only=True)
class Button:
    """
    One action, as a form of its own.

    Attributes:
        label: What is shown. Ends in an ellipsis when the host asks before anything happens.

        name: For those who hear it: with the application.

        icon: Name of a glyph. Empty when it has none.

        look: Ends a CSS class: primary, danger or plain.

        enabled: It can be pressed.

        reason_id: Id of the text that says why not. Empty when it can be pressed.

        url: Where the form posts to.

        fields: Hidden fields of the form.
    """

    label: str
    name: str
    icon: str
    look: str
    enabled: bool
    reason_id: str
    url: str
    fields: tuple[Field, ...]


@attrs.frozen(kw_only=True)
class Reason:
    """
    Why some buttons cannot be pressed.

    Attributes:
        id: What the buttons point to.

        labels: Of the buttons: ``Sync and Hard Sync``.

        text: A sentence.
    """

    id: str
    labels: str
    text: str


@attrs.frozen(kw_only=True)
class Body:
    """
    What Argo CD answered about an application.

    Attributes:
        facts: Those that people look for first come first.

        images: Empty when not known.

        links: That the application shows to its users.

        resources: The table.

        history: Newest first.

        history_caption: For those who hear the page.

        history_note: That there is more. Empty when there is not.
    """

    facts: tuple[Fact, ...]
    images: tuple[str, ...]
    links: tuple[Link, ...]
    resources: Resources
    history: tuple[HistoryRow, ...]
    history_caption: str
    history_note: str


@attrs.frozen(kw_only=True)
class Card:
    """
    One application.

    Attributes:
        anchor: Id of the card.

        ref: As the catalogue writes it.

        name: Of the application.

        instance: Of Argo CD.

        namespace: That the Application lives in; empty when it goes without saying.

        sync: Status.

        health: Status.

        stale: What is shown may be out of date.

        live: It changes by itself: worth looking again soon.

        url: The application in Argo CD. Empty when not known.

        url_label: Names that link.

        buttons: What can be done, and what cannot.

        reasons: Why not.

        glance: A few words for the folded card.

        synced: When it was last synced. None when never, or when not known.

        open: The card is unfolded.

        banners: What has to be said first.

        body: All that was answered. None when nothing was.

        why: By which rule it belongs to this entity. Empty when not known.
    """

    anchor: str
    ref: str
    name: str
    instance: str
    namespace: str
    sync: Badge
    health: Badge
    stale: bool
    live: bool
    url: str
    url_label: str
    buttons: tuple[Button, ...]
    reasons: tuple[Reason, ...]
    glance: tuple[str, ...]
    synced: Moment | None
    open: bool
    banners: tuple[Banner, ...]
    body: Body | None
    why: str


def card(
    state: AppState,
    actions: Sequence[Action],
    page: PageContext,
    now: datetime,
    anchor: str,
    only: bool,
) -> Card:
    """Draw up the card of one application; *only* when the panel has no other."""
    app, key = state.application, state.key
    name = text.line(key.name)
    url = links.application(state.argocd_url, key)
    own = [a for a in actions if a["app"] == state.ref and not a.get("part")]
    reasons = _reasons(own, anchor)
    asked = page["params"].get("argocd.app") == state.ref
    return Card(
        anchor=anchor,
        ref=text.sendable(state.ref),
        name=name,
        instance=text.line(key.instance, 80),
        namespace=text.line(key.namespace, 80) if "/" in state.ref else "",
        sync=badges.sync_badge(state.present_sync),
        health=badges.health_badge(state.present_health, state.present_sync),
        stale=state.stale,
        live=state.busy,
        url=url,
        url_label=f"Open {name} in Argo CD",
        buttons=tuple(_button(action, name, page, reasons) for action in own),
        reasons=reasons,
        glance=details.at_a_glance(app),
        synced=times.moment(app.last_sync_at, now) if app else None,
        open=only or asked or state.needs_attention or state.busy,
        banners=banners(state, now),
        body=_body(app, state.ref, url, page, now, anchor) if app else None,
        why=text.line(state.why, 300),
    )


def _body(
    app: Application, ref: str, url: str, page: PageContext, now: datetime, anchor: str
) -> Body:
    return Body(
        facts=details.facts(app, now),
        images=details.images(app),
        links=details.external(app),
        resources=resources(app, ref, url, page, f"{anchor}-resources"),
        history=details.history(app, now),
        history_caption=f"Deployments of {text.line(app.key.name)}, newest first",
        history_note=details.history_note(app),
    )


def _button(action: Action, name: str, page: PageContext, reasons: tuple[Reason, ...]) -> Button:
    label = text.line(action["label"], 60)
    reason = "" if action["available"] else text.line(action["reason"], 300)
    own = (hidden("action", action["id"]), hidden("app", action["app"]))
    host = (hidden(k, v) for k, v in page["hidden"].items() if k not in {"action", "app"})
    look = "danger" if action["destructive"] else "plain"
    return Button(
        label=f"{label}…" if action["confirmation"] else label,
        name=f"{label} {name}",
        icon=_ICONS.get(action["id"], ""),
        look="primary" if action["id"] == "argocd:sync" else look,
        enabled=action["available"],
        reason_id=next((r.id for r in reasons if r.text == reason), ""),
        url=page["actionUrl"],
        fields=(*host, *own),
    )


def _reasons(actions: Sequence[Action], anchor: str) -> tuple[Reason, ...]:
    # Several buttons often share a reason (the viewer's role); said once, it is read.
    labels: dict[str, list[str]] = {}
    for action in actions:
        reason = text.line(action["reason"], 300)
        if not action["available"] and reason:
            labels.setdefault(reason, []).append(text.line(action["label"], 60))
    return tuple(
        Reason(id=f"{anchor}-why-{number}", labels=text.listing(names), text=reason)
        for number, (reason, names) in enumerate(labels.items(), start=1)
    )
