"""The watch: framing, snapshot, filters, silence and ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from talking import client_of

from gantry_argocd.simulator import Grant, Simulator

Json = dict[str, Any]
STREAM = "/api/v1/stream/applications"
EVENTS = {"accept": "text/event-stream"}
NARROW = (
    "error,result.type,result.application.metadata.name,result.application.metadata.namespace,"
    "result.application.metadata.labels,result.application.status.sync.status"
)


@contextmanager
def watching(
    sim: Simulator, params: Json | None = None, account: str = "admin"
) -> Iterator[Iterator[Json]]:
    """Open a watch and give its events."""
    with (
        client_of(sim, account) as http_client,
        http_client.stream("GET", STREAM, params=params or {}, headers=EVENTS) as response,
    ):
        yield events_of(response)


def events_of(response: httpx.Response) -> Iterator[Json]:
    """Return the events of an open event stream."""
    for line in response.iter_lines():
        if line.startswith("data: "):
            event: Json = json.loads(line.removeprefix("data: "))["result"]
            yield event


def take(events: Iterator[Json], count: int) -> list[Json]:
    """Return the next *count* events."""
    return [next(events) for _ in range(count)]


def test_snapshot_then_changes(quick: Simulator) -> None:
    """Every Application is ADDED, by namespace and name; then changes and deletions follow."""
    with watching(quick, {"fields": NARROW}) as events:
        snapshot = take(events, 40)
        quick.fleet.set_status("payment-api", sync="Synced")
        changed = next(events)
        quick.fleet.delete("payment-api")
        deleted = next(events)

    keys = [
        (item["application"]["metadata"]["namespace"], item["application"]["metadata"]["name"])
        for item in snapshot
    ]
    assert sorted(keys) == keys
    assert {"ADDED"} == {item["type"] for item in snapshot}
    assert (
        changed["type"],
        changed["application"]["status"]["sync"]["status"],
    ) == ("MODIFIED", "Synced")
    assert deleted["type"] == "DELETED"


def test_frames_of_an_event_stream(quick: Simulator) -> None:
    """An event is one data line with a trailing blank and three line ends; comments keep alive."""
    params = {"name": "payment-api", "fields": "result.application.metadata.name,result.type"}
    raw = b""
    with (
        client_of(quick) as http_client,
        http_client.stream("GET", STREAM, params=params, headers=EVENTS) as response,
    ):
        for chunk in response.iter_raw():
            raw += chunk
            if raw.endswith(b":\n"):
                break

    data = b'{"result":{"application":{"metadata":{"name":"payment-api"}},"type":"ADDED"}}'
    assert b"data: " + data + b" \n\n\n:\n" == raw
    assert response.headers["content-type"] == "text/event-stream"
    assert "content-encoding" not in response.headers


def test_newline_mode_is_compressed_when_asked(quick: Simulator) -> None:
    """Any other Accept gives JSON lines, gzipped if the client offers it."""
    with (
        client_of(quick) as http_client,
        http_client.stream("GET", STREAM, headers={"accept": "text/event-stream, */*"}) as response,
    ):
        line = json.loads(next(response.iter_lines()))

    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-type"] == "application/json"
    assert list(line["result"]) == ["type", "application"]


def test_namespace_counts_only_with_the_name(quick: Simulator) -> None:
    """appNamespace alone filters nothing."""
    with watching(quick, {"appNamespace": "team-a", "fields": NARROW}) as events:
        assert len(take(events, 40)) == 40
    with watching(quick, {"appNamespace": "team-a", "name": "web"}) as events:
        assert next(events)["application"]["metadata"]["namespace"] == "team-a"


def test_twins_swallow_each_other(quick: Simulator) -> None:
    """Events are de-duplicated by name alone, so a projection without namespace loses twins."""
    params = {"projects": "team-a-proj", "fields": "result.type,result.application.metadata.name"}
    with watching(quick, params) as events:
        names = [item["application"]["metadata"]["name"] for item in take(events, 2)]

    assert names == ["payment-api", "web"]


def test_stub_of_a_prefix(quick: Simulator) -> None:
    """Asking for sources leaves a stub of source, for matching is by string prefix."""
    params = {"name": "payment-api", "fields": "result.application.spec.sources"}
    with watching(quick, params) as events:
        assert next(events) == {"application": {"spec": {"source": {}}}}


@pytest.mark.parametrize(
    ("account", "params"),
    [
        ("nobody", {}),
        ("admin", {"name": "no-such-app"}),
        ("admin", {"selector": "name=nothing"}),
        ("admin", {"resourceVersion": "1"}),
    ],
)
def test_silence_without_a_first_event(quick: Simulator, account: str, params: Json) -> None:
    """Not even a status line arrives while there is nothing to send."""
    with (
        client_of(quick, account) as http_client,
        pytest.raises(httpx.ReadTimeout),
        http_client.stream("GET", STREAM, params=params, headers=EVENTS, timeout=0.25),
    ):
        pass


def test_current_policy_decides(quick: Simulator) -> None:
    """Rights taken away make a stream quiet, rights given back make it speak again."""
    with watching(quick, {"name": "payment-api"}, "reader") as events:
        next(events)
        quick.policies.replace("reader", [])
        quick.fleet.set_status("payment-api", sync="Synced")
        unseen = quick.fleet.get("payment-api")
        with watching(quick, {"name": "payment-api"}) as others:
            next(others)
        # The loop has passed the event on by now, for it served another stream after it.
        quick.policies.replace("reader", [Grant("applications", "get", "*/*")])
        quick.fleet.set_status("payment-api", health="Degraded")
        seen = next(events)["application"]

    assert unseen is not None
    assert unseen["metadata"]["resourceVersion"] != seen["metadata"]["resourceVersion"]
    assert seen["status"]["health"]["status"] == "Degraded"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", "no session information"),
        ("error,result.type", "no session information"),
        ("-result.application.spec", "no session information"),
        ("result.type", None),
    ],
)
def test_errors_are_nested_and_vanish(sim: Simulator, fields: str, expected: str | None) -> None:
    """A failed stream has the nested shape; inclusion without ``error`` empties it."""
    answer = httpx.get(f"{sim.url}{STREAM}", params={"fields": fields}, headers=EVENTS)

    assert answer.status_code == 401
    assert answer.text.startswith("data: ")
    assert answer.text.endswith(" \n\n")
    body = json.loads(answer.text.removeprefix("data: "))
    assert expected == body.get("error", {}).get("message")
    if expected:
        assert {"grpc_code", "http_code", "message", "http_status"} == set(body["error"])


def test_bad_selector(sim: Simulator) -> None:
    """The watch has words of its own for a selector it cannot parse."""
    with client_of(sim) as http_client:
        body = http_client.get(STREAM, params={"selector": "a===b!"}).json()

    assert body["error"]["message"].startswith("error parsing labels with selectors: ")


def test_token_expiry_does_not_end_a_stream(quick: Simulator) -> None:
    """A stream outlives the token it was opened with."""
    token = quick.issue_token("reader")
    headers = {**EVENTS, "authorization": f"Bearer {token}"}
    params = {"name": "payment-api"}
    with httpx.stream("GET", f"{quick.url}{STREAM}", params=params, headers=headers) as response:
        events = events_of(response)
        next(events)
        quick.revoke_token(token)
        quick.fleet.set_status("payment-api", sync="Unknown")
        assert next(events)["type"] == "MODIFIED"


def test_streams_end_without_a_terminating_chunk(quick: Simulator) -> None:
    """What a restart does to a stream is an incomplete read."""
    with watching(quick, {"name": "payment-api"}) as events:
        next(events)
        quick.streams.cut()
        with pytest.raises(httpx.RemoteProtocolError):
            next(events)


def test_resource_tree_stream_is_silent_until_a_change(quick: Simulator) -> None:
    """The tree is not sent initially, not even a status line."""
    path = f"{STREAM}/payment-api/resource-tree"
    with (
        client_of(quick) as http_client,
        pytest.raises(httpx.ReadTimeout),
        http_client.stream("GET", path, headers=EVENTS, timeout=0.2),
    ):
        pass
