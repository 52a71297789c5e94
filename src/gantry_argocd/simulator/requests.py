"""The record of received requests, for tests that count them."""

from __future__ import annotations

import threading
from collections import Counter, deque
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
    """Every request received, oldest first; the newest ten thousand are kept, all are counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received: deque[ReceivedRequest] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()

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
            self._counts[request.route] += 1

    def sent(self, route: str, octets: int) -> None:
        """Count bytes of a body that went out, as compressed as they were."""
        with self._lock:
            self._sent[route] += octets

    def totals(self) -> dict[str, dict[str, int]]:
        """Give the number of requests and the bytes sent, by kind of route, since the start."""
        with self._lock:
            return {
                route: {"requests": number, "bytes": self._sent[route]}
                for route, number in sorted(self._counts.items())
            }

    def clear(self) -> None:
        """Forget everything received so far."""
        with self._lock:
            self._received.clear()

    def of(self, route: str) -> list[ReceivedRequest]:
        """Return the requests to one kind of route, for instance ``list`` or ``sync``."""
        return [request for request in self if request.route == route]
