"""Projects, clusters and sync windows of the simulated server."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from .gojson import Json
from .rbac import matches

IN_CLUSTER = "https://kubernetes.default.svc"
PROD_EU = "https://prod-eu.k8s.example.com:16443"
DEAD = "https://dead.k8s.example.com:6443"

_DAILY = re.compile(r"(\*|\d+) (\*|\d+) \* \* \*")
_DURATION = re.compile(r"(\d+)([hm])")


def _project(name: str, description: str, **spec: object) -> Json:
    return {
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "uid": f"00000000-0000-4000-a000-{name.encode().hex()[:12]:0<12}",
            "resourceVersion": "900",
            "generation": 1,
            "creationTimestamp": "2025-01-07T09:00:00Z",
        },
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "description": description,
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            **spec,
        },
        "status": {},
    }


def built_in() -> list[Json]:
    """Return the projects a simulator starts with."""
    always = {"schedule": "* * * * *", "duration": "24h", "applications": ["*"]}
    return [
        _project("default", "Everything without a home of its own"),
        _project(
            "payments",
            "Payments <b>team</b>",
            destinations=[
                {"server": IN_CLUSTER, "namespace": "pay*"},
                {"server": PROD_EU, "name": "prod-eu", "namespace": "pay*"},
            ],
            roles=[
                {
                    "name": "ci",
                    "description": "Pipelines",
                    "policies": ["p, proj:payments:ci, applications, sync, payments/*, allow"],
                }
            ],
        ),
        _project("platform", "Add-ons", syncWindows=[{"kind": "deny", **always}]),
        _project(
            "team-a-proj",
            "Teams A and B",
            sourceNamespaces=["team-a", "team-b"],
            syncWindows=[{"kind": "allow", **always, "manualSync": True}],
        ),
    ]


def built_in_clusters(checked: str) -> list[Json]:
    """Return the clusters a simulator starts with, one of them out of reach."""
    refused = "failed to get server version: connection refused"
    return [
        _cluster(DEAD, "dead", checked, failure=refused),
        _cluster(PROD_EU, "prod-eu", checked),
        _cluster(IN_CLUSTER, "in-cluster", checked),
    ]


def _cluster(server: str, name: str, checked: str, failure: str = "") -> Json:
    state = {
        "status": "Failed" if failure else "Successful",
        "message": failure,
        "attemptedAt": checked,
    }
    cluster: Json = {
        "server": server,
        "name": name,
        "config": {"tlsClientConfig": {"insecure": False}},
        "connectionState": state,
    }
    info: Json = {"connectionState": state, "cacheInfo": {}, "applicationsCount": 0}
    if not failure:
        cluster["serverVersion"] = info["serverVersion"] = "v1.34.4"
        info["cacheInfo"] = {"resourcesCount": 412, "apisCount": 54, "lastCacheSyncTime": checked}
        info["apiVersions"] = ["v1", "apps/v1", "apps/v1/Deployment", "batch/v1"]
    cluster["info"] = info
    if server != IN_CLUSTER:
        cluster["labels"] = {"region": "eu"}
    return cluster


@attrs.frozen
class Windows:
    """The sync windows that concern one Application at one moment."""

    assigned: tuple[Json, ...]
    active: tuple[Json, ...]

    @property
    def manual_sync_allowed(self) -> bool:
        """Whether a person may sync now."""
        denying = [window for window in self.active if window["kind"] == "deny"]
        if denying:
            return all(window.get("manualSync") for window in denying)
        allowing = [window for window in self.assigned if window["kind"] == "allow"]
        if not allowing or any(window in self.active for window in allowing):
            return True
        return all(window.get("manualSync") for window in allowing)

    @property
    def automated_sync_allowed(self) -> bool:
        """Whether the controller may sync by itself now."""
        if any(window["kind"] == "deny" for window in self.active):
            return False
        allowing = [window for window in self.assigned if window["kind"] == "allow"]
        return not allowing or any(window in self.active for window in allowing)

    def describe(self) -> Json:
        """Return the answer of the sync windows route."""
        answer: Json = {}
        for name, windows in (("activeWindows", self.active), ("assignedWindows", self.assigned)):
            if windows:
                answer[name] = [_window_view(window) for window in windows]
        answer["canSync"] = self.manual_sync_allowed
        return answer


def _window_view(window: Json) -> Json:
    return {
        "kind": window["kind"],
        "schedule": window["schedule"],
        "duration": window["duration"],
        "manualSync": bool(window.get("manualSync")),
    }


class Projects:
    """The projects by name; replace the mapping's content to simulate others."""

    def __init__(self, projects: Iterable[Json] | None = None) -> None:
        given = built_in() if projects is None else projects
        self.by_name: dict[str, Json] = {item["metadata"]["name"]: item for item in given}

    def allows(self, project: str, namespace: str, control_plane: str) -> bool:
        """Return whether an Application in *namespace* may belong to *project*."""
        found = self.by_name.get(project)
        if found is None:
            return False
        if namespace == control_plane:
            return True
        return any(matches(glob, namespace) for glob in found["spec"].get("sourceNamespaces", ()))

    def windows(self, app: Json, now: datetime) -> Windows:
        """Return the windows assigned to *app*, and those of them open at *now*."""
        spec = app.get("spec", {})
        project = self.by_name.get(spec.get("project") or "default", {})
        destination = spec.get("destination", {})
        subjects = (
            ("applications", app["metadata"]["name"]),
            ("namespaces", destination.get("namespace", "")),
            ("clusters", destination.get("name") or destination.get("server", "")),
        )
        assigned = tuple(
            window
            for window in project.get("spec", {}).get("syncWindows", ())
            if any(
                matches(glob, subject)
                for key, subject in subjects
                for glob in window.get(key) or ()
            )
        )
        return Windows(assigned, tuple(window for window in assigned if _open(window, now)))


def _open(window: Json, now: datetime) -> bool:
    """Return whether a window is open; schedules are ``minute hour * * *`` with stars."""
    schedule = _DAILY.fullmatch(window["schedule"])
    duration = _DURATION.fullmatch(window["duration"])
    if schedule is None or duration is None:
        return False
    minute, hour = schedule.groups()
    length = timedelta(**{"hours" if duration[2] == "h" else "minutes": int(duration[1])})
    if minute == "*" or hour == "*":
        return True
    opened = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    if opened > now:
        opened -= timedelta(days=1)
    return now < opened + length
