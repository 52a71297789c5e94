"""The gallery as a page: every state of the tab and the card, drawn by the real templates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from . import PLUGIN, view
from .render import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .hookspecs import Fragment


def gallery_page(
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Callable[[Mapping[str, str]], Fragment]:
    """
    Make what draws the gallery.

    Returns:
        Takes the parameters of the page's address; ``state`` names a single state.
    """
    renderer = Renderer()

    def draw(params: Mapping[str, str]) -> Fragment:
        every = view.gallery(now())
        chosen = [item for item in every if view.slug(item[0]) == params.get("state")]
        return renderer.fragment(PLUGIN, renderer.gallery(chosen or every))

    return draw
