"""
Several blocking calls at once, in threads that never keep a process from ending.

``concurrent.futures`` joins its threads when the interpreter ends, so one request that hangs
would hold up a shutdown for as long as its time-out (``design.md``, "Hooks are plain
synchronous functions").
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")


class Pool(Generic[K, T]):
    """
    Runs calls in daemon threads and gives their results as they come.

    Args:
        calls: By key. None may raise; wrap failures into values.

        limit: How many run at once.

        name: For the threads.
    """

    def __init__(self, calls: Mapping[K, Callable[[], T]], *, limit: int, name: str) -> None:
        self._waiting: queue.SimpleQueue[tuple[K, Callable[[], T]]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[K, T]] = queue.SimpleQueue()
        self._left = len(calls)
        for item in calls.items():
            self._waiting.put(item)
        for number in range(min(limit, len(calls))):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                key, call = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._done.put((key, call()))

    def batches(self, seconds: float | None = None) -> Iterator[dict[K, T]]:
        """
        Give what has come since the last time, until all has, or *seconds* are over.

        Results that come together are given together, so that whoever uses them has fewer turns.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while self._left:
            batch: dict[K, T] = {}
            try:
                left = None if end is None else max(end - time.monotonic(), 0)
                batch.update([self._done.get(timeout=left)])
                while len(batch) < self._left:
                    batch.update([self._done.get_nowait()])
            except queue.Empty:
                if not batch:
                    return
            self._left -= len(batch)
            yield batch

    def results(self, seconds: float | None = None) -> dict[K, T]:
        """Give everything that has come within *seconds*."""
        found: dict[K, T] = {}
        for batch in self.batches(seconds):
            found |= batch
        return found


class Gate:
    """Counts those inside; used as a context manager."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0

    def __enter__(self) -> None:
        with self._changed:
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait until nobody is inside, so many seconds at most; say whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._inside == 0, seconds)
