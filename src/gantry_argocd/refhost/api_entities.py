"""REST: entities, search, graph, schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from gantry_argocd.hookspecs import Entity
from gantry_argocd.refhost import finding, kinds
from gantry_argocd.refhost.catalogue import Catalogue
from gantry_argocd.refhost.documents import (
    DEFAULT_NAMESPACE,
    HOST_FIELDS,
    Key,
    check_base,
    check_shape,
    check_spec,
    key_of,
)
from gantry_argocd.refhost.foreign import ForeignWrite, Hooks, not_found
from gantry_argocd.refhost.problems import Invalid, Missing
from gantry_argocd.refhost.trail import Actor
from gantry_argocd.refhost.web import Call, Endpoint, json_response, no_content


class EntitiesApi:
    """
    The routes of the catalogue.

    The pages use :meth:`create`, :meth:`replace` and :meth:`delete` as well.
    """

    def __init__(self, catalogue: Catalogue, hooks: Hooks) -> None:
        self._catalogue = catalogue
        self._hooks = hooks

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        base = "/api/v1/entities"
        one = f"{base}/{{kind}}/{{name}}"
        return [
            Endpoint("GET", base, self._list),
            Endpoint("POST", base, self._post, "developer"),
            Endpoint("GET", f"{base}/{{kind}}", self._list),
            Endpoint("GET", one, self._get),
            Endpoint("PUT", one, self._put, "developer"),
            Endpoint("DELETE", one, self._delete, "developer"),
            Endpoint("GET", f"{one}/documentation", self._documentation),
            Endpoint("GET", f"{one}/panels", self._panels),
            Endpoint("GET", "/api/v1/search", self._search),
            Endpoint("GET", "/api/v1/graph/{kind}/{name}", self._graph),
            Endpoint("GET", "/api/v1/schemas", self._schemas),
            Endpoint("GET", "/api/v1/schemas/{kind}", self._schema),
        ]

    # --- what pages do as well ---

    def create(self, body: Any, actor: Actor) -> Entity:
        """
        Make an entity that a person wrote.

        Raises:
            Invalid: It is not a valid one.

            Clash: There is one.
        """
        entity = _checked(body, {})
        stored = self._catalogue.write(
            [ForeignWrite("create", key_of(entity), entity)], self._hooks, actor
        )
        return stored[0] or entity

    def replace(self, key: Key, body: Any, actor: Actor) -> Entity:
        """
        Replace, and perhaps rename, an entity.

        Raises:
            Missing: There is none.
        """
        if self._catalogue.get(key) is None:
            raise Missing(not_found(key))
        entity = _checked(body, {"name": key.name, "namespace": key.namespace}, key.kind)
        stored = self._catalogue.write([ForeignWrite("replace", key, entity)], self._hooks, actor)
        return stored[0] or entity

    def delete(self, key: Key, actor: Actor) -> None:
        """
        Delete an entity.

        Raises:
            Missing: There is none.
        """
        self._catalogue.write([ForeignWrite("delete", key)], self._hooks, actor)

    # --- routes ---

    def _list(self, call: Call) -> Response:
        kind = call.params.get("kind")
        filters = {name: call.query(name) for name in ("namespace", "owner", "tag")}
        wanted = kinds.canonical_kind(kind) if kind is not None else None
        return json_response(self._catalogue.entities(wanted, **filters))

    def _get(self, call: Call) -> Response:
        key = entity_key(call)
        entity = self._catalogue.get(key)
        if entity is None:
            raise Missing(not_found(key))
        return json_response(entity)

    def _post(self, call: Call) -> Response:
        return json_response(self.create(call.json(), call.acting("api")), 201)

    def _put(self, call: Call) -> Response:
        return json_response(self.replace(entity_key(call), call.json(), call.acting("api")))

    def _delete(self, call: Call) -> Response:
        self.delete(entity_key(call), call.acting("api"))
        return no_content()

    def _documentation(self, call: Call) -> Response:
        key = entity_key(call)
        if self._catalogue.get(key) is None:
            raise Missing(not_found(key))
        pages = self._catalogue.entities("Documentation")
        return json_response(finding.documentation_of(pages, key))

    def _panels(self, call: Call) -> Response:
        key = entity_key(call)
        if self._catalogue.get(key) is None:
            raise Missing(not_found(key))
        return json_response({})

    def _search(self, call: Call) -> Response:
        return json_response(finding.search(self._catalogue.rows().values(), call.query("q")))

    def _graph(self, call: Call) -> Response:
        key, rows = entity_key(call), self._catalogue.rows()
        if key not in rows:
            raise Missing(not_found(key))
        return json_response(finding.graph(rows, key))

    def _schemas(self, _call: Call) -> Response:
        return json_response(kinds.schemas())

    def _schema(self, call: Call) -> Response:
        schema = kinds.schemas().get(kinds.canonical_kind(call.params["kind"]))
        if schema is None:
            raise Missing(f'no schema for kind "{call.params["kind"]}"')
        return json_response(schema)


def entity_key(call: Call) -> Key:
    """Read which entity the path and ``?namespace=`` name. Kinds in whatever case."""
    kind = kinds.canonical_kind(call.params["kind"])
    return Key(kind, call.query("namespace") or DEFAULT_NAMESPACE, call.params["name"])


def _checked(body: Any, place: Mapping[str, str], kind: str | None = None) -> dict[str, Any]:
    """Check what a person wrote; *place* and *kind* are what the URL says."""
    check_shape(body)
    entity = dict(body)
    entity["kind"] = kind or kinds.canonical_kind((body.get("kind") or "").strip())
    metadata = {k: v for k, v in (body.get("metadata") or {}).items() if k not in HOST_FIELDS}
    entity["metadata"] = {**metadata, **{k: v for k, v in place.items() if not metadata.get(k)}}
    check_base(entity)
    spec = entity.get("spec") or {}
    if not isinstance(spec, Mapping):  # pragma: no cover - the shape has been checked
        raise Invalid("invalid request body: spec must be an object")
    check_spec(entity["kind"], spec)
    if not entity["metadata"].get("namespace"):
        entity["metadata"]["namespace"] = DEFAULT_NAMESPACE
    return {**entity, "apiVersion": entity.get("apiVersion") or "gantry.io/v1"}
