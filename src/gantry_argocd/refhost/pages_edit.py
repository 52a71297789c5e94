"""Pages: writing entities, and the forms of plugin actions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import attrs
import yaml
from starlette.responses import Response

from gantry_argocd.hookspecs import ROLES, Action, Outcome, User
from gantry_argocd.refhost import kinds
from gantry_argocd.refhost.api_entities import EntitiesApi, entity_key
from gantry_argocd.refhost.catalogue import Catalogue
from gantry_argocd.refhost.documents import HOST_FIELDS, Key, key_of
from gantry_argocd.refhost.draft import Row
from gantry_argocd.refhost.foreign import not_found
from gantry_argocd.refhost.once import REQUEST_FIELD, Once, request_id
from gantry_argocd.refhost.pages import VIEW_FIELD, Crumb, Pages, entity_url, segment, view_of
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import Denied, HostError, Invalid, Missing, Unavailable
from gantry_argocd.refhost.trail import Record
from gantry_argocd.refhost.views import safe_yaml
from gantry_argocd.refhost.web import Call, Endpoint, parse_json

_BLANK = "kind: {kind}\nmetadata:\n  name: \n  description: \n  owner: \nspec: {{}}\n"


class EditPages:
    """``/new``, and ``…/edit``, ``…/delete``, ``…/action`` below an entity's page."""

    def __init__(
        self, pages: Pages, catalogue: Catalogue, api: EntitiesApi, plugins: Plugins
    ) -> None:
        self._pages = pages
        self._catalogue = catalogue
        self._api = api
        self._plugins = plugins
        self._once: Once[_Told] = Once()

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        one = "/catalog/{kind}/{name}"
        return [
            Endpoint("GET", "/new", self._new_form, "developer"),
            Endpoint("POST", "/new", self._new, "developer"),
            Endpoint("GET", f"{one}/edit", self._edit_form, "developer"),
            Endpoint("POST", f"{one}/edit", self._edit, "developer"),
            Endpoint("GET", f"{one}/delete", self._delete_form, "developer"),
            Endpoint("POST", f"{one}/delete", self._delete, "developer"),
            Endpoint("POST", f"{one}/action", self._action, attempt=self._attempt),
        ]

    # --- entities ---

    def _new_form(self, call: Call) -> Response:
        kind = kinds.canonical_kind(call.query("kind", "Service"))
        return self._form(
            call, None, _BLANK.format(kind=kind if kind in kinds.KINDS else "Service")
        )

    def _new(self, call: Call) -> Response:
        text = call.form.get("document", "")
        try:
            entity = self._api.create(read_document(text), call.acting("page"))
        except HostError as error:
            return self._form(call, None, text, error)
        return self._pages.go(call, entity_url(key_of(entity)), "The entity has been created.")

    def _edit_form(self, call: Call) -> Response:
        row = self._row(call)
        metadata = {k: v for k, v in row.entity["metadata"].items() if k not in HOST_FIELDS}
        return self._form(call, row.key, safe_yaml({**row.entity, "metadata": metadata}))

    def _edit(self, call: Call) -> Response:
        key, text = entity_key(call), call.form.get("document", "")
        try:
            entity = self._api.replace(key, read_document(text), call.acting("page"))
        except HostError as error:
            return self._form(call, key, text, error)
        return self._pages.go(call, entity_url(key_of(entity)), "The entity has been saved.")

    def _form(
        self, call: Call, key: Key | None, text: str, error: HostError | None = None
    ) -> Response:
        crumbs = (
            [*_crumbs(key), Crumb("Edit")] if key else [Crumb("Catalog", "/catalog"), Crumb("New")]
        )
        return self._pages.render(
            call,
            "edit.html",
            title=f"Edit {key.name}" if key else "New entity",
            here=f"kind:{key.kind}" if key else "catalog",
            crumbs=crumbs,
            status=error.status if error else 200,
            action=entity_url(key, page="edit") if key else "/new",
            back=entity_url(key) if key else "/catalog",
            document=text,
            problem=str(error) if error else "",
        )

    def _delete_form(self, call: Call) -> Response:
        key = self._row(call).key
        return self._pages.render(
            call,
            "confirm.html",
            title=f"Delete {key.name}",
            here=f"kind:{key.kind}",
            crumbs=[*_crumbs(key), Crumb("Delete")],
            question=f"Delete {key.kind} {key.name}?",
            consequence=(
                "The entity and everything that people wrote into it is removed from the "
                "catalog. What a plugin discovers comes back by itself."
            ),
            action=entity_url(key, page="delete"),
            fields={},
            confirm="Delete",
            danger=True,
            back=entity_url(key),
            tries={},
        )

    def _delete(self, call: Call) -> Response:
        key = entity_key(call)
        self._api.delete(key, call.acting("page"))
        back = entity_url(key) if self._catalogue.get(key) else f"/catalog/{segment(key.kind)}"
        return self._pages.go(call, back, f"{key.kind} {key.name} has been deleted.")

    # --- actions of plugins ---

    def _action(self, call: Call) -> Response:
        """Ask, do it, and go back to the page; a form that is sent twice does it once."""
        row = self._row(call)
        wanted = (call.form.get("action", ""), call.form.get("app", ""))
        sent = request_id(call.form.get(REQUEST_FIELD, ""))
        asking: list[Response] = []

        def act() -> _Told | None:
            action, offered = self._offered(row, call.principal.user, wanted)
            _check(action, call)
            if _has_to_ask(action, call):
                asking.append(self._confirm(call, row, action, offered))
                return None
            outcome = run(action, sent)
            return _Told(self._tab_url(call, row, action), outcome["message"], outcome["ok"])

        key = (call.principal.session, sent, row.key, wanted)
        told = self._once.do(key, act) if sent else act()
        if told is None:
            return asking[0]
        return self._pages.go(call, told.location, told.message, ok=told.ok)

    def _offered(
        self, row: Row, user: User, wanted: tuple[str, str]
    ) -> tuple[Action, Sequence[Action]]:
        offered = self._plugins.actions(row.entity, user)
        action = next((one for one in offered if (one["id"], one["app"]) == wanted), None)
        if action is None:
            raise Missing("this action is not offered for this entity")
        return action, offered

    def _attempt(self, call: Call) -> Record:
        """What the trail says of an action that was refused before its plugin heard of it."""
        key = entity_key(call)
        try:
            wanted = (call.form.get("action", ""), call.form.get("app", ""))
        except HostError:  # the very reason, perhaps
            wanted = ("", "")
        row = self._catalogue.rows().get(key)
        offered = self._plugins.actions(row.entity, call.principal.user) if row else ()
        known = next((one for one in offered if (one["id"], one["app"]) == wanted), None)
        return Record(
            actor=call.acting("page"),
            action=f"{known['plugin']}.{known['id']}" if known else "plugin.action",
            resource_type=key.kind[:255],
            resource_id=key.ref[:600],
            resource_name=key.name[:600],
            details={"action": wanted[0][:255], "app": wanted[1][:600]},
        )

    def _confirm(self, call: Call, row: Row, action: Action, offered: Sequence[Action]) -> Response:
        wanted = (action.get("rehearsal", ""), action["app"])
        tries = next((one for one in offered if (one["id"], one["app"]) == wanted), None)
        sent = request_id(call.form.get(REQUEST_FIELD, ""))
        known = {"app": action["app"], VIEW_FIELD: _view(call)}
        if sent:
            known[REQUEST_FIELD] = sent
        return self._pages.render(
            call,
            "confirm.html",
            title=f"{action['label']} {action['app']}",
            here=f"kind:{row.key.kind}",
            crumbs=[*_crumbs(row.key), Crumb(action["label"])],
            question=f"{action['label']} {action['app']}?",
            consequence=action["confirmation"],
            action=entity_url(row.key, page="action"),
            fields={"action": action["id"], "confirmed": "yes", **known},
            confirm=action["label"],
            danger=action["destructive"],
            back=self._tab_url(call, row, action),
            tries={"action": tries["id"], **known} if tries and tries["available"] else {},
            tries_label=tries["label"] if tries else "",
        )

    def _tab_url(self, call: Call, row: Row, action: Action) -> str:
        tabs = self._plugins.tabs(row.entity)
        its = (tab["id"] for tab in tabs if tab["plugin"] == action["plugin"])
        return entity_url(row.key, next(its, ""), view=_view(call))

    def _row(self, call: Call) -> Row:
        key = entity_key(call)
        row = self._catalogue.rows().get(key)
        if row is None:
            raise Missing(not_found(key))
        return row


