"""
What our credentials may do to an application, and whether a sync window is closed: asked of Argo
CD only when somebody looks, and remembered for a moment.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import attrs

from .. import errors
from ..actions.offers import Standing
from ..shortly import Shortly

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..concurrency import Pool
    from ..instances.hub import Hub
    from ..refs import AppKey

RIGHT_LASTS = 60.0
"""Seconds for which an answer about a right is believed: policies change seldom."""

WINDOW_LASTS = 10.0
"""Seconds for which an answer about sync windows is believed: they open and close by the minute."""

_AT_ONCE = 10
_REMEMBERED = 10_000


class Standings:
    """
    Asks both questions.

    Args:
        hub: The instances.

        monotonic: Seconds that pass.
    """

    def __init__(self, hub: Hub, *, monotonic: Callable[[], float]) -> None:
        self._hub = hub
        self._rights: Shortly[AppKey, bool | None] = Shortly(
            lambda _: RIGHT_LASTS, monotonic=monotonic, most=_REMEMBERED
        )
        self._windows: Shortly[AppKey, str | None] = Shortly(
            lambda _: WINDOW_LASTS, monotonic=monotonic, most=_REMEMBERED
        )

    def ask(self, wanted: Mapping[AppKey, str]) -> Asked:
        """
        Begin to ask about applications, all at once; the answers are awaited later.

        Args:
            wanted: Their projects by key.
        """
        rights = {key: partial(self._ask_right, key, project) for key, project in wanted.items()}
        windows = {key: partial(self._ask_window, key, project) for key, project in wanted.items()}
        return Asked(
            time.monotonic(),
            self._rights.begin(rights, limit=_AT_ONCE, name="argocd-read-right"),
            self._windows.begin(windows, limit=_AT_ONCE, name="argocd-read-window"),
        )

    def window(self, key: AppKey, project: str) -> str | None:
        """Say why no sync is possible now; empty when one is, None when that is not known."""
        return self._windows.get(key, partial(self._ask_window, key, project))

    def _ask_window(self, key: AppKey, project: str) -> str | None:
        with suppress(errors.ArgoCDError, errors.UnknownInstance):
            return self._hub.client(key.instance).sync_window(key, project)
        return None

    def _ask_right(self, key: AppKey, project: str) -> bool | None:
        with suppress(errors.ArgoCDError, errors.UnknownInstance):
            own = self._hub.source(key.instance).own_namespace
            return self._hub.client(key.instance).can_sync(key, project, own)
        return None


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
