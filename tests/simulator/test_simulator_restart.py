"""What befalls streams and connections on purpose: cuts, silence, losses and restarts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from talking import client_of

from gantry_argocd.simulator import Simulator
from waiting import eventually

Json = dict[str, Any]
STREAM = "/api/v1/stream/applications"
LIST = "/api/v1/applications"
EVENTS = {"accept": "text/event-stream"}
ONE = {"name": "payment-api"}


class Watching:
    """An open watch of one Application, read line by line."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def event(self) -> Json:
        """The next event."""
        while not (line := next(self._lines)).startswith("data: "):
            pass
        event: Json = json.loads(line.removeprefix("data: "))
        return event

    def sync_status(self) -> str:
        """The sync status in the next event."""
        status: str = self.event()["result"]["application"]["status"]["sync"]["status"]
        return status

    def keep_alive(self) -> bool:
        """Whether the next line that is not empty keeps the stream alive."""
        return next(line for line in self._lines if line) == ":"


@contextmanager
def watching(sim: Simulator, **params: str) -> Iterator[Watching]:
    """Open a watch and read its snapshot of one Application."""
    with (
        client_of(sim) as client,
        client.stream("GET", STREAM, params=ONE | params, headers=EVENTS) as response,
    ):
        seen = Watching(response)
        seen.event()
        yield seen


def lists(sim: Simulator) -> bool:
    """Whether the server lists Applications, on a connection of its own."""
    try:
        with client_of(sim) as client:
            return client.get(LIST, params={"fields": "items.metadata.name"}).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(("reset", "error"), [(False, "RemoteProtocol"), (True, "Read")])
def test_a_stream_can_be_cut(quick: Simulator, reset: bool, error: str) -> None:
    """A cut is an incomplete read, or a reset of the connection."""
    with watching(quick) as seen:
        quick.streams.cut(reset=reset)
        with pytest.raises(httpx.TransportError) as caught:
            seen.event()

    assert type(caught.value).__name__ == f"{error}Error"
    eventually(lambda: len(quick.streams) == 0)


