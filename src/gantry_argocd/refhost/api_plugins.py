"""REST: plugins, their configuration, and the routes that they bring themselves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from gantry_argocd.hookspecs import Request, Role, Route
from gantry_argocd.hookspecs import Response as Answer
from gantry_argocd.refhost.lifecycle import Lifecycle
from gantry_argocd.refhost.plugin_state import PluginState
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import Broken, Invalid
from gantry_argocd.refhost.trail import Actor, Record
from gantry_argocd.refhost.web import Call, Endpoint, Handler, json_response, no_content, raw_path

BASE = "/api/v1/plugins"
SYNC = ("POST", "/sync")
CHECK = ("POST", "/check")
_PART: Role = "platform-engineer"

_log = logging.getLogger(__name__)


class PluginsApi:
    """The routes below ``/api/v1/plugins``."""

    def __init__(self, plugins: Plugins, lifecycle: Lifecycle) -> None:
        self._plugins = plugins
        self._lifecycle = lifecycle

    def endpoints(self) -> list[Endpoint]:
        """List the routes; a plugin's own ``POST /sync`` comes before the host's."""
        one = f"{BASE}/{{plugin}}"
        ours = [
            Endpoint("GET", BASE, self._list),
            Endpoint("GET", one, self._get, _PART),
            Endpoint("GET", f"{one}/config", self._config, _PART),
            Endpoint("PUT", f"{one}/config", self._put_config, _PART, attempt=attempt("configure")),
            Endpoint("PUT", f"{one}/enable", self._enable, _PART, attempt=attempt("enable")),
        ]
        theirs = [
            Endpoint(
                route["method"],
                f"{BASE}/{name}{route['path']}",
                self._plugin_route(name, route),
                route["role"],
                attempt=_route_attempt(name, route),
                summary=route["summary"],
                openapi=route.get("openapi", {}),
            )
            for name in self._plugins.names
            for route in self._plugins.routes(name)
        ]
        last = Endpoint("POST", f"{one}/sync", self._sync, _PART, attempt=attempt("sync"))
        return [*ours, *theirs, last]

    def sync_route(self, name: str) -> Route | None:
        """Give a plugin's own route for syncing."""
        return self._route(name, SYNC)

    def check_route(self, name: str) -> Route | None:
        """Give a plugin's route for examining what it connects to."""
        return self._route(name, CHECK)

    def _route(self, name: str, wanted: tuple[str, str]) -> Route | None:
        for route in self._plugins.routes(name):
            if (route["method"], route["path"]) == wanted:
                return route
        return None

    def sync_by_route(self, name: str, route: Route, request: Request, actor: Actor) -> Answer:
        """Have a plugin sync by its own route, and keep in the trail who did."""
        answer = run_route(name, route, request)
        if answer["status"] < 400:
            self._lifecycle.synced(name, actor, answer["body"])
        return answer

    # --- routes ---

    def _list(self, _call: Call) -> Response:
        return json_response([_listed(state) for state in self._lifecycle.states()])

    def _get(self, call: Call) -> Response:
        state = self._lifecycle.state(call.params["plugin"])
        about: dict[str, Any] = {
            "id": state.name,
            "name": state.name,
            "version": state.manifest["version"],
            "enabled": state.enabled,
            "manifest": dict(state.manifest),
            "installedAt": state.installed_at,
            "updatedAt": state.updated_at,
        }
        if config := self._lifecycle.masked(state):
            about["config"] = config
        if state.problem:
            about["problem"] = state.problem
        # The plugin's own words (`lastSync`, `instances`) stand beside the host's, which win.
        return json_response({**self._plugins.status(state.name), **about})

    def _config(self, call: Call) -> Response:
        state = self._lifecycle.state(call.params["plugin"])
        if state.unreadable:
            raise Broken(state.unreadable)
        schema = state.manifest["configSchema"]
        return json_response({"schema": schema, "values": self._lifecycle.masked(state)})

    def _put_config(self, call: Call) -> Response:
        name = call.params["plugin"]
        self._lifecycle.state(name)
        self._lifecycle.put_config(name, call.json_object(), call.acting("api"))
        return no_content()

    def _enable(self, call: Call) -> Response:
        name = call.params["plugin"]
        self._lifecycle.state(name)
        enabled, withdraw = _wish(call.json_object())
        if enabled:
            self._lifecycle.enable(name, call.acting("api"))
        else:
            self._lifecycle.disable(name, call.acting("api"), withdraw=withdraw)
        return no_content()

    def _sync(self, call: Call) -> Response:
        return json_response(self._lifecycle.sync(call.params["plugin"], call.acting("api")))

    def _plugin_route(self, name: str, route: Route) -> Handler:
        def handle(call: Call) -> Response:
            if (route["method"], route["path"]) == SYNC:
                answer = self.sync_by_route(name, route, _request(call), call.acting("api"))
            else:
                answer = run_route(name, route, _request(call))
            if answer.get("body") is None:
                response = Response(status_code=answer["status"])
            else:
                response = json_response(answer["body"], answer["status"])
            response.headers.update(answer.get("headers", {}))
            return response

        return handle


def attempt(what: str, source: str = "api") -> Callable[[Call], Record]:
    """Give what the trail says of somebody who tries *what* with the plugin of the path."""

    def record(call: Call) -> Record:
        return _about_plugin(call, call.params["plugin"], f"plugin.{what}", source)

    return record


def _route_attempt(name: str, route: Route) -> Callable[[Call], Record] | None:
    if route["method"] == "GET":
        return None
    words = [part for part in route["path"].split("/") if part and not part.startswith("{")]
    known = (route["method"], route["path"]) == SYNC
    action = "plugin.sync" if known or not words else f"{name}.{words[-1]}"
    return lambda call: _about_plugin(call, name, action, "api")


def _about_plugin(call: Call, name: str, action: str, source: str) -> Record:
    return Record(
        actor=call.acting(source),
        action=action,
        resource_type="Plugin",
        resource_id=f"Plugin:{name}"[:600],
        resource_name=name[:600],
        details={"path": raw_path(call.request)[:600]},
    )


def run_route(name: str, route: Route, request: Request) -> Answer:
    """
    Call a plugin's route.

    Raises:
        Broken: The plugin raised.
    """
    try:
        return route["handler"](request)
    except Exception as error:  # noqa: BLE001 - its traceback may hold what it was given
        _log.error(
            "plugin %s failed in %s %s: %s",
            name,
            route["method"],
            route["path"],
            type(error).__name__,
        )
        raise Broken(f"plugin {name} failed") from None


def _request(call: Call) -> Request:
    query: dict[str, list[str]] = {}
    for key, value in call.request.query_params.multi_items():
        query.setdefault(key, []).append(value)
    return Request(
        path=dict(call.params),
        query=query,
        body=call.body,
        contentType=call.request.headers.get("content-type"),
        user=call.principal.user,
    )


def _listed(state: PluginState) -> dict[str, Any]:
    about: dict[str, Any] = {
        **state.manifest,
        "enabled": state.enabled,
        "source": "bundled",
        "available": True,
    }
    return about | ({"problem": state.problem} if state.problem else {})


def _wish(body: Mapping[str, Any]) -> tuple[bool, bool]:
    enabled, withdraw = body.get("enabled"), body.get("withdraw", False)
    if not isinstance(enabled, bool):
        raise Invalid("enabled must be true or false")
    if not isinstance(withdraw, bool):
        raise Invalid("withdraw must be true or false")
    if enabled and withdraw:
        raise Invalid("withdraw goes with enabled: false only")
    return enabled, withdraw
