"""W3 and W4: what the plugin draws into pages."""

from __future__ import annotations

import copy
import http.client
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
from discovery import difference
from measuring import Figure, Row, alternate, demand, memory, timed, worked
from scene import VIEWER, Fleet, Instance, Portal, portal
from sizes import Sizes

from gantry_argocd.hookspecs import PageContext, User
from gantry_argocd.refhost import serve_in_thread

LATENCY = 0.05
RESOURCES = 100
_ALONE = "measured-alone"
_SERVICES = 50
_COLD, _KEPT, _CARD = 1.3, 5.0, 0.2
_PAGE = PageContext(
    url="/catalog/Service/x", actionUrl="/x", hidden={}, params={}, fragmentUrl="/x", confirmed={}
)
_DELAYED = ("app", "can-i", "syncwindows", "revision-metadata")
DEVELOPER: User = {"name": "developer", "role": "developer"}


# --- W3 ---


def panels(sizes: Sizes) -> list[Row]:
    """Measure W3."""
    names = [f"measured-{number}" for number in range(2 * (sizes.rounds + 1))]
    with Fleet(3 * 40, 3) as fleet:
        for instance in fleet.instances:
            _add_apps(fleet, instance, names)
        _add_apps(fleet, fleet.instances[0], [_ALONE])
        with portal(fleet.config(follow=False)) as made:
            made.start()
            for instance in fleet.instances:
                for route in _DELAYED:
                    fault = {"route": route, "delay": LATENCY}
                    fleet.send(instance, "POST", "faults", fault)
            half = sizes.rounds + 1
            return [
                *_cold(sizes, fleet, made, names[:half], VIEWER),
                *_cold(sizes, fleet, made, names[half:], DEVELOPER),
                _kept(sizes, fleet, made),
            ]


def _add_apps(fleet: Fleet, instance: Instance, names: list[str]) -> None:
    """Give an instance one app of each name, with a hundred resources."""
    answer = fleet.admin.get(
        f"{instance.url}/api/v1/applications/payment-api", headers=instance.headers
    )
    template = answer.json()
    kinds = ("Deployment", "ConfigMap", "Service", "Ingress", "Job")
    template["status"]["resources"] = [
        {
            "group": "",
            "version": "v1",
            "kind": kinds[number % len(kinds)],
            "namespace": "payments",
            "name": f"part-{number}",
            "status": "Synced",
            "health": {"status": "Healthy"},
        }
        for number in range(RESOURCES)
    ]
    apps = []
    for name in names:
        app: Any = copy.deepcopy(template)
        app["metadata"] |= {"name": name, "uid": f"{instance.name}-{name}"}
        app["metadata"]["labels"]["name"] = name
        apps.append(app)
    fleet.send(instance, "PUT", "applications", apps)


def _cold(sizes: Sizes, fleet: Fleet, made: Portal, names: list[str], user: User) -> list[Row]:
    services = made.services()
    waiting = iter(names)
    spent: list[tuple[int, int]] = []
    gets: list[int] = []

    def product() -> float:
        entity = services[next(waiting)]
        before = fleet.upstream()
        took = timed(lambda: draw(made, entity, user, apps=3, resources=RESOURCES))
        after = fleet.upstream()
        gets.append(after["app"][0] - before.get("app", (0, 0))[0])
        spent.append(difference(before, after))
        return took

    with httpx.Client(timeout=30) as client, ThreadPoolExecutor(3) as pool:

        def fetch(instance: Instance) -> None:
            url = f"{instance.url}/api/v1/applications/{names[0]}"
            demand(client.get(url, headers=instance.headers).is_success, "the floor failed")

        figure, least = alternate(
            sizes.rounds,
            product,
            lambda: timed(lambda: list(pool.map(fetch, fleet.instances))),
        )
    one_each = all(number <= 3 for number in gets)
    return [
        Row(
            workload="W3",
            work=f"panel of 3 apps on 3 instances, cold, for a {user['role']}",
            figure=figure,
            peer=f"one round trip: the three GETs at once, with {LATENCY * 1000:.0f} ms of latency",
            floor=least,
            mark=f"at most 1 GET an app, at most {_COLD:g} x the slowest of them",
            reached=one_each and figure.median <= _COLD * least.median,
            warm_up=1,
            memory=memory(),
            upstream=_sum(spent[-sizes.rounds :]),
            notes=[f"{max(gets)} GETs of applications for 3 apps"],
        )
    ]


