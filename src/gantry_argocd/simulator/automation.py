"""Automated sync: when the controller syncs by itself, and with what."""

from __future__ import annotations

from . import results
from .gojson import Json
from .revisions import sources_of

_RETRIES = 5


def is_automated(app: Json) -> bool:
    """Return whether *app* is synced automatically; releases before 3.1 never keep ``enabled``."""
    automated = (app["spec"].get("syncPolicy") or {}).get("automated")
    return automated is not None and automated.get("enabled") is not False


def due_operation(app: Json, *, fills_in_source: bool) -> Json | None:
    """Return the operation that the controller would start by itself, None for none."""
    status = app["status"]
    deleting = app["metadata"].get("deletionTimestamp")
    if not is_automated(app) or app.get("operation") or deleting:
        return None
    if status["sync"].get("status") != "OutOfSync":
        return None
    policy = app["spec"]["syncPolicy"]
    automated = policy["automated"]
    differing = [
        item
        for item in status.get("resources") or ()
        if not results.is_hook(item) and item.get("status") == "OutOfSync"
    ]
    if not automated.get("prune") and all(item.get("requiresPruning") for item in differing):
        return None
    sync = _desired(app, fills_in_source=fills_in_source)
    if automated.get("prune"):
        sync["prune"] = True
    last = status.get("operationState") or {}
    if _was_synced_to(sync, last):
        # The same revision once more only to heal, and never after a failure.
        if not automated.get("selfHeal") or last.get("phase") != "Succeeded":
            return None
        sync["resources"] = [
            {key: item[key] for key in ("group", "kind", "name") if item.get(key)}
            for item in differing
        ]
        sync["autoHealAttemptsCount"] = 1
    if policy.get("syncOptions"):
        sync["syncOptions"] = policy["syncOptions"]
    retry = policy.get("retry")
    return {
        "sync": sync,
        "initiatedBy": {"automated": True},
        "retry": {"limit": _RETRIES} if retry is None else retry,
    }


def failure_condition(app: Json, moment: str) -> Json | None:
    """Return the condition that tells of a failed automated sync."""
    state = app["status"].get("operationState") or {}
    if state.get("phase") not in ("Failed", "Error"):
        return None
    sync = state["operation"]["sync"]
    revisions = sync.get("revisions") or [sync.get("revision", "")]
    text = f"Failed last sync attempt to {revisions}: {state.get('message', '')}".replace("'", "")
    return {"type": "SyncError", "message": text, "lastTransitionTime": moment}


def _desired(app: Json, *, fills_in_source: bool) -> Json:
    compared = app["status"]["sync"]
    if app["spec"].get("sources"):
        return {"sources": app["spec"]["sources"], "revisions": compared.get("revisions") or []}
    sync: Json = {"revision": compared.get("revision", "")}
    return {**sync, "source": sources_of(app["spec"])[0]} if fills_in_source else sync


def _was_synced_to(sync: Json, last: Json) -> bool:
    before = (last.get("operation") or {}).get("sync") or {}
    return bool(last) and all(
        before.get(name) == sync.get(name) for name in ("revision", "revisions")
    )
