"""
Which apps an entity has, told from the entity itself: for its page, without the catalogue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from ..mappings import as_dict
from .engine import place_one
from .links import AppIndex, Link, links_of, settle
from .naming import raw_name
from .ownership import entity_key, split

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from ..hookspecs import Entity
    from ..refs import AppKey, EntityKey
    from .provenance import Record


@attrs.frozen(kw_only=True)
class Member:
    """
    An app of an entity.

    Attributes:
        record: What the catalogue knows of it.

        why: By which rule it belongs there; one sentence.
    """

    record: Record
    why: str

    @property
    def key(self) -> AppKey:
        """Which app."""
        return self.record.key

    @property
    def project(self) -> str:
        """Its Argo CD project."""
        return self.record.facts.project


@attrs.frozen(kw_only=True)
class Members:
    """
    The apps of an entity, first one first, and its links that name nothing.
    """

    apps: tuple[Member, ...] = ()
    dangling: tuple[str, ...] = ()


def members(entity: Entity, known: Callable[[], Collection[Record]]) -> Members:
    """
    Give the apps of *entity*: those it records; of one that was never correlated, what it links.

    Args:
        entity: As stored.

        known: Gives every app that is known, for links that the entity's own records do not
            answer.
    """
    given = as_dict(entity) or {}
    key = entity_key(given)
    if key is None:
        return Members()
    row = split(given, key)
    links = links_of(row)
    index = AppIndex(row.records)
    open_links = [link for link in links if not _names(link, index)]
    found = {record.key: record for record in row.records}
    dangling: tuple[str, ...] = ()
    if open_links:
        # Rare: an index over everything known is made only where the entity's own does not do.
        every = known()
        everything = AppIndex(every)
        dangling = tuple(link.text for link in open_links if not _names(link, everything))
        if not row.records:
            by_key = {record.key: record for record in every}
            found = {k: by_key[k] for link in open_links for k in _names(link, everything)}
    return Members(apps=_explained(key, links, found), dangling=dangling)


def _names(link: Link, index: AppIndex) -> list[AppKey]:
    return index.resolve(link.wanted) if link.wanted else []


def _explained(
    key: EntityKey, links: list[Link], found: dict[AppKey, Record]
) -> tuple[Member, ...]:
    claims = settle(links, AppIndex(found.values()))
    result = []
    for _, record in sorted(found.items()):
        raw = raw_name(record.facts)
        result.append(
            Member(record=record, why=place_one(record, claims, raw, {raw: key.name}).why)
        )
    return tuple(result)
