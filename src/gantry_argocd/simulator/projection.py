"""``fields=``: the allow-list of the Application list, and the path filter of everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .gojson import Json

_ABSENT = object()
Getter = Callable[[Json], object]


def _at(*path: str, default: object = None) -> Getter:
    """Return a getter that is *default* where the Go struct has an empty value."""

    def get(app: Json) -> object:
        value: Any = app
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                return default
        return value

    return get


def _operation_state(key: str, default: object) -> Getter:
    def get(app: Json) -> object:
        state = app.get("status", {}).get("operationState")
        return _ABSENT if state is None else state.get(key, default)

    return get


# The names of every release; the values are Go structs there, so omitempty does not apply.
_LIST_FIELDS: Mapping[str, Getter] = {
    "metadata.name": _at("metadata", "name", default=""),
    "metadata.namespace": _at("metadata", "namespace", default=""),
    "metadata.annotations": _at("metadata", "annotations"),
    "metadata.labels": _at("metadata", "labels"),
    "metadata.creationTimestamp": _at("metadata", "creationTimestamp"),
    "metadata.deletionTimestamp": _at("metadata", "deletionTimestamp"),
    "spec": _at("spec", default=_ABSENT),
    "spec.destination": _at("spec", "destination", default={}),
    "spec.project": _at("spec", "project", default=""),
    "spec.source": _at("spec", "source"),
    "spec.sources": _at("spec", "sources"),
    "spec.sourceHydrator": _at("spec", "sourceHydrator"),
    "spec.syncPolicy": _at("spec", "syncPolicy"),
    "operation.sync": _at("operation", "sync", default=_ABSENT),
    "status.sync.status": _at("status", "sync", "status", default=""),
    "status.sync.revision": _at("status", "sync", "revision", default=""),
    "status.health": _at("status", "health", default={}),
    "status.summary": _at("status", "summary", default={}),
    "status.sourceHydrator": _at("status", "sourceHydrator", default={}),
    "status.resources": _at("status", "resources", default=_ABSENT),
    "status.operationState.phase": _operation_state("phase", ""),
    "status.operationState.startedAt": _operation_state("startedAt", None),
    "status.operationState.finishedAt": _operation_state("finishedAt", None),
    # Not a mistake here: Argo CD really answers with the sync result under this name.
    "status.operationState.operation.sync": _operation_state("syncResult", None),
}


# Those that came after 2.8; a release says which of them it knows.
_NEWER = frozenset(
    {
        *("spec.destination", "spec.project", "spec.source", "spec.sources", "spec.syncPolicy"),
        *("spec.sourceHydrator", "status.sync.revision", "status.sourceHydrator"),
    }
)


@attrs.frozen
class ListProjection:
    """The allow-listed names one list request asked for."""

    names: tuple[str, ...]

    @classmethod
    def parse(cls, fields: str, newer: frozenset[str]) -> ListProjection | None:
        """Return the projection *fields* asks for, None for an empty value.

        *newer* are the names that the release knows besides those of 2.8.
        """
        if not fields:
            return None
        excluding = fields.startswith("-")
        asked = {
            name.removeprefix("items.")
            for name in fields.removeprefix("-").split(",")
            if name.startswith("items.")
        }
        known = (name for name in _LIST_FIELDS if name not in _NEWER or name in newer)
        return cls(tuple(sorted(name for name in known if (name in asked) != excluding)))

    @property
    def collides(self) -> bool:
        """Whether ``spec`` is asked for with a child of its own, which 3.5 fails on."""
        return "spec" in self.names and any(name.startswith("spec.") for name in self.names)

    def apply(self, app: Json) -> Json:
        """Return what is left of *app*, keys in order as of a Go map."""
        projected: Json = {}
        for name in self.names:
            if name.startswith("spec.") and "spec" in self.names:
                continue  # the whole is there already
            value = _LIST_FIELDS[name](app)
            if value is _ABSENT:
                continue
            *parents, last = name.split(".")
            at = projected
            for parent in parents:
                at = at.setdefault(parent, {})
            at[last] = value
        return projected


@attrs.frozen
class FieldFilter:
    """The generic filter: paths into the JSON, matched by string prefix."""

    paths: frozenset[str]
    excluding: bool

    @classmethod
    def parse(cls, fields: str) -> FieldFilter | None:
        """Return the filter *fields* asks for, None for an empty value."""
        if not fields:
            return None
        return cls(frozenset(fields.removeprefix("-").split(",")), fields.startswith("-"))

    def apply(self, value: Json) -> Json:
        """Return a filtered copy of a JSON object."""
        return self._object(value, "")

    def _object(self, value: Json, prefix: str) -> Json:
        kept: Json = {}
        for key, child in value.items():
            path = prefix + key
            exact = path in self.paths
            if exact:
                if not self.excluding:
                    kept[key] = child
            elif self.excluding or any(asked.startswith(path) for asked in self.paths):
                kept[key] = self._inside(child, path)
        return kept

    def _inside(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return self._object(value, path + ".")
        if isinstance(value, list):
            return [self._inside(item, path) for item in value]
        return value
