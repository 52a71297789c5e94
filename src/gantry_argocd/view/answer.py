"""The answer in one sentence: is it deployed, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from ..models import Application, Resource
from ..status import health_rank, sync_rank
from . import badges, text, times
from .state import AppState, differs, unhealthy

_CAUSES = 2
_REASON = re.compile(
    r"\b(?=[A-Za-z]*(?:BackOff|Err|Fail|Killed|Exceeded|Invalid|Denied|Timeout))"
    r"[A-Z]+[a-z]+(?:[A-Z][A-Za-z]+)+\b|\bOOMKilled\b"
)
"""Kubernetes' own words for what is wrong; a kind (CronJob) is no reason."""


def sentence(state: AppState, now: datetime) -> str:
    """Say how one application is: where, what, since when, why."""
    app = state.application
    name = f"{text.line(state.key.instance)}: {text.line(state.key.name)}"
    if app is None:
        return _last_known(state, name)
    if app.deleting:
        return f"{name} is being deleted."
    if state.stale:
        return f"{_last_known(state, name)[:-1]}; what follows may be out of date."
    if never_compared(app):
        return f"{name} was not compared by Argo CD yet, so its state is not known."
    if not badges.compared(state.present_sync):
        return f"{name} could not be compared, so its state is not known{_because(app)}"
    if app.operation is not None and app.operation.running:
        return f"{name} is {_words(state)}; {operation_words(app, now)}."
    if app.never_synced and state.present_sync != "Synced":
        return f"{name} was never synced; it is {_words(state)}."
    if badges.is_well(state.present_sync, state.present_health) and not (
        state.failed or state.unhydrated
    ):
        return f"{name} is Synced and Healthy."
    since = ""
    if state.present_health != "Healthy" and app.health_since is not None:
        since = f" for {times.duration(app.health_since, now)}"
    return f"{name} is {_words(state)}{since}{_because(app)}"


def summary(states: Sequence[AppState], now: datetime) -> str:
    """Say how all applications of an entity are: how many are not well, and the worst of them."""
    if len(states) == 1:
        return sentence(states[0], now)
    bad = [state for state in states if state.needs_attention]
    total = text.count(len(states), "application")
    if not bad:
        busy = sum(state.busy for state in states)
        return (
            f"{busy} of {total} {'is' if busy == 1 else 'are'} changing; nothing is wrong."
            if busy
            else f"All {total} are Synced and Healthy."
        )
    verb = "needs" if len(bad) == 1 else "need"
    return f"{len(bad)} of {total} {verb} attention. {sentence(max(bad, key=badness), now)}"


def operation_words(app: Application, now: datetime) -> str:
    """Say what the operation of *app* is doing now; empty when none is in progress."""
    operation = app.operation
    if operation is None or not operation.running:
        return ""
    what = "a dry run" if operation.dry_run else "a sync"
    if operation.phase == "Queued":
        return f"{what} was requested and has not begun"
    if operation.phase == "Terminating":
        return f"{what} is being terminated"
    if operation.waiting_for_retry:
        return f"{what} failed and waits for its next attempt"
    if operation.awaits_confirmation:
        return f"{what} waits until pruning is confirmed"
    if operation.held:
        return f"{what} waits for a sync window"
    took = times.duration(operation.started_at, now)
    hook = operation.message.partition("waiting for completion of hook ")[2]
    if hook:
        so_far = f", for {took} so far" if took else ""
        return f"{what} waits for the hook {text.line(hook, 80)}{so_far}"
    again = f", attempt {operation.retries + 1}" if operation.retries else ""
    return (f"{what} has been running for {took}" if took else f"{what} is running") + again


def never_compared(app: Application) -> bool:
    """Say whether Argo CD has not looked at *app* yet."""
    silent = app.reconciled_at is None and not app.conditions and not app.revisions
    return silent and not badges.compared(app.facts.sync)


