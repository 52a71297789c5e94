"""
The plugin at work with one configuration: syncs, their timer, and how it is.

Threads here are daemonic, wait on events only, and end within a moment of :meth:`Runtime.stop`.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from . import errors
from .actions import ACTION_ROLE, Standing, has_role, offers
from .applications import Applications
from .commits import Commits
from .correlation import Answer, correlate, explain_app, explain_entity, moves, rfc3339
from .hub import Fetched, Heard, Hub
from .ledger import Ledger
from .live import Live
from .operations import Operations
from .reports import SyncRun
from .standing import Asked, Standings
from .watch import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .actions import Offer
    from .client import Client
    from .doctor import Diagnosis
    from .hookspecs import Entity, Host, User
    from .models import Facts
    from .refs import AppKey, EntityKey, Wanted
    from .settings import InstanceSettings, Settings

LOG = logging.getLogger("gantry_argocd")

SYNC_PATIENCE = 10.0
"""Seconds that a caller waits for a sync before it is told that it goes on (D5)."""

STANDING_SECONDS = 1.0
"""Longest time that a page waits for rights and windows: a button works without them too."""

RETIRING = 5.0
"""Seconds that what is under way has to end when the configuration changes."""

_BACK_OFF_AT_MOST = 3600.0
_GLANCE = 0.2
"""Seconds between two looks whether all is to end."""


class Runtime:
    """
    One configuration in use.

    Args:
        settings: The configuration.

        enabled: Whether instances are asked at all.

        host: The catalogue. None when the host drives everything itself.

        make_client: Makes the client of an instance.

        now: The time, aware.

        monotonic: Seconds that pass.

        pace: Of those who follow the instances. None for what suits Argo CD.

    Attributes:
        settings: The configuration.

        enabled: Whether instances are asked at all.

        ledger: What is known of all apps.

        applications: One by one.

        standings: What may be done to one now.

        operations: What is done to one.

        commits: What is known of revisions.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        enabled: bool,
        host: Host | None,
        make_client: Callable[[InstanceSettings], Client],
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self.settings = settings
        self.enabled = enabled
        self._now = now
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._hub = Hub(
            settings,
            make_client=make_client,
            now=now,
            monotonic=monotonic,
            is_live=lambda name: self._live.is_live(name),  # noqa: PLW0108  made below
        )
        self.ledger = Ledger(host, sources=self._hub.sources, now=now)
        self._live = Live(
            self._hub,
            self.ledger,
            stop=self._stop,
            now=now,
            monotonic=monotonic,
            pace=pace or Pace(),
        )
        self.applications = Applications(self._hub, self.ledger, now=now, stop=self._stop)
        self.commits = Commits(self._hub.client, now=now)
        self.standings = Standings(self._hub, now=now)
        self.operations = Operations(
            self._hub,
            self.ledger,
            self.applications,
            self.standings,
            settings.policy,
            now=now,
            stop=self._stop,
        )
        self._run: SyncRun | None = None
        self._contact: dict[str, datetime] = {}
        self._last_success: datetime | None = None
        self._next_sync: datetime | None = None
        self._timer: threading.Thread | None = None

    # --- life ---

    def start(self) -> None:
        """Take the configuration into use: the first sync at once, or stale marks."""
        if not self.enabled:
            self.ledger.fail_all()
        elif self.ledger.writes:
            self._timer = self._thread(self._keep_syncing, "argocd-timer")

    def retire(self, patience: float = RETIRING) -> None:
        """Let actions and writes under way end, each within so many seconds, and stop."""
        self.operations.under_way.wait_until_empty(patience)
        self.ledger.close(patience)
        self.stop()

    def stop(self) -> None:
        """End all threads; a request under way is cut off, and nothing more is written."""
        self._stop.set()
        self.ledger.close()
        self._hub.close()
        self._live.join(1.0)
        if self._timer is not None and self._timer is not threading.current_thread():
            self._timer.join(timeout=0.5)

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    def check_ready(self) -> None:
        """
        Refuse what needs an enabled plugin.

        Raises:
            NotReady: If it is disabled or has no instance.
        """
        if not self.enabled:
            raise errors.NotReady("argocd plugin is not enabled")
        if not self.settings.instances:
            raise errors.NotReady("argocd plugin has no instances configured")

    def now(self) -> datetime:
        """Give the time."""
        return self._now()

    def offers(self, facts: Facts, user: User, seconds: float) -> Sequence[Offer]:
        """
        List what *user* may do to one app.

        Args:
            facts: The app.

            user: Who.

            seconds: What Argo CD has not answered by then is not known.
        """
        asked = self.ask_standing({facts.key: facts.project}, user)
        found = self.applications.fetch_all({facts.key: facts.project}, seconds)[facts.key]
        application = found.application if isinstance(found, Fetched) else None
        error = found if isinstance(found, errors.ArgoCDError) else None
        standing = asked.answers(seconds).get(facts.key, Standing())
        standing = self.narrowed(standing, facts, user)
        return offers(application, error, user["role"], standing)

    def ask_standing(self, wanted: Mapping[AppKey, str], user: User) -> Asked:
        """Begin to ask what is possible; of nobody who may do nothing anyway."""
        return self.standings.ask(wanted if has_role(user["role"], ACTION_ROLE) else {})

    def narrowed(self, standing: Standing, facts: Facts, user: User) -> Standing:
        """Add what the configuration leaves to others."""
        place = self.operations.place(facts)
        return attrs.evolve(
            standing, narrowed=lambda action: self.operations.why_not(action, user, place)
        )

    # --- syncs ---

    def _keep_syncing(self) -> None:
        """Sync at once, and then as often as the configuration says."""
        failures = 0
        while not self._stop.is_set():
            run = self._begin(())
            while not run.done.wait(_GLANCE):
                if self._stop.is_set():
                    return
            failures = failures + 1 if run.all_failed else 0
            interval = self.settings.sync_interval
            if interval is None:
                return
            # Jitter keeps replicas and instances apart; failures are tried less and less often.
            wait = min(interval * 2 ** min(failures, 10), max(interval, _BACK_OFF_AT_MOST))
            wait *= random.uniform(0.9, 1.1)  # noqa: S311  no secret
            with self._lock:
                self._next_sync = self._now() + timedelta(seconds=wait)
            if self._stop.wait(wait):
                return

    def sync(
        self, confirm: Sequence[str] = (), patience: float = SYNC_PATIENCE
    ) -> tuple[Mapping[str, Any], bool]:
        """
        Discover everything anew and write what changed; join a sync that runs already.

        Args:
            confirm: Instances whose loss of applications is real (rule 16).

            patience: Seconds to wait for the end.

        Returns:
            The report, and whether the sync has ended.

        Raises:
            NotReady: If the plugin is disabled, or there is nothing to sync.

            UnknownInstance: If an instance to confirm is not configured.
        """
        self.check_ready()
        if not self.ledger.writes:
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
        self._thread(lambda: self._sync(run, confirm, before), "argocd-sync")
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

    def _take(self, run: SyncRun, heard: list[Heard], confirm: Sequence[str]) -> None:
        for answer in heard:
            if answer.error is not None:
                LOG.warning("%s", answer.error)
        result = self.ledger.apply(
            lambda: {
                item.source.name: self._hub.answer(
                    item, by_sync=True, confirmed=item.source.name in confirm
                )
                for item in heard
            }
        )
        for item in heard:
            instance = self.settings.instance(item.source.name)
            if instance is not None and instance.follow:
                self._live.follow(instance.name)
        with self._lock:
            for item in heard:
                if item.error is None:
                    self._contact[item.source.name] = item.began_at
                    self._last_success = item.began_at
        run.add(heard, result, self.ledger.entities())

    def _remember(self) -> None:
        """Learn what the catalogue remembers, once after the start."""
        if not self.ledger.records():
            self.ledger.apply({})
            for record in self.ledger.records():
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
        self.ledger.take(answers)
        with self._lock:
            self._run = run
        return [change["entity"] for change in result.changes if change["entity"] is not None]

    # --- why ---

    def explain_app(self, wanted: Wanted, *, ref: bool) -> dict[str, Any]:
        """
        Say why the app that *wanted* names is in its entity, and what else was considered.

        Raises:
            UnknownApp: If it is not in the catalogue; and what resolving a name raises.
        """
        key, _ = self.applications.resolve(wanted, ref=ref)
        result = self.ledger.look()
        if key not in result.known:
            raise errors.UnknownApp(f"{str(wanted)!r} is not in the catalogue yet")
        return explain_app(result, key)

    def explain_entity(self, key: EntityKey) -> dict[str, Any]:
        """
        Say which apps an entity has and why, and what in it is ours.

        Raises:
            UnknownEntity: If there is none.
        """
        try:
            return explain_entity(self.ledger.look(), key)
        except KeyError:
            raise errors.UnknownEntity(f"there is no {key}, and no application wants it") from None

    def explain_all(self, heard: Sequence[Heard]) -> list[dict[str, Any]]:
        """Say of every app that was heard why it would be in its entity, first one first."""
        result = correlate([], [self._hub.answer(item) for item in heard])
        return [explain_app(result, key) for key in sorted(result.known)]

    def try_label_key(self, label_key: str) -> dict[str, Any]:
        """
        List what would move if the label key were another; writes nothing.

        Instances that do not answer are named, and nothing of theirs moves.
        """
        heard = [item for batch in self._hub.ask(label_key=label_key) for item in batch]
        after = self.ledger.look({item.source.name: _tried(item) for item in heard})
        return {
            "labelKey": label_key,
            "moves": moves(self.ledger.look().placements, after.placements),
            "problems": list(after.problems),
            "errors": [str(item.error) for item in heard if item.error],
        }

    # --- how it is ---

    def check(self) -> list[Diagnosis]:
        """Examine every instance; works for a disabled plugin too."""
        return self._hub.check()

    def own_namespace(self, instance: str) -> str:
        """Give Argo CD's own namespace on an instance, as far as it is known."""
        return self._hub.source(instance).own_namespace

    def status(self) -> dict[str, Any]:
        """Say how the plugin is, JSON-shaped and without secrets."""
        with self._lock:
            run, next_sync, contact = self._run, self._next_sync, dict(self._contact)
            success = self._last_success
        return {
            "state": "enabled" if self.enabled else "disabled",
            "lastSync": run.as_json() if run is not None else None,
            "lastSuccess": rfc3339(success) if success else None,
            "nextSync": rfc3339(next_sync) if next_sync else None,
            "syncIntervalSeconds": self.settings.sync_interval,
            "instances": [
                self._instance_status(instance, contact.get(instance.name))
                for instance in self.settings.instances
            ],
        }

    def _instance_status(
        self, instance: InstanceSettings, contact: datetime | None
    ) -> dict[str, Any]:
        failure = self._hub.failure(instance.name)
        answered = self._hub.answered(instance.name)
        warnings = []
        if instance.insecure_skip_tls:
            warnings.append("the certificate is not checked (insecureSkipTLS)")
        return {
            "name": instance.name,
            "argocdUrl": instance.url,
            "publicUrl": instance.people_url,
            "project": instance.project,
            "state": "failed" if failure else "ok" if answered else "unknown",
            "error": str(failure) if failure else None,
            "help": failure.help if failure else None,
            "lastContact": rfc3339(contact) if contact and answered else None,
            "applications": self._hub.count(instance.name),
            "stream": self._live.status(instance.name),
            "warnings": warnings,
        }


def _tried(heard: Heard) -> Answer:
    """Give an answer as it came: it was read otherwise than what is known of the instance."""
    return Answer(
        source=heard.source, outcome=heard.outcome, apps=heard.apps, began_at=heard.began_at
    )
