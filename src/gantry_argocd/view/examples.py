"""Applications in every state, for the gallery and for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from ..hookspecs import Action, Outcome, PageContext
from ..models import (
    ENDED,
    Application,
    AutoSync,
    Commit,
    Deployment,
    Destination,
    ExternalURL,
    Facts,
    Operation,
    Resource,
    Source,
)
from ..refs import AppKey
from .state import AppState

ARGOCD_URL = "https://argocd.example.com"
GIT = "https://github.com/acme/payment-api"
NOW_REVISION, EARLIER_REVISION = (
    "3f0e9a17c2d45b8890ab4cd1e27f65a90b13c8d2",
    "9ab1d2c47e0f5386b1d94a7c20e8f3156d7b4a90",
)
SOURCE = Source(repo_url=f"{GIT}.git", web_url=GIT, path="deploy/production")
CHART = Source(repo_url="https://charts.example.com", chart="payment-api", target_revision="1.8.*")
VALUES = Source(
    repo_url="git@gitlab.example.com:pay/values.git",
    web_url="https://gitlab.example.com/pay/values",
    target_revision="main",
    ref="values",
)
IMAGE = Source(
    repo_url="oci://registry.example.com/pay/manifests", path=".", target_revision="2.1.0"
)


def page(query: str = "") -> PageContext:
    """Give the page that the gallery's links and forms lead to."""
    params = dict(part.split("=", 1) for part in query.split("&") if part)
    url = "/catalog/Service/payment-api?tab=argocd" + (f"&{query}" if query else "")
    action = "/catalog/Service/payment-api/actions"
    return PageContext(
        url=url,
        actionUrl=action,
        hidden={"csrf": "example"},
        params=params,
        confirmed={"confirmed": "yes"},
    )


def actions_for(ref: str, reason: str = "", *, busy: bool = False) -> list[Action]:
    """Give the actions of one application; with a *reason* most of them cannot be done."""
    asked = {
        "hard-sync": "Deletes 1 resource that is no longer in the source: ConfigMap old. Applies "
        "4 resources by force: what cannot be changed is deleted and created anew, which can "
        "interrupt the service. Hooks run.",
        "terminate": "Ends the running operation. What it has applied so far stays applied.",
        **{
            f"rollback:{n}": f"Deploys again what deployment number {n} deployed; skips hooks."
            for n in (3, 4, 5)
        },
    }
    why_not = reason or ("an operation is in progress" if busy else "")

    def one(name: str, label: str, part: str = "", reason: str = "") -> Action:
        action = _action(ref, name, label, reason)
        question = asked.get(name)
        action.update({"part": part, "confirmation": question, "destructive": bool(question)})
        return action

    hard = one("hard-sync", "Hard Sync", reason=why_not)
    hard["rehearsal"] = "argocd:hard-dry-run"
    return [
        one("sync", "Sync", reason=why_not),
        hard,
        one("refresh", "Refresh"),
        one("dry-run", "Dry Run", "more", why_not),
        one("hard-dry-run", "Dry Run", "rehearsal", why_not),
        one("hard-refresh", "Hard Refresh", "more"),
        *([one("terminate", "Terminate")] if busy else []),
        *(one(f"rollback:{n}", "Roll back", f"history/{n}", why_not) for n in (3, 4, 5)),
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
        sources=(SOURCE,),
        revisions=(NOW_REVISION,),
        auto_sync=AutoSync(prune=True),
        sync_options=("CreateNamespace=true",),
        operation=an_operation(now, "Succeeded", "successfully synced (all tasks run)"),
        resources=some_resources(),
        history=a_history(now),
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
        argocd_url=ARGOCD_URL,
        why=f"its own name is '{app.key.name}', and it has no usable label",
        commits={
            (f"{GIT}.git", "", NOW_REVISION): Commit(
                author="Ada Example", subject="Pull the image from the new registry"
            ),
            (f"{GIT}.git", "", EARLIER_REVISION): Commit(
                author="Jo Sand", subject="Give the service a second replica"
            ),
        },
    )
    return attrs.evolve(known, **changes)


def _action(ref: str, name: str, label: str, reason: str) -> Action:
    return Action(
        id=f"argocd:{name}",
        plugin="argocd",
        app=ref,
        label=label,
        icon=name,
        role="developer",
        destructive=False,
        confirmation=None,
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


def a_history(now: datetime) -> tuple[Deployment, ...]:
    """Give some deployments."""
    ages = (
        (3, 300, EARLIER_REVISION, "mia"),
        (4, 26, EARLIER_REVISION, ""),
        (5, 0.2, NOW_REVISION, "mia"),
    )
    return tuple(
        Deployment(
            id=number,
            revisions=(sha,),
            sources=(SOURCE,),
            deployed_at=now - timedelta(hours=hours),
            started_at=now - timedelta(hours=hours, seconds=23 * number),
            initiator=who,
            automated=not who,
        )
        for number, hours, sha, who in ages
    )


def an_operation(now: datetime, phase: str, message: str, **changes: Any) -> Operation:
    """Give an operation in *phase*."""
    ended = phase in ENDED
    operation = Operation(
        phase=phase,
        message=message,
        started_at=now - timedelta(minutes=13),
        finished_at=now - timedelta(minutes=12) if ended else None,
        initiator="mia",
        revisions=(NOW_REVISION,),
    )
    return attrs.evolve(operation, **changes)
