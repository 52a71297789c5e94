"""What tenants write into an Application, in a real browser: nothing runs, breaks out or leaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from whole import Portal

pytestmark = pytest.mark.browser

Window = Callable[..., "Page"]
SECRET = "hunter2-of-the-tenant"
NASTY = (
    "<script>window.owned = 1</script><img src=x onerror='window.owned = 2'>"
    "\"' onmouseover=window.owned=3 \u202egnp.exe\u202c \x1b[31m\x00 😀👩‍👩‍👧‍👦 "
    f"https://tenant:{SECRET}@git.example.com/x {{{{ 7 * 7 }}}} </details></article></section> "
)
# With what cannot be shown in these fields the whole application is refused when it is read.
PLAIN = "".join(char for char in NASTY if char.isprintable())
LONG = NASTY + "x" * 10_000 + "\n" + "line\n" * 400
URLS = (
    "javascript:window.owned=4",
    "Title|javascript:window.owned=5",
    "JaVaScRiPt:window.owned=6",
    " javascript:window.owned=7",
    "data:text/html,<script>window.owned=8</script>",
    "vbscript:window.owned=9",
    f"https://tenant:{SECRET}@example.com/",
    f"{NASTY}|https://example.com/fine",
    "https://example.com/\u202egnp.exe",
    "//example.com/",
    "https:///nowhere",
)


@pytest.fixture
def infected(portal: Portal) -> Iterator[str]:
    """An application in which every text that a tenant can write is an attack; its tab."""
    fleet = portal.argocd.fleet
    before = fleet.get("payment-api")
    assert before is not None
    evil: Any = fleet.get("payment-api")
    spec, status = evil["spec"], evil["status"]
    spec["source"] |= {"path": LONG, "targetRevision": NASTY, "repoURL": f"https://u:{SECRET}@x/y"}
    spec["destination"]["namespace"] = PLAIN
    spec["syncPolicy"] = {"syncOptions": [NASTY] * 3}
    evil["metadata"]["annotations"] = {"link.argocd.argoproj.io/x": "javascript:window.owned=10"}
    status["summary"] = {"externalURLs": list(URLS), "images": [LONG, NASTY]}
    status["conditions"] = [
        {"type": NASTY, "message": LONG},
        {"type": "SyncError", "message": LONG},
    ]
    status["health"] = {"status": PLAIN, "message": LONG}
    status["resources"] = [
        {
            "group": NASTY, "version": "v1", "kind": NASTY, "namespace": NASTY, "name": LONG,
            "status": NASTY, "health": {"status": NASTY, "message": LONG},
        },
        {"version": "v1", "kind": "Deployment", "namespace": "a", "name": "javascript:alert(1)"},
    ]  # fmt: skip
    status["operationState"] = {
        "phase": "Failed", "message": LONG, "startedAt": "2026-11-24T10:00:00Z",
        "finishedAt": "2026-11-24T10:00:01Z",
        "operation": {"initiatedBy": {"username": NASTY}, "info": [{"name": "x", "value": NASTY}]},
        "syncResult": {
            "revision": NASTY,
            "resources": [
                {"kind": NASTY, "name": NASTY, "status": "SyncFailed", "message": LONG},
            ],
        },
    }  # fmt: skip
    for entry in status["history"]:
        entry |= {"initiatedBy": {"username": NASTY}}
    fleet.replace(evil)
    yield "/catalog/Service/payment-api?tab=argocd"
    fleet.replace(before)


def test_nothing_runs_breaks_out_or_leaks(window: Window, infected: str) -> None:
    """The tab shows the attacks as text: nothing runs, leads astray or is told."""
    page = window()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    page.goto(infected)
    card = page.locator('[data-argo-app="production:payment-api"]')
    for more in card.locator("details.argo-more > summary").all():
        more.click()
    for target in card.locator("a, summary, .argo-badge, td, th, dd").all()[:60]:
        target.hover(force=True)

    assert page.evaluate("window.owned") is None
    html = page.content()
    at = html.find(SECRET)
    assert at < 0, html[max(0, at - 300) : at + 100]
    assert "<script>window.owned" in card.inner_text()
    schemes = page.evaluate(
        "[...new Set([...document.querySelectorAll('a')].map((link) => link.protocol))]"
    )
    assert set(schemes) <= {"http:", "https:"}
    users = page.evaluate("[...document.querySelectorAll('a')].filter((a) => a.username).length")
    assert users == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_breaks_the_layout(window: Window, infected: str, width: int) -> None:
    """However long or odd the texts are, the page keeps its width and the cards their place."""
    page = window(width=width)
    page.goto(infected)

    over = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert over <= 0
    assert page.locator("main [data-argo-app]").count() == 11
    assert page.locator("[data-argo-app] [data-argo-app]").count() == 0
    assert "\u202e" not in page.content()


def test_an_update_brings_no_attack_either(window: Window, infected: str, portal: Portal) -> None:
    """What is fetched by the script and swapped in is text as well."""
    page = window()
    page.goto(infected)
    portal.argocd.fleet.set_status("payment-api", health=f"{PLAIN} again")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    health = page.locator('[data-argo-app="production:payment-api"] .argo-head .argo-badge').nth(1)
    eventually(health.inner_text, lambda text: "<script>" in text)

    page.get_by_role("button", name="Hard Sync payment-api on production", exact=True).click()
    dialog = page.get_by_role("dialog")
    assert "window.owned" in dialog.inner_text() or dialog.is_visible()
    assert page.evaluate("window.owned") is None


def test_the_address_of_the_page_is_no_way_in(window: Window, infected: str) -> None:
    """Parameters of the page's own address are text too."""
    page = window()
    evil = "%3Cscript%3Ewindow.owned%3D1%3C/script%3E%22%27%3E"
    page.goto(
        f"{infected}&argocd.q={evil}&argocd.kind={evil}&argocd.status={evil}&argocd.page=-9e9"
    )

    assert page.evaluate("window.owned") is None
    assert page.get_by_role("searchbox").first.input_value().startswith("<script>")
