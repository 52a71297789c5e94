"""
From Argo CD's answers to this package's values.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from sys import intern
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
from cattrs import BaseValidationError, transform_error

from .. import models
from ..actions.request import REQUEST_INFO, USER_INFO
from ..errors import Malformed
from ..refs import AppKey, is_kubernetes_name
from ..repositories import clean, redact, shorten, web_address, without_credentials
from . import raw
from . import rows as quick
from .decoding import is_padded, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence


_LONGEST = 500
"""Characters of a name or a subject that are kept."""

_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
MOST_APPLICATIONS = 200_000
"""Applications of one list; the largest installations that are known have a quarter of that."""

MOST_PROBLEMS = 100
"""Sentences about what could not be read; of more it is told how many there are."""

TEXT_LIMIT = 2048
"""Characters of any one text that goes into the catalogue."""

IGNORE_ANNOTATION = "gantry.io/ignore"
SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
REFRESH = "argocd.argoproj.io/refresh"
_NAMELESS = "an application without a name"
_LEFT_FOR = timedelta(minutes=10)
_WINDOWS = 3
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
class Reading:
    """
    What is asked of an answer.

    Attributes:
        instance: Name of the instance that gave it.

        label_key: Label whose value names the entity.

        own_namespace: Where an Application is that does not say it.
    """

    instance: str
    label_key: str = "name"
    own_namespace: str = "argocd"


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
        self._place = lru_cache(_PLACES)(_place)
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
                apps.append(_facts(self._structure(item, raw.ListedApplication), reading))
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
                        facts=_facts(app, reading),
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
            return _application(self._structure(item, raw.Application), reading)
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


# --- facts ---


def _check_number(rows: Sequence[Any], reading: Reading) -> None:
    if len(rows) > MOST_APPLICATIONS:
        raise Malformed(
            f"the list has more than {MOST_APPLICATIONS:,} applications", instance=reading.instance
        )


def _listing(
    rows: list[quick.Row | None],
    reading: Reading,
    place: Callable[[str, str], _Place],
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
            key = _key(metadata.name or "", metadata.namespace or "", reading)
            places = [place(source.repo_url or "", source.chart or "") for source in spec.chosen()]
            destination = destinations.get(spec.destination)
            if destination is None:
                given = spec.destination or quick.EMPTY_DESTINATION
                destination = destinations[spec.destination] = _destination(
                    given.server or "", given.name or "", given.namespace or "", bare
                )
            apps.append(
                _facts_of(
                    key,
                    (metadata.labels or {}).get(reading.label_key, ""),
                    spec.project or "",
                    (status.sync or quick.EMPTY_SYNC).status or "",
                    (status.health or quick.EMPTY_HEALTH).status or "",
                    places[0] if len(places) == 1 else _origin(places),
                    destination,
                    ignored=(metadata.annotations or {}).get(IGNORE_ANNOTATION) == "true",
                )
            )
        except ValueError as problem:
            called = repr(metadata.name[:253]) if metadata.name is not None else _NAMELESS
            problems.add(called, problem)
    return Listing(apps=tuple(apps), problems=problems.told())


def _facts(app: raw.ListedApplication | raw.Application, reading: Reading) -> models.Facts:
    metadata, spec, status = app.metadata, app.spec, app.status
    place = spec.destination
    return _facts_of(
        _key(metadata.name, metadata.namespace, reading),
        metadata.labels.get(reading.label_key, ""),
        spec.project,
        status.sync.status,
        status.health.status,
        _origin((source.repo_url, source.web_url) for source in _sources(spec)),
        _destination(place.server, place.name, place.namespace),
        ignored=metadata.annotations.get(IGNORE_ANNOTATION) == "true",
    )


def _key(name: str, namespace: str, reading: Reading) -> AppKey:
    namespace = namespace or reading.own_namespace
    if not is_kubernetes_name(name) or not is_kubernetes_name(namespace):
        msg = "its name or namespace is none that Kubernetes allows"
        raise ValueError(msg)
    return AppKey(reading.instance, intern(namespace), name)


def _facts_of(
    key: AppKey,
    label: Any,
    project: str,
    sync: str,
    health: str,
    origin: _Place,
    destination: models.Destination,
    *,
    ignored: bool,
) -> models.Facts:
    return models.Facts(
        key=key,
        label=_plain("metadata.labels", label) if isinstance(label, str) else "",
        project=_plain("spec.project", project) or "default",
        sync=_plain("status.sync.status", sync) or "Unknown",
        health=_plain("status.health.status", health) or "Unknown",
        repo=_plain("spec.source.repoURL", origin[0]),
        repo_url=origin[1],
        destination=destination,
        ignored=ignored,
    )


def _destination(
    server: str, name: str, namespace: str, bare: Callable[[str], str] = without_credentials
) -> models.Destination:
    return models.Destination(
        server=bare(_plain("spec.destination.server", server)),
        name=_plain("spec.destination.name", name),
        namespace=_plain("spec.destination.namespace", namespace),
    )


_Place = tuple[str, str | None]
"""A repository as it is shown, and the address of its page when it is one of Git."""


def _place(address: str, chart: str) -> _Place:
    source = _source(raw.Source(repo_url=address, chart=chart))
    return source.repo_url, source.web_url


def _origin(places: Iterable[_Place]) -> _Place:
    """Choose the repository of an application: the first Git one, else the first."""
    found = tuple(places)
    return next((place for place in found if place[1]), found[0] if found else ("", None))


def _plain(path: str, text: str) -> str:
    """
    Give a short text that goes into the catalogue; equal ones are one in memory.

    Nothing bounds these in Argo CD, and whoever may write an Application writes them: a catalogue
    page of megabytes, or a NUL that a database refuses, would cost everybody else theirs.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"a text of more than {TEXT_LIMIT} characters @ $.{path}")
    if not text.isprintable():
        raise ValueError(f"a character that cannot be shown @ $.{path}")
    return intern(text)


