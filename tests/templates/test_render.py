"""The templates draw every state, and nothing that a stranger wrote becomes markup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from html_check import Page
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gantry_argocd import errors, models, view
from gantry_argocd.refs import AppKey
from gantry_argocd.render import Renderer
from gantry_argocd.view import examples, situations

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
RENDERER = Renderer()
GALLERY = dict(view.gallery(NOW))

NASTY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            "\"'><img src=x onerror=alert(1)>",
            "' onmouseover='alert(1)",
            "javascript:alert(1)",
            "https://user:pw@example.com/",
            "https://example.com/\u202egnp.exe",
            "{{ 7 * 7 }}{% raw %}",
            "</details></article>",
            "\ud800\x00\x1b[31m",
            "x" * 12_000,
            "a\n" * 500,
        ]
    ),
)


def draw(shown: view.PanelView | view.SidebarView) -> str:
    """Give the HTML of any view."""
    if isinstance(shown, view.PanelView):
        return RENDERER.panel(shown)
    return RENDERER.sidebar(shown)


@pytest.mark.parametrize("title", GALLERY)
def test_every_state_is_drawn_without_fault(title: str) -> None:
    """Every state of the gallery is sound HTML: tags, ids, links and labels fit."""
    assert Page(draw(GALLERY[title])).faults == []


def test_the_whole_gallery_is_one_page() -> None:
    """All states stand on one page without sharing an id."""
    page = Page(RENDERER.gallery(GALLERY.items()))

    assert page.faults == []
    assert all(title in page.text for title in GALLERY)


def _hostile(data: st.DataObject, value: object) -> object:
    """Replace every text in a model by a hostile one."""
    if isinstance(value, str):
        return data.draw(NASTY)
    if isinstance(value, AppKey):
        return AppKey(*(data.draw(NASTY) for _ in range(3)))
    if isinstance(value, tuple):
        return tuple(_hostile(data, one) for one in value)
    if attrs.has(type(value)):
        names = [field.name for field in attrs.fields(type(value))]
        return attrs.evolve(value, **{n: _hostile(data, getattr(value, n)) for n in names})
    return value


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    make=st.sampled_from([situations.degraded, situations.failed, situations.two_sources]),
    params=st.dictionaries(
        st.sampled_from(["argocd.q", "argocd.page", "argocd.app", "argocd.show", "tab"]), NASTY
    ),
)
def test_hostile_text_stays_text(
    data: st.DataObject,
    make: Callable[[datetime], view.AppState],
    params: dict[str, str],
) -> None:
    """Whatever a tenant writes into any field is shown as text and leads nowhere unsafe."""
    known = make(NOW)
    hostile = _hostile(data, known.application)
    assert isinstance(hostile, models.Application)
    ref, text = data.draw(NASTY), data.draw(NASTY)
    state = view.AppState(
        ref=ref,
        key=hostile.key,
        application=hostile,
        error=errors.Unreachable(text) if data.draw(st.booleans()) else None,
        sync=text,
        health=text,
        stale_since=NOW,
        argocd_url="https://argocd.example.com",
    )
    context = examples.page()
    context["params"] = params
    context["hidden"] = {"csrf": text}
    shown = view.panel(
        [state, known], examples.actions_for(ref, text), context, NOW, [text, "other"]
    )

    html = RENDERER.panel(shown)

    assert Page(html).faults == []
    html.encode()  # a lone surrogate would break the answer


ANNOTATION_VALUES = st.one_of(
    NASTY, st.none(), st.integers(), st.lists(NASTY, max_size=2), st.just("a=b/c,,=,x=/,y=%zz/%2F")
)
ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            f"argocd.io/{key}"
            for key in (
                *("appName", "appNames", "syncStatus", "healthStatus", "project", "apps"),
                "staleSince",
            )
        ]
    ),
    ANNOTATION_VALUES,
)


@settings(max_examples=200, deadline=None)
@given(ANNOTATIONS)
def test_the_card_takes_any_annotation(annotations: dict[str, object]) -> None:
    """Whatever somebody writes into the annotations, the card is drawn or left out."""
    shown = view.sidebar(annotations, NOW)

    if shown is not None:
        html = RENDERER.sidebar(shown)
        assert Page(html).faults == []
        html.encode()


def test_a_disabled_button_says_why() -> None:
    """A button that cannot be pressed points to a visible text with the reason."""
    html = draw(GALLERY["Buttons that are not allowed"])
    page = Page(html)
    disabled = [button for button in page.all("button") if "disabled" in button]

    assert [b["aria-label"] for b in disabled] == [
        "Sync payment-api",
        "Hard Sync payment-api",
        "Dry Run payment-api",
    ]
    assert all(button["aria-describedby"] for button in disabled)
    assert "Sync, Hard Sync and Dry Run: Your role viewer may not do this" in page.text


def test_an_action_is_a_plain_form() -> None:
    """A button works without JavaScript: it posts its action, its application and the token."""
    page = Page(draw(GALLERY["Synced and healthy"]))
    hidden = [
        (field["name"], field["value"]) for field in page.all("input") if field["type"] == "hidden"
    ]

    assert hidden[:3] == [
        ("csrf", "example"),
        ("action", "argocd:sync"),
        ("app", "production:payment-api"),
    ]


def test_the_version_tells_what_is_seen() -> None:
    """News is what somebody would see: neither a minute that passed nor a hidden field is."""

    def version(at: datetime, token: str = "", **changes: object) -> str:
        state = examples.state(examples.example(NOW, **changes))
        page = examples.page()
        page["hidden"] = {"csrf": token}
        html = RENDERER.panel(view.panel([state], examples.actions_for(state.ref), page, at))
        return RENDERER.fragment("argocd", html)["version"]

    assert version(NOW) == version(NOW + timedelta(minutes=3)) == version(NOW, "b")
    assert version(NOW) != version(NOW, health="Degraded")


def test_the_assets_are_complete() -> None:
    """A host that serves what ``assets`` names has all that the panel needs."""
    assets = RENDERER.assets()

    assert set(assets) == {"argocd.css", "argocd.js"}
    assert assets["argocd.css"]["type"].startswith("text/css")
    assert b"innerHTML" not in assets["argocd.js"]["content"]


def test_five_thousand_resources_are_one_page() -> None:
    """An application with thousands of resources is drawn as one page of them."""
    many = tuple(
        models.Resource(kind="Pod", namespace="pay", name=f"web-{n}", sync="Synced")
        for n in range(5000)
    )
    state = examples.state(examples.example(NOW, resources=many))

    page = Page(RENDERER.panel(view.panel([state], [], examples.page(), NOW)))

    assert "1–50 of 5,000" in page.text
    assert page.text.count("web-") == 50
