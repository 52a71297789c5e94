"""The situations that an application can get into, for the gallery and for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from .. import errors
from ..models import (
    AutoSync,
    Condition,
    Deployment,
    ExternalURL,
    Hydration,
    Operation,
    Resource,
    ResourceResult,
    Source,
)
from ..refs import AppKey
from .examples import (
    ARGOCD_URL,
    CHART,
    EARLIER_REVISION,
    IMAGE,
    NOW_REVISION,
    SOURCE,
    VALUES,
    an_operation,
    example,
    key_on,
    some_resources,
    state,
)
from .state import AppState


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


def hook(now: datetime) -> AppState:
    """Give one whose sync waits for a hook."""
    started = now - timedelta(minutes=2)
    migrate = ResourceResult(
        group="batch", kind="Job", namespace="pay", name="migrate", hook_type="PreSync",
        hook_phase="Running", message="job is still running",
    )  # fmt: skip
    operation = an_operation(
        now,
        "Running",
        "waiting for completion of hook batch/Job/migrate",
        started_at=started,
        results=(migrate,),
    )
    return state(example(now, operation=operation, sync="OutOfSync"))


def blocked(now: datetime) -> AppState:
    """Give one whose sync waits for a sync window."""
    message = "Sync operation blocked by sync window"
    return with_operation(now, an_operation(now, "Running", message, automated=True, initiator=""))


def dry_run(now: datetime) -> AppState:
    """Give one of which a dry run told what a sync would do."""
    results = (
        ResourceResult(
            group="apps", kind="Deployment", namespace="pay", name="web", status="Synced",
            message="deployment.apps/web configured (dry run)",
        ),
        ResourceResult(
            kind="ConfigMap", namespace="pay", name="old", status="Pruned",
            message="pruned (dry run)",
        ),
    )  # fmt: skip
    message = "successfully synced (all tasks run)"
    operation = an_operation(now, "Succeeded", message, dry_run=True, results=results)
    return with_operation(now, operation)


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
    sources = (CHART, VALUES)
    history = (
        Deployment(
            id=12, revisions=("1.8.2", NOW_REVISION), sources=(CHART, VALUES), deployed_at=now
        ),
        *(Deployment(id=n, revisions=("1.8.1", EARLIER_REVISION)) for n in range(12)),
    )
    return state(example(now, sources=sources, revisions=("1.8.2", NOW_REVISION), history=history))


def oci(now: datetime) -> AppState:
    """Give one that is hydrated from an OCI image."""
    digest = "sha256:" + "1f2e" * 16
    return state(
        example(now, sources=(IMAGE,), revisions=(digest,), hydrated=EARLIER_REVISION, history=())
    )


def unhydrated(now: datetime) -> AppState:
    """Give one whose newest commit the hydrator cannot make manifests from."""
    return state(
        example(
            now,
            hydrated=EARLIER_REVISION,
            hydrated_source=Source(
                repo_url=SOURCE.repo_url,
                web_url=SOURCE.web_url,
                path="payment-api",
                target_revision="environments/prod",
            ),
            hydration=Hydration(
                phase="Failed",
                message="failed to get manifests: rpc error: code = Unknown desc = helm template "
                "failed: values.yaml does not exist",
                revision=NOW_REVISION,
                since=now - timedelta(minutes=7),
            ),
        )
    )


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
        argocd_url=ARGOCD_URL,
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
