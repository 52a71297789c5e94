"""A configuration takes the place of another: at once, after what has begun, or not at all (G5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.simulator import Simulator
from waiting import eventually

USER = {"name": "dora", "role": "developer"}


class Catalogue:
    """A host that keeps rows, counts who writes, and can be held up in the middle of a write."""

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}
        self.go = threading.Event()
        self.go.set()
        self.inside = threading.Event()
        self.written: list[str] = []
        self._lock = threading.Lock()

    def update(self, correlate: Callable[[Any], Any]) -> Any:
        """Apply what the plugin says."""
        with self._lock:
            self.inside.set()
            self.go.wait(10)
            for change in correlate(list(self.rows.values())):
                key = (change["namespace"], change["name"])
                self.written.append(change["name"])
                if change["entity"] is None:
                    self.rows.pop(key)
                else:
                    self.rows[key] = change["entity"]
        return {"created": 0, "updated": 0, "deleted": 0}

    def audit(self, record: Any) -> None:
        """Keep nothing."""


@pytest.fixture
def plugin() -> Iterator[ArgoCDPlugin]:
    """A plugin of its own."""
    made = ArgoCDPlugin()
    yield made
    made.shutdown("argocd")


def config(*simulators: Simulator, **more: Any) -> dict[str, Any]:
    """Configure instances called one, two."""
    instances = [
        {"name": name, "argocdUrl": simulator.url, "token": simulator.token}
        for name, simulator in zip(("one", "two"), simulators, strict=False)
    ]
    return {"instances": instances, "syncInterval": ""} | more


def synced(plugin: ArgoCDPlugin) -> Any:
    """Wait for the end of the first sync."""
    return eventually(
        lambda: (plugin.plugin_status("argocd") or {}).get("lastSync"),
        lambda run: run is not None and not run["running"],
    )


def refs(host: Catalogue, instance: str) -> list[str]:
    """Give the lists of apps that name an instance."""
    lists = [row["metadata"]["annotations"]["argocd.io/appNames"] for row in host.rows.values()]
    return [names for names in lists if instance in names]


def call(plugin: ArgoCDPlugin, method: str, path: str, **params: str) -> Any:
    """Call a REST route."""
    (handler,) = [
        route["handler"]
        for route in plugin.plugin_routes("argocd") or ()
        if (route["method"], route["path"]) == (method, path)
    ]
    request = {"path": params, "query": {}, "body": b"", "contentType": None, "user": USER}
    return handler(request)  # type: ignore[arg-type]


def test_what_somebody_has_begun_comes_to_its_end(plugin: ArgoCDPlugin, argocd: Simulator) -> None:
    """A sync that is on its way when the configuration changes is answered, not cut off."""
    host = Catalogue()
    plugin.configure("argocd", config(argocd), enabled=True, host=host)
    synced(plugin)
    argocd.faults.set("sync", delay=1.0)
    answers: list[Any] = []
    asking = threading.Thread(
        daemon=True,
        target=lambda: answers.append(
            call(plugin, "POST", "/apps/{appName}/sync", appName="one:payment-api")
        ),
    )
    asking.start()
    eventually(lambda: argocd.requests.of("sync"))

    plugin.configure("argocd", config(argocd, labelKey="team"), enabled=True, host=host)

    asking.join(10)
    assert answers[0]["status"] == 200
    assert synced(plugin)["apps"] == 40


def test_the_former_configuration_writes_nothing_after_the_switch(
    plugin: ArgoCDPlugin, argocd: Simulator, staging: Simulator
) -> None:
    """A sync that is in the middle of its write ends before the new configuration begins."""
    host = Catalogue()
    plugin.configure("argocd", config(argocd, staging), enabled=True, host=host)
    synced(plugin)
    assert refs(host, "two:")
    host.go.clear()
    host.inside.clear()
    syncing = threading.Thread(daemon=True, target=lambda: call(plugin, "POST", "/sync"))
    syncing.start()
    host.inside.wait(10)

    switching = threading.Thread(
        daemon=True,
        target=lambda: plugin.configure("argocd", config(argocd), enabled=True, host=host),
    )
    switching.start()
    host.go.set()
    switching.join(10)
    syncing.join(15)

    synced(plugin)
    assert refs(host, "one:")
    assert not refs(host, "two:")


def test_nobody_meets_a_plugin_without_configuration(
    plugin: ArgoCDPlugin, argocd: Simulator
) -> None:
    """While configurations follow each other, every question finds one of them in use."""
    plugin.configure("argocd", config(argocd), enabled=True, host=Catalogue())
    done = threading.Event()
    seen: set[str] = set()

    def look() -> None:
        while not done.is_set():
            seen.add(str((plugin.plugin_status("argocd") or {})["state"]))
            seen.add(str(call(plugin, "GET", "/entity-apps")["status"]))

    looking = threading.Thread(daemon=True, target=look)
    looking.start()
    try:
        for number in range(10):
            changed = config(argocd, labelKey=f"k{number}")
            plugin.configure("argocd", changed, enabled=True, host=Catalogue())
    finally:
        done.set()
        looking.join(10)

    assert seen == {"enabled", "200"}


class Fragile:
    """Makes clients until it is told not to."""

    broken = False

    def __call__(self, instance: Any) -> Any:
        """Make one, or raise."""
        if self.broken:
            raise RuntimeError("no client")
        return ArgoCDPlugin()._work()._client(instance)


@pytest.mark.parametrize("bad", ["unusable", "raises"])
def test_a_bad_change_leaves_the_former_one_at_work(argocd: Simulator, bad: str) -> None:
    """A configuration that cannot be used changes nothing: the former one answers as before."""
    make_client = Fragile()
    plugin = ArgoCDPlugin(make_client=make_client)
    host = Catalogue()
    plugin.configure("argocd", config(argocd), enabled=True, host=host)
    synced(plugin)
    runtime = plugin._work().runtime
    make_client.broken = bad == "raises"
    wanted = {"instances": "nonsense"} if bad == "unusable" else config(argocd, labelKey="x")

    if bad == "unusable":
        assert plugin.configure("argocd", wanted, enabled=True, host=host) is False
    else:
        with pytest.raises(RuntimeError):
            plugin.configure("argocd", wanted, enabled=True, host=host)

    assert plugin._work().runtime is runtime
    assert call(plugin, "GET", "/apps/{appName}", appName="one:payment-api")["status"] == 200
    plugin.shutdown("argocd")


def test_disabled_everything_stays_and_is_marked(plugin: ArgoCDPlugin, argocd: Simulator) -> None:
    """Available, enabled, disabled, enabled: entities stay, marked as long as nobody looks."""
    host = Catalogue()
    assert (plugin.plugin_status("argocd") or {})["state"] == "available"
    plugin.configure("argocd", config(argocd), enabled=True, host=host)
    synced(plugin)
    names = set(host.rows)

    plugin.configure("argocd", config(argocd), enabled=False, host=host)
    assert (plugin.plugin_status("argocd") or {})["state"] == "disabled"
    assert set(host.rows) == names
    assert all("argocd.io/staleSince" in r["metadata"]["annotations"] for r in host.rows.values())
    asked = len(argocd.requests.of("list"))
    plugin.configure("argocd", config(argocd), enabled=True, host=host)
    synced(plugin)
    assert len(argocd.requests.of("list")) > asked
    assert not [
        r for r in host.rows.values() if "argocd.io/staleSince" in r["metadata"]["annotations"]
    ]
