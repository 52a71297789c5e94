"""
Let instances change and fail for a long time, and see whether the catalogue is right at the end.

``python benchmarks/endurance.py --minutes 60``: simulated instances in a process of their own go
on changing while their streams are cut, they restart in order and in disorder, lose events, fall
silent, answer lists with errors, and one is not there at all for a while. Then all faults cease,
the host syncs once, and its catalogue must be what a new host finds. It must end without leaving
anything behind. Exits with 1 when anything is wrong.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import httpx
from living import App, Changes, apps_of, settled
from measuring import NotDone, demand, memory, processor_seconds
from scene import PLUGIN, Fleet, Instance, Served, check, served

_RATE = 10.0
_PAUSE = (2.0, 8.0)
_HOST_FIELDS = ("createdAt", "updatedAt", "createdBy")
_PROVENANCE = "argocd.io/provenance"
_DOWN = 30.0
"""Longest that an instance is not to be reached, by design of the faults."""

_ENDS_WITHIN = 3.0


def insist(fleet: Fleet, instance: Instance, method: str, route: str, body: Any = None) -> None:
    """Call the admin route of an instance that may be restarting just now."""
    ends = time.monotonic() + _DOWN
    tried = False
    while True:
        try:
            fleet.send(instance, method, route, body)
        except httpx.TransportError:
            demand(time.monotonic() < ends, f"{instance.name} does not come back")
            tried = True
            time.sleep(0.2)
        except NotDone as problem:
            # A connection that broke may have delivered what it was for.
            if not (tried and method == "DELETE" and " 404 " in f"{problem} "):
                raise
            return
        else:
            return


class Faults:
    """
    What goes wrong, one after the other.

    Args:
        fleet: With whom.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._rng = random.Random(7)  # noqa: S311  the same run each time
        self.done: Counter[str] = Counter()
        self._dead: Instance | None = None
        self._kinds: Mapping[str, tuple[str, Any]] = {
            "streams cut": ("streams", {"do": "cut"}),
            "streams reset": ("streams", {"do": "cut", "reset": True}),
            "stream error": ("streams", {"do": "fail", "code": 14, "message": "going away"}),
            "streams cut early": ("streams", {"do": "cutAfter", "frames": 3}),
            "events lost": ("streams", {"do": "lose", "events": 5}),
            "events held": ("streams", {"do": "hold", "what": "events"}),
            "stream silent": ("streams", {"do": "hold", "what": "everything"}),
            "hard restart": ("restart", {"hard": True, "downSeconds": 2}),
            "restart": ("restart", {"drainSeconds": 2, "downSeconds": 1}),
            "port closed": ("refuse", {"seconds": 4}),
            "list fails": ("faults", {"route": "list", "status": 503, "times": 2}),
            "list cut short": ("faults", {"route": "list", "truncate": True, "times": 1}),
            "list slow": ("faults", {"route": "list", "delay": 3, "times": 2}),
        }

    def cause_one(self) -> None:
        """Cause the next one, after a pause."""
        time.sleep(self._rng.uniform(*_PAUSE))
        what, (route, body) = self._rng.choice(list(self._kinds.items()))
        instance = self._rng.choice(self._fleet.instances)
        if instance is self._dead:
            return
        # Some last until they are ended: by the next one at the same instance, at the latest.
        if self._rng.random() < 0.5:
            insist(self._fleet, instance, "DELETE", "faults")
        insist(self._fleet, instance, "POST", route, body)
        self.done[what] += 1

    def kill(self) -> None:
        """Let the last instance fail in everything."""
        self._dead = self._fleet.instances[-1]
        for route in ("*", "list", "stream", "app"):
            fault = {"route": route, "close": True}
            insist(self._fleet, self._dead, "POST", "faults", fault)
        insist(self._fleet, self._dead, "POST", "streams", {"do": "cut"})
        self.done["instance dead"] += 1

    def revive(self) -> None:
        """Let it come back."""
        insist(self._fleet, self._fleet.instances[-1], "DELETE", "faults")
        self._dead = None

    def cease(self) -> None:
        """End all faults."""
        for instance in self._fleet.instances:
            insist(self._fleet, instance, "DELETE", "faults")


class Comings:
    """
    Applications that are deleted and come back.

    Args:
        fleet: Where.

        apps: Which.
    """

    def __init__(self, fleet: Fleet, apps: list[App]) -> None:
        self._fleet, self._apps = fleet, apps
        self._rng = random.Random(8)  # noqa: S311  the same run each time
        self._kept: list[tuple[App, Any]] = []
        self.deleted = self.returned = 0

    def next(self) -> None:
        """Delete one, or let one come back, after a second."""
        time.sleep(1)
        if self._kept and (not self._apps or self._rng.random() < 0.5):
            app, document = self._kept.pop(self._rng.randrange(len(self._kept)))
            insist(self._fleet, app.instance, "PUT", "applications", document)
            self._apps.append(app)
            self.returned += 1
        elif self._apps:
            app = self._apps.pop(0)
            url = f"{app.instance.url}/api/v1/applications/{app.name}"
            try:
                answer = self._fleet.admin.get(
                    url, params={"appNamespace": app.namespace}, headers=app.instance.headers
                )
            except httpx.TransportError:
                self._apps.append(app)
                return
            if not answer.is_success:  # a fault
                self._apps.append(app)
                return
            where = f"applications?name={app.name}&namespace={app.namespace}"
            insist(self._fleet, app.instance, "DELETE", where)
            self._kept.append((app, answer.json()))
            self.deleted += 1


