"""The watch: snapshot, events, filters, both framings, keep-alives and how it ends."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from collections.abc import Callable, Iterator

import attrs
from starlette.types import Send

from .codes import CallFailed, Code
from .exchange import GRPC, JSON, Exchange
from .gojson import encode
from .projection import FieldFilter
from .selector import Requirement, SelectorInvalid, parse, selects
from .store import Event, EventType, Record
from .streams import Bytes, Cut, Failure, Held, Message
from .world import World

_EVENTS = "text/event-stream"
_BUFFERED_EVENTS = 1000
_BATCH = 50
_TICK_SECONDS = 0.1


@attrs.frozen
class Watch:
    """What one stream asked to see."""

    name: str
    namespace: str
    projects: frozenset[str]
    selector: tuple[Requirement, ...]
    resource_version: str

    @classmethod
    def parse(cls, exchange: Exchange, control_plane: str) -> Watch:
        """Return the filters of a request; raises CallFailed for a bad selector."""
        try:
            selector = parse(exchange.value("selector"))
        except SelectorInvalid as error:
            message = f"error parsing labels with selectors: {error}"
            raise CallFailed(Code.UNKNOWN, message) from error
        return cls(
            name=exchange.value("name"),
            namespace=exchange.value("appNamespace") or control_plane,
            projects=frozenset(exchange.values("project") or exchange.values("projects")),
            selector=selector,
            resource_version=exchange.value("resourceVersion"),
        )

    @property
    def wants_snapshot(self) -> bool:
        """Whether what exists is sent first."""
        return not self.resource_version or bool(self.name)

    @property
    def floor(self) -> int:
        """Events of an older version than this are dropped; not a number counts as zero."""
        return int(self.resource_version) if self.resource_version.isdigit() else 0

    def covers(self, record: Record) -> bool:
        """Return whether the filters let an Application through."""
        # The namespace only counts together with the name, surprising as that is.
        if self.name and record.key != (self.namespace, self.name):
            return False
        if self.projects and record.project not in self.projects:
            return False
        return selects(self.selector, record.labels)


class Frames:
    """Turns events into what goes over the wire, leaving out what the caller already knows."""

    def __init__(self, exchange: Exchange) -> None:
        self.events = exchange.wants_events
        self._filter = FieldFilter.parse(exchange.value("fields"))
        self._last: dict[str, bytes] = {}
        self._gzip = zlib.compressobj(1, zlib.DEFLATED, 31) if exchange.accepts_gzip else None

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of the stream."""
        kind = _EVENTS if self.events else JSON
        headers = [(b"content-type", kind.encode())]
        if self._gzip is not None:
            headers.append((b"content-encoding", b"gzip"))
        return headers

    def of(self, kind: EventType, record: Record) -> bytes | None:
        """Return the frame of an event, None if the caller would see nothing new."""
        if self._filter is None:
            data = b'{"result":{"type":"%s","application":%s}}' % (kind.encode(), record.full())
        else:
            data = record.watched(kind, self._filter)
            # By name alone, so twins in two namespaces can swallow each other.
            if self._last.get(record.name) == data:
                return None
            self._last[record.name] = data
        return self.framed(data)

    def framed(self, data: bytes) -> bytes:
        """Return *data* in the framing that was asked for."""
        return b"data: %s \n\n\n" % data if self.events else data + b"\n"

    def error(self, failure: CallFailed) -> bytes:
        """Return the frame a stream fails with; an inclusion without ``error`` empties it."""
        value = failure.streamed()
        if self._filter is not None:
            value = self._filter.apply(value)
        data = encode(value, sort=self._filter is not None)
        return b"data: %s \n\n" % data if self.events else data

    def packed(self, data: bytes) -> bytes:
        """Return *data* as it goes out: compressed and flushed if that was negotiated."""
        if self._gzip is None:
            return data
        return self._gzip.compress(data) + self._gzip.flush(zlib.Z_SYNC_FLUSH)


async def fail(exchange: Exchange, send: Send, failure: CallFailed) -> None:
    """Answer a stream that failed before its first event."""
    frames = Frames(exchange)
    await _start(send, failure.code.http, frames.headers)
    body = frames.packed(frames.error(failure))
    await send({"type": "http.response.body", "body": body})


