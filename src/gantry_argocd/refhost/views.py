"""What the catalogue's templates may use: entities put into words, with nothing left to compute."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs
import yaml

from gantry_argocd.hookspecs import Entity
from gantry_argocd.refhost.documents import DEEPEST, DEFAULT_NAMESPACE, Key, deeper_than
from gantry_argocd.refhost.draft import Row

_TONES = {
    "Synced": "good",
    "Healthy": "good",
    "OutOfSync": "warn",
    "Degraded": "bad",
    "Progressing": "busy",
    "Missing": "lost",
    "Suspended": "held",
}
HIDDEN_PREFIXES = ("kubernetes.io/", "deployment.kubernetes.io/", "github.com/", "argocd.io/")
"""Annotations that are shown elsewhere than in the card of annotations."""

_NOT_IN_SPEC = ("links", "repoUrl")


@attrs.frozen
class Status:
    """A status word and the tone of its dot; the word alone says everything."""

    word: str
    tone: str


@attrs.frozen
class Link:
    """A link that is safe to follow."""

    title: str
    url: str


@attrs.frozen
class Chip:
    """A reference to another entity."""

    key: Key


@attrs.frozen
class Field:
    """One entry of a spec: either ``text``, or chips, or a block of YAML."""

    name: str
    text: str = ""
    chips: Sequence[Chip] = ()
    block: str = ""


@attrs.frozen
class Line:
    """An entity in a list."""

    key: Key
    title: str
    type: str
    lifecycle: str
    owner: str
    sync: Status | None
    health: Status | None
    stale: str
    environments: Sequence[str]


@attrs.frozen
class EntityView:
    """An entity on its own page."""

    key: Key
    title: str
    description: str
    owner: str
    pills: Sequence[str]
    tags: Sequence[str]
    spec: Sequence[Field]
    links: Sequence[Link]
    metadata: Sequence[tuple[str, str]]
    times: Sequence[tuple[str, str]]
    annotations: Sequence[tuple[str, str]]
    labels: Sequence[tuple[str, str]]


def status_of(word: str) -> Status | None:
    """Put a status into view; none for an empty one."""
    return Status(word, _TONES.get(word, "unknown")) if word else None


def line_of(row: Row) -> Line:
    """Put an entity into a line."""
    metadata, spec = row.entity["metadata"], _mapping(row.entity.get("spec"))
    annotations = _mapping(metadata.get("annotations"))
    sync = _text(annotations.get("argocd.io/syncStatus"))
    health = _text(annotations.get("argocd.io/healthStatus"))
    return Line(
        key=row.key,
        title=_title(row),
        type=_text(spec.get("type")),
        lifecycle=_text(spec.get("lifecycle")),
        owner=_text(metadata.get("owner")),
        sync=status_of(sync),
        # Argo CD says Healthy of what it could not compare; that is no good news.
        health=status_of("Unknown" if (sync, health) == ("Unknown", "Healthy") else health),
        stale=_text(annotations.get("argocd.io/staleSince")),
        environments=[chip.key.name for chip in _chips(spec.get("deployedIn"))],
    )


def matches(row: Row, text: str) -> bool:
    """Say whether a list that is filtered by *text* shows the entity."""
    if not text:
        return True
    metadata = row.entity["metadata"]
    said = [row.key.name, *(_text(metadata.get(key)) for key in ("title", "description", "owner"))]
    tags = metadata.get("tags")
    said += [str(tag) for tag in tags] if isinstance(tags, list) else []
    return all(word in " ".join(said).lower() for word in text.lower().split())


def entity_view(row: Row, hidden: Sequence[str]) -> EntityView:
    """
    Put an entity into view.

    Args:
        row: The entity.

        hidden: Prefixes of annotations that have a place of their own.
    """
    entity = row.entity
    metadata, spec = entity["metadata"], _mapping(entity.get("spec"))
    annotations = _mapping(metadata.get("annotations"))
    shown = {k: v for k, v in annotations.items() if not k.startswith(tuple(hidden))}
    tags = metadata.get("tags")
    return EntityView(
        key=row.key,
        title=_title(row),
        description=_text(metadata.get("description")),
        owner=_text(metadata.get("owner")),
        pills=[text for key in ("lifecycle", "type") if (text := _text(spec.get(key)))],
        tags=[str(tag) for tag in tags] if isinstance(tags, list) else [],
        spec=[_field(name, value) for name, value in spec.items() if name not in _NOT_IN_SPEC],
        links=list(_links(spec)),
        metadata=[
            ("API Version", _text(entity.get("apiVersion"))),
            *([("Namespace", row.key.namespace)] if row.key.namespace != DEFAULT_NAMESPACE else []),
            ("Created by", row.created_by),
        ],
        times=[("Created", row.created_at), ("Updated", row.updated_at)],
        annotations=sorted((key, _text(value)) for key, value in shown.items()),
        labels=sorted((k, _text(v)) for k, v in _mapping(metadata.get("labels")).items()),
    )


def safe_yaml(entity: Entity) -> str:
    """Write an entity as YAML, as people read it and can send it back."""
    return _block(entity, width=100)


def _title(row: Row) -> str:
    title = _text(row.entity["metadata"].get("title"))
    return "" if title == row.key.name else title


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _block(value: Any, width: int = 80) -> str:
    """Write YAML. What was stored too deep for that comes as JSON, which is YAML as well."""
    if not deeper_than(value, DEEPEST + 1):
        plain = json.loads(json.dumps(value))  # YAML would refer to what occurs twice
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=width)
    return json.dumps(value, ensure_ascii=False) + "\n"


def _chips(value: Any) -> Iterator[Chip]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping) and item.get("kind") and item.get("name"):
            namespace = str(item.get("namespace") or DEFAULT_NAMESPACE)
            yield Chip(Key(str(item["kind"]), namespace, str(item["name"])))


def _field(name: str, value: Any) -> Field:
    chips = list(_chips(value))
    if chips and isinstance(value, list) and len(chips) == len(value):
        return Field(name, chips=chips)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return Field(name, text=", ".join(value))
    if isinstance(value, (list, Mapping)):
        return Field(name, block=_block(value))
    return Field(name, text=_text(value))


def _links(spec: Mapping[str, Any]) -> Iterator[Link]:
    repository = _text(spec.get("repoUrl"))
    if _is_web(repository):
        on_github = (urlsplit(repository).hostname or "").endswith("github.com")
        yield Link("GitHub Repository" if on_github else "Repository", repository)
    listed = spec.get("links")
    for item in listed if isinstance(listed, list) else ():
        url = _text(_mapping(item).get("url"))
        if _is_web(url):
            yield Link(_text(_mapping(item).get("title")) or url, url)


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
