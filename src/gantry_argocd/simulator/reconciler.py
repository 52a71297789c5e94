"""Reconciliation: refreshes, what a sync leaves behind, and automated syncs."""

from __future__ import annotations

from collections.abc import Callable

from . import automation, results
from .gojson import Json
from .profiles import Profile
from .projects import Projects
from .revisions import Revisions, sources_of
from .scheduler import Scheduler
from .store import Fleet, Key, timestamp

REFRESH = "argocd.argoproj.io/refresh"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"

Begin = Callable[[Key, Json | None], None]


class Reconciler:
    """Compares Applications with what they should be, as often as somebody asks.

    *begin* takes up an operation that was put on an Application; *seconds* is how long a
    comparison takes, *rollout_seconds* how long a workload needs to become healthy.
    """

    def __init__(
        self,
        fleet: Fleet,
        projects: Projects,
        revisions: Revisions,
        scheduler: Scheduler,
        profile: Profile,
        begin: Begin,
        *,
        seconds: float,
        rollout_seconds: float,
    ) -> None:
        self._fleet = fleet
        self._projects = projects
        self._revisions = revisions
        self._scheduler = scheduler
        self._profile = profile
        self._begin = begin
        self._seconds = seconds
        self._rollout_seconds = rollout_seconds

    def refresh(self, key: Key) -> None:
        """Answer a refresh soon; an Application with skip-reconcile is left alone for ever."""
        self._scheduler.after(self._seconds, lambda: self._answer_refresh(key))

    def settle_later(self, key: Key, sync: Json) -> None:
        """Compare again after a successful sync."""
        self._scheduler.after(self._seconds, lambda: self._settle(key, sync))

    def check_later(self, key: Key) -> None:
        """Sync an Application by itself soon, if its policy says so and no window forbids it."""
        self._scheduler.after(self._seconds, lambda: self._automate(key))

    def roll_out(self, key: Key) -> None:
        """Let what is progressing become healthy after a while."""
        self._scheduler.after(self._rollout_seconds, lambda: self._recover(key))

    def set_health(self, app: Json) -> None:
        """Judge the health of *app* by its resources."""
        word = results.overall_health(app, self._profile)
        if app["status"]["health"].get("status") != word:
            app["status"]["health"] = {"status": word, "lastTransitionTime": self.now()}

    def now(self) -> str:
        """Return the time as Argo CD writes it."""
        return timestamp(self._scheduler.now())

    def _settle(self, key: Key, sync: Json) -> None:
        """Refresh the status after a successful sync; workloads become healthy a little later."""

        def edit(app: Json) -> None:
            status = app["status"]
            status["reconciledAt"] = self.now()
            if sync.get("dryRun"):
                return
            compared = status["sync"]
            revisions = sync.get("revisions")
            if not compared.get("status"):
                compared.update({"revisions": revisions} if revisions else {})
                compared.setdefault("revision", sync.get("revision", ""))
            at_target = (
                compared.get("revisions") == revisions
                if revisions
                else compared.get("revision") == sync.get("revision")
            )
            results.settle(app, sync, at_target=at_target)
            self.set_health(app)
            _set_sync_error(status, None)

        record = self._fleet.change(key, edit)
        health = record and results.overall_health(record.app, self._profile)
        if health == "Progressing":
            self.roll_out(key)

    def _recover(self, key: Key) -> None:
        def edit(app: Json) -> None:
            results.recover(app)
            self.set_health(app)
            app["status"]["reconciledAt"] = self.now()

        self._fleet.change(key, edit)

    def _answer_refresh(self, key: Key) -> None:
        record = self._fleet.record(key)
        annotations = record.app["metadata"].get("annotations") or {} if record else {}
        if annotations.get(SKIP_RECONCILE) == "true" or REFRESH not in annotations:
            return

        def edit(app: Json) -> None:
            app["metadata"]["annotations"].pop(REFRESH, None)
            if not app["metadata"]["annotations"]:
                del app["metadata"]["annotations"]
            status = app["status"]
            status["reconciledAt"] = self.now()
            if not status["sync"].get("status"):
                status["sync"]["status"] = "OutOfSync"
                source = sources_of(app["spec"])[0]
                status["sync"]["revision"] = self._revisions.resolve(app, source, "", 0)
                status["health"] = {"status": "Missing", "lastTransitionTime": self.now()}

        self._fleet.change(key, edit)
        self._automate(key)

    def _automate(self, key: Key) -> None:
        record = self._fleet.record(key)
        if record is None:
            return
        app = record.app
        windows = self._projects.windows(app, self._scheduler.now())
        operation = automation.due_operation(app, fills_in_source=self._profile.fills_in_source)
        if operation is None or not windows.automated_sync_allowed:
            return
        previous = app["status"].get("operationState")

        def edit(app: Json) -> None:
            app["status"].pop("operationState", None)
            app["operation"] = operation

        self._fleet.change(key, edit)
        self._begin(key, previous)

    def tell_failure(self, app: Json) -> None:
        """Put the condition on *app* that a failed automated sync leaves, and no other sync."""
        by = app["status"]["operationState"]["operation"].get("initiatedBy") or {}
        if by.get("automated"):
            _set_sync_error(app["status"], automation.failure_condition(app, self.now()))


def _set_sync_error(status: Json, condition: Json | None) -> None:
    conditions = [c for c in status.get("conditions") or () if c["type"] != "SyncError"]
    if condition is not None:
        conditions.append(condition)
    if conditions:
        status["conditions"] = conditions
    else:
        status.pop("conditions", None)
