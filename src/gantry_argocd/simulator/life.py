"""What befalls a fleet from outside: commits, drift, failing workloads, births and deaths."""

from __future__ import annotations

import copy
import hashlib
import random
from collections.abc import Callable, Mapping

from .controller import Controller
from .gojson import Json
from .profiles import Profile
from .reconciler import SKIP_RECONCILE
from .results import is_hook
from .revisions import is_git, sources_of
from .store import CONTROL_PLANE, Fleet, Key, has_health_check

BUSIEST = 60_000.0
"""The most that can happen in a minute."""

_FINALIZER = "resources-finalizer.argocd.argoproj.io"
_LOST = (
    "Failed to load target state: failed to generate manifest for source 1 of 1: "
    "rpc error: code = Unavailable desc = connection error: desc = "
    '"transport: Error while dialing: dial tcp 127.0.0.1:8081: connect: connection refused"'
)
# How often what happens, out of all that happens.
_WEIGHTS: Mapping[str, int] = {
    "push": 40,
    "drift": 20,
    "degrade": 12,
    "recover": 18,
    "delete": 3,
    "generate": 3,
    "hydrate": 4,
}


class Life:
    """Lets things happen to Applications: one by name, some by chance, or some each minute.

    What is drawn depends on the seed and on the fleet alone; when it happens, on the clock of the
    simulator.
    """

    def __init__(
        self, fleet: Fleet, controller: Controller, profile: Profile, rng: random.Random
    ) -> None:
        self._fleet = fleet
        self._controller = controller
        self._profile = profile
        self._rng = rng
        self._number = 0
        self._generation = 0
        self._lost: dict[Key, Json] = {}

    # -- by name --------------------------------------------------------------------------------

    def push(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Push a commit: the Application is out of sync, and synced if it does so by itself."""
        key = (namespace, name)

        def edit(app: Json) -> bool:
            sources = sources_of(app["spec"])
            changed = next((n for n, source in enumerate(sources) if is_git(source)), None)
            differing = _plain(app)[:1]
            if changed is None or not differing:
                return False
            sync = app["status"]["sync"]
            if app["spec"].get("sources"):
                revisions = list(sync.get("revisions") or [""] * len(sources))
                revisions[changed] = self._commit(key)
                sync["revisions"] = revisions
            else:
                sync["revision"] = self._commit(key)
            self._differ(app, differing)
            return True

        return self._change(key, edit, self._controller.reconciler.check_later)

    def drift(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Change a resource in the cluster: out of sync, until a sync or self-healing."""

        def edit(app: Json) -> bool:
            same = [item for item in _plain(app) if item.get("status") == "Synced"]
            if same:
                self._differ(app, same[-1:])
            return bool(same)

        return self._change((namespace, name), edit, self._controller.reconciler.check_later)

    def degrade(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Let a workload fail."""

        def edit(app: Json) -> bool:
            for item in _plain(app):
                if has_health_check(item["kind"]) and _health(item) == "Healthy":
                    text = f'{item["kind"]} "{item["name"]}" exceeded its progress deadline'
                    item["health"] = {"status": "Degraded", "message": text}
                    self._controller.reconciler.set_health(app)
                    return True
            return False

        return self._change((namespace, name), edit)

    def recover(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Let what failed roll out again, and become healthy after a while."""

        def edit(app: Json) -> bool:
            failed = [item for item in _plain(app) if _health(item) == "Degraded"]
            for item in failed:
                item["health"] = {"status": "Progressing"}
            self._controller.reconciler.set_health(app)
            return bool(failed)

        return self._change((namespace, name), edit, self._controller.reconciler.roll_out)

    def delete(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Delete an Application with its resources: it is seen deleting first, then gone."""

        def edit(app: Json) -> bool:
            app["metadata"]["deletionTimestamp"] = self._controller.reconciler.now()
            app["metadata"].setdefault("finalizers", [_FINALIZER])
            return True

        return self._change((namespace, name), edit, self._vanish)

    def generate(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Let the ApplicationSet that owns an Application make another one like it."""
        pattern = self._fleet.get(name, namespace=namespace)
        if pattern is None or not pattern["metadata"].get("ownerReferences"):
            return False
        self._number += 1
        metadata = pattern["metadata"]
        new: Json = {"name": f"{name}-{self._number}", "namespace": namespace}
        kept = ("labels", "annotations", "ownerReferences")
        new |= {key: metadata[key] for key in kept if key in metadata}
        self._fleet.replace({"metadata": new, "spec": pattern["spec"]})
        key = (namespace, new["name"])
        resources = [
            {**item, "status": "OutOfSync", "health": {"status": "Missing"}}
            for item in _plain(pattern)
        ]
        self._controller.scheduler.after(1.0, lambda: self._first_look(key, resources))
        return True

    def hydrate(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Push a dry commit: it is hydrated, and the hydrated commit is what is out of sync."""
        key = (namespace, name)

        def edit(app: Json) -> bool:
            hydrator = app["spec"].get("sourceHydrator")
            if hydrator is None:
                return False
            app["status"]["sourceHydrator"]["currentOperation"] = {
                "startedAt": self._controller.reconciler.now(),
                "phase": "Hydrating",
                "message": "",
                "drySHA": self._commit(key),
                "sourceHydrator": hydrator,
            }
            return True

        def finish(key: Key) -> None:
            self._controller.scheduler.after(1.0, lambda: self._hydrated(key))

        return self._change(key, edit, finish)

    def lose(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Take the manifests out of reach: nothing can be compared, and all seems superfluous."""
        key = (namespace, name)

        def edit(app: Json) -> bool:
            status = app["status"]
            if status["sync"].get("status") not in {"Synced", "OutOfSync"}:
                return False
            known = {k: status[k] for k in ("sync", "resources", "conditions") if k in status}
            self._lost[key] = copy.deepcopy(known)
            self._unload(app)
            return True

        return self._change(key, edit)

    def find(self, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Bring lost manifests back, as they were."""
        key = (namespace, name)
        known = self._lost.get(key)
        if known is None:
            return False

        def edit(app: Json) -> bool:
            app["status"].pop("conditions", None)
            app["status"] |= copy.deepcopy(known)
            return True

        found = self._change(key, edit)
        if found:
            del self._lost[key]
        return found

    # -- by chance ------------------------------------------------------------------------------

    def step(self, count: int = 1) -> list[str]:
        """Let *count* things happen by chance; returns what happened to whom."""
        return [told for told in (self._one() for _ in range(count)) if told]

    def run(self, per_minute: float) -> None:
        """
        Let so many things happen each minute by chance; 0 ends it.

        Raises:
            ValueError: For a negative number, more than :data:`BUSIEST`, and what is no number.
        """
        if not 0 <= per_minute <= BUSIEST:
            raise ValueError(f"a number from 0 to {BUSIEST:.0f} is expected")
        self._generation += 1
        if per_minute > 0:
            self._plan(per_minute, self._generation)

    def _plan(self, per_minute: float, generation: int) -> None:
        def happen() -> None:
            if self._generation == generation:
                self._one()
                self._plan(per_minute, generation)

        rate = max(per_minute / 60.0, 1e-9)  # less may have no inverse
        self._controller.scheduler.after(self._rng.expovariate(rate), happen)

    def _one(self) -> str | None:
        records = self._fleet.records()
        what = self._rng.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
        if not records:
            return None
        # A few draws, for most cannot recover, and only some were generated or are hydrated.
        for _ in range(20):
            namespace, name = self._rng.choice(records).key
            if self.happen(what, name, namespace=namespace):
                return f"{what} {namespace}/{name}"
        return None

    def happen(self, what: str, name: str, *, namespace: str = CONTROL_PLANE) -> bool:
        """Let *what* happen, by name; False if it cannot. Raises ValueError for a wrong name."""
        happenings: dict[str, Callable[..., bool]] = {
            "push": self.push,
            "drift": self.drift,
            "degrade": self.degrade,
            "recover": self.recover,
            "delete": self.delete,
            "generate": self.generate,
            "hydrate": self.hydrate,
            "lose": self.lose,
            "find": self.find,
        }
        if what not in happenings:
            raise ValueError(f"do must be one of {', '.join(happenings)}, step or run")
        return happenings[what](name, namespace=namespace)

    # -- what it takes --------------------------------------------------------------------------

    def _change(
        self,
        key: Key,
        edit: Callable[[Json], bool],
        afterwards: Callable[[Key], None] | None = None,
    ) -> bool:
        """Change an Application that lives and is looked after, if *edit* does."""
        record = self._fleet.record(key)
        if record is None:
            return False
        metadata = record.app["metadata"]
        paused = (metadata.get("annotations") or {}).get(SKIP_RECONCILE) == "true"
        if paused or metadata.get("deletionTimestamp") or not edit(record.app):
            return False

        def store(app: Json) -> None:
            edit(app)
            app["status"]["reconciledAt"] = self._controller.reconciler.now()

        self._fleet.change(key, store)
        if afterwards is not None:
            afterwards(key)
        return True

    def _unload(self, app: Json) -> None:
        """Change *app* as a comparison does whose manifests did not load."""
        status, sources = app["status"], sources_of(app["spec"])
        targets = [source.get("targetRevision") or "HEAD" for source in sources]
        sync = status["sync"]
        sync["status"] = "Unknown"
        for name, value in (("revision", targets[0]), ("revisions", targets)):
            if name in sync and self._profile.names_unresolved_revisions:
                sync[name] = value
            else:
                sync.pop(name, None)
        for item in _plain(app):
            item |= {"status": "Unknown", "requiresPruning": True}
        condition = {
            "type": "ComparisonError",
            "message": _LOST,
            "lastTransitionTime": self._controller.reconciler.now(),
        }
        status["conditions"] = [*(status.get("conditions") or ()), condition]

    def _differ(self, app: Json, resources: list[Json]) -> None:
        for item in resources:
            item["status"] = "OutOfSync"
        app["status"]["sync"]["status"] = "OutOfSync"

    def _commit(self, key: Key) -> str:
        # Drawn anew by each edit of one change, and the same for both.
        record = self._fleet.record(key)
        version = 0 if record is None else record.resource_version
        return hashlib.sha1(f"{key}/{version}".encode(), usedforsecurity=False).hexdigest()

    def _vanish(self, key: Key) -> None:
        def gone() -> None:
            self._fleet.delete(key[1], namespace=key[0])

        self._controller.scheduler.after(2.0, gone)

    def _first_look(self, key: Key, resources: list[Json]) -> None:
        def edit(app: Json) -> bool:
            status = app["status"]
            status["resources"] = resources
            status["sync"] = {"status": "OutOfSync", "revision": self._commit(key)}
            self._controller.reconciler.set_health(app)
            return True

        self._change(key, edit, self._controller.reconciler.check_later)

    def _hydrated(self, key: Key) -> None:
        def edit(app: Json) -> bool:
            hydrator = app["status"]["sourceHydrator"]
            operation = hydrator.get("currentOperation")
            if operation is None or operation["phase"] != "Hydrating":
                return False
            hydrated = self._commit(key)
            operation |= {"phase": "Hydrated", "hydratedSHA": hydrated}
            operation["finishedAt"] = self._controller.reconciler.now()
            hydrator["lastSuccessfulOperation"] = {
                name: operation[name] for name in ("drySHA", "hydratedSHA", "sourceHydrator")
            }
            if self._profile.since(3, 5):
                hydrator["lastComparedDryRevision"] = operation["drySHA"]
            app["status"]["sync"]["revision"] = hydrated
            self._differ(app, _plain(app)[:1])
            return True

        self._change(key, edit, self._controller.reconciler.check_later)


def _plain(app: Json) -> list[Json]:
    """Return the resources that are neither hooks nor about to be pruned."""
    resources = app["status"].get("resources") or ()
    return [item for item in resources if not is_hook(item) and not item.get("requiresPruning")]


def _health(item: Json) -> str | None:
    return (item.get("health") or {}).get("status")
