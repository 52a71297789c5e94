"""Ways to talk to a running simulator."""

from __future__ import annotations

import http.client
import json
from typing import Any
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
