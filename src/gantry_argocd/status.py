"""
The orders of sync and health, in one place (correlation rule 13).

Unknown words rank with ``Unknown`` and are kept as Argo CD says them: a later release may add
some, and hiding them would hide a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SYNC_ORDER = ("Synced", "OutOfSync", "Unknown")
"""From best to worst."""

HEALTH_ORDER = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
"""From best to worst; Argo CD's own order."""


def worst_sync(statuses: Iterable[str]) -> str:
    """Give the worst of *statuses*; ``Unknown`` for an empty text and for none at all."""
    return _worst(statuses, SYNC_ORDER)


def worst_health(statuses: Iterable[str]) -> str:
    """Give the worst of *statuses*; ``Unknown`` for an empty text and for none at all."""
    return _worst(statuses, HEALTH_ORDER)


def sync_rank(status: str) -> int:
    """Say how bad *status* is; higher is worse."""
    return _rank(status, SYNC_ORDER)


def health_rank(status: str) -> int:
    """Say how bad *status* is; higher is worse."""
    return _rank(status, HEALTH_ORDER)


def _rank(status: str, order: tuple[str, ...]) -> int:
    return order.index(status) if status in order else len(order) - 1


def _worst(statuses: Iterable[str], order: tuple[str, ...]) -> str:
    # Ties of unknown words are decided by the first in text order, so the roll-up does not
    # depend on the order of the applications.
    found = {status or "Unknown" for status in statuses}
    return min(found, key=lambda status: (-_rank(status, order), status), default="Unknown")
