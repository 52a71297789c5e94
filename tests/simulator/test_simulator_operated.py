"""How recorded operations end on real servers of every release, and on the simulator."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from replaying import ROOT, Replica, recording, shape
from test_simulator_recorded import RELEASES

from gantry_argocd.simulator import Simulator

pytestmark = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the recordings of a real Argo CD are not part of this checkout"
)
Json = dict[str, Any]
# What to do, by the recording that shows what came of it.
ENDS = {
    "sync-normal-get-settled": "finish",
    "sync-dry-run-get-finished": "finish",
    "sync-hard-get-finished": "finish",
    "rollback-ok-get-finished": "finish",
    "sync-multi-source-revisions-get-finished": "finish",
    "sync-ssa-force-get-finished": "finish",
    "sync-unknown-cluster-get": "finish",
    "sync-prune-confirm-waiting": "wait",
    "sync-retry-get-waiting": "wait",
    "terminate-running-hook-get-finished": "terminate",
}
SECONDS = 4.0  # of an operation
CASES = [
    (release, name)
    for release, folder in RELEASES.items()
    for name in ENDS
    if (ROOT / folder / "actions" / f"{name}.json").is_file()
]
# Images come from manifests, which a simulator does not have.
UNKNOWN = {".syncResult.resources[].images", ".syncResult.resources[].images[]"}


@pytest.mark.parametrize(("release", "name"), CASES)
def test_operations_end_as_recorded(release: str, name: str) -> None:
    """Phase, message, keys and words of the operation state are those of the real server."""
    after: Json = recording(RELEASES[release], f"actions/{name}")["response"]["body"]
    expected: Json = after["status"]["operationState"]

    state = operated(release, after, ENDS[name])

    assert state["phase"] == expected["phase"]
    assert told(state) == told(expected)
    assert words(state) == words(expected)
    wanted, given = (
        {(path, kind) for path, kind in shape(one) if path not in UNKNOWN}
        for one in (expected, state)
    )
    assert sorted(given) == sorted(wanted)
    assert result(state).get("revision") == result(expected).get("revision")


def operated(release: str, after: Json, how: str) -> Json:
    """Let the operation of a recorded Application run again; return its state."""
    operation = after["status"]["operationState"]["operation"]
    with Simulator(release=release, operation_seconds=SECONDS) as sim:
        sim.clock.run(0)
        Replica(sim, RELEASES[release]).load()
        sim.fleet.replace(before(after))
        key = (after["metadata"]["namespace"], after["metadata"]["name"])
        failing = after["status"]["operationState"] if how == "wait" else None
        sim.request(key, operation, failing)
        # Far enough for a hook to run, or a first attempt to fail; or to the very end.
        passed = {"finish": 600.0, "wait": 0.9 * SECONDS, "terminate": 0.3 * SECONDS}[how]
        advance(sim, passed)
        if how == "terminate":
            sim.terminate(key)
            advance(sim, 600)
        found = sim.fleet.get(key[1], namespace=key[0])
    assert found is not None
    state: Json = found["status"]["operationState"]
    return state


def before(after: Json) -> Json:
    """Return the Application as it was before its operation, the commit known to it."""
    app = copy.deepcopy(after)
    app.pop("operation", None)
    status = app["status"]
    sync = status.pop("operationState")["operation"]["sync"]
    known = {"id": 0, "deployedAt": "2026-11-23T22:00:00Z", "source": {"repoURL": ""}}
    known |= {name: sync[name] for name in ("revision", "revisions") if name in sync}
    status.setdefault("history", []).append(known)
    if after["metadata"]["name"] == "payments-prune":
        for item in status["resources"]:  # what older releases do not tell
            if item["name"] == "prune-c":
                item["requiresDeletionConfirmation"] = True
    return app


def advance(sim: Simulator, seconds: float) -> None:
    """Let time pass, and wait until everything is done that this brings about."""
    sim.clock.advance(seconds)
    sim.settle()


def told(state: Json) -> str:
    """Return the message up to the moment of a retry."""
    return str(state.get("message", "")).partition(" Retrying attempt #1 at ")[0]


def result(state: Json) -> Json:
    """Return the result of the sync, empty if there is none."""
    found: Json = state.get("syncResult") or {}
    return found


def words(state: Json) -> set[tuple[Any, ...]]:
    """Return the words about the resources of a sync, each combination once."""
    names = ("status", "hookPhase", "hookType", "syncPhase")
    resources = result(state).get("resources") or ()
    return {tuple(item.get(name) for name in names) for item in resources}
