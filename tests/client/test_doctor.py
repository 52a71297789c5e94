"""The doctor: what is wrong with an instance, and what to do."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gantry_argocd.client.calls import Client
from gantry_argocd.instances.doctor import Diagnosis, diagnose
from gantry_argocd.instances.hub import reveal
from gantry_argocd.settings import validate
from gantry_argocd.simulator import Simulator


def examine(url: str, ahead: timedelta = timedelta(0), **settings: Any) -> Diagnosis:
    """Examine an instance."""
    given = {"name": "one", "argocdUrl": url, "timeouts": {"connect": "1s", "read": "2s"}}
    found = validate({"instances": [given | settings]}, trusted=True).settings
    assert found is not None

    def now() -> datetime:
        return datetime.now(UTC) + ahead

    client = Client(found.instances[0], reveal=reveal, now=now)
    try:
        return diagnose(found.instances[0], client, now)
    finally:
        client.close()


def connect(url: str, *, transport: httpx.BaseTransport, **settings: Any) -> Client:
    """Make a client over a transport of the test's."""
    given = {"name": "one", "argocdUrl": url} | settings
    found = validate({"instances": [given]}, trusted=True).settings
    assert found is not None
    return Client(
        found.instances[0], reveal=reveal, now=lambda: datetime.now(UTC), transport=transport
    )


def states(diagnosis: Diagnosis) -> dict[str, str]:
    """Give the state of each step."""
    return {step.name: step.state for step in diagnosis.steps}


def test_an_instance_that_is_well(argocd: Simulator) -> None:
    """Every step is told; plain http is worth a warning, and the instance can be used."""
    found = examine(argocd.url, token=argocd.token)

    assert found.ok
    assert states(found) == {
        "dns": "ok",
        "connect": "ok",
        "tls": "warning",
        "version": "ok",
        "session": "ok",
        "list": "ok",
        "sync": "ok",
        "stream": "ok",
        "clock": "ok",
    }
    assert "40 applications" in next(s.message for s in found.steps if s.name == "list")
    assert argocd.token not in json.dumps(found.as_json())


@pytest.mark.parametrize(
    ("account", "step", "state", "words"),
    [
        ("reader", "sync", "warning", "applications, sync"),
        ("nobody", "list", "warning", "applications, get"),
    ],
)
def test_missing_rights_are_named(
    argocd: Simulator, account: str, step: str, state: str, words: str
) -> None:
    """A token that may not do something is told which right it lacks."""
    found = examine(argocd.url, token=argocd.tokens[account])
    (one,) = [item for item in found.steps if item.name == step]

    assert one.state == state
    assert words in one.help


@pytest.mark.parametrize(
    ("fault", "step", "words"),
    [
        ({"html": True}, "version", "root path"),
        ({"redirect": "https://sso.example/login"}, "version", "sign-in page"),
        ({"status": 503, "body": "<html>", "content_type": "text/html"}, "version", "pods"),
        ({"close": True}, "version", "closed the connection"),
    ],
)
def test_something_in_front_is_recognised(
    argocd: Simulator, fault: dict[str, Any], step: str, words: str
) -> None:
    """A proxy or a sign-in page is told as such, with what to do, and the rest is not tried."""
    argocd.faults.set("*", **fault)
    found = examine(argocd.url, token=argocd.token)
    (failed,) = [item for item in found.steps if item.state == "failed"]

    assert not found.ok
    assert failed.name == step
    assert words in failed.help
    assert states(found)["list"] == "skipped"


def test_the_stream_is_asked_for_with_the_configured_headers() -> None:
    """A proxy in front that wants a header gets it for the stream, too."""
    seen: dict[str, str] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen.update(request.headers)
        return httpx.Response(200, text=":\n", headers={"content-type": "text/event-stream"})

    client = connect(
        "https://x", token="t", headers={"X-Key": "k"}, transport=httpx.MockTransport(answer)
    )
    assert client.stream_opens(1)
    client.close()
    assert (seen["x-key"], seen["authorization"]) == ("k", "Bearer t")
    assert seen["accept"] == "text/event-stream"


def test_wrong_credentials_are_told(argocd: Simulator) -> None:
    """A bad token and a bad password are told apart from a bad network."""
    token = examine(argocd.url, token="a.b.c")
    assert states(token)["session"] == "failed"
    password = examine(argocd.url, username="admin", password="wrong")
    (failed,) = [item for item in password.steps if item.state == "failed"]
    assert "locked the account" in failed.help


def test_an_expired_token_is_told_as_such(argocd: Simulator) -> None:
    """The call that says whose credentials are answers 200 all the same; the cause is found."""
    found = examine(argocd.url, token=argocd.issue_token("reader", lifetime=-60))
    (failed,) = [item for item in found.steps if item.state == "failed"]

    assert failed.name == "session"
    assert failed.message == "the token has expired"


def test_a_server_that_lets_anybody_in_does_not_hide_a_bad_token(argocd: Simulator) -> None:
    """With anonymous access every call works for a while, as anybody's: that is no good token."""
    argocd.faults.set("can-i", status=200, body={"value": "no"}, content_type="application/json")
    try:
        found = examine(argocd.url, token="a.b.c")
    finally:
        argocd.faults.clear()
    (failed,) = [item for item in found.steps if item.state == "failed"]

    assert failed.name == "session"
    assert "it lets anybody in" in failed.message


def test_the_way_there_is_told() -> None:
    """A name that is not known and a port that is closed are steps of their own."""
    assert states(examine("https://no-such-host.invalid", token="t"))["dns"] == "failed"
    closed = examine("http://127.0.0.1:9", token="t")
    assert states(closed)["connect"] == "failed"
    assert "refused" in next(s.message for s in closed.steps if s.name == "connect")


def test_clocks_that_differ_are_told(argocd: Simulator) -> None:
    """A clock that is ten minutes off explains tokens that are refused."""
    found = examine(argocd.url, ahead=timedelta(minutes=10), token=argocd.token)
    (clock,) = [item for item in found.steps if item.name == "clock"]

    assert clock.state == "warning"
    assert "behind ours" in clock.message


def test_http_at_an_https_address_is_told(argocd: Simulator) -> None:
    """An address that says https where only http is spoken fails at TLS."""
    found = examine(argocd.url.replace("http:", "https:"), token=argocd.token)

    assert states(found)["tls"] == "failed"
