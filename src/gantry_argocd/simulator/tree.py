"""The resource tree, managed resources, manifests and events of an Application."""

from __future__ import annotations

import hashlib

from .codes import CallFailed, Code
from .gojson import Json, encode
from .profiles import Profile
from .store import CONTROL_PLANE, Record, has_health_check

_CLUSTER_UNREACHABLE = "Failed to load live state"


def resource_tree(record: Record, profile: Profile) -> Json:
    """Return the tree; raises CallFailed if the cluster could never be read."""
    app = record.app
    conditions = app["status"].get("conditions") or []
    if any(_CLUSTER_UNREACHABLE in condition["message"] for condition in conditions):
        reasons = ";".join(f"{item['type']}: {item['message']}" for item in conditions)
        raise CallFailed(Code.UNKNOWN, f"error getting cached app resource tree: {reasons}")
    nodes: list[Json] = []
    for item in app["status"].get("resources") or ():
        node = _node(app, item, profile)
        nodes.append(node)
        if node["kind"] == "Deployment" and "uid" in node:
            nodes.extend(_pods(app, node))
    return {"nodes": nodes} if nodes else {}


def _node(app: Json, item: Json, profile: Profile) -> Json:
    node: Json = {"group": item["group"]} if item.get("group") else {}
    node |= {key: item[key] for key in ("version", "kind", "namespace", "name") if key in item}
    if (item.get("health") or {}).get("status") == "Missing":
        if profile.missing_nodes_have_health:
            node["health"] = item["health"]
        return node
    node["uid"] = _uid(app, item["kind"], item["name"])
    if item["kind"] == "Service":
        node["networkingInfo"] = {"targetLabels": {"app": item["name"]}}
    node["resourceVersion"] = app["metadata"]["resourceVersion"]
    if item.get("health"):
        node["health"] = item["health"]
    node["createdAt"] = app["metadata"]["creationTimestamp"]
    return node


def _pods(app: Json, deployment: Json) -> list[Json]:
    name = f"{deployment['name']}-7c9f4d"
    images = app["status"].get("summary", {}).get("images") or []
    common = {"namespace": deployment.get("namespace", ""), "createdAt": deployment["createdAt"]}
    replicas: Json = {
        "group": "apps",
        "version": "v1",
        "kind": "ReplicaSet",
        "name": name,
        "uid": _uid(app, "ReplicaSet", name),
        "parentRefs": [_reference(deployment)],
        "info": [{"name": "Revision", "value": "Rev:4"}],
        "resourceVersion": deployment["resourceVersion"],
        "health": {"status": "Healthy"},
        **common,
    }
    health = deployment.get("health", {"status": "Healthy"})
    reason = "CrashLoopBackOff" if health.get("status") == "Degraded" else "Running"
    pods = [
        {
            "version": "v1",
            "kind": "Pod",
            "name": f"{name}-{suffix}",
            "uid": _uid(app, "Pod", f"{name}-{suffix}"),
            "parentRefs": [_reference(replicas)],
            "info": [{"name": "Status Reason", "value": reason}],
            "networkingInfo": {"labels": {"app": deployment["name"]}},
            "resourceVersion": deployment["resourceVersion"],
            "images": images[:1],
            "health": health,
            **common,
        }
        for suffix in ("x2k8v", "q9d4m")
    ]
    return [replicas, *pods]


def _reference(node: Json) -> Json:
    keys = ("group", "version", "kind", "namespace", "name", "uid")
    return {key: node[key] for key in keys if key in node}


