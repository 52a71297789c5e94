"""
Operations that somebody began here, looked at until they have ended.

A bounded poll of the one application: what the stream tells comes into the catalogue by itself, but
per-resource results, and whose operation it is, only a GET says.
"""

from __future__ import annotations

import threading
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import attrs

from .. import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ..hookspecs import User
    from ..instances.hub import Hub
    from ..models import Application, Operation
    from ..refs import AppKey
    from .applications import Applications

FOLLOW_PAUSES = (0.25, 0.5, *(1.0,) * 120)
"""Seconds between the first looks at an operation that somebody began here."""

FOLLOW_EVERY = 5.0
"""Seconds between any further ones."""

FOLLOW_AT_MOST = 900
"""Looks at one operation before it is left to the next sync: a little more than an hour."""

SETTLE_AT_MOST = 300
"""Looks at an application whose health is still settling after its operation."""

MISSED_AFTER = 60
"""Looks for an operation of which it is not known whether Argo CD has taken it."""


@attrs.define(kw_only=True, eq=False)
class Deed:
    """
    What somebody does, as it goes on record; filled in while it becomes known.

    Attributes:
        action: ``argocd.sync`` and the like.

        user: Who.

        asked: The application as it was written.

        began: When.

        key: Which application that is. None until it is known.

        project: Its project.

        options: What was asked for in particular.

        request_id: Correlation id; Argo CD keeps it with a sync.

        form: It comes from a form, which may be sent twice.

        before: The operation that was there before. None when there was none, or it is not known.

        sent: Argo CD may have it.

        looks: How often its end was looked for in vain.
    """

    action: str
    user: User
    asked: str
    began: datetime
    key: AppKey | None = None
    project: str = ""
    options: dict[str, Any] = attrs.field(factory=dict)
    request_id: str = ""
    form: bool = False
    before: Operation | None = None
    sent: bool = False
    looks: int = 0

    def is_about(self, operation: Operation) -> bool:
        """Say whether *operation* is what was asked for here."""
        if self.action == "argocd.terminate":
            return True
        if operation.request_id or self.action != "argocd.rollback":
            return operation.request_id == self.request_id
        # Argo CD keeps no correlation id with a rollback.
        return self.before is None or operation.started_at != self.before.started_at


class Followers:
    """
    One thread for each application with an operation of ours.

    Args:
        hub: The instances.

        applications: Learns what is found on the way.

        record: Puts on record how something ended: the deed, its outcome, a message.

        stop: Set when all work is to end.
    """

    def __init__(
        self,
        hub: Hub,
        applications: Applications,
        record: Callable[[Deed, str, str], None],
        *,
        stop: threading.Event,
    ) -> None:
        self._hub = hub
        self._applications = applications
        self._record = record
        self._stop = stop
        self._lock = threading.Lock()
        self._followed: dict[AppKey, list[Deed]] = {}

    def follow(self, deed: Deed) -> None:
        """Look at an operation until it has ended, so that catalogue and trail show how."""
        key = deed.key
        if key is None:
            return
        with self._lock:
            joined = key in self._followed
            self._followed.setdefault(key, []).append(deed)
        if not joined:
            threading.Thread(
                target=self._look_until_done,
                args=(key, deed.project),
                name="argocd-follow",
                daemon=True,
            ).start()

    def pending(self) -> list[Deed]:
        """Give what has not ended, for whoever follows it when all work here has ended."""
        with self._lock:
            return [deed for deeds in self._followed.values() for deed in deeds]

    def _look_until_done(self, key: AppKey, project: str) -> None:
        health, pauses = _Health(), chain(FOLLOW_PAUSES, repeat(FOLLOW_EVERY))
        while self._goes_on(key, health) and not self._stop.wait(next(pauses)):
            self._look(key, project, health)

    def _goes_on(self, key: AppKey, health: _Health) -> bool:
        with self._lock:
            if self._followed[key] or health.may_change:
                return True
            del self._followed[key]
            return False

    def _look(self, key: AppKey, project: str, health: _Health) -> None:
        with self._lock:
            waiting = list(self._followed[key])
        try:
            fetched = self._hub.fetch(key, project)
        except errors.NotFound:
            # The next sync decides what that means for the catalogue.
            health.may_change = False
            for deed in waiting:
                self._ended(deed, "unknown", "the application was deleted before it ended")
            return
        except errors.ArgoCDError as failure:
            health.look(None)
            for deed in waiting:
                self._missed(deed, FOLLOW_AT_MOST, f"its end was not seen: {failure.message}")
            return
        self._applications.learn(fetched)
        health.look(fetched.application)
        operation = fetched.application.operation
        for deed in waiting:
            if operation is None or not deed.is_about(operation):
                self._missed(deed, MISSED_AFTER, "Argo CD shows no such operation")
            elif operation.running:
                self._missed(deed, FOLLOW_AT_MOST, f"it was still {operation.phase}")
            else:
                self._ended(deed, operation.phase, operation.message)

    def _missed(self, deed: Deed, at_most: int, message: str) -> None:
        deed.looks += 1
        if deed.looks >= at_most:
            self._ended(deed, "unknown", message)

    def _ended(self, deed: Deed, outcome: str, message: str) -> None:
        assert deed.key is not None  # noqa: S101  only such are followed
        with self._lock:
            self._followed[deed.key].remove(deed)
        self._record(deed, outcome, message)


class _Health:
    """Whether the health of an application may still change because of its operation."""

    def __init__(self) -> None:
        self.may_change = True
        self._looks = 0

    def look(self, app: Application | None) -> None:
        """Note a look; None when it saw nothing."""
        if app is not None and app.operation is not None and app.operation.running:
            self._looks, self.may_change = 0, True
            return
        self._looks += 1
        # Health follows a moment after the operation, so once is not enough.
        well = app is not None and app.facts.health != "Progressing"
        self.may_change = self._looks < (2 if well else SETTLE_AT_MOST)
