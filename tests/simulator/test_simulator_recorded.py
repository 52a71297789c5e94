"""The simulator against recordings of real servers of every release: same request, same answer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from replaying import INVENTED, ROOT, Differences, Replica, recording, replayable

from gantry_argocd.simulator import Simulator

pytestmark = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the recordings of a real Argo CD are not part of this checkout"
)

Json = dict[str, Any]
# Folder of the recordings, by the release that made them.
RELEASES = {
    "3.5": "recorded",
    "2.14.21": "recorded-2.14.21",
    "3.0.23": "recorded-3.0.23",
    "3.2.12": "recorded-3.2.12",
    "3.4.7": "recorded-3.4.7",
    "3.5.1": "recorded-3.5.1",
    "3.6.0": "recorded-3.6-dev",
}
ACCEPTED = {
    "app/bearer-two-spaces": "the second blank was lost when the recording was redacted",
    "app/token-deleted": "the id of the token is another one",
    "app/refresh-annotation-stays": "a moment in the life of another request",
    "app/paused-retry": "recorded without resource health; the simulator always has it",
    "app/payments-drift": "recorded without resource health; the simulator always has it",
    "app/stuck-deleting": "recorded without resource health; the simulator always has it",
    "actions/rollback-queued-over": "needs the operation queued by an earlier request",
    "actions/sync-queued-twice": "needs the operation queued by an earlier request",
    "actions/terminate-prune-confirm": "needs the operation started by an earlier request",
    "actions/sync-hook-running-2": "a moment in the life of another request",
    "detail/cluster-by-name": "info.cacheInfo and apiVersions are invented",
    "detail/events-app": "events carry no managedFields and annotations",
    "detail/events-resource": "resources have other UIDs, and no events of their own",
    "detail/manifests-error": "the text is the condition's, with its own prefix",
    "detail/project-payments": "projects carry no managedFields and annotations",
    "detail/projects-full": "projects carry no managedFields and annotations",
    "detail/revision-chart-details-missing-version": "the scratch directory in the text differs",
    "detail/settings-reader": "only one of the built-in resource overrides is listed",
    "detail/tree-unreachable-cluster": "one more reason in the text than the conditions have",
    "list/mix-spec-and-children-one-app": "fails by chance, four times in five",
}
ACCEPTED_OF_ALL = {
    "actions/resource-action-v2": "resource actions are not simulated",
    "actions/resource-delete-as-deleter": "deleting resources is not simulated",
    "app/bearer-two-spaces": "the second blank was lost when the recording was redacted",
    "detail/clusters": "the clusters have other labels",
    "detail/events-app": "events carry no managedFields and annotations",
    "detail/logs-as-reader": "the pod that is asked for does not exist there",
    "detail/server-side-diff": "the diff is not simulated",
    "detail/settings-anonymous": "only one of the built-in resource overrides is listed",
    "detail/settings-reader": "only one of the built-in resource overrides is listed",
    "list/name-and-projects-miss": "the pick is random",
    "session/login-bad-password": "the bad password was redacted",
}
# The Applications of these lists were others at the time.
OTHER_MOMENT = {
    "list/fields-empty",
    "list/fields-resources",
    "list/full-team-a-proj",
    "list/limit-ignored",
    "list/name-several-namespaces",
    "list/projects-two",
    "list/resource-version-param",
}


CASES = [
    (release, name)
    for release, folder in RELEASES.items()
    for name in replayable(folder, ACCEPTED if folder == "recorded" else ACCEPTED_OF_ALL)
]


@pytest.fixture(scope="module")
def replicas() -> Iterator[dict[str, Replica]]:
    """A simulator of each release, with the recorded Applications."""
    found: dict[str, Replica] = {}
    try:
        for release, folder in RELEASES.items():
            sim = Simulator(operation_seconds=100_000, release=release)
            sim.start()
            found[release] = Replica(sim, folder)
        yield found
    finally:
        for replica in found.values():
            replica.sim.stop()


@pytest.mark.parametrize(("release", "name"), CASES)
def test_answers_as_recorded(release: str, name: str, replicas: dict[str, Replica]) -> None:
    """Status, headers, error text and shape of the body are those of the real server."""
    exchange = recording(RELEASES[release], name)
    replica = replicas[release]
    replica.prepare(name, exchange)

    deeply = name not in OTHER_MOMENT and not INVENTED.match(name)
    answer = replica.replay(exchange)

    assert not Differences.of(name, exchange["response"], answer, deeply=deeply).lines


@pytest.mark.parametrize(
    "name", ["list/portable-admin", "list/fields-3.5-admin", "list/full-admin"]
)
def test_lists_of_one_moment_are_equal(name: str, replicas: dict[str, Replica]) -> None:
    """Lists recorded together with the fleet come out the same, values and all."""
    replica = replicas["3.5"]
    replica.load()
    exchange = recording("recorded", name)

    actual = replica.replay(exchange).json()["items"]

    def order(item: Json) -> tuple[str, str]:
        return item["metadata"]["name"], item["metadata"]["namespace"]

    expected = exchange["response"]["body"]["items"]
    assert sorted(expected, key=order) == sorted(actual, key=order)


def test_accepted_differences_exist() -> None:
    """Every accepted difference names a recording, so that the list cannot rot."""
    for name in ACCEPTED:
        assert (ROOT / "recorded" / f"{name}.json").is_file(), name
    for folder in set(RELEASES.values()) - {"recorded"}:
        for name in ACCEPTED_OF_ALL:
            assert (ROOT / folder / f"{name}.json").is_file(), (folder, name)


def test_lost_manifests_look_as_recorded(replicas: dict[str, Replica]) -> None:
    """While its repo-server is away an Application is as the real one was."""
    sim = replicas["3.5"].sim
    name = "errors/outage-repo-server-refresh-normal"
    expected = recording("recorded", name)["response"]["body"]
    found = copy.deepcopy(expected)
    found["metadata"]["name"] = "lost"
    status = found["status"]
    del status["conditions"]
    status["sync"] |= {"status": "Synced", "revision": "a" * 40}
    for item in status["resources"]:
        item["status"] = "Synced"
        del item["requiresPruning"]
    sim.fleet.replace(found)

    assert sim.life.lose("lost")

    actual = (sim.fleet.get("lost") or {})["status"]
    for part in ("sync", "resources", "health"):
        assert actual[part] == expected["status"][part]
    (said,), (real,) = actual["conditions"], expected["status"]["conditions"]
    assert said["type"] == real["type"]
    assert said["message"].partition("dial tcp")[0] == real["message"].partition("dial tcp")[0]
