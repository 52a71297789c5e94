"""The audit trail: who did what to what, when, with what outcome. Never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from gantry_argocd.refhost import database
from gantry_argocd.refhost.documents import DEFAULT_NAMESPACE, Key
from gantry_argocd.refhost.moments import Clock, stamp

PAGE = 50
LONGEST_PAGE = 500


@attrs.frozen
class Actor:
    """
    Who writes.

    Attributes:
        name: Goes into ``createdBy`` and the trail: a user, ``apikey:<name>``, ``argocd-plugin``.

        user_id: Empty for a plugin.

        source: ``api``, ``page`` or ``plugin``.

        address: Where the request came from; empty for a plugin.
    """

    name: str
    user_id: str = ""
    source: str = "plugin"
    address: str = ""


@attrs.frozen(kw_only=True)
class Record:
    """One entry. States and details are JSON-shaped."""

    actor: Actor
    action: str
    resource_type: str
    resource_id: str
    resource_name: str
    before: Any = None
    after: Any = None
    details: Any = None

    def refused(self, message: str, code: str) -> Record:
        """Give the same, as something that was tried and not done."""
        told = {"outcome": "refused", "code": code, "message": message}
        return attrs.evolve(self, details={**(self.details or {}), **told})


class Trail:
    """Writes and reads the entries."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def add(self, *records: Record) -> None:
        """Write entries in a transaction of their own."""
        with database.transaction(self._engine, "locked") as connection:
            self.add_within(connection, records)

    def add_within(self, connection: sa.Connection, records: Sequence[Record]) -> None:
        """Write entries in the transaction of what they tell of."""
        now = stamp(self._clock())
        if rows := [_row(record, now) for record in records]:
            connection.execute(database.audit.insert(), rows)

    def newest(
        self, *, limit: int = PAGE, offset: int = 0, resource: str | None = None
    ) -> list[dict[str, Any]]:
        """List entries, newest first, of one resource or of all."""
        table = database.audit
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit).offset(offset)
        if resource is not None:
            query = query.where(table.c.resource_id == resource)
        with self._engine.connect() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]


def plugin_record(actor: Actor, told: Mapping[str, Any]) -> Record:
    """
    Make an entry of what a plugin passed to ``Host.audit``.

    Known keys: ``action``; ``user`` (a name or a mapping with ``name``); ``entity`` (a mapping
    with ``kind``, ``namespace``, ``name``) or ``resourceType``, ``resourceId``, ``resourceName``.
    The whole record is kept as ``details``.
    """
    user = told.get("user") or told.get("userName") or actor.name
    name = user.get("name", actor.name) if isinstance(user, Mapping) else user
    entity = told.get("entity")
    kind, ref, label = (
        str(told.get(key, "")) for key in ("resourceType", "resourceId", "resourceName")
    )
    if isinstance(entity, Mapping) and {"kind", "name"} <= entity.keys():
        key = Key(entity["kind"], entity.get("namespace") or DEFAULT_NAMESPACE, entity["name"])
        kind, ref, label = key.kind, key.ref, key.name
    return Record(
        actor=attrs.evolve(actor, name=str(name)),
        action=str(told.get("action", "plugin.event")),
        resource_type=kind or "Plugin",
        resource_id=ref or label,
        resource_name=label or ref,
        details=dict(told),
    )


def _row(record: Record, now: str) -> dict[str, Any]:
    return {
        "timestamp": now,
        "user_id": record.actor.user_id,
        "user_name": record.actor.name,
        "action": record.action,
        "resource_type": record.resource_type,
        "resource_id": record.resource_id,
        "resource_name": record.resource_name,
        "before_state": _json(record.before),
        "after_state": _json(record.after),
        "details": _json(record.details),
        "source": record.actor.source,
        "ip_address": record.actor.address,
    }


def _json(state: Any) -> str | None:
    return None if state is None else json.dumps(state, default=str)


def _entry(row: Mapping[Any, Any]) -> dict[str, Any]:
    entry = {
        "id": row["id"],
        "timestamp": row["timestamp"],
        "userId": row["user_id"],
        "userName": row["user_name"],
        "action": row["action"],
        "resourceType": row["resource_type"],
        "resourceId": row["resource_id"],
        "resourceName": row["resource_name"],
        "beforeState": row["before_state"],
        "afterState": row["after_state"],
        "details": json.loads(row["details"]) if row["details"] else None,
        "source": row["source"],
        "ipAddress": row["ip_address"],
    }
    return {key: value for key, value in entry.items() if value is not None}