def test_a_snapshot_can_be_cut(quick: Simulator) -> None:
    """A stream can end in the middle of its snapshot."""
    quick.streams.cut_after(3)
    seen = []
    with (
        client_of(quick) as client,
        client.stream("GET", STREAM, headers=EVENTS) as response,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        seen.extend(line for line in response.iter_lines() if line.startswith("data: "))
    assert len(seen) == 3


def test_events_can_be_held_back(quick: Simulator) -> None:
    """A stream goes on with keep-alives alone, and what was held back is lost."""
    with watching(quick) as seen:
        quick.streams.hold("events")
        quick.fleet.set_status("payment-api", sync="Unknown")
        assert seen.keep_alive()
        assert seen.keep_alive()
        quick.streams.release()
        quick.fleet.set_status("payment-api", sync="Synced")
        assert seen.sync_status() == "Synced"
    assert quick.streams.lost == 1


def test_everything_can_be_held_back(quick: Simulator) -> None:
    """A dead network path gives not even keep-alives, and no end."""
    quick.streams.hold("everything")
    with (
        client_of(quick) as client,
        pytest.raises(httpx.ReadTimeout),
        client.stream("GET", STREAM, headers=EVENTS, timeout=0.3),
    ):
        pass


def test_events_can_be_lost(quick: Simulator) -> None:
    """Events are dropped silently, in every stream the same ones, as by a full buffer."""
    with watching(quick) as first, watching(quick) as second:
        quick.streams.lose(2)
        for status in ("Unknown", "OutOfSync", "Synced"):
            quick.fleet.set_status("payment-api", sync=status)
        assert first.sync_status() == second.sync_status() == "Synced"


def test_a_slow_reader_loses_events(quick: Simulator) -> None:
    """A client that does not read is not disconnected: what its buffer has no room for is gone."""
    padding = {"conditions": [{"type": "SyncError", "message": "x" * 50_000}]}
    with watching(quick) as seen:
        for number in range(1200):
            quick.fleet.set_status("payment-api", sync=str(number), merge=padding)
        eventually(lambda: quick.streams.lost > 0)
        quick.fleet.set_status("payment-api", merge={"conditions": None})
        assert seen.sync_status() == "0"


def test_an_error_ends_a_stream(quick: Simulator) -> None:
    """A failure in the middle of a stream is its last frame, and its end is orderly."""
    with watching(quick) as seen:
        quick.streams.fail(14, "the cache went away")
        assert seen.event()["error"] == {
            "grpc_code": 14,
            "http_code": 503,
            "message": "the cache went away",
            "http_status": "Service Unavailable",
        }
        with pytest.raises(StopIteration):
            seen.event()


def test_an_older_version_can_come(quick: Simulator) -> None:
    """Another replica's older object can be sent, though the fleet has a newer one."""
    older = quick.fleet.get("payment-api")
    assert older is not None
    with watching(quick) as seen:
        newer = quick.fleet.set_status("payment-api", sync="Synced")
        seen.event()
        quick.streams.inject("MODIFIED", older)
        came = seen.event()["result"]["application"]["metadata"]["resourceVersion"]
    assert int(came) < int(newer["metadata"]["resourceVersion"])


def test_a_restart_in_order(quick: Simulator) -> None:
    """The port closes at once, streams live on and end without a chunk, then the port is back."""
    with watching(quick) as seen:
        quick.restart(drain_seconds=3600)
        eventually(lambda: not lists(quick))
        quick.fleet.set_status("payment-api", sync="Unknown")
        assert seen.sync_status() == "Unknown"
        began = time.monotonic()
        quick.restart(drain_seconds=0.2, down_seconds=0.1)
        with pytest.raises(httpx.RemoteProtocolError):
            seen.event()
        assert time.monotonic() - began >= 0.2
    eventually(lambda: lists(quick))
    assert time.monotonic() - began >= 0.3


def test_a_crash(quick: Simulator) -> None:
    """Every connection ends at once, and the same port answers again."""
    url = quick.url
    with watching(quick) as seen:
        began = time.monotonic()
        quick.restart(hard=True, down_seconds=0.2)
        with pytest.raises(httpx.TransportError):
            seen.event()
    eventually(lambda: lists(quick))
    assert time.monotonic() - began >= 0.2
    assert quick.url == url


def test_connections_are_refused_for_a_while(quick: Simulator) -> None:
    """A restart inside the process keeps streams and refuses new connections."""
    with watching(quick) as seen:
        quick.refuse(3600)
        eventually(lambda: not lists(quick))
        quick.fleet.set_status("payment-api", sync="Unknown")
        assert seen.sync_status() == "Unknown"
        quick.refuse(0.1)
        eventually(lambda: lists(quick))
        quick.fleet.set_status("payment-api", sync="Synced")
        assert seen.sync_status() == "Synced"


@pytest.mark.parametrize(
    "body",
    [{"do": "cut"}, {"do": "fail", "code": 13, "message": "x"}, {"do": "send", "text": "{"}],
)
def test_streams_from_another_process(quick: Simulator, body: Json) -> None:
    """The admin route does to streams what a test in the process can do."""
    with watching(quick) as seen, client_of(quick) as client:
        assert client.post("/_simulator/streams", json=body).status_code == 204
        with pytest.raises((httpx.RemoteProtocolError, ValueError, AssertionError)):
            assert "result" in seen.event()


def test_changes_from_another_process(quick: Simulator) -> None:
    """The admin route changes, adds and deletes Applications."""
    with watching(quick) as seen, client_of(quick) as client:
        change = {"name": "payment-api", "sync": "Unknown", "health": "Degraded"}
        assert client.patch("/_simulator/applications", json=[change]).status_code == 204
        assert seen.sync_status() == "Unknown"
        missing = client.patch("/_simulator/applications", json={"name": "nobody"})
        assert (missing.status_code, missing.json()) == (404, {"error": "no 'argocd/nobody'"})
        gone = client.delete("/_simulator/applications", params={"name": "payment-api"})
        assert gone.status_code == 204
        assert seen.event()["result"]["type"] == "DELETED"


def test_restarts_from_another_process(quick: Simulator) -> None:
    """The admin route restarts the server once it has answered."""
    with watching(quick) as seen, client_of(quick) as client:
        answer = client.post("/_simulator/restart", json={"hard": True, "downSeconds": 0})
        assert answer.status_code == 204
        with pytest.raises(httpx.TransportError):
            seen.event()
        eventually(lambda: lists(quick))
        assert client.post("/_simulator/restart", json={"soft": True}).status_code == 400
        assert client.post("/_simulator/streams", json={"do": "no"}).status_code == 400
        assert client.post("/_simulator/streams", json=[]).status_code == 400


def test_ids_are_unique() -> None:
    """Applications of one name in two fleets differ in uid, and so does one that comes again."""
    with Simulator(name="one") as one, Simulator(name="two") as two:
        first, second = one.fleet.get("payment-api"), two.fleet.get("payment-api")
        assert first is not None
        assert second is not None
        assert first["metadata"]["uid"] != second["metadata"]["uid"]
        one.fleet.delete("payment-api")
        bare = {"metadata": {"name": "payment-api"}, "spec": first["spec"]}
        again = one.fleet.add(bare)
        assert again["metadata"]["uid"] != first["metadata"]["uid"]
        assert one.fleet.replace(bare)["metadata"]["uid"] == again["metadata"]["uid"]
