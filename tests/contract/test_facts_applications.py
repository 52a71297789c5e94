"""One Application."""

from __future__ import annotations

import json

from argocd_target import LIST, Target, not_tried
from test_facts_front import refused

MISSING = f"{LIST}/gantry-no-such-app"


def test_missing_without_project(target: Target) -> None:
    """A missing Application is 403 with code 7 to who names no project."""
    assert refused(target.get(MISSING), 403, 7) == "permission denied"


def test_missing_with_project(target: Target) -> None:
    """A missing Application is 404 with code 5 to who names a project."""
    project = target.read(target.app())["spec"]["project"]
    text = refused(target.get(MISSING, project=project), 404, 5)
    assert text == 'applications.argoproj.io "gantry-no-such-app" not found'


def test_another_project(target: Target) -> None:
    """An Application of another project is 404, whether that project exists or not."""
    refused(target.get(f"{LIST}/{target.app()}", project="gantry-no-such-project"), 404, 5)


def test_two_projects(target: Target) -> None:
    """Two projects are 400 with code 3."""
    refused(target.get(f"{LIST}/{target.app()}", project=["a", "b"]), 400, 3)


def test_namespace_that_is_not_enabled(target: Target) -> None:
    """A namespace that is not enabled is 403, with a project too."""
    where = {"appNamespace": "gantry-no-such-namespace", "project": "default"}
    assert refused(target.get(f"{LIST}/{target.app()}", **where), 403, 7) == "permission denied"


def test_nobody(target: Target) -> None:
    """A caller without rights gets the 403 of a missing Application."""
    assert refused(target.get(f"{LIST}/{target.app()}", "nobody"), 403, 7) == "permission denied"


def test_application(target: Target) -> None:
    """An Application has uid, a numeric resource version, spec and status; `fields` is ignored."""
    app = target.get(f"{LIST}/{target.app()}", fields="metadata.name").json()
    assert app["metadata"]["uid"]
    assert app["metadata"]["resourceVersion"].isdigit()
    assert app["spec"]["project"]
    assert {"sync", "health", "summary"} <= set(app["status"])


def test_health_of_resources(target: Target) -> None:
    """An Application read by itself carries the health of its resources on every release."""
    resources = target.read(target.app())["status"]["resources"]
    assert any("health" in item for item in resources)
    assert all("group" not in item for item in resources if item["kind"] == "ConfigMap")


def test_where_health_is(target: Target) -> None:
    """`resourceHealthSource` is `appTree` from 3.0 on, and absent before."""
    status = target.read(target.app())["status"]
    assert status.get("resourceHealthSource") == ("appTree" if target.since(3, 0) else None)


def test_transition_of_health(target: Target) -> None:
    """`health.lastTransitionTime` is there from 2.14 on."""
    health = target.read(target.app())["status"]["health"]
    assert ("lastTransitionTime" in health) == target.since(2, 14)


def test_history(target: Target) -> None:
    """History is oldest first, ids grow, and who deployed is told from 2.11 on."""
    history = target.read(target.app())["status"].get("history") or []
    if not history:
        not_tried("the prepared Application was never synced")
    ids = [entry["id"] for entry in history]
    assert ids == sorted(set(ids))
    assert all("source" in entry and "deployedAt" in entry for entry in history)
    assert ("initiatedBy" in history[-1]) == target.since(2, 11)


def test_history_of_several_sources(target: Target) -> None:
    """An entry of several sources has `sources` and `revisions`, and a stub of a source."""
    history = target.read(target.app("multi"))["status"].get("history") or []
    if not history:
        not_tried("the prepared Application was never synced")
    assert all(entry["source"] == {"repoURL": ""} for entry in history)
    assert all(len(entry["sources"]) == len(entry["revisions"]) for entry in history)


def test_refresh(target: Target) -> None:
    """A refresh returns the refreshed Application, and needs the right to read alone."""
    target.write()
    path = f"{LIST}/{target.app()}"
    before = target.get(path).json()
    answer = target.get(path, "reader", refresh="normal")
    assert answer.status_code == 200
    app = answer.json()
    annotations = app["metadata"].get("annotations") or {}
    assert "argocd.argoproj.io/refresh" not in annotations
    assert app["status"]["reconciledAt"] >= before["status"]["reconciledAt"]
    assert ("argocd.argoproj.io/hydrate" in annotations) == target.since(3, 5)


