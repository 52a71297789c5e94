"""Each action through its whole life: accepted, running, ended; and all that can come between."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from scene import DEVELOPER, TIMEOUTS, Scene, instance, port_of
from servers import Clock, Front, taken_late

from gantry_argocd.simulator import Simulator
from waiting import eventually, standing_still

VIEWER = {"name": "vera", "role": "viewer"}


def ended(scene: Scene, app: str) -> Any:
    """Wait until nothing more is to be expected of the last operation; give how far it is."""
    return eventually(
        lambda: scene.look("/operation", app), lambda found: found["progress"]["done"]
    )


def on_record(scene: Scene, request_id: str, *outcomes: str) -> list[Any]:
    """Wait until the outcomes of a request are on record; give the records."""
    eventually(lambda: scene.told(request_id), lambda told: told == list(outcomes))
    return [r for r in scene.host.trail if r.get("requestId") == request_id]


def sent(argocd: Simulator, route: str = "sync") -> list[Any]:
    """Give the bodies of the requests of a kind that reached Argo CD."""
    return [request.body for request in argocd.requests.of(route)]


def resource(argocd: Simulator, app: str, name: str) -> dict[str, Any]:
    """Give a resource of an application."""
    found = argocd.fleet.get(app)
    assert found is not None
    return next(r for r in found["status"]["resources"] if r["name"] == name)


# --- sync ---


def test_a_sync_is_accepted_runs_and_succeeds(scene: Scene, argocd: Simulator) -> None:
    """People see it requested, running, succeeded and settled; the catalogue and the trail too."""
    status, body = scene.act("sync", "one:payment-api")
    assert status == 200
    assert body["operation"]["phase"] == "Queued"
    assert not body["progress"]["done"]
    assert body["operation"]["initiatedBy"] == "dora"
    states = [body["progress"]["state"]]

    def look() -> Any:
        found = scene.look("/operation", "one:payment-api")
        states.append(found["progress"]["state"])
        return found

    found = eventually(look, lambda found: found["progress"]["done"])

    assert found["progress"] == {
        "state": "succeeded",
        "message": "Synced; health is Healthy.",
        "done": True,
    }
    seen = list(dict.fromkeys(states))
    assert seen == [s for s in ("queued", "running", "settling", "succeeded") if s in seen]
    assert "succeeded" not in states[:1]
    assert {r["status"] for r in found["operation"]["results"]} >= {"Synced"}
    first, last = on_record(scene, body["operation"]["id"], "requested", "Succeeded")
    assert first["action"] == last["action"] == "argocd.sync"
    assert last["durationMs"] > first.get("durationMs", 0)
    assert last["entity"] == {"kind": "Service", "namespace": "default", "name": "payment-api"}
    apps = eventually(
        lambda: scene.host.notes("payment-api")["argocd.io/apps"],
        lambda apps: "one:payment-api=Synced/Healthy" in apps,
    )
    assert apps
    assert len(sent(argocd)) == 1


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    scene: Scene, argocd: Simulator
) -> None:
    """What a hard sync would delete is in the results, and is still there afterwards."""
    before = argocd.fleet.get("payment-api-prod")
    assert before is not None
    status, body = scene.act("sync", "one:payment-api-prod", {"hard": True, "dryRun": True})
    assert status == 200

    found = ended(scene, "one:payment-api-prod")

    results = {r["name"]: r for r in found["operation"]["results"]}
    assert results["payment-api-legacy"]["status"] == "Pruned"
    assert results["payment-api-legacy"]["message"] == "pruned (dry run)"
    assert "would delete ConfigMap payment-api-legacy" in found["progress"]["message"]
    after = argocd.fleet.get("payment-api-prod")
    assert after is not None
    assert after["status"]["resources"] == before["status"]["resources"]
    assert after["status"]["history"] == before["status"]["history"]
    (record, _) = on_record(scene, body["operation"]["id"], "requested", "Succeeded")
    assert record["action"] == "argocd.dry-run"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_server_below_a_root_path_is_used_like_any_other(slash: str) -> None:
    """An address with a path keeps it in every call, the sign-in and the stream, and in links."""
    with Simulator(operation_seconds=0.3, root_path="/argo-cd") as rooted:
        config = instance(rooted, argocdUrl=rooted.url + slash, token="")
        config |= {"username": "syncer", "password": "simulator", "follow": True}
        with Scene(config) as scene:
            eventually(lambda: scene.instance("one")["stream"]["state"], lambda s: s == "live")
            assert scene.act("sync", "one:payment-api", {})[0] == 200
            assert ended(scene, "one:payment-api")["progress"]["state"] == "succeeded"
            assert scene.act("refresh", "one:payment-api")[0] == 200
            found = scene.look("", "one:payment-api")
            assert scene.call("POST", "/check")[1]["ok"]

        assert rooted.url.endswith("/argo-cd")
        assert found["url"] == f"{rooted.url}/applications/argocd/payment-api"


def test_a_hard_sync_deletes_what_it_said(scene: Scene, argocd: Simulator) -> None:
    """The confirmation names what will go, and exactly that goes."""
    offers = scene.look("/actions", "one:payment-api-prod")
    (hard,) = [offer for offer in offers if offer["id"] == "argocd:hard-sync"]
    assert hard["available"]
    assert "Deletes 1 resource" in hard["confirmation"]
    assert "payment-api-legacy" in hard["confirmation"]

    assert scene.act("sync", "one:payment-api-prod", {"hard": True})[0] == 200

    found = ended(scene, "one:payment-api-prod")
    pruned = [r["name"] for r in found["operation"]["results"] if r["status"] == "Pruned"]
    assert pruned == ["payment-api-legacy"]
    assert sent(argocd)[0]["strategy"] == {"hook": {"force": True}}


def test_lost_manifests_make_nothing_superfluous(scene: Scene, argocd: Simulator) -> None:
    """While manifests cannot be loaded nobody is told that a hard sync deletes all there is."""
    assert argocd.life.lose("notifications")
    try:
        found = scene.look("", "one:notifications")
        offers = {offer["id"]: offer for offer in scene.look("/actions", "one:notifications")}
        panel = scene.panel("notifications")
    finally:
        assert argocd.life.find("notifications")

    assert found["syncStatus"] == "Unknown"
    assert found["resources"]
    assert not any("requiresPruning" in item for item in found["resources"])
    assert "not known now" in offers["argocd:hard-sync"]["confirmation"]
    assert "could not be compared" in panel
    assert "to be pruned" not in panel


def test_selected_resources_are_synced_and_unknown_ones_refused(
    scene: Scene, argocd: Simulator
) -> None:
    """Only what was chosen is touched; a resource that is not there never reads as a success."""
    chosen = {"group": "apps", "kind": "Deployment", "name": "web"}
    status, body = scene.act("sync", "one:team-b/web", {"resources": [chosen]})
    assert status == 200
    assert any("skips hooks" in note for note in body["notes"])
    found = ended(scene, "one:team-b/web")
    assert [r["name"] for r in found["operation"]["results"]] == ["web"]

    argocd.requests.clear()
    wrong = chosen | {"name": "wbe"}
    status, body = scene.act("sync", "one:team-b/web", {"resources": [chosen, wrong]})
    assert (status, body["code"]) == (400, "bad_request")
    assert "resources[1] (apps/Deployment wbe) is none of" in body["error"]
    assert scene.act("sync", "one:team-b/web", {"resources": []})[0] == 400
    assert sent(argocd) == []
    assert scene.told()[-2:] == ["refused", "refused"]


def test_a_revision_of_several_sources_is_chosen_by_position(
    scene: Scene, argocd: Simulator
) -> None:
    """One revision for several sources, which Argo CD ignores, is refused; by position it works."""
    status, body = scene.act("sync", "one:search-api", {"revision": "main"})
    assert status == 400
    assert 'as {"1": "v1.4.0"}' in body["error"]
    assert sent(argocd) == []

    status, body = scene.act("sync", "one:search-api", {"revisions": {"2": "main"}})
    assert status == 200, body
    assert len(body["revisions"]) == len(body["sources"]) == 2
    (body,) = sent(argocd)
    assert (body["sourcePositions"], body["revisions"]) == ([2], ["main"])
    assert ended(scene, "one:search-api")["progress"]["state"] == "succeeded"


def test_a_release_that_would_ignore_a_chosen_revision_is_not_asked() -> None:
    """Before 2.11 Argo CD syncs to its own revision instead, so people hear that it cannot."""
    with Simulator(release="2.8") as old, Scene(instance(old)) as scene:
        status, body = scene.act("sync", "one:search-api", {"revisions": {"2": "main"}})

        assert (status, body["code"]) == (400, "rejected")
        assert "2.8 cannot sync one of several sources" in body["error"]
        assert sent(old) == []
        assert scene.told() == ["refused"]


def test_an_unknown_commit_is_accepted_and_fails_on_record(scene: Scene) -> None:
    """Argo CD finds out only while it syncs; people hear of it then, and not a success before."""
    status, body = scene.act("sync", "one:notifications", {"revision": "0" * 40})
    assert status == 200
    assert not body["progress"]["done"]

    found = ended(scene, "one:notifications")

    assert found["progress"]["state"] == "failed"
    assert "ComparisonError" in found["progress"]["message"]
    (_, record) = on_record(scene, body["operation"]["id"], "requested", "Error")
    assert "ComparisonError" in record["message"]
    assert record["options"] == {"revision": "0" * 40}


def test_sync_options_are_sent_with_those_of_the_application(
    scene: Scene, argocd: Simulator
) -> None:
    """Options that are sent replace all others, so the application's own go along."""
    assert scene.act("sync", "one:gateway", {"syncOptions": ["PruneLast=true"]})[0] == 200
    assert sent(argocd)[0]["syncOptions"] == {"items": ["ServerSideApply=true", "PruneLast=true"]}
    assert ended(scene, "one:gateway")["progress"]["state"] == "succeeded"


