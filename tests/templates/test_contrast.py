"""Text can be read: every pair of colours of the stylesheet is measured in both themes."""

from __future__ import annotations

import re

import pytest

from gantry_argocd.render import Renderer

CSS = Renderer().assets()["argocd.css"]["content"].decode()
TOKENS = {
    "light": {
        "--gantry-bg-primary": "#ffffff",
        "--gantry-bg-secondary": "#f0f0f0",
        "--gantry-bg-tertiary": "#e5e5ea",
        "--gantry-text-primary": "#111111",
        "--gantry-text-secondary": "#636366",
    },
    "dark": {
        "--gantry-bg-primary": "#1c1c1e",
        "--gantry-bg-secondary": "#111113",
        "--gantry-bg-tertiary": "#2c2c2e",
        "--gantry-text-primary": "#f5f5f7",
        "--gantry-text-secondary": "#8e8e93",
    },
}
GROUNDS = ("--gantry-bg-primary", "--gantry-bg-secondary")
TONES = ("good", "drift", "bad", "busy", "missing", "paused", "unknown")
Colour = tuple[float, float, float]


def _variables(theme: str) -> dict[str, str]:
    found = dict(TOKENS[theme])
    blocks = [r"^\.argo \{(.*?)\}"] + ([r"^\.dark \.argo \{(.*?)\}"] if theme == "dark" else [])
    for block in blocks:
        match = re.search(block, CSS, re.DOTALL | re.MULTILINE)
        assert match
        found |= dict(re.findall(r"(--argo-[\w-]+):\s*([^;]+);", match[1]))
    return found


def _colour(theme: str, name: str, ground: Colour = (0, 0, 0)) -> Colour:
    variables = _variables(theme)
    value = variables[name]
    if value.startswith("var("):
        value = variables[value[4:-1]]
    if value.startswith("#"):
        red, green, blue = (int(value[i : i + 2], 16) for i in (1, 3, 5))
        return red, green, blue
    *rgb, alpha = (float(part) for part in re.findall(r"[\d.]+", value))
    red, green, blue = (alpha * c + (1 - alpha) * g for c, g in zip(rgb, ground, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    parts = [c / 255 for c in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: Colour, two: Colour) -> float:
    bright, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", TOKENS)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("tone", TONES)
def test_badges_can_be_read(theme: str, ground: str, tone: str) -> None:
    """The word of a badge reaches 4.5:1 on its own ground, and as an outline when it is stale."""
    below = _colour(theme, ground)
    text = _colour(theme, f"--argo-{tone}", below)

    assert _contrast(text, _colour(theme, f"--argo-{tone}-bg", below)) >= 4.5
    assert _contrast(text, below) >= 4.5


@pytest.mark.parametrize("theme", TOKENS)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize(
    "text", ["--gantry-text-primary", "--gantry-text-secondary", "--argo-link", "--argo-danger"]
)
def test_text_can_be_read(theme: str, ground: str, text: str) -> None:
    """Plain text, links and dangerous buttons reach 4.5:1 on every ground they stand on."""
    assert _contrast(_colour(theme, text), _colour(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", TOKENS)
@pytest.mark.parametrize("ground", ["--argo-sync", "--argo-sync-hover"])
def test_the_sync_button_can_be_read(theme: str, ground: str) -> None:
    """White on the blue of the Sync button reaches 4.5:1, in the dark theme too."""
    assert _contrast(_colour(theme, "--argo-on-sync"), _colour(theme, ground)) >= 4.5


def test_only_the_hosts_tokens_are_used() -> None:
    """The stylesheet uses tokens that every Gantry host has, and its own."""
    used = set(re.findall(r"var\((--gantry-[\w-]+)\)", CSS))

    assert used <= {*TOKENS["light"], "--gantry-border", "--gantry-accent"}


def test_class_names_are_ours() -> None:
    """No rule reaches elements of the host: every selector names a class with our prefix."""
    body = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    classes = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"\{[^{}]*\}", "{}", body)))

    assert {name for name in classes if not name.startswith("argo")} == {"dark"}
