"""
Connections whose every wait ends with the call that waits, and which can be cut off from outside.

httpx bounds each read alone, so an answer that comes byte by byte has no end, and closing its
client does not wake a thread that reads.
"""

from __future__ import annotations

import socket
import threading
import time
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

    import httpx


class Connections(httpcore.NetworkBackend):
    """The connections of one client."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self._calls = threading.local()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def serve(self, client: httpx.Client) -> None:
        """Let *client* make its connections here, those through a proxy too."""
        for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
            pool = getattr(transport, "_pool", None)
            if pool is not None:
                pool._network_backend = self  # noqa: SLF001

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """End every wait of this thread after *seconds*."""
        self._calls.end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._calls.end = None

    def cut(self) -> None:
        """End every connection; who reads from one wakes up."""
        for sock in list(self._sockets):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def left(self, timeout: float | None, error: type[Exception]) -> float | None:
        """Give how long this thread may wait."""
        end: float | None = getattr(self._calls, "end", None)
        if end is None:
            return timeout
        left = end - time.monotonic()
        if left <= 0:
            raise error
        return left if timeout is None else min(timeout, left)

    def keep(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Take over a new connection."""
        sock = stream.get_extra_info("socket")
        if sock is not None:
            self._sockets.add(sock)
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
    """A connection with a deadline for each wait."""

    def __init__(self, stream: httpcore.NetworkStream, owner: Connections) -> None:
        self._stream = stream
        self._owner = owner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._owner.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
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
        return self._stream.get_extra_info(info)
