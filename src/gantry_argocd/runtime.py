"""
The plugin at work with one configuration: syncs, their timer, and actions followed to their end.

Threads here are daemonic, wait on events only, and end within a moment of :meth:`Runtime.stop`.
"""

from __future__ import annotations

import logging
import random
import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import errors
from .client import SyncRequest
from .correlation import (
    Answer,
    Members,
    Outcome,
    Record,
    correlate,
    explain_app,
    explain_entity,
    members,
    moves,
    rfc3339,
)
from .hub import Fetched, Heard, Hub, resolve
from .refs import AppKey, EntityKey, Wanted
from .reports import SyncRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .client import Client
    from .correlation import HeldBack, InstanceInfo, Result
    from .hookspecs import Change, Correlation, Entity, Host, User
    from .models import Facts
    from .settings import InstanceSettings, Settings

PLUGIN = "argocd"
LOG = logging.getLogger("gantry_argocd")

SYNC_PATIENCE = 10.0
"""Seconds that a caller waits for a sync before it is told that it goes on (D5)."""

ASK_AGAIN_AFTER = 5.0
"""Seconds before an unknown name makes the instances be listed once more."""

FOLLOW_EVERY = 1.0
"""Seconds between two looks at an operation that somebody began here."""

FOLLOW_AT_MOST = 900
"""Looks at one operation before it is left to the next sync."""

_BACK_OFF_AT_MOST = 3600.0