def change_one(fleet: Fleet, changes: Changes) -> None:
    """Let one application change, after a moment."""
    time.sleep(1 / _RATE)
    app, health = changes.pick()
    body = {"name": app.name, "namespace": app.namespace, "health": health}
    insist(fleet, app.instance, "PATCH", "applications", body)


def trouble(fleet: Fleet, host: Served, seconds: float) -> tuple[Faults, Changes, Comings]:
    """Let everything happen at once."""
    apps = apps_of(fleet, host)
    comings = Comings(fleet, apps[::10])
    changes = Changes([app for number, app in enumerate(apps) if number % 10])
    faults = Faults(fleet)
    began = time.monotonic()
    wrong: list[BaseException] = []

    def again(step: Callable[[], None]) -> None:
        try:
            while time.monotonic() < began + seconds and not wrong:
                step()
        except BaseException as problem:  # noqa: BLE001  told below
            wrong.append(problem)

    def die() -> None:
        time.sleep(seconds / 3)
        faults.kill()
        time.sleep(seconds / 3)
        faults.revive()
        time.sleep(seconds)

    steps: list[Callable[[], None]] = [
        lambda: change_one(fleet, changes),
        faults.cause_one,
        comings.next,
    ]
    threads = [threading.Thread(target=again, args=(step,)) for step in steps]
    dying = threading.Thread(target=again, args=(die,), daemon=True)
    for thread in (*threads, dying):
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    faults.cease()
    demand(changes.made and faults.done and comings.deleted, "nothing happened")
    return faults, changes, comings


def sync(host: Served) -> Any:
    """Sync once, to the end; give the report."""
    answer = host.client.post(f"{PLUGIN}/sync")
    demand(answer.is_success, f"POST /sync: {answer.status_code} {answer.text}")
    report = host.wait_for_sync()
    demand(not report["heldBack"], f"held back: {report}")
    return report


def comparable(entities: list[Any]) -> dict[str, Any]:
    """Give entities without what tells when they were written and read."""
    found = {}
    for entity in entities:
        metadata = {k: v for k, v in entity["metadata"].items() if k not in _HOST_FIELDS}
        notes = dict(metadata.get("annotations", {}))
        if _PROVENANCE in notes:
            provenance = json.loads(notes[_PROVENANCE])
            for app in provenance["apps"]:
                app.pop("read", None)
            notes[_PROVENANCE] = provenance
        found[metadata["name"]] = {**entity, "metadata": {**metadata, "annotations": notes}}
    return found


def compare(host: Served, fleet: Fleet) -> int:
    """Demand that the catalogue is what a new host finds; give the number of its entities."""
    with served(fleet.config(follow=False)) as fresh:
        fresh.wait_for_sync()
        wanted = comparable(fresh.services())
    told = comparable(host.services())
    wrong = [name for name in wanted.keys() | told.keys() if wanted.get(name) != told.get(name)]
    if wrong:
        name = min(wrong)
        what = f"such as {name}:\n{json.dumps(told.get(name))}\n{json.dumps(wanted.get(name))}"
        demand(not wrong, f"{len(wrong)} of {len(wanted)} entities differ, {what}")
    return len(wanted)


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def _children(pid: int) -> str:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return " ".join(text for task in tasks if (text := (task / "children").read_text().strip()))


@click.command(help=__doc__)
@click.option("--minutes", type=float, default=2.0, show_default=True)
@click.option("--apps", type=int, default=1000, show_default=True)
@click.option("--instances", type=int, default=4, show_default=True)
def main(minutes: float, apps: int, instances: int) -> None:
    """Let it run."""
    try:
        with Fleet(apps, instances) as fleet:
            _endure(fleet, minutes * 60)
    except NotDone as problem:
        click.echo(f"WRONG: {problem}", err=True)
        sys.exit(1)


def _endure(fleet: Fleet, seconds: float) -> None:
    with served(fleet.config()) as host:
        settled(host)
        threads, weight = _threads(host.pid), memory(host.pid)[1]
        used = processor_seconds(host.pid)
        faults, changes, comings = trouble(fleet, host, seconds)
        share = 100 * (processor_seconds(host.pid) - used) / seconds
        report = sync(host)
        check(host.services(), fleet.truth())
        entities = compare(host, fleet)
        settled(host)
        check(host.services(), fleet.truth())
        left = _threads(host.pid)
        demand(left <= threads + 2, f"{threads} threads became {left}")
        demand(not _children(host.pid), "the host has processes of its own")
        click.echo(f"{changes.made} changes, {comings.deleted} deleted, {comings.returned} back")
        click.echo(", ".join(f"{what}: {n}" for what, n in sorted(faults.done.items())))
        click.echo(
            f"{report['apps']} apps in {entities} entities, as a new host finds them; the last "
            f"sync wrote {report['created'] + report['updated'] + report['removed']}"
        )
        click.echo(
            f"processor {share:.1f} %, memory {weight:.0f} to {memory(host.pid)[1]:.0f} MB, "
            f"threads {threads} to {left}"
        )
        ending = time.monotonic()
    took = time.monotonic() - ending
    demand(took < _ENDS_WITHIN, f"the host took {took:.1f} s to end")
    click.echo(f"the host ended within {took:.1f} s and left nothing behind")


if __name__ == "__main__":
    main()