def _uid(app: Json, kind: str, name: str) -> str:
    digest = hashlib.sha256(f"{app['metadata']['uid']}/{kind}/{name}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:32]}"


def managed_resources(record: Record, profile: Profile, **filters: str) -> Json:
    """Return target and live states as JSON strings; hooks are not among them."""
    items: list[Json] = []
    for item in record.app["status"].get("resources") or ():
        if item.get("hook"):
            continue
        wanted = {key: value for key, value in filters.items() if value}
        if any(item.get(key, "") != value for key, value in wanted.items()):
            continue
        items.append(_managed(record.app, item, profile))
    return {"items": items} if items else {}


def _managed(app: Json, item: Json, profile: Profile) -> Json:
    target = manifest(app, item, profile)
    differs = item.get("status") == "OutOfSync"
    live = {**target, "spec": {"replicas": 1}} if differs else target
    missing = (item.get("health") or {}).get("status") == "Missing"
    live_text = "null" if missing else encode(live).decode()
    target_text = "null" if item.get("requiresPruning") else encode(target).decode()
    managed: Json = {"group": item["group"]} if item.get("group") else {}
    managed |= {key: item[key] for key in ("kind", "namespace", "name") if key in item}
    managed |= {
        "targetState": target_text,
        "liveState": live_text,
        "normalizedLiveState": live_text,
        "predictedLiveState": target_text,
    }
    if not missing:
        managed["resourceVersion"] = app["metadata"]["resourceVersion"]
    if differs and not missing and not item.get("requiresPruning"):
        managed["modified"] = True
    return managed


def manifest(app: Json, item: Json, profile: Profile) -> Json:
    """Return an invented manifest of a resource, with the tracking of its release."""
    group, kind, name = item.get("group", ""), item["kind"], item["name"]
    namespace = item.get("namespace", "")
    instance = app["metadata"]["name"]
    if app["metadata"]["namespace"] != CONTROL_PLANE:
        instance = f"{app['metadata']['namespace']}_{instance}"
    tracking: Json = {"labels": {"app.kubernetes.io/instance": instance}}
    if profile.tracks_by_annotation:
        mark = f"{instance}:{group}/{kind}:{namespace}/{name}"
        tracking = {"annotations": {"argocd.argoproj.io/tracking-id": mark}}
    body: Json = {
        "apiVersion": f"{group}/{item.get('version', 'v1')}" if group else "v1",
        "kind": kind,
        "metadata": {**tracking, "name": name, "namespace": namespace},
    }
    if kind == "Secret":
        body["data"] = {"password": "++++++++"}
    elif kind == "ConfigMap":
        body["data"] = {"LOG_LEVEL": "info"}
    elif has_health_check(kind):
        body["spec"] = {"replicas": 2}
    return body


def events(record: Record, profile: Profile, query: dict[str, str]) -> Json:
    """Return the events of an Application or of one of its resources; raises CallFailed."""
    app, name = record.app, record.name
    resource = query.get("resourceName", "")
    if resource:
        nodes = resource_tree(record, profile).get("nodes", [])
        uid = query.get("resourceUID", "")
        if not any(n["name"] == resource and uid in ("", n.get("uid")) for n in nodes):
            raise CallFailed(
                Code.INVALID_ARGUMENT, f"{resource} not found as part of application {name}"
            )
        return {"metadata": {"resourceVersion": app["metadata"]["resourceVersion"]}, "items": None}
    status = app["status"]
    moments = [(entry.get("deployedAt"), entry) for entry in (status.get("history") or ())[-3:]]
    items = [
        _event(app, str(moment), "OperationCompleted", "Sync operation succeeded", number)
        for number, (moment, _) in enumerate(moments)
    ]
    if status["health"].get("lastTransitionTime"):
        text = f"Updated health status: Progressing -> {status['health'].get('status')}"
        moment = status["health"]["lastTransitionTime"]
        items.append(_event(app, moment, "ResourceUpdated", text, len(items)))
    version = {"resourceVersion": app["metadata"]["resourceVersion"]}
    return {"metadata": version, "items": items or None}


def _event(app: Json, moment: str, reason: str, message: str, number: int) -> Json:
    metadata = app["metadata"]
    return {
        "metadata": {
            "name": f"{metadata['name']}.18eac622cb3fff{number:02x}",
            "namespace": metadata["namespace"],
            "uid": _uid(app, "Event", str(number)),
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": moment,
        },
        "involvedObject": {
            "kind": "Application",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "apiVersion": "argoproj.io/v1alpha1",
            "resourceVersion": metadata["resourceVersion"],
        },
        "reason": reason,
        "message": message,
        "source": {"component": "argocd-application-controller"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
        "type": "Normal",
        "eventTime": None,
    }
