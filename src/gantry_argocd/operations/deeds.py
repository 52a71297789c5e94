"""
What people do to one application: checked, sent once, on record, and followed to its end.

A request that Argo CD has taken is no success (``argocd-api.md`` section 6.1), and one that was
not answered may have been taken all the same: it is looked for, and never repeated.
"""

from __future__ import annotations

import logging
import threading
import uuid
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import attrs

from .. import errors
from ..actions.request import settle, warnings
from ..concurrency import Gate
from ..instances.hub import Fetched, Hub
from ..settings import Place, why_not
from ..wire import release_of
from .following import Deed, Followers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from ..actions.request import SyncRequest
    from ..catalogue.ledger import Ledger
    from ..client.calls import Client
    from ..hookspecs import User
    from ..models import Application, Facts
    from ..refs import AppKey
    from ..settings import PolicyRule
    from .applications import Applications
    from .rights import Standings

LOG = logging.getLogger("gantry_argocd")

_UNKNOWN_FATE = (
    errors.TimedOut,
    errors.Unreachable,
    errors.ServerFailed,
    errors.Malformed,
    errors.NotArgoCD,
)
_NEVER_SENT = (errors.UnknownHost, errors.Refused, errors.TLSFailed)
"""No connection was made, so nothing can have been done."""


@attrs.frozen(kw_only=True)
class Done:
    """
    What is to be answered.

    Attributes:
        fetched: The application as it is now.

        ended: Nothing more is to be expected of a refresh.

        notes: Sentences that people have to know.

        request_id: Correlation id of the action, as it is on record.
    """

    fetched: Fetched
    request_id: str
    ended: bool = True
    notes: tuple[str, ...] = ()


