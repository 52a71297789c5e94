"""
What somebody wants synced and how: read, checked against the application, written for Argo CD.

Pure. Argo CD accepts requests that cannot mean what they say (``argocd-api.md`` section 6.1): one
revision for several sources is ignored, resources that match nothing end as a success, an empty
selection is everything, sync options replace those of the application. All of that is settled
here, before anything is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from ..errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..models import Application, Resource
    from ..refs import AppKey

REQUEST_INFO = "gantry-request"
"""Name of the operation's info that holds our correlation id."""

USER_INFO = "gantry-user"
"""Name of the operation's info that holds the Gantry user who asked for it."""

FIELDS = ("hard", "prune", "dryRun", "revision", "revisions", "resources", "syncOptions")
"""What the body of a sync may hold."""

MOST_RESOURCES = 500
MOST_OPTIONS = 50

_FLAGS = ("hard", "prune", "dryRun")
_REVISION = re.compile(r"(?!-)[^\s\x00-\x1f\x7f]{1,250}")
_OPTION = re.compile(r"([A-Za-z][A-Za-z0-9]{0,63})=[^\s\x00-\x1f\x7f]{1,200}")
_POSITION = re.compile(r"[1-9][0-9]{0,2}")
_FORCING = {"Replace=true", "Force=true"}
_SERVER_SIDE = "ServerSideApply=true"


@attrs.frozen(kw_only=True)
class Selected:
    """
    A resource that is to be synced.

    Attributes:
        group: Empty for the core group.

        namespace: Empty for any.
    """

    group: str = ""
    kind: str
    namespace: str = ""
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.group}/{self.kind} {place}{self.name}".removeprefix("/")

    def matches(self, resource: Resource) -> bool:
        """Say whether Argo CD would take *resource* for this one."""
        return (
            (self.group, self.kind, self.name) == (resource.group, resource.kind, resource.name)
            and self.namespace in {"", resource.namespace}
        )  # fmt: skip


@attrs.frozen(kw_only=True)
class SyncRequest:
    """
    A sync.

    Attributes:
        prune: Delete resources that are no longer in the source.

        force: Delete and recreate what cannot be changed. Hooks still run.

        dry_run: Only say what would happen.

        revision: What to deploy of the only source. Empty for what it says itself.

        revisions: The same for sources by position, from 1 on.

        resources: Only these. Empty for all.

        sync_options: None for the application's own.

        request_id: Kept by Argo CD with the operation, to recognise it.

        requested_by: Gantry user, kept by Argo CD with the operation.
    """

    prune: bool = False
    force: bool = False
    dry_run: bool = False
    revision: str = ""
    revisions: Mapping[int, str] = attrs.field(factory=dict)
    resources: tuple[Selected, ...] = ()
    sync_options: tuple[str, ...] | None = None
    request_id: str = ""
    requested_by: str = ""

    @property
    def action(self) -> str:
        """What it is called in policies and in the trail, by the most that it can do."""
        if self.dry_run:
            return "dry-run"
        replacing = _FORCING & set(self.sync_options or ())
        return "hard-sync" if self.prune or self.force or replacing else "sync"

    @property
    def needs_application(self) -> bool:
        """Say whether it means something only together with the application as it is."""
        chosen = self.revision or self.revisions or self.resources
        return bool(chosen) or self.sync_options is not None

    def told(self) -> dict[str, Any]:
        """Give the options as they go on record."""
        found = {
            "prune": self.prune,
            "force": self.force,
            "dryRun": self.dry_run,
            "revision": self.revision,
            "revisions": {str(position): text for position, text in self.revisions.items()},
            "resources": [str(item) for item in self.resources],
            "syncOptions": list(self.sync_options or ()),
        }
        return {name: value for name, value in found.items() if value}

    def body(self, key: AppKey, project: str) -> dict[str, Any]:
        """Write it as Argo CD reads it."""
        infos = ((REQUEST_INFO, self.request_id), (USER_INFO, self.requested_by))
        body: dict[str, Any] = {
            "appNamespace": key.namespace,
            "project": project,
            "dryRun": self.dry_run,
            "prune": self.prune,
            "infos": [{"name": name, "value": value} for name, value in infos if value],
        }
        if self.force:
            # The hook strategy: "apply" would skip the application's hooks (section 6.1).
            body["strategy"] = {"hook": {"force": True}}
        if self.revision:
            body["revision"] = self.revision
        if self.revisions:
            # Numbers: Argo CD reads Go integers here, whatever its swagger file says.
            body["sourcePositions"] = list(self.revisions)
            body["revisions"] = list(self.revisions.values())
        if self.resources:
            body["resources"] = [attrs.asdict(item) for item in self.resources]
        if self.sync_options is not None:
            body["syncOptions"] = {"items": list(self.sync_options)}
        return body


def read(body: Mapping[str, Any]) -> SyncRequest:
    """
    Read the body of a request.

    Raises:
        BadRequest: Naming what is wrong.
    """
    flags = {name: body.get(name, False) for name in _FLAGS}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise BadRequest(f"{name} must be true or false")
    hard = flags["hard"]
    revision, revisions = _revision(body.get("revision", ""), "revision"), _revisions(body)
    if revision and revisions:
        raise BadRequest("revision and revisions cannot be given together")
    return SyncRequest(
        prune=body.get("prune", hard),
        force=hard,
        dry_run=flags["dryRun"],
        revision=revision,
        revisions=revisions,
        resources=_resources(body),
        sync_options=_options(body),
    )


