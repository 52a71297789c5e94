"""A portal as the demo runs it, for browser tests and screenshots."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
from argon2 import PasswordHasher

from gantry_argocd.refhost import Host, HostOptions, ShownPage, create_host, sample, serve_in_thread
from gantry_argocd.showroom import gallery_page
from gantry_argocd.simulator import Simulator
from waiting import eventually

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--force-color-profile=srgb", "--disable-dev-shm-usage"]


@attrs.frozen
class Portal:
    """
    A running portal.

    Attributes:
        url: Of the host.

        host: The host itself.

        argocd: The instance ``production``.

        staging: The instance ``staging``.
    """

    url: str
    host: Host
    argocd: Simulator
    staging: Simulator

    def sync(self) -> Any:
        """Let the plugin discover everything now; its report."""
        body = {"username": "admin", "password": sample.DEMO_PASSWORD}
        with httpx.Client(base_url=self.url, timeout=30) as client:
            token = client.post("/api/v1/auth/login", json=body).json()["token"]
            client.cookies.clear()
            client.headers["Authorization"] = f"Bearer {token}"
            client.post("/api/v1/plugins/argocd/sync")
            return eventually(
                lambda: client.get("/api/v1/plugins/argocd").json()["lastSync"],
                lambda run: run is not None and not run["running"],
            )


@contextmanager
def running_portal(operation_seconds: float = 0.4) -> Iterator[Portal]:
    """Run simulators and host until the block ends; everything is discovered."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gantry-browser-")))
        argocd = stack.enter_context(Simulator(apps=40, operation_seconds=operation_seconds))
        staging = stack.enter_context(
            Simulator(apps=20, seed=2, name="staging", operation_seconds=operation_seconds)
        )
        config = {
            "instances": [
                {"name": "production", "argocdUrl": argocd.url, "token": argocd.token},
                {"name": "staging", "argocdUrl": staging.url, "token": staging.token},
            ],
            "syncInterval": "",
        }
        host = create_host(
            data_dir=folder,
            users=sample.demo_users(),
            configs={"argocd": config},
            plugins=sample.neighbours(),
            options=HostOptions(
                hasher=CHEAP,
                shown=[ShownPage(path="/gallery", title="Gallery", draw=gallery_page())],
            ),
        )
        running = stack.enter_context(serve_in_thread(host))
        sample.fill(host)
        portal = Portal(running.url, host, argocd, staging)
        portal.sync()
        yield portal
