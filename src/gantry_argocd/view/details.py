"""The facts of an application: what is deployed, from where, to where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from ..models import Application, AutoSync, Destination, Source, SourceKind
from . import badges, history, links, text, times
from .links import Link
from .state import AppState
from .times import Moment

_CHIPS = 30
_TITLES = {SourceKind.GIT: "Git", SourceKind.HELM: "Chart", SourceKind.OCI: "OCI image"}


@attrs.frozen(kw_only=True)
class Fact:
    """
    One row of the list of facts.

    Attributes:
        label: What it is.

        icon: Name of a glyph.

        values: One or several.

        mono: To be shown in the typeface for code.

        wide: Needs the whole width.

        when: The fact is a time. None when it is a text.

        note: What a revision is about. Empty when that is not known.
    """

    label: str
    icon: str
    values: tuple[Link, ...] = ()
    mono: bool = True
    wide: bool = False
    when: Moment | None = None
    note: str = ""


def facts(state: AppState, app: Application, now: datetime) -> tuple[Fact, ...]:
    """List the facts, those that people look for first."""
    compared, revisions = times.moment(app.reconciled_at, now), _revisions(state, app)
    last = Fact(label="Compared", icon="clock", mono=False, when=compared)
    # An even number of rows before the wide ones leaves no hole in two columns.
    early = [last] if len(revisions) % 2 == 0 else []
    rows = [_last_sync(app, now), *early, *revisions, *_sources(app), *_destination(app)]
    rows.append(_plain("Project", "folder", app.facts.project))
    rows.append(_plain("Auto-sync", "repeat", policy(app.auto_sync), mono=False))
    if app.sync_options:
        options = tuple(Link(text=text.line(option, 120)) for option in app.sync_options[:_CHIPS])
        rows.append(Fact(label="Sync options", icon="sliders", values=options, wide=True))
    rows += [] if early else [last]
    if app.created_at is not None:
        when = times.moment(app.created_at, now)
        rows.append(Fact(label="Created", icon="clock", mono=False, when=when))
    return tuple(row for row in rows if row.when or any(value.text for value in row.values))


def policy(auto: AutoSync | None) -> str:
    """Say how the application is synced."""
    if auto is None:
        return "Off, synced by hand"
    prune = "prunes" if auto.prune else "does not prune"
    return f"On, {prune}, {'heals drift' if auto.self_heal else 'does not heal drift'}"


def images(app: Application) -> tuple[str, ...]:
    """Give the images of *app*, a bounded number."""
    return _bounded([text.line(image, 300) for image in app.images])


def external(app: Application) -> tuple[Link, ...]:
    """Give the links that an application shows to its users; those that are unsafe are dropped."""
    found = []
    for entry in app.external_urls[:_CHIPS]:
        url = links.safe(entry.url)
        if url:
            found.append(Link(text=text.line(entry.title, 80) or text.cut(url, 80), url=url))
    return tuple(found)


def at_a_glance(state: AppState) -> tuple[str, ...]:
    """Give the few words that are shown of a folded card."""
    app = state.application
    if app is None:
        return ()
    revisions = history.deployed_or_compared(app)
    target = app.facts.destination
    place = " / ".join(part for part in (_cluster(target), text.line(target.namespace, 80)) if part)
    return tuple(part for part in (" + ".join(link.text for link in revisions), place) if part)


def _cluster(target: Destination) -> str:
    if target.server == "https://kubernetes.default.svc":
        return "in-cluster"  # Argo CD's own name for it
    return text.line(target.name or target.server, 80)


def _last_sync(app: Application, now: datetime) -> Fact:
    when = times.moment(app.last_sync_at, now)
    if when is None:
        return _plain("Last sync", "clock", "Never", mono=False)
    operation = app.operation
    words: tuple[Link, ...] = ()
    ended = operation is not None and not (operation.running or operation.dry_run)
    if operation is not None and ended and operation.phase != "Succeeded":
        words = (Link(text=f"({text.line(operation.phase, 40)})"),)
    return Fact(label="Last sync", icon="clock", mono=False, when=when, values=words)


def _revisions(state: AppState, app: Application) -> list[Fact]:
    sources = app.compared_sources
    compared, last = history.linked(app.revisions, sources), history.deployed(app)
    synced = app.facts.sync == "Synced"
    label = "Synced at" if synced else "Compared revision"
    if not badges.compared(app.facts.sync):
        label = "Wanted, not loaded"
    note = _about(state, app.revisions, sources)
    rows = [_fact(label, "commit", compared, note)]
    if last and (last != compared or not synced):
        newest = history.newest_first(app)[0]
        note = _about(state, newest.revisions, app.sources_of(newest))
        rows.append(_fact("Deployed revision", "commit", last, note))
    if app.hydrated:
        source = app.sources[0] if app.sources else None
        rows.append(_fact("Hydrated from", "commit", (links.revision(app.hydrated, source),)))
    return rows


def _about(state: AppState, revisions: Sequence[str], sources: Sequence[Source]) -> str:
    change = history.change(revisions, sources, state.commits)
    if change is None:
        return ""
    return ", by ".join(part for part in (text.cut(change.subject, 80), change.author) if part)


def _sources(app: Application) -> list[Fact]:
    rows: list[Fact] = []
    for number, source in enumerate(app.sources[:_CHIPS], start=1):
        rows += _source(source, f" {number}" if len(app.sources) > 1 else "")
    return rows + (_hydrated(app.hydrated_source, app) if app.hydrated_source else [])


def _hydrated(made: Source, app: Application) -> list[Fact]:
    rows = [
        _plain("Hydrated branch", "branch", made.target_revision),
        _plain("Hydrated path", "folder", made.path),
    ]
    if made.repo_url != app.sources[0].repo_url:
        link = Link(text=text.line(made.repo_url, 300), url=links.repository(made))
        rows.insert(0, Fact(label="Hydrated repository", icon="branch", wide=True, values=(link,)))
    return rows


def _source(source: Source, number: str) -> list[Fact]:
    kind = _TITLES[source.kind]
    name = text.line(source.name, 80)
    label = f"{kind} source{number}" + (f" ({name})" if name else "")
    address = text.line(source.repo_url, 300)
    rows = [
        Fact(
            label=label if number or kind != "Git" else "Repository",
            icon="branch",
            wide=True,
            values=(Link(text=address or "not said", url=links.repository(source)),),
        )
    ]
    if source.chart:
        rows.append(_plain(f"Chart{number}", "box", source.chart))
    target = links.revision(source.target_revision or "HEAD", source)
    rows.append(_fact(f"Target{number}", "branch", (target,)))
    if source.path:
        rows.append(_plain(f"Path{number}", "folder", source.path))
    if source.ref:
        rows.append(_plain(f"Values as{number}", "folder", f"${source.ref}"))
    return rows


def _destination(app: Application) -> list[Fact]:
    target = app.facts.destination
    return [
        _plain("Cluster", "server", target.name or target.server),
        _plain("Namespace", "box", target.namespace),
    ]


def _plain(label: str, icon: str, value: str, *, mono: bool = True) -> Fact:
    return Fact(label=label, icon=icon, values=(Link(text=text.line(value, 300)),), mono=mono)


def _fact(label: str, icon: str, values: tuple[Link, ...], note: str = "") -> Fact:
    return Fact(label=label, icon=icon, values=values, note=note)


def _bounded(words: list[str]) -> tuple[str, ...]:
    if len(words) <= _CHIPS:
        return tuple(words)
    return (*words[:_CHIPS], f"and {len(words) - _CHIPS} more")