def test_force_that_server_side_apply_refuses_is_said_and_seen(scene: Scene) -> None:
    """It is accepted with a warning, and then fails: people are told both, and no success."""
    status, body = scene.act("sync", "one:gateway", {"hard": True})
    assert status == 200
    assert any("ServerSideApply=true" in note for note in body["notes"])

    found = ended(scene, "one:gateway")

    assert found["progress"]["state"] == "failed"
    assert "--force cannot be used with --server-side" in found["progress"]["message"]
    assert {r["status"] for r in found["operation"]["results"]} == {"SyncFailed"}
    on_record(scene, body["operation"]["id"], "requested", "Failed")


def test_a_failed_hook_is_named(scene: Scene, argocd: Simulator) -> None:
    """The hook, its phase and its words are in the results, and the sync is a failure."""

    def add_hook(app: Any) -> None:
        app["status"]["resources"].append(
            {"group": "batch", "version": "v1", "kind": "Job", "name": "migrate", "hook": True}
            | {"namespace": "fraud", "requiresPruning": True}
        )

    argocd.fleet.change(("argocd", "checkout-web"), add_hook)
    argocd.break_hook("checkout-web", "Job has reached the specified backoff limit")
    status, body = scene.act("sync", "one:checkout-web")
    assert status == 200

    found = ended(scene, "one:checkout-web")

    assert found["progress"]["state"] == "failed"
    (hook,) = found["operation"]["results"]
    assert (hook["hookType"], hook["hookPhase"]) == ("PreSync", "Failed")
    assert hook["message"] == "Job has reached the specified backoff limit"
    on_record(scene, body["operation"]["id"], "requested", "Failed")


