"""The ASGI application: finds the endpoint, who asks, and answers; handlers run in threads."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gantry_argocd.hookspecs import ROLES
from gantry_argocd.refhost.pages import Pages
from gantry_argocd.refhost.problems import (
    Broken,
    Busy,
    Denied,
    HostError,
    NotSignedIn,
)
from gantry_argocd.refhost.sessions import COOKIE, Principal, Sessions
from gantry_argocd.refhost.threads import Threads
from gantry_argocd.refhost.trail import Trail
from gantry_argocd.refhost.web import (
    Call,
    Endpoint,
    Router,
    failure,
    raw_path,
    read_body,
    secured,
)

_log = logging.getLogger(__name__)
_requests = logging.getLogger("gantry_argocd.refhost.requests")

_SAFE = ("GET", "HEAD", "OPTIONS")


class Front:
    """
    Answers every HTTP request.

    Args:
        router: All endpoints.

        sessions: Tells who asks.

        pages: Draws errors for people, and checks their forms.

        trail: Where refused actions are told.
    """

    def __init__(self, router: Router, sessions: Sessions, pages: Pages, trail: Trail) -> None:
        self._router = router
        self._sessions = sessions
        self._pages = pages
        self._trail = trail
        self._threads = Threads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the application of ASGI."""
        request = Request(scope, receive)
        begun = perf_counter()
        try:
            response = secured(await self._respond(request))
        except asyncio.CancelledError:  # by the server only: its patience at the end is over
            busy = Busy("the host is ending", headers={"Connection": "close"})
            response = secured(failure(busy))
        line = {
            "method": request.method,
            "path": raw_path(request),
            "status": response.status_code,
            "duration_ms": round((perf_counter() - begun) * 1000, 1),
        }
        _requests.info("%s", json.dumps(line))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = raw_path(request)
        body = b""
        try:
            body = await read_body(request)
            endpoint, params = self._router.find(request.method, path)
        except ClientDisconnect:
            return Response(status_code=400)
        except HostError as error:
            call = Call(request, {}, body, None)
            return await self._threads.run(self._refuse, call, error)
        return await self._threads.run(self._run, endpoint, Call(request, params, body, None))

    def _run(self, endpoint: Endpoint, call: Call) -> Response:
        try:
            return self._answer(endpoint, call)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer
            _log.exception("failed to answer %s %s", endpoint.method, endpoint.path)
            return self._refuse(call, Broken("internal error"))

    def _answer(self, endpoint: Endpoint, call: Call) -> Response:
        try:
            who = self._who(call, needed=endpoint.role is not None)
            call = Call(call.request, call.params, call.body, who)
            self._admit(endpoint, call)
            return endpoint.handler(call)
        except HostError as error:
            self._tell_refused(endpoint, call, error)
            return self._refuse(call, error)

    def _admit(self, endpoint: Endpoint, call: Call) -> None:
        who, needed = call.signed_in, endpoint.role
        if who and needed and ROLES.index(who.role) < ROLES.index(needed):
            raise Denied("insufficient permissions", role=who.role, required=needed)
        if call.request.method not in _SAFE:
            if endpoint.is_page:
                self._pages.check_form(call)
            elif who is not None and who.by_cookie:
                self._pages.check_origin(call)

    def _tell_refused(self, endpoint: Endpoint, call: Call, error: HostError) -> None:
        """Keep in the trail who tried an action in vain. What a plugin refuses, it tells itself."""
        if endpoint.attempt is not None and call.signed_in is not None:
            self._trail.add(endpoint.attempt(call).refused(str(error), error.code))

    def _who(self, call: Call, *, needed: bool) -> Principal | None:
        request = call.request
        try:
            return self._sessions.identify(
                request.headers.get("authorization"), request.cookies.get(COOKIE)
            )
        except NotSignedIn:
            if needed:
                raise
            return None

    def _refuse(self, call: Call, error: HostError) -> Response:
        if raw_path(call.request).startswith("/api/"):
            return failure(error)
        if call.signed_in is None:
            call = Call(call.request, call.params, call.body, self._who(call, needed=False))
        return self._pages.error(call, error)


def make_app(front: Front, start: Callable[[], None], close: Callable[[], None]) -> ASGIApp:
    """Make the application that a server runs; it starts and closes the host with itself."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        threads = Threads("refhost-lifespan")
        await threads.run(start)
        yield
        await threads.run(close)

    life = Starlette(lifespan=lifespan)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's own routes answer for themselves where a path holds a line feed.
        await (life if scope["type"] == "lifespan" else front)(scope, receive, send)

    return app
