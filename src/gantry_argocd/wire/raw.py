"""
Argo CD's own JSON as classes, read with cattrs: the only place that knows its spelling.

Argo CD writes Go structs: absent, null and empty mean the same, unknown keys are to be ignored,
and a projected list has explicit nulls (``argocd-api.md`` sections 1, 3 and 8). A wrong type is an
error that names its path.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

if TYPE_CHECKING:
    from collections.abc import Callable

_SPELLINGS = {"repo_url": "repoURL", "external_urls": "externalURLs", "dry_sha": "drySHA"}
"""Names that are not simply camel case."""


@attrs.frozen
class Owner:
    """An element of ``metadata.ownerReferences``."""

    kind: str = ""
    name: str = ""


@attrs.frozen
class Metadata:
    """``metadata``."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    labels: dict[str, Any] = attrs.field(factory=dict)
    annotations: dict[str, Any] = attrs.field(factory=dict)
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    owner_references: tuple[Owner, ...] = ()


@attrs.frozen
class Source:
    """``spec.source`` and its copies elsewhere."""

    repo_url: str = ""
    path: str = ""
    chart: str = ""
    target_revision: str = ""
    ref: str = ""
    name: str = ""


@attrs.frozen
class SyncSource:
    """``spec.sourceHydrator.syncSource``."""

    repo_url: str = ""
    target_branch: str = ""
    path: str = ""


@attrs.frozen
class Hydrator:
    """``spec.sourceHydrator``."""

    dry_source: Source = Source()
    sync_source: SyncSource = SyncSource()


@attrs.frozen
class Destination:
    """``spec.destination``."""

    server: str = ""
    name: str = ""
    namespace: str = ""


@attrs.frozen
class ListedSpec:
    """What the catalogue needs of ``spec``."""

    project: str = ""
    destination: Destination = Destination()
    source: Source = Source()
    sources: tuple[Source, ...] = ()
    source_hydrator: Hydrator | None = None


@attrs.frozen
class Sync:
    """``status.sync``."""

    status: str = ""
    revision: str = ""
    revisions: tuple[str, ...] = ()


@attrs.frozen
class Health:
    """``status.health`` and a resource's ``health``."""

    status: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


@attrs.frozen
class ListedStatus:
    """What the catalogue needs of ``status``."""

    sync: Sync = Sync()
    health: Health = Health()


@attrs.frozen
class ListedApplication:
    """An Application as far as the catalogue needs it."""

    metadata: Metadata = Metadata()
    spec: ListedSpec = ListedSpec()
    status: ListedStatus = ListedStatus()


@attrs.frozen
class Automated:
    """``spec.syncPolicy.automated``; ``{}`` is on, ``enabled: false`` is off (3.1 and later)."""

    prune: bool = False
    self_heal: bool = False
    enabled: bool | None = None


@attrs.frozen
class SyncPolicy:
    """``spec.syncPolicy``."""

    automated: Automated | None = None
    sync_options: tuple[str, ...] = ()


@attrs.frozen
class Spec(ListedSpec):
    """``spec``."""

    sync_policy: SyncPolicy = SyncPolicy()


