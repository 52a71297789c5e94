"""Pages: the catalogue, and one entity with its tabs."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import attrs
from starlette.responses import Response

from gantry_argocd.hookspecs import Fragment, PageContext, Tab
from gantry_argocd.refhost import finding, kinds
from gantry_argocd.refhost.api_entities import entity_key
from gantry_argocd.refhost.catalogue import Catalogue
from gantry_argocd.refhost.documents import Key
from gantry_argocd.refhost.draft import Row
from gantry_argocd.refhost.foreign import not_found
from gantry_argocd.refhost.once import REQUEST_FIELD
from gantry_argocd.refhost.pages import (
    CSRF_FIELD,
    VIEW_FIELD,
    Crumb,
    Pages,
    asset_urls,
    entity_url,
    segment,
    view_of,
)
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import Missing
from gantry_argocd.refhost.trail import Trail
from gantry_argocd.refhost.views import (
    HIDDEN_PREFIXES,
    entity_view,
    line_of,
    matches,
    safe_yaml,
)
from gantry_argocd.refhost.web import Call, Endpoint

PAGE = 100
_HIGHEST_PAGE = 100_000
_ACTIVITY = 50
_BEFORE = (("overview", "Overview"),)
_AFTER = (("dependencies", "Dependencies"), ("yaml", "Yaml"), ("activity", "Activity"))


@attrs.frozen
class TabLink:
    """A tab as the bar shows it."""

    id: str
    title: str
    url: str
    current: bool


class CataloguePages:
    """``/``, ``/catalog`` and below."""

    def __init__(self, pages: Pages, catalogue: Catalogue, plugins: Plugins, trail: Trail) -> None:
        self._pages = pages
        self._catalogue = catalogue
        self._plugins = plugins
        self._trail = trail

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        return [
            Endpoint("GET", "/", self._home),
            Endpoint("GET", "/catalog", self._all),
            Endpoint("GET", "/catalog/{kind}", self._kind),
            Endpoint("GET", "/catalog/{kind}/{name}", self._entity),
            Endpoint("GET", "/catalog/{kind}/{name}/fragment", self._fragment),
        ]

    # --- lists ---

    def _home(self, call: Call) -> Response:
        kind = kinds.canonical_kind(call.query("kind", "Service"))
        return self._list(call, "" if kind == "all" else kind, here="home")

    def _all(self, call: Call) -> Response:
        kind = kinds.canonical_kind(call.query("kind", "all"))
        return self._list(call, "" if kind == "all" else kind, here="catalog")

    def _kind(self, call: Call) -> Response:
        kind = kinds.canonical_kind(call.params["kind"])
        return self._list(call, kind, here=f"kind:{kind}", fixed=True)

    def _list(self, call: Call, kind: str, *, here: str, fixed: bool = False) -> Response:
        text = call.query("q").strip()
        rows = self._catalogue.rows().values()
        found = [row for row in rows if kind in ("", row.key.kind) and matches(row, text)]
        page = max(1, call.number("page", 1, _HIGHEST_PAGE))
        lines = [line_of(row) for row in found[(page - 1) * PAGE : page * PAGE]]
        crumbs = [Crumb("Catalog", "/catalog"), *([Crumb(kind)] if kind else [])]
        query = {"q": text, **({} if fixed else {"kind": kind or "all"})}
        return self._pages.render(
            call,
            "catalogue.html",
            title=f"{kind} catalog" if kind else "Catalog",
            here=here,
            crumbs=crumbs,
            lines=lines,
            total=len(found),
            kind=kind,
            fixed=fixed,
            text=text,
            pages=_pager(query, page, len(found)),
        )

    # --- one entity ---

    def _entity(self, call: Call) -> Response:
        key = entity_key(call)
        rows = self._catalogue.rows()
        row = rows.get(key)
        if row is None:
            raise Missing(not_found(key))
        tabs = self._plugins.tabs(row.entity)
        wanted = call.query("tab", "overview")
        known = {*(id_ for id_, _ in (*_BEFORE, *_AFTER)), *(tab["id"] for tab in tabs)}
        missing = wanted if wanted not in known else ""
        current = "overview" if missing else wanted
        content = self._tab(call, current, row, rows, tabs)
        fragments: Sequence[Fragment] = content.pop("fragments", ())
        return self._pages.render(
            call,
            "entity.html",
            title=key.name,
            here=f"kind:{key.kind}",
            crumbs=[
                Crumb("Catalog", "/catalog"),
                Crumb(key.kind, f"/catalog/{segment(key.kind)}"),
                Crumb(key.name),
            ],
            view=entity_view(row, HIDDEN_PREFIXES),
            tabs=list(_tab_links(key, tabs, current)),
            tab=current,
            missing=missing,
            stylesheets=asset_urls(fragments, "stylesheets"),
            scripts=asset_urls(fragments, "scripts"),
            fragments=fragments,
            **content,
        )

    def _tab(
        self,
        call: Call,
        tab: str,
        row: Row,
        rows: Mapping[Key, Row],
        tabs: Sequence[Tab],
    ) -> dict[str, Any]:
        user = call.principal.user
        if tab == "overview":
            page = self._context(call, row.key, "")
            return {"fragments": self._plugins.sidebars(row.entity, user, page)}
        if tab == "dependencies":
            return _dependencies(row, rows)
        if tab == "yaml":
            return {"yaml": safe_yaml(row.entity)}
        if tab == "activity":
            return {"records": self._trail.newest(limit=_ACTIVITY, resource=row.key.ref)}
        panel = self._panel(call, row, next(known for known in tabs if known["id"] == tab))
        return {"fragments": [panel] if panel else []}

    def _panel(self, call: Call, row: Row, tab: Tab) -> Fragment | None:
        page = self._context(call, row.key, tab["id"])
        return self._plugins.panel(tab, row.entity, call.principal.user, page)

    def _fragment(self, call: Call) -> Response:
        """Answer a plugin's tab without the page around it; nothing when it is the same still."""
        key = entity_key(call)
        row = self._catalogue.rows().get(key)
        if row is None:
            raise Missing(not_found(key))
        wanted = call.query("tab")
        tab = next((tab for tab in self._plugins.tabs(row.entity) if tab["id"] == wanted), None)
        panel = self._panel(call, row, tab) if tab else None
        if panel is None:
            raise Missing("this tab cannot be shown now")
        tag = f'"{segment(panel.get("version", ""))}"'
        if panel.get("version") and call.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(panel["html"], media_type="text/html", headers={"ETag": tag})

    def _context(self, call: Call, key: Key, tab: str) -> PageContext:
        return PageContext(
            url=entity_url(key, tab),
            actionUrl=entity_url(key, page="action"),
            hidden={
                CSRF_FIELD: self._pages.form_token(call),
                REQUEST_FIELD: secrets.token_urlsafe(16),
                VIEW_FIELD: view_of(call.request.query_params.multi_items()),
            },
            params=dict(call.request.query_params),
            fragmentUrl=entity_url(key, tab, page="fragment"),
            confirmed={"confirmed": "yes"},
        )


def _tab_links(key: Key, tabs: Sequence[Tab], current: str) -> Iterable[TabLink]:
    theirs = ((tab["id"], tab["title"]) for tab in tabs)
    for id_, title in (*_BEFORE, *theirs, *_AFTER):
        url = entity_url(key, "" if id_ == "overview" else id_)
        yield TabLink(id_, title, url, id_ == current)


def _dependencies(row: Row, rows: Mapping[Key, Row]) -> dict[str, Any]:
    return {
        "outgoing": [
            (rel.word, rel.target, rel.target in rows) for rel in finding.relations_of(row)
        ],
        "incoming": [(rel.word, rel.source) for rel in finding.incoming(rows.values(), row.key)],
    }


def _pager(query: Mapping[str, str], page: int, total: int) -> dict[str, Any]:
    last = max(1, -(-total // PAGE))

    def url(number: int) -> str:
        return "?" + urlencode({**query, "page": number})

    return {
        "page": page,
        "last": last,
        "before": url(page - 1) if page > 1 else "",
        "after": url(page + 1) if page < last else "",
    }
