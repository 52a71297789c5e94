"""Operations."""

from __future__ import annotations

from typing import Any

from argocd_target import JSON, LIST, Target, not_tried
from test_facts_front import refused

from waiting import eventually

Json = dict[str, Any]


def sync(target: Target, name: str, **body: Any) -> Any:
    """Request a sync."""
    return target.post(f"{LIST}/{name}/sync", {"appNamespace": target.namespace} | body)


def finished(target: Target, name: str) -> Json:
    """Wait until nothing runs any more; return the operation state."""
    app = eventually(
        lambda: target.read(name),
        lambda app: "operation" not in app and "operationState" in app["status"],
        within=60,
    )
    state: Json = app["status"]["operationState"]
    return state


def closed(target: Target) -> str:
    """Return the Application whose window is closed; skips the test if it is open."""
    name = target.app("windowed")
    if target.get(f"{LIST}/{name}/syncwindows").json()["canSync"]:
        not_tried("the window of the prepared Application is open")
    return name


def automated(target: Target) -> str:
    """Return the Application with auto-sync; skips the test if it has none."""
    name = target.app("automated")
    policy = (target.read(name)["spec"].get("syncPolicy") or {}).get("automated")
    if policy is None or policy.get("enabled") is False:
        not_tried("the prepared Application has no auto-sync")
    return name


def reader_may_not_sync(target: Target, name: str) -> None:
    """Skip the test if the reader may do more than read."""
    project = target.read(name)["spec"]["project"]
    path = f"/api/v1/account/can-i/applications/sync/{project}/{name}"
    if target.get(path, "reader").json() != {"value": "no"}:
        not_tried("the reader may sync")


def test_sync_of_nothing(target: Target) -> None:
    """A sync of a missing Application is 403, and 404 with a project."""
    name = "gantry-no-such-app"
    assert refused(sync(target, name), 403, 7) == "permission denied"
    refused(sync(target, name, project="default"), 404, 5)


def test_reader_may_not_sync(target: Target) -> None:
    """Without the right to sync a sync is 403, in a text that names right and object."""
    reader_may_not_sync(target, target.app())
    answer = target.post(f"{LIST}/{target.app()}/sync", {}, "reader")
    assert refused(answer, 403, 7).startswith("permission denied: applications, sync, ")


def test_window(target: Target) -> None:
    """A closed sync window is 403 with a text that begins `cannot sync:`, for dry runs too."""
    name = closed(target)
    for dry_run in (False, True):
        text = refused(sync(target, name, dryRun=dry_run), 403, 7)
        assert text == "cannot sync: blocked by sync window"


def test_window_comes_first(target: Target) -> None:
    """A closed sync window is told before a missing right."""
    name = closed(target)
    reader_may_not_sync(target, name)
    answer = target.post(f"{LIST}/{name}/sync", {}, "reader")
    assert refused(answer, 403, 7).startswith("cannot sync:")


def test_other_revision_with_auto_sync(target: Target) -> None:
    """With auto-sync another revision is 400 with code 9."""
    text = refused(sync(target, automated(target), revision="gantry-no-such-tag"), 400, 9)
    assert text.startswith("Cannot sync to gantry-no-such-tag: auto-sync currently set to ")


def test_source_position(target: Target) -> None:
    """Positions of sources count from 1; a wrong one is 500, from 2.11 on."""
    if not target.since(2, 11):
        not_tried("this release does not read positions")
    name = target.app("multi")
    if len(target.read(name)["spec"].get("sources") or ()) < 2:
        not_tried("the prepared Application has one source")
    body = {"sourcePositions": [0], "revisions": ["main"]}
    text = refused(sync(target, name, **body), 500, 2)
    assert text == "source position is out of range"


def test_nothing_to_terminate(target: Target) -> None:
    """With nothing running a termination is 400 with code 3."""
    app = target.read(target.app())
    if "operation" in app:
        not_tried("an operation runs")
    with target.client() as client:
        answer = client.request("DELETE", f"{LIST}/{target.app()}/operation", headers=JSON)
    text = "Unable to terminate operation. No operation is in progress"
    assert refused(answer, 400, 3) == text


def test_rollback_to_nothing(target: Target) -> None:
    """A rollback to an unknown id is 400 with code 3, one without an id 500 with code 13."""
    path = f"{LIST}/{target.app()}/rollback"
    text = refused(target.post(path, {"id": 987654}), 400, 3)
    assert text.endswith("does not have deployment with id 987654")
    assert "required field" in refused(target.post(path, {}), 500, 13)


