"""Applications in every state, for the gallery and for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from .. import errors
from ..hookspecs import Action, Outcome, PageContext
from ..models import (
    Application,
    AutoSync,
    Condition,
    Deployment,
    Destination,
    ExternalURL,
    Facts,
    Operation,
    Resource,
    ResourceResult,
    Source,
)
from ..refs import AppKey
from .state import AppState

_BASE = "https://argocd.example.com"
_GIT = "https://github.com/acme/payment-api"
_NOW, _BEFORE = (
    "3f0e9a17c2d45b8890ab4cd1e27f65a90b13c8d2",
    "9ab1d2c47e0f5386b1d94a7c20e8f3156d7b4a90",
)
_SOURCE = Source(repo_url=f"{_GIT}.git", web_url=_GIT, path="deploy/production")
_CHART = Source(repo_url="https://charts.example.com", chart="payment-api", target_revision="1.8.*")
_VALUES = Source(
    repo_url="git@gitlab.example.com:pay/values.git",
    web_url="https://gitlab.example.com/pay/values",
    target_revision="main",
    ref="values",
)
_IMAGE = Source(
    repo_url="oci://registry.example.com/pay/manifests", path=".", target_revision="2.1.0"
)


def page(query: str = "") -> PageContext:
    """Give the page that the gallery's links and forms lead to."""
    params = dict(part.split("=", 1) for part in query.split("&") if part)
    url = "/catalog/Service/payment-api?tab=argocd" + (f"&{query}" if query else "")
    action = "/catalog/Service/payment-api/actions"
    return PageContext(url=url, actionUrl=action, hidden={"csrf": "example"}, params=params)


def actions_for(ref: str, reason: str = "", *, busy: bool = False) -> list[Action]:
    """Give the actions of one application; with a *reason* most of them cannot be done."""
    terminate = _action(ref, "terminate", "Terminate", "Ends the sync.", danger=True)
    return [
        *([terminate] if busy else []),
        _action(ref, "refresh", "Refresh", ""),
        _action(ref, "sync", "Sync", "", reason=reason),
        _action(
            ref, "hard-sync", "Hard Sync", "Deletes and re-applies.", reason=reason, danger=True
        ),
    ]


def example(now: datetime, **changes: Any) -> Application:
    """Give an application that is well, with *changes*."""
    facts: dict[str, Any] = {
        name: changes.pop(name)
        for name in ("key", "sync", "health", "project", "destination")
        if name in changes
    }
    healthy = Application(
        facts=attrs.evolve(_facts(), **facts),
        sources=(_SOURCE,),
        revisions=(_NOW,),
        auto_sync=AutoSync(prune=True),
        sync_options=("CreateNamespace=true",),
        operation=an_operation(now, "Succeeded", "successfully synced (all tasks run)"),
        resources=some_resources(),
        history=_history(now),
        images=("registry.example.com/pay/payment-api:1.8.2", "envoyproxy/envoy:v1.31.0"),
        external_urls=(
            ExternalURL(title="Runbook", url="https://wiki.example.com/payment-api"),
            ExternalURL(title="https://pay.example.com/", url="https://pay.example.com/"),
        ),
        created_at=now - timedelta(days=200),
        reconciled_at=now - timedelta(seconds=40),
    )
    return attrs.evolve(healthy, **changes)


def state(app: Application, **changes: Any) -> AppState:
    """Give what is known of *app* when all is well, with *changes*."""
    ref = app.key.ref("argocd")
    known = AppState(
        ref=ref,
        key=app.key,
        application=app,
        error=None,
        sync=app.facts.sync,
        health=app.facts.health,
        stale_since=None,
        argocd_url=_BASE,
        why=f"its own name is '{app.key.name}', and it has no usable label",
    )
    return attrs.evolve(known, **changes)


def _action(
    ref: str, name: str, label: str, confirmation: str, reason: str = "", danger: bool = False
) -> Action:
    return Action(
        id=f"argocd:{name}",
        plugin="argocd",
        app=ref,
        label=label,
        icon=name,
        role="developer",
        destructive=danger,
        confirmation=confirmation or None,
        available=not reason,
        reason=reason,
        run=_nothing,
    )


def _nothing() -> Outcome:
    return Outcome(ok=False, message="This is a picture.", status=400, body={})


def key_on(instance: str = "production") -> AppKey:
    """Give the name of the example on *instance*."""
    return AppKey(instance, "argocd", "payment-api")