def _revision(value: Any, name: str) -> str:
    if value == "" or (isinstance(value, str) and _REVISION.fullmatch(value)):
        return str(value)
    raise BadRequest(f"{name} must be a branch, tag, commit or version")


def _revisions(body: Mapping[str, Any]) -> dict[int, str]:
    given = body.get("revisions", {})
    if not isinstance(given, dict) or not all(_POSITION.fullmatch(key) for key in given):
        raise BadRequest('revisions must be an object such as {"1": "v1.4.0"}: source, revision')
    found = {int(key): _revision(value, "revisions") for key, value in sorted(given.items())}
    return {position: revision for position, revision in found.items() if revision}


def _resources(body: Mapping[str, Any]) -> tuple[Selected, ...]:
    if "resources" not in body:
        return ()
    given = body["resources"]
    # To Argo CD an empty selection is everything, which nobody means by it.
    if not isinstance(given, list) or not 0 < len(given) <= MOST_RESOURCES:
        raise BadRequest(f"resources must be a list of 1 to {MOST_RESOURCES} resources")
    return tuple(_selected(item, index) for index, item in enumerate(given))


def _selected(item: Any, index: int) -> Selected:
    known = {field.name for field in attrs.fields(Selected)}
    texts = isinstance(item, dict) and all(
        isinstance(value, str) and len(value) <= 253 and value.isprintable()
        for value in item.values()
    )
    if not texts or not {"kind", "name"} <= item.keys() <= known:
        raise BadRequest(
            f"resources[{index}] must be an object of texts with kind, name, and where they have "
            "one group and namespace"
        )
    if not item["kind"] or not item["name"]:
        raise BadRequest(f"resources[{index}] must have a kind and a name")
    return Selected(**item)


def _options(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "syncOptions" not in body:
        return None
    given = body["syncOptions"]
    wrong = not isinstance(given, list) or len(given) > MOST_OPTIONS
    if wrong or not all(isinstance(item, str) and _OPTION.fullmatch(item) for item in given):
        raise BadRequest('syncOptions must be a list of texts such as "PruneLast=true"')
    return tuple(given)


# --- together with the application ---


def settle(request: SyncRequest, application: Application) -> tuple[SyncRequest, tuple[str, ...]]:
    """
    Make a request mean for *application* what it says.

    Returns:
        What is to be sent, and sentences about what was made of it.

    Raises:
        BadRequest: If Argo CD would take it for something else.
    """
    notes: list[str] = []
    if request.revision or request.revisions:
        request = _placed(request, application, notes)
    for index, wanted in enumerate(request.resources):
        _check(wanted, index, application)
    if request.sync_options is not None:
        merged = _merged(application.sync_options, request.sync_options)
        request = attrs.evolve(request, sync_options=merged)
    return request, tuple(notes)


def _placed(request: SyncRequest, application: Application, notes: list[str]) -> SyncRequest:
    """Give revisions the form that this kind of application heeds."""
    count = len(application.sources)
    if not application.by_position:
        if others := request.revisions.keys() - {1}:
            raise BadRequest(f"the application has one source, and no source {min(others)}")
        only = request.revision or request.revisions.get(1, "")
        return attrs.evolve(request, revision=only, revisions={})
    if request.revision and count > 1:
        listed = "; ".join(
            f"{number}: {source.chart or source.path or source.ref or source.repo_url}"
            for number, source in enumerate(application.sources, start=1)
        )
        raise BadRequest(
            f"the application has {count} sources, and Argo CD would ignore one revision for all: "
            f'say which with revisions, as {{"1": "v1.4.0"}} (sources: {listed[:500]})'
        )
    if request.revision:
        notes.append("The revision was sent for source 1, the only one.")
        return attrs.evolve(request, revision="", revisions={1: request.revision})
    if beyond := [position for position in request.revisions if position > count]:
        raise BadRequest(f"the application has {count} sources, and no source {beyond[0]}")
    return request


def _check(wanted: Selected, index: int, application: Application) -> None:
    """Refuse a resource that matches nothing: Argo CD would call that a success."""
    found = [item for item in application.resources if wanted.matches(item)]
    if not found:
        raise BadRequest(
            f"resources[{index}] ({wanted}) is none of the application's resources; if it is new "
            "in the source, refresh the application first"
        )
    if all(item.hook for item in found):
        raise BadRequest(
            f"resources[{index}] ({wanted}) is a hook, and a sync of selected resources skips hooks"
        )


def _merged(own: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    """Add options to the application's own, which what is sent replaces; the given win."""
    by_name = {option.partition("=")[0]: option for option in (*own, *given)}
    return tuple(by_name.values())


def warnings(request: SyncRequest, application: Application) -> tuple[str, ...]:
    """Say what people have to know of a sync that Argo CD has taken."""
    found = []
    options = application.sync_options if request.sync_options is None else request.sync_options
    if request.force and _SERVER_SIDE in options:
        found.append(
            "The application uses ServerSideApply=true; from Argo CD 3.0 on force then fails for "
            "every resource."
        )
    if request.resources:
        found.append("A sync of selected resources skips hooks and does not enter the history.")
    if any(item.prune_confirmation for item in application.resources):
        found.append(
            "Argo CD waits until somebody confirms there that resources are deleted "
            "(Prune=confirm); until then the sync stays in progress, and can be terminated."
        )
    if application.left_alone:
        found.append(
            "Argo CD is told to leave this application alone (annotation skip-reconcile), so it "
            "will not begin."
        )
    return tuple(found)
