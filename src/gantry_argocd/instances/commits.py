"""
Who made a revision and what it is about: asked of Argo CD once, kept, and never waited for long.

A revision does not change, so what is known of it stays known. Asking may make Argo CD clone a
repository; a page waits for that only briefly and has the answer the next time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .. import errors
from ..concurrency import Pool
from ..models import Commit
from ..wire import commit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ..client.calls import Client
    from ..models import RevisionAsk, RevisionKey
    from ..refs import AppKey

KEPT = 5_000
"""Revisions that are remembered; the longest unused is forgotten first."""

ASKED_AT_MOST = 40
"""Revisions that are asked about for one page."""

AT_ONCE = 3
"""Questions at a time, over all pages: each may cost Argo CD a clone."""

ASK_AGAIN_AFTER = 120.0
"""Seconds before a question that failed is asked again."""

_Known = tuple[str, "RevisionKey"]


class Commits:
    """
    What is known of revisions.

    Args:
        client: Gives the client of an instance.

        now: The time, aware.
    """

    def __init__(self, client: Callable[[str], Client], *, now: Callable[[], datetime]) -> None:
        self._client = client
        self._now = now
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(AT_ONCE)
        self._known: OrderedDict[_Known, Commit] = OrderedDict()
        self._failed: OrderedDict[_Known, datetime] = OrderedDict()
        self._asking: dict[_Known, threading.Event] = {}

    def look_up(
        self, wanted: Mapping[AppKey, tuple[str, Sequence[RevisionAsk]]], seconds: float
    ) -> dict[AppKey, dict[RevisionKey, Commit]]:
        """
        Give what is known of revisions, or becomes known soon.

        Args:
            wanted: By application: its project, and the revisions.

            seconds: Longest time to wait. What comes later is there the next time.
        """
        end = time.monotonic() + seconds
        waits = self._ask(
            [(k, project, ask) for k, (project, asks) in wanted.items() for ask in asks]
        )
        for event in waits:
            event.wait(max(0.0, end - time.monotonic()))
        with self._lock:
            return {
                key: {
                    ask.subject: self._known[known]
                    for ask in asks
                    if (known := (key.instance, ask.subject)) in self._known
                }
                for key, (_, asks) in wanted.items()
            }

    def _ask(self, wanted: Sequence[tuple[AppKey, str, RevisionAsk]]) -> list[threading.Event]:
        """Begin to ask what is neither known nor asked already; what to wait for."""
        waits: list[threading.Event] = []
        calls: dict[_Known, Callable[[], None]] = {}
        now = self._now()
        with self._lock:
            for key, project, ask in wanted:
                known = (key.instance, ask.subject)
                if known in self._known:
                    self._known.move_to_end(known)
                    continue
                if known in self._asking:
                    waits.append(self._asking[known])
                    continue
                failed = self._failed.get(known)
                lately = failed is not None and (now - failed).total_seconds() < ASK_AGAIN_AFTER
                if lately or len(self._asking) >= ASKED_AT_MOST:
                    continue
                event = self._asking[known] = threading.Event()
                waits.append(event)
                calls[known] = self._call(known, event, key, project, ask)
        Pool(calls, limit=AT_ONCE, name="argocd-revision")
        return waits

    def _call(
        self, known: _Known, event: threading.Event, key: AppKey, project: str, ask: RevisionAsk
    ) -> Callable[[], None]:
        def run() -> None:
            found: Commit | None = None
            try:
                with self._slots:
                    document: Any = self._client(key.instance).revision(key, project, ask)
                found = commit_of(document, ask.source.kind)
            except errors.GantryArgoCDError:
                pass  # It costs the author and nothing else.
            finally:
                self._keep(known, found)
                event.set()

        return run

    def _keep(self, known: _Known, found: Commit | None) -> None:
        with self._lock:
            del self._asking[known]
            if found is not None:
                self._known[known] = found
                self._failed.pop(known, None)
            else:
                self._failed[known] = self._now()
            for kept in (self._known, self._failed):
                while len(kept) > KEPT:
                    kept.popitem(last=False)
