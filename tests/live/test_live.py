"""A change in Argo CD is in the catalogue at once, whatever its streams do (D7)."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator

import attrs
import pytest
from followed import SOON, Scene, asked, lists_of, threads, truth

from gantry_argocd.simulator import Simulator
from waiting import eventually


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Run a small Argo CD with quick signs of life."""
    with Simulator(apps=12, keep_alive_seconds=0.2) as running:
        yield running


def same(scene: Scene, **simulators: Simulator) -> None:
    """Wait until the catalogue says of every application what its server says."""
    eventually(lambda: (scene.host.states(), truth(**simulators)), lambda pair: pair[0] == pair[1])


def first_app(simulator: Simulator) -> str:
    """Name an application in Argo CD's own namespace."""
    names: list[str] = sorted(
        app["metadata"]["name"]
        for app in simulator.fleet
        if app["metadata"]["namespace"] == "argocd"
    )
    return names[0]


def test_a_change_is_told_without_another_list(simulator: Simulator) -> None:
    """Between syncs a change is in the catalogue at once, and Argo CD is asked for nothing."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        before = lists_of(simulator)
        simulator.fleet.set_status(name, sync="OutOfSync", health="Degraded")

        eventually(lambda: scene.host.states()[f"one:{name}"], lambda s: s == "OutOfSync/Degraded")
        assert lists_of(simulator) == before
        eventually(lambda: scene.stream()["lagMs"] is not None)


def test_applications_come_and_go_as_they_do(simulator: Simulator) -> None:
    """A new application gets its Service, and a deleted one loses it, before the next sync."""
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        fresh = copy.deepcopy(next(iter(simulator.fleet)))
        fresh["metadata"] |= {"name": "brand-new", "namespace": "argocd"}
        fresh["metadata"].pop("uid", None)
        simulator.fleet.add(fresh)
        eventually(lambda: "brand-new" in scene.host.rows)

        simulator.fleet.delete("brand-new")
        eventually(lambda: "brand-new" not in scene.host.rows)
        same(scene, one=simulator)


def test_what_happened_while_the_stream_was_cut_is_found(simulator: Simulator) -> None:
    """After a lost connection nothing is missing: the instance is listed again."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        simulator.faults.set("stream", status=503)
        simulator.streams.cut(reset=True)
        eventually(lambda: scene.stream()["state"], lambda state: state == "reconnecting")
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: scene.host.states()[f"one:{name}"].startswith("Unknown"))
        eventually(lambda: "503" in (scene.stream()["error"] or ""))

        simulator.faults.clear()
        eventually(lambda: scene.stream()["state"], lambda state: state == "live")
        assert scene.stream()["error"] is None
        same(scene, one=simulator)


def test_a_catalogue_that_is_away_for_a_while_misses_nothing(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What changed while neither stream nor database were there is written when both are back."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        scene.host.away = True
        before = lists_of(simulator)
        simulator.streams.hold("events")
        simulator.streams.cut()
        simulator.fleet.set_status(name, sync="Unknown")
        # Once after the loss of the stream, once more since that could not be written.
        eventually(lambda: lists_of(simulator) >= before + 2)

        scene.host.away = False
        same(scene, one=simulator)
        simulator.streams.release()
        eventually(lambda: scene.stream()["state"], lambda state: state == "live")
    assert "catalogue not written: OSError" in caplog.text


def test_an_orderly_end_of_the_stream_means_nothing(simulator: Simulator) -> None:
    """Load balancers close streams as they like; the next one is opened, and nothing is lost."""
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        streams = asked(simulator, "stream")
        simulator.streams.cut()
        eventually(lambda: asked(simulator, "stream") > streams)
        eventually(lambda: scene.stream()["state"], lambda state: state == "live")
        assert not any("staleSince" in str(row) for row in scene.host.rows.values())


def test_a_stream_that_falls_silent_is_opened_anew(simulator: Simulator) -> None:
    """A dead network path is noticed by the missing signs of life."""
    name = first_app(simulator)
    with Scene(one=simulator, pace=attrs.evolve(SOON, silence=1.0)) as scene:
        scene.live(simulator)
        streams = asked(simulator, "stream")
        simulator.streams.hold("everything")
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: asked(simulator, "stream") > streams)
        simulator.streams.release()
        same(scene, one=simulator)


