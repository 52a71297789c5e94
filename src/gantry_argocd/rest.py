"""
The plugin's REST routes: from a request to a status and a JSON body (requirements A and R).

Every refusal is an error of the tree; its status, code and help are the answer.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import attrs

from . import errors
from .correlation import rfc3339
from .hub import Fetched
from .refs import EntityKey, Wanted, is_kubernetes_name, parse_list, parse_wanted
from .settings import LABEL_KEY
from .view import links
from .wire import disclose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .hookspecs import Request, Response, Role, Route
    from .models import Application, Facts, Operation, Source
    from .refs import AppKey
    from .runtime import Runtime

LOG = logging.getLogger("gantry_argocd")

FETCH_SECONDS = 30.0
"""Longest time that a REST answer waits for applications."""

MAX_NAMES = 200
"""Names in one ``entity-apps`` request."""


class Routes:
    """
    The handlers.

    Args:
        runtime: Gives the configuration in use; raises NotReady when there is none.
    """

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime

    def routes(self) -> Sequence[Route]:
        """List the routes, as :func:`gantry_argocd.hookspecs.plugin_routes` gives them."""
        return [
            _route("POST", "/sync", "platform-engineer", "Discover everything anew", self.sync),
            _route("GET", "/entity-apps", "viewer", "Live state of several apps", self.entity_apps),
            _route("POST", "/check", "platform-engineer", "Examine every instance", self.check),
            _route("GET", "/explain", "viewer", "Why an app is in its entity", self.explain),
            _route("GET", "/apps/{appName}", "viewer", "Full state of one app", self.app),
            _route("POST", "/apps/{appName}/sync", "developer", "Sync one app", self.sync_app),
            _route(
                "POST",
                "/apps/{appName}/refresh",
                "developer",
                "Let Argo CD read Git again",
                self.refresh_app,
            ),
            _route(
                "POST",
                "/apps/{appName}/terminate",
                "developer",
                "End a running operation",
                self.terminate_app,
            ),
        ]

    # --- the catalogue ---

    def sync(self, request: Request) -> Response:
        """Discover everything anew (D5)."""
        runtime = self._runtime()
        body = _body(request, {"confirm"})
        confirm = body.get("confirm", [])
        if not isinstance(confirm, list) or not all(isinstance(name, str) for name in confirm):
            raise errors.BadRequest("confirm must be a list of instance names")
        report, ended = runtime.sync(confirm)
        return {"status": 200 if ended else 202, "body": dict(report)}

    def check(self, request: Request) -> Response:
        """Examine every instance, and say what to do where something fails (G6)."""
        runtime = self._runtime()
        _body(request, set())
        found = runtime.check()
        body = {"ok": all(one.ok for one in found), "instances": [one.as_json() for one in found]}
        return {"status": 200, "body": body}

    def explain(self, request: Request) -> Response:
        """
        Say why: ``?app=`` of an app, ``?entity=Kind/namespace/name`` of an entity.

        ``?labelKey=`` lists what would move if the label key were another.
        """
        runtime = self._runtime()
        runtime.check_ready()
        asked = {
            name: values[-1]
            for name in ("app", "entity", "labelKey")
            if (values := request["query"].get(name)) and values[-1]
        }
        if len(asked) != 1:
            raise errors.BadRequest("exactly one of app, entity and labelKey is needed")
        ((name, text),) = asked.items()
        if name == "app":
            body = runtime.explain_app(_wanted(text), ref=True)
        elif name == "entity":
            body = runtime.explain_entity(_entity(text))
        else:
            body = runtime.try_label_key(_label_key(text))
        return {"status": 200, "body": body}

    # --- apps ---

    def app(self, request: Request) -> Response:
        """Give the full state of one app (A1)."""
        runtime = self._runtime()
        key, facts = self._resolve(runtime, request)
        fetched = runtime.applications.fetch(key, facts.project)
        everything = request["user"]["role"] in {"platform-engineer", "admin"}
        body = status_object(fetched.application, runtime)
        body["application"] = disclose(fetched.document, everything=everything)
        return {"status": 200, "body": body}

    def entity_apps(self, request: Request) -> Response:
        """Give the live state of all named apps; a failure stands in its place (A5)."""
        names = parse_list(",".join(request["query"].get("appNames", ())))
        if not names:
            return {"status": 200, "body": []}
        runtime = self._runtime()
        runtime.check_ready()
        if len(names) > MAX_NAMES:
            raise errors.BadRequest(f"at most {MAX_NAMES} names can be asked for at once")
        meant: dict[str, tuple[AppKey, Facts] | errors.GantryArgoCDError] = {}
        for name in names:
            try:
                meant[name] = runtime.applications.resolve(_wanted(name), ref=True)
            except errors.GantryArgoCDError as error:
                meant[name] = error
        wanted = {m[0]: m[1].project for m in meant.values() if isinstance(m, tuple)}
        found = runtime.applications.fetch_all(wanted, FETCH_SECONDS)
        body = [_entry(name, meant[name], found, runtime) for name in names]
        return {"status": 200, "body": body}

    def sync_app(self, request: Request) -> Response:
        """Sync one app (A2, A3)."""
        runtime = self._runtime()
        body = _body(request, {"hard", "prune", "dryRun"})
        for name, value in body.items():
            if not isinstance(value, bool):
                raise errors.BadRequest(f"{name} must be true or false")
        hard = body.get("hard", False)
        key, facts = self._resolve(runtime, request)
        fetched = runtime.applications.sync(
            key,
            facts.project,
            request["user"],
            prune=body.get("prune", hard),
            force=hard,
            dry_run=body.get("dryRun", False),
        )
        return {"status": 200, "body": status_object(fetched.application, runtime)}

    def refresh_app(self, request: Request) -> Response:
        """Let Argo CD read Git again, without syncing (A4)."""
        runtime = self._runtime()
        _body(request, set())
        key, facts = self._resolve(runtime, request)
        fetched, done = runtime.applications.refresh(key, facts.project, request["user"])
        body = status_object(fetched.application, runtime)
        if not done:
            body["message"] = "the refresh was requested and has not ended yet"
        return {"status": 200 if done else 202, "body": body}

    def terminate_app(self, request: Request) -> Response:
        """End a running operation (A8)."""
        runtime = self._runtime()
        _body(request, set())
        key, facts = self._resolve(runtime, request)
        fetched = runtime.applications.terminate(key, facts.project, request["user"])
        return {"status": 200, "body": status_object(fetched.application, runtime)}

    def _resolve(self, runtime: Runtime, request: Request) -> tuple[AppKey, Facts]:
        runtime.check_ready()
        wanted = _wanted(request["path"]["appName"])
        ref = wanted.instance is not None
        for parameter, attribute in (("instance", "instance"), ("namespace", "namespace")):
            given = request["query"].get(parameter, ())
            if len(given) > 1:
                raise errors.BadRequest(f"{parameter} may be given once")
            if given and given[0]:
                said = getattr(wanted, attribute)
                if said is not None and said != given[0]:
                    raise errors.BadRequest(f"the name and the parameter {parameter} disagree")
                wanted = attrs.evolve(wanted, **{attribute: given[0]})
        return runtime.applications.resolve(wanted, ref=ref)


def _route(
    method: Any, path: str, role: Role, summary: str, handler: Callable[[Request], Response]
) -> Route:
    return {
        "method": method,
        "path": path,
        "role": role,
        "summary": summary,
        "handler": _answering(handler),
    }


def _answering(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """Turn the errors of the tree into answers."""

    def answer(request: Request) -> Response:
        try:
            return handler(request)
        except errors.GantryArgoCDError as error:
            if isinstance(error, errors.ArgoCDError):
                LOG.warning("%s", error)
            return {"status": error.status, "body": error.as_json()}

    return answer


def _wanted(text: str) -> Wanted:
    """
    Read a name, ``instance:name`` or ``instance:namespace/name``.

    Raises:
        UnknownApp: If no application can have that name; nothing is asked then.
    """
    wanted = parse_wanted(text)
    if wanted is None or text != text.strip() or not is_kubernetes_name(wanted.name):
        raise errors.UnknownApp(f"no application is called {text[:253]!r}")
    return wanted


def _entity(text: str) -> EntityKey:
    """
    Read ``Kind/namespace/name``; the namespace may be left out.

    Raises:
        UnknownEntity: If it has no such form.
    """
    kind, _, rest = text.partition("/")
    namespace, slash, name = rest.rpartition("/")
    if not kind or not name or (slash and not namespace) or "/" in namespace:
        raise errors.UnknownEntity("an entity is written Kind/namespace/name")
    return EntityKey(kind, namespace or "default", name)


def _label_key(text: str) -> str:
    try:
        LABEL_KEY.read(text)
    except ValueError as problem:
        raise errors.BadRequest(f"{problem} is expected") from None
    return text


def _body(request: Request, known: set[str]) -> Mapping[str, Any]:
    """
    Read a JSON object; an absent body is an empty one.

    Raises:
        WrongContentType: If it says to be something else.

        BadRequest: If it is no object, or has a key that is not known.
    """
    content = request["body"]
    if not content.strip():
        return {}
    content_type = (request["contentType"] or "application/json").partition(";")[0]
    if content_type.strip().lower() != "application/json":
        raise errors.WrongContentType("Content-Type must be application/json")
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise errors.BadRequest("the body is no valid JSON") from None
    if not isinstance(body, dict):
        raise errors.BadRequest("the body must be a JSON object")
    unknown = sorted(body.keys() - known)
    if unknown:
        allowed = ", ".join(sorted(known)) or "none"
        raise errors.BadRequest(
            f"{unknown[0][:60]!r} is not known in the body (allowed: {allowed})"
        )
    return body


# --- bodies ---


def _entry(
    name: str,
    meant: tuple[AppKey, Facts] | errors.GantryArgoCDError,
    found: Mapping[AppKey, Fetched | errors.ArgoCDError],
    runtime: Runtime,
) -> dict[str, Any]:
    """Give one element of ``entity-apps``."""
    wanted = parse_wanted(name)
    instance = wanted.instance if wanted else None
    error: errors.GantryArgoCDError
    if isinstance(meant, tuple):
        key = meant[0]
        result = found[key]
        if isinstance(result, Fetched):
            return status_object(result.application, runtime)
        instance, error = key.instance, result
    else:
        error = meant
    shown = (wanted.name if wanted else name)[:253]
    body = _present({"instance": instance, "appName": shown, "ref": name[:400]})
    return body | error.as_json()


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
        "autoSync": attrs.asdict(application.auto_sync) if application.auto_sync else None,
    }
    lists: dict[str, Any] = {
        "resources": [_present(_resource(item)) for item in application.resources],
        "sources": [_present(_source(item)) for item in application.sources],
        "conditions": [
            _present({"type": c.type, "message": c.message, "since": _time(c.since)})
            for c in application.conditions
        ],
        "history": [
            _present(
                {
                    "id": entry.id,
                    "revisions": list(entry.revisions),
                    "deployedAt": _time(entry.deployed_at),
                    "startedAt": _time(entry.started_at),
                    "initiatedBy": "automated" if entry.automated else entry.initiator,
                    "sources": [_present(_source(item)) for item in entry.sources],
                }
            )
            for entry in application.history
        ],
    }
    return _present(body) | lists


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.request_id or None,
        "phase": operation.phase,
        "message": operation.message,
        "startedAt": _time(operation.started_at),
        "finishedAt": _time(operation.finished_at),
        "dryRun": operation.dry_run,
        "initiatedBy": "automated" if operation.automated else operation.initiator or None,
        "results": [_present(attrs.asdict(item)) for item in operation.results],
    }


def _resource(item: Any) -> dict[str, Any]:
    health = None
    if item.health:
        health = _present({"status": item.health, "message": item.health_message})
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


def _present(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in body.items()
        if value is not None and value is not False and value not in ("", [])
    }


def _time(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
