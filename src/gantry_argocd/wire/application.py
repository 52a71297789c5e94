"""
An Application in full.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from .. import models
from ..actions.request import REQUEST_INFO, USER_INFO
from ..repositories import clean
from . import raw
from .facts import read_facts, read_source, read_source_list, read_sources

if TYPE_CHECKING:
    from .facts import Reading

SKIP_RECONCILE = "argocd.argoproj.io/skip-reconcile"
REFRESH = "argocd.argoproj.io/refresh"
_LEFT_FOR = timedelta(minutes=10)


def read_application(app: raw.Application, reading: Reading) -> models.Application:
    """Read all that is shown of an Application."""
    status, spec = app.status, app.spec
    automated = spec.sync_policy.automated
    on = automated is not None and automated.enabled is not False
    return models.Application(
        facts=read_facts(app, reading),
        uid=app.metadata.uid,
        sources=read_sources(spec),
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
    return read_source(
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
    if state is not None and state.phase not in models.ENDED:
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
    if app.operation is not None or state.phase in models.ENDED:
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
        sources=read_source_list(entry.source, entry.sources),
        deployed_at=entry.deployed_at,
        started_at=entry.deploy_started_at,
        initiator=entry.initiated_by.username,
        automated=entry.initiated_by.automated,
    )


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
