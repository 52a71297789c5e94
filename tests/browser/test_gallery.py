"""Every state of the tab and the card, in a real browser: sound, readable, within its bounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gantry_argocd import view

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from whole import Portal

pytestmark = pytest.mark.browser

STATES = [view.slug(title) for title, _ in view.gallery(datetime(2026, 11, 24, tzinfo=UTC))]
Window = Callable[..., "Page"]


def complaints(axe: Any, page: Page, **options: Any) -> list[Any]:
    """Give what axe finds wrong, the size of targets included (WCAG 2.2)."""
    rules = {"target-size": {"enabled": True}}
    result = axe.run(page, options={"resultTypes": ["violations"], "rules": rules} | options)
    return [
        (fault["id"], [node["html"][:200] for node in fault["nodes"]])
        for fault in result.response["violations"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(window: Window, theme: str) -> None:
    """Who cannot see or point finds every state as usable as others do, in both themes."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = window("", color_scheme=theme)
    found = {}
    for state in STATES:
        page.goto(f"/gallery?state={state}")
        if faults := complaints(axe, page):
            found[state] = faults

    assert found == {}


def test_the_gallery_as_a_whole_is_in_order(window: Window) -> None:
    """All states on one page: each landmark, heading and id has a name of its own."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = window("")
    page.goto("/gallery")

    assert (
        complaints(axe, page, runOnly=["best-practice", "cat.parsing", "cat.name-role-value"]) == []
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_around(window: Window, theme: str) -> None:
    """Overview, tab and the question before an action are as usable, in the portal itself."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = window(color_scheme=theme)
    page.goto("/catalog/Service/payment-api")
    assert complaints(axe, page) == []
    page.goto("/catalog/Service/payment-api?tab=argocd")
    assert complaints(axe, page) == []
    page.get_by_role("button", name="Hard Sync payment-api-prod on production").click()
    assert complaints(axe, page) == []


@pytest.mark.parametrize("state", STATES)
def test_the_html_is_valid(portal: Portal, state: str) -> None:
    """Every state is a document without a single parse error."""
    html5lib = pytest.importorskip("html5lib")
    document = httpx.get(f"{portal.url}/gallery", params={"state": state}).text

    html5lib.HTMLParser(strict=True).parse(document)


@pytest.mark.parametrize("width", [320, 640, 1920])
def test_nothing_is_wider_than_the_window(window: Window, width: int) -> None:
    """No state makes the page scroll sideways, from a phone to a wall."""
    page = window("", width=width)
    wide = {}
    for state in STATES:
        page.goto(f"/gallery?state={state}")
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            wide[state] = over

    assert wide == {}


def test_text_at_twice_the_size_is_not_cut(window: Window) -> None:
    """At 200 % zoom no text of a button or badge leaves its box."""
    page = window("", width=640, device_scale_factor=2)
    page.goto("/gallery")
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.argo-button, .argo-badge, .argo-chip')]
            .filter((box) => box.offsetParent && box.scrollWidth > box.clientWidth + 1)
            .map((box) => box.outerHTML)"""
    )

    assert cut == []


def test_colours_that_a_reader_forces_keep_the_words(window: Window) -> None:
    """With forced colours badges keep an outline, and every status its word."""
    page = window("", forced_colors="active")
    page.goto("/gallery?state=out-of-sync-and-degraded")
    badge = page.locator(".argo-head .argo-badge", has_text="Degraded")

    assert badge.evaluate("badge => getComputedStyle(badge).borderTopStyle") == "solid"
    assert badge.inner_text().endswith("Degraded")


def test_nothing_moves_for_who_asked_for_less_motion(window: Window) -> None:
    """With reduced motion nothing spins or slides."""
    page = window("", reduced_motion="reduce")
    page.goto("/gallery?state=progressing-sync-running")

    assert page.evaluate("document.getAnimations().length") == 0


def test_paper_has_all_and_no_buttons(window: Window) -> None:
    """A printed page shows what is folded, and nothing that can only be pressed."""
    page = window("")
    page.goto("/gallery?state=several-applications-all-well")
    page.emulate_media(media="print")

    assert page.locator(".argo-actions").first.is_hidden()
    assert page.get_by_role("heading", name="Deployments").first.is_visible()
