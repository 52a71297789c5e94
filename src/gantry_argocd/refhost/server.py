"""
Running a host over a real socket.

A host ends within two seconds, whatever a plugin's upstream does: plugins are told first, which
ends what requests wait for; requests that still wait after the grace are answered 503.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from types import FrameType

import attrs
import uvicorn

from gantry_argocd.refhost.host import Host

STARTS_WITHIN = 30.0
"""Seconds that a host in a thread has for its start."""

_GRACE = 1
"""Seconds that requests have when plugins have been told to end."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@attrs.frozen
class RunningHost:
    """A host that answers at ``url`` (without a slash at the end)."""

    host: Host
    url: str


class _Server(uvicorn.Server):
    """A server that says when it answers, or that it never will, and ends without delay."""

    def __init__(self, host: Host, ready: Callable[[], None]) -> None:
        super().__init__(_config(host))
        self.settled = threading.Event()
        self._host = host
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()
        if self.started and not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Not awaited: closing the host waits for it, and has no more patience than it has.
        threading.Thread(target=self._host.stop, name="refhost-stop", daemon=True).start()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End. The signal is not remembered, as it would be raised again afterwards."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def serve(
    host: Host,
    address: str = "127.0.0.1",
    port: int = 8080,
    *,
    listener: socket.socket | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """
    Serve until SIGINT or SIGTERM, then end requests and plugins, and return.

    Who has something to lose by an unusable address binds it first: :func:`listening`, then
    :func:`create_host`, then show :attr:`Host.generated_password`, then this.

    Args:
        host: What to serve. Closed at the end.

        address: Where to listen; with *listener* only the name in the URL.

        port: 0 takes a free one. Not used with *listener*.

        listener: Of :func:`listening`. Made here when None.

        ready: Called with the URL as soon as it answers.

    Raises:
        OSError: The address cannot be used.

        ConfigRefused: A configuration given to :func:`create_host` is not valid.
    """
    try:
        with listening(address, port) if listener is None else nullcontext(listener) as bound:
            say = partial(ready, _url(address, bound)) if ready else _nothing
            server = _Server(host, say)
            with _ended_by_signals(server):
                host.start()
                server.run(sockets=[bound])
    finally:
        host.close()


@contextmanager
def serve_in_thread(host: Host, address: str = "127.0.0.1", port: int = 0) -> Iterator[RunningHost]:
    """
    Serve from a thread until the block ends; port 0 takes a free one.

    Raises:
        RuntimeError: The server did not start.
    """
    with listening(address, port) as listener:
        host.start()
        server = _Server(host, _nothing)
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


@contextmanager
def listening(address: str = "127.0.0.1", port: int = 8080) -> Iterator[socket.socket]:
    """
    Take an address for :func:`serve`; until it serves, who connects waits. Port 0: a free one.

    Raises:
        OSError: The address cannot be used.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol has to be named: asyncio sets TCP_NODELAY only where it is, and without that
    # every answer waits for the client's delayed acknowledgement.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()  # now, as an address that is only bound can be bound twice
        yield listener


@contextmanager
def _ended_by_signals(server: _Server) -> Iterator[None]:
    """Hear signals before and after the server does as well. Only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, server.handle_exit) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _nothing() -> None:
    """Nobody waits for the URL."""


def _url(address: str, listener: socket.socket) -> str:
    name = f"[{address}]" if ":" in address else address
    return f"http://{name}:{listener.getsockname()[1]}"


def _config(host: Host) -> uvicorn.Config:
    return uvicorn.Config(
        host.app,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=_GRACE,
    )
