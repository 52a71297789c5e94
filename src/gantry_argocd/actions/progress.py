"""
How far the last operation of an application is, in one word and one sentence. Pure.

A request that Argo CD has taken is no success, and neither is an operation that has ended: health
follows later (``argocd-api.md`` section 6.1).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from ..models import ABANDONED

if TYPE_CHECKING:
    from datetime import datetime

    from ..models import Application, Operation, ResourceResult

SETTLES_WITHIN = timedelta(minutes=10)
"""How long after a sync a progressing application is said to be settling because of it."""

_NAMED = 10
_UNCLEAR = ("serverside-applied", "reconciled")
"""What Argo CD says of resources that it applies by the server, and of RBAC, changed or not."""


@attrs.frozen(kw_only=True)
class Progress:
    """
    How far it is.

    Attributes:
        state: ``none``, ``queued``, ``running``, ``waiting-for-confirmation``,
            ``waiting-for-retry``, ``blocked``, ``terminating``, ``settling``, ``succeeded`` or
            ``failed``.

        message: One sentence.

        done: Nothing more is to be expected.
    """

    state: str
    message: str
    done: bool

    def as_json(self) -> dict[str, Any]:
        """Give it as REST has it."""
        return attrs.asdict(self)


def progress(application: Application, now: datetime) -> Progress:
    """Say how far the last operation of *application* is."""
    operation = application.operation
    if operation is None:
        return Progress(state="none", message="No operation was ever run.", done=True)
    what = "dry run" if operation.dry_run else "operation"
    if operation.running:
        return _running(operation, what)
    said = f": {operation.message}" if operation.message else "."
    if operation.phase == ABANDONED:
        message = f"The {what} was taken away before it ended{said}"
        return Progress(state="failed", message=message, done=True)
    if operation.phase != "Succeeded":
        return Progress(state="failed", message=f"The {what} failed{said}", done=True)
    if operation.selected and not operation.results:
        message = "Nothing was done: the selection matched no resource."
        return Progress(state="failed", message=message, done=True)
    if operation.dry_run:
        return Progress(state="succeeded", message=rehearsed(operation), done=True)
    if _settling(application, operation, now):
        return Progress(state="settling", message="Synced; health is still settling.", done=False)
    health = application.facts.health
    return Progress(state="succeeded", message=f"Synced; health is {health}.", done=True)


def _running(operation: Operation, what: str) -> Progress:
    said = f": {operation.message}" if operation.message else "."
    if operation.phase == "Terminating":
        return Progress(state="terminating", message=f"The {what} is being ended{said}", done=False)
    if operation.phase == "Queued":
        message = f"The {what} is requested and has not begun."
        return Progress(state="queued", message=message, done=False)
    if operation.waiting_for_retry:
        message = f"An attempt failed, and the next will follow{said}"
        return Progress(state="waiting-for-retry", message=message, done=False)
    state = "running"
    if operation.held:
        state = "blocked"
    elif operation.awaits_confirmation:
        state = "waiting-for-confirmation"
    sentences = {
        "running": f"The {what} is running{said}",
        "blocked": f"The {what} waits for a sync window{said}",
        "waiting-for-confirmation": f"The {what} waits until somebody confirms in Argo CD that "
        f"resources are deleted{said}",
    }
    return Progress(state=state, message=sentences[state], done=False)


def rehearsed(operation: Operation) -> str:
    """Say what a dry run found: what it would change, and what it would delete."""
    plain = [item for item in operation.results if not item.hook_type]
    deleted = [item for item in plain if item.status == "Pruned"]
    synced = [item for item in plain if item.status == "Synced"]
    # Argo CD says "unchanged (dry run)", and "ignored (…)" of what it would leave alone.
    stays = ("unchanged", "ignored", *_UNCLEAR)
    changed = [item for item in synced if not any(word in item.message for word in stays)]
    unclear = [item for item in synced if any(word in item.message for word in _UNCLEAR)]
    parts = [f"It would change {_named(changed) if changed else 'nothing'}"]
    if unclear:
        parts = [f"It would change {_named(changed)}"] if changed else []
        parts.append(f"Argo CD does not say whether it would change {_named(unclear)}")
    if deleted:
        parts.append(f"with prune it would delete {_named(deleted)}")
    return f"{'; '.join(parts)}."


def _named(items: list[ResourceResult]) -> str:
    names = ", ".join(f"{item.kind} {item.name}" for item in items[:_NAMED])
    return names + (f" and {len(items) - _NAMED} more" if len(items) > _NAMED else "")


def _settling(application: Application, operation: Operation, now: datetime) -> bool:
    if application.facts.health != "Progressing":
        return False
    ended = operation.finished_at
    return ended is None or now - ended < SETTLES_WITHIN
