"""One HTTP request and its answer, in the terms the routes need."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

import attrs
from starlette.types import Receive, Scope, Send

from .codes import CallFailed, Code
from .gojson import Json, encode
from .tokens import Identity, Keyring, bearer, no_session

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
# Added by the gateway to what the gRPC server behind it answered successfully.
GRPC = ("grpc-metadata-content-type", "application/grpc")
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_UNIT_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_POLL_SECONDS = 0.01
# Go's names of the JSON types, by Python type.
_JSON_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array"}


@attrs.frozen
class Answer:
    """A complete answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    # Compresses the body, where that has been prepared.
    compressed: Callable[[], bytes] | None = None

    @classmethod
    def json(cls, value: object, *, sort: bool = False) -> Answer:
        """Return a successful answer."""
        return cls(200, encode(value, sort=sort), headers=(GRPC,))

    @classmethod
    def raw(cls, body: bytes, *, compressed: Callable[[], bytes] | None = None) -> Answer:
        """Return a successful answer whose JSON is already encoded."""
        return cls(200, body, headers=(GRPC,), compressed=compressed)

    @classmethod
    def failed(cls, failure: CallFailed) -> Answer:
        """Return the answer of a failed ordinary call."""
        return cls(failure.code.http, encode(failure.unary()))

    @classmethod
    def text(cls, status: int, text: str) -> Answer:
        """Return one of the answers that are not JSON."""
        return cls(status, text.encode(), TEXT)


StreamBody = Callable[["Exchange", Send], Awaitable[None]]


