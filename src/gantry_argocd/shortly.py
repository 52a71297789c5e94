"""
Answers that are kept for a moment, and fetched once for everybody who asks (P7).
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from .concurrency import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class _Flight(Generic[V]):
    """A value on its way."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.value: V | None = None
        self.valid = True


class Shortly(Generic[K, V]):
    """
    Values that are worth keeping for a moment.

    Args:
        seconds: How long, by key, as things are when the value is asked for again.

        monotonic: Seconds that pass.

        keep: Says of a value whether it is worth keeping; None never is.

        most: Values that are kept.
    """

    def __init__(
        self,
        seconds: Callable[[K], float],
        *,
        monotonic: Callable[[], float],
        keep: Callable[[V], bool] = lambda _: True,
        most: int,
    ) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._keep = keep
        self._most = most
        self._lock = threading.Lock()
        self._values: dict[K, tuple[float, V]] = {}
        self._flights: dict[K, _Flight[V]] = {}

    def get(self, key: K, fetch: Callable[[], V]) -> V:
        """Give the value that is kept, or that somebody fetches just now, or fetch it."""
        with self._lock:
            kept = self._values.get(key)
            if kept is not None and self._monotonic() < kept[0] + self._seconds(key):
                return kept[1]
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not mine:
            flight.landed.wait()
            if flight.value is not None:
                return flight.value
            return fetch()
        try:
            flight.value = fetch()
        finally:
            with self._lock:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                if flight.value is not None and flight.valid and self._keep(flight.value):
                    self._store(key, flight.value)
            flight.landed.set()
        return flight.value

    def begin(self, fetches: Mapping[K, Callable[[], V]], *, limit: int, name: str) -> Pool[K, V]:
        """
        Begin to get several values at once.

        Args:
            fetches: By key, how to fetch each; of what is kept nobody needs a thread.

            limit: How many are fetched at once.

            name: For the threads.
        """
        now = self._monotonic()
        with self._lock:
            found = {key: kept for key in fetches if (kept := self._values.get(key)) is not None}
        known = {key: value for key, (at, value) in found.items() if now < at + self._seconds(key)}
        calls = {
            key: partial(self.get, key, fetch) for key, fetch in fetches.items() if key not in known
        }
        return Pool(calls, limit=limit, name=name, known=known)

    def forget(self, key: K) -> None:
        """Drop a value: what it is about has changed; what is on its way is not kept either."""
        with self._lock:
            self._values.pop(key, None)
            flight = self._flights.pop(key, None)
            if flight is not None:
                flight.valid = False

    def _store(self, key: K, value: V) -> None:
        now = self._monotonic()
        self._values = {
            k: kept for k, kept in self._values.items() if now < kept[0] + self._seconds(k)
        }
        while len(self._values) >= self._most:
            del self._values[next(iter(self._values))]
        self._values[key] = (now, value)
