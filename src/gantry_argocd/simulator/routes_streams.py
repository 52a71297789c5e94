"""The routes that answer with a stream: the watch, tree changes and logs."""

from __future__ import annotations

import asyncio

from starlette.types import Send

from . import tree
from .codes import CallFailed
from .exchange import GRPC, Exchange
from .gojson import Json, encode
from .routes_applications import found_application
from .store import Record
from .stream import Frames, fail, watch_applications
from .streams import Cut, Message
from .world import World

__all__ = ["logs", "stream_applications", "stream_resource_tree"]


async def stream_applications(world: World, exchange: Exchange, send: Send) -> None:
    """Watch Applications."""
    await watch_applications(world, exchange, send)


async def stream_resource_tree(world: World, exchange: Exchange, send: Send) -> None:
    """Watch the tree of one Application; nothing is sent until it changes."""
    try:
        record = found_application(world, exchange)
    except CallFailed as failure:
        await fail(exchange, send, failure)
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(message: Message) -> None:
        if isinstance(message, Cut):
            loop.call_soon_threadsafe(ended.set)

    leave, _ = world.streams.join(end)
    try:
        await _follow_tree(world, exchange, send, record, ended)
    finally:
        leave()


async def _follow_tree(
    world: World, exchange: Exchange, send: Send, record: Record, ended: asyncio.Event
) -> None:
    seen: Record | None = record
    started = False
    while True:

        def changed(known: Record | None = seen) -> bool:
            return ended.is_set() or world.fleet.record(record.key) is not known

        if not await exchange.wait_until(changed, world.stopping.is_set) or ended.is_set():
            return
        seen = world.fleet.record(record.key)
        if seen is None:
            return
        data = encode({"result": tree.resource_tree(seen, world.profile)})
        if not started:
            kind = b"text/event-stream" if exchange.wants_events else b"application/json"
            headers = [(b"content-type", kind), (GRPC[0].encode(), GRPC[1].encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            started = True
        body = b"data: %s \n\n\n" % data if exchange.wants_events else data + b"\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def logs(world: World, exchange: Exchange, send: Send) -> None:
    """Send a few invented log lines and the final frame."""
    try:
        exchange.boolean("follow")
    except CallFailed as failure:
        # The gateway read the query before any stream began: the flat shape.
        await _refuse(send, failure)
        return
    try:
        record = found_application(world, exchange)
        if world.logs_need_a_right:
            world.require(exchange.caller(), "logs", "get", world.object_of(record))
    except CallFailed as failure:
        await fail(exchange, send, failure)
        return
    pod = exchange.params.get("pod") or exchange.value("podName") or f"{record.name}-7c9f4d-x2k8v"
    now = world.now()
    lines: list[Json] = [
        {"result": {"content": text, "timeStamp": now, "timeStampStr": now, "podName": pod}}
        for text in (f"{record.name} starting", "listening on :8080", "ready <ok>")
    ]
    lines.append({"result": {"content": "", "timeStampStr": now, "last": True}})
    frames = Frames(exchange)
    headers = [*frames.headers, (GRPC[0].encode(), GRPC[1].encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    body = b"".join(
        b"data: %s \n\n\n" % encode(line) if frames.events else encode(line) + b"\n"
        for line in lines
    )
    await send({"type": "http.response.body", "body": frames.packed(body)})


async def _refuse(send: Send, failure: CallFailed) -> None:
    headers = [(b"content-type", b"application/json")]
    status = failure.code.http
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": encode(failure.unary())})