def test_rollback_with_auto_sync(target: Target) -> None:
    """With auto-sync a rollback is 400 with code 9."""
    answer = target.post(f"{LIST}/{automated(target)}/rollback", {"id": 0})
    text = refused(answer, 400, 9)
    assert text == "rollback cannot be initiated when auto-sync is enabled"


def test_dry_run(target: Target) -> None:
    """A dry run answers at once with the operation and without its state, and ends as one."""
    target.write()
    name = target.app()
    history = target.read(name)["status"].get("history")
    body = {"dryRun": True, "infos": [{"name": "gantry-request", "value": "contract"}]}
    app = sync(target, name, **body).json()
    assert app["operation"]["sync"]["dryRun"] is True
    assert app["operation"]["retry"] == {}
    assert "operationState" not in app["status"]
    if not (3, 1) <= target.version < (3, 2):  # it came with one of the two
        assert ("source" in app["operation"]["sync"]) == target.since(3, 2)
    state = finished(target, name)
    assert state["phase"] == "Succeeded"
    assert state["operation"]["info"] == body["infos"]
    assert target.read(name)["status"].get("history") == history


def test_one_at_a_time(target: Target) -> None:
    """While an operation is requested or runs another is 400 with code 9, a dry run too."""
    target.write()
    name = target.app()
    with target.client() as client:
        path = f"{LIST}/{name}/sync"
        first, second = (client.post(path, json={"dryRun": True}) for _ in range(2))
    assert first.status_code == 200
    assert refused(second, 400, 9) == "another operation is already in progress"
    finished(target, name)


def test_query_is_not_read(target: Target) -> None:
    """A sync does not read its query: a wrong namespace there changes nothing."""
    target.write()
    name = target.app()
    with target.client() as client:
        answer = client.post(
            f"{LIST}/{name}/sync", params={"appNamespace": "gantry-x"}, json={"dryRun": True}
        )
    assert answer.status_code == 200
    finished(target, name)


def test_wrong_nesting_of_force(target: Target) -> None:
    """Force as the swagger file nests it is ignored; the right nesting is kept."""
    target.write()
    name = target.app()
    wrong = {"hook": {"syncStrategyApply": {"force": True}}}
    app = sync(target, name, dryRun=True, strategy=wrong).json()
    assert app["operation"]["sync"]["syncStrategy"] == {"hook": {}}
    finished(target, name)
    app = sync(target, name, dryRun=True, strategy={"hook": {"force": True}}).json()
    assert app["operation"]["sync"]["syncStrategy"] == {"hook": {"force": True}}
    finished(target, name)


def test_selection_of_nothing(target: Target) -> None:
    """A sync of resources that do not exist succeeds, and enters no history."""
    target.write()
    name = target.app()
    history = target.read(name)["status"].get("history")
    nothing = [{"kind": "ConfigMap", "name": "gantry-no-such-resource", "namespace": "x"}]
    assert sync(target, name, resources=nothing).status_code == 200
    state = finished(target, name)
    assert state["phase"] == "Succeeded"
    assert state["message"] == "successfully synced (no more tasks)"
    assert target.read(name)["status"].get("history") == history


def test_force_with_server_side_apply(target: Target) -> None:
    """Force with server-side apply fails from 3.0 on, and the answer is 200 all the same."""
    target.write()
    name = target.app()
    options = {"items": ["ServerSideApply=true"]}
    answer = sync(
        target, name, dryRun=True, strategy={"hook": {"force": True}}, syncOptions=options
    )
    assert answer.status_code == 200
    assert answer.json()["operation"]["sync"]["syncOptions"] == options["items"]
    finished(target, name)


def test_sync(target: Target) -> None:
    """A sync succeeds, is recorded with who asked, and its resources say what was done."""
    target.write()
    name = target.app()
    before = [entry["id"] for entry in target.read(name)["status"].get("history") or ()]
    assert sync(target, name).status_code == 200
    state = finished(target, name)
    assert state["phase"] == "Succeeded"
    assert state["operation"]["initiatedBy"]["username"]
    assert all(item["status"] for item in state["syncResult"]["resources"])
    history = target.read(name)["status"]["history"]
    assert history[-1]["id"] == max(before, default=-1) + 1


def test_answers_of_a_sync_lack_health(target: Target) -> None:
    """The answer of a sync carries the health of resources on 2.x only."""
    target.write()
    name = target.app()
    resources = sync(target, name, dryRun=True).json()["status"]["resources"]
    finished(target, name)
    assert any("health" in item for item in resources) != target.since(3, 0)
