"""
What can be done to an application, by whom, and why not now (A9, P3). Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any

import attrs

from ..hookspecs import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import ArgoCDError
    from ..hookspecs import Role
    from ..models import Application, Deployment, Resource

SYNC = "argocd:sync"
HARD_SYNC = "argocd:hard-sync"
DRY_RUN = "argocd:dry-run"
HARD_DRY_RUN = "argocd:hard-dry-run"
REFRESH = "argocd:refresh"
HARD_REFRESH = "argocd:hard-refresh"
TERMINATE = "argocd:terminate"
ROLLBACK = "argocd:rollback"
"""Followed by ``:`` and the number of the deployment, as an action's id."""

ACTION_ROLE: Role = "developer"
"""Least role for every action on an application (A2 to A4, A8)."""

MORE = "more"
REHEARSAL = "rehearsal"
"""Parts: what is seldom needed, and what only tries out another action."""

_NAMED = 5
_NEEDS_SYNC = "the token of this instance lacks the right applications, sync in Argo CD"
_LEFT_ALONE = (
    "Argo CD is told to leave this application alone (annotation skip-reconcile), so it would "
    "never begin"
)
_NOT_ENDED = {
    "Queued": "it has not begun, and Argo CD ends only what has",
    "Terminating": "it is being ended already",
}
"""Phases of an operation in which there is no point in ending it."""


@attrs.frozen(kw_only=True)
class Offer:
    """
    One action as it is offered for one application.

    Attributes:
        id: One of the constants above; of a rollback with the number of the deployment.

        label: On the button.

        part: What it belongs to: empty for the application as a whole, ``more`` for what is
            seldom needed, ``rehearsal`` for what only tries out another action, and
            ``history/3`` for the deployment number 3.

        icon: Name of an icon.

        destructive: It can delete something.

        confirmation: What exactly will happen, to be confirmed first. None when nothing needs to.

        available: It would be tried now.

        reason: Why it is not available. Empty when it is.

        rehearsal: Id of the action that says what this one would do, and changes nothing. Empty
            when there is none.
    """

    id: str
    label: str
    icon: str
    part: str = ""
    destructive: bool = False
    confirmation: str | None = None
    available: bool = True
    reason: str = ""
    rehearsal: str = ""


@attrs.frozen(kw_only=True)
class Standing:
    """
    What has to be asked besides the application itself to know what is possible.

    Attributes:
        may_sync: The token has the right. None when that is not known.

        window: Why no sync is possible now. Empty when none is closed, or that is not known.

        narrowed: Says of an action (``sync``) why the configuration does not let this person do
            it here; an empty text when it does.
    """

    may_sync: bool | None = None
    window: str = ""
    narrowed: Callable[[str], str] = lambda _: ""


NOTHING_KNOWN = Standing()


def rollback_number(action: str) -> int | None:
    """Read the number of the deployment from the id of a rollback; None for other actions."""
    name, _, number = action.rpartition(":")
    return int(number) if name == ROLLBACK and number.isascii() and number.isdigit() else None


