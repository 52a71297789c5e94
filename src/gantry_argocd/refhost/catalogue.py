"""
The catalogue: entities in a database, and every way in which they change.

Readers share one snapshot in memory that is brought up to date by the tick of the catalogue's
clock, so that ten thousand entities are not parsed again for each page; what was written here is in
it already. Writers read, decide and write in one transaction; when somebody else was faster, all of
it is done again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from gantry_argocd.hookspecs import Applied, Change, Entity
from gantry_argocd.refhost import database
from gantry_argocd.refhost.documents import API_VERSION, DEEPEST, Document, Key, deeper_than
from gantry_argocd.refhost.draft import Draft, Row, Snapshot, Stored
from gantry_argocd.refhost.foreign import ForeignWrite, Hooks, receive
from gantry_argocd.refhost.moments import Clock, stamp
from gantry_argocd.refhost.problems import Busy
from gantry_argocd.refhost.trail import Actor, Record, Trail

TRIES = 6
"""How often a transaction is tried; the last time with all other writers shut out."""

QUIET_ABOVE = 100
"""From so many changes at once on, the trail gets one entry instead of one for each entity."""

_BEARABLE = 4 * DEEPEST
_TOO_DEEP = "What is stored here is nested too deep to be shown: replace or delete it."

_T = TypeVar("_T")


class Stale(Exception):
    """What was read is no longer so."""


class Catalogue:
    """
    All entities.

    Args:
        engine: Where they are.

        trail: Where changes are told.

        clock: The present time.
    """

    def __init__(self, engine: sa.Engine, trail: Trail, clock: Clock) -> None:
        self._engine = engine
        self._trail = trail
        self._clock = clock
        self._lock = threading.Lock()
        self._latest = Snapshot()

    # --- reading ---

    def rows(self) -> Mapping[Key, Row]:
        """Give all rows as they are now, ordered by kind, namespace and name."""
        with database.transaction(self._engine, "snapshot") as connection:
            return self._read(connection).rows

    def get(self, key: Key) -> Entity | None:
        """Give one entity."""
        row = self.rows().get(key)
        return row.entity if row else None

    def entities(
        self, kind: str | None = None, *, namespace: str = "", owner: str = "", tag: str = ""
    ) -> list[Entity]:
        """List entities, filtered by whatever is given."""
        found = (row.entity for row in self.rows().values() if kind in (None, row.key.kind))
        return [
            entity
            for entity in found
            if (not namespace or entity["metadata"]["namespace"] == namespace)
            and (not owner or entity["metadata"].get("owner") == owner)
            and (not tag or tag in entity["metadata"].get("tags", ()))
        ]

    # --- writing ---

    def update(
        self, correlate: Callable[[Sequence[Entity]], Sequence[Change]], actor: Actor
    ) -> Applied:
        """Do what :meth:`gantry_argocd.hookspecs.Host.update` promises, in the name of *actor*."""

        def attempt(connection: sa.Connection) -> tuple[Applied, Snapshot]:
            draft = self._draft(connection, actor)
            changes = correlate(draft.services())
            if not changes:
                return Applied(created=0, updated=0, deleted=0), draft.snapshot
            draft.apply(changes, actor.name)
            return self._store(connection, draft, actor)

        return self._in_transaction(attempt)

    def write(
        self, writes: Sequence[ForeignWrite], hooks: Hooks, actor: Actor
    ) -> list[Entity | None]:
        """
        Do what others than the correlating plugins write, and correlate, in one transaction.

        Returns:
            For each write the entity as it is finally stored; None when there is none.

        Raises:
            Missing: A row that is to be replaced or deleted is not there.

            Clash: A row that is to be made is there.
        """

        def attempt(connection: sa.Connection) -> tuple[list[Entity | None], Snapshot]:
            draft = self._draft(connection, actor)
            keys = [receive(draft, write, hooks, actor.name) for write in writes]
            for correlate in hooks.correlators():
                answer = correlate(draft.services())
                if answer is not None and answer["changes"]:
                    draft.apply(answer["changes"], f"{answer['plugin']}-plugin")
            _, fresh = self._store(connection, draft, actor)
            return [draft.entity(key) for key in keys], fresh

        return self._in_transaction(attempt)

    # --- inside ---

    def _in_transaction(self, attempt: Callable[[sa.Connection], tuple[_T, Snapshot]]) -> _T:
        """Do something in a transaction; let what it leaves behind be seen when that has ended."""
        for number in range(1, TRIES + 1):
            last = number == TRIES
            try:
                with database.transaction(
                    self._engine, "locked" if last else "snapshot"
                ) as connection:
                    result, fresh = attempt(connection)
            except (Stale, sa.exc.IntegrityError, sa.exc.OperationalError) as error:
                if last:
                    msg = f"the catalogue could not be written: {type(error).__name__}"
                    raise Busy(msg) from error
            else:
                self._publish(fresh, known=fresh)
                return result
        raise AssertionError  # pragma: no cover

    def _read(self, connection: sa.Connection) -> Snapshot:
        ticks = connection.scalar(sa.select(database.clock.c.ticks)) or 0
        known = self._latest
        if known.ticks == ticks:
            return known
        # Where the database was put back to an earlier state, nothing that was known counts.
        base = known if known.ticks < ticks else Snapshot()
        table = database.entities
        query = sa.select(table).where(table.c.version > base.ticks)
        changes: dict[Key, Row | None] = {}
        for record in connection.execute(query).mappings():
            row = _row(record)
            changes[row.key] = row
        there = connection.scalar(sa.select(sa.func.count()).select_from(table))
        if len(base.rows.keys() | changes.keys()) != there:
            keys = sa.select(table.c.kind, table.c.namespace, table.c.name)
            present = {Key(*found) for found in connection.execute(keys)}
            changes |= dict.fromkeys(base.rows.keys() - present)
        fresh = base.followed_by(ticks, changes)
        self._publish(fresh, known)
        return fresh

    def _publish(self, fresh: Snapshot, known: Snapshot) -> None:
        """Let readers share *fresh*, unless somebody has seen something newer than *known*."""
        with self._lock:
            if fresh.ticks > self._latest.ticks or known is self._latest:
                self._latest = fresh

    def _draft(self, connection: sa.Connection, actor: Actor) -> Draft:
        snapshot = self._read(connection)
        return Draft(snapshot, stamp(self._clock()), actor.name)

    def _store(
        self, connection: sa.Connection, draft: Draft, actor: Actor
    ) -> tuple[Applied, Snapshot]:
        """Write what is other in *draft*; give the counts, and what is there afterwards."""
        made, changed, gone = draft.differences()
        counts = Applied(created=len(made), updated=len(changed), deleted=len(gone))
        if not (made or changed or gone):
            return counts, draft.snapshot
        ticked = connection.execute(
            database.clock.update()
            .where(database.clock.c.ticks == draft.ticks)
            .values(ticks=draft.ticks + 1)
        )
        if ticked.rowcount != 1:
            raise Stale
        table = database.entities
        match = sa.and_(
            table.c.kind == sa.bindparam("k"),
            table.c.namespace == sa.bindparam("ns"),
            table.c.name == sa.bindparam("n"),
            table.c.version == sa.bindparam("v"),
        )
        _all(connection, table.delete().where(match), [_at(old) for old in gone])
        change = (
            table.update()
            .where(match)
            .values(document=sa.bindparam("d"), version=draft.ticks + 1, updated_at=draft.now)
        )
        _all(connection, change, [_at(old) | {"d": new.text} for old, new in changed])
        if made:
            connection.execute(
                table.insert(), [_values(key, new, draft) for key, new in made.items()]
            )
        self._trail.add_within(connection, _told(draft, actor, made, changed, gone))
        changes: dict[Key, Row | None] = {row.key: None for row in gone}
        changes |= {key: _written(key, new, draft) for key, new in made.items()}
        changes |= {old.key: _written(old.key, new, draft) for old, new in changed}
        return counts, draft.snapshot.followed_by(draft.ticks + 1, changes)


def _written(key: Key, new: Stored, draft: Draft) -> Row:
    """Give a row as the database would give it back."""
    return Row(
        key=key,
        doc=_bearable(key, new.doc, new.text),
        version=draft.ticks + 1,
        created_at=new.created_at,
        updated_at=draft.now,
        created_by=new.created_by,
    )


def _row(record: Mapping[Any, Any]) -> Row:
    key = Key(str(record["kind"]), str(record["namespace"]), str(record["name"]))
    text = str(record["document"])
    try:
        doc = _bearable(key, json.loads(text), text)
    except RecursionError:
        doc = _unbearable(key)
    return Row(
        key=key,
        doc=doc,
        version=int(str(record["version"])),
        created_at=str(record["created_at"]),
        updated_at=str(record["updated_at"]),
        created_by=str(record["created_by"]),
    )


def _bearable(key: Key, doc: Document, text: str) -> Document:
    """Give a document; one that nobody could go through (written by other means) is left out."""
    # Counting is quicker than looking, and enough for nearly all.
    if text.count("{") + text.count("[") <= _BEARABLE or not deeper_than(doc, _BEARABLE):
        return doc
    return _unbearable(key)


def _unbearable(key: Key) -> Document:
    metadata = {"name": key.name, "namespace": key.namespace, "description": _TOO_DEEP}
    return {"kind": key.kind, "apiVersion": API_VERSION, "metadata": metadata}


def _at(row: Row) -> dict[str, object]:
    return {"k": row.key.kind, "ns": row.key.namespace, "n": row.key.name, "v": row.version}


def _values(key: Key, new: Stored, draft: Draft) -> dict[str, object]:
    return {
        "kind": key.kind,
        "namespace": key.namespace,
        "name": key.name,
        "document": new.text,
        "version": draft.ticks + 1,
        "created_at": new.created_at,
        "updated_at": draft.now,
        "created_by": new.created_by,
    }


def _all(
    connection: sa.Connection, statement: sa.Executable, rows: list[dict[str, object]]
) -> None:
    if rows:
        done = connection.execute(statement, rows).rowcount
        if done not in (-1, len(rows)):
            raise Stale


def _told(
    draft: Draft,
    actor: Actor,
    made: Mapping[Key, Stored],
    changed: Sequence[tuple[Row, Stored]],
    gone: Sequence[Row],
) -> list[Record]:
    if len(made) + len(changed) + len(gone) > QUIET_ABOVE:
        counts = {"created": len(made), "updated": len(changed), "deleted": len(gone)}
        return [
            Record(
                actor=actor,
                action="catalogue.updated",
                resource_type="Catalogue",
                resource_id="",
                resource_name="",
                details=counts,
            )
        ]
    # What a plugin writes can be had from its source again; what a person wrote cannot.
    whole = actor.source != "plugin"
    steps: list[tuple[str, Key, Document | None, Document | None]] = [
        *(("entity.created", key, None, new.doc) for key, new in made.items()),
        *(("entity.updated", old.key, old.doc, new.doc) for old, new in changed),
        *(("entity.deleted", old.key, old.doc, None) for old in gone),
    ]
    return [
        Record(
            actor=actor,
            action=action,
            resource_type=key.kind,
            resource_id=key.ref,
            resource_name=key.name,
            before=before if whole else None,
            after=after if whole else None,
            details={"reason": draft.reasons[key]} if key in draft.reasons else None,
        )
        for action, key, before, after in steps
    ]
