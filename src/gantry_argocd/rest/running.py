"""
Actions as a host runs them for somebody who pressed a button: whatever happens is an outcome.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from .. import errors
from ..actions import offers as actions
from ..actions.request import SyncRequest
from .bodies import action_object

if TYPE_CHECKING:
    from ..hookspecs import Outcome, User
    from ..models import Facts
    from ..operations.deeds import Done
    from ..operations.following import Deed
    from ..runtime import Runtime

_FORMS = uuid.UUID("5b0f2d5c-6f0a-4b61-9f3e-0d5a2f4c8e11")
_SYNCS = {
    actions.SYNC: SyncRequest(),
    actions.HARD_SYNC: SyncRequest(prune=True, force=True),
    # What a hard sync would delete is what people want to see.
    actions.DRY_RUN: SyncRequest(prune=True, dry_run=True),
    actions.HARD_DRY_RUN: SyncRequest(prune=True, force=True, dry_run=True),
}
_WORDS = {
    actions.SYNC: "sync requested",
    actions.HARD_SYNC: "hard sync requested",
    actions.DRY_RUN: "dry run requested; its results say what would change",
    actions.HARD_DRY_RUN: "dry run of a hard sync requested; its results say what would change",
    actions.TERMINATE: "the operation is being ended",
}


def run_once(
    runtime: Runtime, facts: Facts, ref: str, action: str, user: User, request_id: str
) -> Outcome:
    """
    Do an action for a form that may be sent twice.

    A sync is requested once, also when a restart or another replica comes in between: Argo CD
    keeps the id with the operation.
    """
    form = f"{request_id}\n{user['name']}\n{ref}\n{action}".encode(errors="replace")
    own = str(uuid.uuid5(_FORMS, form.decode()))
    return run_action(runtime, facts, ref, action, user, own if request_id else "")


def run_action(
    runtime: Runtime, facts: Facts, ref: str, action: str, user: User, request_id: str = ""
) -> Outcome:
    """Do an action."""
    name = action.rpartition("argocd:")[2].partition(":")[0]
    try:
        with runtime.operations.on_record(name, user, ref, request_id) as deed:
            runtime.check_ready()
            if not actions.has_role(user["role"], actions.ACTION_ROLE):
                raise errors.RoleTooLow(f"needs the role {actions.ACTION_ROLE} or higher")
            done, words = _do(runtime, deed, facts, action)
    except errors.GantryArgoCDError as error:
        text = f"{error} {error.help}" if error.help else str(error)
        return {"ok": False, "message": text, "status": error.status, "body": error.as_json()}
    message = " ".join((f"{facts.key.name} on {facts.key.instance}: {words}.", *done.notes))
    body = action_object(done, runtime)
    return {"ok": True, "message": message, "status": 200 if done.ended else 202, "body": body}


def _do(runtime: Runtime, deed: Deed, facts: Facts, action: str) -> tuple[Done, str]:
    doing = runtime.operations
    if action in _SYNCS:
        return doing.sync(deed, facts, _SYNCS[action]), _WORDS[action]
    if action == actions.TERMINATE:
        return doing.terminate(deed, facts), _WORDS[action]
    if (number := actions.rollback_number(action)) is not None:
        done = doing.rollback(deed, facts, number)
        return done, f"rollback to deployment number {number} requested"
    done = doing.refresh(deed, facts, hard=action == actions.HARD_REFRESH)
    found = done.fetched.application.facts
    return done, f"refreshed, and {found.sync}" if done.ended else "refresh requested"