def _facts() -> Facts:
    return Facts(
        key=key_on(),
        project="payments",
        sync="Synced",
        health="Healthy",
        destination=Destination(name="prod-eu", namespace="pay"),
    )


def some_resources() -> tuple[Resource, ...]:
    """Give five resources that are well."""

    def one(kind: str, name: str, **more: Any) -> Resource:
        return Resource(
            **({"kind": kind, "namespace": "pay", "name": name, "sync": "Synced"} | more)
        )

    return (
        one("Deployment", "web", group="apps", version="v1", health="Healthy"),
        one("Service", "web", version="v1", health="Healthy"),
        one("Ingress", "web", group="networking.k8s.io", version="v1", health="Healthy"),
        one("ConfigMap", "web-settings", version="v1"),
        one("Job", "migrate", group="batch", sync="", hook=True, prune=True, health="Healthy"),
    )


def _history(now: datetime) -> tuple[Deployment, ...]:
    ages = ((3, 300, _BEFORE, "mia"), (4, 26, _BEFORE, ""), (5, 0.2, _NOW, "mia"))
    return tuple(
        Deployment(
            id=number,
            revisions=(sha,),
            sources=(_SOURCE,),
            deployed_at=now - timedelta(hours=hours),
            started_at=now - timedelta(hours=hours, seconds=23 * number),
            initiator=who,
            automated=not who,
        )
        for number, hours, sha, who in ages
    )


def an_operation(now: datetime, phase: str, message: str, **changes: Any) -> Operation:
    """Give an operation in *phase*."""
    ended = phase in {"Succeeded", "Failed", "Error"}
    operation = Operation(
        phase=phase,
        message=message,
        started_at=now - timedelta(minutes=13),
        finished_at=now - timedelta(minutes=12) if ended else None,
        initiator="mia",
        revisions=(_NOW,),
    )
    return attrs.evolve(operation, **changes)


def with_operation(now: datetime, operation: Operation) -> AppState:
    """Give an application with *operation*."""
    return state(example(now, operation=operation, sync="OutOfSync"))


def degraded(now: datetime) -> AppState:
    """Give one whose image cannot be pulled."""
    web = Resource(
        group="apps",
        kind="Deployment",
        namespace="pay",
        name="web",
        sync="OutOfSync",
        health="Degraded",
        health_message='Back-off pulling image "payment-api:1.8.3": ImagePullBackOff',
    )
    old = Resource(kind="ConfigMap", namespace="pay", name="old", sync="OutOfSync", prune=True)
    warning = Condition(
        type="OrphanedResourceWarning",
        message="Application has 2 orphaned resources",
        since=now - timedelta(hours=30),
    )
    return state(
        example(
            now,
            sync="OutOfSync",
            health="Degraded",
            health_since=now - timedelta(minutes=12),
            resources=(*some_resources()[1:], web, old),
            conditions=(warning,),
        )
    )


def running(now: datetime) -> AppState:
    """Give one that is being synced."""
    started = now - timedelta(seconds=42)
    operation = an_operation(
        now, "Running", "waiting for healthy state of apps/Deployment/web", started_at=started
    )
    return state(example(now, operation=operation, sync="OutOfSync", health="Progressing"))


def retry(now: datetime) -> AppState:
    """Give one whose sync failed and will be tried again."""
    message = "one or more objects failed to apply. Retrying attempt #2 at 6:27PM."
    finished = now - timedelta(seconds=20)
    return with_operation(
        now, an_operation(now, "Running", message, finished_at=finished, retries=1)
    )


def confirmation(now: datetime) -> AppState:
    """Give one that waits until pruning is confirmed."""
    old = Resource(
        kind="ConfigMap", namespace="pay", name="old", sync="OutOfSync", prune_confirmation=True
    )
    message = "waiting for pruning confirmation of /ConfigMap/old"
    operation = an_operation(now, "Running", message, automated=True, initiator="")
    return state(
        example(now, operation=operation, sync="OutOfSync", resources=(*some_resources(), old))
    )


