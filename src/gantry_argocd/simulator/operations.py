"""Sync, rollback and terminate: the checks in Argo CD's order, and the operation they record."""

from __future__ import annotations

from .automation import is_automated
from .codes import CallFailed, Code, permission_denied
from .gojson import Json
from .revisions import sources_of
from .store import Record
from .tokens import Identity
from .world import World

SYNC_FIELDS = {
    "appNamespace": "string",
    "project": "string",
    "revision": "string",
    "dryRun": "bool",
    "prune": "bool",
    "strategy": "v1alpha1.SyncStrategy",
    "resources": "[]v1alpha1.SyncOperationResource",
    "manifests": "[]string",
    "infos": "[]v1alpha1.Info",
    "retryStrategy": "v1alpha1.RetryStrategy",
    "syncOptions": "application.SyncOptions",
    "sourcePositions": "[]int64",
    "revisions": "[]string",
}
ROLLBACK_FIELDS = {
    "id": "int64",
    "dryRun": "bool",
    "prune": "bool",
    "appNamespace": "string",
    "project": "string",
}
_RESOURCE_KEYS = ("group", "kind", "name", "namespace")


def request_sync(world: World, identity: Identity, name: str, body: Json) -> Record:
    """Request a sync and return the Application with its operation; raises CallFailed."""
    record = world.find(
        identity, name, namespace=body.get("appNamespace", ""), project=body.get("project", "")
    )
    app = record.app
    if not world.projects.windows(app, world.clock()).manual_sync_allowed:
        raise CallFailed(Code.PERMISSION_DENIED, "cannot sync: blocked by sync window")
    world.require(identity, "applications", "sync", world.object_of(record))
    if body.get("manifests"):
        world.require(identity, "applications", "override", world.object_of(record))
        if is_automated(app) and not body.get("dryRun"):
            raise CallFailed(
                Code.FAILED_PRECONDITION,
                "cannot use local sync when Automatic Sync Policy is enabled unless for dry run",
            )
    _refuse_deleting(app)
    sync = _sync_operation(world, app, body)
    guarded = world.options.override_for_revisions and world.profile.has_override_setting
    if guarded and _chooses(app, body):
        world.require(identity, "applications", "override", world.object_of(record))
    _refuse_replacing(world, sync)
    operation: Json = {"sync": sync, "initiatedBy": {"username": identity.subject}}
    if body.get("infos"):
        operation["info"] = [
            {"name": info.get("name", ""), "value": info.get("value", "")} for info in body["infos"]
        ]
    policy = app["spec"].get("syncPolicy") or {}
    operation["retry"] = body.get("retryStrategy") or policy.get("retry") or {}
    return _start(world, record, operation)


def request_rollback(world: World, identity: Identity, name: str, body: Json) -> Record:
    """Request a rollback and return the Application with its operation; raises CallFailed."""
    if "id" not in body:
        raise CallFailed(
            Code.INTERNAL, 'grpc: error while marshaling: proto: required field "id" not set'
        )
    enforced = world.options.rollback_needs_a_right and world.profile.has_rollback_right
    record = world.find(
        identity,
        name,
        namespace=body.get("appNamespace", ""),
        project=body.get("project", ""),
        action="rollback" if enforced else "sync",
    )
    app = record.app
    _refuse_deleting(app)
    if is_automated(app):
        raise CallFailed(
            Code.FAILED_PRECONDITION, "rollback cannot be initiated when auto-sync is enabled"
        )
    history = app["status"].get("history") or ()
    entry = next((entry for entry in history if entry["id"] == body["id"]), None)
    if entry is None:
        namespace, _ = record.key
        raise CallFailed(
            Code.INVALID_ARGUMENT,
            f"application {namespace}/{name} does not have deployment with id {body['id']}",
        )
    if entry.get("sources") and not world.profile.rolls_back_several_sources:
        raise CallFailed(
            Code.FAILED_PRECONDITION,
            "cannot rollback to revision deployed with Argo CD v0.11 or lower. "
            "sync to revision instead.",
        )
    sync: Json = {"revision": entry["revision"]} if entry.get("revision") else {}
    sync |= {flag: True for flag in ("prune", "dryRun") if body.get(flag)}
    sync["syncStrategy"] = {"apply": {}}
    sync["source"] = entry.get("source") or {"repoURL": ""}
    options = (app["spec"].get("syncPolicy") or {}).get("syncOptions")
    if options:
        sync["syncOptions"] = options
    sync |= {name: entry[name] for name in ("sources", "revisions") if entry.get(name)}
    operation = {"sync": sync, "initiatedBy": {"username": identity.subject}, "retry": {}}
    return _start(world, record, operation)


def request_termination(
    world: World, identity: Identity, name: str, *, namespace: str, project: str
) -> None:
    """Ask the controller to end the running operation; raises CallFailed."""
    record = world.find(identity, name, namespace=namespace, project=project, action="sync")

    def edit(app: Json) -> None:
        if not app.get("operation") or not app["status"].get("operationState"):
            raise CallFailed(
                Code.INVALID_ARGUMENT,
                "Unable to terminate operation. No operation is in progress",
            )
        app["status"]["operationState"]["phase"] = "Terminating"

    world.fleet.change(record.key, edit)
    world.controller.terminate(record.key)


