"""
How much longer the discovery of instances that are well takes beside one that misbehaves.

Two simulators that are well and the misbehaving server are processes of their own, so that only
the product shares its processor time with itself. A round in which a good instance was not
complete, or the bad one did not fail as it should, fails.
"""

from __future__ import annotations

import gzip
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from measuring import NotDone, Row, alternate, memory
from scene import Fleet
from sizes import Sizes

from gantry_argocd import errors
from gantry_argocd.client.calls import Client
from gantry_argocd.correlation import Outcome
from gantry_argocd.instances.hub import Heard, Hub, reveal
from gantry_argocd.settings import validate

ALLOWED = 1.10
MEGABYTE = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ROW = b'{"metadata":{"name":"app","namespace":"argocd"},"spec":{"project":"default"},"status":{}},'


# --- the instance that misbehaves; runs in a process of its own ---


def black_hole(link: socket.socket) -> None:
    """Answer nothing."""
    while link.recv(65536):
        pass


def reset(link: socket.socket) -> None:
    """Close the connection instead of answering."""


def busy(link: socket.socket) -> None:
    """Answer 503 for ever."""
    link.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def page(link: socket.socket) -> None:
    """Answer with a sign-in page."""
    link.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html></html>"
    )


def drip(link: socket.socket) -> None:
    """Send a byte each 10 ms."""
    link.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while True:
        link.sendall(b" ")
        time.sleep(0.01)


def hints(link: socket.socket) -> None:
    """Send headers without end."""
    while True:
        link.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)


def bomb(link: socket.socket) -> None:
    """Send what unpacks to 400 MB."""
    body = gzip.compress(bytes(400 * MEGABYTE), 1)
    link.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def huge(link: socket.socket) -> None:
    """Send 100 MB of applications, cut short at the end."""
    rows = ROW * (MEGABYTE // len(ROW))
    link.sendall(HEAD + b'Connection: close\r\n\r\n{"items":[')
    for _ in range(100):
        link.sendall(rows)


FAULTS: dict[str, tuple[Callable[[socket.socket], None], type[errors.ArgoCDError]]] = {
    "black-hole": (black_hole, errors.TimedOut),
    "reset": (reset, errors.Broken),
    "503-storm": (busy, errors.Unavailable),
    "sign-in-page": (page, errors.NotArgoCD),
    "slow-drip": (drip, errors.TimedOut),
    "endless-headers": (hints, errors.ArgoCDError),
    "gzip-bomb": (bomb, errors.ArgoCDError),
    "100-megabytes": (huge, errors.ArgoCDError),
}


def misbehave(name: str, ready: Any) -> None:
    """Serve a fault until the process is ended."""
    fault, _ = FAULTS[name]
    listener = socket.create_server(("127.0.0.1", 0))
    ready.send(listener.getsockname()[1])

    def serve(link: socket.socket) -> None:
        with link, suppress(OSError):
            link.recv(65536)
            fault(link)

    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


@contextmanager
def misbehaving(name: str) -> Iterator[str]:
    """Run a server that misbehaves; give its address."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=misbehave, args=(name, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


# --- the product ---


def hub(*instances: dict[str, Any]) -> Hub:
    """Make the part of the product that asks instances."""
    settings = validate({"instances": list(instances)}, trusted=True).settings
    if settings is None:
        raise NotDone("the configuration is wrong")

    def now() -> datetime:
        return datetime.now(UTC)

    return Hub(
        settings,
        make_client=lambda instance: Client(instance, reveal=reveal, now=now),
        now=now,
        monotonic=time.monotonic,
        is_live=lambda _: False,
    )


def discover(asked: Hub, apps: int, kind: type[errors.ArgoCDError] | None) -> float:
    """Discover everything; give the seconds until the good instances were read."""
    began = time.perf_counter()
    good: list[Heard] = []
    bad: list[Heard] = []
    took = 0.0
    for batch in asked.ask():
        for heard in batch:
            (good if heard.source.name.startswith("good") else bad).append(heard)
        if len(good) == 2 and not took:
            took = time.perf_counter() - began
    complete = all(h.outcome is Outcome.COMPLETE and len(h.apps) == apps for h in good)
    if len(good) != 2 or not complete:
        raise NotDone(f"a good instance did not answer in full: {good}")
    if kind is not None and not (len(bad) == 1 and isinstance(bad[0].error, kind)):
        raise NotDone(f"the bad instance did not fail as it should: {bad[0].error!r}")
    return took


def isolating(sizes: Sizes) -> list[Row]:
    """Measure each fault."""
    apps = min(sizes.apps, 1000)
    with ExitStack() as stack:
        fleets = [stack.enter_context(Fleet(apps, 1)) for _ in range(2)]
        good = [
            {"name": f"good-{number}", "argocdUrl": i.url, "token": i.token}
            for number, fleet in enumerate(fleets)
            for i in fleet.instances
        ]
        return [_beside(name, good, apps, sizes.rounds) for name in sizes.faults or FAULTS]


def _beside(name: str, good: list[dict[str, Any]], apps: int, rounds: int) -> Row:
    with misbehaving(name) as url:
        patience = {"connect": "1s", "read": "1s", "list": "2s"}
        bad = {"name": "bad", "argocdUrl": url, "token": "t", "timeouts": patience}
        alone, beside = hub(*good), hub(*good, bad)
        figure, floor = alternate(
            rounds,
            lambda: 1000 * discover(beside, apps, FAULTS[name][1]),
            lambda: 1000 * discover(alone, apps, None),
        )
        alone.close()
        beside.close()
    return Row(
        workload="ISOLATION",
        work=f"two instances of {apps:,} apps beside one that misbehaves: {name}",
        figure=figure,
        peer="the two alone",
        floor=floor,
        mark=f"at most {ALLOWED:g} x",
        reached=figure.median <= ALLOWED * floor.median,
        warm_up=1,
        memory=memory(),
    )
