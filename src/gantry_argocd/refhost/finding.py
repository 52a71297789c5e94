"""Searching the catalogue, and what refers to what in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from gantry_argocd.hookspecs import Entity
from gantry_argocd.refhost.documents import DEFAULT_NAMESPACE, Key
from gantry_argocd.refhost.draft import Row

MOST_NODES = 200
_WORD = re.compile(r"[^\W_]+")
_REFERENCES = ("dependsOn", "deployedIn")
_APIS = ("providesApis", "consumesApis")


@attrs.frozen
class Relation:
    """One entity names another, which need not exist."""

    source: Key
    word: str
    target: Key


def search(rows: Iterable[Row], query: str) -> list[dict[str, Any]]:
    """
    Find the entities that have every word of *query*; the last may be the beginning of one.

    Everything but letters and digits separates words. No words find nothing.
    """
    words = [word.lower() for word in _WORD.findall(query)]
    if not words:
        return []
    found = [_hit(row, words) for row in rows if _has_all(row, words)]
    return sorted(found, key=lambda hit: (-hit["rank"], hit["kind"], hit["namespace"], hit["name"]))


def relations_of(row: Row) -> Iterator[Relation]:
    """Give what an entity names."""
    spec = row.entity.get("spec") or {}
    for field in _REFERENCES:
        for item in _items(spec, field):
            if isinstance(item, Mapping) and item.get("kind") and item.get("name"):
                namespace = str(item.get("namespace") or DEFAULT_NAMESPACE)
                target = Key(str(item["kind"]), namespace, str(item["name"]))
                yield Relation(row.key, field, target)
    for field in _APIS:
        for item in _items(spec, field):
            if isinstance(item, str) and item:
                yield Relation(row.key, field, Key("API", DEFAULT_NAMESPACE, item))
    if owner := row.entity["metadata"].get("owner"):
        yield Relation(row.key, "ownedBy", Key("Team", DEFAULT_NAMESPACE, str(owner)))


def incoming(rows: Iterable[Row], key: Key) -> list[Relation]:
    """List who names the entity."""
    return [rel for row in rows for rel in relations_of(row) if rel.target == key]


def graph(rows: Mapping[Key, Row], root: Key) -> dict[str, Any]:
    """Give everything that the entity leads to, and who names it, as nodes and edges."""
    edges = incoming(rows.values(), root)
    nodes = dict.fromkeys([root, *(rel.source for rel in edges)])
    queue = [root]
    while queue and len(nodes) < MOST_NODES:
        row = rows.get(queue.pop(0))
        for rel in relations_of(row) if row else ():
            edges.append(rel)
            if rel.target not in nodes:
                nodes[rel.target] = None
                queue.append(rel.target)
    known = [edge for edge in dict.fromkeys(edges) if {edge.source, edge.target} <= nodes.keys()]
    return {
        "nodes": [_node(key, rows.get(key), root) for key in nodes],
        "edges": [
            {"from": _id(edge.source), "to": _id(edge.target), "relation": edge.word}
            for edge in known
        ],
    }


def documentation_of(entities: Iterable[Entity], key: Key) -> list[Entity]:
    """List the Documentation entities that are about *key*."""
    return [
        entity
        for entity in entities
        if isinstance(about := (entity.get("spec") or {}).get("entityRef"), Mapping)
        and (about.get("kind"), about.get("name")) == (key.kind, key.name)
        and about.get("namespace", DEFAULT_NAMESPACE) == key.namespace
    ]


def _has_all(row: Row, words: list[str]) -> bool:
    *whole, last = words
    return all(word in row.words for word in whole) and any(
        word.startswith(last) for word in row.words
    )


def _hit(row: Row, words: list[str]) -> dict[str, Any]:
    metadata = row.entity["metadata"]
    named = f"{row.key.name} {metadata.get('title', '')}".lower()
    return {
        "kind": row.key.kind,
        "name": row.key.name,
        "namespace": row.key.namespace,
        "title": metadata.get("title", ""),
        "rank": sum(word in named for word in words) + float(named.split()[0] == words[0]),
    }


def _items(spec: Mapping[str, Any], field: str) -> list[Any]:
    value = spec.get(field)
    return value if isinstance(value, list) else []


def _id(key: Key) -> str:
    return f"{key.kind}/{key.name}"


def _node(key: Key, row: Row | None, root: Key) -> dict[str, Any]:
    node = {"id": _id(key), "kind": key.kind, "namespace": key.namespace, "name": key.name}
    title = row.entity["metadata"].get("title") if row else None
    return node | ({"title": title} if title else {}) | {"isRoot": key == root}
