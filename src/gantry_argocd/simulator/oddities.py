"""The unusual Applications of a made-up fleet: every state and source a portal must survive."""

from __future__ import annotations

from collections.abc import Iterator

from .drafts import Drafter, chart, git, resource, web_service
from .gojson import Json
from .projects import PROD_EU

_SERVICES_REPOSITORY = "https://git.example.com/acme/services.git"


def odd_applications(drafter: Drafter) -> Iterator[Json]:
    """Return one Application per oddity, the ones worth seeing first at the front."""
    yield _checkout_web(drafter)
    yield _fraud_check(drafter)
    yield _ledger(drafter)
    yield _search_api(drafter)
    yield _catalog(drafter)
    yield _notifications(drafter)
    yield _identity(drafter)
    yield _gateway(drafter)
    yield from _teams(drafter)
    yield from _broken(drafter)
    yield from _policies(drafter)
    yield from _sources(drafter)
    yield from _platform(drafter)
    yield from _rest(drafter)


def _checkout_web(drafter: Drafter) -> Json:
    source = git(
        "https://github.com/acme/checkout-web.git", "chart", helm={"valueFiles": ["prod.yaml"]}
    )
    app = drafter.application(
        "checkout-web",
        source,
        target_namespace="checkout",
        labels={"name": "checkout-web", "team": "storefront"},
        policy={"automated": {"prune": True, "selfHeal": True}},
    )
    resources = web_service("checkout-web", "checkout", health="Progressing")
    resources.append(resource("Ingress", "checkout-web", "checkout", health="Healthy"))
    urls = ("https://shop.example.com/", "Status|https://status.example.com/checkout")
    images = ("registry.example.com/acme/checkout-web:4.2.0", "docker.io/library/nginx:1.27")
    return drafter.reconciled(app, resources, health="Progressing", images=images, urls=urls)


def _fraud_check(drafter: Drafter) -> Json:
    app = drafter.application(
        "fraud-check",
        git("git@github.com:acme/fraud-check.git", "deploy"),
        project="payments",
        target_namespace="pay",
        labels={"name": "fraud-check", "team": "payments"},
    )
    resources = web_service("fraud-check", "pay", health="Degraded")
    return drafter.reconciled(app, resources, health="Degraded", deployments=6)


def _ledger(drafter: Drafter) -> Json:
    """Return one whose last operation failed for one resource, and fails again."""
    app = drafter.application(
        "ledger",
        git(_SERVICES_REPOSITORY, "ledger"),
        project="payments",
        target_namespace="pay",
        labels={"name": "ledger", "team": "payments"},
    )
    resources = web_service("ledger", "pay", differs=("Deployment",))
    drafter.reconciled(app, resources)
    reason = (
        'Deployment.apps "ledger" is invalid: spec.selector: Invalid value: '
        '{"app":"ledger-v2"}: field is immutable'
    )
    state = app["status"]["operationState"]
    for item in state["syncResult"]["resources"]:
        item["hookPhase"] = "Succeeded"
        if item["kind"] == "Deployment":
            item |= {"status": "SyncFailed", "message": reason, "hookPhase": "Failed"}
    state |= {
        "phase": "Failed",
        "message": (
            "one or more synchronization tasks completed unsuccessfully, "
            f"reason: {reason} (retried 2 times)."
        ),
        "startedAt": drafter.ago(34),
        "finishedAt": drafter.ago(31),
        "retryCount": 2,
    }
    return app


def _search_api(drafter: Drafter) -> Json:
    sources = [
        chart(
            "https://charts.example.com/stable",
            "web-service",
            "1.8.*",
            helm={"valueFiles": ["$values/search-api/prod.yaml"]},
        ),
        git("https://git.example.com/acme/values.git", "", "main", ref="values"),
    ]
    del sources[1]["path"]
    app = drafter.application(
        "search-api",
        sources,
        destination={"namespace": "search", "name": "prod-eu"},
        labels={"name": "search-api", "team": "search"},
    )
    differs = ("ConfigMap", "Deployment")
    return drafter.reconciled(app, web_service("search-api", "search", differs=differs))


def _catalog(drafter: Drafter) -> Json:
    """Return one with an operation that runs and waits."""
    app = drafter.application(
        "catalog",
        git(_SERVICES_REPOSITORY, "catalog"),
        labels={"name": "catalog", "team": "storefront"},
    )
    resources = web_service("catalog", "catalog", differs=("Deployment",), health="Progressing")
    resources.append(
        resource(
            "Job",
            "catalog-migrate",
            "catalog",
            health="Progressing",
            hook=True,
            requiresPruning=True,
        )
    )
    drafter.reconciled(app, resources, health="Progressing")
    source, revision = app["spec"]["source"], app["status"]["sync"]["revision"]
    operation: Json = {
        "sync": {"revision": revision, "source": source},
        "initiatedBy": {"username": "maria"},
        "retry": {},
    }
    hook = {
        "group": "batch",
        "version": "v1",
        "kind": "Job",
        "namespace": "catalog",
        "name": "catalog-migrate",
        "status": "Synced",
        "message": "job.batch/catalog-migrate created",
        "hookType": "PreSync",
        "hookPhase": "Running",
        "syncPhase": "PreSync",
    }
    app["status"]["operationState"] = {
        "operation": operation,
        "phase": "Running",
        "message": "waiting for completion of hook batch/Job/catalog-migrate",
        "syncResult": {"resources": [hook], "revision": revision, "source": source},
        "startedAt": drafter.ago(4),
    }
    app["operation"] = operation
    return app


