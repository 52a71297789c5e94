"""
Write the gallery as pages of their own, to be looked at.

``python tests/templates/dump.py DIRECTORY`` writes ``light.html`` and ``dark.html`` there, with
one page for each state beside them when ``--each`` is given.
"""

from __future__ import annotations

import html
import sys
from datetime import UTC, datetime
from pathlib import Path

from gantry_argocd import view
from gantry_argocd.render import Renderer

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)

_TOKENS = """
:root { --gantry-bg-primary:#ffffff; --gantry-bg-secondary:#f0f0f0; --gantry-bg-tertiary:#e5e5ea;
 --gantry-text-primary:#111111; --gantry-text-secondary:#636366; --gantry-accent:#111111;
 --gantry-accent-hover:#333333; --gantry-border:#d5d5d7; --gantry-success:#34c759;
 --gantry-warning:#ff9500; --gantry-danger:#ff3b30; }
.dark { --gantry-bg-primary:#1c1c1e; --gantry-bg-secondary:#111113; --gantry-bg-tertiary:#2c2c2e;
 --gantry-text-primary:#f5f5f7; --gantry-text-secondary:#8e8e93; --gantry-accent:#f5f5f7;
 --gantry-accent-hover:#d1d1d6; --gantry-border:#38383a; --gantry-success:#30d158;
 --gantry-warning:#ffcc00; --gantry-danger:#ff453a; color-scheme: dark; }
body { background: var(--gantry-bg-secondary); font-family: Inter, system-ui, sans-serif;
 margin: 0 auto; max-width: 1280px; padding: 24px; }
@media (max-width: 500px) { body { padding: 12px; } }
"""


def document(body: str, css: str, theme: str) -> str:
    """Give a whole page around *body*, as a host would."""
    return (
        f'<!doctype html><html lang="en" class="{html.escape(theme)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Gallery</title><style>{_TOKENS}\n{css}</style></head><body>{body}</body></html>"
    )


def main(directory: Path, each: bool) -> None:
    """Write the pages into *directory*."""
    renderer = Renderer()
    css = renderer.assets()["argocd.css"]["content"].decode()
    items = view.gallery(NOW)
    pages = {"gallery": renderer.gallery(items)}
    if each:
        for title, shown in items:
            name = "-".join("".join(c if c.isalnum() else " " for c in title).lower().split())
            pages[name] = renderer.gallery([(title, shown)])
    directory.mkdir(parents=True, exist_ok=True)
    for name, body in pages.items():
        for theme in ("light", "dark"):
            (directory / f"{name}-{theme}.html").write_text(document(body, css, theme))


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--each" in sys.argv)
