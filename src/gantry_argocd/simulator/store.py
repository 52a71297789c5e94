"""The Applications of the simulated server: a thread-safe store that tells of its changes."""

from __future__ import annotations

import hashlib
import json
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Literal

import attrs

from .gojson import Json, clone, encode
from .profiles import LATEST, Profile
from .projection import FieldFilter, ListProjection
from .tokens import Clock

CONTROL_PLANE = "argocd"
Key = tuple[str, str]
EventType = Literal["ADDED", "MODIFIED", "DELETED"]

_WORKLOADS = frozenset(
    {
        *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"),
        *("Service", "Ingress", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "Rollout"),
    }
)
_PROJECTIONS_KEPT = 4


def timestamp(moment: datetime) -> str:
    """Return *moment* as Argo CD writes times: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def has_health_check(kind: str) -> bool:
    """Return whether Argo CD judges the health of resources of *kind*."""
    return kind in _WORKLOADS


class Record:
    """One version of an Application; never changed, so any thread may read it.

    It is kept as JSON: a hundred thousand of them have room then, and most answers are ready.
    """

    __slots__ = (
        *(
            "_full",
            "_listed",
            "_persists_health",
            "_projected",
            "_watched",
            "key",
            "labels",
            "name",
        ),
        *("project", "resource_version"),
    )

    def __init__(self, app: Json, *, persists_health: bool = False) -> None:
        self._persists_health = persists_health
        metadata = app["metadata"]
        self.name: str = metadata["name"]
        self.key: Key = (metadata["namespace"], metadata["name"])
        self.labels: dict[str, str] = metadata.get("labels") or {}
        self.project: str = app.get("spec", {}).get("project") or "default"
        version = str(metadata.get("resourceVersion", "0"))
        # As the number the watch compares.
        self.resource_version = int(version) if version.isdigit() else 0
        self._full = encode(app)
        self._listed: bytes | None = None
        self._projected: dict[ListProjection, bytes] = {}
        self._watched: tuple[FieldFilter, bytes] | None = None

    @property
    def app(self) -> Json:
        """The Application: a copy of one's own, which may be changed."""
        value: Json = json.loads(self._full)
        return value

    def full(self) -> bytes:
        """Return the JSON of a single-Application answer or a watch event."""
        return self._full

    def listed(self) -> bytes:
        """Return the JSON of an unprojected list item: health of resources is not filled in."""
        if self._listed is None:
            stored = self._persists_health
            self._listed = self._full if stored else encode(without_resource_health(self.app))
        return self._listed

    def projected(self, projection: ListProjection) -> bytes:
        """Return the JSON of a projected list item."""
        found = self._projected.get(projection)
        if found is None:
            if len(self._projected) >= _PROJECTIONS_KEPT:
                self._projected = {}
            app = self.app
            if "status.resources" in projection.names and not self._persists_health:
                app = without_resource_health(app)
            found = encode(projection.apply(app))
            self._projected[projection] = found
        return found

    def watched(self, kind: EventType, fields: FieldFilter) -> bytes:
        """Return the JSON of an event with only *fields*; what a snapshot sends is kept."""
        if kind == "ADDED" and self._watched is not None and self._watched[0] == fields:
            return self._watched[1]
        event: Json = {"result": {"type": kind, "application": self.app}}
        data = encode(fields.apply(event), sort=True)
        if kind == "ADDED":
            self._watched = (fields, data)
        return data


def without_resource_health(app: Json) -> Json:
    """Return *app* as it is persisted on 3.x: resources without their health."""
    resources = app.get("status", {}).get("resources")
    if not resources:
        return app
    bare = [{k: v for k, v in item.items() if k != "health"} for item in resources]
    return {**app, "status": {**app["status"], "resources": bare}}


@attrs.frozen
class Event:
    """One change, as a watch reports it."""

    type: EventType
    record: Record


Listener = Callable[[Event], None]


