"""Pages: the plugins, one plugin with its configuration and state, and plugins' static files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from gantry_argocd.hookspecs import Request, Role
from gantry_argocd.refhost.api_plugins import PluginsApi, attempt, run_route
from gantry_argocd.refhost.lifecycle import ConfigRefused, Lifecycle, PluginState
from gantry_argocd.refhost.masking import without_secrets
from gantry_argocd.refhost.pages import Crumb, Pages, segment
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import HostError, Invalid, Missing, NotTaken
from gantry_argocd.refhost.web import Call, Endpoint, parse_json

_PART: Role = "platform-engineer"


class PluginPages:
    """``/plugins`` and below, and ``/plugin-assets``."""

    def __init__(
        self, pages: Pages, api: PluginsApi, plugins: Plugins, lifecycle: Lifecycle
    ) -> None:
        self._pages = pages
        self._api = api
        self._plugins = plugins
        self._lifecycle = lifecycle

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        one = "/plugins/{plugin}"
        return [
            Endpoint("GET", "/plugins", self._list, _PART),
            Endpoint("GET", one, self._plugin, _PART),
            *(
                Endpoint("POST", f"{one}/{path}", handler, _PART, attempt=attempt(what, "page"))
                for path, what, handler in (
                    ("config", "configure", self._put_config),
                    ("enable", "enable", self._enable),
                    ("disable", "disable", self._disable),
                    ("sync", "sync", self._sync),
                    ("check", "check", self._check),
                )
            ),
            Endpoint("GET", "/plugin-assets/{plugin}/{name}", self._asset, None),
        ]

    # --- looking ---

    def _list(self, call: Call) -> Response:
        states = self._lifecycle.states()
        return self._pages.render(
            call,
            "plugins.html",
            title="Plugins",
            here="plugins",
            crumbs=[],
            states=[(state, self._can_sync(state)) for state in states],
            enabled=sum(state.enabled for state in states),
            failed=self._plugins.failed,
        )

    def _plugin(self, call: Call) -> Response:
        return self._show(call, self._lifecycle.state(call.params["plugin"]))

    def _show(
        self,
        call: Call,
        state: PluginState,
        *,
        shown: Any = None,
        error: HostError | None = None,
        checked: Mapping[str, Any] | None = None,
    ) -> Response:
        status = self._plugins.status(state.name)
        if shown is None:
            shown = self._lifecycle.masked(state)
        return self._pages.render(
            call,
            "plugin.html",
            title=state.manifest["title"],
            here="plugins",
            crumbs=[Crumb("Plugins", "/plugins"), Crumb(state.manifest["title"])],
            status=error.status if error else 200,
            state=state,
            can_sync=self._can_sync(state),
            can_check=self._api.check_route(state.name) is not None and state.config is not None,
            checked=_checked(checked),
            facts=_facts(status),
            instances=_table(status.get("instances")),
            report=_report(status.get("lastSync")),
            config=json.dumps(shown, indent=2, ensure_ascii=False),
            problem=str(error) if error else "",
            errors=error.errors if isinstance(error, ConfigRefused) else (),
            schema=json.dumps(state.manifest["configSchema"], indent=2, ensure_ascii=False),
        )

    def _asset(self, call: Call) -> Response:
        asset = self._plugins.asset(call.params["plugin"], call.params["name"])
        if asset is None:
            raise Missing("not found")
        tag = f'"{hashlib.sha256(asset["content"]).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
        if call.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(asset["content"], media_type=asset["type"], headers=headers)

    # --- changing ---

    def _put_config(self, call: Call) -> Response:
        state = self._lifecycle.state(call.params["plugin"])
        typed: Any = None
        try:
            typed = parse_json(call.form.get("config", ""))
            if not isinstance(typed, Mapping):
                raise Invalid("the configuration must be a JSON object")
            self._lifecycle.put_config(state.name, typed, call.acting("page"))
        except HostError as error:
            schema = state.manifest["configSchema"]
            # What is no JSON may be a secret anywhere: the stored configuration comes instead.
            shown = without_secrets(typed, schema) if isinstance(typed, Mapping) else None
            return self._show(call, state, shown=shown, error=error)
        return self._back(call, state.name, "The configuration has been saved.")

    def _enable(self, call: Call) -> Response:
        name = call.params["plugin"]
        try:
            self._lifecycle.enable(name, call.acting("page"))
        except (ConfigRefused, NotTaken) as error:
            return self._show(call, self._lifecycle.state(name), error=error)
        return self._back(call, name, "The plugin has been enabled.")

    def _disable(self, call: Call) -> Response:
        name, withdraw = call.params["plugin"], call.form.get("withdraw") == "yes"
        try:
            self._lifecycle.disable(name, call.acting("page"), withdraw=withdraw)
        except NotTaken as error:
            return self._show(call, self._lifecycle.state(name), error=error)
        return self._back(call, name, "The plugin has been disabled.")

    def _sync(self, call: Call) -> Response:
        name = call.params["plugin"]
        state = self._lifecycle.state(name)
        try:
            report = self._synced(call, name)
        except HostError as error:
            return self._show(call, state, error=error)
        errors = report.get("errors") or ()
        said = "Sync is running" if report.get("running") else _counted(report)
        message = f"{said} · {len(errors)} error(s)" if errors else said
        return self._back(call, name, message, ok=not errors)

    def _synced(self, call: Call, name: str) -> Mapping[str, Any]:
        route = self._api.sync_route(name)
        if route is None:
            return self._lifecycle.sync(name, call.acting("page"))
        # An empty body: what the form carries is not for the plugin.
        request = Request(path={}, query={}, body=b"", contentType=None, user=call.principal.user)
        answer = self._api.sync_by_route(name, route, request, call.acting("page"))
        body = answer["body"] if isinstance(answer["body"], Mapping) else {}
        if answer["status"] >= 400:
            raise HostError(str(body.get("error", "the sync failed")))
        return body

    def _check(self, call: Call) -> Response:
        """Show what the plugin finds of what it connects to; changes nothing, so it is a page."""
        state = self._lifecycle.state(call.params["plugin"])
        route = self._api.check_route(state.name)
        if route is None:
            raise Missing("not found")
        request = Request(path={}, query={}, body=b"", contentType=None, user=call.principal.user)
        answer = run_route(state.name, route, request)
        body = answer["body"] if isinstance(answer["body"], Mapping) else {}
        if answer["status"] >= 400:
            return self._show(call, state, error=HostError(str(body.get("error", "failed"))))
        return self._show(call, state, checked=body)

    # --- inside ---

    def _can_sync(self, state: PluginState) -> bool:
        known = self._api.sync_route(state.name) is not None
        return state.enabled and (known or self._plugins.implements(state.name, "discover"))

    def _back(self, call: Call, name: str, message: str, *, ok: bool = True) -> Response:
        title = self._lifecycle.state(name).manifest["title"]
        if call.form.get("from") == "list":
            return self._pages.go(call, "/plugins", f"{title}: {message}", ok=ok)
        return self._pages.go(call, f"/plugins/{segment(name)}", message, ok=ok)


def _facts(status: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The plain values of a status, as they come."""
    return [
        (name, _shown(value))
        for name, value in status.items()
        if isinstance(value, str | int | float | bool) and value != ""
    ]


