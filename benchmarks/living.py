"""W6 and W9: a host that follows its instances, while things change and people read."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

import attrs
import orjson
from discovery import difference
from measuring import Figure, Row, demand, memory, processor_seconds
from reading import Reader, connected, read_until
from scene import Fleet, Instance, Served, check, served
from sizes import Sizes

from gantry_argocd.wire import STREAM_FIELDS

_RATE, _FEWER = 50.0, 20.0
"""Changes in a second, of W6 and of W9."""

_CALM = 4
"""Half seconds with nearly no work, until a host is said to be at rest."""

_APPS_OF_A_TAB = 3
_POLL = 0.02
_LOST = 30.0
_P50, _P99, _BUSY, _IDLE, _TWICE = 100.0, 1000.0, 15.0, 2.0, 2.0
_HEALTH = ("Healthy", "Progressing", "Degraded", "Suspended")
_JSON = {"Content-Type": "application/json"}
_EMPTY = "measured-empty"


@attrs.frozen
class App:
    """An application that can change, and where it is to be read."""

    instance: Instance
    namespace: str
    name: str
    ref: str
    entity: str
    health: str


def settled(host: Served) -> None:
    """Wait until the host has everything, follows everything, and has nothing left to do."""
    host.wait_for_sync()
    host.wait_until_live()
    calm, before = 0, processor_seconds(host.pid)
    ends = time.monotonic() + 300
    while calm < _CALM:
        demand(time.monotonic() < ends, "the host does not come to rest")
        time.sleep(0.5)
        now = processor_seconds(host.pid)
        calm = calm + 1 if now - before < 0.05 else 0
        before = now


def apps_of(fleet: Fleet, host: Served) -> list[App]:
    """Find in the catalogue where each application is."""
    home = {
        told.partition("=")[0]: (entity["metadata"]["name"], told.partition("=")[2])
        for entity in host.services()
        for told in entity["metadata"].get("annotations", {}).get("argocd.io/apps", "").split(",")
    }
    by_name = {instance.name: instance for instance in fleet.instances}
    found = []
    for ref, (entity, state) in home.items():
        name, _, rest = ref.partition(":")
        if name not in by_name:
            continue
        space, _, app = rest.rpartition("/")
        health = state.partition("/")[2]
        found.append(App(by_name[name], space or "argocd", app, ref, entity, health))
    demand(len(found) > 0, "the catalogue is empty")
    return sorted(found, key=lambda app: app.ref)


class Changes:
    """
    Lets applications change, each to another health than it had.

    Args:
        apps: From which one after the other is chosen.
    """

    def __init__(self, apps: Sequence[App]) -> None:
        self._rng = random.Random(1)  # noqa: S311  the same choice each time
        self._order = list(apps)
        self._rng.shuffle(self._order)
        self._now = {app.ref: app.health for app in apps}
        self._next = 0
        self.made = 0

    def pick(self) -> tuple[App, str]:
        """Choose an application and what becomes of it."""
        app = self._order[self._next % len(self._order)]
        self._next += 1
        health = self._rng.choice([word for word in _HEALTH if word != self._now[app.ref]])
        self._now[app.ref] = health
        self.made += 1
        return app, health

    async def send(self, admins: dict[str, Reader], app: App, health: str) -> None:
        """Let it become so."""
        body = json.dumps({"name": app.name, "namespace": app.namespace, "health": health})
        await admins[app.instance.name].request("PATCH", "/_simulator/applications", body.encode())


async def _admins(stack: AsyncExitStack, fleet: Fleet) -> dict[str, Reader]:
    return {
        i.name: await stack.enter_async_context(connected(i.url, _JSON)) for i in fleet.instances
    }


# --- W6: how soon ---


class Listener:
    """Hears the streams of all instances itself: what the plugin cannot be faster than."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._heard: dict[tuple[str, str, str], list[tuple[str, float]]] = {}

    async def run(self) -> None:
        """Listen until cancelled."""
        await asyncio.gather(*(self._listen(instance) for instance in self._fleet.instances))

    async def _listen(self, instance: Instance) -> None:
        host, _, port = instance.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**26)
        writer.write(
            f"GET /api/v1/stream/applications?fields={STREAM_FIELDS} HTTP/1.1\r\n"
            f"Host: {host}:{port}\r\nAuthorization: Bearer {instance.token}\r\n"
            "Accept: text/event-stream\r\n\r\n".encode()
        )
        try:
            async for line in reader:
                if line.startswith(b"data: "):
                    self._hear(instance, orjson.loads(line[6:]), time.perf_counter())
        finally:
            writer.close()

    def _hear(self, instance: Instance, event: Any, now: float) -> None:
        app = event["result"]["application"]
        metadata, health = app["metadata"], app["status"].get("health", {}).get("status", "")
        key = (instance.name, metadata["namespace"], metadata["name"])
        self._heard.setdefault(key, []).append((health, now))

    def first(self, app: App, health: str, since: float) -> float | None:
        """Give when it was first heard that an application had become so."""
        key = (app.instance.name, app.namespace, app.name)
        return next(
            (at for word, at in self._heard.get(key, ()) if word == health and at >= since), None
        )


