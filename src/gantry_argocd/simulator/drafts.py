"""Drafts of Applications: the pieces a made-up fleet is put together from."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from .gojson import Json
from .projects import IN_CLUSTER
from .revisions import commit, is_git, is_sha, sources_of
from .store import timestamp

_PEOPLE = ("ada", "jo.sand", "maria", "ravi", "gantry")
_MINUTE = timedelta(minutes=1)


def git(repository: str, path: str, revision: str = "main", **more: object) -> Json:
    """Return a source in a Git repository."""
    source: Json = {"repoURL": repository, "path": path}
    if revision:
        source["targetRevision"] = revision
    return {**source, **more}


def chart(repository: str, name: str, version: str, **more: object) -> Json:
    """Return a Helm chart source; a repository without a scheme is an OCI registry."""
    return {"repoURL": repository, "targetRevision": version, **more, "chart": name}


def resource(
    kind: str,
    name: str,
    namespace: str,
    *,
    status: str = "Synced",
    health: str | None = None,
    message: str = "",
    **more: object,
) -> Json:
    """Return an entry of ``status.resources``."""
    groups = {
        "Deployment": "apps",
        "StatefulSet": "apps",
        "Job": "batch",
        "CronJob": "batch",
        "Ingress": "networking.k8s.io",
        "HorizontalPodAutoscaler": "autoscaling",
        "Application": "argoproj.io",
    }
    item: Json = {"group": groups[kind]} if kind in groups else {}
    version = {"HorizontalPodAutoscaler": "v2", "Application": "v1alpha1"}.get(kind, "v1")
    item |= {"version": version, "kind": kind, "namespace": namespace, "name": name}
    if not more.get("hook"):
        item["status"] = status
    if health:
        item["health"] = {"status": health, "message": message} if message else {"status": health}
    return {**item, **more}


def web_service(
    name: str, namespace: str, *, differs: Iterable[str] = (), health: str = "Healthy"
) -> list[Json]:
    """Return the resources of a small web service; kinds in *differs* are out of sync."""
    changed = set(differs)

    def status(kind: str) -> str:
        return "OutOfSync" if kind in changed else "Synced"

    message = ""
    if health == "Degraded":
        message = f'Deployment "{name}" exceeded its progress deadline'
    return [
        resource("ConfigMap", f"{name}-config", namespace, status=status("ConfigMap")),
        resource("Service", name, namespace, status=status("Service"), health="Healthy"),
        resource(
            "Deployment",
            name,
            namespace,
            status=status("Deployment"),
            health=health,
            message=message,
        ),
    ]


class Drafter:
    """Puts Applications together; its random generator and moment make them repeatable.

    *salt* tells the unique ids of two fleets apart.
    """

    def __init__(self, rng: random.Random, now: datetime, salt: str) -> None:
        self.rng = rng
        self.now = now
        self._salt = salt

    def ago(self, minutes: float) -> str:
        """Return the moment *minutes* ago as Argo CD writes it."""
        return timestamp(self.now - minutes * _MINUTE)

    def application(
        self,
        name: str,
        source: Json | list[Json] | None,
        *,
        namespace: str = "argocd",
        project: str = "default",
        destination: Json | None = None,
        target_namespace: str = "",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        policy: Json | None = None,
    ) -> Json:
        """Return an Application that was never reconciled."""
        digest = hashlib.sha256(f"{self._salt}/{namespace}/{name}".encode()).hexdigest()
        metadata: Json = {
            "name": name,
            "namespace": namespace,
            "uid": f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}",
            "generation": self.rng.randint(3, 900),
            "creationTimestamp": self.ago(self.rng.randint(60_000, 400_000)),
        }
        if labels:
            metadata["labels"] = labels
        if annotations:
            metadata["annotations"] = annotations
        metadata["managedFields"] = [_managed_fields(metadata["creationTimestamp"])]
        where = destination or {"server": IN_CLUSTER, "namespace": target_namespace or name}
        spec: Json = {}
        if isinstance(source, list):
            spec["sources"] = source
        elif source is not None:
            spec["source"] = source
        spec |= {"destination": where, "project": project}
        if policy:
            spec["syncPolicy"] = policy
        status: Json = {"sync": {"status": ""}, "health": {}, "summary": {}, "sourceHydrator": {}}
        return {"metadata": metadata, "spec": spec, "status": status}

    def reconciled(
        self,
        app: Json,
        resources: list[Json],
        *,
        health: str = "Healthy",
        deployments: int = 3,
        images: Iterable[str] = (),
        urls: Iterable[str] = (),
        revisions: list[str] | None = None,
    ) -> Json:
        """Give *app* a status, a history of *deployments* syncs and its last operation."""
        spec, sources = app["spec"], sources_of(app["spec"])
        current = revisions or [_revision(source, "current") for source in sources]
        plain = [item for item in resources if not item.get("hook")]
        synced = all(item.get("status") == "Synced" for item in plain)
        sync: Json = {"status": "Synced" if synced else "OutOfSync"}
        sync["comparedTo"] = _compared_to(spec)
        sync |= _revisions_of(spec, current)
        history = self._history(spec, sources, deployments, current if synced else None)
        status: Json = {"resources": resources} if resources else {}
        status |= {
            "sync": sync,
            "health": {"status": health, "lastTransitionTime": self.ago(self.rng.randint(5, 9000))},
        }
        if history:
            status["history"] = history
        status["reconciledAt"] = self.ago(self.rng.random() * 3)
        if history:
            status["operationState"] = self._succeeded(history[-1], resources)
        status |= _source_types(spec, sources)
        summary: Json = {"externalURLs": list(urls)} if urls else {}
        if images:
            summary["images"] = list(images)
        status |= {
            "summary": summary,
            "resourceHealthSource": "appTree",
            "controllerNamespace": "argocd",
            "sourceHydrator": {},
        }
        app["status"] = status
        return app

    def comparison_failed(self, app: Json, message: str, *, kind: str = "ComparisonError") -> Json:
        """Give *app* the status of a failed comparison: healthy for want of anything to judge."""
        target = sources_of(app["spec"])[0].get("targetRevision") or "HEAD"
        broken_spec = kind == "InvalidSpecError"
        moment = self.ago(self.rng.randint(10, 3000))
        sync: Json = {"status": "Unknown", "comparedTo": _compared_to(app["spec"])}
        if not broken_spec:
            sync["revision"] = target
        app["status"] = {
            "sync": sync,
            "health": {
                "status": "Unknown" if broken_spec else "Healthy",
                "lastTransitionTime": moment,
            },
            "conditions": [{"type": kind, "message": message, "lastTransitionTime": moment}],
            "reconciledAt": self.ago(1),
            "summary": {},
            "resourceHealthSource": "appTree",
            "controllerNamespace": "argocd",
            "sourceHydrator": {},
        }
        return app

    def _history(
        self, spec: Json, sources: list[Json], count: int, newest: list[str] | None
    ) -> list[Json]:
        first_id = self.rng.choice((0, 0, 7, 31)) if count >= 3 else 0
        minutes = sorted((self.rng.uniform(20, 60_000) for _ in range(count)), reverse=True)
        automated = (spec.get("syncPolicy") or {}).get("automated") is not None
        entries: list[Json] = []
        for number, ago in enumerate(minutes):
            is_last = number == count - 1
            revisions = [_revision(source, f"r{count - number}") for source in sources]
            if is_last and newest is not None:
                revisions = newest
            entry = _revisions_of(spec, revisions) if not spec.get("sources") else {}
            entry |= {"deployedAt": self.ago(ago), "id": first_id + number}
            entry["source"] = {"repoURL": ""} if spec.get("sources") else sources[0]
            entry["deployStartedAt"] = self.ago(ago + self.rng.uniform(0.1, 2))
            if spec.get("sources"):
                entry |= {"sources": sources, "revisions": revisions}
            by = {"automated": True} if automated else {"username": self.rng.choice(_PEOPLE)}
            entry["initiatedBy"] = by
            entries.append(entry)
        return entries

    def _succeeded(self, entry: Json, resources: list[Json]) -> Json:
        what = {k: entry[k] for k in ("revision", "sources", "revisions") if entry.get(k)}
        if not entry.get("sources"):
            what["source"] = entry["source"]
        operation = {"sync": what, "initiatedBy": entry["initiatedBy"], "retry": {}}
        done = [
            {
                "group": item.get("group", ""),
                **{key: item[key] for key in ("version", "kind", "namespace", "name")},
                "status": "Synced",
                "message": f"{item['kind'].lower()}/{item['name']} configured",
                "hookPhase": "Running",
                "syncPhase": "Sync",
            }
            for item in resources
            if not item.get("requiresPruning") and not item.get("hook")
        ]
        result: Json = {"resources": done, "revision": entry.get("revision", "")}
        result["source"] = entry["source"]
        result |= {k: entry[k] for k in ("sources", "revisions") if entry.get(k)}
        return {
            "operation": operation,
            "phase": "Succeeded",
            "message": "successfully synced (all tasks run)",
            "syncResult": result,
            "startedAt": entry["deployStartedAt"],
            "finishedAt": entry["deployedAt"],
        }


def _revision(source: Json, which: str) -> str:
    target = str(source.get("targetRevision") or "HEAD")
    if is_sha(target) or source.get("chart"):
        return target.replace("*", "2")
    repository = str(source.get("repoURL", ""))
    if not is_git(source):
        return f"sha256:{hashlib.sha256(f'{repository}{which}'.encode()).hexdigest()}"
    return commit(repository, target if which == "current" else f"{target}/{which}")


def _revisions_of(spec: Json, revisions: list[str]) -> Json:
    return {"revisions": revisions} if spec.get("sources") else {"revision": revisions[0]}


def _compared_to(spec: Json) -> Json:
    compared: Json = {"source": spec.get("source") or {"repoURL": ""}}
    compared["destination"] = spec["destination"]
    if spec.get("sources"):
        compared["sources"] = spec["sources"]
    return compared


def _source_types(spec: Json, sources: list[Json]) -> Json:
    kinds = [_source_type(source) for source in sources]
    return {"sourceTypes": kinds} if spec.get("sources") else {"sourceType": kinds[0]}


def _source_type(source: Json) -> str:
    if source.get("chart") or "helm" in source:
        return "Helm"
    if source.get("ref") and not source.get("path"):
        return ""
    return "Kustomize" if "kustomize" in source or "overlays" in source["path"] else "Directory"


def _managed_fields(moment: str) -> Json:
    fields: Json = {
        "f:spec": {"f:destination": {"f:namespace": {}, "f:server": {}}, "f:project": {}}
    }
    return {
        "manager": "kubectl",
        "operation": "Apply",
        "apiVersion": "argoproj.io/v1alpha1",
        "time": moment,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