def _notifications(drafter: Drafter) -> Json:
    app = drafter.application(
        "notifications",
        git(_SERVICES_REPOSITORY, "notifications"),
        labels={"name": "notifications", "team": "platform"},
    )
    resources = [
        resource("CronJob", "digest", "notifications", health="Suspended"),
        resource("ConfigMap", "templates", "notifications"),
    ]
    return drafter.reconciled(app, resources, health="Suspended")


def _identity(drafter: Drafter) -> Json:
    """Return one created but never reconciled."""
    labels = {"name": "identity", "team": "platform"}
    return drafter.application("identity", git(_SERVICES_REPOSITORY, "identity"), labels=labels)


def _gateway(drafter: Drafter) -> Json:
    app = drafter.application(
        "gateway",
        git(_SERVICES_REPOSITORY, "gateway"),
        labels={"name": "gateway", "team": "platform"},
        policy={"syncOptions": ["ServerSideApply=true"]},
    )
    resources = web_service("gateway", "gateway", differs=("Service", "Deployment"))
    for wave, item in enumerate(resources, start=-1):  # 0 is never written
        item |= {"status": "OutOfSync", "health": {"status": "Missing"}}
        if wave:
            item["syncWave"] = wave
    return drafter.reconciled(app, resources, health="Missing", deployments=0)


def _teams(drafter: Drafter) -> Iterator[Json]:
    """Return Applications outside the control plane, twins of one name among them."""
    for namespace in ("team-a", "team-b"):
        app = drafter.application(
            "web",
            git("https://git.example.com/teams/web.git", namespace),
            namespace=namespace,
            project="team-a-proj",
            target_namespace=f"{namespace}-apps",
            labels={"name": "web", "team": namespace},
        )
        differs = ("ConfigMap",) if namespace == "team-b" else ()
        yield drafter.reconciled(app, web_service("web", f"{namespace}-apps", differs=differs))
    app = drafter.application(
        "payment-api",
        git("https://github.com/acme/payment-api", "deploy", "HEAD"),
        namespace="team-a",
        project="team-a-proj",
        target_namespace="team-a-apps",
        labels={"name": "payment-api", "team": "team-a"},
    )
    yield drafter.reconciled(app, web_service("payment-api", "team-a-apps"))


def _broken(drafter: Drafter) -> Iterator[Json]:
    app = drafter.application("pricing", git(_SERVICES_REPOSITORY, "no/such/path", "main"))
    prefix = "Failed to load target state: failed to generate manifest for source 1 of 1: "
    text = f"{prefix}rpc error: code = Unknown desc = no/such/path: app path does not exist"
    yield drafter.comparison_failed(app, text)

    app = drafter.application("reporting", git(_SERVICES_REPOSITORY, "reporting", "release-7"))
    text = f"{prefix}rpc error: code = Unknown desc = unable to resolve 'release-7' to a commit SHA"
    yield drafter.comparison_failed(app, text)

    app = drafter.application(
        "geocoder",
        git(_SERVICES_REPOSITORY, "geocoder"),
        destination={"namespace": "geo", "name": "dead"},
    )
    text = (
        'Failed to load live state: failed to get cluster info for "https://dead.k8s.example.com": '
        "error synchronizing cache state : connection refused"
    )
    yield drafter.comparison_failed(app, text)

    app = drafter.application("returns", git(_SERVICES_REPOSITORY, "returns"), project="payments")
    text = (
        "application destination server 'https://kubernetes.default.svc' and namespace 'returns' "
        "do not match any of the allowed destinations in project 'payments'"
    )
    yield drafter.comparison_failed(app, text, kind="InvalidSpecError")

    annotations = {"argocd.argoproj.io/skip-reconcile": "true"}
    source = git(_SERVICES_REPOSITORY, "audit")
    yield drafter.application("audit-log", source, annotations=annotations)


def _policies(drafter: Drafter) -> Iterator[Json]:
    for name, automated in (
        ("inventory", {}),
        ("shipping", {"enabled": False, "prune": True}),
        ("loyalty", {"selfHeal": True}),
    ):
        app = drafter.application(
            name,
            git(_SERVICES_REPOSITORY, name),
            labels={"name": name, "team": "logistics"},
            policy={"automated": automated},
        )
        differs = ("Deployment",) if name != "inventory" else ()
        drafter.reconciled(app, web_service(name, name, differs=differs))
        if name == "loyalty":
            app["status"]["conditions"] = [
                {
                    "type": "SyncError",
                    "message": "Failed last sync attempt to [0a1b2c3]: one or more objects failed",
                    "lastTransitionTime": drafter.ago(12),
                }
            ]
        yield app


