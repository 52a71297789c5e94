"""What a sync does to each resource, and what the controller says about it."""

from __future__ import annotations

import itertools
from collections.abc import Container, Mapping

from .gojson import Json
from .profiles import Profile
from .store import has_health_check

ResourceKey = tuple[str, str, str, str]
_WITH_IMAGES = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod"})
_WORST_FIRST = ("Unknown", "Degraded", "Missing", "Progressing", "Suspended", "Healthy")
NO_SUCH_CLUSTER = "there are no clusters with this name"
SERVER_SIDE_FORCE = "error validating options: --force cannot be used with --server-side"


def resource_key(resource: Json) -> ResourceKey:
    """Return what identifies a resource within an Application."""
    names = ("group", "kind", "namespace", "name")
    group, kind, namespace, name = (str(resource.get(key) or "") for key in names)
    return group, kind, namespace, name


def is_hook(resource: Json) -> bool:
    """Return whether a listed resource is a live hook, not part of the desired state."""
    return bool(resource.get("hook"))


def strategy_of(sync: Json) -> tuple[str, bool]:
    """Return the strategy of a sync, ``hook`` unless said otherwise, and whether it forces."""
    strategy = sync.get("syncStrategy") or {}
    kind = "apply" if strategy.get("apply") is not None else "hook"
    return kind, bool((strategy.get(kind) or {}).get("force"))


def chosen_resources(app: Json, sync: Json) -> list[Json]:
    """Return the resources a sync touches; hooks only with the hook strategy, unselected."""
    resources = app.get("status", {}).get("resources") or []
    selection = sync.get("resources") or []
    if selection:
        wanted = [resource_key(item) for item in selection]
        return [
            item
            for item in resources
            if not is_hook(item) and any(_selected(resource_key(item), want) for want in wanted)
        ]
    with_hooks = strategy_of(sync)[0] == "hook" and not sync.get("dryRun")
    return [item for item in resources if with_hooks or not is_hook(item)]


def _selected(key: ResourceKey, want: ResourceKey) -> bool:
    # A selection may leave the namespace out; it then means any.
    return key[:2] == want[:2] and key[3] == want[3] and want[2] in ("", key[2])


def failures_of(
    app: Json, sync: Json, expected: Mapping[ResourceKey, str], profile: Profile
) -> dict[ResourceKey, str]:
    """Return which of the touched resources fail to apply, and why."""
    chosen = [item for item in chosen_resources(app, sync) if not is_hook(item)]
    server_side = "ServerSideApply=true" in (sync.get("syncOptions") or ())
    if strategy_of(sync)[1] and server_side and profile.force_breaks_server_side_apply:
        return {resource_key(item): SERVER_SIDE_FORCE for item in chosen}
    keys = {resource_key(item) for item in chosen}
    return {key: message for key, message in expected.items() if key in keys}


def earlier_failures(state: Json | None) -> dict[ResourceKey, str]:
    """Return what failed to apply in an earlier operation and would fail again."""
    result = (state or {}).get("syncResult") or {}
    return {
        resource_key(item): str(item.get("message", ""))
        for item in result.get("resources") or ()
        if item.get("status") == "SyncFailed" and item.get("message") != SERVER_SIDE_FORCE
    }


def stages(app: Json, sync: Json) -> list[list[Json]]:
    """Return what a sync touches in the order in which it does: hooks, then wave after wave."""
    chosen = chosen_resources(app, sync)
    hooks = [item for item in chosen if is_hook(item)]
    plain = [item for item in chosen if not is_hook(item)]
    waves = sorted({_wave(item) for item in plain})
    found = [[item for item in plain if _wave(item) == wave] for wave in waves]
    return [stage for stage in (hooks, *found) if stage]


def _wave(item: Json) -> int:
    return int(item.get("syncWave", 0))


def reached(app: Json, sync: Json, failures: Mapping[ResourceKey, str]) -> int:
    """Return how many stages a sync comes to: those after one with a failure are not begun."""
    found = stages(app, sync)
    for number, stage in enumerate(found, start=1):
        if any(resource_key(item) in failures for item in stage):
            return number
    return len(found)


def resource_results(
    app: Json,
    sync: Json,
    *,
    running: bool,
    failures: Mapping[ResourceKey, str],
    until: int,
    profile: Profile,
) -> list[Json]:
    """Return ``syncResult.resources`` of a sync that is *running* or has ended.

    Only the first *until* stages have begun, and of a running sync all but the last have ended.
    """
    images = app.get("status", {}).get("summary", {}).get("images") or []
    results: list[Json] = []
    begun = stages(app, sync)[:until]
    for item in itertools.chain.from_iterable(begun):
        result: Json = {"group": item.get("group", "")}
        result.update({k: item[k] for k in ("version", "kind", "namespace", "name") if k in item})
        if is_hook(item):
            result |= _hook_result(item, profile, running=running and until == 1)
        else:
            # Plain resources of a finished sync really say Running; a dry run does not.
            failed = bool(failures) and not running and profile.failure_ends_phases
            result |= _plain_result(item, sync, failures, ended=failed)
        if images and item.get("kind") in _WITH_IMAGES:
            result["images"] = images[:1]
        results.append(result)
    return results