def _sources(spec: raw.ListedSpec) -> tuple[models.Source, ...]:
    """Give the sources that people edit: the hydrator wins over ``sources`` over ``source``."""
    if spec.source_hydrator is not None and spec.source_hydrator.dry_source.repo_url:
        return (_source(spec.source_hydrator.dry_source),)
    return _source_list(spec.source, spec.sources)


def _source_list(one: raw.Source, several: Iterable[raw.Source]) -> tuple[models.Source, ...]:
    found = tuple(_source(source) for source in several)
    # Beside several sources Argo CD leaves a stub: {"repoURL": ""} (section 8.3).
    return found or ((_source(one),) if one != raw.Source() else ())


def _source(source: raw.Source) -> models.Source:
    result = models.Source(
        repo_url=without_credentials(source.repo_url),
        path=source.path,
        chart=source.chart,
        target_revision=source.target_revision,
        ref=source.ref,
        name=source.name,
    )
    if result.kind is models.SourceKind.GIT:
        return attrs.evolve(result, web_url=web_address(source.repo_url))
    return result


# --- the whole application ---


def _application(app: raw.Application, reading: Reading) -> models.Application:
    status, spec = app.status, app.spec
    automated = spec.sync_policy.automated
    on = automated is not None and automated.enabled is not False
    return models.Application(
        facts=_facts(app, reading),
        uid=app.metadata.uid,
        sources=_sources(spec),
        revisions=_revisions(status.sync.revision, status.sync.revisions),
        by_position=bool(spec.sources) and spec.source_hydrator is None,
        auto_sync=models.AutoSync(prune=automated.prune, self_heal=automated.self_heal)
        if automated is not None and on
        else None,
        sync_options=spec.sync_policy.sync_options,
        health_message=clean(status.health.message),
        health_since=status.health.last_transition_time,
        conditions=tuple(
            models.Condition(
                type=item.type, message=clean(item.message), since=item.last_transition_time
            )
            for item in status.conditions
        ),
        operation=_operation(app),
        resources=tuple(_resource(item) for item in status.resources),
        history=tuple(_deployment(item) for item in status.history),
        images=status.summary.images,
        external_urls=tuple(
            url for text in status.summary.external_urls if (url := external_url(text))
        ),
        created_at=app.metadata.creation_timestamp,
        reconciled_at=status.reconciled_at,
        deleting=app.metadata.deletion_timestamp is not None,
        left_alone=app.metadata.annotations.get(SKIP_RECONCILE) == "true",
        refreshing=REFRESH in app.metadata.annotations,
        generated_by=next(
            (one.name for one in app.metadata.owner_references if one.kind == "ApplicationSet"), ""
        ),
        hydrated=status.source_hydrator.last_successful_operation.dry_sha,
        hydrated_source=_hydrated_source(spec),
        hydration=_hydration(status.source_hydrator.current_operation),
    )