def test_tree(target: Target) -> None:
    """The tree has nodes with kind, name, uid and parents."""
    nodes = target.get(f"{LIST}/{target.app()}/resource-tree").json()["nodes"]
    assert all(node["kind"] and node["name"] for node in nodes)
    uids = {node["uid"] for node in nodes if "uid" in node}
    parents = [parent for node in nodes for parent in node.get("parentRefs") or ()]
    assert parents
    assert {parent["uid"] for parent in parents} <= uids


def test_managed_resources(target: Target) -> None:
    """Managed resources hold their states as JSON in texts, tracked as the release does."""
    items = target.get(f"{LIST}/{target.app()}/managed-resources").json()["items"]
    assert all(isinstance(item["targetState"], str) for item in items)
    states = [json.loads(item["targetState"]) for item in items]
    metadata = [state["metadata"] for state in states if state]
    mark = "argocd.argoproj.io/tracking-id"
    tracked = [mark in (one.get("annotations") or {}) for one in metadata]
    if target.get("/api/v1/settings").json().get("trackingMethod", "label") == "label":
        assert not any(tracked)
    else:
        assert all(tracked)


def test_revision_metadata(target: Target) -> None:
    """A commit has author, date and message."""
    revision = _revision(target)
    answer = target.get(f"{LIST}/{target.app()}/revisions/{revision}/metadata")
    assert {"author", "date", "message"} <= set(answer.json())


def test_revision_metadata_of_a_branch(target: Target) -> None:
    """A branch has no metadata: 500 with code 2."""
    answer = target.get(f"{LIST}/{target.app()}/revisions/main/metadata")
    assert refused(answer, 500, 2) == "revision main must be resolved"


def test_oci_metadata(target: Target) -> None:
    """The route of OCI metadata exists from 3.1 on; older servers answer 404 text."""
    answer = target.get(f"{LIST}/{target.app()}/revisions/{_revision(target)}/ocimetadata")
    assert (answer.text == "Not Found\n") != target.since(3, 1)


def _revision(target: Target) -> str:
    revision = str(target.read(target.app())["status"]["sync"].get("revision", ""))
    if len(revision) != 40:
        not_tried("the prepared Application was not compared with a commit")
    return revision


def test_sync_windows(target: Target) -> None:
    """The sync windows say whether a manual sync is possible now."""
    assert target.get(f"{LIST}/{target.app()}/syncwindows").json()["canSync"] is True
    closed = target.get(f"{LIST}/{target.app('windowed')}/syncwindows").json()
    assert closed["canSync"] is False
    assert {window["kind"] for window in closed["activeWindows"]} == {"deny"}


def test_links(target: Target) -> None:
    """Links are an object, with `items` where there are any; the namespace is `namespace`."""
    body = target.get(f"{LIST}/{target.app()}/links", namespace=target.namespace).json()
    assert all({"title", "url"} <= set(item) for item in body.get("items") or ())


def test_events(target: Target) -> None:
    """Events have reason and message; `items` is null when there are none."""
    body = target.get(f"{LIST}/{target.app()}/events").json()
    assert all({"reason", "message"} <= set(item) for item in body["items"] or ())


def test_events_of_something_else(target: Target) -> None:
    """Events of a resource that is no part of the Application are 400 with code 3."""
    answer = target.get(
        f"{LIST}/{target.app()}/events",
        resourceName="gantry-no-such-resource",
        resourceNamespace="x",
        resourceUID="x",
    )
    text = refused(answer, 400, 3)
    assert text.startswith("gantry-no-such-resource not found as part of application")


def test_logs_need_a_right(target: Target) -> None:
    """Logs need a right of their own from 3.0 on; the refusal has the shape of a stream's."""
    path = f"{LIST}/{target.app()}/logs"
    answer = target.get(path, "reader", podName="gantry-no-such-pod", follow="false")
    if target.since(3, 0):
        assert answer.status_code == 403
        assert answer.json()["error"]["grpc_code"] == 7
    else:
        assert answer.status_code != 403


def test_names_of_projects(target: Target) -> None:
    """Projects can be listed by name alone."""
    items = target.get("/api/v1/projects", fields="items.metadata.name").json()["items"]
    assert all(list(item) == ["metadata"] for item in items)
    assert "default" in {item["metadata"]["name"] for item in items}


def test_clusters(target: Target) -> None:
    """Clusters have server, name and state; the version has a `v` from 3.3 on."""
    items = target.get("/api/v1/clusters").json()["items"]
    assert all(item["server"] and item["name"] for item in items)
    versions = [item["serverVersion"] for item in items if item.get("serverVersion")]
    assert all(version.startswith("v") == target.since(3, 3, 3) for version in versions)
