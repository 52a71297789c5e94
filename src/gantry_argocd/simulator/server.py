"""The simulator: one Argo CD API server on a real socket, in a thread of this process."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from .accounts import Accounts
from .admin import Admin
from .clock import SimulatedClock
from .controller import Controller
from .faults import Faults
from .fleet import generate
from .gateway import Gateway
from .gojson import Json
from .life import Life
from .listener import Listener
from .lists import Lists
from .options import Options
from .profiles import LATEST, profile_of
from .projection import ListProjection
from .projects import Projects, built_in_clusters
from .rbac import Policies
from .requests import Requests
from .revisions import Revisions
from .store import CONTROL_PLANE, Fleet, Key, timestamp
from .streams import Streams
from .tokens import Keyring
from .world import World

_TOKENS = ("admin", "reader", "syncer", "paylead", "nobody")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Simulator:
    """An Argo CD API server that exists only as long as this object runs.

    Use it as a context manager, or call `start` and `stop`.
    *apps*, *seed* and *name* decide the fleet and the tokens: the same three give the same again.
    *release* is the Argo CD that it is, one of `PROFILES`.
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
        release: str = LATEST.name,
    ) -> None:
        self.name = name
        self._host = host
        self._root_path = f"/{root_path.strip('/')}" if root_path.strip("/") else ""
        # What everything here goes by, and what tests and the admin route step and speed up.
        self.clock = clock = SimulatedClock(clock)
        self.profile = profile = profile_of(release)
        fleet, projects = Fleet(clock, profile), Projects()
        revisions = Revisions(profile.unresolvable_suffix)
        fleet.adopt(generate(apps, seed, name, now=clock()))
        self._world = World(
            profile=profile,
            options=Options(),
            clock=clock,
            fleet=fleet,
            projects=projects,
            clusters=built_in_clusters(timestamp(clock())),
            policies=Policies(),
            accounts=Accounts(clock),
            keyring=Keyring(f"{name}/{seed}", clock, profile.token_texts),
            revisions=revisions,
            controller=Controller(
                fleet,
                projects,
                revisions,
                clock,
                profile,
                operation_seconds=operation_seconds,
                reconcile_seconds=reconcile_seconds,
            ),
            faults=Faults(),
            streams=Streams(),
            requests=Requests(),
            lists=Lists(),
            rng=random.Random(seed),  # noqa: S311 -- which of several twins a list shows
            control_plane=CONTROL_PLANE,
            namespaces=frozenset(namespaces),
            public_url=public_url or f"https://argocd.{name}.example.com",
            root_path=self._root_path,
            keep_alive_seconds=keep_alive_seconds,
            stopping=threading.Event(),
        )
        # What befalls the fleet from outside; nothing does unless it is told to.
        self.life = Life(
            fleet,
            self._world.controller,
            profile,
            random.Random(f"life/{seed}"),  # noqa: S311 -- what happens, not a secret
        )
        admin = Admin(self._world, self.life, self.restart, self.refuse)
        self._listener = Listener(Gateway(self._world, admin), host, port)
        keyring = self._world.keyring
        self.tokens: Mapping[str, str] = {
            **{account: keyring.issue(account) for account in _TOKENS},
            "ci": keyring.issue("proj:payments:ci"),
        }

    @property
    def url(self) -> str:
        """The base URL; known once the simulator has started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._listener.port}{self._root_path}"

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
    def options(self) -> Options:
        """Settings of the server, which can be changed."""
        return self._world.options

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
    def streams(self) -> Streams:
        """The open watches, and what is done to them on purpose."""
        return self._world.streams

    @property
    def requests(self) -> Requests:
        """The requests received so far."""
        return self._world.requests

    def prepare_list(self, fields: str) -> None:
        """Serialise every Application now as a list with *fields* will, not at the first list."""
        projection = ListProjection.parse(fields, self.profile.list_fields)
        if projection is not None:
            for record in self._world.fleet.records():
                record.projected(projection)

    def settle(self) -> None:
        """Wait until the controller has done everything whose time has come."""
        self._world.controller.scheduler.settle()

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

    def request(self, key: Key, operation: Json, previous: Json | None = None) -> None:
        """Request an operation past all checks; what failed in the *previous* one fails again."""

        def edit(app: Json) -> None:
            app["status"].pop("operationState", None)
            app["operation"] = operation

        self.fleet.change(key, edit)
        self._world.controller.begin(key, previous)

    def terminate(self, key: Key) -> None:
        """Terminate the operation of an Application past all checks."""
        self._world.controller.terminate(key)

    def break_hook(self, name: str, message: str) -> None:
        """Let the hooks of an Application in the control plane fail with *message* from now on."""
        self._world.controller.break_hook((CONTROL_PLANE, name), message)

    def start(self) -> None:
        """Start; returns when connections are accepted."""
        if self._listener.running:
            raise RuntimeError("the simulator runs already")
        self._world.stopping.clear()
        self._listener.start()
        self._world.controller.start()

    def stop(self) -> None:
        """Stop; open streams end without a terminating chunk, as on a SIGTERM."""
        if not self._listener.running:
            return
        self._world.stopping.set()
        self._listener.stop()
        self._world.controller.stop()

    def restart(
        self, *, hard: bool = False, drain_seconds: float = 20.0, down_seconds: float = 0.0
    ) -> None:
        """Restart as a server does, and return at once; the fleet stays as it is.

        Ended in order, it closes the port at once, and its watches *drain_seconds* later, without
        a terminating chunk. *hard* is a crash: everything ends at once. The port opens again
        *down_seconds* after the end.
        """
        if hard:
            self._listener.call_later(0, lambda: self._end(down_seconds))
            return

        def close() -> None:
            self._listener.refuse()
            self._listener.close_idle()

        self._listener.call_later(0, close)
        self._listener.call_later(drain_seconds, lambda: self._end(down_seconds))

    def refuse(self, seconds: float) -> None:
        """Refuse new connections for a while, as in a restart inside the process."""
        self._listener.call_later(0, self._listener.refuse)
        self._listener.call_later(seconds, self._listener.accept)

    def _end(self, down_seconds: float) -> None:
        self._listener.refuse()
        self._listener.abort()
        self._world.accounts.forget_failures()
        self._listener.call_later(down_seconds, self._listener.accept)

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
