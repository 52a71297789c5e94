"""What is shown of an application that people open is never older than a change that was told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import Fetched, Hub, reveal
from gantry_argocd.refs import AppKey
from gantry_argocd.settings import InstanceSettings, validate

KEY = AppKey("one", "argocd", "pay")


def application(sync: str, version: int) -> dict[str, Any]:
    """Make Argo CD's JSON of an application."""
    return {
        "metadata": {
            "name": "pay",
            "namespace": "argocd",
            "uid": "u",
            "resourceVersion": str(version),
        },
        "spec": {"project": "default"},
        "status": {"sync": {"status": sync}},
    }


class Server(Client):
    """An instance whose application changes while it is read."""

    def __init__(self, settings: InstanceSettings) -> None:
        super().__init__(settings, reveal=reveal, now=lambda: datetime.now(UTC))
        self.present = application("Synced", 1)
        self.asked = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def application(
        self,
        key: AppKey,  # noqa: ARG002
        project: str,  # noqa: ARG002
        *,
        refresh: str | None = None,  # noqa: ARG002
    ) -> Any:
        """Read the application, which changes before the answer arrives."""
        self.asked += 1
        found = copy.deepcopy(self.present)
        self.meanwhile()
        return found


def scene() -> tuple[Hub, Server]:
    """Make a hub that follows one instance."""
    config = {"instances": [{"name": "one", "argocdUrl": "https://one.example", "token": "t"}]}
    settings = validate(config, stored=None, trusted=True).settings
    assert settings is not None
    server = Server(settings.instances[0])
    hub = Hub(
        settings,
        make_client=lambda _: server,
        now=lambda: datetime.now(UTC),
        monotonic=lambda: 0.0,
        is_live=lambda _: True,
    )
    return hub, server


def shown(hub: Hub) -> str:
    """Open the application, and read its sync status."""
    found = hub.fetch_all({KEY: "default"}, 10)[KEY]
    assert isinstance(found, Fetched)
    return found.application.facts.sync


def changes(hub: Hub, server: Server) -> Callable[[], None]:
    """Let the application change, and the stream tell it, once."""

    def change() -> None:
        server.meanwhile = lambda: None
        server.present = application("OutOfSync", 2)
        hub.overhear("one", [{"type": "MODIFIED", "application": server.present}])

    return change


def test_what_changed_while_a_page_read_it_is_read_again() -> None:
    """The next look shows the change, though the answer to the first came after it was told."""
    hub, server = scene()
    server.meanwhile = changes(hub, server)
    assert shown(hub) == "Synced"
    assert shown(hub) == "OutOfSync"
    assert shown(hub) == "OutOfSync"
    assert server.asked == 2


def test_what_changed_while_an_action_read_it_is_read_again() -> None:
    """What an action came to know in passing is not shown in place of what the stream told."""
    hub, server = scene()
    server.meanwhile = changes(hub, server)
    hub.fetch(KEY, "default")
    assert shown(hub) == "OutOfSync"


def test_after_an_action_a_page_shows_what_it_did() -> None:
    """What was kept before an action is not shown after it, also where nothing is streamed."""
    hub, server = scene()
    assert shown(hub) == "Synced"
    server.present = application("OutOfSync", 2)
    hub.fetch(KEY, "default")
    assert shown(hub) == "OutOfSync"
