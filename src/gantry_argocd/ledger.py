"""
What is known of all apps, and how it comes into the catalogue.

Between the pure correlation and the host: it remembers what correlation gave back (the known
apps, the losses that are held back) and runs it inside the host's transactions.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from . import errors
from .correlation import Adoption, Answer, Members, Outcome, correlate, members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .correlation import HeldBack, InstanceInfo, Record, Result
    from .hookspecs import Change, Correlation, Entity, Host
    from .refs import AppKey, EntityKey

PLUGIN = "argocd"


class Ledger:
    """
    The known apps of one configuration.

    Args:
        host: The catalogue. None when the host drives everything itself.

        sources: Gives all configured instances.

        now: The time, aware.
    """

    def __init__(
        self,
        host: Host | None,
        *,
        sources: Callable[[], Sequence[InstanceInfo]],
        now: Callable[[], datetime],
    ) -> None:
        self._host = host
        self._sources = sources
        self._now = now
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._memory: dict[AppKey, Record] = {}
        self._held: dict[str, HeldBack] = {}
        self._held_before: dict[str, HeldBack] = {}
        self._unapplied: dict[str, Answer] = {}
        self._entities: dict[AppKey, EntityKey] = {}
        self._adoption: Adoption | None = None
        self._complete: set[str] = set()

    # --- with a host ---

    @property
    def writes(self) -> bool:
        """Say whether there is a catalogue to write to."""
        return self._host is not None

    def apply(self, answers: Mapping[str, Answer]) -> Result:
        """
        Bring the catalogue in line with *answers*, in one transaction of the host's.

        Args:
            answers: By instance name; an instance without one is silent.
        """
        # Never under self._lock: the host's own transactions call our hooks.
        with self._writing:
            result = self._run(answers, write=True)
            self._keep(result)
            with self._lock:
                if self._adoption is Adoption.COMPLETE:
                    self._adoption = Adoption.OVER
        return result

    def look(self, answers: Mapping[str, Answer] | None = None) -> Result:
        """Say what *answers* would come to, and write nothing."""
        return self._run(answers or {}, write=False)

    def _run(self, answers: Mapping[str, Answer], *, write: bool) -> Result:
        if self._host is None:
            raise errors.NotReady("this host writes its catalogue itself: it calls discover")
        results: list[Result] = []

        def changes_for(entities: Sequence[Entity]) -> Sequence[Change]:
            # May be called again when another writer was faster: the last result counts.
            results.append(self._correlate(entities, answers, self._held))
            return results[-1].changes if write else ()

        self._host.update(changes_for)
        return results[-1]

    def fail_all(self) -> None:
        """Mark everything as stale: no instance is asked any more."""
        failed = {
            source.name: Answer(source=source, outcome=Outcome.FAILED, began_at=self._now())
            for source in self._sources()
        }
        if self._host is None:
            self.take(failed)
        else:
            self.apply(failed)

    # --- for a host that drives everything itself ---

    def take(self, answers: Mapping[str, Answer]) -> None:
        """Keep *answers* until the host asks what they come to."""
        with self._lock:
            self._unapplied = dict(answers)
            self._held_before = dict(self._held)

    def correlate(self, entities: Sequence[Entity]) -> Correlation:
        """Say what the catalogue has to become, by what was heard last."""
        with self._lock:
            unapplied = dict(self._unapplied)
            # The same answers may be asked for again, so they meet the same held losses again.
            held = dict(self._held_before if unapplied else self._held)
        result = self._correlate(entities, unapplied, held)
        if unapplied:
            self._keep(result)
        return {"plugin": PLUGIN, "changes": result.changes, "problems": result.problems}

    def _correlate(
        self,
        entities: Sequence[Entity],
        answers: Mapping[str, Answer],
        held: Mapping[str, HeldBack],
    ) -> Result:
        everyone = [answers.get(source.name) or Answer(source=source) for source in self._sources()]
        return correlate(entities, everyone, memory=self.records(), held=held)

    def _keep(self, result: Result) -> None:
        with self._lock:
            self._memory, self._held = dict(result.known), dict(result.held)
            self._entities = {
                key: place.entity for key, place in result.placements.items() if place.entity
            }

    # --- what is known ---

    def records(self) -> tuple[Record, ...]:
        """Give every known app."""
        with self._lock:
            return tuple(self._memory.values())

    def record(self, key: AppKey) -> Record | None:
        """Give one known app."""
        with self._lock:
            return self._memory.get(key)

    def audit(self, record: Mapping[str, Any], key: AppKey) -> None:
        """Have the host keep a record of an action on an app, with the entity that it is in."""
        if self._host is None:
            return
        with self._lock:
            entity = self._entities.get(key)
        where = {"entity": entity._asdict()} if entity is not None else {}
        self._host.audit(dict(record) | where)

    def members(self, entity: Entity) -> Members:
        """Give the apps of an entity, and its links that name nothing."""
        return members(entity, self.records())

    def forget(self) -> None:
        """Drop everything, when all that is ours leaves the catalogue."""
        with self._lock:
            self._memory, self._held, self._unapplied = {}, {}, {}
