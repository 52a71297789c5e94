"""The record of received requests, for tests that count them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping

import attrs

_KEPT = 10_000
_HEADERS = ("accept", "accept-encoding", "content-type", "grpc-timeout", "user-agent")


@attrs.frozen
class ReceivedRequest:
    """One request as it arrived; secrets are not kept."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: object
    route: str


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers a test may look at; of credentials only that they were there."""
    kept = {name: headers[name] for name in _HEADERS if name in headers}
    for name in ("authorization", "cookie"):
        if name in headers:
            kept[name] = "(present)"
    return kept


class Requests:
    """Every request received, oldest first; the newest ten thousand are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: deque[ReceivedRequest] = deque(maxlen=_KEPT)

    def __len__(self) -> int:
        return len(self._received)

    def __iter__(self) -> Iterator[ReceivedRequest]:
        with self._lock:
            return iter(list(self._received))

    def __getitem__(self, index: int) -> ReceivedRequest:
        with self._lock:
            return self._received[index]

    def add(self, request: ReceivedRequest) -> None:
        """Keep *request*."""
        with self._lock:
            self._received.append(request)

    def clear(self) -> None:
        """Forget everything received so far."""
        with self._lock:
            self._received.clear()

    def of(self, route: str) -> list[ReceivedRequest]:
        """Return the requests to one kind of route, for instance ``list`` or ``sync``."""
        return [request for request in self if request.route == route]
