"""
Why an app is in its entity, what else was considered, and what in an entity is ours.

Told from the result of a correlation, so it can never say anything else than what was done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .annotations import APP_NAME, APP_NAMES
from .links import links_of
from .naming import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..refs import AppKey, EntityKey
    from .engine import Result
    from .provenance import Provenance, Record


def explain_app(result: Result, key: AppKey) -> dict[str, Any]:
    """
    Say why an app is where it is; JSON-shaped.

    Raises:
        KeyError: If the app is not known.
    """
    record, placement = result.known[key], result.placements[key]
    return {
        "app": record.ref,
        "entity": str(placement.entity) if placement.entity else None,
        "rule": placement.rule,
        "why": placement.why,
        "considered": [*_links(result, key), *_names(result, record)],
        "sync": record.facts.sync,
        "health": record.facts.health,
        "staleSince": record.stale_since,
        "readAt": record.read_at,
    }


def _links(result: Result, key: AppKey) -> list[dict[str, str]]:
    winner = result.claims.winner.get(key)
    found = []
    for link in result.claims.named.get(key, ()):
        outcome = "wins"
        if winner is not None and link is not winner:
            same = link.entity == winner.entity
            more_exact = _exactness(winner) > _exactness(link)
            outcome = (
                "the same entity"
                if same
                else f"loses: {winner.entity} names it more exactly"
                if more_exact
                else f"loses: {winner.entity} comes first by name"
            )
        found.append(
            {"rule": "link", "text": link.text, "entity": str(link.entity), "outcome": outcome}
        )
    return found


def _exactness(link: Any) -> int:
    return link.wanted.exactness if link.wanted else 0


def _names(result: Result, record: Record) -> list[dict[str, str]]:
    placement = result.placements[record.key]
    found = []
    for rule, text in (("label", record.facts.label), ("name", record.key.name)):
        if placement.rule == rule:
            outcome = "wins" if placement.entity else "holds nothing usable"
        elif not text:
            outcome = "not set"
        elif not clean(text):
            outcome = "holds nothing usable"
        elif placement.rule == "link":
            outcome = "loses: a link wins over names"
        elif placement.rule == "damage":
            outcome = placement.why
        else:
            outcome = "loses: the label wins over the name"
        found.append({"rule": rule, "text": text, "outcome": outcome})
    return found


def explain_entity(result: Result, key: EntityKey) -> dict[str, Any]:
    """
    Say which apps an entity has and why, and what in it is ours and from which app.

    Raises:
        KeyError: If there is no such entity and no app wants one.
    """
    apps = [app for app, placement in result.placements.items() if placement.entity == key]
    row = result.rows.get(key)
    if row is None and not apps:
        raise KeyError(key)
    return {
        "entity": str(key),
        "theirs": row.theirs if row is not None else False,
        "apps": [
            {
                "app": result.known[app].ref,
                "rule": result.placements[app].rule,
                "why": result.placements[app].why,
            }
            for app in sorted(apps)
        ],
        "links": _links_of_entity(result, key),
        "ours": _ours(row.provenance) if row is not None and row.provenance else {},
    }


def _links_of_entity(result: Result, key: EntityKey) -> list[dict[str, str]]:
    row = result.rows.get(key)
    if row is None:
        return []
    lost = {(link.entity, link.place): winner for link, winner in result.claims.lost}
    dangling = {(link.entity, link.place) for link in result.claims.dangling}
    found = []
    for link in links_of(row):
        spot = (link.entity, link.place)
        outcome = "names an application of this entity"
        if spot in dangling:
            outcome = "names nothing"
        elif spot in lost:
            outcome = f"lost: {lost[spot].entity} has it"
        written = APP_NAME if link.place == 0 else APP_NAMES
        found.append({"annotation": written, "text": link.text, "outcome": outcome})
    return found


def _ours(provenance: Provenance) -> dict[str, Any]:
    """Give each value that is ours with the apps that it comes from."""
    records, wrote = provenance.records, provenance.wrote
    everyone = [record.ref for record in records]
    ours: dict[str, Any] = {}
    if wrote.app_name is not None:
        ours["metadata.annotations.argocd.io/appName"] = {
            "value": wrote.app_name,
            "from": [r.ref for r in records if r.key.name == wrote.app_name],
        }
    if wrote.refs:
        ours["metadata.annotations.argocd.io/appNames"] = {
            "value": list(wrote.refs),
            "from": list(wrote.refs),
        }
    if wrote.title is not None:
        ours["metadata.title"] = {"value": wrote.title, "from": _labelled(records, wrote.title)}
    for field, value in sorted(wrote.spec.items()):
        givers = [r.ref for r in records if r.facts.repo_url == value]
        ours[f"spec.{field}"] = {
            "value": value,
            "from": givers if field == "repoUrl" else everyone,
        }
    for name in wrote.deployed_in:
        ours[f"spec.deployedIn.{name}"] = {
            "value": name,
            "from": [r.ref for r in records if r.facts.destination.namespace == name],
        }
    return ours


def _labelled(records: Sequence[Record], title: str) -> list[str]:
    return [r.ref for r in records if title in {r.facts.label, r.key.name}]


def moves(before: Mapping[AppKey, Any], after: Mapping[AppKey, Any]) -> list[dict[str, Any]]:
    """List the apps whose entity differs between two sets of placements, first one first."""
    return [
        {
            "instance": key.instance,
            "namespace": key.namespace,
            "name": key.name,
            "from": _entity(before.get(key)),
            "to": _entity(after.get(key)),
        }
        for key in sorted(before.keys() | after.keys())
        if _entity(before.get(key)) != _entity(after.get(key))
    ]


def _entity(placement: Any) -> str | None:
    return str(placement.entity) if placement is not None and placement.entity else None
