"""
A plugin with two instances, one of which misbehaves, and what can be seen of it from outside.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pluggy
import pytest
from servers import Front

from gantry_argocd import errors, hookspecs
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import reveal
from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.settings import InstanceSettings
from gantry_argocd.simulator import Simulator
from waiting import eventually

DEVELOPER = {"name": "dora", "role": "developer"}
PAGE = {
    "url": "/catalog/Service/bad-a?tab=argocd",
    "actionUrl": "/catalog/Service/bad-a/action",
    "hidden": {"csrf_token": "token-of-the-host"},
    "params": {},
}
TIMEOUTS = {"connect": "15s", "read": "15s", "list": "15s"}
"""Limits that no test waits for: a loaded machine may take its time."""

HASTY = TIMEOUTS | {"read": "1s", "list": "2s"}
"""Limits for faults that nothing else ends."""

PASSWORD = "canary-password"
HEADER = "canary-header"
USERINFO = "canary-userinfo"
BODY = "canary-body-secret"
SUBJECT = "canary-subject"
CANARIES = (PASSWORD, HEADER, USERINFO, BODY, SUBJECT)


def populate(simulator: Simulator, *names: str) -> None:
    """Let a simulator have exactly the applications *names*, each a Service of its own."""
    pattern = simulator.fleet.get("payment-api")
    assert pattern is not None
    apps = []
    for name in names:
        app = deepcopy(pattern)
        app["metadata"] |= {"name": name, "labels": {"name": name}, "uid": f"uid-of-{name}"}
        apps.append(app)
    simulator.fleet.load(apps)


def revise(simulator: Simulator, name: str) -> str:
    """Let the sync state of an application become another; give the new one."""
    app = simulator.fleet.get(name)
    assert app is not None
    after = "Synced" if app["status"]["sync"]["status"] == "OutOfSync" else "OutOfSync"

    def edit(app: Any) -> None:
        app["status"]["sync"]["status"] = after

    simulator.fleet.change(("argocd", name), edit)
    return after


class Bad:
    """The instance that misbehaves: a simulator behind a front that breaks connections."""

    def __init__(self, simulator: Simulator, front: Front, ca: str = "") -> None:
        self.simulator = simulator
        self.front = front
        self.ca = ca
        scheme = "https" if ca else "http"
        self.url = f"{scheme}://localhost:{front.port}"

    @property
    def config(self) -> dict[str, Any]:
        """Its part of the configuration, full of canaries."""
        more = {"caBundle": self.ca} if self.ca else {}
        return more | {
            "name": "bad",
            "argocdUrl": self.url,
            "token": self.simulator.token,
            "username": "admin",
            "password": PASSWORD,
            "authMode": "token",
            "headers": {"X-Proxy-Key": HEADER},
            "timeouts": TIMEOUTS,
        }

    def heal(self) -> None:
        """End all faults."""
        self.simulator.faults.clear()
        self.front.heal()


def port_of(simulator: Simulator) -> int:
    """Give the port of a simulator."""
    port = urlsplit(simulator.url).port
    assert port is not None
    return port


class Watched(Client):
    """
    A client that keeps what it raised, and notes when.

    Attributes:
        before_failing: Called before it raises.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        events: list[str],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(settings, reveal=reveal, now=now, monotonic=monotonic)
        self.raised: list[errors.ArgoCDError] = []
        self.before_failing: Callable[[], object] = lambda: None
        self._events = events

    def list_applications(self) -> bytes:
        """Fetch the list."""
        return self._watch(super().list_applications)

    def own_namespace(self) -> str | None:
        """Ask for the namespace."""
        return self._watch(super().own_namespace)

    def _watch(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except errors.ArgoCDError as error:
            self.before_failing()
            self.raised.append(error)
            self._events.append(f"{self.name} failed")
            raise


class Catalogue:
    """The smallest host: a dict that notes whose apps were written."""

    def __init__(self, events: list[str]) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.trail: list[Mapping[str, Any]] = []
        self._events = events
        self._lock = threading.Lock()

    def update(self, correlate: Callable[[Any], Any]) -> Mapping[str, int]:
        """Apply what the plugin says."""
        with self._lock:
            counts = {"created": 0, "updated": 0, "deleted": 0}
            for change in correlate([json.loads(json.dumps(row)) for row in self.rows.values()]):
                counts[f"{change['action'].removesuffix('e')}ed"] += 1
                key = (change["namespace"], change["name"])
                if change["entity"] is None:
                    del self.rows[key]
                else:
                    self.rows[key] = json.loads(json.dumps(change["entity"]))
                self._events.append(f"{change['name']} {change['action']}")
            return counts

    def audit(self, record: Mapping[str, Any]) -> None:
        """Keep a record."""
        self.trail.append(record)

    def notes(self, name: str) -> dict[str, str]:
        """Give the annotations of a Service."""
        return self.rows["default", name]["metadata"]["annotations"]

    def named(self, prefix: str) -> set[str]:
        """Give the names of the Services that begin with *prefix*."""
        return {name for _, name in self.rows if name.startswith(prefix)}

    def stale(self) -> set[str]:
        """Give the names of the Services that are marked as stale."""
        return {
            name for _, name in self.rows if self.notes(name).get("argocd.io/staleSince", "") != ""
        }


def instance(simulator: Simulator, **more: Any) -> dict[str, Any]:
    """Give the configuration of an instance called ``one``."""
    found = {"name": "one", "argocdUrl": simulator.url, "token": simulator.token}
    return found | {"timeouts": TIMEOUTS} | more


class Scene:
    """
    A plugin at work with a dict for a catalogue.

    Args:
        instances: Configurations of the instances.

        now: The time. None for the system's clock.

        monotonic: Seconds that pass, for the time limits of calls.

        more: Of the configuration.
    """

    def __init__(
        self,
        *instances: Mapping[str, Any],
        now: Callable[[], datetime] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        **more: Any,
    ) -> None:
        self.events: list[str] = []
        self.host = Catalogue(self.events)
        self.clients: dict[str, Watched] = {}
        self._now = now or (lambda: datetime.now(UTC))
        self._monotonic = monotonic
        self.plugin = ArgoCDPlugin(make_client=self._client, now=self._now)
        self.manager = pluggy.PluginManager("gantry")
        self.manager.add_hookspecs(hookspecs)
        self.manager.register(self.plugin, "argocd")
        # What is followed is told by the streams, and that is another test's.
        quiet = [{"follow": False} | dict(instance) for instance in instances]
        self._config = {"instances": quiet, "syncInterval": "", **more}

    def _client(self, settings: InstanceSettings) -> Client:
        made = Watched(settings, self.events, self._now, self._monotonic)
        self.clients[settings.name] = made
        return made

    def __enter__(self) -> Self:
        verdict = self.manager.hook.validate_config(
            plugin="argocd", config=self._config, stored=None, trusted=True
        )
        assert verdict["errors"] == ()
        self.manager.hook.configure(
            plugin="argocd", config=verdict["values"], enabled=True, host=self.host
        )
        eventually(lambda: self.last_sync is not None and not self.last_sync["running"])
        return self

    def __exit__(self, *_: object) -> None:
        self.manager.hook.shutdown(plugin="argocd")

    @property
    def status(self) -> Any:
        """What the plugin says of itself."""
        return self.manager.hook.plugin_status(plugin="argocd")

    @property
    def last_sync(self) -> Any:
        """The report of the last sync."""
        return self.status["lastSync"]

    def instance(self, name: str) -> Any:
        """Give an instance's part of the status."""
        (found,) = [item for item in self.status["instances"] if item["name"] == name]
        return found

    def failure(self, name: str) -> errors.ArgoCDError:
        """Give the error that an instance's last list ended with."""
        runtime = self.plugin._work().runtime
        assert runtime is not None
        error = runtime._hub.failure(name)
        assert error is not None
        return error

    def call(self, method: str, route: str, /, **request: Any) -> tuple[int, Any]:
        """Call a REST route of the plugin."""
        routes = self.manager.hook.plugin_routes(plugin="argocd")
        (handler,) = [r["handler"] for r in routes if (r["method"], r["path"]) == (method, route)]
        answer = handler(
            {"path": {}, "query": {}, "body": b"", "contentType": None, "user": DEVELOPER} | request
        )
        return answer["status"], answer["body"]

    def act(self, action: str, app: str, body: Any = None, **request: Any) -> tuple[int, Any]:
        """Have something done to an application."""
        content = b"" if body is None else json.dumps(body).encode()
        path = {"appName": app}
        return self.call("POST", f"/apps/{{appName}}/{action}", path=path, body=content, **request)

    def look(self, what: str, app: str, **request: Any) -> Any:
        """Read something of an application that can be read."""
        path = {"appName": app}
        status, body = self.call("GET", f"/apps/{{appName}}{what}", path=path, **request)
        assert status == 200, body
        return body

    def told(self, request_id: str = "") -> list[str]:
        """Give the outcomes on record, of one request or of all."""
        return [r["outcome"] for r in self.host.trail if request_id in ("", r.get("requestId"))]

    def sync(self) -> dict[str, Any]:
        """Sync the catalogue; give the report by instance."""
        status, report = self.call("POST", "/sync")
        assert status == 200, report
        return {item["name"]: item for item in report["instances"]} | {"": report}

    def panel(self, name: str) -> str:
        """Draw the tab of a Service."""
        row = self.host.rows["default", name]
        (panel,) = self.manager.hook.render_panel(entity=row, user=DEVELOPER, page=PAGE)
        return str(panel["html"])

    def card(self, name: str) -> str:
        """Draw the card of a Service."""
        row = self.host.rows["default", name]
        (card,) = self.manager.hook.render_sidebar(entity=row, user=DEVELOPER, page=PAGE)
        return str(card["html"])


def everything_said(scene: Scene, caplog: pytest.LogCaptureFixture, *more: object) -> str:
    """Give all texts that a person or a log could get to see."""
    said = [str(scene.status), str(scene.host.rows), str(scene.host.trail), *map(str, more)]
    for record in caplog.records:
        said += [record.getMessage(), repr(record.args), str(record.exc_text), str(record.__dict__)]
    for client in scene.clients.values():
        said += [repr(client), repr(vars(client))]
        said += map(text_of, client.raised)
    return "\n".join(said)


def text_of(error: BaseException) -> str:
    """Give all that an error says of itself, and what it was made from."""
    said = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    if isinstance(error, errors.GantryArgoCDError):
        said.append(str(error.as_json()))
    said += [text_of(cause) for cause in (error.__cause__, error.__context__) if cause is not None]
    return "\n".join(said)


def open_sockets() -> int:
    """Count the sockets of this process."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue  # closed meanwhile
    return count


def plugin_threads() -> set[threading.Thread]:
    """Give the threads of the plugin; the simulator's server has another name."""
    kinds = ("timer", "sync", "list", "read", "follow", "check", "watch", "confirm", "live")
    names = tuple(f"argocd-{kind}" for kind in kinds)
    return {thread for thread in threading.enumerate() if thread.name.startswith(names)}
