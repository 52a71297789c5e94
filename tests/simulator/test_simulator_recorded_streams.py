"""The simulator's streams against recordings of real servers of every release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from replaying import ROOT, Replica, recording, shape
from test_simulator_recorded import RELEASES

from gantry_argocd.simulator import Simulator

pytestmark = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the recordings of a real Argo CD are not part of this checkout"
)
Json = dict[str, Any]


def recorded(pattern: str) -> list[tuple[str, str]]:
    """Return release and name of the recordings of streams that match."""
    return [
        (release, f"stream/{path.stem}")
        for release, folder in RELEASES.items()
        for path in sorted((ROOT / folder / "stream").glob(f"{pattern}.json"))
        if recording(folder, f"stream/{path.stem}")["response"].get("chunks")
    ]


@pytest.fixture(scope="module")
def replicas() -> Iterator[dict[str, Replica]]:
    """A simulator of each release, with the recorded Applications."""
    with ExitStack() as stack:
        found = {
            release: Replica(stack.enter_context(Simulator(release=release)), folder)
            for release, folder in RELEASES.items()
        }
        for replica in found.values():
            replica.load()
        yield found


@pytest.mark.parametrize(("release", "name"), recorded("error-*"))
def test_errors_byte_by_byte(release: str, name: str, replicas: dict[str, Replica]) -> None:
    """A stream that fails has the status, the type and every byte of the real server's answer."""
    exchange = recording(RELEASES[release], name)
    expected = exchange["response"]
    answer = replicas[release].replay(exchange)
    assert (answer.status, answer.headers["content-type"]) == (
        expected["status"],
        expected["headers"]["content-type"],
    )
    assert answer.body.decode() == "".join(chunk["raw"] for chunk in expected["chunks"])


@pytest.mark.parametrize(("release", "name"), recorded("sse-snapshot-projected"))
def test_snapshots(release: str, name: str, replicas: dict[str, Replica]) -> None:
    """A snapshot has the recorded Applications in the recorded order, framed the same way."""
    exchange = recording(RELEASES[release], name)
    raw = "".join(chunk["raw"] for chunk in exchange["response"]["chunks"])
    expected = [frame for frame in raw.split("\n\n\n") if frame.startswith("data: ")]
    replica = replicas[release]
    request, frames = exchange["request"], []
    headers = {"authorization": f"Bearer {replica.sim.token}", "accept": "text/event-stream"}
    url = f"{replica.sim.url}{request['path']}?{request['query']}"
    text = ""
    with httpx.stream("GET", url, headers=headers, timeout=10) as response:
        for chunk in response.iter_text():
            text += chunk
            frames = [frame for frame in text.split("\n\n\n")[:-1] if frame]
            if len(frames) >= len(expected):
                break
    wanted, given = [event(frame) for frame in expected], [event(frame) for frame in frames]
    assert [key(one) for one in given] == [key(one) for one in wanted]
    assert {path for one in given for path in shape(one)} == {
        path for one in wanted for path in shape(one)
    }
    assert all(frame.endswith("} ") for frame in (*frames, *expected))


def event(frame: str) -> Json:
    """Read a frame."""
    found: Json = json.loads(frame.removeprefix("data: "))["result"]
    return found


def key(one: Json) -> tuple[str, str, str]:
    """Return type, namespace and name of an event."""
    metadata = one["application"]["metadata"]
    return one["type"], metadata["namespace"], metadata["name"]
