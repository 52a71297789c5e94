"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gantry_argocd.simulator import Simulator

T = TypeVar("T")


def eventually(get: Callable[[], T], good: Callable[[T], bool] = bool, within: float = 15.0) -> T:
    """Ask again and again until the answer is good; fails when it is not *within* seconds."""
    end = time.monotonic() + within
    pause = threading.Event()
    while True:
        value = get()
        if good(value):
            return value
        if time.monotonic() > end:
            msg = f"still {value!r} after {within} s"
            raise AssertionError(msg)
        pause.wait(0.05)


@contextmanager
def standing_still(simulator: Simulator) -> Iterator[None]:
    """Let time stand still in a simulated Argo CD, so that no operation goes on meanwhile."""
    simulator.clock.run(0)
    try:
        yield
    finally:
        simulator.clock.run(1)
