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


_SHARE = 0.01
"""A batch waits for so much of the time that it took until now: nobody notices."""


class Pool(Generic[K, T]):
    """
    Runs calls in daemon threads and gives their results as they come.

    Args:
        calls: By key. None may raise; wrap failures into values.

        limit: How many run at once.

        name: For the threads.

        known: Results that are there already; they cost no thread.
    """

    def __init__(
        self,
        calls: Mapping[K, Callable[[], T]],
        *,
        limit: int,
        name: str,
        known: Mapping[K, T] | None = None,
    ) -> None:
        self._waiting: queue.SimpleQueue[tuple[K, Callable[[], T]]] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[K, T]] = queue.SimpleQueue()
        self._began = time.monotonic()
        self._left = len(calls)
        for item in calls.items():
            self._waiting.put(item)
        for result in (known or {}).items():
            self._done.put(result)
            self._left += 1
        for number in range(min(limit, len(calls))):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                key, call = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._done.put((key, call()))

    def batches(self, about_to: Callable[[], bool], longest: float) -> Iterator[dict[K, T]]:
        """
        Give what has come since the last time, until all has.

        Results that come together are given together, so that whoever uses them has fewer turns.

        Args:
            about_to: Says whether another result is about to come, so that it is worth to wait.

            longest: Seconds after the first result of a batch at which it ends all the same.
        """
        while self._left:
            batch = dict([self._done.get()])
            self._left -= 1
            ends = time.monotonic() + longest
            while self._left:
                now = time.monotonic()
                more = self._within(_SHARE * (now - self._began) if now < ends else 0)
                if more is not None:
                    batch.update([more])
                elif now >= ends or not about_to():
                    break
            yield batch

    def results(self, seconds: float | None = None) -> dict[K, T]:
        """Give everything that has come within *seconds*."""
        ends = None if seconds is None else time.monotonic() + seconds
        found: dict[K, T] = {}
        while self._left:
            one = self._within(None if ends is None else ends - time.monotonic())
            if one is None:
                break
            found.update([one])
        return found

    def _within(self, seconds: float | None) -> tuple[K, T] | None:
        """Take one result; None when there is none within *seconds*."""
        try:
            found = self._done.get(timeout=None if seconds is None else max(seconds, 0))
        except queue.Empty:
            return None
        self._left -= 1
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

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait until nobody is inside, so many seconds at most; say whether it is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._inside == 0, seconds)
