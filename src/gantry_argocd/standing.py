"""
What our credentials may do to an application, and whether a sync window is closed: asked of Argo
CD only when somebody looks, and remembered for a moment.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from . import errors
from .actions import Standing
from .concurrency import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from .hub import Hub
    from .refs import AppKey

RIGHT_LASTS = timedelta(seconds=60)
"""How long an answer about a right is believed: policies change seldom."""

WINDOW_LASTS = timedelta(seconds=10)
"""How long an answer about sync windows is believed: they open and close by the minute."""

_AT_ONCE = 10
_REMEMBERED = 10_000

T = TypeVar("T")


class _Memory(Generic[T]):
    """Answers by application, each for a while."""

    def __init__(self, lasts: timedelta, now: Callable[[], datetime]) -> None:
        self._lasts = lasts
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[AppKey, tuple[datetime, T]] = {}

    def get(self, key: AppKey, ask: Callable[[], T]) -> T | None:
        """Give what is remembered, or ask; None when the question fails."""
        with self._lock:
            known = self._known.get(key)
        if known is not None and self._now() - known[0] < self._lasts:
            return known[1]
        try:
            answer = ask()
        except (errors.ArgoCDError, errors.UnknownInstance):
            return None
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = (self._now(), answer)
        return answer


class Standings:
    """
    Asks both questions.

    Args:
        hub: The instances.

        now: The time, aware.
    """

    def __init__(self, hub: Hub, *, now: Callable[[], datetime]) -> None:
        self._hub = hub
        self._rights: _Memory[bool] = _Memory(RIGHT_LASTS, now)
        self._windows: _Memory[str] = _Memory(WINDOW_LASTS, now)

    def ask(self, wanted: Mapping[AppKey, str]) -> Asked:
        """
        Begin to ask about applications, all at once; the answers are awaited later.

        Args:
            wanted: Their projects by key.
        """
        rights = {
            key: (lambda key=key, project=project: self._right(key, project))
            for key, project in wanted.items()
        }
        windows = {
            key: (lambda key=key, project=project: self.window(key, project))
            for key, project in wanted.items()
        }
        return Asked(
            time.monotonic(),
            Pool(rights, limit=_AT_ONCE, name="argocd-read-right"),
            Pool(windows, limit=_AT_ONCE, name="argocd-read-window"),
        )

    def window(self, key: AppKey, project: str) -> str | None:
        """Say why no sync is possible now; empty when one is, None when that is not known."""
        return self._windows.get(
            key, lambda: self._hub.client(key.instance).sync_window(key, project)
        )

    def _right(self, key: AppKey, project: str) -> bool | None:
        def ask() -> bool:
            own = self._hub.source(key.instance).own_namespace
            return self._hub.client(key.instance).can_sync(key, project, own)

        return self._rights.get(key, ask)


@attrs.frozen
class Asked:
    """Questions under way, since *_begun* by the monotonic clock."""

    _begun: float
    _rights: Pool[AppKey, bool | None]
    _windows: Pool[AppKey, str | None]

    def answers(self, seconds: float) -> Mapping[AppKey, Standing]:
        """Give what was answered within *seconds* of the asking; what was not is not known."""
        end = self._begun + seconds
        rights = self._rights.results(max(end - time.monotonic(), 0))
        windows = self._windows.results(max(end - time.monotonic(), 0))
        return {
            key: Standing(may_sync=rights.get(key), window=windows.get(key) or "")
            for key in rights.keys() | windows.keys()
        }
