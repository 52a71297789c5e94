"""
One application at a time: who is meant by a name, and its state.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .. import errors
from ..instances.hub import Fetched, Hub, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ..catalogue.ledger import Ledger
    from ..correlation import InstanceInfo
    from ..models import Facts
    from ..refs import AppKey, EntityKey, Wanted

LOG = logging.getLogger("gantry_argocd")

ASK_AGAIN_AFTER = 5.0
"""Seconds before an unknown name makes the instances be listed once more."""


class Applications:
    """
    The applications of all instances, one by one.

    Args:
        hub: The instances.

        ledger: What is known, and the catalogue.

        now: The time, aware.

        stop: Set when all work is to end.
    """

    def __init__(
        self,
        hub: Hub,
        ledger: Ledger,
        *,
        now: Callable[[], datetime],
        stop: threading.Event,
    ) -> None:
        self._hub = hub
        self._ledger = ledger
        self._now = now
        self._stop = stop
        self._lock = threading.Lock()
        self._asked: dict[str, datetime] = {}

    # --- who is meant ---

    def resolve(self, wanted: Wanted, *, ref: bool = False) -> tuple[AppKey, Facts]:
        """
        Find the app that a request names (A6).

        Args:
            wanted: What was written.

            ref: It was written as a ref; see :func:`gantry_argocd.instances.hub.resolve`.

        Raises:
            UnknownInstance, UnknownApp, AmbiguousApp: If it is not exactly one.

            ArgoCDError: If the only instance that could know does not answer.
        """
        sources, known = self._sources(), self._known()
        key = resolve(wanted, known, sources, ref=ref)
        if key is None:
            self._ask_again(wanted, sources)
            sources, known = self._sources(), self._known()
            key = resolve(wanted, known, sources, ref=ref)
        if key is not None:
            return key, known[key]
        asked = [wanted.instance] if wanted.instance else list(sources)
        failures = [failure for name in asked if (failure := self._hub.failure(name))]
        if len(failures) == len(asked):
            raise failures[0]
        raise errors.UnknownApp(f"no application is called {str(wanted)[:253]!r}")

    def resolve_in(
        self, entity: EntityKey, wanted: Wanted, *, ref: bool = False
    ) -> tuple[AppKey, Facts]:
        """
        Find the app of *entity* that a request names.

        Raises:
            NotOfEntity: If the entity has none of that name; others' are not looked at.

            AmbiguousApp: If it has several.
        """
        known = self._known()
        own = {key: known[key] for key in self._ledger.apps_of(entity) if key in known}
        key = resolve(wanted, own, self._sources(), ref=ref)
        if key is None:
            raise errors.NotOfEntity(f"{entity} has no application {str(wanted)[:253]!r}")
        return key, own[key]

    def _sources(self) -> dict[str, InstanceInfo]:
        return {source.name: source for source in self._hub.sources()}

    def _known(self) -> dict[AppKey, Facts]:
        """Give what the instances listed; of those that never answered, what is remembered."""
        remembered = {
            record.key: record.facts
            for record in self._ledger.records()
            if not self._hub.answered(record.key.instance)
        }
        return remembered | self._hub.known()

    def _ask_again(self, wanted: Wanted, sources: Mapping[str, InstanceInfo]) -> None:
        """List the instances that could know an unknown name, unless that was a moment ago."""
        with self._lock:
            now = self._now()
            names = [
                name
                for name in sources
                if wanted.instance in {None, name}
                and (
                    name not in self._asked
                    or (now - self._asked[name]).total_seconds() > ASK_AGAIN_AFTER
                )
            ]
            self._asked |= dict.fromkeys(names, now)
        if names:
            for _ in self._hub.ask(names):
                pass

    # --- state ---

    def fetch(self, key: AppKey, project: str) -> Fetched:
        """Fetch one application in full."""
        return self._hub.fetch(key, project)

    def fetch_all(
        self, wanted: Mapping[AppKey, str], seconds: float
    ) -> dict[AppKey, Fetched | errors.ArgoCDError]:
        """Fetch several applications at once, within *seconds*."""
        return self._hub.fetch_all(wanted, seconds)

    def learn(self, fetched: Fetched) -> None:
        """Let the catalogue know of one application."""
        facts = fetched.application.facts
        record = self._ledger.record(facts.key)
        known = record is not None and record.facts == facts and record.stale_since is None
        if known or not self._ledger.writes or self._stop.is_set():
            return
        try:
            self._ledger.apply(self._hub.told(facts.key.instance, [facts]))
        except Exception as failure:  # noqa: BLE001  the next sync writes it
            LOG.error("catalogue not written: %s", type(failure).__name__)  # noqa: TRY400