async def _latencies(
    fleet: Fleet, host: Served, changes: Changes, number: int
) -> tuple[list[float], list[float]]:
    """Let applications change, and read the entity of each until it says so."""
    token = {"Authorization": f"Bearer {host.token}"}
    made: list[tuple[App, str, float]] = []
    async with AsyncExitStack() as stack:
        admins = await _admins(stack, fleet)
        listener = Listener(fleet)
        listening = asyncio.create_task(listener.run())
        await asyncio.sleep(2)  # the first picture
        idle = [await stack.enter_async_context(connected(host.url, token)) for _ in range(4)]

        async def follow(app: App, health: str) -> float:
            reader = (
                idle.pop() if idle else await stack.enter_async_context(connected(host.url, token))
            )
            wanted = f"{app.ref}=".encode()
            path = f"/api/v1/entities/Service/{app.entity}"
            began = time.perf_counter()
            made.append((app, health, began))
            await changes.send(admins, app, health)
            while True:
                await asyncio.sleep(_POLL)
                content = await reader.request("GET", path)
                state = content.partition(wanted)[2][:40].split(b",")[0].split(b'"')[0]
                took = time.perf_counter() - began
                if state.endswith(b"/" + health.encode()):
                    idle.append(reader)
                    return took * 1000
                demand(took < _LOST, f"{app.ref} did not become {health}: {state!r}")

        tasks, begin = [], time.monotonic()
        for count in range(number):
            await asyncio.sleep(max(0.0, begin + count / _RATE - time.monotonic()))
            tasks.append(asyncio.create_task(follow(*changes.pick())))
        took = await asyncio.gather(*tasks)
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
    heard = [listener.first(app, health, began) for app, health, began in made]
    demand(all(heard), f"the streams told {sum(map(bool, heard))} of {number} changes")
    delivered = [(at - began) * 1000 for at, (_, _, began) in zip(heard, made, strict=True) if at]
    return took, delivered


async def _change_for(fleet: Fleet, changes: Changes, seconds: float, rate: float) -> None:
    async with AsyncExitStack() as stack:
        admins = await _admins(stack, fleet)
        begin = time.monotonic()
        for count in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, begin + count / rate - time.monotonic()))
            await changes.send(admins, *changes.pick())


def following(sizes: Sizes) -> list[Row]:
    """Measure W6."""
    with Fleet(sizes.apps, sizes.instances) as fleet, served(fleet.config()) as host:
        settled(host)
        changes = Changes(apps_of(fleet, host))
        before = fleet.upstream()
        took, delivered = asyncio.run(_latencies(fleet, host, changes, sizes.changes))
        settled(host)
        check(host.services(), fleet.truth())
        spent = _product_only(before, fleet.upstream())
        latency = _latency_row(sizes, host, took, delivered, spent)

        seconds = min(sizes.seconds, sizes.changes / _RATE * 2)
        before = fleet.upstream()
        started, used = time.monotonic(), processor_seconds(host.pid)
        asyncio.run(_change_for(fleet, changes, seconds, _RATE))
        busy = 100 * (processor_seconds(host.pid) - used) / (time.monotonic() - started)
        cost = difference(before, fleet.upstream())
        settled(host)
        check(host.services(), fleet.truth())

        idle_before = fleet.upstream()
        started, used = time.monotonic(), processor_seconds(host.pid)
        time.sleep(sizes.seconds / 2)
        idle = 100 * (processor_seconds(host.pid) - used) / (time.monotonic() - started)
        idle_cost = difference(idle_before, fleet.upstream())
        return [
            latency,
            _share(f"processor, {_RATE:g} changes a second, nobody reads", busy, _BUSY, host, cost),
            _share("processor, nothing changes", idle, _IDLE, host, idle_cost),
        ]


def _latency_row(
    sizes: Sizes,
    host: Served,
    took: Sequence[float],
    delivered: Sequence[float],
    spent: tuple[int, int],
) -> Row:
    p50, p99 = statistics.median(took), statistics.quantiles(took, n=100)[98]
    stream99 = statistics.quantiles(delivered, n=100)[98]
    return Row(
        workload="W6",
        work=f"change in Argo CD until readable over the entity route, {sizes.apps:,} apps, "
        f"{_RATE:g} changes a second",
        figure=Figure(tuple(took)),
        peer="the same event on a stream of our own",
        floor=Figure(tuple(delivered)),
        mark=f"p50 under {_P50:g} ms, p99 under {_P99 / 1000:g} s",
        reached=p50 < _P50 and p99 < _P99,
        memory=memory(host.pid),
        upstream=spent,
        notes=[
            f"{len(took):,} changes: p50 {p50:.0f} ms, p99 {p99:.0f} ms",
            f"on the stream p99 {stream99:.0f} ms",
            f"each entity is read every {_POLL * 1000:.0f} ms until it says so",
            "afterwards the catalogue equals what the instances have",
        ],
    )


