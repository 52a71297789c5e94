"""What a sync, a rollback, a termination and a refresh set in motion."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from talking import JSON, client_of

from gantry_argocd.simulator import Simulator
from waiting import eventually

Json = dict[str, Any]
APP = "/api/v1/applications/payment-api"


def read(http_client: httpx.Client, path: str = APP) -> Json:
    """Return one Application."""
    app: Json = http_client.get(path).raise_for_status().json()
    return app


def finished(http_client: httpx.Client, path: str = APP) -> Json:
    """Return an Application once its operation has ended."""

    def ended() -> Json | None:
        app = read(http_client, path)
        state = app["status"].get("operationState")
        return app if state and "operation" not in app else None

    return eventually(ended)


def synced(http_client: httpx.Client, body: Json, path: str = APP) -> Json:
    """Sync and return the Application once the operation has ended."""
    http_client.post(f"{path}/sync", json=body).raise_for_status()
    return finished(http_client, path)


def leave_behind(argocd: Simulator) -> None:
    """Let a resource leave the source of the Application."""
    left = {
        "version": "v1",
        "kind": "ConfigMap",
        "namespace": "payments",
        "name": "payment-api-legacy",
        "status": "OutOfSync",
        "requiresPruning": True,
    }
    argocd.fleet.change(
        ("argocd", "payment-api"), lambda app: app["status"]["resources"].append(left)
    )


def test_sync_makes_an_application_synced(quick: Simulator) -> None:
    """A pruning sync ends Succeeded, enters the history, prunes, and becomes Synced and healthy."""
    leave_behind(quick)
    with client_of(quick) as http_client:
        before = read(http_client)
        infos = [{"name": "gantry-request", "value": "r-1"}]
        answer = http_client.post(f"{APP}/sync", json={"prune": True, "infos": infos}).json()
        after = finished(http_client)

        assert infos == answer["operation"]["info"]
        assert "operationState" not in answer["status"]
        state = after["status"]["operationState"]
        assert state["phase"] == "Succeeded"
        assert state["message"] == "successfully synced (all tasks run)"
        assert infos == state["operation"]["info"]
        newest = after["status"]["history"][-1]
        assert before["status"]["history"][-1]["id"] + 1 == newest["id"]
        assert newest["initiatedBy"] == {"username": "admin"}
        results = {item["name"]: item["status"] for item in state["syncResult"]["resources"]}
        assert results["payment-api-legacy"] == "Pruned"

        def settled() -> Json | None:
            status: Json = read(http_client)["status"]
            words = (status["sync"]["status"], status["health"]["status"])
            return status if words == ("Synced", "Healthy") else None

        names = {item["name"] for item in eventually(settled)["resources"]}
        assert {"payment-api-config", "payment-api"} == names


def test_sync_is_a_known_sequence_of_changes(quick: Simulator) -> None:
    """Watchers see: requested, running, running with a message, succeeded, status refreshed."""
    seen: list[tuple[str | None, bool, str | None]] = []

    def note(event: Any) -> None:
        app = event.record.app
        state = app["status"].get("operationState") or {}
        seen.append((state.get("phase"), "message" in state, app["status"]["sync"]["status"]))

    quick.fleet.subscribe(note)
    with client_of(quick) as http_client:
        synced(http_client, {"prune": True})
    eventually(lambda: len(seen) >= 5)

    assert seen[:5] == [
        (None, False, "OutOfSync"),
        ("Running", False, "OutOfSync"),
        ("Running", True, "OutOfSync"),
        ("Succeeded", True, "OutOfSync"),
        ("Succeeded", True, "Synced"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"dryRun": True},
        {"resources": [{"kind": "ConfigMap", "name": "payment-api-config"}]},
        {"resources": [{"kind": "ConfigMap", "name": "no-such"}]},
    ],
)
def test_partial_and_dry_syncs_leave_no_history(quick: Simulator, body: Json) -> None:
    """Dry runs and selections succeed, even of nothing, and do not enter the history."""
    with client_of(quick) as http_client:
        before = read(http_client)
        after = synced(http_client, body)

    assert after["status"]["operationState"]["phase"] == "Succeeded"
    assert before["status"]["history"] == after["status"]["history"]


def test_unpruned_resources_stay(quick: Simulator) -> None:
    """Without prune a superfluous resource is skipped and keeps the Application out of sync."""
    leave_behind(quick)
    with client_of(quick) as http_client:
        state = synced(http_client, {})["status"]["operationState"]
        results = {item["name"]: item["message"] for item in state["syncResult"]["resources"]}
        assert results["payment-api-legacy"] == "ignored (requires pruning)"
        left = eventually(
            lambda: [
                item
                for item in read(http_client)["status"]["resources"]
                if item["status"] == "OutOfSync"
            ][:1]
        )
        assert eventually(lambda: read(http_client)["status"]["sync"]["status"] == "OutOfSync")
    assert left


def test_force_with_server_side_apply_fails(quick: Simulator) -> None:
    """The request is accepted; the failure only shows in the operation state."""
    path = "/api/v1/applications/gateway"
    with client_of(quick) as http_client:
        after = synced(http_client, {"strategy": {"hook": {"force": True}}}, path)

    state = after["status"]["operationState"]
    assert state["phase"] == "Failed"
    assert state["message"].endswith("--force cannot be used with --server-side")
    assert {"SyncFailed"} == {item["status"] for item in state["syncResult"]["resources"]}


def test_a_failing_resource_fails_again(quick: Simulator) -> None:
    """What failed in the last operation of the fleet fails in the next one too."""
    path = "/api/v1/applications/ledger"
    with client_of(quick) as http_client:
        state = synced(http_client, {}, path)["status"]["operationState"]

    assert state["phase"] == "Failed"
    assert "field is immutable" in state["message"]


def test_retries_wait_as_running_and_then_fail(quick: Simulator) -> None:
    """Between attempts the phase is Running with an end time; the last failure counts them."""
    quick.break_sync("payment-api", "admission webhook denied the request")
    retry = {"limit": 1, "backoff": {"duration": "200ms", "factor": 1}}
    seen: list[Json] = []
    quick.fleet.subscribe(
        lambda event: seen.append(dict(event.record.app["status"].get("operationState") or {}))
    )
    with client_of(quick) as http_client:
        last = synced(http_client, {"retryStrategy": retry})["status"]["operationState"]
    first = eventually(lambda: [state for state in seen if "finishedAt" in state])[0]

    assert (first["phase"], first["retryCount"]) == ("Running", 1)
    assert "Retrying attempt #1 at " in first["message"]
    assert last["phase"] == "Failed"
    assert last["message"].endswith("(retried 1 times).")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("pricing", "ComparisonError: Failed to load target state"),
        ("returns", "InvalidSpecError: application destination"),
    ],
)
def test_sync_of_a_broken_application_ends_in_error(
    quick: Simulator, name: str, reason: str
) -> None:
    """An Application that cannot be compared accepts a sync, which then ends Error."""
    with client_of(quick) as http_client:
        state = synced(http_client, {}, f"/api/v1/applications/{name}")["status"]["operationState"]

    assert state["phase"] == "Error"
    assert state["message"].startswith(reason)


def test_unknown_commit_is_accepted_and_ends_in_error(quick: Simulator) -> None:
    """A full SHA is not looked up before the controller does."""
    with client_of(quick) as http_client:
        state = synced(http_client, {"revision": "0123456789" * 4})["status"]["operationState"]

    assert state["phase"] == "Error"
    assert "not our ref" in state["message"]


def test_rollback_appends_and_leaves_out_of_sync(quick: Simulator) -> None:
    """A rollback uses the apply strategy, enters the history, and is out of sync afterwards."""
    with client_of(quick) as http_client:
        entry = read(http_client)["status"]["history"][2]
        answer = http_client.post(f"{APP}/rollback", json={"id": entry["id"]}).json()
        after = finished(http_client)

        assert answer["operation"]["sync"]["syncStrategy"] == {"apply": {}}
        assert entry["revision"] == after["status"]["history"][-1]["revision"]
        assert eventually(lambda: read(http_client)["status"]["sync"]["status"] == "OutOfSync")


def test_terminate_a_running_operation(quick: Simulator) -> None:
    """A running operation can be terminated; its hook fails, and then there is nothing left."""
    path = "/api/v1/applications/catalog"
    headers = {"content-type": JSON}
    with client_of(quick) as http_client:
        assert http_client.delete(f"{path}/operation", headers=headers).json() == {}
        state = finished(http_client, path)["status"]["operationState"]
        again = http_client.delete(f"{path}/operation", headers=headers)

    assert (state["phase"], state["message"]) == ("Failed", "Operation terminated")
    hook = state["syncResult"]["resources"][0]
    assert (hook["hookPhase"], hook["message"]) == ("Failed", "Terminated")
    assert again.status_code == 400


def test_window_holds_a_rollback_and_its_termination(quick: Simulator) -> None:
    """The endpoint does not look at windows, the controller does, and holds both."""
    path = "/api/v1/applications/dns"
    with client_of(quick) as http_client:
        entry = read(http_client, path)["status"]["history"][0]
        http_client.post(f"{path}/rollback", json={"id": entry["id"]}).raise_for_status()

        def state() -> Json:
            found: Json = read(http_client, path)["status"].get("operationState") or {}
            return found

        message = "Sync operation blocked by sync window"
        assert eventually(lambda: state().get("message") == message)
        http_client.delete(f"{path}/operation", headers={"content-type": JSON}).raise_for_status()
        assert state()["phase"] == "Terminating"


def test_pruning_confirmation_keeps_an_operation_running(quick: Simulator) -> None:
    """A resource that needs confirmation holds even a sync without prune."""
    path = "/api/v1/applications/feature-flags"
    with client_of(quick) as http_client:
        http_client.post(f"{path}/sync", json={}).raise_for_status()

        def message() -> bool:
            state = read(http_client, path)["status"].get("operationState") or {}
            text = "waiting for pruning confirmation of /ConfigMap/flags-archive"
            return bool(state.get("message") == text and state["phase"] == "Running")

        assert eventually(message)


def test_one_operation_at_a_time(frozen: Simulator) -> None:
    """A second request is refused while the first is queued, and cannot be terminated yet."""
    with client_of(frozen) as http_client:
        assert http_client.post(f"{APP}/sync", json={}).status_code == 200
        again = http_client.post(f"{APP}/sync", json={"dryRun": True})
        ended = http_client.delete(f"{APP}/operation", headers={"content-type": JSON})

    assert (again.status_code, again.json()["code"]) == (400, 9)
    assert again.json()["message"] == "another operation is already in progress"
    assert (ended.status_code, ended.json()["code"]) == (400, 3)


def test_refresh_waits_for_the_controller(quick: Simulator) -> None:
    """A refresh returns the reconciled Application; the hydrate annotation stays behind."""
    with client_of(quick) as http_client:
        app = http_client.get(APP, params={"refresh": "hard"}).json()

    annotations = app["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/hydrate"] == "hard"
    assert "argocd.argoproj.io/refresh" not in annotations


def test_refresh_of_a_skipped_application_never_returns(quick: Simulator) -> None:
    """Only the caller's own deadline ends the wait; the annotation stays."""
    path = "/api/v1/applications/audit-log"
    with client_of(quick) as http_client:
        with pytest.raises(httpx.ReadTimeout):
            http_client.get(path, params={"refresh": ""}, timeout=0.2)
        answer = http_client.get(
            path, params={"refresh": "normal"}, headers={"grpc-timeout": "100m"}
        )
        assert (answer.status_code, answer.json()["code"]) == (504, 4)
        kept = read(http_client, path)["metadata"]["annotations"]
    assert kept["argocd.argoproj.io/refresh"] == "normal"
