"""What all pages share: templates, theme, form tokens, messages after a redirect, errors."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from gantry_argocd.hookspecs import ROLES, Fragment
from gantry_argocd.refhost.documents import DEFAULT_NAMESPACE, Key
from gantry_argocd.refhost.kinds import KINDS
from gantry_argocd.refhost.moments import readable
from gantry_argocd.refhost.problems import Forged, HostError, Missing, NotSignedIn
from gantry_argocd.refhost.sessions import Sessions
from gantry_argocd.refhost.web import Call, Endpoint, redirect

CSRF_FIELD = "csrf_token"
VIEW_FIELD = "view"
VISITOR_COOKIE = "gantry_visitor"
NOTE_COOKIE = "gantry_note"
THEME_COOKIE = "gantry_theme"
THEMES = ("light", "dark")

_YEAR = 365 * 24 * 3600
_LONGEST_VIEW = 2000
_STATIC = {
    "portal.css": "text/css; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}


@attrs.frozen
class Crumb:
    """A step of the way to a page. ``url`` is empty for the page itself."""

    label: str
    url: str = ""


class Pages:
    """Draws templates, and owns the routes that belong to no page in particular."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._templates = Environment(
            loader=PackageLoader("gantry_argocd.refhost"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"readable": readable, "segment": segment}
        self._templates.globals |= {"entity_url": entity_url, "kinds": KINDS, "roles": ROLES}

    def endpoints(self) -> list[Endpoint]:
        """List the routes."""
        return [
            Endpoint("GET", "/static/{name}", self._static, None),
            Endpoint("POST", "/theme", self._theme, None),
        ]

    def render(
        self,
        call: Call,
        template: str,
        *,
        title: str,
        here: str = "",
        crumbs: Sequence[Crumb] = (),
        status: int = 200,
        **values: Any,
    ) -> Response:
        """
        Draw a page.

        Args:
            call: For whom.

            template: Its file.

            title: Of the window.

            here: Which entry of the navigation is the present one.

            crumbs: The way to the page.

            status: HTTP status.

            values: What the template needs besides.
        """
        visitor = call.request.cookies.get(VISITOR_COOKIE, "")
        fresh = "" if visitor or call.signed_in else secrets.token_urlsafe(16)
        theme = call.request.cookies.get(THEME_COOKIE, "")
        note = self._note(call)
        frame = {
            "title": title,
            "here": here,
            "crumbs": crumbs,
            "csrf": self.form_token(call, fresh),
            "theme": theme if theme in THEMES else "",
            "target": call.target if call.request.method == "GET" else "/",
            "note": note,
            "who": call.signed_in,
            "level": ROLES.index(call.signed_in.role) if call.signed_in else -1,
            "stylesheets": (),
            "scripts": (),
        }
        html = self._templates.get_template(template).render(frame | values)
        response = Response(html, status, media_type="text/html")
        if fresh:
            _set(call, response, VISITOR_COOKIE, fresh, None)
        if note:
            response.delete_cookie(NOTE_COOKIE, path="/", httponly=True, samesite="lax")
        return response

    def form_token(self, call: Call, visitor: str = "") -> str:
        """Make the token that forms for this user carry."""
        return self._sessions.form_token(_subject(call) or f"visitor:{visitor}")

    def check_form(self, call: Call) -> None:
        """
        Refuse a form that is not from one of our pages.

        Raises:
            Forged: Its token is missing, or of another session.
        """
        subject = _subject(call)
        token = call.form.get(CSRF_FIELD, "")
        if not subject or not self._sessions.form_is_ours(token, subject):
            raise Forged("this form has expired: go back, reload the page and try again")

    def check_origin(self, call: Call) -> None:
        """
        Refuse a REST write that another site made the browser send with its cookie.

        Raises:
            Forged: The browser says that it comes from elsewhere.
        """
        origin = call.request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != call.request.headers.get("host"):
            raise Forged("this request comes from another site")

    def go(self, call: Call, location: str, message: str = "", *, ok: bool = True) -> Response:
        """Send the browser to *location*, which will show *message* once."""
        response = redirect(location)
        if message:
            note = {"text": message[:1000], "tone": "good" if ok else "bad"}
            _set(call, response, NOTE_COOKIE, self._sessions.sign_note(note), 60)
        return response

    def error(self, call: Call, error: HostError) -> Response:
        """Show an error, or the sign-in to somebody who is not signed in."""
        if isinstance(error, NotSignedIn) and call.request.method in ("GET", "HEAD"):
            return redirect("/login?" + urlencode({"next": call.target}))
        response = self.render(
            call, "error.html", title="Error", status=error.status, message=str(error)
        )
        response.headers.update(error.headers)
        return response

    # --- routes ---

    def _static(self, call: Call) -> Response:
        name = call.params["name"]
        if name not in _STATIC:
            raise Missing("not found")
        content = resources.files("gantry_argocd.refhost").joinpath("static", name).read_bytes()
        return Response(
            content,
            media_type=_STATIC[name],
            headers={"Cache-Control": "public, max-age=3600"},
        )

    def _theme(self, call: Call) -> Response:
        response = redirect(local(call.form.get("next", "/")))
        theme = call.form.get("theme", "")
        if theme in THEMES:
            _set(call, response, THEME_COOKIE, theme, _YEAR, readable=True)
        return response

    def _note(self, call: Call) -> Mapping[str, str] | None:
        text = call.request.cookies.get(NOTE_COOKIE)
        return self._sessions.read_note(text) if text else None


def segment(text: str) -> str:
    """Escape *text* for one segment of a path."""
    return quote(text, safe="")


def view_of(query: Sequence[tuple[str, str]]) -> str:
    """Give what a tab was asked to show: its query without what says which tab of which entity."""
    view = urlencode([(name, value) for name, value in query if name not in {"tab", "namespace"}])
    return view if len(view) <= _LONGEST_VIEW else ""


def entity_url(key: Key, tab: str = "", page: str = "", view: str = "") -> str:
    """Give the address of an entity's page with a *view* of its tab, or of a page below it."""
    path = f"/catalog/{segment(key.kind)}/{segment(key.name)}" + (f"/{page}" if page else "")
    query = {}
    if key.namespace != DEFAULT_NAMESPACE:
        query["namespace"] = key.namespace
    if tab:
        query["tab"] = tab
    both = "&".join(part for part in (urlencode(query), view) if part)
    return f"{path}?{both}" if both else path


def asset_urls(
    fragments: Sequence[Fragment], field: Literal["stylesheets", "scripts"]
) -> list[str]:
    """Give the addresses of what *fragments* need, each once."""
    urls = (
        f"/plugin-assets/{segment(fragment['plugin'])}/{segment(name)}"
        for fragment in fragments
        for name in fragment[field]
    )
    return list(dict.fromkeys(urls))


def local(location: str) -> str:
    """Give *location* when it is a path of ours, else the first page."""
    odd = any(ord(char) < 33 or char == "\\" for char in location)
    if not location.startswith("/") or location.startswith("//") or odd:
        return "/"
    return location


def _subject(call: Call) -> str:
    """Whose forms: the session's, or before the sign-in the visitor's."""
    if call.signed_in is not None:
        return f"session:{call.signed_in.session}"
    visitor = call.request.cookies.get(VISITOR_COOKIE)
    return f"visitor:{visitor}" if visitor else ""


def _set(
    call: Call,
    response: Response,
    name: str,
    value: str,
    max_age: int | None,
    *,
    readable: bool = False,
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        httponly=not readable,
        samesite="lax",
        secure=call.secure,
    )
