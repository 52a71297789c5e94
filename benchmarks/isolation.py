"""
How much longer the discovery of instances that are well takes beside one that misbehaves.

Run it with ``python benchmarks/isolation.py [--apps 1000] [--rounds 15] [FAULT ...]``. Two
simulators that are well and the misbehaving server are processes of their own, so that only the
product shares its processor time with itself. Discovery alone and beside the fault alternate in
the same run. A round in which a good instance was not complete, or the bad one did not fail as it
should, ends the run with an error.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

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


@contextmanager
def simulated(apps: int, seed: int) -> Iterator[dict[str, Any]]:
    """Run a simulator in a process of its own; give its part of a configuration."""
    command = [sys.executable, "-c", "from gantry_argocd.cli import main; main()", "simulate"]
    options = ["--port", "0", "--apps", str(apps), "--seed", str(seed)]
    process = subprocess.Popen(  # noqa: S603
        command + options, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        if process.stdout is None:
            raise SystemExit("the simulator says nothing")
        url = process.stdout.readline().split()[-1]
        token = process.stdout.readline().split()[-1]
        yield {"name": f"good-{seed}", "argocdUrl": url, "token": token}
    finally:
        process.terminate()
        process.wait()


# --- the product ---


def hub(*instances: dict[str, Any]) -> Hub:
    """Make the part of the product that asks instances."""
    settings = validate({"instances": list(instances)}, trusted=True).settings
    if settings is None:
        raise SystemExit("the configuration is wrong")

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
        raise SystemExit(f"a good instance did not answer in full: {good}")
    if kind is not None and not (len(bad) == 1 and isinstance(bad[0].error, kind)):
        raise SystemExit(f"the bad instance did not fail as it should: {bad[0].error!r}")
    return took


def measure(name: str, good: list[dict[str, Any]], apps: int, rounds: int) -> float:
    """Measure one fault, print the figures, and give the ratio of the medians."""
    with misbehaving(name) as url:
        patience = {"connect": "1s", "read": "1s", "list": "2s"}
        bad = {"name": "bad", "argocdUrl": url, "token": "t", "timeouts": patience}
        alone, beside = hub(*good), hub(*good, bad)
        floor, product = [], []
        discover(alone, apps, None), discover(beside, apps, FAULTS[name][1])
        for number in range(rounds):
            turns = [
                lambda: floor.append(discover(alone, apps, None)),
                lambda: product.append(discover(beside, apps, FAULTS[name][1])),
            ]
            for turn in turns if number % 2 else reversed(turns):
                turn()
        alone.close()
        beside.close()
    ratio = statistics.median(product) / statistics.median(floor)
    print(  # noqa: T201
        f"{name:16} {figures(floor)}   {figures(product)}   {ratio:5.2f}"
        f"{'' if ratio <= ALLOWED else '  more than allowed'}",
        flush=True,
    )
    return ratio


def figures(times: list[float]) -> str:
    """Give median and spread in milliseconds."""
    low, median, high = (1000 * t for t in (min(times), statistics.median(times), max(times)))
    return f"{median:7.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    """Measure each fault, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help=f"of {', '.join(FAULTS)}")
    options = parser.parse_args()
    if strange := set(options.faults) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(strange))}")

    print(  # noqa: T201
        f"two good instances of {options.apps} applications, {options.rounds} rounds; "
        "median (least to most) in ms: alone, beside the fault, ratio",
        flush=True,
    )
    with ExitStack() as stack:
        good = [stack.enter_context(simulated(options.apps, seed)) for seed in (1, 2)]
        for name in options.faults or FAULTS:
            measure(name, good, options.apps, options.rounds)


if __name__ == "__main__":
    main()