def _share(work: str, percent: float, limit: float, host: Served, spent: tuple[int, int]) -> Row:
    return Row(
        workload="W6",
        work=work,
        figure=Figure((percent,), "%"),
        mark=f"under {limit:g} % of a core",
        reached=percent < limit,
        memory=memory(host.pid),
        upstream=spent,
        notes=["afterwards the catalogue equals what the instances have"],
    )


def _product_only(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> tuple[int, int]:
    """Count what the host asked for; the streams are shared with our own listener."""
    without = {route: told for route, told in after.items() if route != "stream"}
    return difference(before, without)


# --- W9: while people read ---


def viewing(sizes: Sizes) -> list[Row]:
    """Measure W9."""
    with Fleet(sizes.apps, sizes.instances) as fleet, served(fleet.config()) as host:
        settled(host)
        body = {
            "apiVersion": "gantry.io/v1",
            "kind": "Service",
            "metadata": {"name": _EMPTY},
            "spec": {"type": "backend", "lifecycle": "production"},
        }
        demand(host.client.post("/api/v1/entities", json=body).is_success, "no empty entity")
        changes = Changes(apps_of(fleet, host))
        has = Counter(app.entity for app in apps_of(fleet, host))
        services = sorted(has)
        three = [name for name in services if has[name] == _APPS_OF_A_TAB]
        few = three[:: max(1, len(three) // 20)][:20]
        pages: dict[str, tuple[Callable[[], str], Callable[[bytes], bool]]] = {
            "empty": (lambda: f"/catalog/Service/{_EMPTY}", lambda c: b"argo-side" not in c),
            "entity": (_chooser(services, ""), lambda c: b"argo-side" in c),
            "tab": (_chooser(few, "?tab=argocd"), lambda c: b"argo-card" in c),
        }
        slices = 5
        each = sizes.seconds / slices
        took: dict[str, list[list[float]]] = {name: [] for name in pages}
        spent = dict.fromkeys(pages, (0, 0))
        for number in range(-1, slices):
            for name, (choose, good) in pages.items():
                before = fleet.upstream()
                found = asyncio.run(_view(fleet, host, changes, sizes.viewers, each, choose, good))
                if number >= 0:
                    asked = _product_only(before, fleet.upstream())
                    spent[name] = (spent[name][0] + asked[0], spent[name][1] + asked[1])
                    took[name].append(found)
        settled(host)
        check(host.services(), fleet.truth())
        rows = [
            _viewed(sizes, host, took, spent, "entity", "entity page with the card"),
            _viewed(
                sizes, host, took, spent, "tab", f"the ArgoCD tab of {_APPS_OF_A_TAB} applications"
            ),
        ]
        demand(spent["entity"] == (0, 0), f"entity pages asked Argo CD: {spent['entity']}")
        return rows


def _viewed(
    sizes: Sizes,
    host: Served,
    took: dict[str, list[list[float]]],
    spent: dict[str, tuple[int, int]],
    name: str,
    what: str,
) -> Row:
    figure, least = (
        Figure(tuple(statistics.median(part) for part in took[page])) for page in (name, "empty")
    )
    every = [value for part in took[name] for value in part]
    rate = len(every) / sizes.seconds
    return Row(
        workload="W9",
        work=f"{what}: {sizes.viewers} viewers for {sizes.seconds:g} s, each one page after the "
        f"other, {_FEWER:g} changes a second",
        figure=figure,
        peer="the page of an entity without the plugin's part",
        floor=least,
        # A tab reads an application again after each change of it; a card never asks.
        mark=f"at most {_TWICE:g} x; {'' if name == 'tab' else '0 upstream requests; '}no error",
        reached=figure.median <= _TWICE * least.median,
        warm_up=1,
        memory=memory(host.pid),
        upstream=spent[name],
        notes=[
            f"{len(every):,} pages, {rate:.0f} a second",
            f"p99 {statistics.quantiles(every, n=100)[98]:.0f} ms; no error",
        ],
    )


def _chooser(names: Sequence[str], query: str) -> Callable[[], str]:
    turns = _endless(names)
    return lambda: f"/catalog/Service/{next(turns)}{query}"


def _endless(names: Sequence[str]) -> Iterator[str]:
    rng = random.Random(2)  # noqa: S311  the same choice each time
    while True:
        yield rng.choice(names)


async def _view(
    fleet: Fleet,
    host: Served,
    changes: Changes,
    viewers: int,
    seconds: float,
    choose: Callable[[], str],
    good: Callable[[bytes], bool],
) -> list[float]:
    token = {"Authorization": f"Bearer {host.token}"}
    async with AsyncExitStack() as stack:
        readers = [
            await stack.enter_async_context(connected(host.url, token)) for _ in range(viewers)
        ]
        changing = asyncio.create_task(_change_for(fleet, changes, seconds, _FEWER))
        ends = time.monotonic() + seconds
        found = await asyncio.gather(*(read_until(ends, r, choose, good) for r in readers))
        await changing
    return [value for part in found for value in part]