def test_a_resource_that_fails_is_named(scene: Scene, argocd: Simulator) -> None:
    """Which resource could not be applied, and why, is in the results and on record."""
    argocd.break_sync("reviews", "admission webhook denied the request")
    status, body = scene.act("sync", "one:reviews")
    assert status == 200

    found = ended(scene, "one:reviews")

    failed = [r for r in found["operation"]["results"] if r["status"] == "SyncFailed"]
    assert [r["message"] for r in failed] == ["admission webhook denied the request"]
    (_, record) = on_record(scene, body["operation"]["id"], "requested", "Failed")
    assert "admission webhook denied" in record["message"]


def test_a_closed_window_is_known_before_and_told_with_the_window(
    scene: Scene, argocd: Simulator
) -> None:
    """The button says why before the click, and the refusal names the window; nothing is begun."""
    offers = {offer["id"]: offer for offer in scene.look("/actions", "one:ingress-nginx")}
    for id_ in ("argocd:sync", "argocd:hard-sync", "argocd:dry-run"):
        assert not offers[id_]["available"]
        assert "closed from “* * * * *” for 24h" in offers[id_]["reason"]
    assert offers["argocd:refresh"]["available"]

    for body in ({}, {"dryRun": True}):
        status, answer = scene.act("sync", "one:ingress-nginx", body)
        assert (status, answer["code"]) == (409, "blocked")
        assert "closed from “* * * * *” for 24h" in answer["error"]
    number = scene.look("", "one:ingress-nginx")["history"][0]["id"]
    status, answer = scene.act("rollback", "one:ingress-nginx", {"id": number})
    assert (status, answer["code"]) == (409, "blocked")
    assert sent(argocd, "rollback") == []
    app = argocd.fleet.get("ingress-nginx")
    assert app is not None
    assert "operation" not in app
    assert scene.told() == ["refused"] * 3


