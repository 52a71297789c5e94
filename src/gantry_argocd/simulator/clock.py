"""The time of a simulated server, which can be stepped, sped up and stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SimulatedClock:
    """Tells the time, and how much of it has passed; safe to use from any thread.

    *base* is the time outside, which counts until the clock is told to run in another way.
    """

    def __init__(self, base: Callable[[], datetime]) -> None:
        self._base = base
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._rate = 1.0
        self._drift = 0.0
        self._since = time.monotonic()
        self._origin: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Return the simulated time."""
        with self._lock:
            return self._now(time.monotonic())

    def _now(self, outside: float) -> datetime:
        drifted = self._drifted(outside)
        if self._origin is None:
            return self._base() + timedelta(seconds=drifted)
        moment, passed = self._origin
        return moment + timedelta(seconds=outside + drifted - passed)

    def passed(self) -> float:
        """Return how many simulated seconds have passed since some moment."""
        with self._lock:
            outside = time.monotonic()
            return outside + self._drifted(outside)

    def outside(self, seconds: float) -> float | None:
        """Return how long *seconds* last outside, at most a day; None while time stands still."""
        return None if self._rate == 0 else min(seconds / self._rate, 86_400.0)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once; a clock that goes wrong is advanced by a negative number."""
        with self._lock:
            self._drift += seconds
        self._tell()

    def run(self, rate: float) -> None:
        """Let time pass *rate* times as fast as outside; at 0 it stands still."""
        if rate < 0:
            raise ValueError("time does not run backwards")
        with self._lock:
            outside = time.monotonic()
            now, drifted = self._now(outside), self._drifted(outside)
            self._origin = (now, outside + drifted)
            self._drift, self._since = drifted, outside
            self._rate = rate
        self._tell()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call *listener* whenever time was advanced or runs differently."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _drifted(self, outside: float) -> float:
        return self._drift + (outside - self._since) * (self._rate - 1.0)