def _table(rows: Any) -> tuple[list[str], list[list[str]]]:
    """A list of mappings as columns and rows; columns in the order in which they first come."""
    known = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    columns = list(
        dict.fromkeys(name for row in known for name in row if not isinstance(row[name], Mapping))
    )
    return columns, [[_shown(row.get(name)) for name in columns] for row in known]


def _report(report: Any) -> dict[str, Any] | None:
    """A sync report: its counts, its errors, its instances."""
    if not isinstance(report, Mapping):
        return None
    errors = report.get("errors")
    return {
        "facts": _facts(report),
        "errors": [str(error) for error in errors] if isinstance(errors, list) else [],
        "instances": _table(report.get("instances")),
    }


def _checked(body: Mapping[str, Any] | None) -> list[tuple[str, bool, Any]]:
    """What was examined: name, whether all is well, and the steps as a table."""
    found = body.get("instances") if body is not None else None
    return [
        (str(one.get("instance", "")), one.get("ok") is True, _table(one.get("steps")))
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, Mapping)
    ]


def _counted(report: Mapping[str, Any]) -> str:
    counts = [
        f"{report[name]} {name}"
        for name in ("apps", "entities", "created", "updated", "unchanged", "removed")
        if isinstance(report.get(name), int)
    ]
    return "Synced: " + ", ".join(counts) if counts else "Synced"


def _shown(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_shown(item) for item in value) or "—"
    return str(value) or "—"
