"""
The little of an Application that the catalogue is made from, checked and cleaned.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

import attrs

from .. import models
from ..refs import AppKey, is_kubernetes_name
from ..repositories import web_address, without_credentials
from . import raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TEXT_LIMIT = 2048
"""Characters of any one text that goes into the catalogue."""

IGNORE_ANNOTATION = "gantry.io/ignore"


@attrs.frozen(kw_only=True)
class Reading:
    """
    What is asked of an answer.

    Attributes:
        instance: Name of the instance that gave it.

        label_key: Label whose value names the entity.

        own_namespace: Where an Application is that does not say it.
    """

    instance: str
    label_key: str = "name"
    own_namespace: str = "argocd"


def read_facts(app: raw.ListedApplication | raw.Application, reading: Reading) -> models.Facts:
    """
    Read what the catalogue needs.

    Raises:
        ValueError: If a text is none that a catalogue can hold; with the path to it.
    """
    metadata, spec, status = app.metadata, app.spec, app.status
    place = spec.destination
    return make_facts(
        read_key(metadata.name, metadata.namespace, reading),
        metadata.labels.get(reading.label_key, ""),
        spec.project,
        status.sync.status,
        status.health.status,
        first_origin((source.repo_url, source.web_url) for source in read_sources(spec)),
        read_destination(place.server, place.name, place.namespace),
        ignored=metadata.annotations.get(IGNORE_ANNOTATION) == "true",
    )


def read_key(name: str, namespace: str, reading: Reading) -> AppKey:
    """
    Say which application it is.

    Raises:
        ValueError: If its name is none that Kubernetes allows.
    """
    namespace = namespace or reading.own_namespace
    if not is_kubernetes_name(name) or not is_kubernetes_name(namespace):
        msg = "its name or namespace is none that Kubernetes allows"
        raise ValueError(msg)
    return AppKey(reading.instance, intern(namespace), name)


def make_facts(
    key: AppKey,
    label: Any,
    project: str,
    sync: str,
    health: str,
    origin: Place,
    destination: models.Destination,
    *,
    ignored: bool,
) -> models.Facts:
    """
    Put together what the catalogue needs.

    Raises:
        ValueError: See :func:`read_facts`.
    """
    return models.Facts(
        key=key,
        label=_plain("metadata.labels", label) if isinstance(label, str) else "",
        project=_plain("spec.project", project) or "default",
        sync=_plain("status.sync.status", sync) or "Unknown",
        health=_plain("status.health.status", health) or "Unknown",
        repo=_plain("spec.source.repoURL", origin[0]),
        repo_url=origin[1],
        destination=destination,
        ignored=ignored,
    )


def read_destination(
    server: str, name: str, namespace: str, bare: Callable[[str], str] = without_credentials
) -> models.Destination:
    """Read where an application is deployed to; *bare* takes credentials out of its server."""
    return models.Destination(
        server=bare(_plain("spec.destination.server", server)),
        name=_plain("spec.destination.name", name),
        namespace=_plain("spec.destination.namespace", namespace),
    )


Place = tuple[str, str | None]
"""A repository as it is shown, and the address of its page when it is one of Git."""


def read_place(address: str, chart: str) -> Place:
    """Read the address of a source."""
    source = read_source(raw.Source(repo_url=address, chart=chart))
    return source.repo_url, source.web_url


def first_origin(places: Iterable[Place]) -> Place:
    """Choose the repository of an application: the first Git one, else the first."""
    found = tuple(places)
    return next((place for place in found if place[1]), found[0] if found else ("", None))


def _plain(path: str, text: str) -> str:
    """
    Give a short text that goes into the catalogue; equal ones are one in memory.

    Nothing bounds these in Argo CD, and whoever may write an Application writes them: a catalogue
    page of megabytes, or a NUL that a database refuses, would cost everybody else theirs.
    """
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"a text of more than {TEXT_LIMIT} characters @ $.{path}")
    if not text.isprintable():
        raise ValueError(f"a character that cannot be shown @ $.{path}")
    return intern(text)


def read_sources(spec: raw.ListedSpec) -> tuple[models.Source, ...]:
    """Give the sources that people edit: the hydrator wins over ``sources`` over ``source``."""
    if spec.source_hydrator is not None and spec.source_hydrator.dry_source.repo_url:
        return (read_source(spec.source_hydrator.dry_source),)
    return read_source_list(spec.source, spec.sources)


def read_source_list(one: raw.Source, several: Iterable[raw.Source]) -> tuple[models.Source, ...]:
    """Read the one source or the several that Argo CD keeps, in a spec as in the history."""
    found = tuple(read_source(source) for source in several)
    # Beside several sources Argo CD leaves a stub: {"repoURL": ""} (section 8.3).
    return found or ((read_source(one),) if one != raw.Source() else ())


def read_source(source: raw.Source) -> models.Source:
    """Read one source."""
    result = models.Source(
        repo_url=without_credentials(source.repo_url),
        path=source.path,
        chart=source.chart,
        target_revision=source.target_revision,
        ref=source.ref,
        name=source.name,
    )
    if result.kind is models.SourceKind.GIT:
        return attrs.evolve(result, web_url=web_address(source.repo_url))
    return result