def has_role(role: str, least: Role) -> bool:
    """Say whether *role* is *least* or more; an unknown role is none."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


def offers(
    application: Application | None,
    error: ArgoCDError | None,
    role: str,
    standing: Standing = NOTHING_KNOWN,
) -> Sequence[Offer]:
    """
    List what somebody of *role* may do to an application.

    Args:
        application: As it is now. None when it could not be fetched.

        error: Why it could not.

        role: Gantry role of the viewer.

        standing: What else was asked.
    """
    why_not = _Reasons(application, _blocked(application, error, role), standing)
    found = [
        *_syncs(application, why_not),
        _offer(REFRESH, "Refresh", "refresh", why_not.refresh()),
        _offer(HARD_REFRESH, "Hard Refresh", "refresh", why_not.refresh(), part=MORE),
    ]
    if application is None:
        return found
    if _running(application):
        terminate = why_not.terminate()
        says = _terminate_says(application, standing)
        found.append(
            _offer(
                TERMINATE, "Terminate", "terminate", terminate, destructive=True, confirmation=says
            )
        )
    return [*found, *_rollbacks(application, why_not.rollback())]


def _syncs(application: Application | None, why_not: _Reasons) -> list[Offer]:
    trying = why_not.sync("dry-run")
    return [
        _offer(SYNC, "Sync", "sync", why_not.sync("sync"), confirmation=_sync_says(application)),
        _offer(
            HARD_SYNC,
            "Hard Sync",
            "hard-sync",
            why_not.sync("hard-sync"),
            destructive=True,
            confirmation=_hard_sync_says(application),
            rehearsal=HARD_DRY_RUN,
        ),
        _offer(DRY_RUN, "Dry Run", "sync", trying, part=MORE),
        _offer(HARD_DRY_RUN, "Dry Run", "sync", trying, part=REHEARSAL),
    ]


def _rollbacks(application: Application, reason: str) -> list[Offer]:
    return [
        _offer(
            f"{ROLLBACK}:{entry.id}",
            "Roll back",
            "rollback",
            reason,
            part=f"history/{entry.id}",
            destructive=True,
            confirmation=_rollback_says(entry),
        )
        for entry in application.history
    ]


def _offer(action: str, label: str, icon: str, reason: str, **more: Any) -> Offer:
    return Offer(id=action, label=label, icon=icon, available=not reason, reason=reason, **more)


@attrs.frozen
class _Reasons:
    """Why each kind of action is not possible; an empty text when it is."""

    application: Application | None
    blocked: str
    standing: Standing

    def sync(self, action: str) -> str:
        """Of whatever needs Argo CD to begin an operation."""
        reason = self._right(action)
        if reason or self.application is None:
            return reason
        if _running(self.application):
            return "an operation is in progress"
        if self.application.left_alone:
            return _LEFT_ALONE
        return self.standing.window

    def refresh(self) -> str:
        """Of a comparison."""
        reason = self.blocked or self.standing.narrowed("refresh")
        if reason or self.application is None:
            return reason
        return _LEFT_ALONE if self.application.left_alone else ""

    def terminate(self) -> str:
        """Of ending an operation, which Argo CD does only with one that has begun."""
        operation = self.application.operation if self.application else None
        phase = operation.phase if operation else ""
        return self._right("terminate") or _NOT_ENDED.get(phase, "")

    def rollback(self) -> str:
        """Of going back in the history."""
        reason = self.sync("rollback")
        if reason or self.application is None or self.application.auto_sync is None:
            return reason
        return (
            "Argo CD syncs this application by itself and would undo it: turn auto-sync off "
            "first, or revert the change in Git"
        )

    def _right(self, action: str) -> str:
        if reason := self.blocked or self.standing.narrowed(action):
            return reason
        return _NEEDS_SYNC if self.standing.may_sync is False else ""


def _running(application: Application) -> bool:
    return application.operation is not None and application.operation.running


def _blocked(application: Application | None, error: ArgoCDError | None, role: str) -> str:
    """Say why nothing at all can be done; empty when something can."""
    if not has_role(role, ACTION_ROLE):
        return f"needs the role {ACTION_ROLE} or higher"
    if error is not None:
        return f"the application cannot be reached now: {error.message}"
    if application is None:
        return "the state of the application is not known"
    if application.deleting:
        return "the application is being deleted"
    return ""


# --- what will happen, in numbers and names ---


def _sync_says(application: Application | None) -> str | None:
    """Say what a plain sync waits for; None when there is nothing to confirm."""
    waiting = [r for r in application.resources if r.prune_confirmation] if application else []
    if not waiting:
        return None
    return f"Applies what is in the source. {_waits_for(waiting)}"


def _waits_for(waiting: Sequence[Resource]) -> str:
    return (
        f"Argo CD deletes {_named(waiting)} only when somebody confirms that there, and every "
        "sync stays in progress until then; it can be terminated."
    )


def _terminate_says(application: Application, standing: Standing) -> str:
    text = "Ends the running operation. What it has applied so far stays applied."
    operation = application.operation
    # A window that lets manual syncs through may hold an automated one.
    if standing.window or (operation is not None and operation.held):
        text += " A sync window is closed: it will be terminating until the window opens."
    return text


def _rollback_says(entry: Deployment) -> str:
    """Say what going back to *entry* does."""
    when = (
        f" of {entry.deployed_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if entry.deployed_at else ""
    )
    what = " and ".join(revision[:40] for revision in entry.revisions)
    return (
        f"Deploys again what deployment number {entry.id}{when} deployed"
        + (f": {what}. " if what else ". ")
        + "Hooks are skipped and nothing is deleted. The application is OutOfSync afterwards, "
        "until its source says the same."
    )


def _hard_sync_says(application: Application | None) -> str:
    """Say in numbers and names what a hard sync will do."""
    if application is None or application.comparison_failed:
        return (
            "Deletes resources that are no longer in the source, and applies all others by force. "
            "Which ones is not known now."
        )
    doomed = [resource for resource in application.resources if resource.prune]
    parts = [
        f"Deletes {_count(len(doomed), 'resource')} that {_is(len(doomed))} no longer in the "
        f"source: {_named(doomed)}. What is marked Prune=false stays."
        if doomed
        else "Deletes nothing as far as is known now: no resource has left the source."
    ]
    kept = [r for r in application.resources if not r.prune and not r.hook]
    parts.append(
        f"Applies {_count(len(kept), 'resource')} by force: what cannot be changed is deleted "
        "and created anew, which can interrupt the service. Hooks run."
    )
    if "ServerSideApply=true" in application.sync_options:
        parts.append(
            "The application uses ServerSideApply=true; from Argo CD 3.0 on force then fails for "
            "every resource."
        )
    if waiting := [r for r in doomed if r.prune_confirmation]:
        parts.append(_waits_for(waiting))
    return " ".join(parts)


def _named(resources: Sequence[Resource]) -> str:
    names = [f"{r.kind} {r.name}" for r in resources[:_NAMED]]
    more = len(resources) - _NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
