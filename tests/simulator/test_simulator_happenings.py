"""A fleet with a life: what befalls it, what becomes of it, and time that is stepped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from talking import client_of

from gantry_argocd.simulator import PROFILES, Simulator

Json = dict[str, Any]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def stepped() -> Iterator[Simulator]:
    """A simulator whose time stands still until it is advanced."""
    with at_rest() as simulator:
        yield simulator


def at_rest(release: str = "3.5") -> Simulator:
    """Make a simulator of a fixed moment whose time stands still."""
    simulator = Simulator(clock=lambda: NOON, release=release, reconcile_seconds=0.1)
    simulator.clock.run(0)
    return simulator


def advance(sim: Simulator, seconds: float) -> None:
    """Let time pass, and wait until everything is done that this brings about."""
    sim.clock.advance(seconds)
    sim.settle()


def app_of(sim: Simulator, name: str) -> Json:
    """Read an Application."""
    found = sim.fleet.get(name)
    assert found is not None
    return found


def phases(sim: Simulator, name: str, seconds: float, step: float) -> list[str]:
    """Advance in steps; return phase and message of the operation whenever they change."""
    seen: list[str] = []
    for _ in range(int(seconds / step)):
        advance(sim, step)
        state = app_of(sim, name)["status"].get("operationState") or {}
        now = f"{state.get('phase')}: {state.get('message', '')}"
        if not seen or seen[-1] != now:
            seen.append(now)
    return seen


def test_a_commit_waits_for_somebody(stepped: Simulator) -> None:
    """Without auto-sync a commit leaves an Application out of sync until somebody syncs it."""
    before = app_of(stepped, "payment-api-prod")["status"]["sync"]["revision"]
    assert stepped.life.push("payment-api-prod")
    advance(stepped, 60)
    app = app_of(stepped, "payment-api-prod")
    assert app["status"]["sync"]["status"] == "OutOfSync"
    assert app["status"]["sync"]["revision"] != before
    assert "operation" not in app


def test_a_commit_is_synced_automatically(stepped: Simulator) -> None:
    """With auto-sync a commit is synced, recorded as automated, and rolled out."""
    assert stepped.life.push("payment-api-stage")
    advance(stepped, 60)
    status = app_of(stepped, "payment-api-stage")["status"]
    assert status["sync"]["status"] == "Synced"
    assert status["health"]["status"] == "Healthy"
    assert status["history"][-1]["initiatedBy"] == {"automated": True}
    assert status["history"][-1]["revision"] == status["sync"]["revision"]
    operation = status["operationState"]["operation"]
    assert operation["sync"]["prune"] is True
    assert operation["retry"] == {"limit": 5}


def test_drift_is_healed(stepped: Simulator) -> None:
    """Self-healing syncs only what drifted, to the revision that was deployed already."""
    assert stepped.life.drift("payment-api-stage")
    assert app_of(stepped, "payment-api-stage")["status"]["sync"]["status"] == "OutOfSync"
    advance(stepped, 60)
    status = app_of(stepped, "payment-api-stage")["status"]
    sync = status["operationState"]["operation"]["sync"]
    assert status["sync"]["status"] == "Synced"
    assert sync["autoHealAttemptsCount"] == 1
    assert [item["kind"] for item in sync["resources"]] == ["Deployment"]


def test_drift_without_self_healing(stepped: Simulator) -> None:
    """Auto-sync without self-healing leaves drift alone."""
    assert stepped.life.drift("inventory")
    advance(stepped, 60)
    app = app_of(stepped, "inventory")
    assert app["status"]["sync"]["status"] == "OutOfSync"
    assert "autoHealAttemptsCount" not in app["status"]["operationState"]["operation"]["sync"]


def test_disabled_auto_sync() -> None:
    """`enabled: false` keeps auto-sync off from 3.1 on; before, it is dropped and all syncs."""
    for release, syncs in (("3.5", False), ("3.0", True)):
        with at_rest(release) as sim:
            sim.life.push("shipping")
            advance(sim, 60)
            expected = "Synced" if syncs else "OutOfSync"
            assert app_of(sim, "shipping")["status"]["sync"]["status"] == expected, release


def test_a_failed_automated_sync(stepped: Simulator) -> None:
    """It is tried five times, told in a condition, and not begun again for the same revision."""
    stepped.break_sync("payment-api-stage", "admission webhook denied the request")
    assert stepped.life.push("payment-api-stage")
    advance(stepped, 3600)
    status = app_of(stepped, "payment-api-stage")["status"]
    assert status["operationState"]["phase"] == "Failed"
    assert status["operationState"]["retryCount"] == 5
    [condition] = [c for c in status["conditions"] if c["type"] == "SyncError"]
    assert condition["message"].startswith("Failed last sync attempt to [")
    stepped.break_sync("payment-api-stage", None)
    assert stepped.life.drift("payment-api-stage")
    advance(stepped, 3600)
    assert app_of(stepped, "payment-api-stage")["status"]["operationState"]["phase"] == "Failed"
    assert stepped.life.push("payment-api-stage")
    advance(stepped, 3600)
    status = app_of(stepped, "payment-api-stage")["status"]
    assert status["sync"]["status"] == "Synced"
    assert "conditions" not in status


def test_a_window_holds_automated_syncs(stepped: Simulator) -> None:
    """While a window is closed nothing is synced automatically, even where people may sync."""
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
    spec = stepped.projects.by_name["payments"]["spec"]
    spec["syncWindows"] = [{**window, "manualSync": True}]
    assert stepped.life.push("payment-api-stage")
    advance(stepped, 60)
    app = app_of(stepped, "payment-api-stage")
    assert app["status"]["sync"]["status"] == "OutOfSync"
    assert "operation" not in app


def test_waves(stepped: Simulator) -> None:
    """A sync goes wave by wave and says what it waits for; its results grow."""
    with client_of(stepped) as client:
        client.post("/api/v1/applications/gateway/sync", json={})
    seen = phases(stepped, "gateway", 10, 0.2)
    assert seen == [
        "None: ",
        "Running: ",
        "Running: one or more tasks are running",
        "Running: waiting for healthy state of /Service/gateway",
        "Running: waiting for healthy state of apps/Deployment/gateway",
        "Succeeded: successfully synced (all tasks run)",
    ]


def test_a_failed_wave_ends_a_sync(stepped: Simulator) -> None:
    """What comes after a failed wave is not applied."""
    stepped.break_sync("gateway", "denied")
    with client_of(stepped) as client:
        client.post("/api/v1/applications/gateway/sync", json={})
    advance(stepped, 60)
    state = app_of(stepped, "gateway")["status"]["operationState"]
    assert state["phase"] == "Failed"
    assert [item["status"] for item in state["syncResult"]["resources"]] == ["SyncFailed"]


def test_failing_and_recovering(stepped: Simulator) -> None:
    """A workload fails, rolls out again, and is healthy after a while."""
    assert stepped.life.degrade("payment-api-prod")
    assert app_of(stepped, "payment-api-prod")["status"]["health"]["status"] == "Degraded"
    assert stepped.life.recover("payment-api-prod")
    assert app_of(stepped, "payment-api-prod")["status"]["health"]["status"] == "Progressing"
    advance(stepped, 60)
    assert app_of(stepped, "payment-api-prod")["status"]["health"]["status"] == "Healthy"
    assert not stepped.life.recover("payment-api-prod")


def test_deletion(stepped: Simulator) -> None:
    """An Application is seen with a deletion timestamp before it is gone, and cannot be synced."""
    assert stepped.life.delete("payment-api-dev")
    metadata = app_of(stepped, "payment-api-dev")["metadata"]
    assert metadata["deletionTimestamp"] == "2026-11-20T12:00:00Z"
    assert metadata["finalizers"]
    with client_of(stepped) as client:
        answer = client.post("/api/v1/applications/payment-api-dev/sync", json={})
    assert answer.json()["message"] == "application is deleting"
    advance(stepped, 60)
    assert stepped.fleet.get("payment-api-dev") is None


def test_an_application_set_makes_another(stepped: Simulator) -> None:
    """What an ApplicationSet makes is owned by it, empty at first, and compared soon after."""
    assert stepped.life.generate("tenant-red")
    first = app_of(stepped, "tenant-red-1")
    assert first["metadata"]["ownerReferences"][0]["kind"] == "ApplicationSet"
    assert first["status"]["sync"]["status"] == ""
    advance(stepped, 10)
    assert app_of(stepped, "tenant-red-1")["status"]["health"]["status"] == "Missing"
    assert not stepped.life.generate("payment-api")


def test_hydration(stepped: Simulator) -> None:
    """A dry commit is hydrated, and the hydrated commit is the one compared with."""
    assert stepped.life.hydrate("recommendations")
    hydrator = app_of(stepped, "recommendations")["status"]["sourceHydrator"]
    assert hydrator["currentOperation"]["phase"] == "Hydrating"
    advance(stepped, 10)
    status = app_of(stepped, "recommendations")["status"]
    last = status["sourceHydrator"]["lastSuccessfulOperation"]
    assert status["sourceHydrator"]["currentOperation"]["phase"] == "Hydrated"
    assert status["sync"]["revision"] == last["hydratedSHA"] != last["drySHA"]
    assert not stepped.life.hydrate("payment-api")


def test_the_same_seed_lives_the_same_life() -> None:
    """Two simulators of one seed have equal fleets after an hour of the same life."""
    fleets = []
    for _ in range(2):
        with at_rest() as sim:
            sim.life.run(per_minute=2)
            advance(sim, 3600)
            sim.life.run(0)
            fleets.append(list(sim.fleet))
    with at_rest() as untouched:
        assert list(untouched.fleet) != fleets[0]
    assert fleets[0] == fleets[1]


@pytest.mark.parametrize("release", PROFILES)
def test_a_life_on_every_release(release: str) -> None:
    """Whatever happens is something that each release has words for."""
    with at_rest(release) as sim:
        happened = sim.life.step(150)
        advance(sim, 3600)
        with client_of(sim) as client:
            assert client.get("/api/v1/applications").status_code == 200
    assert {line.split()[0] for line in happened} >= {"push", "drift", "degrade", "recover"}


def test_a_life_by_order(quick: Simulator) -> None:
    """Another process lets things happen, by name or by chance."""
    path = f"{quick.url}/_simulator/life"
    pushed = httpx.post(path, json={"do": "push", "name": "payment-api"})
    assert pushed.json() == {"happened": True}
    assert httpx.post(path, json={"do": "hydrate", "name": "payment-api"}).json() == {
        "happened": False
    }
    assert len(httpx.post(path, json={"do": "step", "count": 3}).json()["happened"]) == 3
    assert httpx.post(path, json={"do": "run", "perMinute": 600}).status_code == 204
    assert httpx.post(path, json={"do": "run"}).status_code == 204
    assert httpx.post(path, json={"do": "explode"}).status_code == 400


@pytest.mark.parametrize("release", ["2.14", "3.5"])
def test_lost_manifests_leave_nothing_compared_until_they_are_found(release: str) -> None:
    """Without manifests all is Unknown and seems superfluous, and a sync ends in an error."""
    with at_rest(release) as sim:
        before = app_of(sim, "media")["status"]

        assert sim.life.lose("media")
        assert not sim.life.lose("media")

        status = app_of(sim, "media")["status"]
        assert status["sync"]["status"] == "Unknown"
        # It is the target; older releases name none.
        assert status["sync"].get("revision") == (None if release == "2.14" else "2.4.0")
        assert status["health"] == before["health"]
        assert [c["type"] for c in status["conditions"]] == ["ComparisonError"]
        assert {item["status"] for item in status["resources"]} == {"Unknown"}
        assert all(item["requiresPruning"] for item in status["resources"])
        with client_of(sim) as http_client:
            http_client.post("/api/v1/applications/media/sync", json={}).raise_for_status()
        assert phases(sim, "media", 10, 1.0)[-1].startswith("Error: ComparisonError: ")

        assert sim.life.find("media")
        assert not sim.life.find("media")
        after = app_of(sim, "media")["status"]
        assert {k: after[k] for k in ("sync", "resources")} == {
            k: before[k] for k in ("sync", "resources")
        }
        assert "conditions" not in after
