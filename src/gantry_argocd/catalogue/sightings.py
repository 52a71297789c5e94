"""
What of a host's catalogue is other than when it was last looked at.

A host that knows says so (:class:`~gantry_argocd.hookspecs.EntitySnapshot`); of another each entity
is compared with a digest, since nothing says that a mapping of the same identity is unchanged.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import attrs

from ..correlation import entity_key
from ..hookspecs import EntitySnapshot
from ..mappings import as_dict
from ..refs import EntityKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..hookspecs import Entity


@attrs.frozen
class Sighting:
    """
    A catalogue as it was seen.

    Attributes:
        snapshot: What the host handed over. None when it could not tell later what changed.

        digests: Of each Service, where the host cannot tell. None when two claim one identity or
            one has none: then nothing less than the whole can be correlated.
    """

    snapshot: EntitySnapshot | None
    digests: Mapping[EntityKey, bytes] | None


def look(entities: Sequence[Entity]) -> Sighting:
    """See a catalogue as it is."""
    return changes(Sighting(None, None), entities)[1]


def changes(
    before: Sighting, entities: Sequence[Entity]
) -> tuple[Mapping[EntityKey, Entity | None] | None, Sighting]:
    """
    Compare a catalogue with how it was seen before.

    Returns:
        The Services that are other, None for one that is gone; or None when that cannot be told.
        And how the catalogue is seen now.
    """
    if isinstance(entities, EntitySnapshot):
        told = None if before.snapshot is None else entities.changes_since(before.snapshot)
        if told is None:
            return None, Sighting(entities, None)
        found = {EntityKey(*key): entity for key, entity in told.items() if key[0] == "Service"}
        return found, Sighting(entities, None)
    read = _read(entities)
    if read is None:
        return None, Sighting(None, None)
    now = Sighting(None, {key: digest for key, (_, digest) in read.items()})
    if before.digests is None:
        return None, now
    changed: dict[EntityKey, Entity | None] = dict.fromkeys(before.digests.keys() - read.keys())
    changed |= {
        key: entity for key, (entity, digest) in read.items() if before.digests.get(key) != digest
    }
    return changed, now


def _read(entities: Sequence[Entity]) -> dict[EntityKey, tuple[Entity, bytes]] | None:
    found: dict[EntityKey, tuple[Entity, bytes]] = {}
    for given in entities:
        entity = as_dict(given)
        if entity is None:
            return None
        if entity.get("kind") != "Service":
            continue
        key = entity_key(entity)
        if key is None or key in found:
            return None
        try:
            text = json.dumps(entity)
        except (TypeError, ValueError, RecursionError):
            return None  # Something that is no JSON; it is carried through all the same.
        found[key] = (entity, hashlib.blake2b(text.encode(), digest_size=16).digest())
    return found
