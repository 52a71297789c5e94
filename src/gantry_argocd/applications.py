"""
One application at a time: who is meant by a name, its state, and what is done to it.
"""

from __future__ import annotations

import logging
import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from . import errors
from .client import SyncRequest
from .correlation import Answer, Outcome
from .hub import Fetched, Hub, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from .correlation import InstanceInfo
    from .hookspecs import User
    from .ledger import Ledger
    from .models import Facts
    from .refs import AppKey, Wanted

LOG = logging.getLogger("gantry_argocd")

ASK_AGAIN_AFTER = 5.0
"""Seconds before an unknown name makes the instances be listed once more."""

FOLLOW_EVERY = 1.0
"""Seconds between two looks at an operation that somebody began here."""

FOLLOW_AT_MOST = 900
"""Looks at one operation before it is left to the next sync."""


@attrs.frozen(kw_only=True)
class _Deed:
    """What somebody does to an application, as it goes on record."""

    action: str
    key: AppKey
    user: User
    options: Mapping[str, bool | int] = attrs.field(factory=dict)
    request_id: str = ""


class Applications:
    """
    The applications of all instances, one by one.

    Args:
        hub: The instances.

        ledger: What is known, and the catalogue.

        now: The time, aware.

        stop: Set when all work is to end.
    """

    def __init__(
        self,
        hub: Hub,
        ledger: Ledger,
        *,
        now: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._hub = hub
        self._ledger = ledger
        self._now = now
        self._stop = stop
        self._lock = threading.Lock()
        self._asked: dict[str, datetime] = {}

    # --- who is meant ---

    def resolve(self, wanted: Wanted, *, ref: bool = False) -> tuple[AppKey, Facts]:
        """
        Find the app that a request names (A6).

        Args:
            wanted: What was written.

            ref: It was written as a ref; see :func:`gantry_argocd.hub.resolve`.

        Raises:
            UnknownInstance, UnknownApp, AmbiguousApp: If it is not exactly one.

            ArgoCDError: If the only instance that could know does not answer.
        """
        sources, known = self._sources(), self._known()
        key = resolve(wanted, known, sources, ref=ref)
        if key is None:
            self._ask_again(wanted, sources)
            sources, known = self._sources(), self._known()
            key = resolve(wanted, known, sources, ref=ref)
        if key is not None:
            return key, known[key]
        asked = [wanted.instance] if wanted.instance else list(sources)
        failures = [failure for name in asked if (failure := self._hub.failure(name))]
        if len(failures) == len(asked):
            raise failures[0]
        raise errors.UnknownApp(f"no application is called {str(wanted)[:253]!r}")

    def _sources(self) -> dict[str, InstanceInfo]:
        return {source.name: source for source in self._hub.sources()}

    def _known(self) -> dict[AppKey, Facts]:
        """Give what the instances listed; of those that never answered, what is remembered."""
        remembered = {
            record.key: record.facts
            for record in self._ledger.records()
            if not self._hub.answered(record.key.instance)
        }
        return remembered | self._hub.known()

    def _ask_again(self, wanted: Wanted, sources: Mapping[str, InstanceInfo]) -> None:
        """List the instances that could know an unknown name, unless that was a moment ago."""
        with self._lock:
            now = self._now()
            names = [
                name
                for name in sources
                if wanted.instance in {None, name}
                and (
                    name not in self._asked
                    or (now - self._asked[name]).total_seconds() > ASK_AGAIN_AFTER
                )
            ]
            self._asked |= dict.fromkeys(names, now)
        if names:
            for _ in self._hub.ask(names):
                pass

    # --- state ---

    def fetch(self, key: AppKey, project: str) -> Fetched:
        """Fetch one application in full."""
        return self._hub.fetch(key, project)

    def fetch_all(
        self, wanted: Mapping[AppKey, str], seconds: float
    ) -> dict[AppKey, Fetched | errors.ArgoCDError]:
        """Fetch several applications at once, within *seconds*."""
        return self._hub.fetch_all(wanted, seconds)

    # --- actions ---

    def sync(
        self,
        key: AppKey,
        project: str,
        user: User,
        *,
        prune: bool = False,
        force: bool = False,
        dry_run: bool = False,
    ) -> Fetched:
        """
        Request a sync and follow it in the background.

        Raises:
            ArgoCDError: If Argo CD refused, or it is not known whether it accepted.
        """
        request = SyncRequest(
            prune=prune,
            force=force,
            dry_run=dry_run,
            request_id=str(uuid.uuid4()),
            requested_by=user["name"],
        )
        deed = _Deed(
            action="argocd.hard-sync" if prune and force else "argocd.sync",
            key=key,
            user=user,
            options={"prune": prune, "force": force, "dryRun": dry_run},
            request_id=request.request_id,
        )
        with self._on_record(deed):
            client = self._hub.client(key.instance)
            try:
                fetched = self._hub.read(key, client.sync(key, project, request))
            except (errors.TimedOut, errors.Unreachable, errors.ServerFailed) as failure:
                # It may have come through all the same: the application tells.
                fetched = self._find_request(key, project, request.request_id, failure)
        self._follow(deed, project)
        return fetched

    def rollback(self, key: AppKey, project: str, user: User, number: int) -> Fetched:
        """Request that a deployment of the history is deployed again."""
        deed = _Deed(action="argocd.rollback", key=key, user=user, options={"id": number})
        with self._on_record(deed):
            client = self._hub.client(key.instance)
            fetched = self._hub.read(key, client.rollback(key, project, number))
        self._follow(deed, project)
        return fetched

    def refresh(
        self, key: AppKey, project: str, user: User, *, kind: str = "normal"
    ) -> tuple[Fetched, bool]:
        """
        Let Argo CD compare an application anew; a ``hard`` one makes its manifests anew as well.

        Returns:
            The application, and whether the comparison is known to have ended.
        """
        with self._on_record(_Deed(action="argocd.refresh", key=key, user=user)):
            try:
                fetched, done = self._hub.fetch(key, project, refresh=kind), True
            except errors.TimedOut:
                # The request stands in the Application; the controller carries it out when it can.
                fetched, done = self._hub.fetch(key, project), False
        self._learn(fetched)
        return fetched, done

    def terminate(self, key: AppKey, project: str, user: User) -> Fetched:
        """Request the end of the running operation."""
        deed = _Deed(action="argocd.terminate", key=key, user=user)
        with self._on_record(deed):
            self._hub.client(key.instance).terminate(key, project)
            fetched = self._hub.fetch(key, project)
        self._follow(deed, project)
        return fetched

    @contextmanager
    def _on_record(self, deed: _Deed) -> Iterator[None]:
        """Write into the host's trail how an action began, a refused one too (A8)."""
        try:
            yield
        except (errors.TimedOut, errors.Unreachable, errors.ServerFailed) as failure:
            self._record(deed, "unknown", str(failure))
            raise
        except errors.GantryArgoCDError as refusal:
            self._record(deed, "refused", str(refusal))
            raise
        self._record(deed, "requested", "")

    def _record(self, deed: _Deed, outcome: str, message: str) -> None:
        record = {
            "action": deed.action,
            "user": dict(deed.user),
            "app": deed.key.ref(self._hub.source(deed.key.instance).own_namespace),
            "options": dict(deed.options),
            "requestId": deed.request_id,
            "outcome": outcome,
            "message": message,
        }
        self._ledger.audit({name: value for name, value in record.items() if value}, deed.key)

    def _find_request(
        self, key: AppKey, project: str, request_id: str, failure: errors.ArgoCDError
    ) -> Fetched:
        try:
            fetched = self._hub.fetch(key, project)
        except errors.ArgoCDError:
            raise failure from None
        operation = fetched.application.operation
        if operation is None or operation.request_id != request_id:
            raise failure
        return fetched

    # --- to the end ---

    def _follow(self, deed: _Deed, project: str) -> None:
        """Look at an operation until it has ended, so that the catalogue shows how."""
        if self._ledger.writes:
            threading.Thread(
                target=self._look_until_done,
                args=(deed, project),
                name="argocd-follow",
                daemon=True,
            ).start()

    def _look_until_done(self, deed: _Deed, project: str) -> None:
        settled = 0
        for _ in range(FOLLOW_AT_MOST):
            if self._stop.wait(FOLLOW_EVERY):
                return
            try:
                fetched = self._hub.fetch(deed.key, project)
            except errors.NotFound:
                return  # The next sync decides what that means.
            except errors.ArgoCDError:
                continue
            self._learn(fetched)
            operation = fetched.application.operation
            if operation is None or operation.running:
                settled = 0
                continue
            settled += 1
            if settled == 1 and operation.request_id == deed.request_id:
                self._record(deed, operation.phase, operation.message)
            # Health follows a moment after the operation.
            if settled > 1 and fetched.application.facts.health != "Progressing":
                return

    def _learn(self, fetched: Fetched) -> None:
        """Let the catalogue know of one application."""
        facts = fetched.application.facts
        record = self._ledger.record(facts.key)
        known = record is not None and record.facts == facts and record.stale_since is None
        if known or not self._ledger.writes or self._stop.is_set():
            return
        answer = Answer(
            source=self._hub.source(facts.key.instance),
            outcome=Outcome.PARTIAL,
            apps=(facts,),
            began_at=self._now(),
            by_sync=False,
        )
        try:
            self._ledger.apply({facts.key.instance: answer})
        except Exception as failure:  # noqa: BLE001  the next sync writes it
            LOG.error("catalogue not written: %s", type(failure).__name__)  # noqa: TRY400
