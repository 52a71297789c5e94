"""
Connections whose every wait ends with the call that waits, which bring no more than the call can
take, and which can be cut off from outside.

httpx bounds each read alone, so an answer that comes byte by byte has no end, and neither has one
that is all headers; and closing its client does not wake a thread that reads.
"""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import attrs
import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

    import httpx


class TooMuch(Exception):
    """More came than the call can take."""


@attrs.define(kw_only=True)
class Exchange:
    """
    One request and what has come back so far.

    Attributes:
        ends: When every wait for it ends, by the monotonic clock.

        allowed: Bytes that may still come, as they are on the wire.

        fresh: It is to have a connection of its own, none that was idle.

        reused: It was sent over a connection that had been idle.

        first: The bytes of an answer that came first.
    """

    ends: float
    allowed: int
    fresh: bool = False
    reused: bool = False
    first: bytes = b""

    @property
    def met_closed_door(self) -> bool:
        """
        Say whether a failure may be that of the idle connection alone.

        Servers and proxies close connections that are idle, and may do so just when the next
        request goes out: then not a byte comes back.
        """
        return self.reused and not self.first

    @property
    def speaks_http(self) -> bool:
        """Say whether what came can be the beginning of an answer."""
        begins = b"HTTP/"
        return self.first[: len(begins)] == begins[: len(self.first)]


class Connections(httpcore.NetworkBackend):
    """
    The connections of one client.

    Args:
        monotonic: Seconds that pass, whatever is done to the system's clock.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._backend = httpcore.SyncBackend()
        self._threads = threading.local()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._over = False

    def serve(self, client: httpx.Client) -> None:
        """Let *client* make its connections here, those through a proxy too."""
        for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
            pool = getattr(transport, "_pool", None)
            if pool is not None:
                pool._network_backend = self  # noqa: SLF001

    @contextmanager
    def holding(self, exchange: Exchange) -> Iterator[None]:
        """Hold what this thread does on connections to the limits of *exchange*."""
        self._threads.exchange = exchange
        try:
            yield
        finally:
            self._threads.exchange = None

    @property
    def exchange(self) -> Exchange | None:
        """What this thread is at. None when it has no limits."""
        return getattr(self._threads, "exchange", None)

    def cut(self) -> None:
        """End every connection for good; who reads from one wakes up."""
        with self._lock:
            self._over = True
            sockets = list(self._sockets)
        for sock in sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def left(self, timeout: float | None, error: type[Exception]) -> float | None:
        """Give how long this thread may wait."""
        if self.exchange is None:
            return timeout
        left = self.exchange.ends - self._monotonic()
        if left <= 0:
            raise error
        return left if timeout is None else min(timeout, left)

    def keep(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Take over a new connection."""
        sock = stream.get_extra_info("socket")
        with self._lock:
            if sock is not None:
                self._sockets.add(sock)
            over = self._over
        if over:  # It was being made while all others were ended.
            stream.close()
            raise httpcore.ConnectError("closed")
        return _Stream(stream, self)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        timeout = self.left(timeout, httpcore.ConnectTimeout)
        return self.keep(
            self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        )


class _Stream(httpcore.NetworkStream):
    """A connection with a deadline for each wait, and an end to what comes."""

    def __init__(self, stream: httpcore.NetworkStream, owner: Connections) -> None:
        self._stream = stream
        self._owner = owner
        self._answered = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content = self._stream.read(max_bytes, self._owner.left(timeout, httpcore.ReadTimeout))
        self._answered = True
        exchange = self._owner.exchange
        if exchange is not None and content:
            exchange.first = exchange.first or content[:16]
            exchange.allowed -= len(content)
            if exchange.allowed < 0:
                raise TooMuch
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._owner.exchange is not None and self._answered:
            self._owner.exchange.reused = True
        self._stream.write(buffer, self._owner.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._owner.left(timeout, httpcore.ConnectTimeout)
        return self._owner.keep(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        # The pool drops an idle connection that has something to read: nobody asked for it.
        exchange = self._owner.exchange
        if info == "is_readable" and exchange is not None and exchange.fresh:
            return True
        return self._stream.get_extra_info(info)