def test_events_that_the_stream_lost_are_found_by_the_next_sync(simulator: Simulator) -> None:
    """Argo CD drops events silently when its buffer is full; a sync leaves no drift."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        simulator.streams.lose(1)
        simulator.fleet.set_status(name, sync="Unknown")
        scene.sync()
        assert scene.host.states() == truth(one=simulator)


def test_the_gap_between_list_and_stream_is_closed(simulator: Simulator) -> None:
    """A change after the first list and before the stream listens is found by another list."""
    name = first_app(simulator)
    simulator.streams.hold("events")
    with Scene(one=simulator) as scene:
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: lists_of(simulator) >= 2)
        same(scene, one=simulator)


def test_an_older_version_does_not_turn_time_back(simulator: Simulator) -> None:
    """A replica of Argo CD that is behind is not believed."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        old = copy.deepcopy(simulator.fleet.get(name))
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: scene.host.states()[f"one:{name}"].startswith("Unknown"))
        simulator.streams.inject("MODIFIED", old)
        other = max(truth(one=simulator)).partition(":")[2]
        simulator.fleet.set_status(other, health="Missing")
        eventually(lambda: scene.host.states()[f"one:{other}"].endswith("Missing"))
        assert scene.host.states()[f"one:{name}"].startswith("Unknown")


