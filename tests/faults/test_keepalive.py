"""Idle connections that the other side closes just when they are used again (issue 5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from servers import Front, Link

from gantry_argocd import errors
from gantry_argocd.actions.request import SyncRequest
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import reveal
from gantry_argocd.refs import AppKey
from gantry_argocd.settings import validate

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
BODY = b'{"items":null}'
APP = AppKey("one", "argocd", "pay")


class Server:
    """Answers the first request of each connection; the next one finds it closed."""

    def __init__(self, front: Front, *, reset: bool = False, first: bytes = b"") -> None:
        self.seen: list[str] = []
        self._reset = reset
        self._first = first
        front.fault = self._serve

    def _serve(self, link: Link) -> None:
        self._note(link.request())
        link.send(HEAD + BODY)
        self._note(link.request())
        link.send(self._first)
        if self._reset:
            link.reset()

    def _note(self, request: bytes) -> None:
        if request:
            method, target, _ = request.decode().split(" ", 2)
            self.seen.append(f"{method} {target.partition('?')[0].rpartition('/')[2]}")


@pytest.fixture
def front() -> Iterator[Front]:
    """A port that answers as each test says."""
    with Front(target=1) as listening:
        yield listening


@pytest.fixture
def client(front: Front) -> Iterator[Client]:
    """A client of that port."""
    given = {"name": "one", "argocdUrl": f"http://127.0.0.1:{front.port}", "token": "t"}
    settings = validate({"instances": [given]}, trusted=True).settings
    assert settings is not None
    made = Client(settings.instances[0], reveal=reveal, now=lambda: datetime.now(UTC))
    yield made
    made.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_read_over_a_closed_idle_connection_is_repeated(
    reset: bool, front: Front, client: Client
) -> None:
    """A proxy that drops idle connections costs nobody an error."""
    server = Server(front, reset=reset)
    for _ in range(3):
        assert client.list_applications() == BODY

    # The second and the third try each met a closed door first, and went again at once.
    assert server.seen == ["GET applications"] * 5
    assert front.connections == 3


def test_a_read_that_was_answered_in_part_is_not_repeated(front: Front, client: Client) -> None:
    """Once an answer has begun, its end is told, and not hidden by a second try."""
    server = Server(front, first=b"HTTP/1.1 200 OK\r\nContent-")
    client.list_applications()
    with pytest.raises(errors.Unreachable, match="broke before"):
        client.list_applications()

    assert server.seen == ["GET applications"] * 2


def test_a_sync_never_goes_over_an_idle_connection(front: Front, client: Client) -> None:
    """A sync does not meet a closed door, so nobody has to ask whether it came through."""
    server = Server(front)
    client.list_applications()
    client.sync(APP, "default", SyncRequest())
    client.list_applications()

    assert [entry for entry in server.seen if entry.startswith("POST")] == ["POST sync"]
    assert front.connections == 3


def test_a_sync_that_breaks_is_sent_once(front: Front, client: Client) -> None:
    """Whether it came through is found out by asking, not by sending it again."""
    seen: list[bytes] = []

    def broken(link: Link) -> None:
        seen.append(link.request())

    front.fault = broken
    with pytest.raises(errors.Unreachable):
        client.sync(APP, "default", SyncRequest())
    assert len(seen) == 1


def test_a_read_over_a_new_connection_that_breaks_is_told(front: Front, client: Client) -> None:
    """A server that closes every connection is not asked again and again."""
    seen: list[bytes] = []

    def broken(link: Link) -> None:
        seen.append(link.request())

    front.fault = broken
    with pytest.raises(errors.Unreachable, match="broke before"):
        client.list_applications()
    assert len(seen) == 1