def test_two_people_who_sync_at_once_make_one_operation(scene: Scene, argocd: Simulator) -> None:
    """One of them has it, the other hears whose it is; Argo CD runs one operation."""
    start = threading.Barrier(2)
    answers: dict[str, tuple[int, Any]] = {}

    def press(name: str) -> None:
        start.wait()
        user = DEVELOPER | {"name": name}
        answers[name] = scene.act("sync", "one:fraud-check", user=user)

    people = [threading.Thread(target=press, args=(name,)) for name in ("ada", "bob")]
    with standing_still(argocd):
        for person in people:
            person.start()
        for person in people:
            person.join()

    statuses = sorted(status for status, _ in answers.values())
    assert statuses == [200, 409]
    (first,) = [name for name, (status, _) in answers.items() if status == 200]
    (second,) = {"ada", "bob"} - {first}
    refusal = answers[second][1]
    assert refusal["code"] == "running"
    assert f"{first} began it" in refusal["error"]
    on_record(scene, answers[first][1]["operation"]["id"], "requested", "Succeeded")
    by_person = [(r["user"]["name"], r["outcome"]) for r in scene.host.trail]
    assert (second, "refused") in by_person
    app = argocd.fleet.get("fraud-check")
    assert app is not None
    assert len(app["status"]["history"]) == 7  # six before


def test_an_operation_in_progress_is_known_before_the_click(scene: Scene) -> None:
    """Sync is not offered while something runs, Terminate is; asking all the same is 409."""
    offers = {offer["id"]: offer for offer in scene.look("/actions", "one:catalog")}
    assert offers["argocd:sync"]["reason"] == "an operation is in progress"
    assert offers["argocd:terminate"]["available"]

    status, answer = scene.act("sync", "one:catalog")

    assert (status, answer["code"]) == (409, "running")
    assert "maria began it" in answer["error"]


def test_an_app_that_is_deleted_meanwhile_is_told(scene: Scene, argocd: Simulator) -> None:
    """The sync is not left on record as running for ever, nor as a success."""
    with standing_still(argocd):
        status, body = scene.act("sync", "one:tenant-red")
        assert status == 200
        argocd.fleet.delete("tenant-red")

    (_, record) = on_record(scene, body["operation"]["id"], "requested", "unknown")

    assert "was deleted before it ended" in record["message"]
    status, answer = scene.call(
        "GET", "/apps/{appName}/operation", path={"appName": "one:tenant-red"}
    )
    assert status in {403, 404}
    assert answer["error"]


def test_an_app_that_is_being_deleted_is_left_alone(scene: Scene, argocd: Simulator) -> None:
    """Nothing can be pressed, and asking all the same is refused with the reason."""
    offers = scene.look("/actions", "one:old-reports")
    assert {offer["reason"] for offer in offers} == {"the application is being deleted"}

    status, answer = scene.act("sync", "one:old-reports")

    assert (status, answer["code"]) == (409, "conflict")
    assert "being deleted" in answer["error"]


def test_an_instance_that_dies_in_the_middle_is_followed_when_it_is_back(
    scene: Scene, argocd: Simulator
) -> None:
    """While it is down people hear so, and no success; when it is back the end is on record."""
    with standing_still(argocd):
        status, body = scene.act("sync", "one:recommendations")
        assert status == 200
        argocd.faults.set("*", close=True)
    status, answer = scene.call(
        "GET", "/apps/{appName}/operation", path={"appName": "one:recommendations"}
    )
    assert (status, answer["code"]) == (502, "unreachable")
    assert scene.told(body["operation"]["id"]) == ["requested"]
    argocd.faults.clear()

    on_record(scene, body["operation"]["id"], "requested", "Succeeded")


