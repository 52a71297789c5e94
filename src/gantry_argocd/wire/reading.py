"""
Lists, streams and single Applications, from Argo CD's JSON to this package's values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import attrs
from cattrs import BaseValidationError, transform_error

from .. import models
from ..errors import Malformed
from ..repositories import without_credentials
from . import raw
from . import rows as quick
from .application import read_application
from .decoding import is_padded, loads
from .facts import (
    IGNORE_ANNOTATION,
    Place,
    Reading,
    first_origin,
    make_facts,
    read_destination,
    read_facts,
    read_key,
    read_place,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_APPLICATIONS = 200_000
"""Applications of one list; the largest installations that are known have a quarter of that."""

MOST_PROBLEMS = 100
"""Sentences about what could not be read; of more it is told how many there are."""

_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
_NAMELESS = "an application without a name"
_PLACES = 16_384
"""Repositories that are remembered as they were read."""


PORTABLE_FIELDS = ",".join(
    f"items.{path}"
    for path in (
        "metadata.name",
        "metadata.namespace",
        "metadata.labels",
        "metadata.annotations",
        "metadata.creationTimestamp",
        "metadata.deletionTimestamp",
        "spec",
        "operation.sync",
        "status.sync.status",
        "status.sync.revision",
        "status.health",
        "status.summary",
        "status.sourceHydrator",
        "status.operationState.phase",
        "status.operationState.startedAt",
        "status.operationState.finishedAt",
    )
)
"""The list projection that every release from 2.8 on answers (``argocd-api.md`` section 3)."""


STREAM_FIELDS = ",".join(
    (
        "error",  # or refusals would be filtered away (section 4)
        "result.type",
        *(
            f"result.application.{path}"
            for path in (
                "metadata.name",
                "metadata.namespace",  # or twins in two namespaces would swallow each other
                "metadata.uid",
                "metadata.resourceVersion",
                "metadata.labels",
                "metadata.annotations",
                "spec.project",
                "spec.destination",
                "spec.source.repoURL",
                "spec.source.chart",
                "spec.source.path",
                "spec.sources.repoURL",
                "spec.sources.chart",
                "spec.sources.path",
                "spec.sourceHydrator.drySource",
                "status.sync.status",
                "status.health.status",
            )
        ),
    )
)
"""The stream projection: what the catalogue is made from, and what orders the events."""


@attrs.frozen(kw_only=True)
class Listing:
    """
    A list of applications.

    Attributes:
        apps: Those that could be read.

        problems: A sentence for each row that could not, at most :data:`MOST_PROBLEMS` and one.
    """

    apps: tuple[models.Facts, ...]
    problems: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Event:
    """
    What the stream told of one application.

    Attributes:
        facts: As it is; of a deleted one, as it was.

        deleted: It is gone.

        uid: Of the Application.

        version: Its ``resourceVersion`` as a number. None when it is none.
    """

    facts: models.Facts
    deleted: bool = False
    uid: str = ""
    version: int | None = None


@attrs.frozen(kw_only=True)
class Overheard:
    """
    Events, and a sentence for each that could not be read.
    """

    events: tuple[Event, ...]
    problems: tuple[str, ...]


class _Problems:
    """What could not be read: a sentence for each, until it is enough."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._told: list[str] = []
        self._more = 0

    def add(self, name: str, problem: ValueError) -> None:
        """Tell of one more."""
        if len(self._told) < MOST_PROBLEMS:
            self._told.append(f"{self._instance}: {name}: {problem}")
        else:
            self._more += 1

    def told(self) -> tuple[str, ...]:
        """Give the sentences."""
        more = f"{self._instance}: {self._more:,} more applications cannot be read"
        return (*self._told, more) if self._more else tuple(self._told)