def _hydrated_source(spec: raw.Spec) -> models.Source | None:
    hydrator = spec.source_hydrator
    if hydrator is None or not hydrator.dry_source.repo_url:
        return None
    made = hydrator.sync_source
    return _source(
        raw.Source(
            # Another repository than the dry one is possible from 3.5 on.
            repo_url=made.repo_url or hydrator.dry_source.repo_url,
            path=made.path,
            target_revision=made.target_branch,
        )
    )


def _hydration(work: raw.HydrateOperation) -> models.Hydration | None:
    if not work.phase:
        return None
    return models.Hydration(
        phase=work.phase,
        message=clean(work.message),
        revision=work.dry_sha,
        since=work.finished_at or work.started_at,
    )


def _revisions(one: str, several: tuple[str, ...]) -> tuple[str, ...]:
    return several or ((one,) if one else ())


def _resource(item: raw.Resource) -> models.Resource:
    # A live hook says requiresPruning too, and means nothing by it (section 8.4); and so does
    # everything there is while the manifests cannot be loaded.
    means_it = not item.hook and item.status != "Unknown"
    return models.Resource(
        group=item.group,
        version=item.version,
        kind=item.kind,
        namespace=item.namespace,
        name=item.name,
        sync=item.status,
        health=(item.health.status or None) if item.health else None,
        health_message=clean(item.health.message) if item.health else "",
        hook=item.hook,
        prune=item.requires_pruning and means_it,
        prune_confirmation=item.requires_deletion_confirmation and means_it,
    )


def _operation(app: raw.Application) -> models.Operation | None:
    state, requested = app.status.operation_state, app.operation
    if state is not None and state.phase not in {"Succeeded", "Failed", "Error"}:
        requested = None
    if requested is not None:
        # Requested and not begun; a state that is there belongs to the one before.
        return _with_initiator(models.Operation(phase="Queued"), requested)
    if state is None or not state.phase:
        return None
    result = state.sync_result
    return _with_initiator(
        models.Operation(
            phase=models.ABANDONED if _abandoned(app, state) else state.phase,
            message=clean(state.message),
            started_at=state.started_at,
            finished_at=state.finished_at,
            retries=state.retry_count,
            revisions=_revisions(result.revision, result.revisions),
            results=tuple(
                models.ResourceResult(
                    **attrs.asdict(item) | {"message": clean(item.message)},
                )
                for item in result.resources
            ),
        ),
        state.operation,
    )


def _abandoned(app: raw.Application, state: raw.OperationState) -> bool:
    """
    Say whether the operation was taken away before it ended.

    People do so to an operation that hangs. Argo CD then goes on comparing, and never touches the
    record of it again.
    """
    if app.operation is not None or state.phase in {"Succeeded", "Failed", "Error"}:
        return False
    began, compared = state.started_at, app.status.reconciled_at
    return began is not None and compared is not None and compared - began > _LEFT_FOR


def _with_initiator(operation: models.Operation, said: raw.Operation) -> models.Operation:
    told = {info.name: info.value for info in said.info}
    request = told.get(REQUEST_INFO, "")
    asked = _revisions(said.sync.revision, said.sync.revisions)
    return attrs.evolve(
        operation,
        # To Argo CD the portal is one account; people want to know who of theirs it was.
        initiator=(told.get(USER_INFO) if request else "") or said.initiated_by.username,
        automated=said.initiated_by.automated,
        dry_run=said.sync.dry_run,
        selected=bool(said.sync.resources),
        request_id=request,
        revisions=operation.revisions or asked,
    )


def _deployment(entry: raw.HistoryEntry) -> models.Deployment:
    return models.Deployment(
        id=entry.id,
        revisions=_revisions(entry.revision, entry.revisions),
        sources=_source_list(entry.source, entry.sources),
        deployed_at=entry.deployed_at,
        started_at=entry.deploy_started_at,
        initiator=entry.initiated_by.username,
        automated=entry.initiated_by.automated,
    )


def sync_window(answer: Any) -> str:
    """
    Read the answer about sync windows.

    Returns:
        Why no manual sync is possible now, with the windows that are the reason. Empty when one
        is possible, or nothing understandable was said.
    """
    if not isinstance(answer, dict) or answer.get("canSync") is not False:
        return ""
    active = _windows(answer.get("activeWindows"), "deny")
    # Without a denying one the reason is that no allowing one is open.
    closed = _windows(answer.get("assignedWindows"), "allow")
    found = active or closed
    named = f": {'; '.join(found[:_WINDOWS])}" if found else ""
    return f"a sync window of the project forbids syncing now{named}"


