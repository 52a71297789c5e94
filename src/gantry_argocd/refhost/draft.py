"""The catalogue as it will be when the transaction ends, while it is being decided. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import attrs

from gantry_argocd.hookspecs import Change, Entity, EntitySnapshot
from gantry_argocd.refhost.documents import Document, Key, document, key_of, same, text_of

SERVICE = "Service"
_WORD = re.compile(r"[^\W_]+")


@attrs.frozen(slots=False, eq=False)
class Row:
    """An entity as it is in the database. Shared by all readers: nobody may change it."""

    key: Key
    doc: Document
    version: int
    created_at: str
    updated_at: str
    created_by: str

    @cached_property
    def entity(self) -> Entity:
        """The entity as REST gives it."""
        return dress(self.doc, self.created_at, self.updated_at, self.created_by)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the entity in lower case."""
        return frozenset(_WORD.findall(json.dumps(self.entity, ensure_ascii=False).lower()))


@attrs.frozen(slots=False)
class Stored:
    """A row that is to be written."""

    doc: Document
    created_at: str
    created_by: str

    @cached_property
    def text(self) -> str:
        """What goes into the database."""
        return text_of(self.doc)


STEPS_KEPT = 64
"""Snapshots back to which a snapshot knows what has changed."""


class Step(NamedTuple):
    """What came between two snapshots."""

    since: int
    ticks: int
    keys: frozenset[Key]


@attrs.frozen
class Snapshot:
    """
    All entities at one tick.

    Attributes:
        ticks: The catalogue's clock.

        rows: Ordered by kind, namespace and name.

        steps: How the last snapshots came to be, each from the one before.
    """

    ticks: int = -1
    rows: Mapping[Key, Row] = attrs.field(factory=dict)
    steps: tuple[Step, ...] = ()

    def followed_by(self, ticks: int, changes: Mapping[Key, Row | None]) -> Snapshot:
        """Give what is there at a later tick; *changes* have None for a row that went."""
        rows = dict(self.rows)
        for key, row in changes.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row
        if not rows.keys() <= self.rows.keys():  # else still in order
            rows = {key: rows[key] for key in sorted(rows, key=tuple)}
        step = Step(self.ticks, ticks, frozenset(changes))
        return Snapshot(ticks, rows, (*self.steps, step)[-STEPS_KEPT:])

    def changed_since(self, ticks: int) -> set[Key] | None:
        """Give the keys of the rows that changed since a tick; None when that is not known."""
        keys: set[Key] = set()
        reached = self.ticks
        for step in reversed(self.steps):
            if reached <= ticks:
                break
            keys |= step.keys
            reached = step.since
        return keys if reached == ticks else None


@attrs.frozen(eq=False)
class Services(Sequence[Entity]):
    """
    All Services as a draft has them: what plugins correlate, with a memory of what changed.

    Attributes:
        snapshot: The rows as they were read.

        found: Ordered by namespace and name.

        drafted: Rows that this transaction is to write, of any kind; None for one that goes.
    """

    snapshot: Snapshot
    found: Sequence[Entity]
    drafted: Mapping[Key, Entity | None]

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def changes_since(
        self, earlier: EntitySnapshot
    ) -> Mapping[tuple[str, str, str], Entity | None] | None:
        """Give what is other than in *earlier*; its own draft may never have been stored."""
        if not isinstance(earlier, Services):
            return None
        keys = self.snapshot.changed_since(earlier.snapshot.ticks)
        if keys is None:
            return None
        rows = self.snapshot.rows
        found: dict[Key, Entity | None] = {
            key: rows[key].entity if key in rows else None for key in (*keys, *earlier.drafted)
        }
        found.update(self.drafted)
        return {(key.kind, key.namespace, key.name): entity for key, entity in found.items()}


class Draft:
    """
    Rows as they were read, and what is to become of them.

    Args:
        snapshot: As read.

        now: Time of this transaction.

        actor: Who makes the rows that nobody else makes.
    """

    def __init__(self, snapshot: Snapshot, now: str, actor: str) -> None:
        self.snapshot = snapshot
        self.ticks = snapshot.ticks
        self.now = now
        self.reasons: dict[Key, str] = {}
        self._actor = actor
        self._read = snapshot.rows
        self._new: dict[Key, Stored | None] = {}

    def entity(self, key: Key) -> Entity | None:
        """Give an entity as it stands now."""
        if key not in self._new:
            row = self._read.get(key)
            return row.entity if row else None
        new = self._new[key]
        if new is None:
            return None
        row = self._read.get(key)
        unmoved = row is not None and same(row.doc, new.doc)
        updated = row.updated_at if row and unmoved else self.now
        return dress(new.doc, new.created_at, updated, new.created_by)

    def services(self) -> Services:
        """Give all Services as they stand now, ordered by namespace and name."""
        drafted = {key: self.entity(key) for key in self._new}
        rows = {key: row for key, row in self._read.items() if key.kind == SERVICE}
        if not drafted:  # the usual case, and already in order
            return Services(self.snapshot, [row.entity for row in rows.values()], drafted)
        keys = sorted(rows.keys() | {key for key in drafted if key.kind == SERVICE})
        found = (drafted[key] if key in drafted else rows[key].entity for key in keys)
        return Services(self.snapshot, [e for e in found if e is not None], drafted)

    def put(
        self, entity: Entity, *, creator: str | None = None, born: tuple[str, str] | None = None
    ) -> Key:
        """
        Store *entity* in the place that it names.

        Args:
            entity: The whole.

            creator: Who makes it when the place is empty.

            born: ``createdAt`` and ``createdBy`` of the row that it was before a rename.
        """
        key = key_of(entity)
        created_at, created_by = born or self._origin(key) or (self.now, creator or self._actor)
        self._new[key] = Stored(document(entity), created_at, created_by)
        return key

    def remove(self, key: Key) -> None:
        """Empty a place."""
        self._new[key] = None

    def apply(self, changes: Sequence[Change], creator: str) -> None:
        """Do what a plugin's correlation asks for."""
        for change in changes:
            entity = change["entity"]
            if change["action"] == "delete" or entity is None:
                key = Key(change["kind"], change["namespace"], change["name"])
                self.remove(key)
            else:
                key = self.put(entity, creator=creator)
            self.reasons[key] = change["reason"]

    def differences(
        self,
    ) -> tuple[dict[Key, Stored], list[tuple[Row, Stored]], list[Row]]:
        """Give what is to be made, changed and deleted; rows that end as they were are left out."""
        made: dict[Key, Stored] = {}
        changed: list[tuple[Row, Stored]] = []
        gone: list[Row] = []
        for key, new in self._new.items():
            row = self._read.get(key)
            if row is None and new is not None:
                made[key] = new
            elif row is not None and new is None:
                gone.append(row)
            elif row is not None and new is not None and not same(row.doc, new.doc):
                changed.append((row, new))
        return made, changed, gone

    def _origin(self, key: Key) -> tuple[str, str] | None:
        if new := self._new.get(key):
            return new.created_at, new.created_by
        if row := self._read.get(key):
            return row.created_at, row.created_by
        return None


def dress(doc: Document, created_at: str, updated_at: str, created_by: str) -> dict[str, Any]:
    """Give a document with what the host knows of it."""
    metadata = doc["metadata"] | {
        "createdAt": created_at,
        "updatedAt": updated_at,
        "createdBy": created_by,
    }
    return doc | {"metadata": metadata}