def _kept(sizes: Sizes, fleet: Fleet, made: Portal) -> Row:
    entity = made.services()[_ALONE]
    draw(made, entity, VIEWER, apps=1, resources=RESOURCES)
    values = []
    before = fleet.upstream()
    for number in range(sizes.rounds + 1):
        took = worked(lambda: draw(made, entity, VIEWER, apps=1, resources=RESOURCES))
        if number:
            values.append(took)
    requests = difference(before, fleet.upstream())
    demand(requests[0] == 0, f"{requests[0]} requests for a page of what is known")
    figure = Figure(tuple(values))
    return Row(
        workload="W3",
        work=f"panel from the snapshot, for {RESOURCES} resources",
        figure=figure,
        mark=f"0 requests, under {_KEPT:g} ms of server time",
        reached=figure.median < _KEPT,
        warm_up=1,
        memory=memory(),
        upstream=requests,
        notes=["one app; the table shows 50 of them at a time"],
    )


def draw(made: Portal, entity: Any, user: User, *, apps: int, resources: int) -> str:
    """Draw a panel, and demand that it shows everything."""
    tab = made.host.plugins.tabs(entity)[0]
    panel = made.host.plugins.panel(tab, entity, user, _PAGE)
    html = panel["html"] if panel is not None else ""
    shown = html.count(f" of {resources}")
    demand(shown >= apps, f"{shown} of {apps} apps are in the panel with their resources")
    return html


# --- W4 ---


def cards(sizes: Sizes) -> list[Row]:
    """Measure W4."""
    with Fleet(3 * 300, 3) as fleet, portal(fleet.config(follow=False)) as made:
        made.start()
        entities = list(made.services().values())[:_SERVICES]
        before = fleet.upstream()
        rows = [_sidebar(sizes, made, entities), _page(sizes, made)]
        demand(difference(before, fleet.upstream())[0] == 0, "a card asked Argo CD")
    return rows


def _sidebar(sizes: Sizes, made: Portal, entities: list[Any]) -> Row:
    sidebars = made.host.plugins.sidebars
    drawn = [sidebars(entity, VIEWER, _PAGE)[0]["html"] for entity in entities]
    formats = [
        html.replace("{", "{{").replace("}", "}}").replace(entity["metadata"]["name"], "{name}")
        for html, entity in zip(drawn, entities, strict=True)
    ]
    names = [entity["metadata"]["name"] for entity in entities]

    def product() -> None:
        found = [sidebars(entity, VIEWER, _PAGE)[0]["html"] for entity in entities]
        demand(found == drawn, "the cards differ")

    def floor() -> None:
        found = [text.format(name=name) for text, name in zip(formats, names, strict=True)]
        demand(found == drawn, "the format strings differ")

    number = len(entities)
    figure, least = alternate(
        sizes.rounds, lambda: worked(product) / number, lambda: worked(floor) / number
    )
    return Row(
        workload="W4",
        work="sidebar card",
        figure=figure,
        peer="a format string of the same bytes",
        floor=least,
        mark=f"0 requests, at most {_CARD:g} ms a card",
        reached=figure.median <= _CARD,
        warm_up=1,
        memory=memory(),
        upstream=(0, 0),
        notes=[f"through the hook, each of {number} services once a round"],
    )


def _page(sizes: Sizes, made: Portal) -> Row:
    """Compare the catalogue page with one that has no service on it."""
    with serve_in_thread(made.host) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        login = httpx.post(
            f"{running.url}/api/v1/auth/login",
            json={"username": "admin", "password": "only for benchmarks"},
        )
        headers = {"Authorization": f"Bearer {login.json()['token']}"}
        connection = http.client.HTTPConnection(host, int(port), timeout=30)

        def get(path: str, services: int) -> None:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            shown = text.count("/catalog/Service/")
            demand(answer.status == httpx.codes.OK, f"{path}: {answer.status}")
            demand(shown >= services and bool(shown) == bool(services), f"{shown} services")

        total = len(made.services())
        full = partial(get, "/catalog/Service", min(total, _SERVICES))
        empty = partial(get, "/catalog/Service?q=nothingofthatname", 0)
        figure, least = alternate(sizes.rounds, lambda: timed(full), lambda: timed(empty))
        connection.close()
    each = (figure.median - least.median) / min(total, 100)
    return Row(
        workload="W4",
        work=f"catalogue page of {min(total, 100)} services",
        figure=figure,
        peer="the same page without a service",
        floor=least,
        mark=f"0 requests, at most {_CARD:g} ms a card",
        reached=each <= _CARD,
        warm_up=1,
        memory=memory(),
        upstream=(0, 0),
        notes=[f"over a socket; {each:.3f} ms for each service"],
    )


def _sum(spent: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(number for number, _ in spent), sum(size for _, size in spent)
