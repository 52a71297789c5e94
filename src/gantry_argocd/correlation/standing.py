"""
Correlation again and again over a catalogue that changes a little each time (rule 18).

What correlation says of an app or an entity depends on what it has to do with, directly or through
others: apps of one name, names that meet, links, entities that hold apps. A :class:`Standing` keeps
all of that indexed, so a change costs what it has to do with, whatever the size of the fleet;
:func:`~gantry_argocd.correlation.engine.decide` says the same of that part as of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

import attrs

from ..refs import AppKey, EntityKey
from . import ownership
from .engine import Placement, Problem, damage, decide
from .knowledge import Answer, HeldBack, Knowledge, Outcome, hear, latest, of_today
from .links import links_of
from .naming import possible_names, raw_name
from .provenance import Known, Provenance

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from ..hookspecs import Change, Entity
    from .engine import Result
    from .ownership import Foreign
    from .provenance import InstanceInfo, Record

K = TypeVar("K")
V = TypeVar("V")

_WHOLE = frozenset({Outcome.COMPLETE, Outcome.FAILED})
"""Answers that speak of every app of their instance."""


class _Index(Generic[K, V]):
    """Keys with values each. Most have one, and a set of one weighs three times as much as it."""

    def __init__(self) -> None:
        self._found: dict[K, V | set[V]] = {}

    def add(self, keys: Iterable[K], value: V) -> None:
        for key in keys:
            found = self._found.setdefault(key, value)
            if isinstance(found, set):
                found.add(value)
            elif found != value:
                self._found[key] = {found, value}

    def discard(self, keys: Iterable[K], value: V) -> None:
        for key in keys:
            found = self._found.get(key)
            if isinstance(found, set):
                found.discard(value)
                if len(found) == 1:
                    self._found[key] = found.pop()
            elif found == value:
                del self._found[key]

    def keys(self) -> Collection[K]:
        return self._found.keys()

    def __getitem__(self, key: K) -> AbstractSet[V]:
        found = self._found.get(key)
        if isinstance(found, set):
            return found
        return frozenset() if found is None else frozenset((found,))


class _Awaited(NamedTuple):
    """A row as we asked for it, None for none, and what its provenance says."""

    entity: Entity | None
    written: Provenance | None

    def is_there(self, stored: Entity | None) -> bool:
        """Say whether the catalogue has it, but for what the host adds to it."""
        if self.entity is None or stored is None:
            return self.entity is stored
        mine, theirs = map(ownership.without_host_fields, (self.entity, stored))
        return mine == theirs


class _Region(NamedTuple):
    """Everything that has to do with a change."""

    apps: set[AppKey]
    entities: set[EntityKey]


@attrs.frozen(kw_only=True)
class Proposal:
    """
    What a change comes to, before it is written.

    Attributes:
        changes: What has to be written, in the order of the entities.

        problems: Of the answers; :attr:`Standing.problems` has those that last.

        retired: Apps that are gone, with the reason.

        held: All losses that are not believed yet.

        rows: Entities that others have changed; None for one that is gone.

        records: Apps of which something new is known; None for one that is gone.

        placements: Of all apps that were looked at; None for one that is gone.

        lasting: What is to be reported of everything that was looked at.

        about: What was looked at.

        written: The provenance of what is written.
    """

    changes: tuple[Change, ...]
    problems: tuple[str, ...]
    retired: Mapping[AppKey, str]
    held: Mapping[str, HeldBack]
    rows: Mapping[EntityKey, Foreign | None] = attrs.field(repr=False)
    records: Mapping[AppKey, Record | None] = attrs.field(repr=False)
    placements: Mapping[AppKey, Placement | None] = attrs.field(repr=False)
    lasting: tuple[Problem, ...] = attrs.field(repr=False)
    about: AbstractSet[str | AppKey | EntityKey] = attrs.field(repr=False)
    written: Mapping[EntityKey, Provenance] = attrs.field(repr=False)


class Standing:
    """
    The Services and the known apps as they stood after the last correlation.

    :meth:`propose` says what a change comes to and changes nothing; :meth:`take` makes it count
    once the catalogue has it.

    Args:
        result: What correlating everything gave. Its changes count as not yet seen.

        sources: The configured instances.

    Attributes:
        held: Losses that are not believed yet.

        placements: Of every known app.

        records: The known apps.
    """

    def __init__(self, result: Result, sources: Iterable[InstanceInfo]) -> None:
        self.held: Mapping[str, HeldBack] = dict(result.held)
        self.placements: dict[AppKey, Placement] = {}
        self.records: dict[AppKey, Record] = {}
        self._sources = {source.name: source for source in sources}
        self._rows: dict[EntityKey, Foreign] = {}
        self._problems: dict[str | AppKey | EntityKey, list[str]] = {}
        # What we asked for: what has become of it is looked at the next time.
        self._awaited: dict[EntityKey, _Awaited] = {}
        self._of_instance: _Index[str, AppKey] = _Index()
        self._called: _Index[str, AppKey] = _Index()
        self._may_be: _Index[str, AppKey] = _Index()
        self._placed: _Index[EntityKey, AppKey] = _Index()
        self._recorded: _Index[AppKey, EntityKey] = _Index()
        self._linked: _Index[str, EntityKey] = _Index()
        self.take(
            Proposal(
                changes=result.changes,
                problems=(),
                retired={},
                held=result.held,
                rows=result.rows,
                records=result.known,
                placements=result.placements,
                lasting=result.lasting,
                about=frozenset(),
                written=result.written,
            )
        )

    @property
    def problems(self) -> list[str]:
        """Sentences for people, about names, apps and entities as they are."""
        return [text for texts in self._problems.values() for text in texts]

    @property
    def entities(self) -> Collection[EntityKey]:
        """The entities that have apps."""
        return self._placed.keys()

    def apps_of(self, entity: EntityKey) -> Collection[AppKey]:
        """Give the apps of an entity, in no order."""
        return self._placed[entity]

    def knows(self, sources: Iterable[InstanceInfo]) -> bool:
        """Say whether the instances are configured as they were; else the whole is to be done."""
        return self._sources == {source.name: source for source in sources}

    # --- what a change comes to ---

    def propose(
        self, changed: Mapping[EntityKey, Entity | None], answers: Sequence[Answer]
    ) -> Proposal | None:
        """
        Say what the catalogue has to become.

        Args:
            changed: The Services that are other than the last time; None for one that is gone.

            answers: One for each configured instance.

        Returns:
            None when the whole has to be correlated: the instances are others, or a row records
            an app of one that is not configured.
        """
        if not self.knows(answer.source for answer in answers):
            return None
        known = Known()
        rows: dict[EntityKey, Foreign | None] = {}
        open_rows: set[EntityKey] = set()
        for key, entity in changed.items():
            awaited = self._awaited.get(key)
            as_wanted = awaited is not None and awaited.is_there(entity)
            written = awaited.written if awaited is not None and as_wanted else None
            rows[key] = (
                ownership.split(entity, key, known, written=written) if entity is not None else None
            )
            # What is as we asked for needs no second look: applying the changes and correlating
            # again gives none.
            if not as_wanted or key in self._problems:
                open_rows.add(key)
        for key in self._awaited.keys() - rows.keys():
            rows[key] = self._rows.get(key)
            open_rows.add(key)
        recorded = self._recorded_now(rows, open_rows)
        if recorded is None:
            return None
        concerned = self._concerned(answers, recorded)
        heard = hear(concerned, answers, self.held)
        fresh: dict[AppKey, Record | None] = dict.fromkeys(
            key for apps in concerned.values() for key in apps
        )
        fresh |= heard.records
        news = {key: new for key, new in fresh.items() if new != self.records.get(key)}
        return self._decide(rows, open_rows, fresh, news, heard)

    def _decide(
        self,
        rows: Mapping[EntityKey, Foreign | None],
        open_rows: AbstractSet[EntityKey],
        fresh: Mapping[AppKey, Record | None],
        news: dict[AppKey, Record | None],
        heard: Knowledge,
    ) -> Proposal:
        region = self._region(rows, open_rows, news)
        now_rows = {
            key: row for key in region.entities if (row := rows.get(key, self._rows.get(key)))
        }
        now_records = {
            key: record
            for key in region.apps
            if (record := fresh.get(key, self.records.get(key))) is not None
        }
        decision = decide(now_rows, now_records, retired=heard.retired)
        written = {EntityKey(c["kind"], c["namespace"], c["name"]) for c in decision.changes}
        for key, placement in decision.placements.items():
            if placement.entity in written:
                news[key] = now_records[key]
        about: set[str | AppKey | EntityKey] = {*region.apps, *region.entities}
        about.update(
            raw_name(record.facts)
            for key in region.apps
            for record in (self.records.get(key), now_records.get(key))
            if record is not None
        )
        return Proposal(
            changes=decision.changes,
            problems=heard.problems,
            retired=heard.retired,
            held=heard.held,
            rows=rows,
            records=news,
            placements={key: decision.placements.get(key) for key in region.apps},
            lasting=(
                *(Problem(key, text) for key, row in now_rows.items() for text in damage(row)),
                *decision.problems,
            ),
            about=about,
            written=decision.written,
        )

    def _recorded_now(
        self, rows: Mapping[EntityKey, Foreign | None], open_rows: Iterable[EntityKey]
    ) -> dict[AppKey, Record] | None:
        """Give the apps that open rows record or recorded: what the catalogue says wins."""
        concerned = {
            record.key
            for key in open_rows
            for row in (self._rows.get(key), rows[key])
            if row is not None
            for record in row.records
        }
        # Thousands of rows come back together after a discovery: all their records in one go.
        others = {key for app in concerned for key in self._recorded[app]} - rows.keys()
        holders = [*(self._rows[key] for key in others), *(row for row in rows.values() if row)]
        told = latest(record for row in holders for record in row.records)
        now: dict[AppKey, Record] = {}
        for app in concerned:
            record = told.get(app) or self.records.get(app)
            if record is None:
                continue
            source = self._sources.get(record.source.name)
            if source is None or source.origin != record.source.origin:
                return None
            now[app] = of_today(record, source)
        return now

    def _concerned(
        self, answers: Sequence[Answer], recorded: Mapping[AppKey, Record]
    ) -> dict[str, dict[AppKey, Record]]:
        """Give by instance the known apps that the answers could change."""
        found: dict[str, dict[AppKey, Record]] = {}
        for answer in answers:
            name = answer.source.name
            keys: Iterable[AppKey]
            if answer.outcome in _WHOLE:
                keys = self._of_instance[name]
            else:
                keys = {*answer.deleted, *(facts.key for facts in answer.apps)}
            found[name] = {key: self.records[key] for key in keys if key in self.records}
        for key, record in recorded.items():
            found[key.instance][key] = record
        return found

    # --- what has to do with what ---

    def _region(
        self,
        rows: Mapping[EntityKey, Foreign | None],
        open_rows: AbstractSet[EntityKey],
        news: Mapping[AppKey, Record | None],
    ) -> _Region:
        """
        Collect what has to do with changed rows and apps.

        Apps have to do with each other by way of entities only: where their names would meet,
        where a link names both, where they are.
        """
        region = _Region(apps=set(news), entities=set(open_rows))
        apps, entities = list(news), list(open_rows)
        while apps or entities:
            if apps:
                key = apps.pop()
                found = self._near_app(key, (self.records.get(key), news.get(key)))
                entities += found - region.entities
                region.entities.update(found)
            else:
                spot = entities.pop()
                near = self._near_entity(spot, (self._rows.get(spot), rows.get(spot)))
                apps += near - region.apps
                region.apps.update(near)
        return region

    def _near_app(self, key: AppKey, records: Iterable[Record | None]) -> set[EntityKey]:
        entities = {*self._recorded[key], *self._linked[key.name]}
        for record in records:
            if record is not None:
                entities.update(
                    EntityKey("Service", "default", name) for name in _possible_names(record)
                )
        return entities

    def _near_entity(self, key: EntityKey, rows: Iterable[Foreign | None]) -> set[AppKey]:
        named = key.kind == "Service" and key.namespace == "default"
        apps = set(self._may_be[key.name] if named else ())
        for row in rows:
            if row is not None:
                apps.update(record.key for record in row.records if record.key in self.records)
                for name in _linked_names(row):
                    apps.update(self._called[name])
        return apps

    # --- making it count ---

    def take(self, proposal: Proposal) -> None:
        """Let a proposal count: the catalogue has its changes."""
        self.held = proposal.held
        for key, row in proposal.rows.items():
            self._put_row(key, row)
        for app, record in proposal.records.items():
            self._put_record(app, record)
        for app, placement in proposal.placements.items():
            self._put_placement(app, placement)
        for subject in proposal.about:
            self._problems.pop(subject, None)
        for problem in proposal.lasting:
            self._problems.setdefault(problem.about, []).append(problem.text)
        self._awaited = {}
        for change in proposal.changes:
            key = EntityKey(change["kind"], change["namespace"], change["name"])
            self._awaited[key] = _Awaited(change["entity"], proposal.written.get(key))

    def _put_row(self, key: EntityKey, row: Foreign | None) -> None:
        before = self._rows.pop(key, None)
        if before is not None:
            for record in before.records:
                self._recorded.discard([record.key], key)
            self._linked.discard(_linked_names(before), key)
        if row is not None:
            self._rows[key] = row
            for record in row.records:
                self._recorded.add([record.key], key)
            self._linked.add(_linked_names(row), key)

    def _put_record(self, key: AppKey, record: Record | None) -> None:
        before = self.records.pop(key, None)
        if before is not None and (record is None or record.facts.label != before.facts.label):
            self._may_be.discard(_possible_names(before), key)
        if record is None:
            self._of_instance.discard([key.instance], key)
            self._called.discard([key.name], key)
            return
        self.records[key] = record
        if before is None:
            self._of_instance.add([key.instance], key)
            self._called.add([key.name], key)
        if before is None or record.facts.label != before.facts.label:
            self._may_be.add(_possible_names(record), key)

    def _put_placement(self, key: AppKey, placement: Placement | None) -> None:
        before = self.placements.pop(key, None)
        if before is not None and before.entity is not None:
            self._placed.discard([before.entity], key)
        if placement is not None:
            self.placements[key] = placement
            if placement.entity is not None:
                self._placed.add([placement.entity], key)


def _possible_names(record: Record) -> tuple[str, ...]:
    """Give the names of the Services that naming could put an app into."""
    raw = raw_name(record.facts)
    return possible_names(raw) if raw else ()


def _linked_names(row: Foreign) -> set[str]:
    return {link.wanted.name for link in links_of(row) if link.wanted is not None}
