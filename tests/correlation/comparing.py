"""
How catalogues are compared, and what of an entity is not Argo CD's.

Written from the rules and not from the code, so that a wrong split is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from world import World

from gantry_argocd.correlation import InstanceInfo
from gantry_argocd.correlation.provenance import Provenance
from gantry_argocd.models import Facts
from gantry_argocd.refs import EntityKey

STATUS_KEYS = {
    f"argocd.io/{short}"
    for short in (
        "namespace",
        "syncStatus",
        "healthStatus",
        "repoURL",
        "project",
        "destNamespace",
        "destServer",
        "destName",
        "apps",
        "staleSince",
        "provenance",
    )
}


def key_of(entity: Mapping[str, Any]) -> EntityKey:
    """Give the identity of an entity that has one."""
    metadata = entity["metadata"]
    return EntityKey(entity["kind"], metadata.get("namespace") or "default", metadata["name"])


def foreign_part(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of an authored entity is its author's: all but status keys and empty containers."""
    metadata = dict(entity["metadata"])
    if not isinstance(metadata.get("annotations", {}), dict):
        return dict(entity)  # untouched (rule 19)
    annotations = metadata.get("annotations")
    if annotations is not None:
        left = {key: value for key, value in annotations.items() if key not in STATUS_KEYS}
        metadata["annotations"] = left
        if not left:
            del metadata["annotations"]
    result = dict(entity) | {"metadata": metadata}
    if result.get("spec", "none") == {}:
        del result["spec"]
    return result


def text_of(entity: Any) -> str:
    """Write an entity byte for byte, the order of its keys included."""
    return json.dumps(entity)


def comparable(entity: Mapping[str, Any]) -> Any:
    """Give an entity without what no law speaks of; ``deployedIn`` and ``appNames`` as sets."""
    result = json.loads(json.dumps(entity))
    metadata, spec = result.get("metadata"), result.get("spec")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict):
        for key in ("argocd.io/provenance", "argocd.io/staleSince"):
            annotations.pop(key, None)
        names = annotations.get("argocd.io/appNames")
        if isinstance(names, str):
            annotations["argocd.io/appNames"] = sorted(names.split(","))
    if isinstance(metadata, dict):
        for field in ("annotations", "labels", "tags"):
            if metadata.get(field) in ({}, []):  # these count as absent (rule 3)
                del metadata[field]
    if spec == {}:
        del result["spec"]
    if isinstance(spec, dict) and isinstance(spec.get("deployedIn"), list):
        spec["deployedIn"] = sorted(map(json.dumps, spec["deployedIn"]))
    return json.dumps(result, sort_keys=True)


def catalogue(rows: Mapping[EntityKey, Any]) -> dict[EntityKey, Any]:
    """Give all rows in comparable form."""
    return {key: comparable(row) for key, row in rows.items()}


def world_of(
    entities: Iterable[Mapping[str, Any]], instances: Iterable[str] = ("one", "two")
) -> World:
    """Make a world whose catalogue was filled by others, before Argo CD was ever asked."""
    world = World(instances=tuple(instances))
    world.rows = {key_of(entity): dict(entity) for entity in entities}
    return world


def fresh(
    foreign: Mapping[EntityKey, tuple[Mapping[str, Any], bool]],
    apps: Iterable[Facts],
    instances: Iterable[InstanceInfo],
) -> World:
    """
    Discover once, with nothing known before.

    Args:
        foreign: What others say of each entity, and whether it exists without us.

        apps: All that there is in Argo CD.

        instances: As configured.
    """
    world = World(*(), instances=())
    world.instances = {instance.name: instance for instance in instances}
    for key, (entity, theirs) in foreign.items():
        row = json.loads(json.dumps(entity))
        if not theirs:
            mark = Provenance(entity=str(key), theirs=False).encode()
            row["metadata"].setdefault("annotations", {})["argocd.io/provenance"] = mark
        world.rows[key] = row
    world.set(*apps)
    world.sync()
    return world
