"""
What is ours in an entity, kept with the entity itself (correlation rule 3).

One annotation holds it as compact JSON with a version, so restarts, other replicas and other
hosts can withdraw exactly what was given. What cannot be read is *theirs*: never a crash, never
a deletion (rule 19).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from ..models import Destination, Facts
from ..refs import AppKey

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1


@attrs.frozen(kw_only=True)
class InstanceInfo:
    """
    Which Argo CD server an instance is, and what part of it is looked at.

    Attributes:
        name: As configured.

        origin: Scheme, host, port and root path of its API. The same name with another origin
            is another instance (rule 15).

        project: Argo CD project that it is restricted to. Empty for all.

        selector: Label selector that it is restricted to. Empty for all.

        own_namespace: Argo CD's own namespace there, as far as it is known.
    """

    name: str
    origin: str
    project: str = ""
    selector: str = ""
    own_namespace: str = "argocd"

    @property
    def scope(self) -> tuple[str, str]:
        """What part of the server is looked at."""
        return (self.project, self.selector)


@attrs.frozen(kw_only=True)
class Record:
    """
    One known app: its facts and where and when they come from.

    Attributes:
        facts: As last read.

        source: The instance at that time.

        stale_since: Time of the last contact, when the instance has failed since. RFC 3339.

        read_at: When the facts were read. RFC 3339. Written along, but never compared and never
            alone a reason to write.
    """

    facts: Facts
    source: InstanceInfo
    stale_since: str | None = None
    read_at: str = attrs.field(default="", eq=False)

    @property
    def key(self) -> AppKey:
        """Which app."""
        return self.facts.key

    @property
    def ref(self) -> str:
        """The app as it is written in annotations."""
        return self.facts.key.ref(self.source.own_namespace)


@attrs.frozen(kw_only=True)
class Wrote:
    """
    The values that we wrote where nobody else had any, as we wrote them.

    Attributes:
        app_name: None when ``appName`` was there.

        refs: Refs that we appended to ``appNames``.

        title: None when we wrote none.

        spec: ``type``, ``lifecycle`` and ``repoUrl``, those that we filled.

        deployed_in: Names of the Environments that we added to ``deployedIn``.

        made_app_names: ``appNames`` did not exist before us.

        made_deployed_in: ``deployedIn`` did not exist before us.
    """

    app_name: str | None = None
    refs: tuple[str, ...] = ()
    title: str | None = None
    spec: Mapping[str, str] = attrs.field(factory=dict)
    deployed_in: tuple[str, ...] = ()
    made_app_names: bool = False
    made_deployed_in: bool = False


@attrs.frozen(kw_only=True)
class Provenance:
    """
    What is ours in one entity. Equal when it means the same: times of reading are not compared.

    Attributes:
        entity: The entity that it was written for, ``Kind/namespace/name``. In a copy under
            another name the app facts and the existence count for nothing (rule 4).

        theirs: Somebody else wants the entity to exist, too (rule 7).

        records: The apps placed there.

        wrote: Our values in the part that is open to everybody.
    """

    entity: str
    theirs: bool
    records: tuple[Record, ...] = ()
    wrote: Wrote = Wrote()

    def encode(self) -> str:
        """Write it as the text of the annotation."""
        data = _to_json(self)
        try:
            return msgspec.json.encode(data).decode()
        except UnicodeEncodeError:  # half a character, which somebody's entity may hold
            return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


Known = dict[tuple[str, str, str, str, str], InstanceInfo]
"""Instances that were read before, so that thousands of rows share them."""


def decode(text: object, known: Known | None = None) -> Provenance | None:
    """
    Read the annotation.

    Args:
        text: As stored.

        known: Instances of rows that were read before; grows.

    Returns:
        None when it is damaged or of a version that is not known (rule 19).
    """
    if not isinstance(text, str):
        return None
    try:
        data = json.loads(text)
        if data["v"] != VERSION:
            return None
        return _from_json(data, {} if known is None else known)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _to_json(provenance: Provenance) -> dict[str, Any]:
    wrote = provenance.wrote
    sources = _source_names(provenance.records)
    made = [
        *(["appNames"] if wrote.made_app_names else []),
        *(["deployedIn"] if wrote.made_deployed_in else []),
    ]
    ours: dict[str, Any] = {
        "appName": wrote.app_name,
        "appNames": list(wrote.refs),
        "title": wrote.title,
        "spec": dict(wrote.spec),
        "deployedIn": list(wrote.deployed_in),
        "made": made,
    }
    return {
        "v": VERSION,
        "of": provenance.entity,
        "theirs": provenance.theirs,
        "from": {name: _source_to_json(source) for source, name in sources.items()},
        "apps": [_record_to_json(record, sources) for record in provenance.records],
        "wrote": {key: value for key, value in ours.items() if value or value == ""},
    }


def _source_names(records: tuple[Record, ...]) -> dict[InstanceInfo, str]:
    """Name each instance as it was at some time: ``one``, and ``one#2`` under another scope."""
    names: dict[InstanceInfo, str] = {}
    for record in records:
        if record.source not in names:
            seen = sum(known.name == record.source.name for known in names)
            name = record.source.name
            names[record.source] = f"{name}#{seen + 1}" if seen else name
    return names


