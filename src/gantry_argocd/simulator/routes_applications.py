"""The routes of Applications: list, read, act, and what hangs off one of them."""

from __future__ import annotations

import itertools
import random

from . import tree
from .codes import CallFailed, Code
from .exchange import Answer, Exchange
from .gojson import Json, encode
from .operations import (
    ROLLBACK_FIELDS,
    SYNC_FIELDS,
    request_rollback,
    request_sync,
    request_termination,
)
from .projection import FieldFilter, ListProjection
from .reconciler import REFRESH
from .revisions import chart_details, oci_metadata, source_at, sources_of
from .selector import SelectorInvalid, parse, selects
from .store import Record
from .tokens import Identity
from .world import World

# How often spec together with its children fails with one visible Application.
_COLLISION_SHARE = 0.8
# From this many Applications on, list answers are kept.
_LARGE = 1000


async def list_applications(world: World, exchange: Exchange) -> Answer:
    """List what the caller may see; no pages, one order by name, null when empty."""
    identity = exchange.caller()
    projection = ListProjection.parse(exchange.value("fields"), world.profile.list_fields)
    fails = world.profile.fails_on_spec_with_children
    if fails and projection is not None and projection.collides:
        visible = len(world.visible(identity, _filtered(world, exchange)))
        if _hits_collision(visible, world.rng):
            failure = encode({"error": "failed to marshal error message"})
            return Answer(500, failure, headers=Answer.raw(b"").headers)

    def make() -> bytes:
        return _listing(world, identity, exchange, projection)

    if len(world.fleet) < _LARGE:
        return Answer.raw(make())
    # A few of the answers are kept until the fleet or a policy changes, so that a large fleet
    # costs the client its time and not the server; a few, for the order of twins is random.
    question = (identity.subject, exchange.query_string)
    state = (world.fleet.resource_version, world.policies.generation)
    packed = world.lists.answer(question, state, world.rng, make)
    return Answer.raw(packed.plain, compressed=packed.compressed)


def _listing(
    world: World, identity: Identity, exchange: Exchange, projection: ListProjection | None
) -> bytes:
    records = world.visible(identity, _filtered(world, exchange))
    records = _shuffled_twins(records, world.rng)
    version = str(world.fleet.resource_version).encode()
    if projection is None:
        items = b",".join([record.listed() for record in records])
        body = b'{"metadata":{"resourceVersion":"%s"},"items":%s}'
        return body % (version, b"[%s]" % items if records else b"null")
    items = b",".join([record.projected(projection) for record in records])
    body = b'{"items":%s,"metadata":{"resourceVersion":"%s"}}'
    return body % (b"[%s]" % items if records else b"null", version)


def _filtered(world: World, exchange: Exchange) -> list[Record]:
    try:
        selector = parse(exchange.value("selector"))
    except SelectorInvalid as error:
        raise CallFailed(Code.UNKNOWN, f"error parsing the selector: {error}") from error
    namespace, name = exchange.value("appNamespace"), exchange.value("name")
    namespaces = world.namespaces & {namespace} if namespace else world.namespaces
    records = [r for r in world.fleet.records() if r.key[0] in namespaces]
    if selector:
        records = [record for record in records if selects(selector, record.labels)]
    if name:
        named = [record for record in records if record.name == name]
        # One of them at random, before the filters below get a say.
        records = [world.rng.choice(named)] if named else []
    projects = set(exchange.values("project") or exchange.values("projects"))
    if projects:
        records = [record for record in records if record.project in projects]
    repository = exchange.value("repo")
    if repository:
        records = [r for r in records if _first_repository(r.app) == repository]
    return records


def _first_repository(app: Json) -> str:
    return str(sources_of(app.get("spec", {}))[0].get("repoURL", ""))


def _shuffled_twins(records: list[Record], rng: random.Random) -> list[Record]:
    """Return *records* with those of one name in any order, which changes from call to call."""
    if len({record.name for record in records}) == len(records):
        return records
    ordered: list[Record] = []
    for _, same in itertools.groupby(records, key=lambda record: record.name):
        twins = list(same)
        rng.shuffle(twins)
        ordered.extend(twins)
    return ordered