def test_a_sync_that_waits_for_a_confirmation_says_so(scene: Scene) -> None:
    """With Prune=confirm even a plain sync runs until somebody confirms, and can be terminated."""
    (sync,) = [o for o in scene.look("/actions", "one:feature-flags") if o["id"] == "argocd:sync"]
    assert "only when somebody confirms" in sync["confirmation"]
    status, body = scene.act("sync", "one:feature-flags")
    assert status == 200
    assert any("Prune=confirm" in note for note in body["notes"])
    eventually(
        lambda: scene.look("/operation", "one:feature-flags")["progress"]["state"],
        lambda state: state == "waiting-for-confirmation",
    )

    assert scene.act("terminate", "one:feature-flags")[0] == 200

    found = ended(scene, "one:feature-flags")
    assert found["progress"]["message"] == "The operation failed: Operation terminated"
    on_record(scene, body["operation"]["id"], "requested", "Failed")


def test_a_sync_that_argo_cd_takes_late_is_followed(argocd: Simulator) -> None:
    """It was answered as unknown; when Argo CD has taken it after all, its end is on record."""
    argocd.requests.clear()
    clock, told = Clock(), threading.Event()
    with Front(port_of(argocd)) as front:
        config = instance(argocd, argocdUrl=f"http://127.0.0.1:{front.port}")
        with Scene(config, monotonic=clock) as scene:
            front.fault = taken_late(front, clock, told)
            status, body = scene.act("sync", "one:notifications")
            told.set()
            assert (status, body["code"]) == (504, "timeout")
            (sync,) = eventually(lambda: sent(argocd))
            (id_,) = [info["value"] for info in sync["infos"] if info["name"] == "gantry-request"]

            on_record(scene, id_, "unknown", "Succeeded")
            assert len(sent(argocd)) == 1


# --- terminate ---


def test_nothing_that_runs_cannot_be_terminated(scene: Scene) -> None:
    """That nothing is in progress is said, and is a conflict and no failure of ours."""
    status, answer = scene.act("terminate", "one:monitoring")

    assert (status, answer["code"]) == (409, "conflict")
    assert "no operation is in progress" in answer["error"]


def test_an_operation_that_has_not_begun_cannot_be_terminated(
    scene: Scene, argocd: Simulator
) -> None:
    """Argo CD says that there is none, though one is requested: people hear which it is."""

    def request(app: Any) -> None:
        app["status"].pop("operationState", None)
        app["operation"] = {"sync": {}, "initiatedBy": {"username": "admin"}}

    argocd.fleet.change(("argocd", "monitoring"), request)
    try:
        status, answer = scene.act("terminate", "one:monitoring")
    finally:
        argocd.fleet.change(("argocd", "monitoring"), lambda app: app.pop("operation"))

    assert (status, answer["code"]) == (409, "conflict")
    assert "requested and has not begun" in answer["error"]


def test_terminating_under_a_closed_window_says_that_it_lasts(
    scene: Scene, argocd: Simulator
) -> None:
    """A window that closes meanwhile keeps the operation terminating, and people are told."""

    def close(policy: list[dict[str, Any]]) -> None:
        argocd.projects.by_name["payments"]["spec"]["syncWindows"] = policy

    always = {"schedule": "* * * * *", "duration": "24h", "applications": ["ledger"]}
    try:
        with standing_still(argocd):
            assert scene.act("sync", "one:ledger")[0] == 200
            argocd.clock.advance(0.1)
            eventually(
                lambda: scene.look("/operation", "one:ledger")["progress"]["state"],
                lambda state: state == "running",
            )
            close([{"kind": "deny", **always}])
            status, answer = scene.act("terminate", "one:ledger")
        assert status == 200, answer
        assert any("until the window opens" in note for note in answer["notes"])
        found = scene.look("/operation", "one:ledger")
        assert found["progress"]["state"] == "terminating"
        assert not found["progress"]["done"]
    finally:
        close([])


# --- rollback ---


def test_a_rollback_deploys_an_entry_again(scene: Scene, argocd: Simulator) -> None:
    """The entry is named by its number; the history grows, and the application is OutOfSync."""
    ref = "one:media"
    before = scene.look("", ref)
    oldest = before["history"][0]
    offers = {offer["id"]: offer for offer in scene.look("/actions", ref)}
    assert offers[f"argocd:rollback:{oldest['id']}"]["available"]
    status, body = scene.act("rollback", ref, {"id": oldest["id"]})
    assert status == 200, body
    assert any("Hooks are skipped" in note for note in body["notes"])

    found = ended(scene, ref)

    assert found["progress"]["state"] == "succeeded"
    after = scene.look("", ref)
    assert after["history"][-1]["revisions"] == oldest["revisions"]
    assert after["history"][-1]["id"] == before["history"][-1]["id"] + 1
    assert [b["id"] for b in sent(argocd, "rollback")] == [oldest["id"]]
    records = on_record(scene, body["requestId"], "requested", "Succeeded")
    assert records[0]["options"] == {"id": oldest["id"]}


