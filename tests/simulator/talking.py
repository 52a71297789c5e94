"""Ways to talk to a running simulator."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import httpx

from gantry_argocd.simulator import Simulator

JSON = "application/json"
PORTABLE = ",".join(
    f"items.{name}"
    for name in (
        *("metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations"),
        *("metadata.creationTimestamp", "metadata.deletionTimestamp", "spec", "operation.sync"),
        *("status.sync.status", "status.sync.revision", "status.health", "status.summary"),
        *("status.sourceHydrator", "status.operationState.phase"),
        *("status.operationState.startedAt", "status.operationState.finishedAt"),
    )
)
_T = TypeVar("_T")


@attrs.frozen
class RawAnswer:
    """An answer as it came over the wire, nothing followed or decoded."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def raw_request(
    sim: Simulator,
    method: str,
    target: str,
    headers: dict[str, str] | None = None,
    body: str | None = None,
) -> RawAnswer:
    """Send exactly this request line; httpx would tidy up the path."""
    connection = http.client.HTTPConnection(urlsplit(sim.url).netloc, timeout=5)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return RawAnswer(response.status, names, response.read())
    finally:
        connection.close()


def client_of(sim: Simulator, account: str = "admin") -> httpx.Client:
    """A client with the token of *account*."""
    headers = {"authorization": f"Bearer {sim.tokens[account]}"}
    return httpx.Client(base_url=sim.url, headers=headers, timeout=10)


def wait_for(read: Callable[[], _T], seconds: float = 5.0) -> _T:
    """Return the first truthy value *read* gives; fails after *seconds*."""
    ends = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < ends, f"nothing within {seconds} s"
    return value
