"""What a client knows stays with it, whatever its server sends back (G4)."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gantry_argocd import errors
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import reveal
from gantry_argocd.refs import AppKey
from gantry_argocd.settings import validate

CANARY = "canary-4711"
TOKEN = {"token": f"{CANARY}-t"}
PASSWORD = {"username": "u", "password": f"{CANARY}-p"}


def client(handler: Any, credentials: dict[str, str]) -> Client:
    """Make a client whose server is *handler*."""
    instance = {"name": "one", "argocdUrl": "http://one.example", "headers": {"X-Key": CANARY}}
    settings = validate({"instances": [instance | credentials]}).settings
    assert settings is not None
    return Client(
        settings.instances[0],
        reveal=reveal,
        now=lambda: datetime.now(UTC),
        transport=httpx.MockTransport(handler),
    )


def echo(request: httpx.Request) -> httpx.Response:
    """Refuse, and show the whole request back, as some proxies do."""
    if request.url.path.endswith("/session") and b"canary" in request.content:
        return httpx.Response(200, json={"token": f"{CANARY}-session"})
    said = f"{dict(request.headers)} {request.content!r}"
    return httpx.Response(500, json={"code": 13, "error": said, "message": said})


def echo_everything(request: httpx.Request) -> httpx.Response:
    """Refuse the sign-in as well, with what was sent."""
    said = f"{request.content.decode()} {dict(request.headers)}"
    return httpx.Response(500, json={"code": 13, "error": said, "message": said})


def broken(request: httpx.Request) -> httpx.Response:
    """Break the connection."""
    raise httpx.ReadError("broken", request=request)


@pytest.mark.parametrize("credentials", [TOKEN, PASSWORD])
@pytest.mark.parametrize("handler", [echo, echo_everything, broken])
def test_a_failing_call_tells_no_secret(
    handler: Any, credentials: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the error nor its traceback with local variables nor the log holds a credential."""
    caplog.set_level(logging.DEBUG)
    app = AppKey("one", "argocd", "pay")
    asked = client(handler, credentials)
    for call in (
        asked.list_applications,
        lambda: asked.terminate(app, "default"),
        lambda: asked.stream_opens(1.0),
    ):
        with pytest.raises(errors.ArgoCDError) as raised:
            call()
        told = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
        # The test's own frames hold the credentials; the client's begin below them.
        frames = [f for f in told.stack if "gantry_argocd" in f.filename]
        assert frames
        assert CANARY not in json.dumps([f.locals for f in frames])
        assert CANARY not in f"{raised.value} {raised.value.help} {raised.value.as_json()}"
    asked.close()
    assert CANARY not in caplog.text