def test_a_rollback_to_number_zero_is_one(scene: Scene, argocd: Simulator) -> None:
    """The first deployment has the number 0, which is no missing number."""

    def number_from_zero(app: Any) -> None:
        for number, entry in enumerate(app["status"]["history"]):
            entry["id"] = number

    argocd.fleet.change(("argocd", "invoicing"), number_from_zero)
    assert scene.act("rollback", "one:invoicing", {"id": 0})[0] == 200
    assert sent(argocd, "rollback")[0]["id"] == 0


@pytest.mark.parametrize("body", [None, {}, {"id": "0"}, {"id": True}, {"id": -1}, {"id": 1.0}])
def test_a_rollback_without_a_number_is_refused(scene: Scene, argocd: Simulator, body: Any) -> None:
    """Argo CD fails on a missing number; people hear what is missing, and nothing is sent."""
    status, answer = scene.act("rollback", "one:media", body)

    assert (status, answer["code"]) == (400, "bad_request")
    assert sent(argocd, "rollback") == []
    assert scene.told() == ["refused"]


def test_a_rollback_that_is_not_in_the_history_is_refused(scene: Scene, argocd: Simulator) -> None:
    """The numbers that there are are told."""
    status, answer = scene.act("rollback", "one:media", {"id": 99})

    assert status == 400
    assert "no deployment number 99: it has " in answer["error"]
    assert sent(argocd, "rollback") == []


def test_a_rollback_under_auto_sync_is_refused_with_the_way_out(
    scene: Scene, argocd: Simulator
) -> None:
    """Argo CD would undo it; before the click and after it people hear what to do instead."""
    app = scene.look("", "one:inventory")
    id_ = app["history"][0]["id"]
    offers = {offer["id"]: offer for offer in scene.look("/actions", "one:inventory")}
    assert "turn auto-sync off first" in offers[f"argocd:rollback:{id_}"]["reason"]

    status, answer = scene.act("rollback", "one:inventory", {"id": id_})

    assert (status, answer["code"]) == (409, "conflict")
    assert "turn auto-sync off first, or revert in Git" in answer["error"]
    assert sent(argocd, "rollback") == []


def test_a_rollback_whose_answer_is_lost_is_found_and_not_sent_twice(
    scene: Scene, argocd: Simulator
) -> None:
    """Argo CD keeps no id with a rollback, so it is told by what was there before."""
    app = scene.look("", "one:session-store")
    argocd.faults.set("rollback", truncate=True, times=1)
    status, body = scene.act("rollback", "one:session-store", {"id": app["history"][0]["id"]})

    assert status == 200, body
    assert len(sent(argocd, "rollback")) == 1
    assert ended(scene, "one:session-store")["progress"]["state"] == "succeeded"


# --- refresh ---


@pytest.mark.parametrize(("body", "kind"), [(None, "normal"), ({"hard": True}, "hard")])
def test_a_refresh_compares_anew(scene: Scene, argocd: Simulator, body: Any, kind: str) -> None:
    """A normal and a hard refresh answer when Argo CD is done, with what it found."""
    status, answer = scene.act("refresh", "one:identity", body)

    assert status == 200
    assert answer["syncStatus"] == "OutOfSync"
    assert "notes" not in answer
    asked = [r.query for r in argocd.requests if "refresh=" in r.query]
    assert len(asked) == 1
    assert f"refresh={kind}" in asked[0]


def test_a_refresh_that_never_ends_is_answered_as_requested(argocd: Simulator) -> None:
    """A skip-reconcile application is told as such, soon, and does not shut the instance out."""
    hasty = instance(argocd, timeouts=TIMEOUTS | {"refresh": "1s"})
    with Scene(hasty) as scene:
        offers = {offer["id"]: offer for offer in scene.look("/actions", "one:audit-log")}
        assert "skip-reconcile" in offers["argocd:refresh"]["reason"]

        for _ in range(3):
            status, answer = scene.act("refresh", "one:audit-log")
            assert status == 202
            assert any("skip-reconcile" in note for note in answer["notes"])

        assert scene.look("", "one:identity")["ref"] == "one:identity"
        assert scene.told() == ["requested"] * 3


