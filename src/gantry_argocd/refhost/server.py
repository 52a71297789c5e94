"""Running a host over a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import attrs
import uvicorn

from gantry_argocd.refhost.host import Host

STARTS_WITHIN = 30.0
"""Seconds that a host in a thread has for its start."""

_GRACE = 10


@attrs.frozen
class RunningHost:
    """A host that answers at ``url`` (without a slash at the end)."""

    host: Host
    url: str


class _Server(uvicorn.Server):
    """A server that says when it answers, or that it never will."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()
        if self.started:
            self._ready()


def serve(
    host: Host,
    address: str = "127.0.0.1",
    port: int = 8080,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """
    Serve until SIGINT or SIGTERM, then end requests and plugins in an orderly way.

    Args:
        host: What to serve. Closed at the end.

        address: Where to listen.

        port: 0 takes a free one.

        ready: Called with the URL as soon as it answers.

    Raises:
        OSError: The address cannot be used.

        ConfigRefused: A configuration given to :func:`create_host` is not valid.
    """
    try:
        with _listening(address, port) as listener:
            host.start()
            url = _url(address, listener)
            say = partial(ready, url) if ready else _nothing
            _Server(_config(host, _GRACE), say).run(sockets=[listener])
    finally:
        host.close()


@contextmanager
def serve_in_thread(host: Host, address: str = "127.0.0.1", port: int = 0) -> Iterator[RunningHost]:
    """
    Serve from a thread until the block ends; port 0 takes a free one.

    Raises:
        RuntimeError: The server did not start.
    """
    with _listening(address, port) as listener:
        host.start()
        server = _Server(_config(host, 1), _nothing)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="refhost", daemon=True
        )
        thread.start()
        try:
            if not server.settled.wait(STARTS_WITHIN) or not server.started:
                raise RuntimeError("the host did not start")
            yield RunningHost(host, _url(address, listener))
        finally:
            server.should_exit = True
            thread.join(STARTS_WITHIN)
            host.close()


def _nothing() -> None:
    """Nobody waits for the URL."""


def _url(address: str, listener: socket.socket) -> str:
    name = f"[{address}]" if ":" in address else address
    return f"http://{name}:{listener.getsockname()[1]}"


def _config(host: Host, grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        host.app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=grace,
    )


@contextmanager
def _listening(address: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol has to be named: asyncio sets TCP_NODELAY only where it is, and without that
    # every answer waits for the client's delayed acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        yield listener