def _hits_collision(visible: int, rng: random.Random) -> bool:
    return any(rng.random() < _COLLISION_SHARE for _ in range(visible)) or visible >= 4


def _project(exchange: Exchange) -> str:
    given = exchange.values("project") or exchange.values("projects")
    if len(given) > 1:
        raise CallFailed(
            Code.INVALID_ARGUMENT,
            "multiple projects specified - the get endpoint accepts either zero or one project",
        )
    return given[0] if given else ""


def found_application(
    world: World, exchange: Exchange, *, namespace: str = "appNamespace"
) -> Record:
    """Return the Application a route is about; raises CallFailed if the caller may not see it."""
    return world.find(
        exchange.caller(),
        exchange.params["name"],
        namespace=exchange.value(namespace),
        project=_project(exchange),
    )


async def create_application(world: World, exchange: Exchange) -> Answer:
    """Refuse to create an Application, for want of rights or of a simulation."""
    fields = {"metadata": "v1.ObjectMeta", "spec": "v1alpha1.ApplicationSpec"}
    body = exchange.decode("v1alpha1.Application", fields)
    project = body.get("spec", {}).get("project") or "default"
    target = f"{project}/{body.get('metadata', {}).get('name', '')}"
    world.require(exchange.caller(), "applications", "create", target)
    raise CallFailed(Code.UNIMPLEMENTED, "creating Applications is not part of the simulator")


async def get_application(world: World, exchange: Exchange) -> Answer:
    """Read one Application; any value of ``refresh`` makes the call wait for the controller."""
    record = found_application(world, exchange)
    if not exchange.values("refresh"):
        return Answer.raw(record.full())
    kind = "hard" if exchange.value("refresh") == "hard" else "normal"

    def annotate(app: Json) -> None:
        annotations = app["metadata"].get("annotations") or {}
        left = world.profile.refresh_annotations(kind, world.now())
        app["metadata"]["annotations"] = {**annotations, **left, REFRESH: kind}

    world.fleet.change(record.key, annotate)
    world.controller.reconciler.refresh(record.key)

    def reconciled() -> bool:
        current = world.fleet.record(record.key)
        annotations = current.app["metadata"].get("annotations") or {} if current else {REFRESH: ""}
        return REFRESH not in annotations

    if not await exchange.wait_until(reconciled, world.stopping.is_set):
        return Answer.failed(CallFailed(Code.UNKNOWN, "context canceled"))
    current = world.fleet.record(record.key)
    return Answer.raw((current or record).full())


async def sync(world: World, exchange: Exchange) -> Answer:
    """Request a sync; everything is read from the body, nothing from the query."""
    body = exchange.decode("application.ApplicationSyncRequest", SYNC_FIELDS)
    record = request_sync(world, exchange.caller(), exchange.params["name"], body)
    return Answer.raw(record.listed())


async def rollback(world: World, exchange: Exchange) -> Answer:
    """Request a rollback to an entry of the history."""
    body = exchange.decode("application.ApplicationRollbackRequest", ROLLBACK_FIELDS)
    record = request_rollback(world, exchange.caller(), exchange.params["name"], body)
    return Answer.raw(record.listed())


async def terminate(world: World, exchange: Exchange) -> Answer:
    """Terminate the running operation."""
    request_termination(
        world,
        exchange.caller(),
        exchange.params["name"],
        namespace=exchange.value("appNamespace"),
        project=_project(exchange),
    )
    return Answer.json({})


async def get_resource_tree(world: World, exchange: Exchange) -> Answer:
    """Read the resource tree; for an Application never reconciled this waits for ever."""
    record = found_application(world, exchange)
    annotations = record.app["metadata"].get("annotations") or {}
    skipped = annotations.get("argocd.argoproj.io/skip-reconcile") == "true"
    if skipped and not record.app["status"].get("resources"):
        await exchange.wait_until(lambda: False, world.stopping.is_set)
    return Answer.json(tree.resource_tree(record, world.profile))


