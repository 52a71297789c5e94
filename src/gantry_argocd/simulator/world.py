"""What the parts of one simulated server share, and how they find an Application for a caller."""

from __future__ import annotations

import random
import threading

import attrs

from .accounts import Accounts
from .clock import SimulatedClock
from .codes import CallFailed, Code, permission_denied
from .controller import Controller
from .faults import Faults
from .gojson import Json
from .lists import Lists
from .options import Options
from .profiles import Profile
from .projects import Projects
from .rbac import Policies, application_object
from .requests import Requests
from .revisions import Revisions
from .store import Fleet, Record, timestamp
from .streams import Streams
from .tokens import Identity, Keyring


@attrs.frozen
class World:
    """The state of one simulated server; every part of it is thread-safe."""

    profile: Profile
    options: Options
    clock: SimulatedClock
    fleet: Fleet
    projects: Projects
    clusters: list[Json]
    policies: Policies
    accounts: Accounts
    keyring: Keyring
    revisions: Revisions
    controller: Controller
    faults: Faults
    streams: Streams
    requests: Requests
    lists: Lists
    rng: random.Random
    control_plane: str
    namespaces: frozenset[str]
    public_url: str
    root_path: str
    keep_alive_seconds: float
    stopping: threading.Event

    def now(self) -> str:
        """Return the present as Argo CD writes times."""
        return timestamp(self.clock())

    def may(self, identity: Identity, action: str, record: Record) -> bool:
        """Return whether the caller may do *action* on an Application."""
        target = self.object_of(record)
        return self.policies.allowed(identity.subject, "applications", action, target)

    def visible(self, identity: Identity, records: list[Record]) -> list[Record]:
        """Return those of *records* that the caller may read."""
        if self.policies.allows_all(identity.subject, "applications", "get"):
            return records
        return [record for record in records if self.may(identity, "get", record)]

    def require(self, identity: Identity, resource: str, action: str, target: str) -> None:
        """Raise CallFailed with the long refusal, which names subject and object."""
        if not self.policies.allowed(identity.subject, resource, action, target):
            issued = timestamp(self.clock().fromtimestamp(identity.issued_at, self.clock().tzinfo))
            raise CallFailed(
                Code.PERMISSION_DENIED,
                f"permission denied: {resource}, {action}, {target}, "
                f"sub: {identity.subject}, iat: {issued}",
            )

    @property
    def logs_need_a_right(self) -> bool:
        """Whether logs need ``logs, get``."""
        return self.profile.logs_need_a_right or self.options.logs_need_a_right

    def object_of(self, record: Record) -> str:
        """Return the RBAC object of an Application."""
        return application_object(record.project, *record.key, self.control_plane)

    def find(
        self, identity: Identity, name: str, *, namespace: str, project: str, action: str = "get"
    ) -> Record:
        """Return an Application the caller may see; raises CallFailed.

        Whether a missing one is 403 or 404 depends on whether the caller named the project.
        """
        namespace = namespace or self.control_plane
        if namespace not in self.namespaces:
            raise permission_denied()
        record = self.fleet.record((namespace, name))
        if project:
            target = application_object(project, namespace, name, self.control_plane)
            if not self.policies.allowed(identity.subject, "applications", action, target):
                raise permission_denied()
            if record is None or record.project != project:
                raise CallFailed(Code.NOT_FOUND, f'applications.argoproj.io "{name}" not found')
        elif record is None or not self.may(identity, action, record):
            raise permission_denied()
        if not self.projects.allows(record.project, namespace, self.control_plane):
            raise CallFailed(
                Code.INVALID_ARGUMENT,
                f'app is not allowed in project "{record.project}", or the project does not exist',
            )
        return record
