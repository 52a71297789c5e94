"""The form of the configuration in a real browser: by keyboard, without scripts, for axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.refhost import HostOptions, NewUser, create_host, serve_in_thread
from gantry_argocd.simulator import Simulator

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
CANARY = "canary-4711"
CONFIG: dict[str, Any] = {
    "instances": [
        {
            "name": "production",
            "argocdUrl": "http://127.0.0.1:9",
            "token": CANARY,
            "headers": {"X-Key": CANARY},
        },
        {"name": "staging", "argocdUrl": "http://127.0.0.1:9/s", "username": "u", "password": "p"},
    ]
}
SIZES = [("light", 1280), ("dark", 1280), ("light", 320), ("dark", 320)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = Path("/usr/bin/chromium")
        path = {"executable_path": str(chromium)} if chromium.exists() else {}
        found = playwright.chromium.launch(args=["--no-sandbox"], **path)
        yield found
        found.close()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A portal with a configured plugin that is not enabled."""
    host = create_host(
        data_dir=tmp_path,
        users=[NewUser("admin", "correct horse", "admin")],
        plugins=[ArgoCDPlugin()],
        options=HostOptions(
            installed=(), hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        ),
    )
    with serve_in_thread(host) as running:
        from gantry_argocd.refhost.trail import Actor

        host.lifecycle.put_config("argocd", CONFIG, Actor("ada"))
        yield running.url


def opened(
    browser: Browser, url: str, scheme: str = "light", width: int = 1280, **more: Any
) -> Page:
    """Sign in and open the page of the plugin."""
    context = browser.new_context(
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        **more,
    )
    page = context.new_page()
    page.set_default_timeout(8000)
    page.goto(f"{url}/login")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", "correct horse")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/plugins/argocd")
    return page


def found_by_axe(page: Page) -> list[str]:
    """Give what axe finds against WCAG 2.2 AA."""
    from axe_playwright_python.sync_playwright import Axe

    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    return [
        f"{v['id']}: {node['html'][:200]}"
        for v in result.response["violations"]
        for node in v["nodes"]
    ]


@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_axe_finds_nothing_in_the_form(browser: Browser, url: str, scheme: str, width: int) -> None:
    """Stored, added to, and refused with errors, the form is accessible and fits its window."""
    page = opened(browser, url, scheme, width)
    for step in ("stored", "added", "refused"):
        if step == "added":
            page.click("text=Add instance")
        if step == "refused":
            page.get_by_label("Argo CD URL").first.fill("nonsense")
            page.click("button:visible:has-text('Save configuration')")
        page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true; })")
        assert found_by_axe(page) == [], step
        assert page.evaluate("document.documentElement.scrollWidth") <= width, step
        assert CANARY not in page.content()
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_instance_is_added_by_keyboard(browser: Browser, url: str, scripts: bool) -> None:
    """With and without scripts: add, type, return saves; the keyboard is where one goes on."""
    page = opened(browser, url, java_script_enabled=scripts)
    page.get_by_role("button", name="Add instance").press("Enter")
    name = page.get_by_label("Name", exact=False).and_(page.locator(":focus"))
    assert name.input_value() == ""
    name.fill("third")
    group = page.get_by_role("group", name="Instance without a name")
    group.get_by_label("Argo CD URL").fill("https://c.example")
    group.get_by_label("API token").fill(CANARY)
    group.get_by_label("API token").press("Enter")

    page.get_by_text("The configuration has been saved.").wait_for()
    saved = page.get_by_role("group", name="Instance third")
    page.locator(".item > summary", has_text="third").click()
    assert (
        saved.get_by_role("textbox", name="API token").get_attribute("placeholder") == "unchanged"
    )
    assert CANARY not in page.content()
    page.context.close()


def test_an_error_leads_to_its_field(browser: Browser, url: str) -> None:
    """The list of errors has the keyboard; a link in it leads to the field, which says the same."""
    page = opened(browser, url)
    page.get_by_label("Sync interval").fill("1d")
    page.get_by_label("Sync interval").press("Enter")

    alert = page.get_by_role("alert")
    assert alert.evaluate("e => e === document.activeElement")
    alert.get_by_role("link", name="Sync interval").click()
    field = page.get_by_label("Sync interval")
    described = field.get_attribute("aria-describedby") or ""
    said = " ".join(page.locator(f"[id='{i}']").inner_text() for i in described.split())
    assert field.get_attribute("aria-invalid") == "true"
    assert "a duration such as 90s, 5m or 1h30m is expected" in said
    page.context.close()


def test_a_sync_is_followed_to_its_report(browser: Browser, url: str) -> None:
    """From the page: give the address and token, enable, check, sync, and read the report."""
    with Simulator(apps=12) as argocd:
        page = opened(browser, url)
        page.locator("details.item").nth(1).get_by_role("button", name="Remove").click()
        page.get_by_role("textbox", name="Argo CD URL").fill(argocd.url)
        page.get_by_role("textbox", name="API token").fill(argocd.token)
        page.get_by_role("button", name="Remove Extra headers X-Key").click()
        page.get_by_role("button", name="Save configuration").click()
        page.get_by_role("button", name="Enable").click()
        page.get_by_text("The plugin has been enabled.").wait_for()
        page.get_by_role("button", name="Check").click()
        page.get_by_text("Check of production: can be used").wait_for()
        page.get_by_role("button", name="Sync now").click()
        page.get_by_role("heading", name="Last sync").wait_for()
        report = page.get_by_role("region", name="Instances of the last sync").inner_text()
        assert "production" in report
        assert argocd.token not in page.content()
        page.context.close()
