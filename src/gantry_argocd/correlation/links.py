"""
Links that people wrote by hand, and which of them wins an app (correlation rule 9).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import attrs

from ..refs import AppKey, EntityKey, Wanted, parse_list, parse_wanted
from . import annotations as names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .ownership import Foreign
    from .provenance import Record


@attrs.frozen(kw_only=True)
class Link:
    """
    One hand-written name of an app in an entity.

    Attributes:
        entity: Where it is written.

        place: 0 for ``appName``, from 1 for the elements of ``appNames``.

        text: As written, trimmed.

        wanted: None when the text has no form that names an app.
    """

    entity: EntityKey
    place: int
    text: str
    wanted: Wanted | None


@attrs.frozen(kw_only=True)
class Claims:
    """
    What the links of all entities come to.

    Attributes:
        winner: The entity that each linked app belongs to.

        place: For each (app, entity), the first link of that entity that names the app.

        lost: Links that place no app in their entity, with the entity that has it instead.

        dangling: Links that name nothing.

        named: For each app that any link names, all links that do.
    """

    winner: Mapping[AppKey, Link]
    place: Mapping[tuple[AppKey, EntityKey], int]
    lost: tuple[tuple[Link, Link], ...]
    dangling: tuple[Link, ...]
    named: Mapping[AppKey, Sequence[Link]]


class AppIndex:
    """Finds the apps that a link could mean."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._by_name: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            self._by_name[record.key.name].append(record)

    def resolve(self, wanted: Wanted) -> list[AppKey]:
        """
        Give the apps that *wanted* names, first one first.

        ``instance:name`` is the app in Argo CD's own namespace, else the only one of that name in
        the instance; a bare name is every app of that name.
        """
        found = [
            record
            for record in self._by_name.get(wanted.name, ())
            if wanted.instance in {None, record.key.instance}
            and wanted.namespace in {None, record.key.namespace}
        ]
        if wanted.instance is not None and wanted.namespace is None and len(found) > 1:
            found = [r for r in found if r.key.namespace == r.source.own_namespace]
        return sorted(record.key for record in found)


def links_of(foreign: Foreign) -> list[Link]:
    """Read the links that are written in the foreign part of a ``Service``."""
    if foreign.key.kind != "Service" or not foreign.writable:
        return []
    texts: list[tuple[int, str]] = []
    app_name = foreign.annotations.get(names.APP_NAME)
    app_names = foreign.annotations.get(names.APP_NAMES)
    if isinstance(app_name, str) and app_name.strip():
        texts.append((0, app_name.strip()))
    if isinstance(app_names, str):
        texts.extend(enumerate(parse_list(app_names), start=1))
    return [
        Link(entity=foreign.key, place=place, text=text, wanted=parse_wanted(text))
        for place, text in texts
    ]


def settle(links: Collection[Link], index: AppIndex) -> Claims:
    """Say which entity each linked app belongs to: the most exact form, then the first entity."""
    resolved = [(link, index.resolve(link.wanted) if link.wanted else []) for link in links]
    winner: dict[AppKey, Link] = {}
    place: dict[tuple[AppKey, EntityKey], int] = {}
    named: dict[AppKey, list[Link]] = defaultdict(list)
    for link, keys in resolved:
        for key in keys:
            named[key].append(link)
            if key not in winner or _strength(link) < _strength(winner[key]):
                winner[key] = link
            spot = (key, link.entity)
            place[spot] = min(link.place, place.get(spot, link.place))
    return Claims(
        winner=winner,
        place=place,
        lost=tuple(
            (link, winner[keys[0]])
            for link, keys in resolved
            if keys and all(winner[key].entity != link.entity for key in keys)
        ),
        dangling=tuple(link for link, keys in resolved if not keys),
        named=named,
    )


def _strength(link: Link) -> tuple[int, str, str, int]:
    exactness = link.wanted.exactness if link.wanted else 0
    return (-exactness, link.entity.namespace, link.entity.name, link.place)
