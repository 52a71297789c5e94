"""Lists."""

from __future__ import annotations

import pytest
from argocd_target import LIST, Target, not_tried
from test_facts_front import refused

PORTABLE = ",".join(
    f"items.{name}"
    for name in (
        *("metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations"),
        *("metadata.creationTimestamp", "metadata.deletionTimestamp", "spec", "operation.sync"),
        *("status.sync.status", "status.sync.revision", "status.health", "status.summary"),
        *("status.sourceHydrator", "status.operationState.phase"),
        *("status.operationState.startedAt", "status.operationState.finishedAt"),
    )
)
NAME = "items.metadata.name,items.metadata.namespace"


def test_empty_is_null(target: Target) -> None:
    """A list of nothing has `items: null`, and a resource version all the same."""
    body = target.get(LIST, selector="gantry-no-such-label=x").json()
    assert body["items"] is None
    assert body["metadata"]["resourceVersion"]


def test_nobody_sees_nothing(target: Target) -> None:
    """A caller without rights gets 200 and `items: null`, as if there were no Applications."""
    answer = target.get(LIST, "nobody")
    assert (answer.status_code, answer.json()["items"]) == (200, None)


def test_order(target: Target) -> None:
    """A list is sorted by name."""
    names = [item["metadata"]["name"] for item in target.listed(fields=NAME)]
    assert names == sorted(names)


def test_no_kind(target: Target) -> None:
    """Applications come without kind and apiVersion, and with their namespace."""
    for item in target.listed():
        assert not {"kind", "apiVersion"} & set(item)
        assert item["metadata"]["namespace"]


def test_bad_selector(target: Target) -> None:
    """A selector that does not parse is 500 with code 2."""
    text = refused(target.get(LIST, selector="a===b!"), 500, 2)
    assert text.startswith("error parsing the selector: ")


def test_filter_by_name(target: Target) -> None:
    """`name` together with `appNamespace` gives exactly one Application."""
    found = target.listed(name=target.app(), appNamespace=target.namespace, fields=NAME)
    assert [item["metadata"]["name"] for item in found] == [target.app()]


def test_filter_by_name_alone(target: Target) -> None:
    """`name` alone gives at most one Application, however many have the name."""
    assert len(target.listed(name=target.app(), fields=NAME)) == 1


def test_unknown_namespace(target: Target) -> None:
    """A namespace that is not enabled gives an empty list, not an error."""
    assert target.listed(appNamespace="gantry-no-such-namespace") == []


def test_filter_by_project(target: Target) -> None:
    """`projects` may be repeated; `project` beside it wins."""
    project = target.read(target.app())["spec"]["project"]
    both = target.listed(projects=[project, "gantry-none"], fields="items.spec")
    assert {item["spec"]["project"] for item in both} == {project}
    assert target.listed(projects=project, project="gantry-none") == []


def test_filter_by_repository(target: Target) -> None:
    """`repo` compares texts exactly."""
    source = target.read(target.app())["spec"].get("source")
    if source is None:
        not_tried("the prepared Application has several sources")
    found = target.listed(repo=source["repoURL"], fields="items.spec")
    assert {item["spec"]["source"]["repoURL"] for item in found} == {source["repoURL"]}
    assert target.listed(repo=source["repoURL"] + "/") == []


def test_portable_projection(target: Target) -> None:
    """The portable projection works; empty metadata comes as explicit null."""
    for item in target.listed(fields=PORTABLE):
        assert (
            {"metadata", "spec", "status"}
            <= set(item)
            <= {
                *("metadata", "spec", "status", "operation"),
            }
        )
        assert item["metadata"]["deletionTimestamp"] is None or item["metadata"]
        assert set(item["metadata"]) == {
            *("name", "namespace", "labels", "annotations"),
            *("creationTimestamp", "deletionTimestamp"),
        }
        assert "conditions" not in item["status"]
        assert "health" in item["status"]


def test_projected_operation(target: Target) -> None:
    """Phase, start and end of the last operation can be projected; its message cannot."""
    names = ("phase", "startedAt", "finishedAt", "message")
    fields = ",".join(f"items.status.operationState.{name}" for name in names)
    states = [item["status"]["operationState"] for item in target.listed(fields=fields) if item]
    if not states:
        not_tried("no Application ever ran an operation")
    assert all(set(state) == {"phase", "startedAt", "finishedAt"} for state in states)


def test_unknown_fields(target: Target) -> None:
    """Fields that a server does not know are dropped silently, an empty value is none."""
    assert {} in target.listed(fields="items,items.metadata.uid")
    assert all(item == {} for item in target.listed(fields="items.metadata.uid"))
    assert all("spec" in item for item in target.listed(fields=""))


def test_children_of_spec(target: Target) -> None:
    """Children of `spec` can be projected from 3.5 on, and are dropped before."""
    items = target.listed(fields="items.spec.project,items.spec.destination")
    expected = {"project", "destination"} if target.since(3, 5) else set()
    assert all(set(item.get("spec", {})) == expected for item in items)


def test_projected_revision(target: Target) -> None:
    """`status.sync.revision` can be projected from 3.5 on."""
    items = target.listed(fields="items.status.sync.revision,items.metadata.name")
    assert all(("status" in item) == target.since(3, 5) for item in items)


def test_projected_hydrator(target: Target) -> None:
    """`status.sourceHydrator` can be projected from 3.2 on."""
    items = target.listed(fields="items.status.sourceHydrator,items.metadata.name")
    assert all(("status" in item) == target.since(3, 2) for item in items)


def test_spec_with_children(target: Target) -> None:
    """`spec` together with its children breaks 3.5.0 and 3.5.1, and no other release."""
    answers = [target.get(LIST, fields="items.spec,items.spec.project") for _ in range(5)]
    broken = (3, 5, 0) <= target.version <= (3, 5, 1)
    assert any(answer.status_code == 500 for answer in answers) == broken
    if broken:
        failed = next(answer for answer in answers if answer.status_code == 500)
        assert failed.json() == {"error": "failed to marshal error message"}


def test_health_of_resources_in_lists(target: Target) -> None:
    """Lists carry the health of resources on 2.x, and not from 3.0 on."""
    resources = [
        resource for item in target.listed() for resource in item["status"].get("resources") or ()
    ]
    if not resources:
        not_tried("no Application has resources")
    assert any("health" in resource for resource in resources) != target.since(3, 0)


@pytest.mark.parametrize("caller", ["reader"])
def test_reader_sees_all(target: Target, caller: str) -> None:
    """The right to read Applications is enough for the list."""
    everything = target.listed(fields=NAME)
    assert len(target.listed(caller, fields=NAME)) == len(everything)
