"""The application controller: carries operations through their life and answers refreshes."""

from __future__ import annotations

import heapq
import itertools
import re
import threading
from collections.abc import Callable

import attrs

from . import results
from .clock import SimulatedClock
from .gojson import Json
from .profiles import Profile
from .projects import Projects
from .revisions import Revisions, is_git, is_sha, sources_of, unknown_commit
from .store import Fleet, Key, timestamp

REFRESH = "argocd.argoproj.io/refresh"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
_BLOCKING_CONDITIONS = ("ComparisonError", "InvalidSpecError")
_HISTORY_LIMIT = 10
_DURATION = re.compile(r"([\d.]+)(ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return a Go duration such as ``1m30s`` in seconds."""
    return sum(float(n) * _UNIT_SECONDS[unit] for n, unit in _DURATION.findall(text))


class Scheduler:
    """One thread that calls functions at their time and sleeps in between."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._stopping = False
        clock.on_change(self._wake)

    def start(self) -> None:
        """Begin to call what is due."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="argocd-controller", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop calling anything and wait for the thread to end."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call *call* once, *seconds* from now."""
        with self._condition:
            heapq.heappush(self._due, (self._clock.passed() + seconds, next(self._numbers), call))
            self._condition.notify()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            while not self._stopping:
                wait = self._due[0][0] - self._clock.passed() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._condition.wait(None if wait is None else self._clock.outside(wait))
            return None

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify()


@attrs.define(eq=False)
class Job:
    """One operation the controller works on."""

    key: Key
    failures: dict[results.ResourceKey, str]
    retries: int = 0


class Controller:
    """Works on operations in the order and with the words of the real controller."""

    def __init__(
        self,
        fleet: Fleet,
        projects: Projects,
        revisions: Revisions,
        clock: SimulatedClock,
        profile: Profile,
        *,
        operation_seconds: float,
        reconcile_seconds: float,
    ) -> None:
        self._fleet = fleet
        self._projects = projects
        self._revisions = revisions
        self._clock = clock
        self._profile = profile
        self._operation_seconds = operation_seconds
        self._reconcile_seconds = reconcile_seconds
        self._scheduler = Scheduler(clock)
        self._lock = threading.Lock()
        self._jobs: dict[Key, Job] = {}
        self._broken: dict[Key, str] = {}
        self._broken_hooks: dict[Key, str] = {}

    def start(self) -> None:
        """Begin to work."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop working; operations under way stay as they are."""
        self._scheduler.stop()

    def break_sync(self, key: Key, message: str | None) -> None:
        """Let every sync of an Application fail with *message*; None lets it succeed again."""
        with self._lock:
            if message is None:
                self._broken.pop(key, None)
            else:
                self._broken[key] = message

    def break_hook(self, key: Key, message: str) -> None:
        """Let the PreSync hooks of an Application fail with *message* from now on."""
        with self._lock:
            self._broken_hooks[key] = message

    def begin(self, key: Key, previous: Json | None) -> None:
        """Take up the operation just requested; *previous* is the operation state before it."""
        job = Job(key, results.earlier_failures(previous))
        with self._lock:
            self._jobs[key] = job
        self._later(0.1, job, self._pick_up)

    def terminate(self, key: Key) -> None:
        """End the operation of an Application, unless a sync window holds it."""
        job = Job(key, {})
        with self._lock:
            self._jobs[key] = job  # steps of the old job find themselves replaced
        self._later(0.1, job, self._finish_termination)

    def refresh(self, key: Key) -> None:
        """Reconcile an Application soon; one with skip-reconcile is left alone for ever."""
        self._scheduler.after(self._reconcile_seconds, lambda: self._reconcile(key))

    def _later(self, share: float, job: Job, step: Callable[[Job, Json], None]) -> None:
        self._after(share * self._operation_seconds, job, step)

    def _after(self, seconds: float, job: Job, step: Callable[[Job, Json], None]) -> None:
        def run() -> None:
            record = self._fleet.record(job.key)
            if self._jobs.get(job.key) is job and record is not None and "operation" in record.app:
                step(job, record.app)

        self._scheduler.after(seconds, run)

    # -- the steps of an operation, each one event of the watch -------------------------------

    def _pick_up(self, job: Job, app: Json) -> None:
        held = self._is_held(app)

        def edit(app: Json) -> None:
            state: Json = {"operation": app["operation"], "phase": "Running"}
            if held:
                state["message"] = "Sync operation blocked by sync window"
                state["syncResult"] = _sync_result(app, None)
            app["status"]["operationState"] = {**state, "startedAt": self._now()}

        self._fleet.change(job.key, edit)
        if not held:
            self._later(0.15, job, self._compare)

    def _compare(self, job: Job, app: Json) -> None:
        sync = app["operation"]["sync"]
        problem = self._comparison_problem(app, sync)
        if problem is not None:
            self._finish(job, "Error", problem, None)
            return
        waiting = results.pruning_confirmation(app, sync, self._profile)
        message = waiting or results.waiting_message(app, sync)
        running = results.resource_results(app, sync, running=True, failures={})

        def edit(app: Json) -> None:
            state = app["status"]["operationState"]
            state.pop("finishedAt", None)
            state |= {"phase": "Running", "message": message}
            state["syncResult"] = _sync_result(app, None if waiting else running)

        self._fleet.change(job.key, edit)
        if waiting is None:
            self._later(0.6, job, self._complete)

    def _comparison_problem(self, app: Json, sync: Json) -> str | None:
        for condition in app["status"].get("conditions") or ():
            if condition["type"] in _BLOCKING_CONDITIONS:
                return f"{condition['type']}: {condition['message']}"
        sources = sync.get("sources") or sources_of(app["spec"])
        wanted = sync.get("revisions") or [sync.get("revision", "")]
        for source, revision in zip(sources, wanted, strict=False):
            unknown = is_sha(revision) and not self._revisions.knows(_settled(app), revision)
            if is_git(source) and unknown:
                return f"ComparisonError: {unknown_commit(revision)}"
        return None

    def _complete(self, job: Job, app: Json) -> None:
        sync = app["operation"]["sync"]
        with self._lock:
            broken = self._broken_hooks.get(job.key)
        if broken is not None and (failed := results.failed_hooks(app, sync, broken)):
            # What comes after a failed hook is not begun, and nothing is said of it.
            self._fail_or_retry(job, app, self._profile.failure_text, failed)
            return
        failures = results.failures_of(app, sync, self._expected_failures(job, app), self._profile)
        done = results.resource_results(app, sync, running=False, failures=failures)
        if failures and not sync.get("dryRun"):
            reason = next(iter(failures.values()))
            what = self._profile.failure_text
            if reason == results.SERVER_SIDE_FORCE:
                what = "one or more objects failed to apply"
            self._fail_or_retry(job, app, f"{what}, reason: {reason}", done)
            return
        quiet = sync.get("dryRun") or not done
        message = f"successfully synced ({'no more tasks' if quiet else 'all tasks run'})"
        self._finish(job, "Succeeded", message, done)
        self._scheduler.after(self._reconcile_seconds, lambda: self._settle(job.key, sync))

    def _expected_failures(self, job: Job, app: Json) -> dict[results.ResourceKey, str]:
        with self._lock:
            message = self._broken.get(job.key)
        if message is None:
            return job.failures
        plain = [item for item in app["status"].get("resources") or () if not results.is_hook(item)]
        return {results.resource_key(item): message for item in plain[:1]}

    def _fail_or_retry(self, job: Job, app: Json, message: str, done: list[Json]) -> None:
        retry = app["operation"].get("retry") or {}
        limit = int(retry.get("limit") or 0)
        if limit >= 0 and job.retries >= limit:
            if job.retries:
                message += f" (retried {job.retries} times)."
            self._finish(job, "Failed", message, done)
            return
        job.retries += 1
        wait = _backoff_seconds(retry, job.retries)
        moment = self._clock().strftime("%I:%M%p").lstrip("0")
        text = f"{message}. Retrying attempt #{job.retries} at {moment}."

        def edit(app: Json) -> None:
            app["status"]["operationState"] |= {
                "phase": "Running",
                "message": text,
                "syncResult": _sync_result(app, done),
                "finishedAt": self._now(),
                "retryCount": job.retries,
            }

        self._fleet.change(job.key, edit)
        self._after(wait, job, self._compare)

    def _finish(self, job: Job, phase: str, message: str, done: list[Json] | None) -> None:
        def edit(app: Json) -> None:
            state = app["status"]["operationState"]
            state |= {"phase": phase, "message": message, "syncResult": _sync_result(app, done)}
            state["finishedAt"] = self._now()
            operation = app.pop("operation")
            if phase == "Succeeded" and _is_recorded(operation["sync"]):
                _append_history(app, operation, state)

        with self._lock:
            self._jobs.pop(job.key, None)
        self._fleet.change(job.key, edit)

    def _finish_termination(self, job: Job, app: Json) -> None:
        if self._is_held(app):
            return  # the window holds the termination as well

        def edit(app: Json) -> None:
            state = app["status"]["operationState"]
            for item in (state.get("syncResult") or {}).get("resources") or ():
                if item.get("hookType"):
                    item.update(self._profile.terminated_hook)
            state |= {"phase": "Failed", "message": "Operation terminated"}
            state["finishedAt"] = self._now()
            app.pop("operation", None)

        with self._lock:
            self._jobs.pop(job.key, None)
        self._fleet.change(job.key, edit)

    # -- reconciliation -----------------------------------------------------------------------

    def _settle(self, key: Key, sync: Json) -> None:
        """Refresh the status after a successful sync; workloads become healthy a little later."""

        def edit(app: Json) -> None:
            status = app["status"]
            status["reconciledAt"] = self._now()
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
            self._set_health(app)
            left = [c for c in status.get("conditions") or () if c["type"] != "SyncError"]
            if left:
                status["conditions"] = left
            else:
                status.pop("conditions", None)

        record = self._fleet.change(key, edit)
        if (
            record is not None
            and results.overall_health(record.app, self._profile) == "Progressing"
        ):
            rollout = 0.5 * self._operation_seconds
            self._scheduler.after(rollout, lambda: self._recover(key))

    def _recover(self, key: Key) -> None:
        def edit(app: Json) -> None:
            results.recover(app)
            self._set_health(app)
            app["status"]["reconciledAt"] = self._now()

        self._fleet.change(key, edit)

    def _reconcile(self, key: Key) -> None:
        record = self._fleet.record(key)
        annotations = record.app["metadata"].get("annotations") or {} if record else {}
        if annotations.get(SKIP_RECONCILE) == "true" or REFRESH not in annotations:
            return

        def edit(app: Json) -> None:
            app["metadata"]["annotations"].pop(REFRESH, None)
            if not app["metadata"]["annotations"]:
                del app["metadata"]["annotations"]
            status = app["status"]
            status["reconciledAt"] = self._now()
            if not status["sync"].get("status"):
                status["sync"]["status"] = "OutOfSync"
                source = sources_of(app["spec"])[0]
                status["sync"]["revision"] = self._revisions.resolve(app, source, "", 0)
                status["health"] = {"status": "Missing", "lastTransitionTime": self._now()}

        self._fleet.change(key, edit)

    def _is_held(self, app: Json) -> bool:
        """Return whether a sync window holds the operation of *app*."""
        allowed = self._projects.windows(app, self._clock()).manual_sync_allowed
        return self._profile.windows_hold_operations and not allowed

    def _set_health(self, app: Json) -> None:
        word = results.overall_health(app, self._profile)
        if app["status"]["health"].get("status") != word:
            app["status"]["health"] = {"status": word, "lastTransitionTime": self._now()}

    def _now(self) -> str:
        return timestamp(self._clock())


def _backoff_seconds(retry: Json, attempt: int) -> float:
    backoff = retry.get("backoff") or {}
    first = parse_duration(str(backoff.get("duration") or "5s"))
    longest = parse_duration(str(backoff.get("maxDuration") or "3m"))
    return float(min(longest, first * float(backoff.get("factor") or 2) ** (attempt - 1)))


def _settled(app: Json) -> Json:
    """Return *app* without the running operation, whose revision proves nothing."""
    status = {k: v for k, v in app["status"].items() if k != "operationState"}
    return {**{k: v for k, v in app.items() if k != "operation"}, "status": status}


def _is_recorded(sync: Json) -> bool:
    """Return whether a sync enters the history: complete ones that were not a dry run."""
    return not sync.get("dryRun") and not sync.get("resources")


def _sync_result(app: Json, done: list[Json] | None) -> Json:
    operation = app.get("operation") or app["status"]["operationState"]["operation"]
    sync = operation["sync"]
    result: Json = {"resources": done} if done else {}
    result["revision"] = sync.get("revision", "")
    several = bool(sync.get("sources"))
    result["source"] = {"repoURL": ""} if several else _source(app, sync)
    for name in ("sources", "revisions"):
        if sync.get(name):
            result[name] = sync[name]
    return result


def _source(app: Json, sync: Json) -> Json:
    source: Json = sync.get("source") or sources_of(app["spec"])[0]
    return source


def _append_history(app: Json, operation: Json, state: Json) -> None:
    status, sync = app["status"], operation["sync"]
    history: list[Json] = status.get("history") or []
    entry: Json = {} if sync.get("sources") else {"revision": sync.get("revision", "")}
    entry |= {
        "deployedAt": state["finishedAt"],
        "id": history[-1]["id"] + 1 if history else 0,
        "source": {"repoURL": ""} if sync.get("sources") else _source(app, sync),
        "deployStartedAt": state["startedAt"],
    }
    for name in ("sources", "revisions"):
        if sync.get(name):
            entry[name] = sync[name]
    entry["initiatedBy"] = operation.get("initiatedBy", {})
    limit = int(app["spec"].get("revisionHistoryLimit", _HISTORY_LIMIT))
    kept = [*history, entry][-limit:] if limit else []
    if kept:
        status["history"] = kept
