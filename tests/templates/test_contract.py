"""The view classes and what the templates use are the same, seen from both sides."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from jinja2 import nodes

import gantry_argocd
from gantry_argocd import view
from gantry_argocd.render import Renderer

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
FOLDER = Path(gantry_argocd.__file__).parent / "templates" / "gantry_argocd"
TEMPLATES = sorted(path.name for path in FOLDER.iterdir())
CLASSES = [
    shown
    for name in view.__all__
    if isinstance(shown := getattr(view, name), type) and shown is not view.AppState
]
JINJA_OWN = {"first"}
"""What templates read of Jinja itself (``loop.first``)."""


def test_templates_use_every_attribute() -> None:
    """Whatever a view class offers is shown by some template in some state of the gallery."""
    renderer, used = Renderer(), set()
    environment = renderer._environment
    read = environment.getattr

    def watch(owner: object, name: str) -> object:
        used.add((type(owner), name))
        return read(owner, name)

    environment.getattr = watch  # type: ignore[method-assign]
    renderer.gallery(view.gallery(NOW))
    offered = {(shown, field.name) for shown in CLASSES for field in attrs.fields(shown)}

    assert offered - used == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_views_offer_whatever_templates_use(name: str) -> None:
    """Whatever a template reads is an attribute of a view class, also in branches seldom taken."""
    tree = Renderer()._environment.parse((FOLDER / name).read_text())
    read = {node.attr for node in tree.find_all(nodes.Getattr)}
    offered = {field.name for shown in CLASSES for field in attrs.fields(shown)}

    assert read - offered <= JINJA_OWN


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_compute_nothing(name: str) -> None:
    """A template prints, tests and repeats; no arithmetic, comparison, clock or method call."""
    tree = Renderer()._environment.parse((FOLDER / name).read_text())
    filters = {node.name for node in tree.find_all(nodes.Filter)}
    calls = [node for node in tree.find_all(nodes.Call) if not isinstance(node.node, nodes.Name)]

    assert list(tree.find_all((nodes.BinExpr, nodes.Compare))) == []
    assert calls == []
    assert filters <= ({"safe"} if name == "_icon.html" else set())


@pytest.mark.parametrize("shown", CLASSES, ids=lambda shown: shown.__name__)
def test_view_classes_are_documented(shown: type) -> None:
    """Every attribute of a view class is explained where the class is."""
    text = shown.__doc__ or ""

    assert [f.name for f in attrs.fields(shown) if f"        {f.name}: " not in text] == []
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(object.__new__(shown), attrs.fields(shown)[0].name, None)


def test_blocks_of_hosts_are_documented() -> None:
    """Every block that a host may override is in the documents, and no other is."""
    text = (Path(__file__).parents[2] / "docs" / "templates.md").read_text("utf-8")
    written = set(re.findall(r"^\| `([\w.]+)` \| `(\w+)` \|", text, re.MULTILINE))
    there = {
        (name, block.name)
        for name in TEMPLATES
        for block in Renderer()
        ._environment.parse((FOLDER / name).read_text())
        .find_all(nodes.Block)
    }

    assert written == there


def test_a_host_puts_its_own_words_around_ours(tmp_path: Path) -> None:
    """A host's template replaces a block and keeps the rest, also around each application."""
    folder = tmp_path / "gantry_argocd"
    folder.mkdir()
    (folder / "panel.html").write_text(
        '{% extends "own/gantry_argocd/panel.html" %}'
        "{% block before %}<p>No deployments on Fridays.</p>{% endblock %}"
        "{% block card %}{{ super() }}<p>{{ card.name }} is ours.</p>{% endblock %}"
    )
    shown = dict(view.gallery(NOW))["Several applications"]
    assert isinstance(shown, view.PanelView)

    html = Renderer([tmp_path]).panel(shown)

    assert html.count("No deployments on Fridays.") == 1
    assert html.count("payment-api is ours.") == 3
    assert "argo-answer" in html


def test_every_glyph_is_drawn_and_used() -> None:
    """A view never names a glyph that is not there, and none is drawn for nobody."""
    renderer = Renderer()
    module = renderer._environment.get_template("gantry_argocd/_icon.html").module
    html = renderer.gallery(view.gallery(NOW))

    assert [name for name in module.paths if f"argo-icon--{name}" not in html] == []