class Reader:
    """Reads answers. Making one compiles the converter, so keep it."""

    def __init__(self) -> None:
        self._converter = raw.make_converter()
        self._decoder = quick.Decoder()
        # Most repositories are those of the last list, and of several applications in it.
        self._place = lru_cache(_PLACES)(read_place)
        self._bare = lru_cache(_PLACES)(without_credentials)

    def listing(self, content: bytes, reading: Reading) -> Listing:
        """
        Read the answer to a list request.

        Raises:
            Malformed: If it is no list at all; a row that cannot be read costs only itself.
        """
        rows = self._decoder.rows(content)
        if rows is not None:
            _check_number(rows, reading)
            return _listing(rows, reading, self._place, self._bare)
        answer = decode(content, reading.instance)
        if not isinstance(answer, dict) or "items" not in answer:
            raise Malformed("the list of applications has no items", instance=reading.instance)
        items = answer["items"]
        if items is None:
            items = []
        if not isinstance(items, list):
            raise Malformed("the items of the list are no array", instance=reading.instance)
        _check_number(items, reading)
        return self.rows(items, reading)

    def rows(self, items: Iterable[Any], reading: Reading) -> Listing:
        """Read Applications one by one; each that cannot be read is named with its fault."""
        apps = []
        problems = _Problems(reading.instance)
        for item in items:
            try:
                apps.append(read_facts(self._structure(item, raw.ListedApplication), reading))
            except ValueError as problem:
                problems.add(_name_of(item), problem)
        return Listing(apps=tuple(apps), problems=problems.told())

    def events(self, results: Iterable[Any], reading: Reading) -> Overheard:
        """Read what the stream sent; each event that cannot be read costs only itself."""
        events = []
        problems = _Problems(reading.instance)
        for result in results:
            item = result.get("application") if isinstance(result, dict) else None
            try:
                app = self._structure(item, raw.ListedApplication)
                version = app.metadata.resource_version
                events.append(
                    Event(
                        facts=read_facts(app, reading),
                        deleted=result.get("type") == "DELETED",
                        uid=app.metadata.uid,
                        version=int(version) if _NUMBER.fullmatch(version) else None,
                    )
                )
            except ValueError as problem:
                problems.add(_name_of(item), problem)
        return Overheard(events=tuple(events), problems=problems.told())

    def application(self, item: Any, reading: Reading) -> models.Application:
        """
        Read one Application in full.

        Raises:
            Malformed: Naming the path of each wrong field.
        """
        try:
            return read_application(self._structure(item, raw.Application), reading)
        except ValueError as problem:
            raise Malformed(f"{_name_of(item)}: {problem}", instance=reading.instance) from None

    def _structure(self, item: Any, kind: type[Any]) -> Any:
        try:
            return self._converter.structure(item, kind)
        except BaseValidationError as error:
            raise ValueError("; ".join(_faults(error))) from None
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(str(error)) from None


def decode(content: bytes, instance: str) -> Any:
    """
    Read JSON.

    Raises:
        Malformed: If it is none, or has too many values.
    """
    if is_padded(content):
        raise Malformed("the answer has more values than anybody has to tell", instance=instance)
    try:
        return loads(content)
    except ValueError:
        raise Malformed("the answer is no JSON, or was cut short", instance=instance) from None


def _faults(error: BaseValidationError) -> list[str]:
    found = transform_error(error, format_exception=lambda exc, _: str(exc))[:5]
    return [_spelled(*text.rpartition(" @ ")) for text in found]


def _spelled(what: str, at: str, path: str) -> str:
    """Give a fault with the path as Argo CD spells it, for those who look there."""
    return what + at + re.sub(r"(?<=\.)[a-z_]+", lambda name: raw.spelling(name[0]), path)


def _name_of(item: Any) -> str:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return repr(name[:253]) if isinstance(name, str) else _NAMELESS


def _check_number(rows: Sequence[Any], reading: Reading) -> None:
    if len(rows) > MOST_APPLICATIONS:
        raise Malformed(
            f"the list has more than {MOST_APPLICATIONS:,} applications", instance=reading.instance
        )


def _listing(
    rows: list[quick.Row | None],
    reading: Reading,
    place: Callable[[str, str], Place],
    bare: Callable[[str], str],
) -> Listing:
    """
    Read decoded rows, and use them up: what was read makes room for what is made of it.

    Thousands of them share their repositories and destinations.
    """
    destinations: dict[Any, models.Destination] = {}
    apps, problems = [], _Problems(reading.instance)
    rows.reverse()
    while rows:
        row = rows.pop() or quick.EMPTY_ROW
        metadata, spec = row.metadata or quick.EMPTY_METADATA, row.spec or quick.EMPTY_SPEC
        status = row.status or quick.EMPTY_STATUS
        try:
            key = read_key(metadata.name or "", metadata.namespace or "", reading)
            places = [place(source.repo_url or "", source.chart or "") for source in spec.chosen()]
            destination = destinations.get(spec.destination)
            if destination is None:
                given = spec.destination or quick.EMPTY_DESTINATION
                destination = destinations[spec.destination] = read_destination(
                    given.server or "", given.name or "", given.namespace or "", bare
                )
            apps.append(
                make_facts(
                    key,
                    (metadata.labels or {}).get(reading.label_key, ""),
                    spec.project or "",
                    (status.sync or quick.EMPTY_SYNC).status or "",
                    (status.health or quick.EMPTY_HEALTH).status or "",
                    places[0] if len(places) == 1 else first_origin(places),
                    destination,
                    ignored=(metadata.annotations or {}).get(IGNORE_ANNOTATION) == "true",
                )
            )
        except ValueError as problem:
            called = repr(metadata.name[:253]) if metadata.name is not None else _NAMELESS
            problems.add(called, problem)
    return Listing(apps=tuple(apps), problems=problems.told())
