"""
Two neighbour plugins that read static data: what the Kubernetes and the GitHub plugin write.

They are there so that three writers in one entity can be seen and tested. They write nothing
themselves: ``discover`` says what they know, and the host puts it into the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import attrs

from gantry_argocd.hookspecs import Entity, Manifest, hookimpl
from gantry_argocd.refhost.documents import API_VERSION


@attrs.frozen
class Deployment:
    """A Deployment of a cluster. ``app`` is its label ``app``; empty when it has none."""

    name: str
    namespace: str
    cluster: str = "production"
    app: str = ""
    uid: str = ""


@attrs.frozen
class Namespace:
    """A namespace of a cluster, in phase Active."""

    name: str
    cluster: str = "production"
    annotations: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Repository:
    """A repository on GitHub; ``full_name`` is ``owner/repo``."""

    full_name: str
    default_branch: str = "main"
    language: str = ""
    topics: Sequence[str] = ()
    archived: bool = False


class Neighbour:
    """What both have in common: on or off, and no configuration."""

    name: str
    title: str
    description: str
    panels: Sequence[str]
    release: str

    def __init__(self) -> None:
        self._enabled = False

    @hookimpl
    def plugin_manifest(self) -> Manifest:
        """Describe the plugin."""
        return Manifest(
            name=self.name,
            title=self.title,
            description=self.description,
            longDescription=f"{self.description} Reads static data of the demonstration.",
            version=self.release,
            author="Gantry",
            category="integration",
            homepage="",
            features=[],
            entityPanels=list(self.panels),
            actionTypes=[],
            requirements=[],
            configSchema={"type": "object", "properties": {}},
        )

    @hookimpl
    def configure(self, plugin: str, enabled: bool) -> bool | None:
        """Take the wish into account when it is meant for this plugin."""
        if plugin != self.name:
            return None
        self._enabled = enabled
        return True


class KubernetesNeighbour(Neighbour):
    """
    Makes Services of Deployments and Environments of namespaces.

    Args:
        deployments: What runs.

        namespaces: Where.
    """

    name = "kubernetes"
    title = "Kubernetes"
    description = "Discovers services and environments from Deployments and namespaces."
    panels = ("Service", "Infrastructure")
    release = "1.0.0"

    def __init__(
        self, deployments: Iterable[Deployment] = (), namespaces: Iterable[Namespace] = ()
    ) -> None:
        super().__init__()
        self.deployments = tuple(deployments)
        self.namespaces = tuple(namespaces)

    @hookimpl
    def discover(self) -> Sequence[Entity] | None:
        """Give an entity for each namespace and each Deployment."""
        if not self._enabled:
            return None
        return [
            *(_environment(namespace) for namespace in self.namespaces),
            *(_service(deployment) for deployment in self.deployments),
        ]


class GitHubNeighbour(Neighbour):
    """
    Adds annotations to every entity whose ``spec.repoUrl`` is on GitHub; makes no entity.

    Args:
        repositories: What GitHub knows.
    """

    name = "github"
    title = "GitHub"
    description = "Adds repository facts to entities with a repoUrl on GitHub."
    panels = ("Service", "API", "Infrastructure")
    release = "1.1.0"

    def __init__(self, repositories: Iterable[Repository] = ()) -> None:
        super().__init__()
        self.repositories = {one.full_name.lower(): one for one in repositories}

    @hookimpl
    def discover(self, entities: Sequence[Entity]) -> Sequence[Entity] | None:
        """Give for each such entity what is to be merged into it, and nothing else of it."""
        if not self._enabled:
            return None
        found = ((entity, self._repository(entity)) for entity in entities)
        return [
            {
                "apiVersion": entity.get("apiVersion", API_VERSION),
                "kind": entity["kind"],
                "metadata": {
                    "name": entity["metadata"]["name"],
                    "namespace": entity["metadata"]["namespace"],
                    "annotations": _enrichment(repository),
                },
            }
            for entity, repository in found
            if repository is not None
        ]

    def _repository(self, entity: Entity) -> Repository | None:
        spec = entity.get("spec")
        url = spec.get("repoUrl") if isinstance(spec, Mapping) else None
        if not isinstance(url, str) or "github.com" not in url:
            return None
        path = urlsplit(url).path.strip("/").removesuffix(".git").lower()
        return self.repositories.get(path)


def _environment(namespace: Namespace) -> Entity:
    return {
        "apiVersion": API_VERSION,
        "kind": "Environment",
        "metadata": {
            "name": namespace.name,
            "namespace": "default",
            "tags": ["kubernetes"],
            "annotations": {
                **namespace.annotations,
                "kubernetes.io/kind": "Namespace",
                "kubernetes.io/uid": f"ns-{namespace.cluster}-{namespace.name}",
                "kubernetes.io/namespace": namespace.name,
                "kubernetes.io/phase": "Active",
                "kubernetes.io/clusterName": namespace.cluster,
            },
        },
    }


def _service(deployment: Deployment) -> Entity:
    name = deployment.app or deployment.name
    return {
        "apiVersion": API_VERSION,
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": "default",
            "tags": [*([deployment.app] if deployment.app else []), "kubernetes"],
            "annotations": {
                "kubernetes.io/kind": "Deployment",
                "kubernetes.io/uid": deployment.uid
                or f"deploy-{deployment.cluster}-{deployment.namespace}-{deployment.name}",
                "kubernetes.io/clusterName": deployment.cluster,
            },
        },
        "spec": {
            "type": "backend",
            "deployedIn": [{"kind": "Environment", "name": deployment.namespace}],
        },
    }


def _enrichment(repository: Repository) -> dict[str, str]:
    owner, _, name = repository.full_name.partition("/")
    facts = {
        "github.com/owner": owner,
        "github.com/repo": name,
        "github.com/full-name": repository.full_name,
        "github.com/default-branch": repository.default_branch,
        "github.com/language": repository.language,
        "github.com/topics": ",".join(repository.topics),
        "github.com/archived": "true" if repository.archived else "false",
    }
    return {key: value for key, value in facts.items() if value}
