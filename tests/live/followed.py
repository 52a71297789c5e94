"""A plugin that follows simulated instances, with the smallest catalogue, and no patience."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pluggy

from gantry_argocd import hookspecs
from gantry_argocd.hookspecs import PageContext, User
from gantry_argocd.instances.watch import Pace
from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.simulator import Simulator
from waiting import eventually

# Signs of life are not missed on a loaded machine: silence is one test's own affair.
SOON = Pace(
    silence=15.0, settle=0.05, first=0.02, longest=0.2, confirm=0.5, steady=0.5, poll=0.1, life=60.0
)
DEVELOPER: User = {"name": "dev", "role": "developer"}
PAGE: PageContext = {"url": "/pay", "actionUrl": "/act", "hidden": {}, "params": {}}


def threads() -> set[str]:
    """Name the threads of plugins that live longer than a request."""
    kinds = ("watch", "confirm", "live", "timer", "sync", "list")
    names = tuple(f"argocd-{kind}" for kind in kinds)
    return {t.name for t in threading.enumerate() if t.name.startswith(names)}


class Catalogue:
    """The smallest host: a dict, and how often it was written."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self.away = False
        self._lock = threading.Lock()

    def update(self, correlate: Callable[[Any], Sequence[Any]]) -> Mapping[str, int]:
        """Apply what the plugin says, unless the database is away."""
        if self.away:
            raise OSError("no database")
        with self._lock:
            changes = correlate([json.loads(json.dumps(row)) for row in self.rows.values()])
            rows = dict(self.rows)
            for change in changes:
                if change["entity"] is None:
                    del rows[change["name"]]
                else:
                    rows[change["name"]] = json.loads(json.dumps(change["entity"]))
            self.rows = rows
            self.writes += bool(changes)
            return {"created": 0, "updated": len(changes), "deleted": 0}

    def audit(self, record: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def note(self, name: str, short: str) -> str | None:
        """Give an annotation of ours."""
        row = self.rows.get(name)
        found: str | None = None
        if row is not None:
            found = row["metadata"]["annotations"].get(f"argocd.io/{short}")
        return found

    def states(self) -> dict[str, str]:
        """Give what is said of every app, by ref."""
        return {
            ref: state
            for row in self.rows.values()
            for element in row["metadata"]["annotations"].get("argocd.io/apps", "").split(",")
            for ref, _, state in [element.partition("=")]
        }


class Scene:
    """
    A plugin at work.

    Args:
        simulators: By instance name.

        pace: Of the followers.

        more: More settings for every instance.
    """

    def __init__(self, *, pace: Pace = SOON, more: Any = None, **simulators: Simulator) -> None:
        self.host = Catalogue()
        self.plugin = ArgoCDPlugin(pace=pace)
        self.manager = pluggy.PluginManager("gantry")
        self.manager.add_hookspecs(hookspecs)
        self.manager.register(self.plugin, "argocd")
        self._config = {
            "instances": [
                {"name": name, "argocdUrl": simulator.url, "token": simulator.token} | (more or {})
                for name, simulator in simulators.items()
            ],
            "syncInterval": "",
            "labelKey": "app.kubernetes.io/none",
        }

    def __enter__(self) -> Self:
        self.manager.hook.configure(
            plugin="argocd", config=self._config, enabled=True, host=self.host
        )
        eventually(lambda: (last := self.status["lastSync"]) and not last["running"])
        return self

    def __exit__(self, *_: object) -> None:
        self.manager.hook.shutdown(plugin="argocd")

    @property
    def status(self) -> Any:
        """What the plugin says of itself."""
        return self.manager.hook.plugin_status(plugin="argocd")

    def stream(self, name: str = "one") -> Any:
        """What it says of a stream."""
        (found,) = [i["stream"] for i in self.status["instances"] if i["name"] == name]
        return found

    def live(self, simulator: Simulator, name: str = "one", lists: int = 2) -> None:
        """Wait until an instance is followed, and that was confirmed by a list."""
        eventually(lambda: self.stream(name)["state"], lambda state: state == "live")
        eventually(lambda: lists_of(simulator), lambda count: count >= lists)

    def sync(self) -> None:
        """Sync the catalogue."""
        self.call("POST", "/sync")

    def call(self, method: str, route: str, /, **request: Any) -> tuple[int, Any]:
        """Call a REST route of the plugin."""
        routes = self.manager.hook.plugin_routes(plugin="argocd")
        (handler,) = [r["handler"] for r in routes if (r["method"], r["path"]) == (method, route)]
        answer = handler(
            {"path": {}, "query": {}, "body": b"", "contentType": None, "user": DEVELOPER} | request
        )
        return answer["status"], answer["body"]

    def panel(self, name: str) -> str:
        """Draw the tab of a Service."""
        (panel,) = self.manager.hook.render_panel(
            entity=self.host.rows[name], user=DEVELOPER, page=PAGE
        )
        return str(panel["html"])


def lists_of(simulator: Simulator) -> int:
    """Count the lists that a server was asked for."""
    return asked(simulator, "list")


def asked(simulator: Simulator, route: str) -> int:
    """Count the requests of a kind that a server got."""
    return sum(1 for request in simulator.requests if request.route == route)


def truth(**simulators: Simulator) -> dict[str, str]:
    """Give the state of every application as the servers have it, by ref."""
    return {
        f"{name}:{'' if app['metadata']['namespace'] == 'argocd' else namespace + '/'}{app_name}": (
            f"{_word(app, 'sync')}/{_word(app, 'health')}"
        )
        for name, simulator in simulators.items()
        for app in simulator.fleet
        for namespace, app_name in [(app["metadata"]["namespace"], app["metadata"]["name"])]
    }


def _word(app: Any, field: str) -> str:
    return app["status"].get(field, {}).get("status") or "Unknown"
