"""The routes that answer with a stream: the watch, tree changes and logs."""

from __future__ import annotations

from starlette.types import Send

from . import tree
from .codes import CallFailed
from .exchange import GRPC, Exchange
from .gojson import Json, encode
from .routes_applications import found_application
from .stream import Frames, fail, watch_applications
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
    events = exchange.wants_events
    first, started = record, False
    while True:
        previous = first

        def changed(seen: object = previous) -> bool:
            return world.fleet.record(record.key) is not seen

        if not await exchange.wait_until(changed, world.stopping.is_set):
            return
        current = world.fleet.record(record.key)
        if current is None:
            return
        first = current
        data = encode({"result": tree.resource_tree(current)})
        if not started:
            kind = b"text/event-stream" if events else b"application/json"
            headers = [(b"content-type", kind), (GRPC[0].encode(), GRPC[1].encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            started = True
        body = b"data: %s \n\n\n" % data if events else data + b"\n"
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
