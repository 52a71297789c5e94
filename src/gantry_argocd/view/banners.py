"""What has to be said before anything else of an application: failures, and what goes on."""

from __future__ import annotations

from datetime import datetime

import attrs

from ..actions.progress import rehearsed
from ..models import ABANDONED, Application, Hydration, Operation, ResourceResult
from . import answer, badges, text, times
from .state import AppState
from .text import Message
from .times import Moment

_SHOWN = 20
_SEVERITIES = {"error": (0, "bad", "cross"), "warning": (1, "drift", "alert")}


@attrs.frozen(kw_only=True)
class Banner:
    """
    One thing that the reader has to know.

    Attributes:
        tone: Ends a CSS class: bad, drift, busy, unknown.

        icon: Name of a glyph.

        title: In a few words.

        message: More of it, in others' words. None when there is no more.

        help: What to do about it. Empty when there is nothing to do.

        since: None when it is not known or does not matter.

        results: What failed in detail. Empty in most.
    """

    tone: str
    icon: str
    title: str
    message: Message | None = None
    help: str = ""
    since: Moment | None = None
    results: tuple[Result, ...] = ()


@attrs.frozen(kw_only=True)
class Result:
    """
    What a sync did or could not do to one resource.

    Attributes:
        name: Kind, namespace and name.

        status: ``SyncFailed``, ``Pruned``, or the phase of a hook.

        tone: Ends a CSS class: bad for what failed, else unknown.

        message: May be empty.
    """

    name: str
    status: str
    tone: str
    message: Message


def banners(state: AppState, now: datetime) -> tuple[Banner, ...]:
    """Give all banners of an application, those first that make the others doubtful."""
    found = _knowledge(state, now)
    app = state.application
    if app is not None:
        found += _states(state, app, now)
        found += _conditions(app, now)
        found += _never_synced(app)
    return tuple(found)


def _knowledge(state: AppState, now: datetime) -> list[Banner]:
    since = times.moment(state.stale_since, now)
    if state.error is not None:
        return [
            Banner(
                tone="bad",
                icon="unplugged",
                title=(
                    "Argo CD could not be asked; this is the last known state"
                    if state.application or state.sync or state.health
                    else "Argo CD could not be asked"
                ),
                message=text.message(str(state.error)),
                help=state.error.help,
                since=since,
            )
        ]
    if state.application is None:
        title = "Argo CD has not answered yet; this is what the catalog last knew"
        return [Banner(tone="unknown", icon="clock", title=title, since=since)]
    if since is not None:
        title = "Nothing was heard from Argo CD for a while; this may be out of date"
        return [Banner(tone="drift", icon="clock", title=title, since=since)]
    return []


def _states(state: AppState, app: Application, now: datetime) -> list[Banner]:
    found = []
    if app.left_alone:
        title = "Argo CD is told to leave this application alone"
        advice = (
            "It neither compares nor syncs it, so its state may be long past, until the "
            "annotation argocd.argoproj.io/skip-reconcile is taken away."
        )
        found.append(Banner(tone="drift", icon="pause", title=title, help=advice))
    elif answer.never_compared(app):
        advice = "A refresh asks for it; if it stays so, look at Argo CD’s controller."
        title = "Argo CD has not compared this application yet"
        found.append(Banner(tone="unknown", icon="clock", title=title, help=advice))
    elif not badges.compared(state.present_sync):
        found.append(
            Banner(
                tone="bad",
                icon="help",
                title="The comparison failed",
                message=Message(
                    text="Health is Argo CD’s word, but manifests or cluster never loaded: "
                    "nothing is known of what really runs."
                ),
                help="Look at the conditions below; they name what could not be loaded.",
            )
        )
    if app.refreshing and not app.left_alone:
        title = "A refresh was requested and has not been made yet"
        advice = "If it stays so, look at Argo CD’s controller."
        found.append(Banner(tone="busy", icon="refresh", title=title, help=advice))
    if app.deleting:
        title = "Argo CD is deleting this application"
        found.append(Banner(tone="drift", icon="trash", title=title))
    if app.operation is not None:
        found += _operation(app, app.operation, now)
    if app.hydration is not None:
        found += _hydration(app.hydration, now)
    return found + _health(state, app, now)


def _hydration(hydration: Hydration, now: datetime) -> list[Banner]:
    commit = text.line(hydration.revision)[:8] or "a commit"
    since = times.moment(hydration.since, now)
    if hydration.phase == "Hydrating":
        title = f"Manifests are being made from {commit}"
        return [Banner(tone="busy", icon="sync", title=title, since=since)]
    if hydration.phase != "Failed":
        return []
    return [
        Banner(
            tone="bad",
            icon="cross",
            title=f"No manifests could be made from {commit}",
            message=text.message(hydration.message) if hydration.message else None,
            help="Argo CD goes on with those of the commit that could be hydrated last.",
            since=since,
        )
    ]