def _windows(value: Any, kind: str) -> list[str]:
    items = value if isinstance(value, list) else []
    found = [item for item in items if isinstance(item, dict) and item.get("kind") == kind]
    # One that lets manual syncs through is not what forbids them.
    return [_window(item) for item in found if item.get("manualSync") is not True]


def _window(item: Any) -> str:
    schedule, duration = (shorten(str(item.get(key, "")), 60) for key in ("schedule", "duration"))
    what = "closed" if item.get("kind") == "deny" else "open"
    return f"{what} from “{schedule}” for {duration}"


def release_of(version: str) -> tuple[int, int] | None:
    """Read major and minor of ``v3.4.5+abc1234``, whatever a vendor adds; None where it is none."""
    found = re.match(r"v?([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", version, re.ASCII)
    return (int(found[1]), int(found[2])) if found else None


def external_url(text: str) -> models.ExternalURL | None:
    """
    Read an entry of ``summary.externalURLs``: ``URL`` or ``Title|URL``.

    Argo CD does not check these, and tenants write them (``argocd-api.md`` section 11).

    Returns:
        None for everything but an absolute http(s) address without user info.
    """
    title, bar, url = text.partition("|")
    url = url if bar else title
    url = url.strip()
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    safe = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not safe or any(char <= " " or char in '\\"<>' for char in url):
        return None
    return models.ExternalURL(title=(title.strip() if bar else "") or url, url=url)


# --- revisions ---


def commit_of(document: Any, kind: models.SourceKind) -> models.Commit:
    """
    Read what Argo CD knows of a revision; what cannot be read is empty.

    Args:
        document: Answer of ``metadata``, ``chartdetails`` or ``ocimetadata``.

        kind: Of the source, which decides which of them it is.
    """
    said = document if isinstance(document, dict) else {}
    if kind is models.SourceKind.GIT:
        return models.Commit(author=_person(said.get("author")), subject=_first(said, "message"))
    if kind is models.SourceKind.OCI:
        return models.Commit(
            author=_person(said.get("authors")), subject=_first(said, "description")
        )
    maintainers = said.get("maintainers")
    people = [_person(one) for one in maintainers[:3]] if isinstance(maintainers, list) else []
    return models.Commit(
        author=", ".join(person for person in people if person),
        subject=_first(said, "description"),
    )


def _person(text: Any) -> str:
    """Give the name of ``Name <address>``: the address is nobody's business here."""
    if not isinstance(text, str):
        return ""
    name, mark, _ = text.partition("<")
    return clean(name.strip() if mark else text.strip())[:_LONGEST]


def _first(said: Mapping[str, Any], field: str) -> str:
    text = said.get(field)
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return clean(lines[0])[:_LONGEST] if lines else ""


# --- what may be shown of Argo CD's own object ---

_SECRET_PARTS: Mapping[str, frozenset[str]] = {
    "helm": frozenset({"values", "valuesObject", "parameters", "fileParameters"}),
    "plugin": frozenset({"env", "parameters"}),
    "metadata": frozenset({"managedFields"}),
    "annotations": frozenset({"kubectl.kubernetes.io/last-applied-configuration"}),
    "sync": frozenset({"manifests"}),
    "kustomize": frozenset({"patches", "patchesJson6902", "patchesStrategicMerge"}),
}


def disclose(application: Any, *, everything: bool) -> Any:
    """
    Give Argo CD's own object as it may be shown (A1).

    Credentials in texts go for everybody. Without *everything* the parts go that may hold secrets:
    Helm values and parameters, plugin environment, kustomize patches, manifests of a local sync,
    managed fields, the last applied configuration.

    Raises:
        Malformed: If it is nested so deeply that nobody could write it again.
    """
    try:
        return _disclose(application, "", everything=everything)
    except RecursionError:
        raise Malformed("the application is nested too deeply") from None


def _disclose(value: Any, key: str, *, everything: bool) -> Any:
    if isinstance(value, dict):
        hidden = frozenset() if everything else _SECRET_PARTS.get(key, frozenset())
        return {
            name: _disclose(member, name, everything=everything)
            for name, member in value.items()
            if name not in hidden
        }
    if isinstance(value, list):
        return [_disclose(item, key, everything=everything) for item in value]
    if isinstance(value, str):
        return without_credentials(value) if key == "repoURL" else redact(value)
    return value
