"""
The plugin's REST routes: from a request to a status and a JSON body (requirements A and R).

Every refusal is an error of the tree; its status, code and help are the answer.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import attrs

from .. import errors
from ..actions import request as sync_request
from ..actions.offers import ACTION_ROLE
from ..given import request_of
from ..instances.hub import Fetched
from ..refs import EntityKey, Wanted, is_kubernetes_name, parse_list, parse_wanted
from ..settings import LABEL_KEY
from ..wire import disclose
from .bodies import action_object, offer_object, operation_object, present, status_object
from .openapi import operation as described

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..hookspecs import Request, Response, Role, Route
    from ..models import Facts
    from ..operations.deeds import Done
    from ..operations.following import Deed
    from ..refs import AppKey
    from ..runtime import Runtime

LOG = logging.getLogger("gantry_argocd")

FETCH_SECONDS = 30.0
"""Longest time that a REST answer waits for applications."""

MAX_NAMES = 200
"""Names in one ``entity-apps`` request."""

_PREFIXES = ("", "/entities/{kind}/{namespace}/{name}")
"""An app by itself, or as one of an entity's: then one of another entity is refused."""


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
            *(route for prefix in _PREFIXES for route in self._of_apps(prefix)),
        ]

    def _of_apps(self, prefix: str) -> Sequence[Route]:
        """List the routes of one app, below *prefix*."""
        one = f"{prefix}/apps/{{appName}}"
        return [
            _route("GET", one, "viewer", "Full state of one app", self.app),
            _route("GET", f"{one}/operation", "viewer", "How far a sync is", self.operation),
            _route("GET", f"{one}/actions", "viewer", "What can be done, and why not", self.offers),
            _route("POST", f"{one}/sync", ACTION_ROLE, "Sync one app", self.sync_app),
            _route(
                "POST", f"{one}/refresh", ACTION_ROLE, "Compare with Git anew", self.refresh_app
            ),
            _route(
                "POST",
                f"{one}/terminate",
                ACTION_ROLE,
                "End a running operation",
                self.terminate_app,
            ),
            _route(
                "POST",
                f"{one}/rollback",
                ACTION_ROLE,
                "Deploy an entry of the history again",
                self.rollback_app,
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
        facts = self._resolve(runtime, request)
        fetched = runtime.applications.fetch(facts.key, facts.project)
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

    def operation(self, request: Request) -> Response:
        """Say how far the last operation of one app is."""
        runtime = self._runtime()
        facts = self._resolve(runtime, request)
        fetched = runtime.applications.fetch(facts.key, facts.project)
        return {"status": 200, "body": operation_object(fetched.application, runtime)}

    def offers(self, request: Request) -> Response:
        """List what the caller may do to one app, with the reasons why not (P3)."""
        runtime = self._runtime()
        facts = self._resolve(runtime, request)
        found = runtime.offers(facts, request["user"], FETCH_SECONDS)
        return {"status": 200, "body": [offer_object(offer) for offer in found]}

    def sync_app(self, request: Request) -> Response:
        """Sync one app (A2, A3, A8)."""

        def act(runtime: Runtime, deed: Deed) -> Done:
            wanted = sync_request.read(_body(request, set(sync_request.FIELDS)))
            return runtime.operations.sync(deed, self._resolve(runtime, request), wanted)

        return self._act(request, "sync", act)

    def refresh_app(self, request: Request) -> Response:
        """Let Argo CD read Git again, without syncing (A4)."""

        def act(runtime: Runtime, deed: Deed) -> Done:
            hard = _flag(_body(request, {"hard"}), "hard")
            facts = self._resolve(runtime, request)
            return runtime.operations.refresh(deed, facts, hard=hard)

        return self._act(request, "refresh", act)

    def terminate_app(self, request: Request) -> Response:
        """End a running operation (A8)."""

        def act(runtime: Runtime, deed: Deed) -> Done:
            _body(request, set())
            return runtime.operations.terminate(deed, self._resolve(runtime, request))

        return self._act(request, "terminate", act)

    def rollback_app(self, request: Request) -> Response:
        """Deploy an entry of the history again (A8)."""

        def act(runtime: Runtime, deed: Deed) -> Done:
            body = _body(request, {"id", "prune", "dryRun"})
            number = body.get("id")
            # The number 0 is the first deployment, and True is no number.
            if type(number) is not int or not 0 <= number < 2**31:
                raise errors.BadRequest("id must be the number of a deployment of the history")
            prune, dry_run = _flag(body, "prune"), _flag(body, "dryRun")
            facts = self._resolve(runtime, request)
            return runtime.operations.rollback(deed, facts, number, prune=prune, dry_run=dry_run)

        return self._act(request, "rollback", act)

    def _act(self, request: Request, action: str, act: Callable[[Runtime, Deed], Done]) -> Response:
        """Do something to an app, on record from the first moment."""
        runtime = self._runtime()
        asked = request["path"]["appName"]
        with runtime.operations.on_record(action, request["user"], asked) as deed:
            runtime.check_ready()
            done = act(runtime, deed)
        body = action_object(done, runtime)
        return {"status": 200 if done.ended else 202, "body": body}

    def _resolve(self, runtime: Runtime, request: Request) -> Facts:
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
        if "kind" in request["path"]:
            return runtime.applications.resolve_in(_named_entity(request), wanted, ref=ref)[1]
        return runtime.applications.resolve(wanted, ref=ref)[1]


def _route(
    method: Any, path: str, role: Role, summary: str, handler: Callable[[Request], Response]
) -> Route:
    return {
        "method": method,
        "path": path,
        "role": role,
        "summary": summary,
        "handler": _answering(handler, re.findall(r"{(\w+)}", path)),
        "openapi": described(method, path),
    }


def _answering(
    handler: Callable[[Request], Response], segments: Sequence[str]
) -> Callable[[Request], Response]:
    """Turn the errors of the tree into answers, and whatever a host hands over into a request."""

    def answer(request: Request) -> Response:
        request = request_of(request)
        path = request["path"]
        try:
            missing = [name for name in segments if name not in path]
            if missing:
                raise errors.BadRequest(f"the path lacks {missing[0]}")
            return handler({**request, "path": {name: path[name] for name in segments}})
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


def _named_entity(request: Request) -> EntityKey:
    path = request["path"]
    return EntityKey(path["kind"], path["namespace"], path["name"])


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise errors.BadRequest(f"{name} must be true or false")
    return value


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
    if not isinstance(content, bytes):
        raise errors.BadRequest("the body must be bytes")
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
    body = present({"instance": instance, "appName": shown, "ref": name[:400]})
    return body | error.as_json()