def _never_synced(app: Application) -> list[Banner]:
    if not app.never_synced:
        return []
    advice = "Nothing was deployed by this application yet."
    if badges.compared(app.facts.sync) and not (app.left_alone or app.deleting):
        advice += " A sync would do it."
    return [Banner(tone="unknown", icon="help", title="Never synced", help=advice)]


def _health(state: AppState, app: Application, now: datetime) -> list[Banner]:
    look = badges.health_badge(state.present_health, state.present_sync)
    if not app.health_message or look.tone == "good":
        return []
    return [
        Banner(
            tone=look.tone,
            icon=look.icon,
            title=f"Health: {look.word}",
            message=text.message(app.health_message),
            since=times.moment(app.health_since, now),
        )
    ]


def _operation(app: Application, operation: Operation, now: datetime) -> list[Banner]:
    if not operation.running and operation.phase == "Succeeded":
        return _rehearsed(operation, now) if operation.dry_run else []
    note = text.message(operation.message) if operation.message else None
    results = tuple(_result(result) for result in _telling(operation)[:_SHOWN])
    if not operation.running:
        what = "dry run" if operation.dry_run else "sync"
        again = (
            f" after {text.count(operation.retries + 1, 'attempt')}" if operation.retries else ""
        )
        title = f"The last {what} {_ended(operation)}{again}"
        since = times.moment(operation.finished_at, now)
        return [
            Banner(
                tone="bad", icon="cross", title=title, message=note, since=since, results=results
            )
        ]
    words = answer.operation_words(app, now)
    advice = ""
    if operation.awaits_confirmation:
        advice = "Open the application in Argo CD to confirm, or terminate the sync."
    who = text.line(operation.initiator, 80) or ("auto-sync" if operation.automated else "")
    title = words[:1].upper() + words[1:] + (f", started by {who}" if who else "")
    waits = operation.waiting_for_retry or bool(advice)
    return [
        Banner(
            tone="drift" if waits else "busy",
            icon="alert" if waits else "sync",
            title=title,
            message=note,
            help=advice,
            since=times.moment(operation.started_at, now),
            results=results,
        )
    ]


def _rehearsed(operation: Operation, now: datetime) -> list[Banner]:
    """Say what a sync would do, as a dry run found out."""
    results = tuple(_result(result) for result in operation.results[:_SHOWN])
    more = len(operation.results) - len(results)
    return [
        Banner(
            tone="unknown",
            icon="info",
            title="A dry run succeeded; nothing was changed",
            message=text.message(rehearsed(operation)),
            help=f"and {more:,} more, in Argo CD" if more > 0 else "",
            since=times.moment(operation.finished_at, now),
            results=results,
        )
    ]


def _ended(operation: Operation) -> str:
    if operation.phase == ABANDONED:
        return "was taken away before it ended"
    return "ended with an error" if operation.phase == "Error" else "failed"


def _telling(operation: Operation) -> list[ResourceResult]:
    # A plain resource of a sync that succeeded carries a hook phase as well, without meaning.
    return [
        result
        for result in operation.results
        if result.failed or (result.hook_type and result.hook_phase == "Running")
    ]


def _result(result: ResourceResult) -> Result:
    place = f"{text.line(result.namespace, 80)}/" if result.namespace else ""
    name = f"{text.line(result.kind, 60)} {place}{text.line(result.name, 120)}"
    status = f"{result.hook_type} hook {result.hook_phase}" if result.hook_type else result.status
    return Result(
        name=name,
        status=text.line(status, 80),
        tone="bad" if result.failed else "unknown",
        message=text.message(result.message),
    )


def _conditions(app: Application, now: datetime) -> list[Banner]:
    ordered = sorted(app.conditions, key=lambda c: _SEVERITIES.get(c.severity, (2, "", ""))[0])
    found = []
    for condition in ordered[:_SHOWN]:
        _, tone, icon = _SEVERITIES.get(condition.severity, (2, "unknown", "info"))
        found.append(
            Banner(
                tone=tone,
                icon=icon,
                title=text.line(condition.type, 80),
                message=text.message(condition.message) if condition.message else None,
                since=times.moment(condition.since, now),
            )
        )
    if len(ordered) > _SHOWN:
        more = text.count(len(ordered) - _SHOWN, "more condition")
        found.append(Banner(tone="unknown", icon="info", title=f"{more} in Argo CD"))
    return found
