"""
What a sync of the catalogue came to, while it runs and afterwards (D5).
"""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from ..correlation import Outcome, rfc3339

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from ..correlation import Result
    from ..instances.hub import Heard
    from ..refs import EntityKey
    from .ledger import Applied


@attrs.frozen
class InstanceReport:
    """What came of one instance."""

    name: str
    state: str
    apps: int
    duration_ms: int
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """Give it as in the REST answer."""
        return {
            "name": self.name,
            "state": self.state,
            "apps": self.apps,
            "durationMs": self.duration_ms,
            "error": self.error,
        }


MOST_NOTES = 500
"""Sentences about the catalogue in a report: anybody may write twenty thousand dead links."""


class SyncRun:
    """
    One sync; filled by the thread that runs it, read by everybody.

    Args:
        started_at: When it began.
    """

    def __init__(self, started_at: datetime) -> None:
        self.done = threading.Event()
        self._lock = threading.Lock()
        self._started_at = started_at
        self._finished_at: datetime | None = None
        self._created: set[tuple[str, str]] = set()
        self._updated: set[tuple[str, str]] = set()
        self._removed: set[tuple[str, str]] = set()
        self._entities: set[EntityKey] = set()
        self._apps = 0
        self._retired = 0
        self._held_back = 0
        self._errors: list[str] = []
        self._notes: dict[str, None] = {}
        self._instances: dict[str, InstanceReport] = {}

    @property
    def all_failed(self) -> bool:
        """Say whether no instance answered."""
        with self._lock:
            return bool(self._instances) and all(
                report.state == "failed" for report in self._instances.values()
            )

    @property
    def failed(self) -> Sequence[str]:
        """Name the instances that did not answer."""
        with self._lock:
            return [r.name for r in self._instances.values() if r.state == "failed"]

    def add(
        self,
        heard: Sequence[Heard],
        result: Applied | Result,
        entities: Collection[EntityKey],
        *,
        written: bool = True,
    ) -> None:
        """
        Count what a batch of answers changed; nothing when it was not written.

        Args:
            heard: The answers.

            result: What they came to.

            entities: All that have apps now.

            written: The changes are in the catalogue.
        """
        with self._lock:
            for change in result.changes if written else ():
                spot = (change["namespace"], change["name"])
                if change["action"] == "create":
                    self._created.add(spot)
                elif change["action"] == "update":
                    self._updated.add(spot)
                else:
                    self._removed.add(spot)
            self._entities = set(entities)
            self._retired += len(result.retired)
            self._held_back = sum(len(held.missing) for held in result.held.values())
            for answer in heard:
                self._add_instance(answer, result)
                self._errors += answer.problems
                if answer.error is not None:
                    self._errors.append(str(answer.error))
            self._notes |= dict.fromkeys(result.problems)

    def _add_instance(self, answer: Heard, result: Applied | Result) -> None:
        name = answer.source.name
        state = {Outcome.COMPLETE: "ok", Outcome.PARTIAL: "partial"}.get(answer.outcome, "failed")
        if name in result.held and state == "ok":
            state = "heldBack"
        self._apps += len(answer.apps)
        self._instances[name] = InstanceReport(
            name=name,
            state=state,
            apps=len(answer.apps),
            duration_ms=round(answer.seconds * 1000),
            error=str(answer.error) if answer.error else None,
        )

    def fail(self, text: str) -> None:
        """Note a failure that is no instance's."""
        with self._lock:
            self._errors.append(text)

    def finish(self, at: datetime) -> None:
        """Note the end."""
        with self._lock:
            self._finished_at = at
        self.done.set()

    def _told(self) -> Sequence[str]:
        """Give what is to be said of the catalogue, and of most how much more there is."""
        notes = [*islice(self._notes, MOST_NOTES)]
        more = len(self._notes) - len(notes)
        return [*notes, f"and {more:,} more notes about the catalogue"] if more else notes

    def as_json(self) -> Mapping[str, Any]:
        """Give it as in the REST answer."""
        with self._lock:
            created = self._created - self._removed
            updated = self._updated - self._removed - created
            present = {(key.namespace, key.name) for key in self._entities}
            return {
                "running": self._finished_at is None,
                "startedAt": rfc3339(self._started_at),
                "finishedAt": rfc3339(self._finished_at) if self._finished_at else None,
                "apps": self._apps,
                "created": len(created),
                "updated": len(updated),
                "unchanged": len(present - created - updated),
                "removed": len(self._removed - self._created),
                "retired": self._retired,
                "heldBack": self._held_back,
                "errors": [*self._errors, *self._told()],
                "instances": [r.as_json() for _, r in sorted(self._instances.items())],
            }