async def watch_applications(world: World, exchange: Exchange, send: Send) -> None:
    """Serve one watch until the client or the server goes; nothing is sent before an event."""
    try:
        identity = exchange.caller()
        watch = Watch.parse(exchange, world.control_plane)
    except CallFailed as failure:
        await fail(exchange, send, failure)
        return
    frames = Frames(exchange)
    stream = _Stream(world, exchange, send, frames)

    def visible(record: Record) -> bool:
        return watch.covers(record) and world.may(identity, "get", record)

    def snapshot() -> Iterator[bytes]:
        for record in sorted(world.fleet.records(), key=lambda r: r.key):
            if visible(record) and (frame := frames.of("ADDED", record)) is not None:
                yield frame

    def listener(event: Event) -> None:
        floored = event.record.resource_version < watch.floor
        if not floored and not world.streams.loses(event):
            stream.offer(event)

    await stream.run(
        snapshot() if watch.wants_snapshot else iter(()),
        lambda: world.fleet.subscribe(listener),
        visible,
    )


class _Stream:
    """One open watch; events cross from the changing threads into the server's loop here."""

    def __init__(self, world: World, exchange: Exchange, send: Send, frames: Frames) -> None:
        self._world = world
        self._exchange = exchange
        self._send = send
        self._frames = frames
        self._started = False
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_BUFFERED_EVENTS)
        self._next_keep_alive = self._loop.time() + world.keep_alive_seconds

    def offer(self, message: Message) -> None:
        """Take what is to be sent from any thread; a full buffer drops it silently, as real."""

        def put() -> None:
            try:
                self._queue.put_nowait(message)
            except asyncio.QueueFull:
                self._world.streams.count_overflow()

        if not self._world.stopping.is_set():
            self._loop.call_soon_threadsafe(put)

    async def run(
        self,
        snapshot: Iterator[bytes],
        subscribe: Callable[[], Callable[[], None]],
        visible: Callable[[Record], bool],
    ) -> None:
        """Send the snapshot, then events."""
        self._exchange.watch_disconnect()
        leave, frames_left = self._world.streams.join(self.offer)
        try:
            if frames_left is not None:
                await self._write(b"".join(itertools.islice(snapshot, frames_left)))
                return
            held = await self._send_snapshot(snapshot)
            # As in Argo CD a change during the snapshot is lost. Subscribing just before the last
            # piece goes out spares a caller that has read it all any further guessing.
            stop = subscribe()
            try:
                if held:
                    await self._write(held)
                await self._follow(visible)
            finally:
                stop()
        finally:
            leave()

    async def _send_snapshot(self, snapshot: Iterator[bytes]) -> bytes:
        """Send all of the snapshot but its last piece, which is returned."""
        held = b""
        for number, frame in enumerate(snapshot, start=1):
            held += frame
            if number % _BATCH == 0:
                await self._write(held)
                held = b""
                await asyncio.sleep(0)
        return held

    async def _follow(self, visible: Callable[[Record], bool]) -> None:
        while not self._exchange.gone.is_set() and not self._world.stopping.is_set():
            try:
                message = await asyncio.wait_for(self._queue.get(), _TICK_SECONDS)
            except TimeoutError:
                await self._keep_alive()
                continue
            if isinstance(message, Event):
                await self._tell(message, visible)
            elif await self._misbehave(message):
                return
            await self._keep_alive()

    async def _tell(self, event: Event, visible: Callable[[Record], bool]) -> None:
        # Rights are those of the current policy, not of the moment the stream opened.
        if visible(event.record):
            frame = self._frames.of(event.type, event.record)
            if frame is not None:
                await self._write(frame)

    async def _misbehave(self, message: Cut | Failure | Bytes) -> bool:
        """Do what was ordered; returns whether that ends the watch."""
        if isinstance(message, Bytes):
            await self._write(self._frames.framed(message.data))
            return False
        if isinstance(message, Failure):
            await self._write(self._frames.error(message.failure), last=True)
        elif message.reset:
            self._exchange.reset()
        return True

    async def _keep_alive(self) -> None:
        if self._frames.events and self._loop.time() >= self._next_keep_alive:
            self._next_keep_alive += self._world.keep_alive_seconds
            if self._started:
                await self._write(b":\n")

    async def _write(self, data: bytes, *, last: bool = False) -> None:
        if self._world.streams.held is Held.EVERYTHING:
            return
        if not self._started:
            self._started = True
            headers = [(name.encode(), value.encode()) for name, value in (GRPC,)]
            await _start(self._send, 200, self._frames.headers + headers)
        body = self._frames.packed(data)
        await self._send({"type": "http.response.body", "body": body, "more_body": not last})


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
