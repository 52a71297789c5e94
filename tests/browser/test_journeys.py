"""What people do with the tab, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from gantry_argocd.simulator.drafts import resource
from waiting import eventually

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from whole import Portal

pytestmark = pytest.mark.browser

PAY = "/catalog/Service/payment-api"
TAB = f"{PAY}?tab=argocd"
Window = Callable[..., "Page"]


@pytest.fixture(autouse=True)
def as_it_was(portal: Portal) -> Iterator[None]:
    """Give each test the fleet as it was in the beginning."""
    fleets = [simulator.fleet for simulator in (portal.argocd, portal.staging)]
    before = [list(fleet) for fleet in fleets]
    yield
    for fleet, apps in zip(fleets, before, strict=True):
        for app in apps:
            fleet.replace(app)


def card(page: Page, name: str, instance: str = "production") -> Locator:
    """Find the card of an application."""
    return page.locator(f'[data-argo-app="{instance}:{name}"]')


def many_resources(portal: Portal, name: str = "payment-api") -> None:
    """Let an application manage 130 objects, one of them sick."""
    pods = [resource("ConfigMap", f"settings-{n:03}", "payments") for n in range(128)]
    sick = resource(
        "Deployment", "sick", "payments", health="Degraded", message="x: ImagePullBackOff"
    )
    hook = resource("Job", "migrate", "payments", hook=True, requiresPruning=True)
    portal.argocd.fleet.set_status(name, merge={"resources": [*pods, hook, sick]})


def test_signing_in_leads_to_the_catalogue(window: Window) -> None:
    """A wrong password is said, the right one opens the catalogue with the services."""
    page = window("")
    page.goto("/login")
    page.fill("[name=username]", "developer")
    page.fill("[name=password]", "wrong")
    page.press("[name=password]", "Enter")
    assert "invalid" in page.locator("main, body").first.inner_text().lower()
    page.fill("[name=username]", "developer")
    page.fill("[name=password]", "demo")
    page.press("[name=password]", "Enter")

    page.get_by_role("link", name="payment-api", exact=True).first.click()
    assert page.url.endswith(PAY)


def test_the_overview_has_the_card(window: Window) -> None:
    """The Overview shows the worst of all applications, and how many there are of each."""
    page = window()
    page.goto(PAY)
    side = page.locator("section.card", has=page.get_by_role("heading", name="ArgoCD"))

    assert "11 applications" in side.inner_text()
    assert "OutOfSync" in side.inner_text()


def test_the_tab_begins_with_the_answer(window: Window) -> None:
    """Before anything else the tab says what is wrong, where and why; the worst is first."""
    page = window()
    page.goto(TAB)
    answer = page.locator(".argo-answer").inner_text()

    assert answer.startswith("4 of 11 applications need attention. production: payment-api is")
    assert "ConfigMap payment-api-config" in answer
    first = page.locator("[data-argo-app]").first
    assert first.get_attribute("data-argo-app") == "production:payment-api"
    assert first.locator("details.argo-details").get_attribute("open") is not None
    assert (
        card(page, "payment-api-stage").locator("details.argo-details").get_attribute("open")
        is None
    )


def test_deployments_name_the_change_and_its_author(window: Window) -> None:
    """Each deployment says what changed and who wrote it, as Argo CD knows it."""
    page = window()
    page.goto(TAB)
    rows = card(page, "payment-api").locator(".argo-table--history tbody tr")
    eventually(lambda: page.reload() and rows.first.locator(".argo-subject").count())

    assert rows.count() == 8
    assert rows.first.locator(".argo-about").inner_text()
    assert card(page, "payment-api").locator(".argo-timeline-mark").count() == 8


def test_resources_are_filtered_and_paged(window: Window, portal: Portal) -> None:
    """Kind, status and words narrow the table; further rows are on further pages."""
    many_resources(portal)
    page = window()
    page.goto(TAB)
    table = card(page, "payment-api").locator(".argo-table--resources")
    assert table.locator("tbody tr").count() == 50
    assert table.locator("tbody tr").first.locator("th").inner_text() == "sick"

    card(page, "payment-api").get_by_role("link", name="Next").click()
    assert "51–100 of 130" in card(page, "payment-api").inner_text()
    form = card(page, "payment-api").get_by_role("search")
    form.get_by_label("Kind", exact=True).select_option("Job")
    form.get_by_role("button", name="Filter").click()
    assert table.locator("tbody tr").count() == 1
    assert "hook" in table.locator("tbody th").inner_text()
    form.get_by_role("link", name="Clear").click()
    form.get_by_role("searchbox").fill("settings-12")
    form.get_by_role("searchbox").press("Enter")
    assert table.locator("tbody tr").count() == 8
    form.get_by_role("link", name="Clear").click()
    form.get_by_label("Status", exact=True).select_option("Degraded")
    form.get_by_role("button", name="Filter").click()
    assert table.locator("tbody th").all_inner_texts() == ["sick"]


def test_a_hard_sync_is_asked_for_and_followed(window: Window) -> None:
    """Hard Sync says what it will delete, can be left with Escape, and ends Synced by itself."""
    page = window()
    page.goto(TAB)
    prod = card(page, "payment-api-prod")
    button = prod.get_by_role("button", name="Hard Sync payment-api-prod on production")
    button.click()
    dialog = page.get_by_role("dialog", name="Hard Sync payment-api-prod on production?")
    assert "ConfigMap payment-api-legacy" in dialog.inner_text()
    assert dialog.get_by_role("button", name="Cancel").evaluate("b => b === document.activeElement")
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert button.evaluate("b => b === document.activeElement")

    button.click()
    dialog.get_by_role("button", name="Hard Sync", exact=True).click()
    page.wait_for_selector("text=payment-api-prod on production: hard sync requested")
    visits = page.evaluate("performance.getEntriesByType('navigation').length")
    prod.locator(".argo-head .argo-badge--good", has_text="Synced").wait_for(timeout=20_000)
    assert page.evaluate("performance.getEntriesByType('navigation').length") == visits
    assert "payment-api-legacy" not in prod.inner_text()


def test_a_button_on_its_way_says_so_and_is_sent_once(window: Window) -> None:
    """A double click on Sync sends one request, and the button says Syncing… meanwhile."""
    page = window()
    page.goto(TAB)
    sent: list[str] = []
    page.route(
        "**/action", lambda route: sent.append(route.request.url) or route.fulfill(status=204)
    )
    button = card(page, "payment-api").get_by_role("button", name="Sync payment-api on production")
    button = button.and_(page.locator(".argo-button--primary"))
    with page.expect_request("**/action"):
        button.dblclick()

    assert button.inner_text() == "Syncing…"
    assert button.get_attribute("aria-busy") == "true"
    assert len(sent) == 1
    page.unroute("**/action")


def test_who_pressed_a_button_far_down_is_there_again(window: Window) -> None:
    """After an action the same application is in sight, and so is the message about it."""
    page = window()
    page.goto(TAB)
    far = card(page, "payment-api-prod", "staging")
    far.get_by_role("button", name="Refresh payment-api-prod").click()
    message = page.get_by_text("payment-api-prod on staging: refreshed")
    message.wait_for()

    assert page.evaluate("scrollY") > 1000
    below = message.bounding_box()
    head = far.locator("header").bounding_box()
    assert below
    assert head
    assert 0 <= below["y"] < below["y"] + below["height"] <= head["y"] < 200


def test_nothing_makes_a_narrow_page_wider(window: Window) -> None:
    """On a telephone no page has to be scrolled sideways, and statuses are in the first screen."""
    page = window("admin", width=320)
    for path in ("/", "/catalog", "/admin", "/settings", "/plugins/argocd", TAB):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path
    page.goto("/")
    seen = page.get_by_role("columnheader", name="Health").bounding_box()
    assert seen
    assert seen["x"] + seen["width"] <= 320


def test_a_printed_tab_has_times_and_no_buttons(window: Window) -> None:
    """On paper the table of deployments fits, says when, and has nothing to press."""
    page = window(width=794)
    page.emulate_media(media="print")
    page.goto("/catalog/Service/fraud-check?tab=argocd")

    assert page.evaluate("document.documentElement.scrollWidth") == 794
    assert page.get_by_role("button").count() == 0
    shown = "getComputedStyle(document.querySelector('.argo time'), '::after').content"
    assert " UTC" in page.evaluate(shown)


def test_a_roll_back_names_the_deployment(window: Window) -> None:
    """A row of the history leads back to what it deployed, after a question that names it."""
    page = window()
    page.goto(TAB)
    row = card(page, "payment-api").locator(".argo-table--history tbody tr").nth(2)
    number = row.locator("td").nth(4).inner_text()
    row.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    assert f"deployment number {number}" in dialog.inner_text()
    dialog.get_by_role("button", name="Roll back").click()

    page.wait_for_selector(f"text=rollback to deployment number {number} requested")
    newest = card(page, "payment-api").locator(".argo-table--history tbody tr").first
    newest.locator("th", has_text="just now").wait_for(timeout=20_000)


def test_an_open_page_follows_without_disturbing(window: Window, portal: Portal) -> None:
    """What changes in Argo CD appears by itself; what is folded and scrolled stays so."""
    many_resources(portal)
    page = window()
    page.goto(TAB)
    first = card(page, "payment-api")
    search = first.get_by_role("searchbox")
    search.fill("half a wo")
    search.evaluate("field => field.setSelectionRange(2, 4)")
    card(page, "payment-api-prod").locator("details.argo-details > summary").click()
    card(page, "payment-api-stage").locator("details.argo-details > summary").click()
    page.evaluate("window.scrollTo(0, 300)")
    portal.argocd.fleet.set_status(
        "payment-api",
        health="Degraded",
        merge={
            "resources": [
                resource("Deployment", "web", "payments", health="Degraded", message="OOMKilled")
            ]
        },
    )
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    page.locator(".argo-answer", has_text="Degraded for").filter(
        has_text="web, OOMKilled"
    ).wait_for()
    assert first.locator(".argo-head .argo-badge--bad", has_text="Degraded").is_visible()
    assert "OOMKilled" in (page.locator("[role=status][data-argo-say]").text_content() or "")
    assert page.evaluate("window.scrollY") == 300
    folded = card(page, "payment-api-prod").locator("details.argo-details")
    assert folded.get_attribute("open") is None
    unfolded = card(page, "payment-api-stage").locator("details.argo-details")
    assert unfolded.get_attribute("open") is not None


def test_typed_text_and_caret_survive_an_update(window: Window, portal: Portal) -> None:
    """Somebody who types a filter while the page updates goes on typing where the caret was."""
    many_resources(portal)
    page = window()
    page.goto(TAB)
    search = card(page, "payment-api").get_by_role("searchbox")
    search.fill("settings")
    search.evaluate("field => field.setSelectionRange(3, 3)")
    portal.argocd.fleet.set_status("payment-api", health="Progressing")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    card(page, "payment-api").locator(".argo-head .argo-badge--busy").wait_for()

    page.keyboard.type("X")
    assert search.input_value() == "setXtings"


def test_an_unchanged_page_is_not_sent_again(window: Window) -> None:
    """Looking for news costs an answer without a body where there is none; a hidden tab none."""
    page = window()
    page.goto("/catalog/Service/billing?tab=argocd")
    with page.expect_response(lambda answer: "/fragment" in answer.url) as first:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert first.value.status == 304

    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    assert asked == []
    with page.expect_response(lambda answer: "/fragment" in answer.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_failing_update_is_told_and_ends(window: Window) -> None:
    """When updates fail twice the page says so; when the session has ended it stops and says so."""
    page = window()
    page.goto("/catalog/Service/billing?tab=argocd")
    page.route("**/fragment*", lambda route: route.fulfill(status=503, body="busy"))
    said = page.locator("[data-argo-say]")
    for _ in range(2):
        with page.expect_response(lambda answer: "/fragment" in answer.url):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    eventually(said.text_content, lambda text: "trying again" in (text or ""))
    page.unroute("**/fragment*")
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    eventually(said.text_content, lambda text: "no longer updates itself" in (text or ""))


def test_all_works_without_javascript(window: Window, portal: Portal) -> None:
    """Filter, pages, a question on a page of its own, and the sync work without any script."""
    many_resources(portal)
    page = window(java_script_enabled=False)
    page.goto(TAB)
    first = card(page, "payment-api")
    first.get_by_role("link", name="Next").click()
    assert "51–100 of 130" in first.inner_text()
    first.get_by_label("Status", exact=True).select_option("Degraded")
    first.get_by_role("button", name="Filter").click()
    assert first.locator(".argo-table--resources tbody tr").count() == 1
    card(page, "payment-api-prod").get_by_role(
        "button", name="Hard Sync payment-api-prod on production"
    ).click()
    assert "ConfigMap payment-api-legacy" in page.locator("main").inner_text()
    page.get_by_role("button", name="Hard Sync").click()
    assert "hard sync requested" in page.locator("main").inner_text()

    def synced() -> Any:
        page.get_by_role("link", name="Reload").click()
        badges = card(page, "payment-api-prod").locator(".argo-head .argo-badge--good")
        return badges.filter(has_text="Synced").count()

    eventually(synced)


def test_all_works_with_the_keyboard_alone(window: Window) -> None:
    """From the overview to a confirmed hard sync nothing needs a pointer, and focus is seen."""
    page = window()
    page.goto(PAY)
    _tab_to(page, "ArgoCD")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{TAB}")
    _tab_to(page, "More actions for payment-api on production")
    page.keyboard.press("Enter")
    _tab_to(page, "Dry Run payment-api on production")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "More actions for payment-api on production"
    )
    _tab_to(page, "Hard Sync payment-api-prod on production")
    page.keyboard.press("Enter")
    _tab_to(page, "Hard Sync")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=payment-api-prod on production: hard sync requested")


def test_a_viewer_sees_why_nothing_can_be_pressed(window: Window) -> None:
    """A viewer's buttons are disabled, and each points to the sentence that says why."""
    page = window("viewer")
    page.goto(TAB)
    button = card(page, "payment-api").get_by_role(
        "button", name="Sync payment-api on production", exact=True
    )

    assert button.is_disabled()
    reason = page.locator(f"#{button.get_attribute('aria-describedby')}")
    assert "needs the role developer" in reason.inner_text()


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until the thing of that name has the focus, and check that the focus is seen."""
    for _ in range(200):
        page.keyboard.press("Tab")
        found, outline = page.evaluate(
            """() => {
                const now = document.activeElement;
                const name = now.getAttribute('aria-label') || now.textContent.trim();
                const style = getComputedStyle(now);
                return [name, style.outlineStyle !== 'none' || style.boxShadow !== 'none'];
            }"""
        )
        assert outline, f"the focus on {found!r} is not seen"
        if found == name:
            return
    msg = f"Tab never comes to {name}"
    raise AssertionError(msg)
