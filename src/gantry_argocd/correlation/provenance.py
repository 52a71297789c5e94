"""
What is ours in an entity, kept with the entity itself (correlation rule 3).

One annotation holds it as compact JSON with a version, so restarts, other replicas and other
hosts can withdraw exactly what was given. What cannot be read is *theirs*: never a crash, never
a deletion (rule 19).
"""

from __future__ import annotations

import json
from sys import intern
from typing import TYPE_CHECKING

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
        document = _document(self)
        try:
            return msgspec.json.encode(document).decode()
        except UnicodeEncodeError:  # half a character, which somebody's entity may hold
            plain = msgspec.to_builtins(document)
            return json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


class Known:
    """What rows that were read before hold, so that thousands of rows share it."""

    def __init__(self) -> None:
        self.sources: dict[tuple[str, ...], InstanceInfo] = {}
        self.destinations: dict[tuple[str, str, str], Destination] = {}


def decode(text: object, known: Known | None = None) -> Provenance | None:
    """
    Read the annotation.

    Args:
        text: As stored.

        known: What was read before; grows.

    Returns:
        None when it is damaged or of a version that is not known (rule 19).
    """
    if not isinstance(text, str):
        return None
    try:
        document = _read(text)
        return _provenance(document, known or Known()) if document.v == VERSION else None
    except (ValueError, KeyError, RecursionError, msgspec.MsgspecError):
        return None


# --- the document ---


class _Part(msgspec.Struct, gc=False, omit_defaults=True):
    """A part of it. What is empty is not written."""


class _Source(_Part):
    origin: str
    project: str = ""
    selector: str = ""
    ns: str = ""


class _App(_Part):
    i: str
    ns: str
    n: str
    label: str = ""
    project: str = ""
    sync: str = ""
    health: str = ""
    repo: str = ""
    repo_url: str = msgspec.field(default="", name="repoUrl")
    server: str = ""
    cluster: str = ""
    to: str = ""
    stale: str = ""
    read: str = ""
    source: str = msgspec.field(default="", name="from")
    """Under which name of ``from`` the instance is found; empty for its own."""


class _Wrote(_Part, rename="camel"):
    app_name: str | None = None
    app_names: tuple[str, ...] = ()
    title: str | None = None
    spec: dict[str, str] = {}
    deployed_in: tuple[str, ...] = ()
    made: tuple[str, ...] = ()


class _Document(msgspec.Struct):
    v: int
    of: str
    theirs: bool
    sources: dict[str, _Source] = msgspec.field(name="from")
    apps: list[_App]
    wrote: _Wrote


_DECODER = msgspec.json.Decoder(_Document)


def _read(text: str) -> _Document:
    try:
        return _DECODER.decode(text)
    except UnicodeEncodeError:  # see encode
        return msgspec.convert(json.loads(text), _Document)


def _document(provenance: Provenance) -> _Document:
    wrote = provenance.wrote
    sources = _source_names(provenance.records)
    made = (
        *(["appNames"] if wrote.made_app_names else []),
        *(["deployedIn"] if wrote.made_deployed_in else []),
    )
    return _Document(
        v=VERSION,
        of=provenance.entity,
        theirs=provenance.theirs,
        sources={
            name: _Source(source.origin, source.project, source.selector, source.own_namespace)
            for source, name in sources.items()
        },
        apps=[_app(record, sources[record.source]) for record in provenance.records],
        wrote=_Wrote(
            wrote.app_name, wrote.refs, wrote.title, dict(wrote.spec), wrote.deployed_in, made
        ),
    )


def _source_names(records: tuple[Record, ...]) -> dict[InstanceInfo, str]:
    """Name each instance as it was at some time: ``one``, and ``one#2`` under another scope."""
    names: dict[InstanceInfo, str] = {}
    for record in records:
        if record.source not in names:
            seen = sum(known.name == record.source.name for known in names)
            name = record.source.name
            names[record.source] = f"{name}#{seen + 1}" if seen else name
    return names


def _app(record: Record, source: str) -> _App:
    facts = record.facts
    key, destination = facts.key, facts.destination
    return _App(
        i=key.instance,
        ns=key.namespace,
        n=key.name,
        label=facts.label,
        project=facts.project,
        sync=facts.sync,
        health=facts.health,
        repo=facts.repo,
        repo_url=facts.repo_url or "",
        server=destination.server,
        cluster=destination.name,
        to=destination.namespace,
        stale=record.stale_since or "",
        read=record.read_at,
        source=source if source != key.instance else "",
    )


def _provenance(document: _Document, known: Known) -> Provenance:
    wrote = document.wrote
    sources = {name: _source(name, part, known) for name, part in document.sources.items()}
    return Provenance(
        entity=document.of,
        theirs=document.theirs,
        records=tuple(_record(app, sources, known) for app in document.apps),
        wrote=Wrote(
            app_name=wrote.app_name,
            refs=wrote.app_names,
            title=wrote.title,
            spec=wrote.spec,
            deployed_in=wrote.deployed_in,
            made_app_names="appNames" in wrote.made,
            made_deployed_in="deployedIn" in wrote.made,
        ),
    )


def _record(app: _App, sources: Mapping[str, InstanceInfo], known: Known) -> Record:
    source = sources[app.source or app.i]
    if not (app.i and app.ns and app.n) or source.name != app.i:
        msg = "an app has a name, and comes from its own instance"
        raise ValueError(msg)
    place = (app.server, app.cluster, app.to)
    destination = known.destinations.get(place)
    if destination is None:
        destination = known.destinations[place] = Destination(
            server=app.server, name=app.cluster, namespace=app.to
        )
    return Record(
        facts=Facts(
            key=AppKey(source.name, intern(app.ns), app.n),
            label=app.label,
            project=intern(app.project or "default"),
            sync=intern(app.sync or "Unknown"),
            health=intern(app.health or "Unknown"),
            repo=app.repo,
            repo_url=app.repo_url or None,
            destination=destination,
        ),
        source=source,
        stale_since=app.stale or None,
        read_at=app.read,
    )


def _source(name: str, part: _Source, known: Known) -> InstanceInfo:
    spelt = (name, part.origin, part.project, part.selector, part.ns)
    found = known.sources.get(spelt)
    if found is None:
        if not part.origin:
            msg = "an instance has an origin"
            raise ValueError(msg)
        known.sources[spelt] = found = InstanceInfo(
            name=name.partition("#")[0],
            origin=part.origin,
            project=part.project,
            selector=part.selector,
            own_namespace=part.ns or "argocd",
        )
    return found