def read_document(text: str) -> Any:
    """
    Read what somebody typed, YAML or JSON.

    Raises:
        Invalid: It is neither, or has values that JSON does not know.
    """
    try:
        value = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader, see below
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Invalid(f"this is not valid YAML{where}") from None
    return parse_json(_as_json(value))


def run(action: Action, sent: str = "") -> Outcome:
    """
    Do it. An action promises not to raise; one that does has failed.

    Args:
        action: What.

        sent: Id of the form, for a plugin that can tell by it whether it was done before.
    """
    try:
        if sent and "runOnce" in action:
            return action["runOnce"](sent)
        return action["run"]()
    except Exception as error:  # noqa: BLE001 - the user must get an answer
        message = f"{action['label']} failed: {type(error).__name__}"
        return Outcome(ok=False, message=message, status=500, body={"error": message})


@attrs.frozen
class _Told:
    """Where the browser goes afterwards, and what it is told there."""

    location: str
    message: str
    ok: bool


class _PlainLoader(yaml.SafeLoader):
    """Leaves dates as the text that they are, and refuses aliases, which can grow without end."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise Invalid("YAML aliases are not supported")
        return super().compose_node(parent, index)


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        raise Invalid("the document has values that JSON does not know") from None


def _check(action: Action, call: Call) -> None:
    role = call.principal.role
    if ROLES.index(role) < ROLES.index(action["role"]):
        needed = action["role"]
        raise Denied(
            f"{action['label']} needs the role {needed}, you are {role}", role=role, required=needed
        )
    if not action["available"]:
        raise Unavailable(f"{action['label']} is not possible: {action['reason']}")


def _view(call: Call) -> str:
    """Give what the tab showed when somebody pressed the button, so that it shows it again."""
    try:
        return view_of(parse_qsl(call.form.get(VIEW_FIELD, ""), max_num_fields=100))
    except ValueError:
        return ""


def _has_to_ask(action: Action, call: Call) -> bool:
    """
    Say whether the action has yet to be confirmed: the first post of a form only asks.

    Raises:
        Unavailable: The answer was no.
    """
    if action["confirmation"] is None:
        return False
    answer = call.form.get("confirmed")
    if answer not in (None, "yes"):
        raise Unavailable(f"{action['label']} has not been confirmed")
    return answer is None


def _crumbs(key: Key) -> list[Crumb]:
    return [
        Crumb("Catalog", "/catalog"),
        Crumb(key.kind, f"/catalog/{segment(key.kind)}"),
        Crumb(key.name, entity_url(key)),
    ]
