"""Pages that whoever runs the host adds: one fragment of a plugin each, without an entity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs
from starlette.responses import Response

from gantry_argocd.hookspecs import Fragment
from gantry_argocd.refhost.pages import Crumb, Pages, asset_urls
from gantry_argocd.refhost.web import Call, Endpoint


@attrs.frozen(kw_only=True)
class ShownPage:
    """
    A page that shows a fragment to everybody, signed in or not.

    Attributes:
        path: Where it is, with a slash at the start.

        title: Of the page.

        draw: Gives the fragment for the parameters of the page's address.
    """

    path: str
    title: str
    draw: Callable[[Mapping[str, str]], Fragment]


class ShownPages:
    """The pages that :class:`HostOptions` names."""

    def __init__(self, pages: Pages, shown: Sequence[ShownPage]) -> None:
        self._pages = pages
        self._shown = shown

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        return [Endpoint("GET", page.path, self._handler(page), None) for page in self._shown]

    def _handler(self, page: ShownPage) -> Callable[[Call], Response]:
        def answer(call: Call) -> Response:
            fragment = page.draw(dict(call.request.query_params))
            return self._pages.render(
                call,
                "shown.html",
                title=page.title,
                crumbs=[Crumb(page.title)],
                stylesheets=asset_urls([fragment], "stylesheets"),
                scripts=asset_urls([fragment], "scripts"),
                fragment=fragment,
            )

        return answer