def _start(world: World, record: Record, operation: Json) -> Record:
    previous: Json | None = None

    def edit(app: Json) -> None:
        nonlocal previous
        if app.get("operation"):
            raise CallFailed(Code.FAILED_PRECONDITION, "another operation is already in progress")
        previous = app["status"].pop("operationState", None)
        app["operation"] = operation

    stored = world.fleet.change(record.key, edit)
    if stored is None:
        raise permission_denied()
    world.controller.begin(record.key, previous)
    return stored


def _refuse_deleting(app: Json) -> None:
    if app["metadata"].get("deletionTimestamp"):
        raise CallFailed(Code.FAILED_PRECONDITION, "application is deleting")


def _chooses(app: Json, body: Json) -> bool:
    """Return whether a sync is to another revision than the Application's own."""
    targets = [source.get("targetRevision") or "HEAD" for source in sources_of(app["spec"])]
    revision = body.get("revision", "")
    several = body.get("revisions") or []
    return bool(revision and revision != targets[0]) or any(one not in targets for one in several)


def _refuse_replacing(world: World, sync: Json) -> None:
    if world.options.sync_with_replace_allowed or not world.profile.since(3, 0):
        return
    if "Replace=true" in (sync.get("syncOptions") or ()):
        raise CallFailed(
            Code.FAILED_PRECONDITION,
            "sync with replace was disabled on the API Server level via the server configuration",
        )


def _sync_operation(world: World, app: Json, body: Json) -> Json:
    """Return ``operation.sync``, keys in the order of the Go struct."""
    several = bool(app["spec"].get("sources"))
    sources = sources_of(app["spec"])
    revisions = (
        _several_revisions(world, app, sources, body)
        if several
        else [_single_revision(world, app, sources[0], body)]
    )
    sync: Json = {} if several else {"revision": revisions[0]}
    sync |= {flag: True for flag in ("prune", "dryRun") if body.get(flag)}
    strategy = _strategy(body.get("strategy"))
    if strategy is not None:
        sync["syncStrategy"] = strategy
    if body.get("resources"):
        sync["resources"] = [
            {key: item[key] for key in _RESOURCE_KEYS if item.get(key)}
            for item in body["resources"]
        ]
    if not several and world.profile.fills_in_source:
        sync["source"] = sources[0]
    if body.get("manifests"):
        sync["manifests"] = body["manifests"]
    if "syncOptions" in body:
        # Present means in place of the Application's own, an empty list included.
        options = body["syncOptions"].get("items") or []
    else:
        options = (app["spec"].get("syncPolicy") or {}).get("syncOptions") or []
    if options:
        sync["syncOptions"] = options
    if several:
        if body.get("revisions") and world.profile.overwrites_target_revision:
            sources = [
                {**source, "targetRevision": revision}
                for source, revision in zip(sources, revisions, strict=True)
            ]
        sync |= {"sources": sources, "revisions": revisions}
    return sync


def _single_revision(world: World, app: Json, source: Json, body: Json) -> str:
    revision = body.get("revision", "")
    target = source.get("targetRevision") or "HEAD"
    exempt = body.get("dryRun") and world.profile.dry_runs_any_revision
    if revision and revision != target and is_automated(app) and not exempt:
        raise CallFailed(
            Code.FAILED_PRECONDITION,
            f"Cannot sync to {revision}: auto-sync currently set to {target}",
        )
    return world.revisions.resolve(app, source, revision, 0)


def _several_revisions(world: World, app: Json, sources: list[Json], body: Json) -> list[str]:
    chosen: dict[int, str] = {}
    exempt = body.get("dryRun") and world.profile.dry_runs_any_revision
    given = body.get("revisions") or []
    positions = body.get("sourcePositions") or () if world.profile.chooses_sources else ()
    for number, position in enumerate(positions):
        if not 1 <= position <= len(sources):
            raise CallFailed(Code.UNKNOWN, "source position is out of range")
        if number >= len(given):
            raise CallFailed(
                Code.INTERNAL,
                f"runtime error: index out of range [{number}] with length {len(given)}",
            )
        source, revision = sources[position - 1], given[number]
        target = source.get("targetRevision") or "HEAD"
        if revision != target and is_automated(app) and not exempt:
            raise CallFailed(
                Code.FAILED_PRECONDITION,
                f"Cannot sync source {source.get('repoURL', '')} to {revision}: "
                f"auto-sync currently set to {target}",
            )
        chosen[position - 1] = revision
    return [
        world.revisions.resolve(app, source, chosen.get(index, ""), index)
        for index, source in enumerate(sources)
    ]


def _strategy(given: Json | None) -> Json | None:
    """Return the strategy as Go reads it; the nesting of the swagger file is lost on it."""
    if given is None:
        return None
    return {
        kind: {"force": True} if given[kind].get("force") else {}
        for kind in ("apply", "hook")
        if given.get(kind) is not None
    }
