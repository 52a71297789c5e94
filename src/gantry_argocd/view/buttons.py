"""Actions as forms of their own, and why some cannot be pressed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ..hookspecs import Action, PageContext
from . import text
from .text import Field, hidden

_ICONS = {
    "argocd:sync": "sync",
    "argocd:refresh": "refresh",
    "argocd:terminate": "stop",
}
_BUSY = {
    "argocd:sync": "Syncing…",
    "argocd:hard-sync": "Syncing…",
    "argocd:refresh": "Refreshing…",
    "argocd:hard-refresh": "Refreshing…",
}
_HISTORY = "history/"


@attrs.frozen(kw_only=True)
class Button:
    """
    One action, as a form of its own.

    Attributes:
        label: What is shown. Ends in an ellipsis when something is asked before it happens.

        busy: What is shown while it is on its way.

        name: For those who hear it: with the application.

        icon: Name of a glyph. Empty when it has none.

        look: Ends a CSS class: primary, danger or plain.

        enabled: It can be pressed.

        reason_id: Id of the text that says why not. Empty when it can be pressed.

        url: Where the form posts to.

        fields: Hidden fields of the form.

        question: Heading of what is asked before. Empty when nothing is.

        consequence: What will happen when the answer is yes. Empty when nothing is asked.

        rehearsal: Id of the action that only tries it out. Empty when there is none.

        rehearsal_label: Names that one.
    """

    label: str
    busy: str
    name: str
    icon: str
    look: str
    enabled: bool
    reason_id: str
    url: str
    fields: tuple[Field, ...]
    question: str
    consequence: str
    rehearsal: str
    rehearsal_label: str


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
class Buttons:
    """
    All that can be done to one application, by the place that it has on the page.

    Attributes:
        main: In the header.

        more: In the menu beside them.

        reasons: Why some of these cannot be pressed.

        rollbacks: By the number of the deployment; only those that can be pressed.

        no_rollback: Why there is none. Empty when there is one.
    """

    main: tuple[Button, ...]
    more: tuple[Button, ...]
    reasons: tuple[Reason, ...]
    rollbacks: Mapping[str, Button]
    no_rollback: str


def buttons(actions: Sequence[Action], name: str, page: PageContext, anchor: str) -> Buttons:
    """
    Draw up the buttons of one application.

    Args:
        actions: Of this application alone.

        name: Of the application.

        page: Where forms post to.

        anchor: Id of the card.
    """
    main = [action for action in actions if not action.get("part")]
    more = [action for action in actions if action.get("part") == "more"]
    tries = {a["id"]: text.line(a["label"], 60) for a in actions if a.get("part") == "rehearsal"}
    past = [action for action in actions if action.get("part", "").startswith(_HISTORY)]
    reasons = _reasons([*main, *more], anchor)
    url = page["actionUrl"]
    host = tuple(hidden(k, v) for k, v in page["hidden"].items() if k not in {"action", "app"})

    def made(action: Action, what: str = name) -> Button:
        return _button(action, what, url, host, reasons, tries)

    return Buttons(
        main=tuple(made(action) for action in main),
        more=tuple(made(action) for action in more),
        reasons=reasons,
        rollbacks={
            number: made(action, f"{name} to deployment {number}")
            for action in past
            if action["available"] and (number := action.get("part", "").removeprefix(_HISTORY))
        },
        no_rollback=next((a["reason"] for a in past if not a["available"]), ""),
    )


def _button(
    action: Action,
    name: str,
    url: str,
    host: tuple[Field, ...],
    reasons: tuple[Reason, ...],
    tries: Mapping[str, str],
) -> Button:
    label = text.line(action["label"], 60)
    reason = "" if action["available"] else text.line(action["reason"], 300)
    own = (hidden("action", action["id"]), hidden("app", action["app"]))
    # One in each row of the history would be a wall of red.
    loud = action["destructive"] and not action.get("part")
    asks = action["confirmation"] or ""
    rehearsal = action.get("rehearsal", "")
    return Button(
        label=f"{label}…" if asks else label,
        busy=_BUSY.get(action["id"], f"{label}…"),
        name=f"{label} {name}",
        icon=_ICONS.get(action["id"], ""),
        look="primary" if action["id"] == "argocd:sync" else "danger" if loud else "plain",
        enabled=action["available"],
        reason_id=next((r.id for r in reasons if r.text == reason), ""),
        url=url,
        fields=(*host, *own),
        question=f"{label} {name}?" if asks else "",
        consequence=text.line(asks, 1000),
        rehearsal=rehearsal if asks and rehearsal in tries else "",
        rehearsal_label=tries.get(rehearsal, "") if asks else "",
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
