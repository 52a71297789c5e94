"""
Between syncs: what the streams tell, brought into the catalogue in batches (D7).
"""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import memory
from ..correlation import rfc3339
from ..instances.watch import Follower, Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ..correlation import Answer
    from ..instances.hub import Heard, Hub
    from ..refs import AppKey
    from .ledger import Ledger

LOG = logging.getLogger("gantry_argocd")

GATHER = 0.01
"""Seconds from the first news to the write: what comes together is written together."""

APART = 0.1
"""Least seconds between the beginnings of two writes."""

SHARE = 3.0
"""Seconds of rest for each second that a write took: catching up must not take a whole core."""

AFTER_FAILURE = 1.0


class Live:
    """
    The followers of all instances, and the one writer for them.

    Args:
        hub: The instances.

        ledger: The catalogue.

        stop: Set when all is to end.

        now: The time, aware.

        monotonic: Seconds that pass.

        pace: Of the followers.
    """

    def __init__(
        self,
        hub: Hub,
        ledger: Ledger,
        *,
        stop: threading.Event,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._hub = hub
        self._ledger = ledger
        self._stop = stop
        self._now = now
        self._monotonic = monotonic
        self._pace = pace
        self._lock = threading.Lock()
        self._news = threading.Event()
        # By instance, what is to be written and since when.
        self._pending: dict[str, dict[AppKey, float]] = {}
        self._lag: dict[str, float] = {}
        self._followers: dict[str, Follower] = {}
        self._writer = threading.Thread(target=self._write, name="argocd-live", daemon=True)

    # --- life ---

    def follow(self, name: str) -> None:
        """Follow an instance from now on, unless it is followed already."""
        with self._lock:
            if name in self._followers or self._stop.is_set():
                return
            if not self._followers:
                self._writer.start()
            follower = self._followers[name] = Follower(
                name,
                lambda: self._hub.client(name),
                self,
                stop=self._stop,
                now=self._now,
                monotonic=self._monotonic,
                pace=self._pace,
            )
            follower.start()

    def join(self, seconds: float) -> None:
        """Wait for the end of all threads; *stop* is set, and the connections are cut."""
        self._news.set()
        ends = self._monotonic() + seconds
        threads: list[Follower | threading.Thread] = [*self._followers.values()]
        if threads:
            threads.append(self._writer)
        for thread in threads:
            thread.join(max(ends - self._monotonic(), 0))

    def is_live(self, name: str) -> bool:
        """Say whether the changes of an instance are told as they happen."""
        follower = self._followers.get(name)
        return follower is not None and follower.state.state == "live"

    def status(self, name: str) -> Mapping[str, Any]:
        """Say how following an instance goes."""
        follower = self._followers.get(name)
        if follower is None:
            return {"state": "off", "since": None, "error": None, "heardAt": None, "lagMs": None}
        found = follower.state
        lag = self._lag.get(name)
        return {
            "state": found.state,
            "since": rfc3339(found.since),
            "error": str(found.error) if found.error is not None else None,
            "heardAt": rfc3339(found.heard_at) if found.heard_at is not None else None,
            "lagMs": round(lag * 1000) if lag is not None else None,
        }

    # --- what the followers say ---

    def relist(self, name: str) -> bool:
        """List an instance and bring the catalogue in line; say whether both came about."""
        done = False
        for batch in self._hub.ask([name]):
            for heard in batch:
                done = self._is_written(partial(self._answer, heard)) and heard.error is None
        memory.give_back()
        return done

    def _is_written(self, answers: Callable[[], Mapping[str, Answer]]) -> bool:
        """Write to the catalogue; say whether that came about. If not, it is to be tried again."""
        try:
            self._ledger.apply(answers)
        except Exception as failure:  # noqa: BLE001  a host's database may be away
            if not self._stop.is_set():
                LOG.error("catalogue not written: %s", type(failure).__name__)  # noqa: TRY400
            return False
        return True

    def _answer(self, heard: Heard) -> dict[str, Answer]:
        return {heard.source.name: self._hub.answer(heard)}

    def take_events(self, name: str, results: list[Any]) -> None:
        """Take in what the stream sent, Argo CD's JSON."""
        news = self._hub.overhear(name, results)
        if not news:
            return
        with self._lock:
            pending = self._pending.setdefault(name, {})
            now = self._monotonic()
            for key in news:
                pending.setdefault(key, now)
            self._news.set()

    def has_apps(self, name: str) -> bool:
        """Say whether the last list had any application."""
        return self._hub.count(name) > 0

    # --- the writer ---

    def _write(self) -> None:
        while True:
            self._news.wait()
            if self._stop.wait(GATHER):
                return
            with self._lock:
                # Together, or what comes in between would be written and announced again.
                self._news.clear()
                pending, self._pending = self._pending, {}
            began = self._monotonic()
            if self._is_written(partial(self._answers, pending)):
                self._note_lag(pending)
                took = self._monotonic() - began
                rest = max(APART - took, SHARE * took)
            else:
                self._put_back(pending)
                rest = AFTER_FAILURE
            if self._stop.wait(rest):
                return

    def _answers(self, pending: Mapping[str, Mapping[AppKey, float]]) -> dict[str, Answer]:
        """Say what is to be written, as it is now: something newer may have been told since."""
        answers: dict[str, Answer] = {}
        for name, keys in pending.items():
            known = {key: self._hub.known_app(key) for key in keys}
            answers |= self._hub.told(
                name,
                apps=[found.facts for found in known.values() if found is not None],
                deleted=[key for key, found in known.items() if found is None],
            )
        return answers

    def _put_back(self, pending: Mapping[str, Mapping[AppKey, float]]) -> None:
        with self._lock:
            for name, keys in pending.items():
                self._pending[name] = {**self._pending.get(name, {}), **keys}
            self._news.set()

    def _note_lag(self, pending: Mapping[str, Mapping[AppKey, float]]) -> None:
        now = self._monotonic()
        self._lag |= {name: now - min(keys.values()) for name, keys in pending.items() if keys}
