"""The words of Argo CD with a shape and a colour: a badge says the same in grey and aloud."""

from __future__ import annotations

import attrs

from ..status import HEALTH_ORDER, SYNC_ORDER
from . import text

_LOOKS = {
    "Synced": ("good", "check"),
    "Healthy": ("good", "check"),
    "OutOfSync": ("drift", "alert"),
    "Degraded": ("bad", "cross"),
    "Progressing": ("busy", "clock"),
    "Missing": ("missing", "alert"),
    "Suspended": ("paused", "pause"),
}
_UNKNOWN = ("unknown", "help")


@attrs.frozen(kw_only=True)
class Badge:
    """
    A status.

    Attributes:
        subject: What it is a status of, for those who hear it: ``Sync``, ``Health``.

        word: As Argo CD says it; ``Unknown`` when it says nothing.

        tone: Ends a CSS class: good, drift, bad, busy, missing, paused or unknown.

        icon: Name of a glyph: check, alert, cross, clock, pause or help.

        title: A tooltip. Empty in most.
    """

    subject: str
    word: str
    tone: str
    icon: str
    title: str = ""


def sync_badge(word: str) -> Badge:
    """Show a sync status; words that are not known keep their text and look like Unknown."""
    return _badge("Sync", word, SYNC_ORDER)


def health_badge(word: str, sync: str = "Synced") -> Badge:
    """
    Show a health status.

    Argo CD calls an application healthy whose manifests or cluster never loaded. So with a sync
    status that says nothing, ``Healthy`` is shown as ``Unknown``.
    """
    if word == "Healthy" and not compared(sync):
        tone, icon = _UNKNOWN
        title = "Argo CD’s word is Healthy, but manifests or cluster never loaded"
        return Badge(subject="Health", word="Unknown", tone=tone, icon=icon, title=title)
    return _badge("Health", word, HEALTH_ORDER)


def compared(sync: str) -> bool:
    """Say whether Argo CD could compare the application, so that its health means something."""
    return sync not in {"", "Unknown"}


def is_well(sync: str, health: str) -> bool:
    """Say whether nothing needs to be done."""
    return sync == "Synced" and health == "Healthy"


def _badge(subject: str, word: str, known: tuple[str, ...]) -> Badge:
    word = text.line(word, 40) or "Unknown"
    tone, icon = _LOOKS.get(word, _UNKNOWN) if word in known else _UNKNOWN
    return Badge(subject=subject, word=word, tone=tone, icon=icon)