def test_an_event_that_cannot_be_read_costs_only_itself(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """One broken application does not end the stream of all others."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        streams = asked(simulator, "stream")
        simulator.streams.inject("MODIFIED", {"metadata": {"name": "No Name!"}, "spec": "broken"})
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: scene.host.states()[f"one:{name}"].startswith("Unknown"))
        assert asked(simulator, "stream") == streams
        assert "No Name!" in caplog.text


def test_what_is_no_event_at_all_ends_the_stream_and_no_more(simulator: Simulator) -> None:
    """Garbage on the stream is an error that is told; following goes on."""
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        streams = asked(simulator, "stream")
        simulator.streams.send_bytes(b"{broken")
        eventually(lambda: asked(simulator, "stream") > streams)
        eventually(lambda: scene.stream()["state"], lambda state: state == "live")


def test_an_error_as_the_last_word_of_a_stream_is_told(simulator: Simulator) -> None:
    """When the server ends a stream with an error, people see which."""
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        simulator.faults.set("stream", status=503)
        simulator.streams.fail(16, "token has expired")
        told = eventually(lambda: scene.stream()["error"])
        assert "expired" in told or "503" in told


def test_where_streams_do_not_come_through_lists_do(simulator: Simulator) -> None:
    """A proxy without streams costs speed, not truth; the status says that it is polled."""
    name = first_app(simulator)
    simulator.faults.set("stream", status=404, body="not here")
    with Scene(one=simulator) as scene:
        eventually(lambda: scene.stream()["state"], lambda state: state == "polling")
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: scene.host.states()[f"one:{name}"].startswith("Unknown"))
        assert scene.stream()["state"] == "polling"


def test_a_swallowed_stream_is_polled_as_well(simulator: Simulator) -> None:
    """A proxy that holds the stream back until its end is told from an instance without news."""
    name = first_app(simulator)
    simulator.faults.set("stream", delay=30)
    with Scene(one=simulator, pace=attrs.evolve(SOON, silence=0.3)) as scene:
        eventually(lambda: scene.stream()["state"], lambda state: state == "polling")
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: scene.host.states()[f"one:{name}"].startswith("Unknown"))


def test_an_instance_without_applications_is_waited_for() -> None:
    """Argo CD says nothing at all until there is something; that is no failure."""
    with (
        Simulator(apps=1, keep_alive_seconds=0.2) as simulator,
        Scene(one=simulator, pace=attrs.evolve(SOON, silence=0.3)) as scene,
    ):
        app = copy.deepcopy(next(iter(simulator.fleet)))
        namespace, name = app["metadata"]["namespace"], app["metadata"]["name"]
        simulator.fleet.delete(name, namespace=namespace)
        simulator.streams.cut()
        eventually(lambda: scene.stream()["state"], lambda state: state == "quiet")
        assert scene.stream()["error"] is None
        app["metadata"].pop("uid", None)
        simulator.fleet.add(app)
        eventually(scene.host.states)


def test_a_server_that_goes_away_leaves_everything_marked_as_stale(simulator: Simulator) -> None:
    """When an instance dies its Services stay, with the time of the last contact, and recover."""
    name = first_app(simulator)
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        count = len(scene.host.rows)
        simulator.restart(hard=True, down_seconds=3600)
        eventually(lambda: all("staleSince" in str(row) for row in scene.host.rows.values()))
        assert len(scene.host.rows) == count

        simulator.fleet.set_status(name, sync="Unknown")
        simulator.refuse(0)  # no longer
        eventually(lambda: not any("staleSince" in str(row) for row in scene.host.rows.values()))
        same(scene, one=simulator)


def gone(other: Simulator) -> None:
    """End it for good."""
    other.stop()


def mute(other: Simulator) -> None:
    """Let it end its streams and answer no list."""
    calls = lists_of(other)
    other.faults.set("list", hang=True)
    other.streams.cut()
    eventually(lambda: lists_of(other) > calls)


@pytest.mark.parametrize("dead", [gone, mute])
def test_a_dead_instance_does_not_delay_the_others(
    dead: Callable[[Simulator], None], simulator: Simulator
) -> None:
    """While one instance is down, which it stays, a change of another is told."""
    with (
        Simulator(apps=5, seed=2, name="other", keep_alive_seconds=0.2) as other,
        Scene(one=simulator, two=other) as scene,
    ):
        scene.live(simulator)
        scene.live(other, "two")
        dead(other)
        name = first_app(simulator)
        simulator.fleet.set_status(name, sync="Unknown")
        eventually(lambda: scene.host.states()[f"one:{name}"].startswith("Unknown"))


def test_a_burst_is_a_handful_of_writes() -> None:
    """Ten thousand events at once are a few transactions, and all of them count."""
    with (
        Simulator(apps=200, keep_alive_seconds=0.2) as simulator,
        Scene(one=simulator) as scene,
    ):
        scene.live(simulator)
        before = scene.host.writes
        for round_ in range(5):
            for app in list(simulator.fleet):
                simulator.fleet.set_status(
                    app["metadata"]["name"],
                    namespace=app["metadata"]["namespace"],
                    sync="OutOfSync" if round_ % 2 else "Unknown",
                )
        same(scene, one=simulator)
        assert scene.host.writes - before <= 20


def test_all_ends_at_once_in_the_middle_of_everything(simulator: Simulator) -> None:
    """Disabling the plugin leaves no thread, though streams, lists and writes are under way."""
    scene = Scene(one=simulator)
    with scene:
        scene.live(simulator)
        simulator.faults.set("list", delay=30)
        asking = threading.Thread(target=scene.sync, daemon=True)
        asking.start()
        eventually(lambda: lists_of(simulator) >= 3)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    eventually(threads, lambda left: not left)
    asking.join(5)


def test_an_instance_that_is_not_to_be_followed_is_not(simulator: Simulator) -> None:
    """``follow: false`` opens no stream."""
    with Scene(one=simulator, more={"follow": False}) as scene:
        assert scene.stream()["state"] == "off"
        scene.sync()
        assert asked(simulator, "stream") == 0


def test_a_page_costs_one_request_until_something_changes(simulator: Simulator) -> None:
    """However many people look, an application is read once; and anew after each change."""
    with Scene(one=simulator) as scene:
        scene.live(simulator)
        name = next(n for n, row in scene.host.rows.items() if "one:" in str(row))
        ref = scene.host.rows[name]["metadata"]["annotations"]["argocd.io/apps"]
        app = ref.partition("=")[0].rpartition("/")[2].rpartition(":")[2]
        before, lists = asked(simulator, "app"), lists_of(simulator)
        for _ in range(10):
            scene.panel(name)
        opened = asked(simulator, "app") - before
        assert opened == len(ref.split(","))
        assert lists_of(simulator) == lists

        namespace = next(
            a["metadata"]["namespace"] for a in simulator.fleet if a["metadata"]["name"] == app
        )
        simulator.fleet.set_status(app, namespace=namespace, health="Degraded")
        eventually(lambda: "Degraded" in scene.panel(name))
        assert asked(simulator, "app") - before == opened + 1
