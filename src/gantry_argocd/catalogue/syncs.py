"""
Syncs of the catalogue: everything asked anew, by a timer or by people, never two at once (D5, D6).
"""

from __future__ import annotations

import logging
import random
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .. import errors, memory
from ..correlation import correlate, rfc3339
from .reports import SyncRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ..hookspecs import Entity
    from ..instances.hub import Heard, Hub
    from ..settings import Settings
    from .ledger import Ledger

LOG = logging.getLogger("gantry_argocd")

PATIENCE = 10.0
"""Seconds that a caller waits for a sync before it is told that it goes on (D5)."""

_BACK_OFF_AT_MOST = 3600.0
_GLANCE = 0.2
"""Seconds between two looks whether all is to end."""


class Syncs:
    """
    The syncs of one configuration.

    Args:
        settings: The configuration.

        hub: The instances.

        ledger: The catalogue.

        follow: Called with each instance that was asked and is to be followed from then on.

        stop: Set when all is to end.

        now: The time, aware.
    """

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        ledger: Ledger,
        *,
        follow: Callable[[str], None],
        stop: threading.Event,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._ledger = ledger
        self._follow = follow
        self._stop = stop
        self._now = now
        self._lock = threading.Lock()
        self._run: SyncRun | None = None
        self._last_success: datetime | None = None
        self._next_sync: datetime | None = None
        self._timer: threading.Thread | None = None

    # --- the timer ---

    def start(self) -> None:
        """Sync at once, and then by the timer."""
        self._timer = _thread(self._keep_syncing, "argocd-timer")

    def join(self, seconds: float) -> None:
        """Wait for the end of the timer; *stop* is set."""
        if self._timer is not None and self._timer is not threading.current_thread():
            self._timer.join(seconds)

    def _keep_syncing(self) -> None:
        """Sync at once, and then as often as the configuration says."""
        failures = 0
        while not self._stop.is_set():
            run = self._begin(())
            while not run.done.wait(_GLANCE):
                if self._stop.is_set():
                    return
            failures = failures + 1 if run.all_failed else 0
            interval = self._settings.sync_interval
            if interval is None:
                return
            # Jitter keeps replicas and instances apart; failures are tried less and less often.
            wait = min(interval * 2 ** min(failures, 10), max(interval, _BACK_OFF_AT_MOST))
            wait *= random.uniform(0.9, 1.1)  # noqa: S311  no secret
            with self._lock:
                self._next_sync = self._now() + timedelta(seconds=wait)
            if self._stop.wait(wait):
                return

    # --- one sync ---

    def sync(
        self, confirm: Sequence[str] = (), patience: float = PATIENCE
    ) -> tuple[Mapping[str, Any], bool]:
        """
        Discover everything anew and write what changed; join a sync that runs already.

        Args:
            confirm: Instances whose loss of applications is real (rule 16).

            patience: Seconds to wait for the end.

        Returns:
            The report, and whether the sync has ended.

        Raises:
            NotReady: If the host writes its catalogue itself.

            UnknownInstance: If an instance to confirm is not configured.
        """
        if not self._ledger.writes:
            raise errors.NotReady("this host writes its catalogue itself: it calls discover")
        for name in confirm:
            self._hub.source(name)
        run = self._begin(tuple(confirm))
        waited = 0.0
        while not run.done.wait(_GLANCE) and waited < patience and not self._stop.is_set():
            waited += _GLANCE
        return run.as_json(), run.done.is_set()

    def _begin(self, confirm: tuple[str, ...]) -> SyncRun:
        """Start a sync, or give the one that runs; a confirming one waits for its turn."""
        with self._lock:
            before = self._run if self._run and not self._run.done.is_set() else None
            if before is not None and not confirm:
                return before
            self._run = run = SyncRun(self._now())
            self._next_sync = None
        _thread(lambda: self._sync(run, confirm, before), "argocd-sync")
        return run

    def _sync(self, run: SyncRun, confirm: tuple[str, ...], before: SyncRun | None) -> None:
        try:
            if before is not None:
                before.done.wait()
            self._remember()
            for heard in self._hub.ask():
                if self._stop.is_set():
                    return
                self._take(run, heard, confirm)
        except Exception as failure:  # noqa: BLE001  a sync must end, and say why it failed
            LOG.error("sync failed: %s", type(failure).__name__)  # noqa: TRY400  no traceback
            run.fail(f"the catalogue could not be written: {type(failure).__name__}")
        finally:
            run.finish(self._now())
            memory.give_back()

    def _take(self, run: SyncRun, heard: list[Heard], confirm: Sequence[str]) -> None:
        for answer in heard:
            if answer.error is not None:
                LOG.warning("%s", answer.error)
        result = self._ledger.apply(
            lambda: {
                item.source.name: self._hub.answer(
                    item, by_sync=True, confirmed=item.source.name in confirm
                )
                for item in heard
            }
        )
        for item in heard:
            instance = self._settings.instance(item.source.name)
            if instance is not None and instance.follow:
                self._follow(instance.name)
        with self._lock:
            for item in heard:
                if item.error is None:
                    self._last_success = item.began_at
        run.add(heard, result, self._ledger.entities())

    def _remember(self) -> None:
        """Learn what the catalogue remembers, once after the start."""
        if not self._ledger.records():
            self._ledger.apply({})
            for record in self._ledger.records():
                self._hub.remember_namespace(record.source.name, record.source.own_namespace)

    # --- hosts that drive everything themselves ---

    def discover(self, told: Callable[[Heard], None] | None = None) -> list[Entity]:
        """
        Ask every instance; give the entities as in an empty catalogue.

        Args:
            told: Called with each instance's answer as it comes.
        """
        run = SyncRun(self._now())
        heard: list[Heard] = []
        for batch in self._hub.ask():
            heard += batch
            if told is not None:
                for item in batch:
                    told(item)
        answers = {item.source.name: self._hub.answer(item, by_sync=True) for item in heard}
        result = correlate([], list(answers.values()))
        entities = {p.entity for p in result.placements.values() if p.entity is not None}
        run.add(heard, result, entities, written=False)
        run.finish(self._now())
        self._ledger.take(answers)
        with self._lock:
            self._run = run
        return [change["entity"] for change in result.changes if change["entity"] is not None]

    def status(self) -> dict[str, Any]:
        """Say how it goes, as in the REST answer."""
        with self._lock:
            run, next_sync, success = self._run, self._next_sync, self._last_success
        return {
            "lastSync": run.as_json() if run is not None else None,
            "lastSuccess": rfc3339(success) if success else None,
            "nextSync": rfc3339(next_sync) if next_sync else None,
            "syncIntervalSeconds": self._settings.sync_interval,
        }


def _thread(work: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
