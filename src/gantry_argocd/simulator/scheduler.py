"""One thread that does things at their simulated time."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from .clock import SimulatedClock


class Scheduler:
    """One thread that calls functions at their time and sleeps in between.

    What a function puts off counts from when it was due itself, not from when it was called: so a
    clock that is advanced by an hour brings about the same as an hour.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._moment: float | None = None  # of what is being called
        clock.on_change(self._wake)

    def start(self) -> None:
        """Begin to call what is due."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="argocd-controller", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop calling anything and wait for the thread to end."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call *call* once, *seconds* from now."""
        with self._condition:
            due = self._present() + seconds
            heapq.heappush(self._due, (due, next(self._numbers), call))
            self._condition.notify_all()

    def now(self) -> datetime:
        """Return the time; to what is being called, the time it was due."""
        with self._condition:
            late = self._clock.passed() - self._present()
        return self._clock() - timedelta(seconds=late)

    def settle(self) -> None:
        """Wait until nothing is due any more that time has come for."""
        with self._condition:
            while self._thread is not None and not self._stopping and self._busy():
                self._condition.wait(0.05)

    def _busy(self) -> bool:
        due = bool(self._due) and self._due[0][0] <= self._clock.passed()
        return due or self._moment is not None

    def _present(self) -> float:
        if self._moment is not None and threading.current_thread() is self._thread:
            return self._moment
        return self._clock.passed()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            call()
            with self._condition:
                self._moment = None
                self._condition.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            while not self._stopping:
                wait = self._due[0][0] - self._clock.passed() if self._due else None
                if wait is not None and wait <= 0:
                    self._moment, _, call = heapq.heappop(self._due)
                    return call
                self._condition.wait(None if wait is None else self._clock.outside(wait))
            return None

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()
