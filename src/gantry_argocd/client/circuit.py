"""
Not asking an instance that does not answer, and finding out when it does again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..errors import ArgoCDError

OPENS_AFTER = 3
"""Failures in a row before an instance is left alone."""

PROBE_EVERY = 15.0
"""Seconds that it is left alone before one call tries it again."""


class Circuit:
    """
    Remembers how an instance answered last.

    Closed, every call goes through. Open, calls fail at once with the error that opened it, but
    for one each *PROBE_EVERY*, which closes it when it is answered.

    Args:
        monotonic: Seconds that pass, whatever is done to the system's clock.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures = 0
        self._error: ArgoCDError | None = None
        self._probe_at: float | None = None

    def check(self) -> None:
        """
        Let a call through, or refuse it.

        Raises:
            ArgoCDError: The one that opened the circuit.
        """
        with self._lock:
            if self._error is None or self._probe_at is None:
                return
            if self._monotonic() >= self._probe_at:
                self._probe_at = self._monotonic() + PROBE_EVERY  # this call is the probe
                return
            error = self._error
        raise type(error)(f"{error.message} (not asked again yet)", instance=error.instance)

    def failed(self, error: ArgoCDError) -> None:
        """Note that no answer came."""
        with self._lock:
            self._failures += 1
            if self._failures >= OPENS_AFTER:
                self._error, self._probe_at = error, self._monotonic() + PROBE_EVERY

    def answered(self) -> None:
        """Note that an answer came, whatever it was."""
        with self._lock:
            self._failures, self._error, self._probe_at = 0, None, None
