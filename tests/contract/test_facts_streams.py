"""Streams."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from argocd_target import LIST, STREAM, Target

EVENTS = {"accept": "text/event-stream", "accept-encoding": "identity"}
FIELDS = (
    "error,result.type,result.application.metadata.name,result.application.metadata.namespace,"
    "result.application.metadata.resourceVersion"
)
SILENCE = httpx.Timeout(30, read=1.0)


def first_line(target: Target, headers: dict[str, str], **params: str) -> tuple[str, Any]:
    """Open a watch; return its first line and its headers."""
    with (
        target.client() as client,
        client.stream("GET", STREAM, params=params, headers=headers) as response,
    ):
        return next(response.iter_lines()), response.headers


def test_snapshot(target: Target) -> None:
    """A watch begins with an ADDED event of each Application, by namespace and name."""
    expected = {
        (item["metadata"]["namespace"], item["metadata"]["name"])
        for item in target.listed(fields="items.metadata.name,items.metadata.namespace")
    }
    seen: list[tuple[str, str]] = []
    with (
        target.client() as client,
        client.stream("GET", STREAM, params={"fields": FIELDS}, headers=EVENTS) as response,
    ):
        for line in response.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))["result"]
                assert event["type"] == "ADDED"
                metadata = event["application"]["metadata"]
                seen.append((metadata["namespace"], metadata["name"]))
            if len(seen) == len(expected):
                break
    assert set(seen) == expected
    assert seen == sorted(seen)


def test_frames(target: Target) -> None:
    """An event is `data: `, one line of JSON, a blank and three line ends; comments keep alive."""
    params = {"name": target.app(), "fields": FIELDS}
    raw = b""
    with (
        target.client() as client,
        client.stream("GET", STREAM, params=params, headers=EVENTS) as response,
    ):
        for chunk in response.iter_raw():
            raw += chunk
            if raw.endswith(b":\n"):
                break
        assert response.headers["content-type"] == "text/event-stream"
        assert "content-encoding" not in response.headers
    event, _, rest = raw.partition(b" \n\n\n")
    assert event.startswith(b'data: {"result":{')
    assert rest.strip(b":\n") == b""


def test_lines(target: Target) -> None:
    """Any other Accept gives lines of JSON, type before application."""
    headers = {"accept": "text/event-stream, */*", "accept-encoding": "identity"}
    line, given = first_line(target, headers, name=target.app())
    assert list(json.loads(line)["result"]) == ["type", "application"]
    assert given["content-type"] == "application/json"


def test_lines_are_compressed(target: Target) -> None:
    """Lines of JSON are compressed for who offers gzip."""
    _, given = first_line(target, {"accept-encoding": "gzip"}, name=target.app())
    assert given["content-encoding"] == "gzip"


@pytest.mark.parametrize("silent", ["name", "selector", "resourceVersion"])
def test_silence(target: Target, silent: str) -> None:
    """Not even a status line comes before the first event: no match, or a resource version."""
    params = {
        "name": {"name": "gantry-no-such-app"},
        "selector": {"selector": "gantry-no-such-label=x"},
        "resourceVersion": {"resourceVersion": "999999999"},
    }[silent]
    with (
        target.client() as client,
        pytest.raises(httpx.ReadTimeout),
        client.stream("GET", STREAM, params=params, headers=EVENTS, timeout=SILENCE),
    ):
        pass


def test_silence_for_nobody(target: Target) -> None:
    """A caller without rights gets silence, not 403."""
    with (
        target.client("nobody") as client,
        pytest.raises(httpx.ReadTimeout),
        client.stream("GET", STREAM, headers=EVENTS, timeout=SILENCE),
    ):
        pass


def test_namespace_alone(target: Target) -> None:
    """`appNamespace` without `name` filters nothing."""
    line, _ = first_line(target, EVENTS, appNamespace="gantry-no-such-namespace")
    assert line.startswith("data: ")


def test_full_events(target: Target) -> None:
    """Without fields an event has the whole Application, conditions, uid and health included."""
    line, _ = first_line(target, EVENTS, name=target.app())
    app = json.loads(line.removeprefix("data: "))["result"]["application"]
    assert {"uid", "resourceVersion"} <= set(app["metadata"])
    assert app["metadata"]["resourceVersion"].isdigit()
    assert any("health" in item for item in app["status"]["resources"])


def test_any_field(target: Target) -> None:
    """Any path can be projected on a stream, on every release."""
    line, _ = first_line(
        target, EVENTS, name=target.app(), fields="result.application.metadata.uid"
    )
    event = json.loads(line.removeprefix("data: "))
    assert list(event["result"]["application"]["metadata"]) == ["uid"]


def test_prefixes(target: Target) -> None:
    """Paths match as texts: `spec.sources` leaves a stub of `spec.source`."""
    app = target.read(target.app())
    fields = "result.application.spec.sources,result.type"
    line, _ = first_line(target, EVENTS, name=target.app(), fields=fields)
    spec = json.loads(line.removeprefix("data: "))["result"]["application"]["spec"]
    assert spec == ({"source": {}} if app["spec"].get("source") else spec)


@pytest.mark.parametrize(("fields", "kept"), [("result.type", False), ("error,result.type", True)])
def test_errors_vanish(target: Target, fields: str, kept: bool) -> None:
    """An inclusion without `error` empties the error of a stream; only the status tells."""
    answer = target.get(STREAM, None, fields=fields)
    assert answer.status_code == 401
    assert bool(answer.json()) == kept


def test_bad_selector(target: Target) -> None:
    """A selector that does not parse is 500, in words of its own."""
    error = target.get(STREAM, selector="a===b!").json()["error"]
    assert error["http_code"] == 500
    assert error["message"].startswith("error parsing labels with selectors: ")


def test_changes(target: Target) -> None:
    """A refresh shows as MODIFIED events, each with a higher resource version."""
    target.write()
    name = target.app()
    params = {"name": name, "fields": FIELDS}
    with (
        target.client() as client,
        target.client() as other,
        client.stream("GET", STREAM, params=params, headers=EVENTS) as response,
    ):
        lines = (line for line in response.iter_lines() if line.startswith("data: "))
        events = [json.loads(next(lines).removeprefix("data: "))["result"]]
        other.get(f"{LIST}/{name}", params={"refresh": "normal"})
        events += [json.loads(next(lines).removeprefix("data: "))["result"] for _ in range(2)]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "MODIFIED"]
    versions = [int(e["application"]["metadata"]["resourceVersion"]) for e in events]
    assert versions == sorted(set(versions))
