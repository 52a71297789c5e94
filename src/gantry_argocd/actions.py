"""
What can be done to an application, by whom, and why not now (A9, P3). Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from .hookspecs import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .errors import ArgoCDError
    from .hookspecs import Role
    from .models import Application, Resource

SYNC = "argocd:sync"
HARD_SYNC = "argocd:hard-sync"
REFRESH = "argocd:refresh"
TERMINATE = "argocd:terminate"

ACTION_ROLE: Role = "developer"
"""Least role for every action on an application (A2 to A4, A8)."""

_NAMED = 5


@attrs.frozen(kw_only=True)
class Offer:
    """
    One action as it is offered for one application.

    Attributes:
        id: One of the constants above.

        label: On the button.

        icon: Name of an icon.

        destructive: It can delete something.

        confirmation: What exactly will happen, to be confirmed first. None when nothing needs to.

        available: It would be tried now.

        reason: Why it is not available. Empty when it is.
    """

    id: str
    label: str
    icon: str
    destructive: bool = False
    confirmation: str | None = None
    available: bool = True
    reason: str = ""


def has_role(role: str, least: Role) -> bool:
    """Say whether *role* is *least* or more; an unknown role is none."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(least)


def offers(
    application: Application | None, error: ArgoCDError | None, role: str
) -> Sequence[Offer]:
    """
    List what somebody of *role* may do to an application.

    Args:
        application: As it is now. None when it could not be fetched.

        error: Why it could not.

        role: Gantry role of the viewer.
    """
    running = application is not None and _running(application)
    blocked = _blocked(application, error, role)
    busy = "an operation is in progress" if running else ""
    found = [
        _offer(SYNC, "Sync", "sync", blocked or busy),
        _offer(
            HARD_SYNC,
            "Hard Sync",
            "hard-sync",
            blocked or busy,
            destructive=True,
            confirmation=_hard_sync_says(application),
        ),
        _offer(REFRESH, "Refresh", "refresh", blocked),
    ]
    if running:
        found.append(
            _offer(
                TERMINATE,
                "Terminate",
                "terminate",
                blocked,
                destructive=True,
                confirmation="Ends the running operation. What it has applied so far stays "
                "applied.",
            )
        )
    return found


def _offer(
    action: str,
    label: str,
    icon: str,
    reason: str,
    *,
    destructive: bool = False,
    confirmation: str | None = None,
) -> Offer:
    return Offer(
        id=action,
        label=label,
        icon=icon,
        destructive=destructive,
        confirmation=confirmation,
        available=not reason,
        reason=reason,
    )


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


def _hard_sync_says(application: Application | None) -> str:
    """Say in numbers and names what a hard sync will do."""
    if application is None:
        return (
            "Deletes resources that are no longer in the source, and applies all others by force."
        )
    doomed = [resource for resource in application.resources if resource.prune]
    parts = [
        f"Deletes {_count(len(doomed), 'resource')} that {_is(len(doomed))} no longer in the "
        f"source: {_named(doomed)}."
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
    return " ".join(parts)


def _named(resources: Sequence[Resource]) -> str:
    names = [f"{r.kind} {r.name}" for r in resources[:_NAMED]]
    more = len(resources) - _NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
