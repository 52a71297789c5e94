"""A made-up fleet: varied, realistic, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from .drafts import Drafter, chart, git, resource, web_service
from .gojson import Json
from .oddities import odd_applications
from .projects import IN_CLUSTER

# Fixed, so that a fleet generated without a moment is the same on every day.
_DEFAULT_NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

_SERVICES = (
    *("payment-api", "checkout-web", "ledger", "fraud-check", "search-api", "catalog"),
    *("notifications", "identity", "gateway", "pricing", "inventory", "shipping", "returns"),
    *("reviews", "recommendations", "loyalty", "invoicing", "reporting", "media", "geocoder"),
    *("feature-flags", "audit-log", "session-store", "email-sender", "webhooks", "tax-engine"),
)
_STAGES = ("dev", "stage", "prod")
_REGIONS = ("eu", "us", "ap")


def generate(
    apps: int = 40, seed: int = 1, name: str = "production", *, now: datetime | None = None
) -> list[Json]:
    """Return exactly *apps* Applications.

    The first is always ``payment-api``, out of sync and healthy. *now* is the moment the ages of
    deployments are counted from.
    """
    rng = random.Random(f"{name}/{seed}")  # noqa: S311 -- invented data, not a secret
    drafter = Drafter(rng, now or _DEFAULT_NOW, f"{name}/{seed}")
    found: list[Json] = []
    for app in _everything(drafter, name):
        if len(found) >= apps:
            break
        found.append(app)
    return found


def _everything(drafter: Drafter, instance: str) -> Iterator[Json]:
    yield _payment_api(drafter)
    yield from _payment_api_stages(drafter)
    yield from odd_applications(drafter)
    number = 0
    while True:
        yield _ordinary(drafter, number, instance)
        number += 1


def _payment_api(drafter: Drafter) -> Json:
    app = drafter.application(
        "payment-api",
        git("https://github.com/acme/payment-api", "deploy", "HEAD"),
        target_namespace="payments",
        labels={"name": "payment-api", "team": "payments"},
        annotations={
            "link.argocd.argoproj.io/external-link": "Runbook|https://wiki.example.com/payment-api"
        },
    )
    resources = web_service("payment-api", "payments", differs=("ConfigMap", "Deployment"))
    return drafter.reconciled(
        app,
        resources,
        deployments=8,
        images=("registry.example.com/acme/payment-api:1.13.0",),
        urls=("Runbook|https://wiki.example.com/payment-api", "https://payment-api.example.com/"),
    )


def _payment_api_stages(drafter: Drafter) -> Iterator[Json]:
    for stage in _STAGES:
        app = drafter.application(
            f"payment-api-{stage}",
            git("https://github.com/acme/payment-api.git", f"deploy/overlays/{stage}"),
            project="payments",
            target_namespace=f"pay-{stage}",
            labels={"name": "payment-api", "team": "payments", "env": stage},
            policy={"automated": {"prune": True, "selfHeal": True}} if stage != "prod" else None,
        )
        health = "Progressing" if stage == "dev" else "Healthy"
        resources = web_service("payment-api", f"pay-{stage}", health=health)
        if stage == "prod":  # something that a sync leaves behind unless it prunes
            resources.append(
                resource(
                    "ConfigMap",
                    "payment-api-legacy",
                    "pay-prod",
                    status="OutOfSync",
                    requiresPruning=True,
                )
            )
        yield drafter.reconciled(
            app,
            resources,
            health=health,
            deployments=10,
            images=("registry.example.com/acme/payment-api:1.13.0",),
        )


def _ordinary(drafter: Drafter, number: int, instance: str) -> Json:
    """
    Return one of the many Applications nothing special happens to.

    First come services that all instances have; a large fleet grows by services of its own, each
    in its stages.
    """
    rng = drafter.rng
    service = _SERVICES[number % len(_SERVICES)]
    stage = _STAGES[(number // len(_SERVICES)) % len(_STAGES)]
    region = _REGIONS[(number // (len(_SERVICES) * len(_STAGES))) % len(_REGIONS)]
    round_number = number // (len(_SERVICES) * len(_STAGES) * len(_REGIONS))
    team = f"team-{len(service) % 6}"
    name = f"{service}-{stage}-{region}"
    if round_number:
        service = f"{service}-{instance}-{region}-{round_number}"
        name = f"{service}-{stage}"
    namespace = f"{service}-{stage}"
    destination = {"server": IN_CLUSTER, "namespace": namespace}
    if rng.random() < 0.25:
        destination = {"namespace": namespace, "name": "prod-eu"}
    app = drafter.application(
        name,
        _ordinary_source(rng, service, stage),
        destination=destination,
        labels={"name": service, "team": team, "env": stage},
        policy=_ordinary_policy(rng),
    )
    health = rng.choices(
        ("Healthy", "Progressing", "Degraded", "Suspended"), weights=(84, 7, 7, 2)
    )[0]
    differs = ("Deployment",) if rng.random() < 0.2 else ()
    resources = web_service(service, namespace, differs=differs, health=health)
    return drafter.reconciled(
        app,
        resources,
        health=health,
        deployments=rng.randint(1, 4),
        images=(f"registry.example.com/acme/{service}:{rng.randint(1, 4)}.{rng.randint(0, 30)}.0",),
        urls=(f"https://{name}.example.com/",) if rng.random() < 0.5 else (),
    )


def _ordinary_source(rng: random.Random, service: str, stage: str) -> Json:
    draw = rng.random()
    if draw < 0.45:
        return git(f"https://github.com/acme/{service}", "deploy", rng.choice(("HEAD", "main")))
    if draw < 0.65:
        return git("https://git.example.com/acme/fleet.git", f"{service}/overlays/{stage}")
    if draw < 0.85:
        helm = {"valueFiles": [f"values-{stage}.yaml"]}
        return git(f"git@github.com:acme/{service}.git", "chart", "main", helm=helm)
    return chart("https://charts.example.com/stable", "web-service", f"1.{rng.randint(0, 9)}.2")


def _ordinary_policy(rng: random.Random) -> Json | None:
    draw = rng.random()
    if draw < 0.35:
        return {"automated": {"prune": True, "selfHeal": True}}
    if draw < 0.45:
        return {"syncOptions": ["CreateNamespace=true"], "retry": {"limit": 2}}
    return None
