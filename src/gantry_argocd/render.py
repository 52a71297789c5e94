"""Turns views into HTML. No network, no clock, no decisions: ``view`` has made them all."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

import jinja2

from .hookspecs import Asset, Fragment
from .view import PanelView, SidebarView, exhibits

_PACKAGE = "gantry_argocd"
_NO_VERSION = 'data-argo-version=""'
_VERSION = re.compile(r'data-argo-version="([0-9a-f]+)"')
_TIMES = re.compile(r"(<time [^>]*>)[^<]*")
_HIDDEN = re.compile(r'<input type="hidden" [^>]*>')
_OFTEN = (("icon", "_icon.html"), ("badge", "_badge.html"), ("nothing", "_nothing.html"))
_KEPT = 2048
"""Drawings of icons and badges that are kept: a table has hundreds, and few different ones."""
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


class Renderer:
    """
    Draws views with the package's own templates.

    Thread-safe: everything is compiled when it is made, and nothing changes afterwards.

    Args:
        templates: Folders of a host that has templates of its own; the first that has one wins.
            There the package's own are called ``own/gantry_argocd/…``.
    """

    def __init__(self, templates: Sequence[Path] = ()) -> None:
        own = jinja2.PackageLoader(_PACKAGE, "templates")
        hosts = [jinja2.FileSystemLoader(folder) for folder in templates]
        self._environment = jinja2.Environment(
            loader=jinja2.ChoiceLoader([*hosts, own, jinja2.PrefixLoader({"own": own})]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        for name, file in _OFTEN:
            macro = getattr(self._template(file).module, name)
            self._environment.globals[name] = lru_cache(_KEPT)(macro)
        self._panel = self._template("panel.html")
        self._sidebar = self._template("sidebar.html")
        self._gallery = self._template("gallery.html")
        self._assets = _read_assets()

    def panel(self, view: PanelView) -> str:
        """Draw the tab; it holds its own version."""
        html = self._panel.render(view=view)
        return html.replace(_NO_VERSION, f'data-argo-version="{_version(html)}"', 1)

    def sidebar(self, view: SidebarView) -> str:
        """Draw the inside of the card on the Overview tab; frame and heading are the host's."""
        return self._sidebar.render(view=view)

    def gallery(self, items: Iterable[tuple[str, PanelView | SidebarView]]) -> str:
        """Draw all of *items* one below the other, each under its title."""
        shown = exhibits(items)
        return self._gallery.render(
            panels=[one for one in shown if one.panel], cards=[one for one in shown if one.card]
        )

    def fragment(self, plugin: str, html: str) -> Fragment:
        """Give *html* with what it needs, for a page of the host."""
        drawn = _VERSION.search(html)
        return {
            "plugin": plugin,
            "title": "ArgoCD",
            "html": html,
            "stylesheets": [name for name in self._assets if name.endswith(".css")],
            "scripts": [name for name in self._assets if name.endswith(".js")],
            "version": drawn[1] if drawn else _version(html),
        }

    def assets(self) -> Mapping[str, Asset]:
        """Give the static files by name."""
        return self._assets

    def _template(self, name: str) -> jinja2.Template:
        return self._environment.get_template(f"{_PACKAGE}/{name}")


def _version(html: str) -> str:
    """
    Tell one drawing from another.

    How long ago something was is no difference, nor are hidden fields: a host may make some anew
    for every drawing.
    """
    same = _HIDDEN.sub("", _TIMES.sub(r"\1", html))
    return hashlib.sha256(same.encode(errors="replace")).hexdigest()[:24]


def _read_assets() -> Mapping[str, Asset]:
    folder = resources.files(_PACKAGE) / "static" / _PACKAGE
    found: dict[str, Asset] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_file():
            suffix = "." + entry.name.rpartition(".")[2]
            kind = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
            found[entry.name] = Asset(type=kind, content=entry.read_bytes())
    return found
