"""The application controller: carries operations through their life and answers refreshes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import attrs

from . import results
from .clock import SimulatedClock
from .gojson import Json
from .profiles import Profile
from .projects import Projects
from .reconciler import Reconciler
from .revisions import Revisions, is_git, is_sha, sources_of, unknown_commit
from .scheduler import Scheduler
from .store import Fleet, Key

_BLOCKING_CONDITIONS = ("ComparisonError", "InvalidSpecError")
_HISTORY_LIMIT = 10
_DURATION = re.compile(r"([\d.]+)(ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return a Go duration such as ``1m30s`` in seconds."""
    return sum(float(n) * _UNIT_SECONDS[unit] for n, unit in _DURATION.findall(text))


@attrs.define(eq=False)
class Job:
    """One operation the controller works on."""

    key: Key
    failures: dict[results.ResourceKey, str]
    retries: int = 0
    stage: int = 0


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
        self._profile = profile
        self._operation_seconds = operation_seconds
        self.scheduler = Scheduler(clock)
        self.reconciler = Reconciler(
            fleet,
            projects,
            revisions,
            self.scheduler,
            profile,
            self.begin,
            seconds=reconcile_seconds,
            rollout_seconds=0.5 * operation_seconds,
        )
        self._lock = threading.Lock()
        self._jobs: dict[Key, Job] = {}
        self._broken: dict[Key, str] = {}
        self._broken_hooks: dict[Key, str] = {}

    def start(self) -> None:
        """Begin to work."""
        self.scheduler.start()

    def stop(self) -> None:
        """Stop working; operations under way stay as they are."""
        self.scheduler.stop()

    def break_sync(self, key: Key, message: str | None) -> None:
        """Let every sync of an Application fail with *message*; None lets it succeed again."""
        with self._lock:
            self._broken[key] = message or ""

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

    def _later(self, share: float, job: Job, step: Callable[[Job, Json], None]) -> None:
        self._after(share * self._operation_seconds, job, step)

    def _after(self, seconds: float, job: Job, step: Callable[[Job, Json], None]) -> None:
        def run() -> None:
            record = self._fleet.record(job.key)
            if self._jobs.get(job.key) is job and record is not None and "operation" in record.app:
                step(job, record.app)

        self.scheduler.after(seconds, run)

    def _change(self, job: Job, edit: Callable[[Json], None]) -> None:
        """Change an Application; whoever replaced it meanwhile has ended its operation."""

        def still(app: Json) -> None:
            if "operation" in app:
                edit(app)

        self._fleet.change(job.key, still)

    # -- the steps of an operation, each one event of the watch -------------------------------

    def _pick_up(self, job: Job, app: Json) -> None:
        held = self._is_held(app)

        def edit(app: Json) -> None:
            state: Json = {"operation": app["operation"], "phase": "Running"}
            if held:
                state["message"] = "Sync operation blocked by sync window"
                state["syncResult"] = self._sync_result(app, None)
            app["status"]["operationState"] = {**state, "startedAt": self._now()}

        self._change(job, edit)
        if not held:
            self._later(0.15, job, self._compare)

    def _compare(self, job: Job, app: Json) -> None:
        sync = app["operation"]["sync"]
        problem = self._comparison_problem(app, sync)
        if problem is not None:
            unknown_cluster = results.NO_SUCH_CLUSTER in problem
            phase = self._profile.unknown_cluster_phase if unknown_cluster else "Error"
            self._finish(job, phase, problem, None)
            return
        waiting = results.pruning_confirmation(
            app, sync, self._profile, self._fleet.guarded(job.key)
        )
        if waiting is not None:
            self._say(job, waiting, [])
            return
        job.stage = 0
        self._advance(job, app)

    def _advance(self, job: Job, app: Json) -> None:
        """Begin the next stage: hooks come first, then one wave after the other."""
        sync = app["operation"]["sync"]
        stages = results.stages(app, sync)
        stage = stages[job.stage] if stages else []
        job.stage += 1
        done = results.resource_results(
            app, sync, running=True, failures={}, until=job.stage, profile=self._profile
        )
        self._say(job, results.waiting_message(stage), done)
        last = job.stage >= results.reached(app, sync, self._failures(job, app))
        following = self._complete if last else self._advance
        self._later(0.6 / max(1, len(stages)), job, following)

    def _failures(self, job: Job, app: Json) -> dict[results.ResourceKey, str]:
        expected = self._expected_failures(job, app)
        return results.failures_of(app, app["operation"]["sync"], expected, self._profile)

    def _say(self, job: Job, message: str, done: list[Json] | None) -> None:
        """Tell what a running operation waits for, and how far it is."""

        def edit(app: Json) -> None:
            state = app["status"]["operationState"]
            state.pop("finishedAt", None)
            state |= {"phase": "Running", "message": message}
            state["syncResult"] = self._sync_result(app, done)

        self._change(job, edit)

    def _comparison_problem(self, app: Json, sync: Json) -> str | None:
        for condition in app["status"].get("conditions") or ():
            if results.NO_SUCH_CLUSTER in condition["message"]:
                return str(condition["message"])
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
        if broken is not None and (
            failed := results.failed_hooks(app, sync, broken, self._profile)
        ):
            # What comes after a failed hook is not begun, and nothing is said of it.
            self._fail_or_retry(job, app, self._profile.failure_text, failed)
            return
        failures = self._failures(job, app)
        until = results.reached(app, sync, failures)
        done = results.resource_results(
            app, sync, running=False, failures=failures, until=until, profile=self._profile
        )
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
        self.reconciler.settle_later(job.key, sync)

    def _expected_failures(self, job: Job, app: Json) -> dict[results.ResourceKey, str]:
        with self._lock:
            message = self._broken.get(job.key)
        if message is None:
            return job.failures
        if not message:
            return {}
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
        moment = self.scheduler.now().strftime("%I:%M%p").lstrip("0")
        reason = self._profile.retry_reason
        text = f"{message}{reason}. Retrying attempt #{job.retries} at {moment}."

        def edit(app: Json) -> None:
            app["status"]["operationState"] |= {
                "phase": "Running",
                "message": text,
                "syncResult": self._sync_result(app, done),
                "finishedAt": self._now(),
                "retryCount": job.retries,
            }

        self._change(job, edit)
        self._after(wait, job, self._compare)

    def _finish(self, job: Job, phase: str, message: str, done: list[Json] | None) -> None:
        def edit(app: Json) -> None:
            state = app["status"]["operationState"]
            state |= {"phase": phase, "message": message}
            # A sync to a cluster that is not known was not begun at all on older releases.
            if results.NO_SUCH_CLUSTER not in message or self._profile.fills_in_failed_revision:
                state["syncResult"] = self._sync_result(app, done)
            state["finishedAt"] = self._now()
            operation = app.pop("operation")
            if phase == "Succeeded" and _is_recorded(operation["sync"]):
                _append_history(app, operation, state)
            if phase != "Succeeded":
                self.reconciler.tell_failure(app)

        with self._lock:
            self._jobs.pop(job.key, None)
        self._change(job, edit)

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
            app.pop("operation")

        with self._lock:
            self._jobs.pop(job.key, None)
        self._change(job, edit)

    def _is_held(self, app: Json) -> bool:
        """Return whether a sync window holds the operation of *app*."""
        windows = self._projects.windows(app, self.scheduler.now())
        by = (app.get("operation") or {}).get("initiatedBy") or {}
        automated = by.get("automated")
        allowed = windows.automated_sync_allowed if automated else windows.manual_sync_allowed
        return self._profile.windows_hold_operations and not allowed

    def _sync_result(self, app: Json, done: list[Json] | None) -> Json:
        operation = app.get("operation") or app["status"]["operationState"]["operation"]
        sync = operation["sync"]
        result: Json = {"resources": done} if done else {}
        told = done is not None or self._profile.fills_in_failed_revision
        result["revision"] = sync.get("revision", "") if told else ""
        several = bool(sync.get("sources"))
        result["source"] = {"repoURL": ""} if several else _source(app, sync)
        for name in ("sources", "revisions"):
            if sync.get(name):
                result[name] = sync[name]
        return result

    def _now(self) -> str:
        return self.reconciler.now()


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
