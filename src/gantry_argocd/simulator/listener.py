"""The port of a simulated server and its connections: opened, closed, cut off and opened again."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 512
_JOIN_SECONDS = 2.0


class _Server(uvicorn.Server):
    """A uvicorn server that says when it accepts connections, and on which loop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.accepting.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # What a client does not read would keep its connection from ever closing.
        self.abort()
        await asyncio.sleep(0)

    def abort(self) -> None:
        """Cut off every connection, whatever was to be sent on it."""
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()


class Listener:
    """One server on one port, in a thread of its own."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None

    def start(self) -> None:
        """Start; returns when connections are accepted. Raises OSError if the port is taken."""
        # Port 0 is settled here and kept, so a simulator stopped and started again is found.
        listening = self._bind()
        self._server = server = _Server(
            uvicorn.Config(
                self._app,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                h11_max_incomplete_event_size=1_048_576,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._run, args=(server, listening), name="argocd-server", daemon=True
        )
        self._thread.start()
        server.accepting.wait()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self.port), family=family, backlog=_BACKLOG)
        self.port = listening.getsockname()[1]
        return listening

    @staticmethod
    def _run(server: _Server, listening: socket.socket) -> None:
        try:
            asyncio.run(server.serve(sockets=[listening]))
        finally:
            server.accepting.set()

    def stop(self) -> None:
        """Stop and wait for the thread to end."""
        if self._thread is None or self._server is None:
            return
        self._server.should_exit = True
        self._thread.join(_JOIN_SECONDS)
        self._thread = self._server = None

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call *call* in the server's thread, *seconds* from now; not at all once it stopped."""
        loop = None if self._server is None else self._server.loop
        if loop is None:
            return
        loop.call_soon_threadsafe(lambda: loop.call_later(seconds, call))

    # -- only in the server's thread, by `call_later` -----------------------------------------

    def refuse(self) -> None:
        """Close the port; connections that are open stay."""
        for server in self._running().servers:
            server.close()

    def accept(self) -> None:
        """Open the port again, the same one as before."""
        server = self._running()
        server.servers = []
        reopened = asyncio.ensure_future(server.startup(sockets=[self._bind()]))
        reopened.add_done_callback(lambda task: task.result())

    def close_idle(self) -> None:
        """Close connections nothing is asked on, the others once they are answered."""
        for connection in list(self._running().server_state.connections):
            connection.shutdown()

    def abort(self) -> None:
        """Cut off every connection, whatever was to be sent on it."""
        self._running().abort()

    def _running(self) -> _Server:
        if self._server is None:
            raise RuntimeError("the simulator does not run")
        return self._server
