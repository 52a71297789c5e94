"""
Correlation as one pure function over facts (``design.md``; all rules).
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

import attrs

from ..mappings import as_dict
from ..refs import AppKey, EntityKey
from . import ownership
from .adoption import adopt, is_original
from .knowledge import Answer, HeldBack, learn
from .links import AppIndex, Claims, links_of, settle
from .naming import raw_name, valid_names
from .ownership import Foreign, Placed
from .provenance import Known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..hookspecs import Change, Entity
    from .provenance import Provenance, Record


class Adoption(Enum):
    """Whether rows of the original Go plugin are taken over (rule 20)."""

    OVER = "over"
    """They are rows like any other."""

    UNDER_WAY = "under way"
    """Taken over; one without an app stays untouched, since an instance has yet to answer."""

    COMPLETE = "complete"
    """Taken over, and every instance has answered: one without an app loses what was written."""


class Placement(NamedTuple):
    """
    Where an app is, and by which rule.

    Attributes:
        entity: Its entity. None for an app that can be in none (rule 19).

        rule: ``link``, ``label`` or ``name``; ``damage`` when its entity cannot be written to.

        text: What the rule went by: the link, the label or the name, as written.
    """

    entity: EntityKey | None
    rule: str
    text: str

    @property
    def why(self) -> str:
        """One sentence for people."""
        if self.rule == "damage":
            return f"{self.text} has annotations that are no mapping; nothing is written to it"
        if self.rule == "link":
            return f"{self.entity} links {self.text!r} by hand"
        if self.entity is None:
            return "neither its label nor its name holds anything usable"
        if self.rule == "label":
            return f"its label says {self.text!r}"
        return f"its own name is {self.text!r}, and it has no usable label"


LONGEST_LINK = 400
"""Characters of a link in a sentence; a ref that names something has less."""


class Problem(NamedTuple):
    """
    Something to report.

    Attributes:
        about: The raw name, the app or the entity that it is about.

        text: A sentence for people.
    """

    about: str | AppKey | EntityKey
    text: str


@attrs.frozen(kw_only=True)
class Result:
    """
    What correlation comes to.

    Attributes:
        changes: What has to be written, in the order of the entities.

        problems: Sentences for people.

        lasting: Those of the problems that last until something changes, with what they are about.

        placements: Of every known app.

        known: The known apps; given back as *memory* the next time.

        held: Losses that are not believed yet; given back the next time.

        retired: Apps that are gone, with the reason.

        rows: The entities as they were stored, our part told from the rest.

        claims: What the hand-written links come to.

        written: The provenance of what is written.
    """

    changes: tuple[Change, ...]
    problems: tuple[str, ...]
    lasting: tuple[Problem, ...]
    placements: Mapping[AppKey, Placement]
    known: Mapping[AppKey, Record]
    held: Mapping[str, HeldBack]
    retired: Mapping[AppKey, str]
    rows: Mapping[EntityKey, Foreign]
    claims: Claims
    written: Mapping[EntityKey, Provenance]


def correlate(
    entities: Iterable[Entity],
    answers: Sequence[Answer],
    *,
    memory: Iterable[Record] = (),
    held: Mapping[str, HeldBack] | None = None,
    adoption: Adoption = Adoption.OVER,
) -> Result:
    """
    Say what the catalogue has to become.

    Pure: no network, clock or log. Applying the changes and calling again gives none.

    Args:
        entities: Every Service as it is stored; others are left alone.

        answers: One for each configured instance, silent ones included.

        memory: Known apps that the catalogue may have lost; what the catalogue records wins.

        held: What an earlier call gave.

        adoption: Whether rows of the original plugin are taken over.
    """
    rows, problems = _read(entities, adoption)
    recorded = [record for row in rows.values() for record in row.records]
    in_catalogue = {record.key for record in recorded}
    recorded += [record for record in memory if record.key not in in_catalogue]
    knowledge = learn(recorded, answers, held or {})
    decision = decide(rows, knowledge.records, retired=knowledge.retired, adoption=adoption)
    lasting = (
        *(Problem(key, text) for key, row in rows.items() for text in damage(row)),
        *decision.problems,
    )
    return Result(
        changes=decision.changes,
        problems=(*problems, *knowledge.problems, *(problem.text for problem in lasting)),
        lasting=lasting,
        placements=decision.placements,
        known=knowledge.records,
        held=knowledge.held,
        retired=knowledge.retired,
        rows=rows,
        claims=decision.claims,
        written=decision.written,
    )


@attrs.frozen(kw_only=True)
class Decision:
    """
    Where the apps belong, and what that makes of the entities.

    Attributes:
        changes: In the order of the entities.

        written: The provenance of what is written.

        placements: Of every app.

        claims: What the links come to.

        problems: About names, apps and links.
    """

    changes: tuple[Change, ...]
    written: Mapping[EntityKey, Provenance]
    placements: Mapping[AppKey, Placement]
    claims: Claims
    problems: tuple[Problem, ...]


def decide(
    rows: Mapping[EntityKey, Foreign],
    records: Mapping[AppKey, Record],
    *,
    retired: Mapping[AppKey, str],
    adoption: Adoption = Adoption.OVER,
) -> Decision:
    """
    Place apps into entities, all of them or a part that has nothing to do with the rest.

    Args:
        rows: The entities.

        records: The known apps.

        retired: Why apps that the rows record are not among them.

        adoption: Whether rows of the original plugin are taken over.
    """
    links = [link for row in rows.values() for link in links_of(row)]
    claims = settle(links, AppIndex(records.values() if links else ()))
    placed, placements, problems = _place(records, claims, rows)
    changes = []
    written: dict[EntityKey, Provenance] = {}
    for key in sorted(rows.keys() | placed.keys(), key=tuple):
        row, here = rows.get(key) or Foreign(key=key), placed.get(key, [])
        if not row.writable or (row.adopted and not here and adoption is Adoption.UNDER_WAY):
            continue
        wanted, provenance = ownership.contribute(row, here)
        if wanted is row.stored or wanted == row.stored:
            continue
        changes.append(_change(row, here, wanted, retired))
        if provenance is not None:
            written[key] = provenance
    return Decision(
        changes=tuple(changes),
        written=written,
        placements=placements,
        claims=claims,
        problems=(*problems, *_link_problems(claims)),
    )


def damage(row: Foreign) -> tuple[str, ...]:
    """Say what of a row cannot be read."""
    text = "its argocd.io/provenance cannot be read; everything in it counts as written by others"
    return (f"{row.key}: {text}",) if row.damaged else ()


def _read(
    entities: Iterable[Entity], adoption: Adoption
) -> tuple[dict[EntityKey, Foreign], list[str]]:
    rows: dict[EntityKey, Foreign] = {}
    problems = []
    known = Known()
    for given in entities:
        entity = as_dict(given)
        if entity is None:
            problems.append("something in the catalogue is no entity; it is left alone")
            continue
        if entity.get("kind") != "Service":
            continue
        key = ownership.entity_key(entity)
        if key is None:
            problems.append("a Service without a name is left alone")
            continue
        if adoption is not Adoption.OVER and is_original(entity):
            rows[key] = adopt(entity, key)
            continue
        rows[key] = ownership.split(entity, key, known)
    return rows, problems


def _place(
    records: Mapping[AppKey, Record], claims: Claims, rows: Mapping[EntityKey, Foreign]
) -> tuple[dict[EntityKey, list[Placed]], dict[AppKey, Placement], list[Problem]]:
    raw_names = {
        key: raw_name(record.facts) for key, record in records.items() if key not in claims.winner
    }
    names, made_distinct = valid_names({raw for raw in raw_names.values() if raw})
    problems = [Problem(raw, text) for raw, text in made_distinct]
    placed: dict[EntityKey, list[Placed]] = defaultdict(list)
    placements: dict[AppKey, Placement] = {}
    alike: dict[Placement, Placement] = {}  # apps of one entity share theirs
    for key in sorted(records, key=tuple):  # plain tuples are compared much faster
        record, raw = records[key], raw_names.get(key)
        placement = place_one(record, claims, raw, names)
        placement = alike.setdefault(placement, placement)
        entity = placement.entity
        if entity is not None and entity in rows and not rows[entity].writable:
            placement = Placement(entity=None, rule="damage", text=str(entity))
            entity = None
        if entity is None:
            problems.append(Problem(key, f"{record.ref}: {placement.why}"))
        else:
            spot = claims.place.get((key, entity))
            placed[entity].append(Placed(record=record, raw_name=raw, link=spot))
        placements[key] = placement
    return placed, placements, problems


def place_one(
    record: Record, claims: Claims, raw: str | None, names: Mapping[str, str]
) -> Placement:
    """
    Say where an app belongs: its link's entity, else the one that naming gives (rules 9 and 10).

    Args:
        record: The app.

        claims: What the links come to.

        raw: The name that naming wants. None or empty when there is none usable.

        names: Entity names by raw name.
    """
    link = claims.winner.get(record.key)
    if link is not None:
        return Placement(entity=link.entity, rule="link", text=link.text)
    if not raw:
        return Placement(entity=None, rule="name", text=record.key.name)
    rule = "label" if raw == record.facts.label else "name"
    return Placement(entity=EntityKey("Service", "default", names[raw]), rule=rule, text=raw)


def _change(
    row: Foreign, placed: list[Placed], wanted: Entity | None, retired: Mapping[AppKey, str]
) -> Change:
    return {
        "action": "delete" if wanted is None else "create" if row.stored is None else "update",
        "kind": row.key.kind,
        "namespace": row.key.namespace,
        "name": row.key.name,
        "entity": wanted,
        "reason": _reason(row, placed, retired),
    }


def _reason(row: Foreign, placed: list[Placed], retired: Mapping[AppKey, str]) -> str:
    now = {item.record.key: item.record.ref for item in placed}
    before = {record.key: record for record in row.records}
    came = [ref for key, ref in now.items() if key not in before]
    left = [record for key, record in before.items() if key not in now]
    parts = [f"{ref} belongs here" for ref in came]
    parts += [
        f"{record.ref}: {retired.get(record.key, 'belongs to another entity')}" for record in left
    ]
    return "; ".join(parts) or "its applications, or what others wrote, have changed"


def _short(text: str) -> str:
    """Give a link that names something as it is, and the beginning of a longer one."""
    return text if len(text) <= LONGEST_LINK else f"{text[: LONGEST_LINK - 3]}..."


def _link_problems(claims: Claims) -> list[Problem]:
    lost = [
        Problem(
            link.entity, f"{link.entity} links {_short(link.text)!r}, but {winner.entity} has it"
        )
        for link, winner in claims.lost
    ]
    return lost + [
        Problem(link.entity, f"{link.entity} links {_short(link.text)!r}, which names nothing")
        for link in claims.dangling
    ]
