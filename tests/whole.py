"""A portal as the demo runs it, and people who use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import attrs
import httpx
from argon2 import PasswordHasher

from gantry_argocd.refhost import Host, HostOptions, ShownPage, create_host, sample, serve_in_thread
from gantry_argocd.simulator import Simulator
from waiting import eventually

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PLUGIN = "/api/v1/plugins/argocd"


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

    @contextmanager
    def rest(self, user: str) -> Iterator[httpx.Client]:
        """Sign in over REST."""
        with httpx.Client(base_url=self.url, timeout=30) as client:
            body = {"username": user, "password": "demo"}
            answer = client.post("/api/v1/auth/login", json=body)
            client.cookies.clear()
            client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
            yield client

    @contextmanager
    def browser(self, user: str) -> Iterator[httpx.Client]:
        """Sign in with the form, as a browser without JavaScript does."""
        with httpx.Client(base_url=self.url, timeout=30, follow_redirects=True) as client:
            form = fields(client.get("/login").text, "/login")
            client.post("/login", data=form | {"username": user, "password": "demo"})
            yield client


def fields(html: str, action: str, /, **wanted: str) -> dict[str, str]:
    """Give the hidden fields of the form that posts to *action* and has the *wanted* values."""
    for form in re.findall(r"<form[^>]*>.*?</form>", html, re.DOTALL):
        head = unescape(form[: form.index(">")])
        hidden = {
            name: unescape(value)
            for name, value in re.findall(
                r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form
            )
        }
        if f'action="{action}"' in head and wanted.items() <= hidden.items():
            return hidden
    msg = f"no form for {action} with {wanted}"
    raise AssertionError(msg)


@contextmanager
def running(
    argocd: Simulator, staging: Simulator, folder: Path, *shown: ShownPage
) -> Iterator[Portal]:
    """Run a portal with two instances until the block ends; everything is discovered."""
    config = {
        "instances": [
            {"name": "production", "argocdUrl": argocd.url, "token": argocd.token},
            {
                "name": "staging",
                "argocdUrl": staging.url,
                "username": "admin",
                "password": "simulator",
            },
        ],
        "syncInterval": "",
    }
    host = create_host(
        data_dir=folder,
        users=sample.demo_users(),
        configs={"argocd": config},
        plugins=sample.neighbours(),
        options=HostOptions(hasher=CHEAP, shown=shown),
    )
    with serve_in_thread(host) as served:
        sample.fill(host)
        made = Portal(served.url, host, argocd, staging)
        with made.rest("platform-engineer") as client:
            eventually(
                lambda: last_sync(client), lambda run: run is not None and not run["running"]
            )
        yield made


def last_sync(client: httpx.Client) -> Any:
    """Give the report of the last sync."""
    return client.get(PLUGIN).json()["lastSync"]
