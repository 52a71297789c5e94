"""
Write pictures of the pages into a folder, to be looked at.

``python tests/browser/screenshots.py FOLDER`` takes the overview and the tab of a service in the
light and the dark theme, wide, narrow (320 px) and at 200 % zoom, and the gallery;
``--each`` adds a picture of every state of the gallery. ``readme.png`` is docs/images/panel.png.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from portal import CHROMIUM, FLAGS, running_portal  # noqa: E402

from gantry_argocd import view  # noqa: E402
from whole import Portal  # noqa: E402

# Name, width, height, scale: 200 % zoom shows half as many CSS pixels.
SIZES = (("wide", 1280, 900, 1), ("narrow", 320, 700, 2), ("zoomed", 640, 450, 2))
PAGES = (
    ("overview", "/catalog/Service/payment-api"),
    ("tab", "/catalog/Service/payment-api?tab=argocd"),
    ("degraded", "/catalog/Service/fraud-check?tab=argocd"),
)


def take(folder: Path, *, each: bool = False) -> list[Path]:
    """Take all pictures; their files."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: list[Path] = []
    with running_portal() as portal, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = sign_in(browser, portal, "light", 1280, 840, 1)
        taken.append(_shoot(page, portal.url + PAGES[-1][1], folder / "readme", whole=False))
        page.context.close()
        for theme in ("light", "dark"):
            for size, width, height, scale in SIZES:
                page = sign_in(browser, portal, theme, width, height, scale)
                for name, path in PAGES:
                    taken.append(_shoot(page, portal.url + path, folder / f"{name}-{theme}-{size}"))
                page.context.close()
            page = sign_in(browser, portal, theme, 1280, 900, 1)
            taken.append(_shoot(page, f"{portal.url}/gallery", folder / f"gallery-{theme}"))
            for state in _states() if each else ():
                url = f"{portal.url}/gallery?state={state}"
                taken.append(_shoot(page, url, folder / f"state-{state}-{theme}"))
            page.context.close()
        browser.close()
    return taken


def sign_in(
    browser: Browser, portal: Portal, theme: str, width: int, height: int, scale: float
) -> Page:
    """Open a window of a signed-in developer."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{portal.url}/login")
    page.fill("[name=username]", "developer")
    page.fill("[name=password]", "demo")
    page.click("main button[type=submit], form[action='/login'] button[type=submit]")
    page.wait_for_url(f"{portal.url}/")
    return page


def _states() -> list[str]:
    return [view.slug(title) for title, _ in view.gallery(datetime.now(UTC))]


def _shoot(page: Page, url: str, stem: Path, *, whole: bool = True) -> Path:
    page.goto(url)
    path = stem.with_suffix(".png")
    page.screenshot(path=path, full_page=whole)
    return path


if __name__ == "__main__":
    for picture in take(Path(sys.argv[1]), each="--each" in sys.argv):
        sys.stdout.write(f"{picture}\n")
