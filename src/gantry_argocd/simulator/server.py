"""The simulator: one Argo CD API server on a real socket, in a thread of this process."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import uvicorn

from .accounts import Accounts
from .controller import Controller
from .faults import Faults
from .fleet import generate
from .gateway import Gateway
from .projects import Projects, built_in_clusters
from .rbac import Policies
from .requests import Requests
from .revisions import Revisions
from .store import CONTROL_PLANE, Fleet, timestamp
from .tokens import Keyring
from .world import World

_TOKENS = ("admin", "reader", "syncer", "paylead", "nobody")
_STOP_SECONDS = 2.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Server(uvicorn.Server):
    """A uvicorn server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()


class Simulator:
    """An Argo CD 3.5.1 API server that exists only as long as this object runs.

    Use it as a context manager, or call `start` and `stop`.
    *apps*, *seed* and *name* decide the fleet and the tokens: the same three give the same again.
    *operation_seconds* is how long a sync takes, *reconcile_seconds* how long a refresh.
    """

    def __init__(
        self,
        *,
        apps: int = 40,
        seed: int = 1,
        name: str = "production",
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], datetime] = _utc_now,
        operation_seconds: float = 4.0,
        reconcile_seconds: float = 0.05,
        root_path: str = "",
        keep_alive_seconds: float = 15.0,
        namespaces: tuple[str, ...] = (CONTROL_PLANE, "team-a", "team-b"),
        public_url: str = "",
    ) -> None:
        self._host, self._port = host, port
        self._root_path = f"/{root_path.strip('/')}" if root_path.strip("/") else ""
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        fleet, projects, revisions = Fleet(clock), Projects(), Revisions()
        fleet.adopt(generate(apps, seed, name, now=clock()))
        self._world = World(
            clock=clock,
            fleet=fleet,
            projects=projects,
            clusters=built_in_clusters(timestamp(clock())),
            policies=Policies(),
            accounts=Accounts(clock),
            keyring=Keyring(f"{name}/{seed}", clock),
            revisions=revisions,
            controller=Controller(
                fleet,
                projects,
                revisions,
                clock,
                operation_seconds=operation_seconds,
                reconcile_seconds=reconcile_seconds,
            ),
            faults=Faults(),
            requests=Requests(),
            rng=random.Random(seed),  # noqa: S311 -- which of several twins a list shows
            control_plane=CONTROL_PLANE,
            namespaces=frozenset(namespaces),
            public_url=public_url or f"https://argocd.{name}.example.com",
            root_path=self._root_path,
            keep_alive_seconds=keep_alive_seconds,
            stopping=threading.Event(),
        )
        keyring = self._world.keyring
        self.tokens: Mapping[str, str] = {
            **{account: keyring.issue(account) for account in _TOKENS},
            "ci": keyring.issue("proj:payments:ci"),
        }

    @property
    def url(self) -> str:
        """The base URL; known once the simulator has started."""
        return f"http://{self._host}:{self._port}{self._root_path}"

    @property
    def token(self) -> str:
        """An API token of the admin account."""
        return self.tokens["admin"]

    @property
    def fleet(self) -> Fleet:
        """The Applications."""
        return self._world.fleet

    @property
    def projects(self) -> Projects:
        """The projects, with their sync windows."""
        return self._world.projects

    @property
    def policies(self) -> Policies:
        """Who may do what."""
        return self._world.policies

    @property
    def accounts(self) -> Accounts:
        """The local accounts and their failed logins."""
        return self._world.accounts

    @property
    def faults(self) -> Faults:
        """Faults on purpose."""
        return self._world.faults

    @property
    def requests(self) -> Requests:
        """The requests received so far."""
        return self._world.requests

    def issue_token(
        self, subject: str, *, lifetime: float | None = None, capability: str = "apiKey"
    ) -> str:
        """Return another token of *subject*; a negative *lifetime* gives an expired one."""
        return self._world.keyring.issue(subject, lifetime=lifetime, capability=capability)

    def revoke_token(self, token: str) -> None:
        """Refuse *token* from now on."""
        self._world.keyring.revoke(token)

    def break_sync(self, name: str, message: str | None, *, namespace: str = CONTROL_PLANE) -> None:
        """Let every sync of an Application fail with *message*; None lets it succeed again."""
        self._world.controller.break_sync((namespace, name), message)

    def end_streams(self) -> None:
        """End every open stream the way a restarting server does."""
        self._world.faults.end_streams()

    def start(self) -> None:
        """Start; returns when connections are accepted."""
        if self._thread is not None:
            raise RuntimeError("the simulator runs already")
        self._world.stopping.clear()
        # Port 0 is settled here and kept, so a simulator stopped and started again is found.
        self._socket = socket.create_server((self._host, self._port), backlog=512)
        self._port = self._socket.getsockname()[1]
        config = uvicorn.Config(
            Gateway(self._world),
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=True,
            h11_max_incomplete_event_size=1_048_576,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._run, args=(self._server, self._socket), name="argocd-server", daemon=True
        )
        self._world.controller.start()
        self._thread.start()
        self._server.accepting.wait()

    @staticmethod
    def _run(server: _Server, listening: socket.socket) -> None:
        try:
            asyncio.run(server.serve(sockets=[listening]))
        finally:
            server.accepting.set()

    def stop(self) -> None:
        """Stop; open streams end without a terminating chunk, as on a SIGTERM."""
        if self._thread is None or self._server is None:
            return
        self._world.stopping.set()
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._world.controller.stop()
        self._thread = self._server = self._socket = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