async def get_managed_resources(world: World, exchange: Exchange) -> Answer:
    """Read target and live states; ``fields`` filters generically here."""
    record = found_application(world, exchange)
    names = ("namespace", "name", "group", "kind")
    filters = {name: exchange.value(name) for name in names}
    answer = tree.managed_resources(record, world.profile, **filters)
    return filtered_answer(exchange, answer)


def filtered_answer(exchange: Exchange, value: Json) -> Answer:
    """Return *value* through the generic field filter of the request."""
    wanted = FieldFilter.parse(exchange.value("fields"))
    return Answer.json(value) if wanted is None else Answer.json(wanted.apply(value), sort=True)


async def get_manifests(world: World, exchange: Exchange) -> Answer:
    """Read the rendered manifests."""
    record = found_application(world, exchange)
    for condition in record.app["status"].get("conditions") or ():
        if condition["type"] == "ComparisonError":
            text = f"Manifest generation error (cached): {condition['message']}"
            raise CallFailed(Code.UNKNOWN, text)
    resources = record.app["status"].get("resources") or []
    wanted = [item for item in resources if not item.get("requiresPruning")]
    texts = [encode(tree.manifest(record.app, item, world.profile)).decode() for item in wanted]
    return Answer.json({"manifests": texts} if texts else {})


async def get_revision_metadata(world: World, exchange: Exchange) -> Answer:
    """Read author, date and message of a commit."""
    source, record = _revision_source(world, exchange)
    revision = exchange.params["revision"]
    return Answer.json(world.revisions.commit_metadata(record.app, source, revision))


async def get_chart_details(world: World, exchange: Exchange) -> Answer:
    """Read description and maintainers of a chart version."""
    source, record = _revision_source(world, exchange)
    return Answer.json(chart_details(source, record.app, exchange.params["revision"]))


async def get_oci_metadata(world: World, exchange: Exchange) -> Answer:
    """Read the annotations of an OCI artifact."""
    source, _ = _revision_source(world, exchange)
    return Answer.json(oci_metadata(source, exchange.params["revision"], world.clock()))


def _revision_source(world: World, exchange: Exchange) -> tuple[Json, Record]:
    index, version = exchange.integer("sourceIndex"), exchange.integer("versionId")
    record = found_application(world, exchange)
    if not world.profile.since(2, 12):
        index = version = None  # the first source, whatever was asked
    return source_at(record.app, index or 0, version), record


async def get_events(world: World, exchange: Exchange) -> Answer:
    """Read the events of an Application or one of its resources."""
    record = found_application(world, exchange)
    names = ("resourceName", "resourceUID", "resourceNamespace")
    query = {name: exchange.value(name) for name in names}
    return Answer.json(tree.events(record, world.profile, query))


async def get_links(world: World, exchange: Exchange) -> Answer:
    """Read the deep links; the namespace parameter is called ``namespace`` here."""
    record = found_application(world, exchange, namespace="namespace")
    name = record.name
    items: list[Json] = [
        {
            "title": "Logs",
            "url": f"https://logs.example.com/search?app={name}",
            "description": "Log search",
            "iconClass": "fa-file-alt",
        }
    ]
    if record.app["spec"].get("source"):
        items.append({"title": "Repository", "url": _first_repository(record.app)})
    items.append({"title": "Broken", "url": "https://x.example.com/<no value>"})
    hostile = (record.app["metadata"].get("annotations") or {}).get("example.com/link")
    if hostile:
        items.append({"title": "Hostile", "url": hostile})
    return Answer.json({"items": items})


async def get_resource_links(world: World, exchange: Exchange) -> Answer:
    """Read the deep links of one resource."""
    found_application(world, exchange)
    kind = exchange.value("kind")
    docs = {"title": "Kind docs", "url": f"https://docs.example.com/kinds/{kind}"}
    return Answer.json({"items": [docs]})


async def get_sync_windows(world: World, exchange: Exchange) -> Answer:
    """Read the sync windows and whether a manual sync is possible now."""
    record = found_application(world, exchange)
    return Answer.json(world.projects.windows(record.app, world.clock()).describe())
