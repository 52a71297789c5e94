"""Pages: the plugins, one plugin with its configuration and state, and plugins' static files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from gantry_argocd.hookspecs import Request, Role
from gantry_argocd.refhost import plugin_view
from gantry_argocd.refhost.api_plugins import PluginsApi, attempt, run_route
from gantry_argocd.refhost.config_forms import ConfigForms, FilledForm
from gantry_argocd.refhost.lifecycle import Lifecycle
from gantry_argocd.refhost.masking import without_secrets
from gantry_argocd.refhost.pages import Crumb, Pages, segment
from gantry_argocd.refhost.plugin_state import ConfigRefused, PluginState
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import HostError, Invalid, Missing, NotTaken
from gantry_argocd.refhost.web import Call, Endpoint, parse_json, redirect

_PART: Role = "platform-engineer"


class PluginPages:
    """``/plugins`` and below, and ``/plugin-assets``."""

    def __init__(
        self,
        pages: Pages,
        api: PluginsApi,
        plugins: Plugins,
        lifecycle: Lifecycle,
        forms: ConfigForms,
    ) -> None:
        self._pages = pages
        self._forms = forms
        self._api = api
        self._plugins = plugins
        self._lifecycle = lifecycle

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        one = "/plugins/{plugin}"
        return [
            Endpoint("GET", "/plugins", self._list, _PART),
            Endpoint("GET", one, self._plugin, _PART),
            # A refused form stands at this address; who loads it again begins anew.
            Endpoint("GET", f"{one}/config", self._to_plugin, _PART),
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

    def _to_plugin(self, call: Call) -> Response:
        return redirect(f"/plugins/{segment(call.params['plugin'])}")

    def _show(
        self,
        call: Call,
        state: PluginState,
        *,
        shown: Any = None,
        form: FilledForm | None = None,
        error: HostError | None = None,
        checked: Mapping[str, Any] | None = None,
    ) -> Response:
        status = self._plugins.status(state.name)
        masked = self._lifecycle.masked(state)
        report = plugin_view.report(status.get("lastSync"))
        if form is None and (form := self._forms.stored(call, state, masked)) and error:
            form = form.refused(error)
        # A page that is watched is loaded again and again, so it has no form to type into.
        watching = call.query("watch") == "sync"
        page = self._pages.render(
            call,
            "plugin.html",
            title=state.manifest["title"],
            here="plugins",
            crumbs=[Crumb("Plugins", "/plugins"), Crumb(state.manifest["title"])],
            status=error.status if error else 200,
            state=state,
            can_sync=self._can_sync(state),
            can_check=self._api.check_route(state.name) is not None and state.config is not None,
            checked=plugin_view.checked(checked),
            facts=plugin_view.facts(status),
            instances=plugin_view.table(status.get("instances")),
            report=report,
            watching=watching,
            form=form,
            config=json.dumps(masked if shown is None else shown, indent=2, ensure_ascii=False),
            as_json=shown is not None,
            problem=str(error) if error else "",
            errors=error.errors if isinstance(error, ConfigRefused) else (),
            schema=json.dumps(state.manifest["configSchema"], indent=2, ensure_ascii=False),
        )
        if watching:
            running = report is not None and report["running"]
            page.headers["Refresh"] = "2" if running else f"0; url=/plugins/{segment(state.name)}"
        return page

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
        if "config" in call.form:
            return self._put_json(call, state)
        filled = self._forms.read(call, state)
        if filled.refusal or not filled.saving:
            return self._show(call, state, form=filled, error=filled.refusal)
        try:
            self._lifecycle.put_config(state.name, filled.revealed, call.acting("page"))
        except HostError as error:
            return self._show(call, state, form=filled.refused(error), error=error)
        return self._back(call, state.name, "The configuration has been saved.")

    def _put_json(self, call: Call, state: PluginState) -> Response:
        typed: Any = None
        try:
            typed = parse_json(call.form["config"])
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
        said = "The plugin has been enabled."
        first = plugin_view.report(self._plugins.status(name).get("lastSync"))
        if first and first["running"] and call.form.get("from") != "list":
            return self._pages.go(call, f"/plugins/{segment(name)}?watch=sync", said)
        return self._back(call, name, said)

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
        running = report.get("running") is True
        said = "Sync is running" if running else plugin_view.counted(report)
        if running and not errors and call.form.get("from") != "list":
            return self._pages.go(call, f"/plugins/{segment(name)}?watch=sync", said)
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
