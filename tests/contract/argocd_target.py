"""The Argo CD server that the contract is held against: a simulated one, or one that is given."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import attrs
import httpx
import pytest

from gantry_argocd.simulator import Grant, Simulator

Json = dict[str, Any]
JSON = {"content-type": "application/json"}
LIST = "/api/v1/applications"
STREAM = "/api/v1/stream/applications"


@attrs.frozen(kw_only=True)
class Target:
    """
    A server, the credentials for it, and what was prepared on it.

    Attributes:
        version: Major, minor and patch of its version.

        tokens: Tokens of other callers, by what they may do: ``reader`` (get), ``nobody``.

        apps: Names of Applications in the control-plane namespace, by what they are prepared for.

        writes: Whether tests may change the server.

        namespace: The control-plane namespace.
    """

    url: str
    token: str
    version: tuple[int, int, int]
    version_text: str
    username: str = ""
    password: str = ""
    tokens: Mapping[str, str] = attrs.Factory(dict)
    apps: Mapping[str, str] = attrs.Factory(dict)
    writes: bool = False
    namespace: str = "argocd"
    verify: bool | str = True

    def since(self, *version: int) -> bool:
        """Return whether the server is that release or a later one."""
        return self.version >= version

    def app(self, kind: str = "plain") -> str:
        """Return the name of a prepared Application; skips the test without one."""
        name = self.apps.get(kind)
        if not name:
            not_tried(f"no Application is prepared for {kind!r}")
        return name

    def read(self, name: str) -> Json:
        """Return an Application as it is."""
        answer = self.get(f"{LIST}/{name}", appNamespace=self.namespace)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    @contextmanager
    def client(self, caller: str | None = "") -> Iterator[httpx.Client]:
        """Open a client for a caller: the token's own, one of `tokens`, or None for nobody."""
        token = self.token if caller == "" else self.tokens.get(caller or "")
        if caller and token is None:
            not_tried(f"no token of a {caller} is given")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        with httpx.Client(
            base_url=self.url, headers=headers, timeout=60, verify=self.verify
        ) as client:
            yield client

    def get(self, path: str, /, caller: str | None = "", **params: Any) -> httpx.Response:
        """Ask."""
        with self.client(caller) as client:
            return client.get(path, params=params)

    def listed(self, caller: str | None = "", **params: Any) -> list[Json]:
        """Return the items of a list; none for null."""
        answer = self.get(LIST, caller, **params)
        assert answer.status_code == 200, answer.text
        items: list[Json] = answer.json()["items"] or []
        return items

    def post(self, path: str, body: Any, caller: str | None = "") -> httpx.Response:
        """Send a JSON body."""
        with self.client(caller) as client:
            return client.post(path, json=body)

    def write(self) -> None:
        """Skip the test where nothing may be changed."""
        if not self.writes:
            not_tried("nothing may be changed: ARGOCD_CONTRACT_WRITE is not 1")


def not_tried(reason: str) -> NoReturn:
    """Skip a test whose fact cannot be tried here."""
    pytest.skip(reason)


def parsed(version: str) -> tuple[int, int, int]:
    """Return the numbers of a version; one that has none is taken for the oldest supported."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return (2, 8, 0) if found is None else (int(found[1]), int(found[2]), int(found[3]))


def given() -> Target:
    """Return the server that the environment names."""
    url, token = os.environ["ARGOCD_URL"].rstrip("/"), os.environ.get("ARGOCD_TOKEN", "")
    verify: bool | str = os.environ.get("ARGOCD_CA_FILE") or True
    if os.environ.get("ARGOCD_INSECURE") == "1":
        verify = False
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, verify=verify, timeout=30) as client:
        text = client.get("/api/version").json()["Version"]
        namespace = client.get("/api/v1/settings").json().get("controllerNamespace", "argocd")
    apps = {
        kind: os.environ.get(f"ARGOCD_APP_{kind.upper()}", "")
        for kind in ("plain", "multi", "automated", "windowed")
    }
    tokens = {
        caller: os.environ[name]
        for caller in ("reader", "nobody")
        if (name := f"ARGOCD_TOKEN_{caller.upper()}") in os.environ
    }
    return Target(
        url=url,
        token=token,
        version=parsed(text),
        version_text=text,
        username=os.environ.get("ARGOCD_USERNAME", ""),
        password=os.environ.get("ARGOCD_PASSWORD", ""),
        tokens=tokens,
        apps=apps,
        writes=os.environ.get("ARGOCD_CONTRACT_WRITE") == "1",
        namespace=namespace,
        verify=verify,
    )


@contextmanager
def simulated(release: str) -> Iterator[Target]:
    """Run a simulated server of a release, everything prepared."""
    with Simulator(
        release=release, operation_seconds=0.4, reconcile_seconds=0.02, keep_alive_seconds=0.2
    ) as simulator:
        simulator.policies.replace("reader", [Grant("applications", "get", "*/*")])
        yield Target(
            url=simulator.url,
            token=simulator.token,
            version=parsed(simulator.profile.version),
            version_text=simulator.profile.version,
            username="admin",
            password="simulator",
            tokens={name: simulator.tokens[name] for name in ("reader", "nobody")},
            apps={
                "plain": "payment-api",
                "multi": "search-api",
                "automated": "checkout-web",
                "windowed": "dns",
            },
            writes=True,
            verify=False,  # it speaks plain HTTP, and reading the system's certificates takes time
        )
