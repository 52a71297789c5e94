"""
What people and neighbour plugins write, before the correlating plugins see it.

Each write goes through the hook ``receive_write``, because only the plugin knows which of the
values in an entity are its own (correlation rules 5-7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from gantry_argocd.hookspecs import Correlation, Entity, WriteMode
from gantry_argocd.refhost.documents import Key, key_of
from gantry_argocd.refhost.draft import Draft
from gantry_argocd.refhost.problems import Clash, Missing


@attrs.frozen
class ForeignWrite:
    """
    One write.

    Attributes:
        mode: What kind of write.

        key: The row that it is about.

        body: What is written; None for ``delete``.
    """

    mode: WriteMode
    key: Key
    body: Entity | None = None


@attrs.frozen
class Received:
    """What the plugins say of a write. ``answered`` is False when none has a say in it."""

    answered: bool
    row: Entity | None


class Hooks(Protocol):
    """The hooks that a write needs."""

    def receive_write(
        self, stored: Entity | None, body: Entity | None, mode: WriteMode
    ) -> Received:
        """Ask what is to be stored."""

    def correlators(self) -> Sequence[Callable[[Sequence[Entity]], Correlation | None]]:
        """Give the ``correlate`` of each plugin that has one."""


def receive(draft: Draft, write: ForeignWrite, hooks: Hooks, creator: str) -> Key:
    """
    Put one write into *draft*.

    Returns:
        Where its row is now.

    Raises:
        Missing: The row is not there.

        Clash: There is one already.
    """
    stored = draft.entity(write.key)
    if write.mode == "create" and stored is not None:
        raise Clash("entity already exists")
    if write.mode in ("replace", "delete") and stored is None:
        raise Missing(not_found(write.key))
    target = key_of(write.body) if write.body is not None else write.key
    if write.mode == "replace" and stored is not None and target != write.key:
        return _rename(draft, write, stored, hooks)
    row = _row(stored, write.body, write.mode, hooks)
    if row is None:
        draft.remove(write.key)
        return write.key
    return draft.put(row, creator=creator)


def not_found(key: Key) -> str:
    """Say that there is no such entity."""
    return f'{key.kind} entity "{key.name}" not found in namespace "{key.namespace}"'


def _rename(draft: Draft, write: ForeignWrite, stored: Entity, hooks: Hooks) -> Key:
    if write.body is not None and draft.entity(key_of(write.body)) is not None:
        raise Clash("entity already exists")
    left = _row(stored, None, "delete", hooks)
    if left is None:
        draft.remove(write.key)
    else:
        draft.put(left)
    row = _row(None, write.body, "create", hooks)
    metadata = stored["metadata"]
    born = (metadata["createdAt"], metadata["createdBy"])
    return draft.put(row or {}, born=born)


def _row(
    stored: Entity | None, body: Entity | None, mode: WriteMode, hooks: Hooks
) -> Entity | None:
    received = hooks.receive_write(stored, body, mode)
    if received.row is not None:
        return received.row
    # "None" of a hook with `firstresult` is also what comes when nobody has an opinion. A
    # person's entity is never swallowed by that; only removals may end with no row.
    if mode == "delete" or (mode == "take-back" and received.answered):
        return None
    if mode == "upsert" and stored is not None and body is not None:
        return merged(stored, body)
    return body


def merged(stored: Entity, body: Entity) -> dict[str, Any]:
    """
    Merge a neighbour's entity into what is there.

    Its annotations and labels overwrite, lists unite, all else fills what is absent.
    """
    result = {**body, **stored}
    result["metadata"] = _filled(stored["metadata"], body["metadata"])
    for field in ("annotations", "labels"):
        both = {
            **(stored["metadata"].get(field) or {}),
            **(body["metadata"].get(field) or {}),
        }
        if both:
            result["metadata"][field] = both
    result["spec"] = _filled(stored.get("spec") or {}, body.get("spec") or {})
    return result


def _filled(stored: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    result = {**body, **stored}
    for key, value in body.items():
        mine = stored.get(key)
        if isinstance(mine, list) and isinstance(value, list):
            result[key] = [*mine, *(item for item in value if not _among(item, mine))]
    return result


def _among(item: Any, items: Sequence[Any]) -> bool:
    if isinstance(item, Mapping) and {"kind", "name"} <= item.keys():
        pair = (item["kind"], item["name"])
        return any(
            isinstance(other, Mapping) and (other.get("kind"), other.get("name")) == pair
            for other in items
        )
    return item in items
