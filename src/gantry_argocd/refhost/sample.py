"""The sample catalogue of the demonstration: users, neighbours, and what people wrote by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gantry_argocd.hookspecs import ROLES
from gantry_argocd.refhost.accounts import NewUser
from gantry_argocd.refhost.documents import API_VERSION, key_of
from gantry_argocd.refhost.foreign import ForeignWrite
from gantry_argocd.refhost.host import Host
from gantry_argocd.refhost.neighbours import (
    Deployment,
    GitHubNeighbour,
    KubernetesNeighbour,
    Namespace,
    Repository,
)
from gantry_argocd.refhost.trail import Actor

DEMO_PASSWORD = "demo"  # noqa: S105 - printed on the first page of the demonstration
NEIGHBOURS = ("kubernetes", "github")


def demo_users() -> list[NewUser]:
    """Give one user for each role, called like the role."""
    return [NewUser(role, DEMO_PASSWORD, role, f"Demo {role.replace('-', ' ')}") for role in ROLES]


def kubernetes() -> KubernetesNeighbour:
    """Give the Kubernetes plugin with the clusters of the demonstration."""
    running = (
        ("payment-api", "payments"),
        ("checkout-web", "shop"),
        ("ledger", "payments"),
        ("search-api", "search"),
        ("identity", "identity"),
        ("mailer", "platform"),
    )
    return KubernetesNeighbour(
        [Deployment(name, namespace, app=name) for name, namespace in running],
        [
            *(Namespace(name) for name in ("payments", "shop", "search", "identity", "platform")),
            Namespace("staging", "staging"),
        ],
    )


def github() -> GitHubNeighbour:
    """Give the GitHub plugin with the repositories of the demonstration."""
    return GitHubNeighbour(
        [
            Repository("acme/payment-api", language="Go", topics=["payments", "api"]),
            Repository("acme/checkout-web", language="TypeScript", topics=["frontend"]),
            Repository("acme/ledger", language="Kotlin", topics=["payments", "accounting"]),
            Repository("acme/search-api", language="Rust", topics=["search"]),
            Repository("acme/identity", language="Go", topics=["auth", "security"]),
            Repository("acme/billing", language="Python", topics=["payments", "invoices"]),
            Repository("acme/mailer", language="Ruby", archived=True),
        ]
    )


def neighbours() -> Sequence[object]:
    """Give the plugins that stand beside ours."""
    return [kubernetes(), github()]


def entities() -> list[dict[str, Any]]:
    """Give what people have written by hand."""
    return [
        _entity("Team", "payments-team", title="Payments", description="Money in, money out."),
        _entity(
            "Service",
            "billing",
            title="Billing",
            description="Writes invoices and sends them. Linked to its application by hand.",
            owner="payments-team",
            tags=["invoices", "tier-1"],
            annotations={"argocd.io/appName": "production:pricing"},
            spec={
                "type": "backend",
                "lifecycle": "production",
                "repoUrl": "https://github.com/acme/billing",
                "links": [
                    {"title": "Runbook", "url": "https://wiki.example.com/billing/runbook"},
                    {"title": "Dashboard", "url": "https://grafana.example.com/d/billing"},
                ],
                "dependsOn": [
                    {"kind": "Service", "name": "ledger"},
                    {"kind": "Infrastructure", "name": "payments-db"},
                ],
                "providesApis": ["invoices"],
            },
        ),
        _entity(
            "Infrastructure",
            "payments-db",
            title="Payments database",
            owner="payments-team",
            spec={"type": "database", "provider": "postgresql"},
        ),
        _entity(
            "API", "invoices", title="Invoices", owner="payments-team", spec={"type": "openapi"}
        ),
    ]


def fill(host: Host) -> None:
    """Put the sample into a running host: what is missing of it, then both neighbours' part."""
    somebody = Actor("admin", source="sample")
    rows = host.catalogue.rows()
    writes = [
        ForeignWrite("create", key_of(entity), entity)
        for entity in entities()
        if key_of(entity) not in rows
    ]
    host.catalogue.write(writes, host.plugins, somebody)
    for name in NEIGHBOURS:
        if name in host.plugins.names:
            host.lifecycle.enable(name, somebody)
            host.lifecycle.sync(name, somebody)


def _entity(
    kind: str, name: str, *, spec: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": spec or {},
    }
