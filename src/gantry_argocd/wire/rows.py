"""
The rows of a list, decoded straight into what the catalogue needs of them: the quick way.

A large answer is mostly what nobody asks for. msgspec reads the rest without making objects of
it. Whatever it does not take for granted is read the thorough way (``raw``), which says what is
wrong; where both read an answer, they read the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .decoding import PERHAPS_HALF, is_padded


class _Part(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A part of an Application. Absent, null and empty mean the same."""


class Source(_Part, frozen=True):
    """``spec.source`` and its copies elsewhere."""

    repo_url: str | None = msgspec.field(default=None, name="repoURL")
    path: str | None = None
    chart: str | None = None
    target_revision: str | None = None
    ref: str | None = None
    name: str | None = None


_NO_SOURCE = Source()


class SyncSource(_Part, frozen=True):
    """``spec.sourceHydrator.syncSource``."""

    repo_url: str | None = msgspec.field(default=None, name="repoURL")
    target_branch: str | None = None
    path: str | None = None


class Hydrator(_Part, frozen=True):
    """``spec.sourceHydrator``."""

    dry_source: Source | None = None
    sync_source: SyncSource | None = None


class Destination(_Part, frozen=True):
    """``spec.destination``."""

    server: str | None = None
    name: str | None = None
    namespace: str | None = None


class Spec(_Part, frozen=True):
    """``spec``."""

    project: str | None = None
    destination: Destination | None = None
    source: Source | None = None
    sources: tuple[Source | None, ...] | None = None
    source_hydrator: Hydrator | None = None

    def chosen(self) -> tuple[Source, ...]:
        """Give the sources that people edit, as the thorough way does."""
        hydrator = self.source_hydrator
        if hydrator is not None and hydrator.dry_source and hydrator.dry_source.repo_url:
            return (hydrator.dry_source,)
        if self.sources:
            return tuple(source or _NO_SOURCE for source in self.sources)
        one = self.source
        if one is None or not (one.repo_url or any(msgspec.structs.astuple(one))):
            return ()
        return (one,)


class Metadata(_Part, frozen=True):
    """``metadata``."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    labels: dict[str, Any] | None = None
    annotations: dict[str, Any] | None = None


class Sync(_Part, frozen=True):
    """``status.sync``."""

    status: str | None = None
    revision: str | None = None
    revisions: tuple[str | None, ...] | None = None


class Health(_Part, frozen=True):
    """``status.health``."""

    status: str | None = None
    message: str | None = None


class Status(_Part, frozen=True):
    """``status``."""

    sync: Sync | None = None
    health: Health | None = None


class Row(_Part, frozen=True):
    """An Application."""

    metadata: Metadata | None = None
    spec: Spec | None = None
    status: Status | None = None


class _Answer(_Part, frozen=True):
    items: list[Row | None]


class Decoder:
    """Decodes lists. Making one takes a moment, so keep it."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Answer)

    def rows(self, content: bytes) -> list[Row | None] | None:
        """Decode a list; None where anything in it is not as it should be."""
        if PERHAPS_HALF.search(content) or is_padded(content):
            return None
        try:
            return self._decoder.decode(content).items
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return None


EMPTY_ROW, EMPTY_METADATA, EMPTY_SPEC, EMPTY_STATUS = Row(), Metadata(), Spec(), Status()
EMPTY_SYNC, EMPTY_HEALTH, EMPTY_DESTINATION = Sync(), Health(), Destination()
