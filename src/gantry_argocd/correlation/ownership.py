"""
Who owns a value: one equation (correlation rules 1 to 7 and 12).

::

    stored entity = contribute(foreign state, apps placed here)
    foreign state = split(stored entity)

``split`` takes exactly our part out again, by the provenance that travels with the entity. Others
write to the foreign part only, where our values do not exist; :func:`receive` does that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs

from ..mappings import as_dict
from ..refs import EntityKey
from ..status import worst_health, worst_sync
from . import annotations as names
from .provenance import Known, Provenance, Record, Wrote, decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..hookspecs import Entity, WriteMode

API_VERSION = "gantry.io/v1"
ENRICHMENT_PREFIXES = ("github.com/",)
"""Annotations that another plugin derives from our values (rule 7)."""

FILLED = {"type": "backend", "lifecycle": "production"}
_ADDED = {"createdAt", "updatedAt", "createdBy"}
_HOST_FIELDS = {"name", "namespace", *_ADDED}


@attrs.frozen(kw_only=True)
class Foreign:
    """
    What of an entity is not ours.

    Attributes:
        key: Which entity.

        entity: The entity without our part. None when it does not exist without us.

        theirs: It exists without us: somebody else made it or added to it (rule 7).

        records: The apps that the row says are placed there.

        writable: False when its annotations are no mapping; then nothing is touched (rule 19).

        damaged: It has a provenance that cannot be read.

        stored: The row as it is. None for an entity that is to be made.

        provenance: As stored. None when there is none, or a damaged one.

        touched: The stored row holds something of ours.

        adopted: The original plugin wrote it, and it was never ours yet (rule 20).
    """

    key: EntityKey
    entity: Entity | None = None
    theirs: bool = False
    records: tuple[Record, ...] = ()
    writable: bool = True
    damaged: bool = False
    stored: Entity | None = None
    provenance: Provenance | None = None
    touched: bool = True
    adopted: bool = False

    @property
    def annotations(self) -> Mapping[str, Any]:
        """Annotations that are not ours."""
        found = _metadata(self.entity).get("annotations") if self.entity else None
        return found if isinstance(found, dict) else {}


class Placed(NamedTuple):
    """
    An app in its entity.

    Attributes:
        record: The app.

        raw_name: The name that naming wanted; None for an app placed by a link.

        link: Place of the first link of the entity that names the app: 0 is ``appName``, others
            are the elements of ``appNames``. None when no link names it.
    """

    record: Record
    raw_name: str | None = None
    link: int | None = None


def entity_key(entity: Entity) -> EntityKey | None:
    """Give the identity of a catalogue row; None for something that has none."""
    metadata = _metadata(entity)
    kind, name = entity.get("kind"), metadata.get("name")
    namespace = metadata.get("namespace") or "default"
    if not all(isinstance(part, str) and part for part in (kind, name, namespace)):
        return None
    return EntityKey(kind, namespace, name)  # type: ignore[arg-type]  # checked above


def is_ours(entity: Entity) -> bool:
    """Say whether a row holds a part of ours."""
    return names.PROVENANCE in _annotations(as_dict(entity) or {})


class Contribution(NamedTuple):
    """
    An entity as it is to be stored.

    Attributes:
        entity: None when the row is to go. The stored row itself when nothing of it changes but
            times in the provenance, which alone are no reason to write.

        provenance: What its annotation says, where it was written anew.
    """

    entity: Entity | None
    provenance: Provenance | None = None


def split(
    entity: Entity,
    key: EntityKey,
    known: Known | None = None,
    *,
    written: Provenance | None = None,
) -> Foreign:
    """
    Take our part out of a stored entity (rule 4).

    Args:
        entity: As stored.

        key: Its identity.

        known: See :func:`~gantry_argocd.correlation.provenance.decode`.

        written: What its provenance is known to say, because we wrote it.
    """
    raw = _metadata(entity).get("annotations", {})
    if not isinstance(raw, dict):
        return Foreign(key=key, entity=entity, theirs=True, writable=False, stored=entity)
    provenance = written
    if written is None and names.PROVENANCE in raw:
        provenance = decode(raw[names.PROVENANCE], known)
    own = provenance is not None and provenance.entity == str(key)
    touched = any(name in raw for name in names.OURS_ALONE)
    return Foreign(
        key=key,
        entity=strip(entity, provenance.wrote if provenance else None),
        touched=touched,
        theirs=provenance.theirs if provenance is not None and own else True,
        records=provenance.records if provenance is not None and own else (),
        damaged=names.PROVENANCE in raw and provenance is None,
        stored=entity,
        provenance=provenance if own else None,
    )


def strip(entity: Entity, wrote: Wrote | None) -> Entity:
    """Give *entity* without our keys and without the recorded values that are as we wrote them."""
    metadata = dict(_metadata(entity))
    annotations = {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key not in names.OURS_ALONE
    }
    spec = entity.get("spec")
    if wrote is not None:
        _strip_links(annotations, wrote)
        if wrote.title is not None and metadata.get("title") == wrote.title:
            del metadata["title"]
        spec = _strip_spec(spec, wrote)
    _put(metadata, "annotations", annotations)
    result = dict(entity) | {"metadata": metadata}
    _put(result, "spec", spec)
    return result


def contribute(foreign: Foreign, placed: Sequence[Placed]) -> Contribution:
    """
    Give the entity as it is to be stored (rule 12).

    Args:
        foreign: What is not ours.

        placed: The apps of the entity, first one first. Without any the row goes, unless somebody
            else wants it.
    """
    if not placed:
        # What holds nothing of ours is not rewritten for its empty containers either.
        rest = foreign.entity if foreign.touched else foreign.stored
        return Contribution(rest if foreign.theirs else None)
    base = foreign.entity or _new(foreign.key)
    metadata = dict(_metadata(base))
    annotations = dict(foreign.annotations)
    primary = _primary(placed)
    records = [item.record for item in placed]

    refs = [record.ref for record in records]
    app_name, added, made_app_names = _fill_links(annotations, primary, refs)
    title = _fill_title(metadata, foreign.key, placed)
    spec, filled, deployed_in, made_deployed_in = _fill_spec(base.get("spec", {}), primary, records)

    _set_status(annotations, primary, records, refs)
    provenance = Provenance(
        entity=str(foreign.key),
        theirs=foreign.theirs,
        records=tuple(records),
        wrote=Wrote(
            app_name=app_name,
            refs=added,
            title=title,
            spec=filled,
            deployed_in=deployed_in,
            made_app_names=made_app_names,
            made_deployed_in=made_deployed_in,
        ),
    )
    metadata["annotations"] = annotations
    result = dict(base) | {"metadata": metadata}
    if spec is not None:
        result["spec"] = spec
    if _unchanged(foreign, result, provenance):
        return Contribution(foreign.stored)
    annotations[names.PROVENANCE] = provenance.encode()
    return Contribution(result, provenance)


def _unchanged(foreign: Foreign, wanted: Entity, provenance: Provenance) -> bool:
    """Say whether the stored row already is what is wanted, times in the provenance aside."""
    return (
        foreign.stored is not None
        and foreign.provenance == provenance
        and _without_provenance(foreign.stored) == wanted
    )


def receive(
    stored: Entity | None,
    body: Entity | None,
    mode: WriteMode,
    enrichment: Sequence[str] = ENRICHMENT_PREFIXES,
) -> Entity | None:
    """
    Do a foreign write to the foreign part of a row (rules 5 to 7).

    The row that comes out holds the foreign part, the facts of the *stored* row's apps and the
    mark *theirs*; correlating it afterwards brings our values back.

    Args:
        stored: The row as it is. None when there is none.

        body: What is written. None for a delete.

        mode: See :func:`gantry_argocd.hookspecs.receive_write`.

        enrichment: Prefixes of annotations that do not make a row somebody's.

    Returns:
        None when no row is to be stored.
    """
    stored, body = as_dict(stored), as_dict(body)
    subject = stored if body is None else body
    key = entity_key(subject) if subject is not None else None
    if key is None or key.kind != "Service":
        return body
    before = split(stored, key) if stored is not None else Foreign(key=key)
    if body is None:
        foreign: Entity | None = None
        theirs = False
    else:
        written = split(body, key)
        if not written.writable:
            return body
        rest = written.entity or {}
        authored = names.PROVENANCE not in _annotations(body) or written.damaged
        foreign = rest
        if mode == "take-back":
            theirs = before.theirs and not is_bare(rest, ())
        elif mode == "create" or stored is None:
            theirs = True
        elif mode == "upsert":
            foreign = _merge(before.entity or rest, rest)
            theirs = before.theirs or not is_bare(rest, enrichment)
        else:
            theirs = authored or before.theirs or not is_bare(rest, enrichment)
    return _with_facts(key, foreign, theirs=theirs, records=before.records)


def without_host_fields(entity: Entity) -> Entity:
    """Give an entity without what a host adds to it: times, author, and the usual namespace."""
    metadata = {k: v for k, v in _metadata(entity).items() if k not in _ADDED}
    if metadata.get("namespace") == "default":
        del metadata["namespace"]
    return dict(entity) | {"metadata": metadata}


# --- our part out ---


def _strip_links(annotations: dict[str, Any], wrote: Wrote) -> None:
    if wrote.app_name is not None and annotations.get(names.APP_NAME) == wrote.app_name:
        del annotations[names.APP_NAME]
    text = annotations.get(names.APP_NAMES)
    if not wrote.refs or not isinstance(text, str):
        return
    rest = _without_refs(text, wrote.refs)
    if rest == "" and wrote.made_app_names:
        del annotations[names.APP_NAMES]
    else:
        annotations[names.APP_NAMES] = rest


def _without_refs(text: str, refs: Sequence[str]) -> str:
    ours = ",".join(refs)
    if text == ours:
        return ""
    if text.endswith("," + ours):
        return text[: -len(ours) - 1]
    # Somebody edited around our refs: each goes once, the last one that is ours to the letter.
    elements = text.split(",")
    for ref in refs:
        for index in range(len(elements) - 1, -1, -1):
            if elements[index].strip() == ref:
                del elements[index]
                break
    return ",".join(elements)


def _strip_spec(spec: Any, wrote: Wrote) -> Any:
    if not isinstance(spec, dict):
        return spec
    result = {
        key: value
        for key, value in spec.items()
        if not (key in wrote.spec and value == wrote.spec[key])
    }
    listed = result.get("deployedIn")
    if wrote.deployed_in and isinstance(listed, list):
        left = list(listed)
        for name in wrote.deployed_in:
            if _environment(name) in left:
                left.reverse()
                left.remove(_environment(name))
                left.reverse()
        if left or not wrote.made_deployed_in:
            result["deployedIn"] = left
        else:
            del result["deployedIn"]
    return result


def _put(mapping: dict[str, Any], key: str, value: Any) -> None:
    # In a foreign part empty containers count as absent (rule 3).
    if value == {}:
        mapping.pop(key, None)
    elif value is not None or key in mapping:
        mapping[key] = value


# --- our part in ---


def _new(key: EntityKey) -> Entity:
    metadata = {"name": key.name}
    if key.namespace != "default":
        metadata["namespace"] = key.namespace
    return {"apiVersion": API_VERSION, "kind": key.kind, "metadata": metadata}


def _primary(placed: Sequence[Placed]) -> Record:
    """Give the app whose values the single-valued keys have (rule 12)."""
    linked = [item for item in placed if item.link is not None]
    if not linked:
        return placed[0].record
    return min(linked, key=lambda item: (item.link, item.record.key)).record


def _fill_links(
    annotations: dict[str, Any], primary: Record, refs: Sequence[str]
) -> tuple[str | None, tuple[str, ...], bool]:
    app_name = None
    if names.APP_NAME not in annotations:
        app_name = annotations[names.APP_NAME] = primary.key.name
    made = names.APP_NAMES not in annotations
    text = annotations.get(names.APP_NAMES, "")
    if not isinstance(text, str):
        return app_name, (), False
    present = {element.strip() for element in text.split(",")}
    added = tuple(ref for ref in refs if ref not in present)
    if added:
        annotations[names.APP_NAMES] = (f"{text}," if text else "") + ",".join(added)
    return app_name, added, made and bool(added)


def _fill_title(metadata: dict[str, Any], key: EntityKey, placed: Sequence[Placed]) -> str | None:
    raw = next((item.raw_name for item in placed if item.raw_name not in {None, key.name}), None)
    if raw is None or "title" in metadata:
        return None
    metadata["title"] = raw
    return raw


def _fill_spec(
    spec: Any, primary: Record, records: Sequence[Record]
) -> tuple[Any, dict[str, str], tuple[str, ...], bool]:
    if not isinstance(spec, dict):
        return spec, {}, (), False
    result = dict(spec)
    repo_url = primary.facts.repo_url or next(
        (record.facts.repo_url for record in records if record.facts.repo_url), None
    )
    values = FILLED | ({"repoUrl": repo_url} if repo_url else {})
    filled = {key: value for key, value in values.items() if key not in result}
    result |= filled

    listed = result.get("deployedIn", [])
    if not isinstance(listed, list):
        return result, filled, (), False
    present = {
        ref.get("name")
        for ref in listed
        if isinstance(ref, dict)
        and ref.get("kind") == "Environment"
        and isinstance(ref.get("name"), str)
    }
    wanted = sorted({name for r in records if (name := r.facts.destination.namespace)})
    added = tuple(name for name in wanted if name not in present)
    made = "deployedIn" not in result and bool(added)
    if added:
        result["deployedIn"] = [*listed, *(_environment(name) for name in added)]
    return result or None, filled, added, made


def _environment(name: str) -> dict[str, str]:
    return {"kind": "Environment", "name": name}


def _set_status(
    annotations: dict[str, Any], primary: Record, records: Sequence[Record], refs: Sequence[str]
) -> None:
    facts = primary.facts
    stale = min((r.stale_since for r in records if r.stale_since), default=None)
    values = {
        names.NAMESPACE: facts.key.namespace,
        names.SYNC_STATUS: worst_sync(record.facts.sync for record in records),
        names.HEALTH_STATUS: worst_health(record.facts.health for record in records),
        names.REPO_URL: facts.repo,
        names.PROJECT: facts.project,
        names.DEST_NAMESPACE: facts.destination.namespace,
        names.DEST_SERVER: facts.destination.server,
        names.DEST_NAME: facts.destination.name,
        names.APPS: ",".join(
            names.format_app_state(ref, record.facts.sync, record.facts.health)
            for ref, record in zip(refs, records, strict=True)
        ),
        names.STALE_SINCE: stale,
    }
    annotations.update({key: value for key, value in values.items() if value})


# --- what others write ---


def _with_facts(
    key: EntityKey, foreign: Entity | None, *, theirs: bool, records: tuple[Record, ...]
) -> Entity | None:
    if theirs and not records:
        return foreign
    if foreign is None and not records:
        return None
    base = foreign or _new(key)
    provenance = Provenance(entity=str(key), theirs=theirs, records=records)
    annotations = dict(_annotations(base)) | {names.PROVENANCE: provenance.encode()}
    return dict(base) | {"metadata": dict(_metadata(base)) | {"annotations": annotations}}


def is_bare(rest: Entity, enrichment: Sequence[str]) -> bool:
    """Say whether nothing but the identity, host fields and enrichment is left."""
    metadata = dict(_metadata(rest))
    annotations = metadata.pop("annotations", None) or {}
    if any(not str(key).startswith(tuple(enrichment)) for key in annotations):
        return False
    others = [value for key, value in metadata.items() if key not in _HOST_FIELDS]
    others += [v for k, v in rest.items() if k not in {"apiVersion", "kind", "metadata"}]
    return all(value is None or value in ("", [], {}) for value in others)


def _merge(into: Entity, body: Entity) -> Entity:
    """Merge a neighbour's upsert into what is foreign already (rule 6)."""
    metadata = _fill(_metadata(into), _metadata(body))
    for field in ("annotations", "labels"):
        old, new = _metadata(into).get(field), _metadata(body).get(field)
        if isinstance(new, dict):
            metadata[field] = (old if isinstance(old, dict) else {}) | new
    result = _fill(into, body)
    result["metadata"] = metadata
    old_spec, new_spec = into.get("spec"), body.get("spec")
    if isinstance(old_spec, dict) and isinstance(new_spec, dict):
        result["spec"] = _fill(old_spec, new_spec)
    return result


def _fill(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        present = result.get(key)
        if isinstance(present, list) and isinstance(value, list):
            result[key] = _union(present, value)
        elif key not in result:
            result[key] = value
    return result


def _union(old: list[Any], new: list[Any]) -> list[Any]:
    def identity(item: Any) -> Any:
        if isinstance(item, dict) and {"kind", "name"} <= item.keys():
            return (item["kind"], item["name"])
        return item

    result = list(old)
    for item in new:
        if not any(identity(item) == identity(present) for present in result):
            result.append(item)
    return result


def _metadata(entity: Entity | None) -> Mapping[str, Any]:
    metadata = (entity or {}).get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _annotations(entity: Entity) -> Mapping[str, Any]:
    annotations = _metadata(entity).get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def _without_provenance(entity: Entity) -> Entity:
    annotations = {k: v for k, v in _annotations(entity).items() if k != names.PROVENANCE}
    return dict(entity) | {"metadata": dict(_metadata(entity)) | {"annotations": annotations}}
