"""A real browser and a running portal. Skipped, with the reason, where one of them is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from whole import Portal

MISSING = "needs Debian's chromium and the extra 'browser' (playwright, axe)"


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """A portal as the demo runs it."""
    from portal import running_portal

    with running_portal() as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    sync_api = pytest.importorskip("playwright.sync_api", reason=MISSING)
    from portal import CHROMIUM, FLAGS

    if not CHROMIUM.exists():
        pytest.skip(MISSING)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser, portal: Portal) -> Iterator[Callable[..., Page]]:
    """Open windows; what goes wrong in any of them fails the test."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_one(user: str = "developer", *, width: int = 1280, **options: Any) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, base_url=portal.url, **options
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda note: _note(note, faults))
        page.on("request", lambda request: _stays(request.url, portal.url, faults))
        if user:
            page.goto("/login")
            page.fill("[name=username]", user)
            page.fill("[name=password]", "demo")
            page.press("[name=password]", "Enter")
            page.wait_for_url("**/")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert faults == []


def _note(note: Any, faults: list[str]) -> None:
    """Take down what the browser complains of; a refused policy is a complaint too."""
    expected = "Failed to load resource" in note.text  # an answer that a test asked for
    if note.type in {"error", "warning"} and not expected:
        faults.append(note.text)


def _stays(url: str, home: str, faults: list[str]) -> None:
    if not url.startswith((home, "data:", "about:")):
        faults.append(f"left the portal: {url}")