def failed_hooks(app: Json, sync: Json, message: str, profile: Profile) -> list[Json]:
    """Return ``syncResult.resources`` of a sync whose PreSync hooks failed with *message*."""
    return [
        {
            "group": item.get("group", ""),
            **{k: item[k] for k in ("version", "kind", "namespace", "name") if k in item},
            **_hook_result(item, profile, running=False),
            "hookPhase": "Failed",
            "message": message,
        }
        for item in chosen_resources(app, sync)
        if is_hook(item)
    ]


def _hook_result(item: Json, profile: Profile, *, running: bool) -> Json:
    name = f"{str(item.get('kind', '')).lower()}.{item.get('group', '')}/{item.get('name')}"
    status = {"status": "Synced"} if profile.hooks_have_status else {}
    return {
        **status,
        "message": f"{name} created" if running else "Reached expected number of succeeded pods",
        "hookType": "PreSync",
        "hookPhase": "Running" if running else "Succeeded",
        "syncPhase": "PreSync",
    }


def _plain_result(
    item: Json, sync: Json, failures: Mapping[ResourceKey, str], *, ended: bool
) -> Json:
    suffix = " (dry run)" if sync.get("dryRun") else ""
    done: Json = {"hookPhase": "Succeeded", "syncPhase": "Sync"}
    if item.get("requiresPruning"):
        if sync.get("prune"):
            return {"status": "Pruned", "message": f"pruned{suffix}", **done}
        return {"status": "PruneSkipped", "message": "ignored (requires pruning)", **done}
    failure = failures.get(resource_key(item))
    if failure is not None:
        return {**done, "status": "SyncFailed", "message": failure, "hookPhase": "Failed"}
    group = f".{item['group']}" if item.get("group") else ""
    verb = f"unchanged{suffix}"
    if "ServerSideApply=true" in (sync.get("syncOptions") or ()):
        # Said of what changes and of what does not.
        verb = "serverside-applied" + (" (server dry run)" if suffix else "")
    elif item.get("status") != "Synced":
        verb = ("created" if _health(item) == "Missing" else "configured") + suffix
    return {
        "status": "Synced",
        "message": f"{str(item.get('kind', '')).lower()}{group}/{item.get('name')} {verb}",
        "hookPhase": "Succeeded" if suffix or ended else "Running",
        "syncPhase": "Sync",
    }


def waiting_message(stage: list[Json]) -> str:
    """Return what an operation says it waits for that works on *stage*."""
    for item in stage:
        if is_hook(item):
            return f"waiting for completion of hook {_path(item)}"
    for item in stage:
        if has_health_check(str(item.get("kind", ""))):
            return f"waiting for healthy state of {_path(item)}"
    return "one or more tasks are running"


def pruning_confirmation(
    app: Json, sync: Json, profile: Profile, guarded: Container[tuple[str, str]]
) -> str | None:
    """Return what an operation says that waits for a person to confirm a deletion.

    *guarded* are kind and name of what must not be deleted without; older releases do not say so
    in the Application.
    """
    for item in chosen_resources(app, sync):
        if item.get("requiresPruning") and (item["kind"], item["name"]) in guarded:
            return profile.confirmation_text(item)
    return None


def _path(item: Json) -> str:
    return f"{item.get('group', '')}/{item.get('kind', '')}/{item.get('name', '')}"


def settle(app: Json, sync: Json, *, at_target: bool) -> None:
    """Change the resources of *app* as a successful sync did; changed workloads are rolling out.

    With *at_target* false the synced revision is not the one compared with, so a difference stays.
    """
    status = app["status"]
    touched = {resource_key(item) for item in chosen_resources(app, sync) if not is_hook(item)}
    kept: list[Json] = []
    for item in status.get("resources") or ():
        if is_hook(item) or resource_key(item) not in touched:
            kept.append(item)
            continue
        if item.get("requiresPruning"):
            if not sync.get("prune"):
                kept.append(item)
            continue
        if item.get("status") != "Synced" and has_health_check(str(item.get("kind", ""))):
            item["health"] = {"status": "Progressing"}
        elif _health(item) == "Missing":
            item.pop("health")
        item["status"] = "Synced"
        kept.append(item)
    plain = [item for item in kept if not is_hook(item)]
    if not at_target and plain:
        plain[0]["status"] = "OutOfSync"
    if kept:
        status["resources"] = kept
    else:
        status.pop("resources", None)
    synced = all(item.get("status") == "Synced" for item in plain)
    status["sync"]["status"] = "Synced" if synced and at_target else "OutOfSync"


def recover(app: Json) -> None:
    """Let every resource of *app* that was rolling out become healthy."""
    for item in app["status"].get("resources") or ():
        if _health(item) == "Progressing" and not is_hook(item):
            item["health"] = {"status": "Healthy"}


def overall_health(app: Json, profile: Profile) -> str:
    """Return the health of *app* from its resources: the worst, but for what is missing."""
    words = [
        str(_health(item))
        for item in app["status"].get("resources") or ()
        if not is_hook(item) and _health(item)
    ]
    if profile.missing_only_if_all_are and any(word != "Missing" for word in words):
        words = [word for word in words if word != "Missing"]
    return min(words, key=_WORST_FIRST.index, default="Healthy")


def _health(item: Json) -> str | None:
    return (item.get("health") or {}).get("status")
