"""Policies: who may do what, matched as Argo CD matches its globs."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache

import attrs

# Their objects start with <project>/, so a control-plane namespace in the middle is redundant.
_PER_APPLICATION = frozenset({"applications", "applicationsets", "logs", "exec"})


@attrs.frozen
class Grant:
    """One policy line: *action* on objects matching *pattern* of *resource* is allowed."""

    resource: str
    action: str
    pattern: str


def _grants(resource: str, actions: str, pattern: str) -> tuple[Grant, ...]:
    return tuple(Grant(resource, action, pattern) for action in actions.split())


ADMIN = (
    *_grants("applications", "get create update delete sync rollback override action/*", "*/*"),
    *_grants("applicationsets", "get create update delete", "*/*"),
    *_grants("logs", "get", "*/*"),
    *_grants("exec", "create", "*/*"),
    *_grants("projects", "get create update delete", "*"),
    *_grants("clusters", "get create update delete", "*"),
    *_grants("repositories", "get create update delete", "*"),
    *_grants("write-repositories", "get create update delete", "*"),
    *_grants("certificates", "get create update delete", "*"),
    *_grants("accounts", "get update", "*"),
    *_grants("gpgkeys", "get create delete", "*"),
)

BUILT_IN: Mapping[str, tuple[Grant, ...]] = {
    "admin": ADMIN,
    "reader": _grants("applications", "get", "*/*"),
    "syncer": _grants("applications", "get sync", "*/*"),
    "paylead": _grants("applications", "get sync", "payments/*"),
    "proj:payments:ci": _grants("applications", "get sync", "payments/*"),
    "nobody": (),
}


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    # A star crosses slashes, as in Argo CD: payments/* covers payments/team-a/web too.
    parts = (re.escape(part) for part in pattern.split("*"))
    return re.compile(".*".join(parts), re.DOTALL)


def matches(pattern: str, value: str) -> bool:
    """Return whether *value* as a whole matches the glob *pattern*."""
    return _glob(pattern).fullmatch(value) is not None


class Policies:
    """The policy of each subject; safe to change while requests run."""

    def __init__(self, grants: Mapping[str, Iterable[Grant]] = BUILT_IN) -> None:
        self._lock = threading.Lock()
        self._grants = {subject: tuple(lines) for subject, lines in grants.items()}
        self._generation = 0

    @property
    def generation(self) -> int:
        """A number that changes with every change of a policy."""
        return self._generation

    def replace(self, subject: str, grants: Iterable[Grant]) -> None:
        """Give *subject* exactly *grants*; an empty list takes every right away."""
        with self._lock:
            self._grants[subject] = tuple(grants)
            self._generation += 1

    def allows_all(self, subject: str, resource: str, action: str) -> bool:
        """Return whether *subject* may do *action* on every Application or log there can be."""
        return any(
            grant.resource == resource
            and grant.pattern in ("*", "*/*")
            and matches(grant.action, action)
            for grant in self._grants.get(subject, ())
        )

    def allowed(self, subject: str, resource: str, action: str, target: str) -> bool:
        """Return whether *subject* may do *action* on *target*."""
        for grant in self._grants.get(subject, ()):
            if (
                grant.resource == resource
                and matches(grant.action, action)
                and matches(grant.pattern, target)
            ):
                return True
        return False


def application_object(project: str, namespace: str, name: str, control_plane: str) -> str:
    """Return the RBAC object of an Application: two parts, three outside the control plane."""
    if namespace == control_plane:
        return f"{project}/{name}"
    return f"{project}/{namespace}/{name}"


def normalised_object(resource: str, target: str, control_plane: str) -> str:
    """Return *target* without a redundant control-plane namespace in the middle."""
    parts = target.split("/")
    if resource in _PER_APPLICATION and len(parts) == 3 and parts[1] == control_plane:
        return f"{parts[0]}/{parts[2]}"
    return target
