"""The same histories in the reference host's catalogue, in SQLite, a transaction for each step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from hypothesis import settings
from test_history import History
from world import World

from gantry_argocd.catalogue.ledger import Ledger
from gantry_argocd.correlation import Answer, Outcome, entity_key, receive
from gantry_argocd.hookspecs import Applied, Change, Correlation, Entity, WriteMode
from gantry_argocd.refhost import Host, HostOptions, create_host
from gantry_argocd.refhost.documents import Key, document
from gantry_argocd.refhost.foreign import ForeignWrite, Received
from gantry_argocd.refhost.trail import Actor
from gantry_argocd.refs import EntityKey

PERSON = Actor("ada", source="api")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Writer:
    """What the host offers to the plugin."""

    def __init__(self, host: Host) -> None:
        self._catalogue = host.catalogue
        self.written = 0

    def update(self, correlate: Callable[[Sequence[Entity]], Sequence[Change]]) -> Applied:
        """Correlate in a transaction."""
        applied = self._catalogue.update(correlate, PERSON)
        self.written = applied["created"] + applied["updated"] + applied["deleted"]
        return applied

    def audit(self, record: Mapping[str, Any]) -> None:
        """Keep nothing."""


class HostedWorld(World):
    """A world whose catalogue is the host's, with the plugin's own memory of it."""

    def __init__(self, host: Host) -> None:
        self._catalogue = host.catalogue
        self._writer = Writer(host)
        super().__init__()
        self.restart()

    @property
    def rows(self) -> dict[EntityKey, dict[str, Any]]:  # type: ignore[override]
        """The rows as they are in the database."""
        return {EntityKey(*key): dict(row.doc) for key, row in self._catalogue.rows().items()}

    @rows.setter
    def rows(self, rows: Mapping[EntityKey, Any]) -> None:
        assert not rows

    def restart(self) -> None:
        """Forget everything but the catalogue."""
        self.ledger = Ledger(
            self._writer, sources=lambda: list(self.instances.values()), now=lambda: self.now
        )

    # --- what the host asks its plugins -------------------------------------------------------

    def receive_write(
        self, stored: Entity | None, body: Entity | None, mode: WriteMode
    ) -> Received:
        """Say what is to be stored."""
        return Received(answered=True, row=receive(stored, body, mode))

    def correlators(self) -> Sequence[Callable[[Sequence[Entity]], Correlation | None]]:
        """Correlate after each write of others."""
        return [self.ledger.correlate]

    # --- what the world does ------------------------------------------------------------------

    def _correlate(self, answers: list[Answer]) -> Any:
        heard = {a.source.name: a for a in answers if a.outcome is not Outcome.SILENT}
        result = self.ledger.apply(heard)
        assert self.ledger.look().changes == ()
        self.ledger.apply({})
        assert self._writer.written == 0
        return result

    def _write(self, body: dict[str, Any], stored: dict[str, Any] | None, mode: Any) -> None:
        key = entity_key(body)
        assert key is not None
        mode = "create" if mode == "replace" and stored is None else mode
        self._do(ForeignWrite(mode, Key(*key), body))

    def delete(self, name: str, namespace: str = "default") -> None:
        """Let a person delete an entity."""
        self._do(ForeignWrite("delete", Key("Service", namespace, name)))

    def _do(self, write: ForeignWrite) -> None:
        self._catalogue.write([write], self, PERSON)


class HostedHistory(History):
    """Everything that can happen to a catalogue in a database."""

    def make_world(self) -> World:
        """Make a host with an empty database."""
        self._folder = tempfile.TemporaryDirectory()
        options = HostOptions(installed=(), hasher=CHEAP, clock=self._now)
        self._host = create_host(data_dir=Path(self._folder.name), options=options)
        return HostedWorld(self._host)

    def _now(self) -> Any:
        # The host wants the time before the world is there.
        world = getattr(self, "world", None)
        return (world or World()).now + timedelta(seconds=1)

    def form(self, entity: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give an entity as the host keeps it."""
        return document(entity)

    def teardown(self) -> None:
        """Close the host."""
        self._host.close()
        self._folder.cleanup()


TestHostedHistory = HostedHistory.TestCase
TestHostedHistory.settings = settings(
    max_examples=max(1, settings().max_examples // 50), stateful_step_count=15
)