def failed(now: datetime) -> AppState:
    """Give one whose last sync failed."""
    text = (
        'Deployment.apps "web" is invalid: spec.template.spec.containers[0].resources.requests: '
        "Invalid value: 2Gi: must be less than or equal to memory limit of 1Gi"
    )
    results = (
        ResourceResult(
            group="apps", kind="Deployment", namespace="pay", name="web", status="SyncFailed",
            message=text,
        ),
        ResourceResult(
            kind="Job", namespace="pay", name="migrate", hook_type="PreSync", hook_phase="Failed",
            message="Job has reached the specified backoff limit",
        ),
    )  # fmt: skip
    message = f"one or more objects failed to apply, reason: {text}\n" * 8
    return state(
        example(
            now,
            sync="OutOfSync",
            operation=an_operation(now, "Failed", message, results=results, retries=4),
            auto_sync=None,
            conditions=(Condition(type="SyncError", message=f"Failed last sync attempt: {text}"),),
        )
    )


def uncompared(now: datetime) -> AppState:
    """Give one whose manifests never loaded; Argo CD calls it healthy."""
    message = (
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: "
        "code = Unknown desc = failed to list refs: authentication required: Repository not found."
    )
    condition = Condition(
        type="ComparisonError", message=message, since=now - timedelta(minutes=30)
    )
    return state(
        example(now, sync="Unknown", conditions=(condition,), revisions=("main",), resources=())
    )


def never(now: datetime) -> AppState:
    """Give one that was never synced."""
    return state(
        example(
            now,
            sync="OutOfSync",
            health="Missing",
            health_message="Caused by apps/Deployment:pay/web",
            operation=None,
            history=(),
            auto_sync=AutoSync(prune=False, self_heal=True),
        )
    )


def two_sources(now: datetime) -> AppState:
    """Give one with a chart and its values."""
    history = (
        Deployment(id=12, revisions=("1.8.2", _NOW), sources=(_CHART, _VALUES), deployed_at=now),
        *(Deployment(id=n, revisions=("1.8.1", _BEFORE)) for n in range(12)),
    )
    return state(
        example(now, sources=(_CHART, _VALUES), revisions=("1.8.2", _NOW), history=history)
    )


def oci(now: datetime) -> AppState:
    """Give one that is hydrated from an OCI image."""
    digest = "sha256:" + "1f2e" * 16
    return state(example(now, sources=(_IMAGE,), revisions=(digest,), hydrated=_BEFORE, history=()))


def down(now: datetime, error: errors.ArgoCDError | None, **changes: Any) -> AppState:
    """Give one that no answer holds."""
    known = AppState(
        ref="",
        key=key_on(),
        application=None,
        error=error,
        sync="Synced",
        health="Healthy",
        stale_since=now - timedelta(minutes=50),
        argocd_url=_BASE,
        why="Service/default/payment-api links 'payment-api' by hand",
    )
    known = attrs.evolve(known, **changes)
    return attrs.evolve(known, ref=known.key.ref("argocd"))


def late(now: datetime) -> AppState:
    """Give one that was read before Argo CD stopped to answer."""
    error = errors.TimedOut("no answer within 5 s", instance="production")
    return state(example(now), error=error, stale_since=now - timedelta(minutes=4))


def hostile(now: datetime) -> AppState:
    """Give one whose every text is an attack."""
    bad = "<script>alert(1)</script>\u202e\"' onmouseover=alert(1) \x1b[31m😀 " + "x" * 12_000
    return state(
        example(
            now,
            key=AppKey("<b>prod</b>", "argocd", '"><img src=x onerror=alert(1)>'),
            sync=bad,
            health=bad,
            health_message=bad,
            sources=(Source(repo_url="javascript:alert(1)", web_url="javascript:alert(1)"),),
            revisions=(bad,),
            images=(bad,),
            conditions=(Condition(type=bad, message=bad),),
            external_urls=(
                ExternalURL(title=bad, url="javascript:alert(1)"),
                ExternalURL(title=bad, url="https://user:pw@example.com/"),
                ExternalURL(title=bad, url="https://example.com/" + "a" * 300),
            ),
            resources=(
                Resource(
                    group=bad, kind=bad, namespace=bad, name=bad, sync=bad, health=bad,
                    health_message=bad,
                ),
            ),
        )
    )  # fmt: skip


def queued(now: datetime) -> AppState:
    """Give one whose sync has not begun."""
    return with_operation(now, Operation(phase="Queued", initiator="mia"))


def terminating(now: datetime) -> AppState:
    """Give one whose sync is being ended."""
    return with_operation(now, an_operation(now, "Terminating", "operation is terminating"))
