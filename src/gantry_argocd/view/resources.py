"""The table of managed resources: problems first, filtered and paged by the page's address."""

from __future__ import annotations

from functools import lru_cache

import attrs

from ..hookspecs import PageContext
from ..models import Application, Resource
from ..status import health_rank, sync_rank
from . import badges, filters, links, text
from .badges import Badge
from .filters import HOOK, PAGE, PRUNE, Choice, Filter, Wish
from .state import is_problem, unhealthy
from .text import Message

_SHARED = 256


@attrs.frozen(kw_only=True)
class ResourceRow:
    """
    One managed resource.

    Attributes:
        group: API group. Empty for the core group.

        kind: Never empty.

        namespace: Empty for what belongs to the cluster.

        name: Never empty.

        url: The resource in Argo CD. Empty when Argo CD's address is not known.

        sync: None for a hook.

        health: None when Argo CD does not say, which is normal for many kinds.

        message: Why it is not healthy. None when there is nothing to say.

        marks: ``hook``, ``to be pruned``, …; empty in most.

        tone: Of what is wrong with it: ends a CSS class. Empty when nothing is.
    """

    group: str
    kind: str
    namespace: str
    name: str
    url: str
    sync: Badge | None
    health: Badge | None
    message: Message | None
    marks: tuple[str, ...]
    tone: str


@attrs.frozen(kw_only=True)
class Resources:
    """
    The table with what is around it.

    Attributes:
        title: With the number of resources.

        note: Which part is shown, or why nothing is. Empty when all is shown.

        caption: For those who hear the page.

        anchor: Id of the section.

        rows: Of this page.

        filter: The form above it. None where it would be in the way.

        choices: All, or problems alone. Empty when there is nothing to choose.

        pages: Links to other pages. Empty when there is one.

        pages_label: Names the links to other pages.
    """

    title: str
    note: str
    caption: str
    anchor: str
    rows: tuple[ResourceRow, ...]
    filter: Filter | None
    choices: tuple[Choice, ...]
    pages: tuple[Choice, ...]
    pages_label: str


def resources(
    app: Application, ref: str, page_of_app: str, page: PageContext, anchor: str, called: str
) -> Resources:
    """
    Draw up the table.

    Args:
        app: The application.

        ref: As the catalogue writes it.

        page_of_app: The application in Argo CD. Empty when not known.

        page: Where links and forms lead.

        anchor: Id of the section.

        called: What the application is called on this page.
    """
    wish = filters.wish_of(page, ref)
    listed = [r for r in app.resources if r.kind.strip() and r.name.strip()]
    found = filters.chosen(listed, wish)
    last = max(1, -(-len(found) // PAGE))
    wish = attrs.evolve(wish, number=min(wish.number, last))
    problems = sum(map(is_problem, listed)) if wish.narrows else None
    bad = sorted(filter(is_problem, found), key=_order)
    if problems is None:
        problems = len(bad)
    words = _Words()
    return Resources(
        title=f"Managed resources ({len(listed):,})",
        note=" ".join(filter(None, (_note(len(listed), len(found), wish), _silence(app)))),
        caption=f"Resources that {called} manages, problems first",
        anchor=anchor,
        rows=tuple(words.row(r, page_of_app) for r in _page_of(found, bad, wish.number)),
        filter=filters.form(listed, page, ref, wish, called, anchor),
        choices=filters.choices(len(listed), problems, page, ref, wish, anchor),
        pages=filters.pages(last, page, ref, wish, anchor),
        pages_label=f"Pages of the resources of {called}",
    )


def _page_of(found: list[Resource], bad: list[Resource], number: int) -> list[Resource]:
    end = number * PAGE
    if len(bad) >= end:
        return bad[end - PAGE : end]
    well = (resource for resource in found if not is_problem(resource))
    return [*bad, *sorted(well, key=_name)][end - PAGE : end]


def _order(resource: Resource) -> tuple[int, int, str, str, str]:
    sick = unhealthy(resource)
    return (
        -health_rank(resource.health or "") if sick else 0,
        -sync_rank(resource.sync or "Synced"),
        resource.kind,
        resource.namespace,
        resource.name,
    )


def _name(resource: Resource) -> tuple[bool, str, str, str]:
    return resource.hook, resource.kind, resource.namespace, resource.name


def _note(total: int, found: int, wish: Wish) -> str:
    if not total:
        return "Argo CD lists no resources."
    if not found:
        return "No resource matches."
    if found <= PAGE:
        return f"{text.count(found, 'resource')} of {total:,}" if found < total else ""
    first = (wish.number - 1) * PAGE + 1
    return f"{first:,}–{min(found, wish.number * PAGE):,} of {found:,}"


def _silence(app: Application) -> str:
    """Say so where resources have no health, though the application's comes from theirs."""
    told = any(resource.health for resource in app.resources)
    if told or not app.resources or app.facts.health in {"Healthy", "Unknown"}:
        return ""
    return "Argo CD does not tell the health of single resources now; its cache may have lost it."


def _tone(resource: Resource) -> str:
    if not is_problem(resource):
        return ""
    sick = unhealthy(resource)
    return (
        badges.health_badge(resource.health or "") if sick else badges.sync_badge("OutOfSync")
    ).tone


class _Words:
    """Puts resources into words. Many of them share kind, namespace and status."""

    def __init__(self) -> None:
        self._line = lru_cache(_SHARED)(text.line)
        self._sync = lru_cache(_SHARED)(badges.sync_badge)
        self._health = lru_cache(_SHARED)(badges.health_badge)

    def row(self, resource: Resource, page_of_app: str) -> ResourceRow:
        """Give the row of one."""
        note = resource.health_message
        return ResourceRow(
            group=self._line(resource.group, 120),
            kind=self._line(resource.kind, 64),
            namespace=self._line(resource.namespace, 64),
            name=text.line(resource.name, 253),
            url=links.node(page_of_app, resource),
            sync=self._sync(resource.sync) if resource.sync and not resource.hook else None,
            health=self._health(resource.health) if resource.health else None,
            message=text.message(note) if note and resource.health != "Healthy" else None,
            marks=_marks(resource),
            tone=_tone(resource),
        )


def _marks(resource: Resource) -> tuple[str, ...]:
    if resource.hook:
        return (HOOK,)
    if resource.prune_confirmation:
        return ("pruning waits for confirmation",)
    return (PRUNE,) if resource.prune else ()