@attrs.define(eq=False)
class Exchange:
    """One request being answered."""

    scope: Scope
    receive: Receive
    method: str
    path: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes = b""
    params: Mapping[str, str] = attrs.field(factory=dict)
    timeout: float | None = None
    identity: Identity | None = None
    refusal: CallFailed | None = None
    gone: asyncio.Event = attrs.field(factory=asyncio.Event)
    watcher: asyncio.Task[None] | None = None
    transport: asyncio.Transport | None = None
    route: str | None = None

    @classmethod
    async def read(cls, scope: Scope, receive: Receive) -> Exchange:
        """Return the exchange of a scope, its body read completely."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            # latin-1 like every HTTP server; cookies may come in several headers.
            key, text = name.decode("latin-1"), value.decode("latin-1")
            headers[key] = f"{headers[key]}; {text}" if key in headers else text
        exchange = cls(
            scope=scope,
            receive=receive,
            method=scope["method"],
            path=scope["path"],
            raw_path=scope.get("raw_path", b"").decode("latin-1") or scope["path"],
            query_string=scope["query_string"].decode("latin-1"),
            headers=headers,
        )
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                exchange.gone.set()
                break
            chunks.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        exchange.body = b"".join(chunks)
        return exchange

    # -- what the request says ----------------------------------------------------------------

    @property
    def accepts_gzip(self) -> bool:
        """Whether the answer may be compressed: asked for, and not an event stream."""
        offered = self.headers.get("accept-encoding", "").split(",")
        return not self.wants_events and any(
            token.partition(";")[0].strip().lower() == "gzip" for token in offered
        )

    @property
    def wants_events(self) -> bool:
        """Whether Accept is exactly the event stream; anything around it does not count."""
        return self.headers.get("accept", "") == "text/event-stream"

    def values(self, name: str) -> list[str]:
        """Return every value of a query parameter."""
        pairs = parse_qsl(self.query_string, keep_blank_values=True)
        return [value for key, value in pairs if key == name]

    def value(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next(iter(self.values(name)), default)

    def integer(self, name: str) -> int | None:
        """Return an integer query parameter; raises CallFailed like Go's parser."""
        text = self.value(name)
        if not text:
            return None
        if not re.fullmatch(r"[+-]?\d+", text):
            raise CallFailed(
                Code.INVALID_ARGUMENT, f'strconv.ParseInt: parsing "{text}": invalid syntax'
            )
        return int(text)

    def boolean(self, name: str) -> bool:
        """Return a boolean query parameter; raises CallFailed like Go's parser."""
        text = self.value(name)
        if text in ("", "0", "f", "F", "false", "FALSE", "False"):
            return False
        if text in ("1", "t", "T", "true", "TRUE", "True"):
            return True
        raise CallFailed(
            Code.INVALID_ARGUMENT, f'strconv.ParseBool: parsing "{text}": invalid syntax'
        )

    def decode(self, message: str, fields: Mapping[str, str]) -> Json:
        """Return the body as the Go struct *message* would read it; raises CallFailed.

        *fields* maps names to Go types; unknown keys are dropped.
        """
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise CallFailed(Code.INVALID_ARGUMENT, "unexpected EOF") from error
        package, _, struct = message.rpartition(".")
        if not isinstance(value, dict):
            kind = _JSON_NAMES.get(type(value), "object")
            raise CallFailed(
                Code.INVALID_ARGUMENT,
                f"json: cannot unmarshal {kind} into Go value of type {package}.{struct}",
            )
        decoded: Json = {}
        for name, go_type in fields.items():
            if value.get(name) is not None:
                _check_type(value[name], go_type, f"{struct}.{name}")
                decoded[name] = value[name]
        return decoded

    def read_timeout(self) -> None:
        """Take the deadline from Grpc-Timeout; raises CallFailed if it is malformed or over."""
        text = self.headers.get("grpc-timeout")
        if text is None:
            return
        found = _TIMEOUT.fullmatch(text)
        if found is None:
            raise CallFailed(Code.INVALID_ARGUMENT, f"invalid grpc-timeout: {text}")
        self.timeout = int(found[1]) * _UNIT_SECONDS[found[2]]
        if self.timeout < _UNIT_SECONDS["m"]:
            raise deadline_exceeded()

    def cookies(self) -> dict[str, str]:
        """Return the cookies of the request."""
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(self.headers.get("cookie", ""))
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in jar.items()}

    def identify(self, keyring: Keyring) -> None:
        """Find out who asks; a bad token only matters once somebody asks for the caller.

        So a body that does not parse is reported first, as by the real gateway.
        """
        token = bearer(self.headers, self.cookies())
        try:
            self.identity = None if token is None else keyring.identify(token)
        except CallFailed as failure:
            self.refusal = failure

    def caller(self) -> Identity:
        """Return who asks; raises CallFailed if nobody, or nobody believable, said so."""
        if self.identity is None:
            raise self.refusal or no_session()
        return self.identity

    # -- waiting ------------------------------------------------------------------------------

    async def wait_until(self, done: Callable[[], bool], stopping: Callable[[], bool]) -> bool:
        """Wait until *done*; False if the client or the server went away first.

        Raises CallFailed when the caller's own deadline passes.
        """
        self.watch_disconnect()
        loop = asyncio.get_running_loop()
        ends = None if self.timeout is None else loop.time() + self.timeout
        while not done():
            if self.gone.is_set() or stopping():
                return False
            if ends is not None and loop.time() >= ends:
                raise deadline_exceeded()
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def watch_disconnect(self) -> None:
        """Set ``gone`` as soon as the client closes the connection."""
        if self.watcher is None:
            self.watcher = asyncio.create_task(self._watch())

    def write(self, data: bytes) -> None:
        """Put bytes on the connection that need not be HTTP; ASGI has no word for it."""
        if self.transport is not None:
            self.transport.write(data)

    def close_connection(self) -> None:
        """Close the connection once everything written so far is out."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """End the connection with a reset instead of an orderly close."""
        if self.transport is not None:
            connection = self.transport.get_extra_info("socket")
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()

    async def _watch(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.gone.set()

    async def close(self) -> None:
        """End what this exchange started."""
        if self.watcher is not None:
            self.watcher.cancel()
            await asyncio.wait([self.watcher])


def deadline_exceeded() -> CallFailed:
    """Return the failure of a call whose own deadline passed."""
    return CallFailed(Code.DEADLINE_EXCEEDED, "context deadline exceeded")


def _check_type(value: Any, go_type: str, where: str) -> None:
    if go_type.startswith("[]"):
        if not isinstance(value, list):
            raise _wrong_type(value, go_type, where)
        for item in value:
            _check_type(item, go_type[2:], where)
        return
    expected: dict[str, type] = {"string": str, "bool": bool, "int64": int}
    wanted = expected.get(go_type, dict)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise _wrong_type(value, go_type, where)


def _wrong_type(value: object, go_type: str, where: str) -> CallFailed:
    kind = _JSON_NAMES.get(type(value), "object")
    return CallFailed(
        Code.INVALID_ARGUMENT,
        f"json: cannot unmarshal {kind} into Go struct field {where} of type {go_type}",
    )
