"""
JSON bodies of REST answers: the state of an application, what can be done, how far it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..actions.progress import progress
from ..correlation import rfc3339
from ..view import links

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ..actions.offers import Offer
    from ..models import Application, AutoSync, Operation, ResourceResult, Source
    from ..operations.deeds import Done
    from ..runtime import Runtime


def status_object(application: Application, runtime: Runtime) -> dict[str, Any]:
    """
    Give the state of an app as REST has it (``gantry-host.md`` section 4, and what it lacks).

    Keys without a value are absent.
    """
    facts, operation = application.facts, application.operation
    source = application.sources[0] if application.sources else None
    instance = runtime.settings.instance(facts.key.instance)
    body: dict[str, Any] = {
        "instance": facts.key.instance,
        "appName": facts.key.name,
        "namespace": facts.key.namespace,
        "ref": facts.key.ref(runtime.own_namespace(facts.key.instance)),
        "url": links.application(instance.people_url, facts.key) if instance else None,
        "syncStatus": facts.sync,
        "healthStatus": facts.health,
        "healthMessage": application.health_message,
        "syncRevision": application.revisions[0] if application.revisions else None,
        "lastSyncTime": _time(application.last_sync_at),
        "operationPhase": operation.phase if operation else None,
        "operationMsg": operation.message if operation else None,
        "repoURL": facts.repo,
        "targetRevision": source.target_revision if source else None,
        "path": source.path if source else None,
        "chart": source.chart if source else None,
        "project": facts.project,
        "destServer": facts.destination.server,
        "destName": facts.destination.name,
        "destNamespace": facts.destination.namespace,
        "images": list(application.images),
        "externalUrls": [{"title": u.title, "url": u.url} for u in application.external_urls],
        "operation": _operation(operation) if operation else None,
        "progress": progress(application, runtime.now()).as_json(),
        "autoSync": _auto_sync(application.auto_sync) if application.auto_sync else None,
    }
    lists: dict[str, Any] = {
        "resources": [present(_resource(item)) for item in application.resources],
        "revisions": list(application.revisions),
        "sources": [present(_source(item)) for item in application.sources],
        "conditions": [
            present({"type": c.type, "message": c.message, "since": _time(c.since)})
            for c in application.conditions
        ],
        "history": [
            present(
                {
                    "id": entry.id,
                    "revisions": list(entry.revisions),
                    "deployedAt": _time(entry.deployed_at),
                    "startedAt": _time(entry.started_at),
                    "initiatedBy": "automated" if entry.automated else entry.initiator,
                    "sources": [present(_source(item)) for item in entry.sources],
                }
            )
            for entry in application.history
        ],
    }
    return present(body) | lists


def action_object(done: Done, runtime: Runtime) -> dict[str, Any]:
    """Give the answer to an action: the state, and what has to be known besides."""
    told = {"requestId": done.request_id, "notes": list(done.notes)}
    return status_object(done.fetched.application, runtime) | present(told)


def operation_object(application: Application, runtime: Runtime) -> dict[str, Any]:
    """Say how far the last operation is."""
    whole = status_object(application, runtime)
    names = ("instance", "appName", "namespace", "ref", "syncStatus", "healthStatus", "progress")
    return {name: whole[name] for name in names} | {"operation": whole.get("operation")}


def offer_object(offer: Offer) -> dict[str, Any]:
    """Give one thing that can be done."""
    return {
        "id": offer.id,
        "label": offer.label,
        "part": offer.part,
        "destructive": offer.destructive,
        "confirmation": offer.confirmation,
        "available": offer.available,
        "reason": offer.reason,
    }


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.request_id or None,
        "phase": operation.phase,
        "message": operation.message,
        "startedAt": _time(operation.started_at),
        "finishedAt": _time(operation.finished_at),
        "dryRun": operation.dry_run,
        "initiatedBy": "automated" if operation.automated else operation.initiator or None,
        "results": [present(_result(item)) for item in operation.results],
    }


def _auto_sync(automated: AutoSync) -> dict[str, bool]:
    return {"prune": automated.prune, "selfHeal": automated.self_heal}


def _result(item: ResourceResult) -> dict[str, Any]:
    names = ("group", "kind", "namespace", "name", "status", "message")
    plain = {name: getattr(item, name) for name in names}
    # A plain resource of a sync that succeeded carries a hook phase as well, without meaning.
    return plain | (
        {"hookType": item.hook_type, "hookPhase": item.hook_phase} if item.hook_type else {}
    )


def _resource(item: Any) -> dict[str, Any]:
    health = None
    if item.health:
        health = present({"status": item.health, "message": item.health_message})
    return {
        "group": item.group,
        "version": item.version,
        "kind": item.kind,
        "namespace": item.namespace,
        "name": item.name,
        "status": item.sync,
        "health": health,
        "hook": item.hook,
        "requiresPruning": item.prune,
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "repoURL": source.repo_url,
        "kind": source.kind.value,
        "url": source.web_url,
        "path": source.path,
        "chart": source.chart,
        "targetRevision": source.target_revision,
        "ref": source.ref,
        "name": source.name,
    }


def present(body: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out keys without a value."""
    return {
        key: value
        for key, value in body.items()
        if value is not None and value is not False and value not in ("", [])
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