def _source_to_json(source: InstanceInfo) -> dict[str, str]:
    values = {
        "origin": source.origin,
        "project": source.project,
        "selector": source.selector,
        "ns": source.own_namespace,
    }
    return {key: value for key, value in values.items() if value}


def _record_to_json(record: Record, sources: Mapping[InstanceInfo, str]) -> dict[str, str]:
    facts, source = record.facts, sources[record.source]
    key, destination = facts.key, facts.destination
    values = (
        ("i", key.instance),
        ("ns", key.namespace),
        ("n", key.name),
        ("label", facts.label),
        ("project", facts.project),
        ("sync", facts.sync),
        ("health", facts.health),
        ("repo", facts.repo),
        ("repoUrl", facts.repo_url),
        ("server", destination.server),
        ("cluster", destination.name),
        ("to", destination.namespace),
        ("stale", record.stale_since),
        ("read", record.read_at),
        ("from", source if source != key.instance else None),
    )
    return {short: value for short, value in values if value}


def _from_json(data: Mapping[str, Any], known: Known) -> Provenance:
    wrote = data["wrote"]
    made = wrote.get("made", [])
    sources = {name: _source_from_json(name, found, known) for name, found in data["from"].items()}
    return Provenance(
        entity=_text(data["of"]),
        theirs=bool(data["theirs"]),
        records=tuple(_record_from_json(item, sources) for item in data["apps"]),
        wrote=Wrote(
            app_name=_optional(wrote.get("appName")),
            refs=tuple(_text(ref) for ref in wrote.get("appNames", [])),
            title=_optional(wrote.get("title")),
            spec={_text(key): _text(value) for key, value in wrote.get("spec", {}).items()},
            deployed_in=tuple(_text(name) for name in wrote.get("deployedIn", [])),
            made_app_names="appNames" in made,
            made_deployed_in="deployedIn" in made,
        ),
    )


def _record_from_json(item: Mapping[str, Any], sources: Mapping[str, InstanceInfo]) -> Record:
    for value in item.values():
        if type(value) is not str:
            _text(value)
    get = item.get
    instance = item["i"]
    source = sources[get("from", instance)]
    if not (instance and item["ns"] and item["n"]) or source.name != instance:
        msg = "an app has a name, and comes from its own instance"
        raise ValueError(msg)
    return Record(
        facts=Facts(
            key=AppKey(instance, item["ns"], item["n"]),
            label=get("label", ""),
            project=get("project") or "default",
            sync=get("sync") or "Unknown",
            health=get("health") or "Unknown",
            repo=get("repo", ""),
            repo_url=get("repoUrl") or None,
            destination=Destination(
                server=get("server", ""), name=get("cluster", ""), namespace=get("to", "")
            ),
        ),
        source=source,
        stale_since=get("stale") or None,
        read_at=get("read", ""),
    )


def _source_from_json(name: str, source: Mapping[str, Any], known: Known) -> InstanceInfo:
    get = source.get
    spelt = (name, source["origin"], get("project", ""), get("selector", ""), get("ns", ""))
    found = known.get(spelt)
    if found is None:
        name, origin, project, selector, namespace = map(_text, spelt)
        if not origin:
            msg = "an instance has an origin"
            raise ValueError(msg)
        known[spelt] = found = InstanceInfo(
            name=name.partition("#")[0],
            origin=origin,
            project=project,
            selector=selector,
            own_namespace=namespace or "argocd",
        )
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = "a text is expected"
        raise TypeError(msg)
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)