def tone(states: Sequence[AppState]) -> str:
    """Give the tone of the worst of *states*."""
    if not states:
        return "unknown"
    worst = max(states, key=badness)
    health = badges.health_badge(worst.present_health, worst.present_sync)
    if worst.failed:
        return "bad"
    if worst.stale:
        return "unknown" if health.tone in {"good", "busy"} else health.tone
    if health.tone != "good":
        return health.tone
    if worst.needs_attention:
        sync = badges.sync_badge(worst.present_sync)
        return sync.tone if sync.tone != "good" else "drift"
    return "busy" if any(state.busy for state in states) else "good"


def badness(state: AppState) -> tuple[bool, bool, int, int]:
    """Give what orders applications by how urgently somebody has to look at them."""
    return (
        state.needs_attention,
        state.failed,
        health_rank(state.present_health),
        sync_rank(state.present_sync),
    )


def _last_known(state: AppState, name: str) -> str:
    if (state.sync or "Unknown") == (state.health or "Unknown") == "Unknown":
        return f"{name} cannot be read now, and nothing is known of it."
    return f"{name} cannot be read now; it was last known as {_words(state)}."


def _words(state: AppState) -> str:
    sync, health = state.present_sync, state.present_health
    health = badges.health_badge(health, sync).word
    return text.line(sync, 40) if sync == health else f"{text.line(sync, 40)} and {health}"


def _because(app: Application) -> str:
    failure = _operation(app)
    # What failed to be deployed is missing because of that; what is degraded is so by itself.
    explains = badges.compared(app.facts.sync) and not any(map(_sick, app.resources))
    first = failure if explains else ""
    reasons = (first, _resources(app), _conditions(app), failure, _hydration(app))
    for reason in (*reasons, app.health_message):
        if reason:
            return f": {text.sentence(reason, 200)}"
    return "."


def _sick(resource: Resource) -> bool:
    return unhealthy(resource) and resource.health != "Missing"


def _resources(app: Application) -> str:
    if not badges.compared(app.facts.sync):
        return ""
    own = app.facts.health
    causes = [r for r in app.resources if unhealthy(r)]
    if not causes and own in {"Progressing", "Suspended"}:
        causes = [r for r in app.resources if r.health == own and not r.hook]
    causes = causes or [r for r in app.resources if differs(r)]
    causes = sorted(causes, key=lambda r: (-health_rank(r.health or "Healthy"), r.kind, r.name))
    named = [_cause(resource) for resource in causes[:_CAUSES]]
    if len(causes) > _CAUSES:
        named.append(f"and {len(causes) - _CAUSES} more")
    return "; ".join(named)


def _cause(resource: Resource) -> str:
    name = f"{text.line(resource.kind, 60)} {text.line(resource.name, 80)}".strip()
    if not resource.health_message:
        return name if resource.health in {None, "", "Healthy"} else f"{name}, {resource.health}"
    # Kubernetes' own words for a reason (ImagePullBackOff) say more than the prose around them.
    reason = _REASON.search(resource.health_message)
    message = resource.health_message.removeprefix(f'{resource.kind} "{resource.name}" ')
    words = reason[0] if reason else text.line(message.split("\n")[0], 80)
    return f"{name}, {words}"


def _conditions(app: Application) -> str:
    for condition in app.conditions:
        if condition.severity == "error":
            # Argo CD's servers wrap each other's words; the last says what it is about.
            cause = condition.message.rpartition(" desc = ")[2]
            return f"{text.line(condition.type, 60)}, {text.line(cause, 120)}"
    return ""


def _operation(app: Application) -> str:
    operation = app.operation
    if operation is None or operation.phase not in {"Failed", "Error"}:
        return ""
    words = text.line(operation.message.rpartition(" desc = ")[2], 120)
    for result in operation.results:
        if result.failed:
            name = f"{text.line(result.kind, 60)} {text.line(result.name, 80)}"
            words = f"{name}, {text.line(result.message, 120)}".rstrip(", ")
            break
    what = "dry run" if operation.dry_run else "sync"
    return f"the last {what} failed" + (f", {words}" if words else "")


def _hydration(app: Application) -> str:
    if app.hydration is None or app.hydration.phase != "Failed":
        return ""
    words = text.line(app.hydration.message.rpartition(" desc = ")[2], 120)
    return "the newest commit could not be hydrated" + (f", {words}" if words else "")
