"""Sending an answer, whole or broken as a fault demands."""

from __future__ import annotations

import asyncio
import functools
import gzip
import json
from typing import Any

import attrs
from starlette.types import Send

from .exchange import Answer, Exchange
from .faults import End, Fault, Mangling
from .gojson import encode

# Above this, compressing would keep the server from answering anyone else.
_INLINE_BYTES = 32_768
_MEGABYTE = 1_048_576


async def deliver(
    exchange: Exchange, send: Send, answer: Answer, fault: Fault | None = None
) -> None:
    """Send *answer*, to which *fault* may do what it does to whole answers."""
    if fault is not None and fault.mangle is not None:
        body = mangled(answer.body, fault.mangle)
        answer = attrs.evolve(answer, body=body, compressed=None)
    answer = await _compressed(exchange, answer)
    body = answer.body
    await _start(send, answer, len(body))
    if fault is not None and fault.drip:
        exchange.watch_disconnect()
        for at in range(len(body)):
            if exchange.gone.is_set():
                return
            await _piece(send, body[at : at + 1])
            await asyncio.sleep(fault.drip)
    if fault is not None and fault.truncate:
        await _piece(send, body[: len(body) // 2])
        if fault.end is not None:
            await end(exchange, fault.end)
        return  # uvicorn closes a connection whose answer stays incomplete
    rest = b"" if fault is not None and fault.drip else body
    await send({"type": "http.response.body", "body": rest})


async def replaced(exchange: Exchange, send: Send, fault: Fault) -> bool:
    """Do what *fault* does in place of an answer; False if the real one is still to come."""
    if fault.raw:
        exchange.write(fault.raw)
        await end(exchange, fault.end or End.CLOSE)
    elif fault.end is not None and not fault.truncate:
        await end(exchange, fault.end)
    elif fault.redirect is not None:
        headers = (("location", fault.redirect), *fault.headers)
        await deliver(exchange, send, Answer(fault.status or 302, b"", headers=headers))
    elif fault.megabytes:
        await _send_blanks(exchange, send, fault)
    elif fault.status is not None:
        answer = Answer(fault.status, fault.body, fault.content_type, fault.headers)
        await deliver(exchange, send, answer, fault)
    else:
        return False
    return True


async def end(exchange: Exchange, how: End) -> None:
    """End a connection, or let it hang until the client goes."""
    if how is End.CLOSE:
        exchange.close_connection()
    elif how is End.RESET:
        exchange.reset()
    exchange.watch_disconnect()
    await exchange.gone.wait()


async def _send_blanks(exchange: Exchange, send: Send, fault: Fault) -> None:
    exchange.watch_disconnect()
    headers = fault.headers
    if fault.bomb:
        bomb = await asyncio.to_thread(gzip.compress, bytes(fault.megabytes * _MEGABYTE), 6)
        bombed = Answer(200, b"", headers=(*headers, ("content-encoding", "gzip")))
        await _start(send, attrs.evolve(bombed, body=bomb), len(bomb))
        await send({"type": "http.response.body", "body": bomb})
        return
    size = fault.megabytes * _MEGABYTE
    await _start(send, Answer(200, b" ", headers=headers), size)
    for _ in range(fault.megabytes):
        if exchange.gone.is_set():
            return
        await _piece(send, b" " * _MEGABYTE)
    await send({"type": "http.response.body", "body": b""})


def mangled(body: bytes, how: Mangling) -> bytes:
    """Return the body of an answer, made wrong."""
    if how is Mangling.CUT_JSON:
        return body[: len(body) * 2 // 3]
    value = json.loads(body)
    if how is Mangling.WRONG_TYPES:
        return encode(_wrong(value, at_top=True))
    items = value.get("items") or []
    value["items"] = None if how is Mangling.NULL_ITEMS else [*items, *items]
    return encode(value)


def _wrong(value: Any, *, at_top: bool = False) -> Any:
    """Return *value* with every text and number below a list become a list of it."""
    if isinstance(value, dict):
        return {key: _wrong(child, at_top=at_top) for key, child in value.items()}
    if isinstance(value, list):
        return [_wrong(child) for child in value]
    return value if at_top else [value]


async def _compressed(exchange: Exchange, answer: Answer) -> Answer:
    body = answer.body
    encoded = any(name.lower() == "content-encoding" for name, _ in answer.headers)
    if not body or encoded or not exchange.accepts_gzip:
        return answer
    compress = answer.compressed or functools.partial(gzip.compress, body, 1)
    body = await asyncio.to_thread(compress) if len(body) > _INLINE_BYTES else compress()
    headers = (*answer.headers, ("content-encoding", "gzip"), ("vary", "Accept-Encoding"))
    return attrs.evolve(answer, body=body, headers=headers)


async def _start(send: Send, answer: Answer, size: int) -> None:
    headers = list(answer.headers)
    if answer.content_type and answer.body:
        headers.append(("content-type", answer.content_type))
    headers.append(("content-length", str(size)))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})


async def _piece(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