@attrs.frozen
class Resource:
    """An element of ``status.resources``."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    health: Health | None = None
    hook: bool = False
    requires_pruning: bool = False
    requires_deletion_confirmation: bool = False


@attrs.frozen
class Condition:
    """An element of ``status.conditions``."""

    type: str = ""
    message: str = ""
    last_transition_time: datetime | None = None


@attrs.frozen
class Initiator:
    """``initiatedBy``."""

    username: str = ""
    automated: bool = False


@attrs.frozen
class Info:
    """An element of ``operation.info``."""

    name: str = ""
    value: str = ""


@attrs.frozen
class SyncOperation:
    """``operation.sync``."""

    revision: str = ""
    revisions: tuple[str, ...] = ()
    dry_run: bool = False
    prune: bool = False
    resources: tuple[Any, ...] = ()


@attrs.frozen
class Operation:
    """``operation``."""

    sync: SyncOperation = SyncOperation()
    initiated_by: Initiator = Initiator()
    info: tuple[Info, ...] = ()


@attrs.frozen
class ResourceResult:
    """An element of ``syncResult.resources``."""

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""


@attrs.frozen
class SyncResult:
    """``status.operationState.syncResult``."""

    revision: str = ""
    revisions: tuple[str, ...] = ()
    resources: tuple[ResourceResult, ...] = ()


@attrs.frozen
class OperationState:
    """``status.operationState``."""

    operation: Operation = Operation()
    phase: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_count: int = 0
    sync_result: SyncResult = SyncResult()


@attrs.frozen
class HistoryEntry:
    """An element of ``status.history``."""

    id: int = 0
    revision: str = ""
    revisions: tuple[str, ...] = ()
    deployed_at: datetime | None = None
    deploy_started_at: datetime | None = None
    source: Source = Source()
    sources: tuple[Source, ...] = ()
    initiated_by: Initiator = Initiator()


@attrs.frozen
class Summary:
    """``status.summary``."""

    images: tuple[str, ...] = ()
    external_urls: tuple[str, ...] = ()


@attrs.frozen
class HydrateOperation:
    """``status.sourceHydrator.currentOperation`` and ``lastSuccessfulOperation``."""

    phase: str = ""
    message: str = ""
    dry_sha: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


@attrs.frozen
class HydratorStatus:
    """``status.sourceHydrator``."""

    current_operation: HydrateOperation = HydrateOperation()
    last_successful_operation: HydrateOperation = HydrateOperation()


@attrs.frozen
class Status(ListedStatus):
    """``status``."""

    resources: tuple[Resource, ...] = ()
    conditions: tuple[Condition, ...] = ()
    operation_state: OperationState | None = None
    history: tuple[HistoryEntry, ...] = ()
    summary: Summary = Summary()
    reconciled_at: datetime | None = None
    source_hydrator: HydratorStatus = HydratorStatus()


@attrs.frozen
class Application:
    """An Application in full."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()
    operation: Operation | None = None


_DETAILS = frozenset({Resource, Condition, HistoryEntry, ResourceResult, Info, Owner})
"""Rows of the page that are left out when they cannot be read; the rest is still worth showing."""


def make_converter() -> cattrs.Converter:
    """Make the converter that reads these classes."""
    converter = cattrs.Converter()
    for kind, empty in ((str, ""), (bool, False), (int, 0)):
        converter.register_structure_hook(kind, _strict(kind, empty))
    converter.register_structure_hook_func(lambda kind: kind == dict[str, Any], _mapping)
    converter.register_structure_hook_func(lambda kind: kind == datetime | None, _moment)
    converter.register_structure_hook_factory(
        lambda kind: getattr(kind, "__origin__", None) is tuple,
        lambda kind: _sequence(converter, kind.__args__[0]),
    )
    converter.register_structure_hook_factory(attrs.has, lambda kind: _object(converter, kind))
    return converter


def _strict(kind: type, empty: Any) -> Callable[[Any, Any], Any]:
    def read(value: Any, _: Any) -> Any:
        if value is None:
            return empty
        # bool is an int to Python, but not to JSON.
        if type(value) is not kind:
            msg = f"{kind.__name__} expected"
            raise TypeError(msg)
        return value

    return read


def _mapping(value: Any, _: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        msg = "object expected"
        raise TypeError(msg)
    return value


def _moment(value: Any, _: Any) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None  # No time is worth losing an application for.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sequence(converter: cattrs.Converter, item: Any) -> Callable[[Any, Any], tuple[Any, ...]]:
    def read(value: Any, _: Any) -> tuple[Any, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            msg = "array expected"
            raise TypeError(msg)
        if item not in _DETAILS:
            return tuple(converter.structure(element, item) for element in value)
        rows = []
        for element in value:
            with suppress(cattrs.BaseValidationError, TypeError):
                rows.append(converter.structure(element, item))
        return tuple(rows)

    return read


def _object(converter: cattrs.Converter, kind: type) -> Callable[[Any, Any], Any]:
    structure: Callable[[Any, Any], Any] = make_dict_structure_fn(
        kind,
        converter,
        **{  # type: ignore[arg-type]  # the keys are attribute names
            field.name: override(rename=spelling(field.name)) for field in attrs.fields(kind)
        },
    )

    def read(value: Any, target: Any) -> Any:
        if value is None:
            return kind()
        if not isinstance(value, dict):
            msg = "object expected"
            raise TypeError(msg)
        return structure(value, target)

    return read


def spelling(name: str) -> str:
    """Give Argo CD's name of an attribute."""
    head, *tail = name.split("_")
    return _SPELLINGS.get(name, head + "".join(word.capitalize() for word in tail))