def _sources(drafter: Drafter) -> Iterator[Json]:
    app = drafter.application(
        "monitoring",
        chart("https://charts.example.com/stable", "kube-prometheus-stack", "55.1.0"),
        target_namespace="monitoring",
    )
    yield drafter.reconciled(app, web_service("grafana", "monitoring"))

    source = chart("registry.example.com/charts", "redis", "20.1.3")
    app = drafter.application("session-store", source, target_namespace="sessions")
    resources = [resource("StatefulSet", "redis", "sessions", health="Healthy")]
    yield drafter.reconciled(app, resources, images=("docker.io/bitnami/redis:7.4.1",))

    source = git("oci://registry.example.com/manifests/media", ".", "2.4.0")
    app = drafter.application("media", source)
    yield drafter.reconciled(app, web_service("media", "media"))

    yield _hydrated(drafter)

    source = git("https://deploy:s3cr3t-token@git.example.com/acme/invoicing.git", "deploy")
    app = drafter.application("invoicing", source, labels={"name": "invoicing"})
    yield drafter.reconciled(app, web_service("invoicing", "invoicing"))


def _hydrated(drafter: Drafter) -> Json:
    app = drafter.application("recommendations", None, labels={"name": "recommendations"})
    dry = git("https://github.com/acme/recommendations", "deploy", "HEAD")
    app["spec"]["sourceHydrator"] = {
        "drySource": dry,
        "syncSource": {"targetBranch": "environments/prod", "path": "recommendations"},
    }
    drafter.reconciled(app, web_service("recommendations", "recommendations"))
    app["status"]["sourceHydrator"] = {
        "lastSuccessfulOperation": {
            "drySHA": "5f1d7a84db00d2fce00b31a7fc73224f82c684e4",
            "hydratedSHA": app["status"]["sync"]["revision"],
            "sourceHydrator": app["spec"]["sourceHydrator"],
        }
    }
    return app


def _platform(drafter: Drafter) -> Iterator[Json]:
    """Return Applications of a project that a sync window closes."""
    for name, differs in (("dns", ()), ("ingress-nginx", ("Deployment",))):
        app = drafter.application(
            name,
            git("https://git.example.com/platform/addons.git", name),
            project="platform",
            target_namespace="platform",
            labels={"team": "platform"},
        )
        yield drafter.reconciled(app, web_service(name, "platform", differs=differs))


def _rest(drafter: Drafter) -> Iterator[Json]:
    app = drafter.application(
        "reviews",
        git(_SERVICES_REPOSITORY, "reviews"),
        destination={"server": PROD_EU, "namespace": "reviews"},
        annotations={
            "link.argocd.argoproj.io/hostile": "Click me|javascript:alert(1)",
            "example.com/link": "javascript:alert(3)",
            "example.com/note": "<script>alert(2)</script> & co",
        },
    )
    urls = (
        "Click me|javascript:alert(1)",
        "https://user:pw@reviews.example.com/",
        "https://reviews.example.com/",
    )
    drafter.reconciled(app, web_service("reviews", "reviews"), urls=urls)
    app["status"]["conditions"] = [
        {
            "type": "SharedResourceWarning",
            "message": "ConfigMap/shared is part of applications argocd/reviews and argocd/media",
            "lastTransitionTime": drafter.ago(700),
        },
        {"type": "OrphanedResourceWarning", "message": "Application has 2 orphaned resources"},
    ]
    yield app

    app = drafter.application("tenant-red", git(_SERVICES_REPOSITORY, "tenant"))
    app["metadata"]["ownerReferences"] = [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationSet",
            "name": "tenants",
            "uid": "1b0f2c58-0000-4000-a000-0000000000aa",
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    yield drafter.reconciled(app, web_service("tenant", "tenant-red"))

    yield _confirmed_pruning(drafter)

    app = drafter.application("old-reports", git(_SERVICES_REPOSITORY, "old-reports"))
    app["metadata"] |= {
        "deletionTimestamp": drafter.ago(90),
        "finalizers": ["resources-finalizer.argocd.argoproj.io"],
    }
    yield drafter.reconciled(app, web_service("old-reports", "old-reports"))

    app = drafter.application("all-apps", git(_SERVICES_REPOSITORY, "apps"))
    children = [resource("Application", name, "argocd") for name in ("monitoring", "media")]
    drafter.reconciled(app, children)
    app["status"]["summary"]["isAppOfApps"] = True
    yield app


def _confirmed_pruning(drafter: Drafter) -> Json:
    app = drafter.application("feature-flags", git(_SERVICES_REPOSITORY, "flags"))
    resources = web_service("flags", "flags")
    resources.append(
        resource(
            "ConfigMap",
            "flags-archive",
            "flags",
            status="OutOfSync",
            requiresPruning=True,
            requiresDeletionConfirmation=True,
        )
    )
    return drafter.reconciled(app, resources)
