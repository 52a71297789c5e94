"""
What is known of all apps, and how it comes into the catalogue.

Between the pure correlation and the host: it remembers how everything stood after the last
correlation, and runs the next one inside the host's transactions, over what has changed since.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import attrs

from .. import PLUGIN, errors
from ..correlation import (
    Adoption,
    Answer,
    Members,
    Outcome,
    Result,
    Standing,
    correlate,
    entity_key,
    is_original,
    is_ours,
    members,
)
from ..mappings import as_dict
from . import sightings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from ..correlation import HeldBack, InstanceInfo, Proposal, Record
    from ..hookspecs import Change, Correlation, Entity, Host
    from ..refs import AppKey, EntityKey
    from .sightings import Sighting

MANY = 1000
"""Of so many apps, all of them new, it is vain to look for what they have to do with."""

CLOSING = 0.5
"""Seconds that a write under way has to end when everything ends."""


@attrs.frozen(kw_only=True)
class Applied:
    """
    What answers came to in the catalogue.

    Attributes:
        changes: What was written.

        problems: Everything that is to be reported, also what was so before.

        retired: Apps that are gone, with the reason.

        held: Losses that are not believed yet, by instance.
    """

    changes: Sequence[Change]
    problems: Sequence[str]
    retired: Mapping[AppKey, str]
    held: Mapping[str, HeldBack]


@attrs.frozen(kw_only=True)
class _Step:
    """One correlation, before its changes are written."""

    turn: int
    answers: Sequence[Answer]
    found: Result | Proposal
    seen: Sighting
    adoption: Adoption


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
        # One writer at a time; never held together with the host's locks by a hook of ours.
        self._writing = threading.Lock()
        self._closed = threading.Event()
        # One correlation at a time, inside whatever transaction.
        self._thinking = threading.Lock()
        # For those who read while it is brought up to date.
        self._lock = threading.Lock()
        self._standing: Standing | None = None
        self._seen: Sighting | None = None
        self._turn = 0
        self._adoption: Adoption | None = None
        self._complete: set[str] = set()
        self._unapplied: dict[str, Answer] = {}
        self._held_before: Mapping[str, HeldBack] = {}

    # --- with a host ---

    @property
    def writes(self) -> bool:
        """Say whether there is a catalogue to write to."""
        return self._host is not None

    def apply(self, answers: Mapping[str, Answer] | Callable[[], Mapping[str, Answer]]) -> Applied:
        """
        Bring the catalogue in line with *answers*, in one transaction of the host's.

        Args:
            answers: By instance name; an instance without one is silent. What may grow old while
                others write is given by a function, which is called when it is its turn.
        """
        steps: list[_Step] = []
        told: Mapping[str, Answer] = {}

        def changes_for(entities: Sequence[Entity]) -> Sequence[Change]:
            # May be called again when another writer was faster: the last one counts.
            with self._thinking:
                steps.append(self._step(entities, told))
            return () if self._closed.is_set() else steps[-1].found.changes

        # Never under self._lock: the host's own transactions call our hooks.
        with self._writing:
            told = answers() if callable(answers) else answers
            self._catalogue().update(changes_for)
            with self._thinking:
                self._settle(steps[-1])
        return self._applied(steps[-1])

    def close(self, patience: float = CLOSING) -> None:
        """Write nothing more; a write under way has so many seconds to end."""
        self._closed.set()
        if self._writing.acquire(timeout=patience):
            self._writing.release()

    def look(self, answers: Mapping[str, Answer] | None = None) -> Result:
        """Say what *answers* would come to, and write nothing."""
        results: list[Result] = []

        def nothing(entities: Sequence[Entity]) -> Sequence[Change]:
            everyone = self._everyone(answers or {})
            results.append(self._correlated(entities, everyone, self._held)[0])
            return ()

        self._catalogue().update(nothing)
        return results[-1]

    def _catalogue(self) -> Host:
        if self._host is None:
            raise errors.NotReady("this host writes its catalogue itself: it calls discover")
        return self._host

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
            self._held_before = dict(self._standing.held if self._standing else {})

    def correlate(self, entities: Sequence[Entity]) -> Correlation:
        """Say what the catalogue has to become, by what was heard last."""
        with self._thinking:
            if self._unapplied:
                # The same answers may be asked for again, so they meet the same held losses.
                answers = self._everyone(self._unapplied)
                step = self._whole(entities, answers, self._held_before, sightings.look(entities))
            else:
                step = self._step(entities, {})
            # Whether the host's transaction comes to its end is seen the next time: what was not
            # written is looked at again.
            self._settle(step)
        return {"plugin": PLUGIN, "changes": step.found.changes, "problems": step.found.problems}

    # --- one correlation ---

    def _everyone(self, answers: Mapping[str, Answer]) -> list[Answer]:
        return [answers.get(source.name) or Answer(source=source) for source in self._sources()]

    @property
    def _held(self) -> Mapping[str, HeldBack]:
        return self._standing.held if self._standing is not None else {}

    def _step(self, entities: Sequence[Entity], answers: Mapping[str, Answer]) -> _Step:
        """Correlate what has changed since the last time; everything where that is not enough."""
        everyone, standing = self._everyone(answers), self._standing
        if standing is None or self._seen is None:
            return self._whole(entities, everyone, self._held, sightings.look(entities))
        changed, seen = sightings.changes(self._seen, entities)
        found = None
        many = sum(len(answer.apps) for answer in answers.values()) >= MANY
        all_new = many and not standing.records
        if changed is not None and self._adoption is Adoption.OVER and not all_new:
            found = standing.propose(changed, everyone)
        if found is None:
            return self._whole(entities, everyone, self._held, seen)
        return _Step(
            turn=self._turn, answers=everyone, found=found, seen=seen, adoption=Adoption.OVER
        )

    def _whole(
        self,
        entities: Sequence[Entity],
        answers: Sequence[Answer],
        held: Mapping[str, HeldBack],
        seen: Sighting,
    ) -> _Step:
        found, adoption = self._correlated(entities, answers, held)
        return _Step(turn=self._turn, answers=answers, found=found, seen=seen, adoption=adoption)

    def _correlated(
        self, entities: Sequence[Entity], answers: Sequence[Answer], held: Mapping[str, HeldBack]
    ) -> tuple[Result, Adoption]:
        adoption = self._adopting(entities, answers)
        memory = self.records()
        return correlate(entities, answers, memory=memory, held=held, adoption=adoption), adoption

    def _adopting(self, entities: Sequence[Entity], answers: Sequence[Answer]) -> Adoption:
        """
        Say whether rows of the original plugin are taken over (rule 20).

        They are on a catalogue that has nothing of ours yet, until every instance has answered.
        """
        adoption = self._adoption
        if adoption is None:
            ours = any(is_ours(entity) for entity in entities)
            adoption = (
                Adoption.UNDER_WAY
                if not ours and any(map(is_original, entities))
                else Adoption.OVER
            )
        if adoption is Adoption.OVER:
            return adoption
        complete = {a.source.name for a in answers if a.outcome is Outcome.COMPLETE}
        missing = {answer.source.name for answer in answers} - self._complete - complete
        return Adoption.UNDER_WAY if missing else Adoption.COMPLETE

    def _settle(self, step: _Step) -> None:
        """Remember how everything stands after a step."""
        with self._lock:
            if isinstance(step.found, Result):
                self._standing = Standing(step.found, [answer.source for answer in step.answers])
                self._seen = step.seen
                self._complete |= {
                    a.source.name for a in step.answers if a.outcome is Outcome.COMPLETE
                }
                finished = step.adoption is not Adoption.UNDER_WAY
                self._adoption = Adoption.OVER if finished else step.adoption
            elif self._standing is not None:
                proposal: Proposal | None = step.found
                if step.turn == self._turn:
                    self._seen = step.seen
                else:
                    # Somebody else's write was correlated meanwhile: what was heard counts all the
                    # same; what was seen is seen again.
                    proposal = self._standing.propose({}, step.answers)
                if proposal is not None:
                    self._standing.take(proposal)
            self._turn += 1

    def _applied(self, step: _Step) -> Applied:
        found = step.found
        problems = found.problems
        if not isinstance(found, Result) and self._standing is not None:
            with self._lock:
                problems = (*problems, *self._standing.problems)
        return Applied(
            changes=found.changes, problems=problems, retired=found.retired, held=found.held
        )

    # --- what is known ---

    def records(self) -> tuple[Record, ...]:
        """Give every known app."""
        with self._lock:
            return tuple(self._standing.records.values()) if self._standing is not None else ()

    def record(self, key: AppKey) -> Record | None:
        """Give one known app."""
        with self._lock:
            return self._standing.records.get(key) if self._standing is not None else None

    def entities(self) -> frozenset[EntityKey]:
        """Give every entity that has apps."""
        with self._lock:
            return frozenset(self._standing.entities if self._standing is not None else ())

    def entity_of(self, key: AppKey) -> EntityKey | None:
        """Give the entity that an app is in; None when it is in none yet."""
        with self._lock:
            placement = self._standing.placements.get(key) if self._standing is not None else None
        return placement.entity if placement is not None else None

    def apps_of(self, entity: EntityKey) -> list[AppKey]:
        """Give the apps of an entity, first one first."""
        with self._lock:
            return sorted(self._standing.apps_of(entity) if self._standing is not None else ())

    def owner(self, key: AppKey) -> str:
        """Read the owner of the entity that an app is in; empty when it has none."""
        wanted = self.entity_of(key)
        found: list[str] = []

        def look(entities: Sequence[Entity]) -> Sequence[Change]:
            found[:] = [
                str(entity["metadata"].get("owner") or "")
                for entity in entities
                if wanted is not None and entity_key(as_dict(entity) or {}) == wanted
            ]
            return ()

        if self._host is not None and wanted is not None:
            self._host.update(look)
        return found[0] if found else ""

    def audit(self, record: Mapping[str, Any], key: AppKey | None) -> None:
        """Have the host keep a record of an action on an app, with the entity that it is in."""
        if self._host is None:
            return
        entity = self.entity_of(key) if key is not None else None
        where = {"entity": entity._asdict()} if entity is not None else {}
        self._host.audit(dict(record) | where)

    def members(self, entity: Entity) -> Members:
        """Give the apps of an entity, and its links that name nothing."""
        return members(entity, self.records)

    def forget(self) -> None:
        """Drop everything, when all that is ours leaves the catalogue."""
        with self._thinking, self._lock:
            self._standing, self._seen, self._unapplied = None, None, {}
