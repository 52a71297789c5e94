"""The simulated instances and the host, each in a process of its own, and the host in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import attrs
import httpx
import orjson
import sqlalchemy as sa
from argon2 import PasswordHasher
from measuring import demand

from gantry_argocd.hookspecs import Request, Route, User
from gantry_argocd.refhost import Host, HostOptions, create_host, database
from gantry_argocd.wire import PORTABLE_FIELDS

VIEWER: User = {"name": "viewer", "role": "viewer"}
ENGINEER: User = {"name": "engineer", "role": "platform-engineer"}
PASSWORD = "only for benchmarks"  # noqa: S105
PLUGIN = "/api/v1/plugins/argocd"
_COMMAND = (sys.executable, "-c", "from gantry_argocd.cli import main; main()")
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_LONGEST = 600.0


@attrs.frozen
class Instance:
    """One simulated Argo CD."""

    name: str
    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request has to bring."""
        return {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "gzip, deflate"}


class Fleet:
    """
    Simulated instances in a process of their own.

    Args:
        apps: Of all together.

        instances: How many.
    """

    def __init__(self, apps: int, instances: int) -> None:
        self._apps, self._count = apps, instances
        self.instances: list[Instance] = []
        self.admin = httpx.Client(timeout=60)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603
            [
                *(*_COMMAND, "simulate", "--port", "0", "--output", "config"),
                *("--apps", str(self._apps), "--instances", str(self._count)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        output = self._process.stdout
        text = ""
        for line in output or ():
            text += line
            if line == "}\n":
                break
        demand(text.endswith("}\n"), "the simulator did not start")
        self.instances = [
            Instance(i["name"], i["argocdUrl"], i["token"]) for i in json.loads(text)["instances"]
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self.admin.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def config(self, **more: Any) -> dict[str, Any]:
        """Give a configuration of the plugin; *more* for each instance."""
        return {
            "instances": [
                {"name": i.name, "argocdUrl": i.url, "token": i.token} | more
                for i in self.instances
            ],
            "syncInterval": "",
        }

    def send(self, instance: Instance, method: str, route: str, body: Any = None) -> Any:
        """Call the admin route of an instance."""
        answer = self.admin.request(
            method,
            f"{instance.url}/_simulator/{route}",
            content=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        demand(answer.is_success, f"{method} {route}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def upstream(self) -> dict[str, tuple[int, int]]:
        """Count the requests and bytes of each kind of route that all have got so far."""
        found: dict[str, tuple[int, int]] = {}
        for instance in self.instances:
            for route, told in self.send(instance, "GET", "requests")["routes"].items():
                number, size = found.get(route, (0, 0))
                found[route] = (number + told["requests"], size + told["bytes"])
        return found

    def applications(self) -> list[tuple[Instance, Any]]:
        """List every Application as it is now, and with it where it is."""
        return [
            (instance, item)
            for instance in self.instances
            for item in orjson.loads(listing(self.admin, instance))["items"]
        ]

    def truth(self) -> dict[str, str]:
        """Give ``sync/health`` of every Application that is not to be ignored, by ref."""
        found = {}
        for instance, item in self.applications():
            metadata, status = item["metadata"], item.get("status") or {}
            if (metadata.get("annotations") or {}).get("gantry.io/ignore") == "true":
                continue
            space = metadata["namespace"]
            name = metadata["name"] if space == "argocd" else f"{space}/{metadata['name']}"
            sync, health = (
                (status.get(key) or {}).get("status") or "Unknown" for key in ("sync", "health")
            )
            found[f"{instance.name}:{name}"] = f"{sync}/{health}"
        return found


def listing(client: httpx.Client, instance: Instance) -> bytes:
    """Fetch what the plugin fetches from an instance, and nothing more."""
    answer = client.get(
        f"{instance.url}/api/v1/applications",
        params={"fields": PORTABLE_FIELDS},
        headers=instance.headers,
    )
    demand(answer.status_code == httpx.codes.OK, f"{instance.name}: {answer.status_code}")
    return answer.content


class Floor:
    """The floor of a discovery: the same answers, fetched concurrently and decoded by orjson."""

    def __init__(self, fleet: Fleet, apps: int) -> None:
        self._fleet, self._apps = fleet, apps
        self._client = httpx.Client(timeout=60)
        self._pool = ThreadPoolExecutor(len(fleet.instances))

    def __call__(self) -> None:
        """Do it once."""
        answers = self._pool.map(
            lambda instance: orjson.loads(listing(self._client, instance)), self._fleet.instances
        )
        found = sum(len(answer["items"]) for answer in answers)
        demand(found == self._apps, f"the floor read {found} applications of {self._apps}")

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown()
        self._client.close()


# --- the host in this process ---


class Portal:
    """
    A host with the plugin, found by its entry point, over a new SQLite catalogue.

    Args:
        folder: Where it keeps it.

        config: Of the plugin.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.host: Host = create_host(
            data_dir=folder,
            configs={"argocd": config},
            options=HostOptions(hasher=_CHEAP),
            admin_password=PASSWORD,
        )

    def start(self) -> Any:
        """Start it, and give the report of its first sync when that has ended."""
        self.host.start()
        return self.sync()

    def sync(self) -> Any:
        """Sync by the plugin's route, or join a sync; give the report when it has ended."""
        status, report = self.call("POST", "/sync")
        began = report["startedAt"]
        for _ in range(int(_LONGEST / 0.05)):
            if not report["running"]:
                break
            time.sleep(0.05)
            report = self.host.plugins.status("argocd")["lastSync"]
        demand(not report["running"] and report["startedAt"] == began, f"sync: {status} {report}")
        demand(not report["errors"] and not report["heldBack"], f"sync: {report['errors'][:5]}")
        return report

    def call(self, method: str, path: str) -> tuple[int, Any]:
        """Call a route of the plugin."""
        routes: Sequence[Route] = self.host.plugins.routes("argocd")
        handler = next(r["handler"] for r in routes if (r["method"], r["path"]) == (method, path))
        request = Request(path={}, query={}, body=b"", contentType=None, user=ENGINEER)
        answer = handler(request)
        return answer["status"], answer["body"]

    def ticks(self) -> int:
        """Count the transactions that have changed an entity."""
        engine = self.host.catalogue._engine  # noqa: SLF001
        with engine.connect() as connection:
            return int(connection.scalar(sa.select(database.clock.c.ticks)) or 0)

    def services(self) -> dict[str, Any]:
        """Give all Services by name."""
        return {e["metadata"]["name"]: e for e in self.host.catalogue.entities("Service")}

    def close(self) -> None:
        """End everything."""
        self.host.close()


@contextmanager
def portal(config: Mapping[str, Any]) -> Iterator[Portal]:
    """Make a host over a new catalogue; it is not started yet."""
    with tempfile.TemporaryDirectory(prefix="gantry-benchmark-") as folder:
        made = Portal(Path(folder), config)
        try:
            yield made
        finally:
            made.close()


def states(entities: Sequence[Any]) -> dict[str, str]:
    """Give what the catalogue says of every app, by ref."""
    return {
        ref: state
        for entity in entities
        for told in entity["metadata"].get("annotations", {}).get("argocd.io/apps", "").split(",")
        for ref, _, state in [told.partition("=")]
        if ref
    }


def check(entities: Sequence[Any], truth: Mapping[str, str]) -> None:
    """Demand that the catalogue has every Application, each once, and as it is."""
    told = states(entities)
    wrong = [ref for ref in told.keys() | truth.keys() if told.get(ref) != truth.get(ref)]
    demand(not wrong, f"{len(wrong)} of {len(truth)} apps are wrong, such as {sorted(wrong)[:3]}")


# --- the host in a process of its own ---


class Served:
    """``gantry-argocd serve``: a process, where it is, and a client that has signed in."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url
        self.client = httpx.Client(base_url=url, timeout=60)
        answer = self.client.post(
            "/api/v1/auth/login", json={"username": "admin", "password": PASSWORD}
        )
        demand(answer.is_success, f"sign-in: {answer.status_code}")
        self.client.cookies.clear()
        self.token = answer.json()["token"]
        self.client.headers["Authorization"] = f"Bearer {self.token}"

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def status(self) -> Any:
        """What the plugin says of itself."""
        return self.client.get(PLUGIN).json()

    def wait_until(self, what: str, good: Any, seconds: float = _LONGEST) -> None:
        """Wait until the plugin's status is *good*."""
        ends = time.monotonic() + seconds
        while not good(found := self.status()):
            demand(time.monotonic() < ends, f"not within {seconds} s: {what}; {str(found)[:2000]}")
            demand(self.process.poll() is None, "the host has ended")
            time.sleep(0.1)

    def wait_for_sync(self) -> Any:
        """Wait for the end of the last sync; give its report."""
        self.wait_until("a sync", lambda s: s.get("lastSync") and not s["lastSync"]["running"])
        report = self.status()["lastSync"]
        demand(not report["errors"], f"sync: {report['errors'][:5]}")
        return report

    def wait_until_live(self) -> None:
        """Wait until every stream is followed, and its first picture was confirmed by a list."""
        self.wait_until(
            "streams", lambda s: all(i["stream"]["state"] == "live" for i in s["instances"])
        )

    def services(self) -> list[Any]:
        """Give all Services as REST does."""
        answer = self.client.get("/api/v1/entities/Service")
        demand(answer.is_success, f"entities: {answer.status_code}")
        return list(answer.json())


@contextmanager
def served(config: Mapping[str, Any] | None, folder: Path | None = None) -> Iterator[Served]:
    """Run a host in a process of its own; it must end by itself when told."""
    with ExitStack() as stack:
        kept = tempfile.TemporaryDirectory(prefix="gantry-benchmark-")
        data = folder or Path(stack.enter_context(kept))
        arguments = ["serve", "--port", "0", "--data-dir", str(data / "host")]
        if config is not None:
            path = data / "config.json"
            path.write_text(json.dumps(config), "utf-8")
            arguments += ["--config", str(path)]
        with subprocess.Popen(  # noqa: S603
            (*_COMMAND, *arguments),
            stdout=subprocess.PIPE,
            stderr=(data / "log").open("w"),
            text=True,
            env=_environment(),
        ) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                demand(line.startswith("Gantry is at "), f"the host did not start: {line}")
                host = Served(process, line.removeprefix("Gantry is at ").strip())
                yield host
                host.client.close()
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
        demand(process.returncode == 0, f"the host ended with {process.returncode}")


def _environment() -> dict[str, str]:
    return {**os.environ, "GANTRY_ADMIN_PASSWORD": PASSWORD}