def test_a_refresh_that_a_proxy_cuts_off_is_answered_as_requested(
    scene: Scene, argocd: Simulator
) -> None:
    """Proxies end what takes long; the request stands in the application, and people hear it."""
    asked = {"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}
    argocd.fleet.change(
        ("argocd", "identity"), lambda app: app["metadata"].update(asked["metadata"])
    )
    argocd.faults.set("app", status=503, times=1)
    try:
        status, answer = scene.act("refresh", "one:identity")
        said = scene.panel("identity")
    finally:
        argocd.fleet.change(("argocd", "identity"), lambda app: app["metadata"].pop("annotations"))

    assert status == 202, answer
    assert any("has not ended yet" in note for note in answer["notes"])
    assert "A refresh was requested and has not been made yet" in said


# --- who may ---


def test_a_token_without_the_right_is_known_before_the_click(argocd: Simulator) -> None:
    """The buttons say which right is missing; the refusal too, and never whose token it is."""
    with Scene(instance(argocd, token=argocd.tokens["reader"])) as scene:
        argocd.requests.clear()
        for _ in range(3):
            offers = {o["id"]: o for o in scene.look("/actions", "one:payment-api")}
            for id_ in ("argocd:sync", "argocd:hard-sync"):
                assert "lacks the right applications, sync" in offers[id_]["reason"]
            assert offers["argocd:refresh"]["available"]
        assert len(argocd.requests.of("can-i")) == 1

        status, answer = scene.act("sync", "one:payment-api")

        assert (status, answer["code"]) == (403, "argocd_forbidden")
        assert "applications, sync" in answer["error"]
        assert "reader" not in str(answer)


def test_nobody_is_asked_about_those_who_may_not_act(scene: Scene, argocd: Simulator) -> None:
    """A viewer's look costs Argo CD neither a question about rights nor one about windows."""
    offers = scene.look("/actions", "one:payment-api", user=VIEWER)

    assert {offer["reason"] for offer in offers} == {"needs the role developer or higher"}
    assert not argocd.requests.of("can-i")
    assert not argocd.requests.of("syncwindows")


def test_an_app_is_acted_on_only_as_its_own_entitys(scene: Scene, argocd: Simulator) -> None:
    """Addressed through an entity, an application of another is out of reach."""

    def act(entity: str, app: str) -> tuple[int, Any]:
        path = {"kind": "Service", "namespace": "default", "name": entity, "appName": app}
        route = "/entities/{kind}/{namespace}/{name}/apps/{appName}/refresh"
        return scene.call("POST", route, path=path)

    status, body = act("fraud-check", "fraud-check")
    assert (status, body["ref"]) == (200, "one:fraud-check")
    argocd.requests.clear()
    for entity, app in (("fraud-check", "one:media"), ("nobody", "media"), ("media", "one:nope")):
        status, body = act(entity, app)
        assert (status, body["code"]) == (404, "not_of_entity"), (entity, app)
    assert len(argocd.requests) == 0
    assert scene.told()[-3:] == ["refused"] * 3


def test_a_policy_leaves_actions_to_others(argocd: Simulator) -> None:
    """What the policy leaves to others is not offered, refused over REST, and on record."""
    rule = {"actions": ["hard-sync", "rollback"], "role": "platform-engineer"}
    with Scene(instance(argocd), policy=[rule]) as scene:
        argocd.requests.clear()
        offers = {offer["id"]: offer for offer in scene.look("/actions", "one:shipping")}
        assert offers["argocd:sync"]["available"]
        assert "the role platform-engineer or higher" in offers["argocd:hard-sync"]["reason"]

        for body in ({"hard": True}, {"prune": True}, {"syncOptions": ["Replace=true"]}):
            status, answer = scene.act("sync", "one:shipping", body)
            assert (status, answer["code"]) == (403, "policy"), body
        assert sent(argocd) == []
        assert [r["action"] for r in scene.host.trail] == ["argocd.hard-sync"] * 3
        assert scene.told() == ["refused"] * 3

        paul = {"name": "paul", "role": "platform-engineer"}
        assert scene.act("sync", "one:shipping", {"hard": True}, user=paul)[0] == 200


def test_a_policy_knows_the_owner_of_the_entity(argocd: Simulator) -> None:
    """Members of the owner's group may, others may not; the owner is that in the catalogue."""
    with Scene(instance(argocd), policy=[{"groups": ["$owner"]}]) as scene:
        row = scene.host.rows["default", "loyalty"]
        row["metadata"]["owner"] = "finance"
        member = DEVELOPER | {"groups": ["finance"]}
        stranger = DEVELOPER | {"groups": ["search"]}

        assert scene.act("refresh", "one:loyalty", user=stranger)[1]["code"] == "policy"
        assert scene.act("refresh", "one:loyalty", user=member)[0] == 200


def test_a_trail_that_cannot_be_written_hides_no_sync(
    scene: Scene, argocd: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What Argo CD has taken is answered as taken when the host's trail is out of order."""

    def broken(record: Any) -> None:
        raise OSError

    scene.host.audit = broken  # type: ignore[method-assign]
    status, body = scene.act("sync", "one:gateway")

    assert status == 200, body
    assert ended(scene, "one:gateway")["progress"]["state"] == "succeeded"
    eventually(lambda: caplog.text.count("not on record: argocd.sync") == 2)


def test_a_sync_that_no_connection_carried_is_on_record_as_refused() -> None:
    """Where nothing can have been sent, nobody is left to wonder whether something was."""
    with Simulator(apps=1) as own, Scene(instance(own)) as scene:
        own.stop()
        path = {"appName": "one:payment-api"}
        assert scene.call("GET", "/apps/{appName}", path=path)[0] == 502
        status, answer = scene.act("sync", "one:payment-api")

        assert (status, answer["code"]) == (502, "unreachable")
        assert scene.told() == ["refused"]


def test_a_sync_is_followed_through_a_change_of_the_configuration(
    scene: Scene, argocd: Simulator
) -> None:
    """Whoever saves the configuration in the middle of a sync does not lose its end."""
    status, body = scene.act("sync", "one:recommendations")
    assert status == 200
    config = {"instances": [instance(argocd, follow=False)], "syncInterval": "1h"}

    assert scene.manager.hook.configure(
        plugin="argocd", config=config, enabled=True, host=scene.host
    )

    on_record(scene, body["requestId"], "requested", "Succeeded")


def test_a_rollback_that_never_arrived_is_not_taken_for_one_that_did(
    scene: Scene, argocd: Simulator
) -> None:
    """The operation before it is still there, and is not called the rollback's success."""
    app = scene.look("", "one:session-store")
    argocd.faults.set("rollback", close=True, times=1)

    status, answer = scene.act("rollback", "one:session-store", {"id": app["history"][0]["id"]})

    assert (status, answer["code"]) == (502, "unreachable")
    assert scene.told() == ["unknown"]


def pressed(scene: Scene, name: str, id_: str) -> Any:
    """Send the form of Sync with its id, as one replica of a host does."""
    row = scene.host.rows["default", name]
    (offered,) = scene.manager.hook.actions(entity=row, user=DEVELOPER)
    (sync,) = [a for a in offered if (a["id"], a["app"]) == ("argocd:sync", f"one:{name}")]
    return sync["runOnce"](id_)


def test_a_form_that_reaches_two_replicas_syncs_once(scene: Scene, argocd: Simulator) -> None:
    """At once or one after the other: Argo CD keeps the form's id, so both say the same."""
    argocd.faults.set("sync", delay=0.5)  # both have looked before either is taken
    with Scene(instance(argocd)) as other:
        outcomes: list[Any] = []
        clicks = [
            threading.Thread(target=lambda at=at: outcomes.append(pressed(at, "reviews", "form-1")))
            for at in (scene, other)
        ]
        for click in clicks:
            click.start()
        for click in clicks:
            click.join()
        assert [outcome["ok"] for outcome in outcomes] == [True, True], outcomes
        argocd.faults.clear()
        ended(scene, "one:reviews")
        argocd.requests.clear()

        again = pressed(other, "reviews", "form-1")

        assert again["ok"]
        assert "requested already" in again["message"]
        assert sent(argocd) == []
        assert pressed(scene, "reviews", "form-2")["ok"]
        assert len(sent(argocd)) == 1