class Operations:
    """
    Does it.

    Args:
        hub: The instances.

        ledger: What is known, the catalogue, and the host's trail.

        applications: Learns what is found on the way.

        standings: Whether a sync window is closed.

        policy: Who may act where.

        now: The time, aware.

        stop: Set when all work is to end.

    Attributes:
        under_way: What people have asked for and wait for.
    """

    def __init__(
        self,
        hub: Hub,
        ledger: Ledger,
        applications: Applications,
        standings: Standings,
        policy: Sequence[PolicyRule],
        *,
        now: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._hub = hub
        self._ledger = ledger
        self._applications = applications
        self._standings = standings
        self._policy = policy
        self._now = now
        self._followers = Followers(hub, applications, self._record, stop=stop)
        self.under_way = Gate()

    # --- who may, and what is known of it afterwards ---

    def place(self, facts: Facts) -> Place:
        """Say where an app is, for the policy; the catalogue is read once at most."""
        return Place(
            instance=facts.key.instance,
            project=facts.project,
            namespace=facts.destination.namespace,
            owner=cache(lambda: self._ledger.owner(facts.key)),
        )

    def why_not(self, action: str, user: User, place: Place) -> str:
        """Say why the configuration leaves *action* to others; empty when it does not."""
        return why_not(self._policy, action, user, place)

    @contextmanager
    def on_record(
        self, action: str, user: User, asked: str, request_id: str = ""
    ) -> Iterator[Deed]:
        """Write into the host's trail how an action began, a refused one too (A8)."""
        deed = Deed(
            action=f"argocd.{action}",
            user=user,
            asked=asked,
            began=self._now(),
            request_id=request_id or str(uuid.uuid4()),
            form=bool(request_id),
        )
        try:
            with self.under_way:
                yield deed
        except _UNKNOWN_FATE as failure:
            taken = deed.sent and not isinstance(failure, _NEVER_SENT)
            self._record(deed, "unknown" if taken else "refused", str(failure))
            if taken:
                self._follow(deed)
            raise
        except errors.GantryArgoCDError as refusal:
            self._record(deed, "refused", str(refusal))
            raise
        self._record(deed, "requested", "")

    def _record(self, deed: Deed, outcome: str, message: str) -> None:
        took = (self._now() - deed.began).total_seconds()
        key = deed.key
        record = {
            "action": deed.action,
            "user": {"name": deed.user["name"], "role": deed.user["role"]},
            "app": key.ref(self._hub.source(key.instance).own_namespace) if key else None,
            "asked": None if key else deed.asked[:400],
            "options": deed.options,
            "requestId": deed.request_id,
            "outcome": outcome,
            "message": message,
            "durationMs": max(round(took * 1000), 0),
        }
        try:
            self._ledger.audit({name: value for name, value in record.items() if value}, key)
        except Exception as failure:  # noqa: BLE001  what was done is done, and has to be answered
            LOG.error("not on record: %s %s: %s", deed.action, outcome, type(failure).__name__)  # noqa: TRY400

    def _follow(self, deed: Deed) -> None:
        if self._ledger.writes:
            self._followers.follow(deed)

    def take_over(self, before: Operations) -> None:
        """Follow to its end what was begun under the configuration *before*."""
        for deed in before._followers.pending():
            if deed.key is not None and self._is_same(deed.key, before):
                self._follow(deed)

    def _is_same(self, key: AppKey, before: Operations) -> bool:
        try:
            here = self._hub.source(key.instance)
        except errors.UnknownInstance:
            return False
        return here.origin == before._hub.source(key.instance).origin

    # --- actions ---

    def sync(self, deed: Deed, facts: Facts, request: SyncRequest) -> Done:
        """
        Request a sync and follow it in the background.

        Raises:
            ArgoCDError: If Argo CD refused, or it is not known whether it accepted.

            BadRequest: If the request means nothing for this application.

            PolicyForbids: If the configuration leaves it to others.
        """
        key, project = facts.key, facts.project
        deed.options = request.told()
        deed.action = f"argocd.{request.action}"
        self._allow(deed, request.action, facts)
        notes: tuple[str, ...] = ()
        if deed.form or request.needs_application:
            known = self._hub.fetch(key, project)
            operation = known.application.operation
            if deed.form and operation and operation.request_id == deed.request_id:
                return Done(
                    request_id=deed.request_id,
                    fetched=known,
                    notes=("It had been requested already.",),
                )
            request, notes = settle(request, known.application)
            deed.options = request.told()
        request = attrs.evolve(request, request_id=deed.request_id, requested_by=deed.user["name"])
        client = self._hub.client(key.instance)
        if request.revisions:
            _check_chooses(client)
        deed.sent = True
        try:
            fetched = self._hub.read(key, client.sync(key, project, request))
        except _UNKNOWN_FATE as failure:
            # It may have come through all the same: the application tells.
            fetched = self._look_for(deed, project, failure)
        except errors.OperationRunning as refusal:
            fetched = self._whose(deed, project, refusal)
        except errors.Blocked as refusal:
            raise self._named(refusal, key, project) from None
        self._follow(deed)
        return Done(
            request_id=deed.request_id,
            fetched=fetched,
            notes=notes + warnings(request, fetched.application),
        )

    def rollback(
        self, deed: Deed, facts: Facts, number: int, *, prune: bool = False, dry_run: bool = False
    ) -> Done:
        """Request that a deployment of the history is deployed again, and follow it."""
        key, project = facts.key, facts.project
        told = {"id": number, "prune": prune, "dryRun": dry_run}
        deed.options = {name: value for name, value in told.items() if value is not False}
        self._allow(deed, "rollback", facts)
        before = self._hub.fetch(key, project).application
        self._check_rollback(before, number, key, project)
        client = self._hub.client(key.instance)
        deed.before, deed.sent = before.operation, True
        try:
            answer = client.rollback(key, project, number, prune=prune, dry_run=dry_run)
            fetched = self._hub.read(key, answer)
        except _UNKNOWN_FATE as failure:
            fetched = self._look_for(deed, project, failure)
        except errors.OperationRunning as refusal:
            fetched = self._whose(deed, project, refusal)
        self._follow(deed)
        note = "Hooks are skipped."
        if not dry_run:
            note = "Hooks are skipped; the application is OutOfSync afterwards."
        return Done(request_id=deed.request_id, fetched=fetched, notes=(note,))

    def _check_rollback(self, app: Application, number: int, key: AppKey, project: str) -> None:
        """Refuse what Argo CD would, and what it would only hold up: it asks no sync window."""
        if app.auto_sync is not None:
            raise errors.Conflict(errors.ROLLBACK_UNDER_AUTO_SYNC, instance=key.instance)
        known = [entry.id for entry in app.history]
        if number not in known:
            there = f"it has {', '.join(map(str, known))}" if known else "it is empty"
            raise errors.BadRequest(f"the history has no deployment number {number}: {there}")
        if window := self._standings.window(key, project):
            raise errors.Blocked(window, instance=key.instance)

    def refresh(self, deed: Deed, facts: Facts, *, hard: bool = False) -> Done:
        """Let Argo CD compare an application anew; a hard one makes its manifests anew as well."""
        key, project = facts.key, facts.project
        deed.options = {"hard": True} if hard else {}
        self._allow(deed, "refresh", facts)
        deed.sent = True
        notes: tuple[str, ...] = ()
        try:
            kind = "hard" if hard else "normal"
            fetched = self._hub.fetch(key, project, refresh=kind)
        except (errors.TimedOut, errors.Broken, errors.Unavailable) as failure:
            # The request stands in the Application; the controller carries it out when it can.
            fetched = self._hub.fetch(key, project)
            if not (fetched.application.refreshing or isinstance(failure, errors.TimedOut)):
                raise
            notes = (_unfinished(fetched.application),)
        self._applications.learn(fetched)
        return Done(request_id=deed.request_id, fetched=fetched, ended=not notes, notes=notes)

    def terminate(self, deed: Deed, facts: Facts) -> Done:
        """Request the end of the running operation."""
        key, project = facts.key, facts.project
        self._allow(deed, "terminate", facts)
        deed.sent = True
        try:
            self._hub.client(key.instance).terminate(key, project)
            fetched = self._hub.fetch(key, project)
        except errors.Conflict as refusal:
            raise self._not_begun(deed, project, refusal) from None
        except _UNKNOWN_FATE as failure:
            fetched = self._hub.fetch(key, project)
            operation = fetched.application.operation
            if operation is None or operation.phase != "Terminating":
                raise failure from None
        self._follow(deed)
        window = self._standings.window(key, project)
        operation = fetched.application.operation
        if not window and operation is not None and operation.held:
            window = "a sync window of the project holds it"
        notes = (f"It will be terminating until the window opens: {window}.",) if window else ()
        return Done(request_id=deed.request_id, fetched=fetched, notes=notes)

    def _allow(self, deed: Deed, action: str, facts: Facts) -> None:
        deed.key, deed.project = facts.key, facts.project
        if reason := self.why_not(action, deed.user, self.place(facts)):
            raise errors.PolicyForbids(reason)

    # --- what Argo CD has taken ---

    def _look_for(self, deed: Deed, project: str, failure: errors.ArgoCDError) -> Fetched:
        """Find the operation whose request was not answered, or say that it was not."""
        if isinstance(failure, _NEVER_SENT):
            raise failure
        fetched = self._present(deed, project, failure)
        operation = fetched.application.operation
        if operation is None or not deed.is_about(operation):
            raise failure
        return fetched

    def _whose(self, deed: Deed, project: str, refusal: errors.OperationRunning) -> Fetched:
        """Say who began the operation that is in the way; ours, sent twice, is no refusal."""
        fetched = self._present(deed, project, refusal)
        operation = fetched.application.operation
        if operation is None or not operation.running:
            raise refusal
        if operation.request_id == deed.request_id:
            return fetched
        who = operation.initiator or ("Argo CD itself" if operation.automated else "somebody")
        since = f" since {operation.started_at:%H:%M:%S} UTC" if operation.started_at else ""
        raise errors.OperationRunning(
            f"another operation is already in progress: {who} began it{since}",
            instance=refusal.instance,
        )

    def _not_begun(self, deed: Deed, project: str, refusal: errors.Conflict) -> errors.Conflict:
        """Say why nothing could be ended: Argo CD ends only what has begun."""
        operation = self._present(deed, project, refusal).application.operation
        if operation is None or operation.phase != "Queued":
            return refusal
        return errors.Conflict(
            "the operation is requested and has not begun, and Argo CD ends only what has",
            instance=refusal.instance,
        )

    def _present(self, deed: Deed, project: str, failure: errors.ArgoCDError) -> Fetched:
        assert deed.key is not None  # noqa: S101  it was allowed before it was sent
        try:
            return self._hub.fetch(deed.key, project)
        except errors.ArgoCDError:
            raise failure from None

    def _named(self, refusal: errors.Blocked, key: AppKey, project: str) -> errors.Blocked:
        """Say which window it is, where Argo CD tells."""
        window = self._standings.window(key, project)
        return errors.Blocked(window, instance=key.instance) if window else refusal


def _check_chooses(client: Client) -> None:
    """Refuse to choose the revision of one source where Argo CD would ignore it."""
    try:
        release = release_of(client.version())
    except errors.ArgoCDError:
        return  # The sync itself says what is wrong.
    if release is not None and release < (2, 11):
        raise errors.Rejected(
            f"Argo CD {release[0]}.{release[1]} cannot sync one of several sources to a revision "
            "of its own, and would ignore it; 2.11 and later can",
            instance=client.name,
        )


def _unfinished(application: Application) -> str:
    if application.left_alone:
        return (
            "The refresh was requested, but Argo CD is told to leave this application alone "
            "(annotation skip-reconcile): it will not happen until that is taken away."
        )
    return "The refresh was requested and has not ended yet."
