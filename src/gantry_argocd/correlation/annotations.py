"""
The ``argocd.io/`` annotations: the one published list (correlation rule 2, requirement D3).
"""

from __future__ import annotations

from urllib.parse import quote, unquote

PREFIX = "argocd.io/"

APP_NAME = "argocd.io/appName"
"""The primary app. A person may write it: then it is a link (C2)."""

APP_NAMES = "argocd.io/appNames"
"""Refs of all apps, comma-separated. A person may write it: then its elements are links (C2)."""

NAMESPACE = "argocd.io/namespace"
SYNC_STATUS = "argocd.io/syncStatus"
HEALTH_STATUS = "argocd.io/healthStatus"
REPO_URL = "argocd.io/repoURL"
PROJECT = "argocd.io/project"
DEST_NAMESPACE = "argocd.io/destNamespace"
DEST_SERVER = "argocd.io/destServer"
DEST_NAME = "argocd.io/destName"
APPS = "argocd.io/apps"
STALE_SINCE = "argocd.io/staleSince"
PROVENANCE = "argocd.io/provenance"

OURS_ALONE = (
    NAMESPACE,
    SYNC_STATUS,
    HEALTH_STATUS,
    REPO_URL,
    PROJECT,
    DEST_NAMESPACE,
    DEST_SERVER,
    DEST_NAME,
    APPS,
    STALE_SINCE,
    PROVENANCE,
)
"""Always rewritten, whoever edits them. ``appName`` and ``appNames`` are not among them."""


def format_app_state(ref: str, sync: str, health: str) -> str:
    """Write one element of ``argocd.io/apps``: ``ref=sync/health``."""
    return f"{ref}={_word(sync)}/{_word(health)}"


def _word(word: str) -> str:
    # A word that a later Argo CD invents must not be able to break the list.
    return word if word.isalnum() and word.isascii() else quote(word, safe="")


def parse_app_states(text: object) -> tuple[tuple[str, str, str], ...]:
    """Read ``argocd.io/apps`` as (ref, sync, health); what is no such element is left out."""
    if not isinstance(text, str):
        return ()
    states = []
    for element in text.split(","):
        ref, equals, words = element.strip().rpartition("=")
        sync, slash, health = words.partition("/")
        if ref and equals and slash:
            states.append((ref, unquote(sync), unquote(health)))
    return tuple(states)