class Runtime:
    """
    One configuration in use.

    Args:
        settings: The configuration.

        enabled: Whether instances are asked at all.

        host: The catalogue. None when the host drives everything itself.

        make_client: Makes the client of an instance.

        now: The time, aware.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        enabled: bool,
        host: Host | None,
        make_client: Callable[[InstanceSettings], Client],
        now: Callable[[], datetime],
    ) -> None:
        self.settings = settings
        self.enabled = enabled
        self._host = host
        self._now = now
        self._hub = Hub(settings, make_client=make_client, now=now)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._apply_lock = threading.Lock()
        self._memory: dict[AppKey, Record] = {}
        self._held: dict[str, HeldBack] = {}
        self._held_before: dict[str, HeldBack] = {}
        self._unapplied: dict[str, Answer] = {}
        self._run: SyncRun | None = None
        self._contact: dict[str, datetime] = {}
        self._asked: dict[str, datetime] = {}
        self._last_success: datetime | None = None
        self._next_sync: datetime | None = None
        self._timer: threading.Thread | None = None

    # --- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Take the configuration into use: the first sync at once, or stale marks."""
        if self.enabled:
            self._timer = self._thread(self._keep_syncing, "argocd-timer")
            return
        failed = {name: self._answer(name, Outcome.FAILED) for name in self._names}
        if self._host is None:
            self._unapplied = failed
        else:
            self._apply(failed)

    def stop(self) -> None:
        """End all threads; a request under way is cut off."""
        self._stop.set()
        self._hub.close()
        if self._timer is not None and self._timer is not threading.current_thread():
            self._timer.join(timeout=1.5)

    def forget(self) -> None:
        """Drop every app that is known, when all that is ours leaves the catalogue."""
        with self._lock:
            self._memory, self._held, self._unapplied = {}, {}, {}

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        return thread

    @property
    def _names(self) -> list[str]:
        return [instance.name for instance in self.settings.instances]

    # --- syncs -------------------------------------------------------------------------------

    def _keep_syncing(self) -> None:
        """Sync at once, and then as often as the configuration says."""
        failures = 0
        if self._host is None:
            return
        while not self._stop.is_set():
            run = self._begin(())
            while not run.done.wait(0.5):
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
        """
        self.check_ready()
        if self._host is None:
            raise errors.NotReady("this host writes its catalogue itself: it calls discover")
        for name in confirm:
            self._hub.source(name)
        run = self._begin(tuple(confirm))
        run.done.wait(patience)
        return run.as_json(), run.done.is_set()

    def _begin(self, confirm: tuple[str, ...]) -> SyncRun:
        with self._lock:
            if self._run is not None and not self._run.done.is_set():
                if not confirm:
                    return self._run
                before: SyncRun | None = self._run
            else:
                before = None
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
        answers = {item.source.name: _as_answer(item, confirm) for item in heard}
        result, changes = self._apply(answers)
        with self._lock:
            for item in heard:
                if item.error is None:
                    self._contact[item.source.name] = item.began_at
                    self._last_success = item.began_at
        run.add(heard, result, changes)

    def _remember(self) -> None:
        """Learn what the catalogue remembers, once after the start."""
        with self._lock:
            if self._memory:
                return
        self._apply({})
        with self._lock:
            records = list(self._memory.values())
        for record in records:
            self._hub.remember_namespace(record.source.name, record.source.own_namespace)

    def _answer(self, name: str, outcome: Outcome = Outcome.SILENT) -> Answer:
        return Answer(source=self._hub.source(name), outcome=outcome, began_at=self._now())

    def _apply(self, answers: Mapping[str, Answer]) -> tuple[Result, Sequence[Change]]:
        """Correlate within a transaction of the host's, and remember what is known then."""
        if self._host is None:
            msg = "there is no catalogue to write to"
            raise RuntimeError(msg)
        results: list[Result] = []

        def changes_for(entities: Sequence[Entity]) -> Sequence[Change]:
            results.append(self._correlate(entities, answers, self._held))
            return results[-1].changes

        # Never under self._lock: the host's own transactions call our hooks.
        with self._apply_lock:
            self._host.update(changes_for)
            result = results[-1]
            with self._lock:
                self._memory, self._held = dict(result.known), dict(result.held)
        return result, result.changes

    def _correlate(
        self,
        entities: Sequence[Entity],
        answers: Mapping[str, Answer],
        held: Mapping[str, HeldBack],
    ) -> Result:
        with self._lock:
            memory = list(self._memory.values())
        everyone = [answers.get(name) or self._answer(name) for name in self._names]
        return correlate(entities, everyone, memory=memory, held=held)

    # --- hosts that drive everything themselves ------------------------------------------------

    def discover(self, told: Callable[[Heard], None] | None = None) -> list[Entity]:
        """
        Ask every instance; give the entities as in an empty catalogue.

        Args:
            told: Called with each instance's answer as it comes.
        """
        heard = []
        for batch in self._hub.ask():
            heard += batch
            if told is not None:
                for item in batch:
                    told(item)
        answers = {item.source.name: _as_answer(item, ()) for item in heard}
        run = SyncRun(self._now())
        result = correlate([], [answers[name] for name in self._names])
        run.add(heard, result, ())
        run.finish(self._now())
        with self._lock:
            self._unapplied = answers
            self._held_before = dict(self._held)
            self._run = run
        return [change["entity"] for change in result.changes if change["entity"] is not None]

    def correlate(self, entities: Sequence[Entity]) -> Correlation:
        """Say what the catalogue has to become, by what was heard last."""
        with self._lock:
            unapplied, held = dict(self._unapplied), dict(self._held_before)
            if not unapplied:
                held = dict(self._held)
        result = self._correlate(entities, unapplied, held)
        if unapplied:
            with self._lock:
                self._memory, self._held = dict(result.known), dict(result.held)
        return {"plugin": PLUGIN, "changes": result.changes, "problems": result.problems}

    # --- which apps -----------------------------------------------------------------------------

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

    def members(self, entity: Entity) -> Members:
        """Give the apps of an entity, and its links that name nothing."""
        with self._lock:
            known = tuple(self._memory.values())
        return members(entity, known)

    def resolve(self, wanted: Wanted, *, ref: bool = False) -> tuple[AppKey, Facts]:
        """
        Find the app that a request names (A6).

        Args:
            wanted: What was written.

            ref: It was written as a ref; see :func:`gantry_argocd.hub.resolve`.

        Raises:
            NotReady: If the plugin is disabled.

            UnknownInstance, UnknownApp, AmbiguousApp: If it is not exactly one.

            ArgoCDError: If the only instance that could know does not answer.
        """
        self.check_ready()
        sources = {name: self._hub.source(name) for name in self._names}
        known = self._known()
        key = resolve(wanted, known, sources, ref=ref)
        if key is None:
            self._ask_again(wanted, sources)
            sources = {name: self._hub.source(name) for name in self._names}
            known = self._known()
            key = resolve(wanted, known, sources, ref=ref)
        if key is not None:
            return key, known[key]
        asked = [wanted.instance] if wanted.instance else self._names
        failures = [failure for name in asked if (failure := self._hub.failure(name))]
        if len(failures) == len(asked):
            raise failures[0]
        raise errors.UnknownApp(f"no application is called {_written(wanted)}")

    def _known(self) -> dict[AppKey, Facts]:
        """Give what the instances listed; of those that never answered, what is remembered."""
        with self._lock:
            remembered = {
                key: record.facts
                for key, record in self._memory.items()
                if not self._hub.answered(key.instance)
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

    # --- why -----------------------------------------------------------------------------------

    def explain_app(self, wanted: Wanted, *, ref: bool) -> dict[str, Any]:
        """Say why the app that *wanted* names is in its entity, and what else was considered."""
        key, _ = self.resolve(wanted, ref=ref)
        result = self._present()
        if key not in result.known:
            raise errors.UnknownApp(f"{_written(wanted)} is not in the catalogue yet")
        return explain_app(result, key)

    def explain_entity(self, key: EntityKey) -> dict[str, Any]:
        """Say which apps an entity has and why, and what in it is ours."""
        try:
            return explain_entity(self._present(), key)
        except KeyError:
            raise errors.UnknownEntity(f"there is no {key}, and no application wants it") from None

    def explain_all(self, heard: Sequence[Heard]) -> list[dict[str, Any]]:
        """Say of every app that was heard why it would be in its entity, first one first."""
        answers = [_as_answer(item, ()) for item in heard]
        result = correlate([], answers)
        return [explain_app(result, key) for key in sorted(result.known)]

    def try_label_key(self, label_key: str) -> dict[str, Any]:
        """
        List what would move if the label key were another; writes nothing.

        Instances that do not answer are named, and nothing of theirs moves.
        """
        self.check_ready()
        heard = [item for batch in self._hub.ask(label_key=label_key) for item in batch]
        answers = {item.source.name: _as_answer(item, ()) for item in heard}
        after = self._present(answers)
        return {
            "labelKey": label_key,
            "moves": moves(self._present().placements, after.placements),
            "problems": list(after.problems),
            "errors": [str(item.error) for item in heard if item.error],
        }

    def _present(self, answers: Mapping[str, Answer] | None = None) -> Result:
        """Correlate the catalogue as it is, and write nothing."""
        if self._host is None:
            raise errors.NotReady("this host keeps its catalogue to itself")
        results: list[Result] = []

        def look(entities: Sequence[Entity]) -> Sequence[Change]:
            results.append(self._correlate(entities, answers or {}, self._held))
            return ()

        self._host.update(look)
        return results[-1]

    def source(self, instance: str) -> InstanceInfo:
        """Describe an instance."""
        return self._hub.source(instance)

    # --- one app --------------------------------------------------------------------------------

    def fetch(self, key: AppKey, project: str) -> Fetched:
        """Fetch one application in full."""
        return self._hub.fetch(key, project)

    def fetch_all(
        self, wanted: Mapping[AppKey, str], seconds: float
    ) -> dict[AppKey, Fetched | errors.ArgoCDError]:
        """Fetch several applications at once, within *seconds*."""
        return self._hub.fetch_all(wanted, seconds)

    def sync_app(
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
        client = self._hub.client(key.instance)
        try:
            fetched = self._hub.read(key.instance, client.sync(key, project, request))
        except (errors.TimedOut, errors.Unreachable) as failure:
            # It may have come through all the same: the application tells.
            fetched = self._find_request(key, project, request.request_id, failure)
        self._follow(key, project)
        return fetched

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

    def refresh_app(self, key: AppKey, project: str) -> tuple[Fetched, bool]:
        """
        Let Argo CD compare an application anew.

        Returns:
            The application, and whether the comparison is known to have ended.
        """
        try:
            fetched, done = self._hub.fetch(key, project, refresh="normal"), True
        except errors.TimedOut:
            # The request stands in the Application and is carried out when the controller can.
            fetched, done = self._hub.fetch(key, project), False
        self._learn(fetched)
        return fetched, done

    def terminate_app(self, key: AppKey, project: str) -> Fetched:
        """Request the end of the running operation."""
        self._hub.client(key.instance).terminate(key, project)
        fetched = self._hub.fetch(key, project)
        self._follow(key, project)
        return fetched

    def _follow(self, key: AppKey, project: str) -> None:
        """Look at an operation until it has ended, so that the catalogue shows how."""
        if self._host is not None:
            self._thread(lambda: self._look_until_done(key, project), "argocd-follow")

    def _look_until_done(self, key: AppKey, project: str) -> None:
        settled = 0
        for _ in range(FOLLOW_AT_MOST):
            if self._stop.wait(FOLLOW_EVERY):
                return
            try:
                fetched = self._hub.fetch(key, project)
            except errors.NotFound:
                return  # The next sync decides what that means.
            except errors.ArgoCDError:
                continue
            self._learn(fetched)
            operation = fetched.application.operation
            running = operation is not None and operation.running
            # Health follows a moment after the operation.
            settled = 0 if running else settled + 1
            if settled > 1 and fetched.application.facts.health != "Progressing":
                return

    def _learn(self, fetched: Fetched) -> None:
        """Let the catalogue know of one application."""
        facts = fetched.application.facts
        if self._host is None or self._stop.is_set():
            return
        with self._lock:
            record = self._memory.get(facts.key)
        if record is not None and record.facts == facts and record.stale_since is None:
            return
        answer = Answer(
            source=self._hub.source(facts.key.instance),
            outcome=Outcome.PARTIAL,
            apps=(facts,),
            began_at=self._now(),
            by_sync=False,
        )
        try:
            self._apply({facts.key.instance: answer})
        except Exception as failure:  # noqa: BLE001  the next sync writes it
            LOG.error("catalogue not written: %s", type(failure).__name__)  # noqa: TRY400

    # --- how it is -------------------------------------------------------------------------------

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
            "applications": sum(1 for key in self._hub.known() if key.instance == instance.name),
            "warnings": warnings,
        }


def _as_answer(heard: Heard, confirm: Sequence[str]) -> Answer:
    return Answer(
        source=heard.source,
        outcome=heard.outcome,
        apps=heard.apps,
        began_at=heard.began_at,
        confirmed=heard.source.name in confirm,
    )


def _written(wanted: Wanted) -> str:
    instance = f"{wanted.instance}:" if wanted.instance else ""
    namespace = f"{wanted.namespace}/" if wanted.namespace else ""
    return repr(f"{instance}{namespace}{wanted.name}"[:253])
