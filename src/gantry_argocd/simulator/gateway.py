"""The front of the simulated server: paths, content types, tokens, faults and compression."""

from __future__ import annotations

import asyncio
import html
import json
import posixpath
from email.utils import format_datetime

import attrs
from starlette.types import Message, Receive, Scope, Send

from .admin import ADMIN, Admin
from .breaking import deliver, end, replaced
from .codes import CallFailed
from .exchange import JSON, Answer, Exchange
from .faults import End
from .requests import ReceivedRequest, kept_headers
from .router import HEALTH, Route, route_of
from .routes_server import renewal
from .stream import fail
from .world import World

_INDEX = b'<!doctype html><html><head><title>Argo CD</title><base href="/"></head></html>'


class Gateway:
    """The ASGI application of one simulated server."""

    def __init__(self, world: World, admin: Admin) -> None:
        self._world = world
        self._admin = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = await Exchange.read(scope, receive)
        exchange.transport = getattr(getattr(send, "__self__", None), "transport", None)

        async def dated(message: Message) -> None:
            # By the simulated clock, so that a server can be wrong about the time.
            if message["type"] == "http.response.start":
                date = format_datetime(self._world.clock(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            elif exchange.route is not None:
                self._world.requests.sent(exchange.route, len(message.get("body", b"")))
            await send(message)

        try:
            await self._serve(exchange, dated)
        finally:
            await exchange.close()

    async def _serve(self, exchange: Exchange, send: Send) -> None:
        root = self._world.root_path
        if exchange.path.startswith(ADMIN):
            answer, afterwards = self._admin.answer(exchange)
            await deliver(exchange, send, answer)
            if afterwards is not None:
                afterwards()
            return
        if exchange.path == "/healthz":
            await self._routed(exchange, send, HEALTH)
            return
        if exchange.path == root and root:
            await deliver(exchange, send, _redirect(f"{root}/"))
            return
        if not exchange.path.startswith(f"{root}/"):
            await deliver(exchange, send, Answer.text(404, "404 page not found\n"))
            return
        exchange.path = exchange.path.removeprefix(root)
        cleaned = _cleaned(exchange.raw_path)
        if cleaned != exchange.raw_path:
            query = f"?{exchange.query_string}" if exchange.query_string else ""
            await deliver(exchange, send, _redirect(cleaned + query))
            return
        await self._inside(exchange, send)

    async def _inside(self, exchange: Exchange, send: Send) -> None:
        path = exchange.path
        if path == "/healthz":
            await self._routed(exchange, send, HEALTH)
            return
        if not path.startswith("/api/"):
            self._record(exchange, "ui")
            await deliver(exchange, send, _page(exchange))
            return
        route, exchange.params, other = route_of(exchange.method, path)
        if route is not None and route.name in self._world.profile.absent_routes:
            route = None
        if route is not None:
            await self._routed(exchange, send, route)
            return
        self._record(exchange, "")
        answer = Answer.text(404, "Not Found\n")
        if other:
            answer = Answer.text(405, "Method Not Allowed\n")
        await deliver(exchange, send, self._content_type_refusal(exchange) or answer)

    async def _routed(self, exchange: Exchange, send: Send, route: Route) -> None:
        self._record(exchange, route.name)
        fault = self._world.faults.take(route.name)
        if fault is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if await replaced(exchange, send, fault):
                return
        refusal = None if route is HEALTH else self._content_type_refusal(exchange)
        if refusal is not None:
            await deliver(exchange, send, refusal)
            return
        if route.stream is not None:
            await self._stream(exchange, send, route)
            return
        answer = await self._answer(exchange, route)
        await deliver(exchange, send, answer, fault)

    async def _answer(self, exchange: Exchange, route: Route) -> Answer:
        handler = route.handler
        if handler is None:
            raise TypeError(f"route {route.name} has no handler")
        try:
            exchange.read_timeout()
            exchange.identify(self._world.keyring)
            answer = await handler(self._world, exchange)
        except CallFailed as failure:
            return Answer.failed(failure)
        headers = answer.headers + renewal(self._world, exchange.identity)
        return attrs.evolve(answer, headers=headers)

    async def _stream(self, exchange: Exchange, send: Send, route: Route) -> None:
        handler = route.stream
        if handler is None:
            raise TypeError(f"route {route.name} has no stream")
        try:
            exchange.read_timeout()
            exchange.identify(self._world.keyring)
        except CallFailed as failure:
            await fail(exchange, send, failure)
            return
        started = False

        async def watched(message: dict[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)

        await handler(self._world, exchange, watched)  # type: ignore[arg-type]
        if not started:
            await end(exchange, End.CLOSE)

    def _content_type_refusal(self, exchange: Exchange) -> Answer | None:
        """Return 415 unless a request that is not a GET names exactly the one accepted type."""
        given = exchange.headers.get("content-type", "")
        checked = self._world.profile.checks_content_type
        if not checked or exchange.method == "GET" or given.lower() == JSON:
            return None
        return Answer.text(415, "Invalid content type\n")

    def _record(self, exchange: Exchange, route: str) -> None:
        try:
            body: object = json.loads(exchange.body) if exchange.body else None
        except ValueError:
            body = exchange.body.decode(errors="replace")
        if isinstance(body, dict) and "password" in body:
            body = {**body, "password": "(present)"}
        exchange.route = route
        self._world.requests.add(
            ReceivedRequest(
                method=exchange.method,
                path=exchange.raw_path,
                query=exchange.query_string,
                headers=kept_headers(exchange.headers),
                body=body,
                route=route,
            )
        )


def _cleaned(path: str) -> str:
    """Return *path* as Go cleans it: no empty and no dot segments."""
    if "//" not in path and "/." not in path:
        return path
    cleaned = posixpath.normpath(path).replace("//", "/")
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def _redirect(location: str) -> Answer:
    body = f'<a href="{html.escape(location)}">Temporary Redirect</a>.\n\n'
    headers = (("location", location),)
    return Answer(307, body.encode(), "text/html; charset=utf-8", headers)


def _page(exchange: Exchange) -> Answer:
    if "text/html" in exchange.headers.get("accept", ""):
        return Answer(200, _INDEX, "text/html; charset=utf-8")
    return Answer.text(404, "404 page not found\n")
