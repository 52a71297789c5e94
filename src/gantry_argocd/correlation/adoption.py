"""
Rows of the original Go plugin, taken over once (correlation rule 20).

They have no provenance, so what that plugin wrote is told by its own habits. Everything else in
such a row is somebody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..mappings import as_dict
from . import annotations as names
from .ownership import ENRICHMENT_PREFIXES, Foreign, is_bare, strip
from .provenance import Wrote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..hookspecs import Entity
    from ..refs import EntityKey

_CREATED_BY = "argocd-plugin"
_TAG = "argocd"
_DESCRIPTION = 'ArgoCD Application "'
_MORE_KEYS = ("argocd.io/healthMessage", "argocd.io/syncRevision", "argocd.io/targetRevision")
"""Status keys that only the original plugin wrote; nobody would ever take them away again."""


def is_original(entity: Entity) -> bool:
    """Say whether the original plugin wrote a row, and this one never did."""
    metadata = (as_dict(entity) or {}).get("metadata")
    if not isinstance(metadata, dict) or metadata.get("createdBy") != _CREATED_BY:
        return False
    found = metadata.get("annotations")
    return isinstance(found, dict) and names.SYNC_STATUS in found and names.PROVENANCE not in found


def adopt(entity: Entity, key: EntityKey) -> Foreign:
    """Tell the original plugin's part of a row from the rest."""
    metadata = dict(entity["metadata"])
    found: Mapping[str, Any] = metadata["annotations"]
    metadata["annotations"] = {k: v for k, v in found.items() if k not in _MORE_KEYS}
    tags = metadata.get("tags")
    if isinstance(tags, list) and _TAG in tags:
        metadata["tags"] = [tag for tag in tags if tag != _TAG]
        if not metadata["tags"]:
            del metadata["tags"]
    description = metadata.get("description")
    if isinstance(description, str) and description.startswith(_DESCRIPTION):
        del metadata["description"]
    foreign = strip(dict(entity) | {"metadata": metadata}, _wrote(found, key))
    return Foreign(
        key=key,
        entity=foreign,
        theirs=not is_bare(foreign, ENRICHMENT_PREFIXES),
        stored=entity,
        adopted=True,
    )


def _wrote(found: Mapping[str, Any], key: EntityKey) -> Wrote:
    app_names, repo = found.get(names.APP_NAMES), found.get(names.REPO_URL)
    destination = found.get(names.DEST_NAMESPACE)
    spec = {"type": "backend"}
    if isinstance(repo, str) and repo:
        spec["repoUrl"] = repo
    app_name = found.get(names.APP_NAME)
    return Wrote(
        app_name=app_name if isinstance(app_name, str) else None,
        refs=tuple(app_names.split(",")) if isinstance(app_names, str) and app_names else (),
        title=key.name,
        spec=spec,
        deployed_in=(destination,) if isinstance(destination, str) and destination else (),
        made_app_names=True,
        made_deployed_in=True,
    )