class Fleet:
    """Every Application of one simulated server.

    Applications go in and come out as plain dicts in Argo CD's JSON form; what comes out is a copy.
    """

    def __init__(
        self, clock: Clock, profile: Profile = LATEST, *, control_plane: str = CONTROL_PLANE
    ) -> None:
        self._clock = clock
        self._profile = profile
        self._control_plane = control_plane
        self._lock = threading.RLock()
        self._records: dict[Key, Record] = {}
        self._sorted: list[Record] | None = None
        self._listeners: dict[int, Listener] = {}
        self._next_listener = 0
        self._guarded: dict[Key, frozenset[tuple[str, str]]] = {}
        self._version = 1000

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Json]:
        return iter([record.app for record in self.records()])

    @property
    def resource_version(self) -> int:
        """The version of the newest change, as list answers give it."""
        return self._version

    def load(self, applications: Iterable[Json]) -> None:
        """Replace every Application; those that stay are reported as modified."""
        self.adopt([clone(app) for app in applications])

    def adopt(self, incoming: list[Json]) -> None:
        """Like `load`, but keep the dicts themselves; the caller must not touch them again."""
        with self._lock:
            kept = {self._key(app) for app in incoming}
            for key in [key for key in self._records if key not in kept]:
                self.delete(key[1], namespace=key[0])
            for app in incoming:
                self._put(self._completed(app), keep_version=True)

    def add(self, application: Json) -> Json:
        """Add an Application and return it as stored; raises ValueError if it exists."""
        app = self._completed(clone(application))
        with self._lock:
            if self._key(app) in self._records:
                raise ValueError(f"Application {'/'.join(self._key(app))} exists")
            return self._put(app).app

    def replace(self, application: Json) -> Json:
        """Put *application* in place of the one of its name and return it as stored."""
        with self._lock:
            return self._put(self._completed(clone(application))).app

    def delete(self, name: str, *, namespace: str = CONTROL_PLANE) -> None:
        """Remove an Application; one that does not exist is nobody's loss."""
        with self._lock:
            record = self._records.pop((namespace, name), None)
            if record is not None:
                self._sorted = None
                self._version += 1
                self._tell(Event("DELETED", record))

    def get(self, name: str, *, namespace: str = CONTROL_PLANE) -> Json | None:
        """Return a copy of one Application, None if there is none."""
        record = self._records.get((namespace, name))
        return None if record is None else record.app

    def change(self, key: Key, edit: Callable[[Json], None]) -> Record | None:
        """Let *edit* change a copy of one Application and store it; None if it is gone."""
        with self._lock:
            record = self._records.get(key)
            if record is None:
                return None
            app = record.app
            edit(app)
            return self._put(app)

    def set_status(
        self,
        name: str,
        *,
        namespace: str = CONTROL_PLANE,
        sync: str | None = None,
        health: str | None = None,
        merge: Json | None = None,
    ) -> Json:
        """Change the status of one Application and return it.

        *sync* and *health* are status words; *merge* is laid over ``status`` key by key, where
        None removes a key. Raises KeyError if there is no such Application.
        """
        over: Json = clone(merge or {})
        if sync is not None:
            over.setdefault("sync", {})["status"] = sync
        if health is not None:
            over.setdefault("health", {}).update(
                status=health, lastTransitionTime=timestamp(self._clock())
            )
        record = self.change((namespace, name), lambda app: _merge(app["status"], over))
        if record is None:
            raise KeyError(f"{namespace}/{name}")
        return record.app

    def guarded(self, key: Key) -> frozenset[tuple[str, str]]:
        """Return kind and name of what of an Application must not be pruned unconfirmed."""
        return self._guarded.get(key, frozenset())

    def record(self, key: Key) -> Record | None:
        """Return the current version of one Application."""
        return self._records.get(key)

    def records(self) -> list[Record]:
        """Return every Application sorted by name, then namespace; treat the list as read-only."""
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted(self._records.values(), key=_order)
            return self._sorted

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call *listener* on every change, in the changing thread; returns how to stop it."""
        with self._lock:
            self._next_listener += 1
            number = self._next_listener
            self._listeners[number] = listener

        def stop() -> None:
            with self._lock:
                self._listeners.pop(number, None)

        return stop

    def _key(self, app: Json) -> Key:
        metadata = app["metadata"]
        return (metadata.get("namespace") or self._control_plane, metadata["name"])

    def _completed(self, app: Json) -> Json:
        """Fill in what Kubernetes and the controller always set; no kind, as in every answer."""
        app.pop("kind", None)
        app.pop("apiVersion", None)
        metadata = app["metadata"]
        metadata["namespace"], _ = key = self._key(app)
        # Another one when an Application of the same name comes again.
        known = self._records.get(key)
        digest = hashlib.sha256(f"{key}/{self._version}".encode()).hexdigest()
        if known is not None:
            metadata.setdefault("uid", known.app["metadata"]["uid"])
        metadata.setdefault(
            "uid", f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"
        )
        metadata.setdefault("creationTimestamp", timestamp(self._clock()))
        app.setdefault("spec", {})
        status = app.setdefault("status", {})
        for name in ("sync", "health", "summary", "sourceHydrator"):
            status.setdefault(name, {})
        status["sync"].setdefault("status", "")
        _fill_resource_health(status)
        return app

    def _put(self, app: Json, *, keep_version: bool = False) -> Record:
        metadata = app["metadata"]
        given = str(metadata.get("resourceVersion", ""))
        if keep_version and given.isdigit():
            self._version = max(self._version, int(given))
        else:
            self._version += 1
            metadata["resourceVersion"] = str(self._version)
            metadata["generation"] = int(metadata.get("generation", 0)) + 1
        self._guard(app)
        self._profile.conform(app)
        record = Record(app, persists_health=self._profile.persists_resource_health)
        known = record.key in self._records
        self._records[record.key] = record
        if not known:
            self._sorted = None
        elif self._sorted is not None:
            # In its place, so that a change does not cost the sorting of a large fleet.
            self._sorted[bisect_left(self._sorted, _order(record), key=_order)] = record
        self._tell(Event("MODIFIED" if known else "ADDED", record))
        return record

    def _guard(self, app: Json) -> None:
        # Remembered here, for releases before 3.4 do not tell it in the Application.
        told = {
            (item["kind"], item["name"])
            for item in app["status"].get("resources") or ()
            if item.get("requiresDeletionConfirmation")
        }
        if told:
            key = self._key(app)
            self._guarded[key] = self.guarded(key) | told

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners.values()):
            listener(event)


def _order(record: Record) -> tuple[str, Key]:
    return record.name, record.key


def _merge(target: dict[str, Any], over: Json) -> None:
    for key, value in over.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _fill_resource_health(status: Json) -> None:
    """Invent health for resources that came without any, as the resource tree would know it."""
    resources = status.get("resources") or []
    if any("health" in item for item in resources):
        return
    missing = status.get("health", {}).get("status") == "Missing"
    for item in resources:
        if item.get("hook"):
            continue
        if missing and item.get("status") == "OutOfSync":
            item["health"] = {"status": "Missing"}
        elif has_health_check(item.get("kind", "")):
            item["health"] = {"status": "Healthy"}
