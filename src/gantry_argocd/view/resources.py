"""The table of managed resources: problems first, filtered and paged by the page's address."""

from __future__ import annotations

import attrs

from ..hookspecs import PageContext
from ..models import Application, Resource
from ..status import health_rank, sync_rank
from . import badges, links, text
from .badges import Badge
from .state import is_problem, unhealthy
from .text import Message

PAGE = 50
"""Rows of one page."""

FILTER_FROM = 10
"""With fewer resources a filter would be in the way."""

QUERY, NUMBER, APP, SHOW = "argocd.q", "argocd.page", "argocd.app", "argocd.show"
_PROBLEMS = "problems"
_MAX_QUERY = 100


@attrs.frozen(kw_only=True)
class Field:
    """
    A hidden field of a form.

    Attributes:
        name: Of the parameter.

        value: Of the parameter.
    """

    name: str
    value: str


def hidden(name: str, value: str) -> Field:
    """Give a hidden field that any answer can hold."""
    return Field(name=text.sendable(name), value=text.sendable(value))


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

        problem: To be set off.
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
    problem: bool


@attrs.frozen(kw_only=True)
class Choice:
    """
    One of the links that narrow the table, or lead to another of its pages.

    Attributes:
        text: What is shown.

        url: Empty for what is shown already, and where there is nothing to go to.

        current: It is what is shown.
    """

    text: str
    url: str = ""
    current: bool = False


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

        filter_url: Where the filter form leads. Empty when there is no filter.

        filter_label: Names the field.

        filter_fields: What the form must keep of the page's address.

        filter_name: Name of the field.

        filter_value: What is filtered for. May be empty.

        choices: All, or problems alone. Empty when there is nothing to choose.

        pages: Links to other pages. Empty when there is one.

        pages_label: Names the links to other pages.
    """

    title: str
    note: str
    caption: str
    anchor: str
    rows: tuple[ResourceRow, ...]
    filter_url: str
    filter_label: str
    filter_fields: tuple[Field, ...]
    filter_name: str
    filter_value: str
    choices: tuple[Choice, ...]
    pages: tuple[Choice, ...]
    pages_label: str


@attrs.frozen(kw_only=True)
class _Wish:
    query: str = ""
    problems: bool = False
    number: int = 1


def resources(
    app: Application, ref: str, page_of_app: str, page: PageContext, anchor: str
) -> Resources:
    """Draw up the table; *page_of_app* is the application in Argo CD, empty when not known."""
    wish = _wish(page, ref)
    listed = [r for r in app.resources if r.kind.strip() and r.name.strip()]
    problems = [r for r in listed if is_problem(r)]
    found = _found(problems if wish.problems else listed, wish.query)
    last = max(1, -(-len(found) // PAGE))
    number = min(wish.number, last)
    shown = sorted(found, key=_order)[(number - 1) * PAGE : number * PAGE]
    name = text.line(app.key.name, 80)
    wish = attrs.evolve(wish, number=number)
    offered = len(listed) > FILTER_FROM or wish.query != ""
    return Resources(
        title=f"Managed resources ({len(listed):,})",
        note=_note(len(listed), len(found), wish),
        caption=f"Resources that {name} manages, problems first",
        anchor=anchor,
        rows=tuple(_row(resource, page_of_app) for resource in shown),
        filter_url=links.pairs(page["url"])[0] + f"#{anchor}" if offered else "",
        filter_label=f"Filter the resources of {name}",
        filter_fields=_fields(page, ref, wish),
        filter_name=QUERY,
        filter_value=text.line(wish.query, _MAX_QUERY),
        choices=_choices(len(listed), len(problems), page, ref, wish, anchor),
        pages=_pages(last, page, ref, wish, anchor),
        pages_label=f"Pages of the resources of {name}",
    )


def _wish(page: PageContext, ref: str) -> _Wish:
    params = page["params"]
    if params.get(APP, ref) != ref:
        return _Wish()
    try:
        number = int(params.get(NUMBER, "1")[:6])
    except ValueError:
        number = 1
    return _Wish(
        query=params.get(QUERY, "").strip()[:_MAX_QUERY],
        problems=params.get(SHOW) == _PROBLEMS,
        number=max(1, number),
    )


def _found(resources: list[Resource], query: str) -> list[Resource]:
    words = query.casefold().split()
    if not words:
        return resources
    found = []
    for r in resources:
        row = f"{r.group}/{r.kind} {r.namespace}/{r.name} {r.sync} {r.health or ''}".casefold()
        if all(word in row for word in words):
            found.append(r)
    return found


def _order(resource: Resource) -> tuple[bool, int, int, bool, str, str, str]:
    sick = unhealthy(resource)
    return (
        not is_problem(resource),
        -health_rank(resource.health or "") if sick else 0,
        0 if resource.hook else -sync_rank(resource.sync or "Synced"),
        resource.hook,
        resource.kind,
        resource.namespace,
        resource.name,
    )


def _note(total: int, found: int, wish: _Wish) -> str:
    if not total:
        return "Argo CD lists no resources."
    if not found:
        return "No resource matches."
    if found <= PAGE:
        return f"{text.count(found, 'resource')} of {total:,}" if found < total else ""
    first = (wish.number - 1) * PAGE + 1
    return f"{first:,}–{min(found, wish.number * PAGE):,} of {found:,}"


def _row(resource: Resource, page_of_app: str) -> ResourceRow:
    marks = []
    if resource.hook:
        marks.append("hook")
    elif resource.prune_confirmation:
        marks.append("pruning waits for confirmation")
    elif resource.prune:
        marks.append("to be pruned")
    note = resource.health_message
    return ResourceRow(
        group=text.line(resource.group, 120),
        kind=text.line(resource.kind, 64),
        namespace=text.line(resource.namespace, 64),
        name=text.line(resource.name, 253),
        url=links.node(page_of_app, resource),
        sync=None if resource.hook or not resource.sync else badges.sync_badge(resource.sync),
        health=badges.health_badge(resource.health) if resource.health else None,
        message=text.message(note) if note and resource.health != "Healthy" else None,
        marks=tuple(marks),
        problem=is_problem(resource),
    )


def _kept(ref: str, wish: _Wish) -> dict[str, str]:
    show = _PROBLEMS if wish.problems else ""
    return {APP: ref, QUERY: wish.query, SHOW: show, NUMBER: ""}


def _fields(page: PageContext, ref: str, wish: _Wish) -> tuple[Field, ...]:
    kept = _kept(ref, wish)
    others = [(k, v) for k, v in links.pairs(page["url"])[1] if k not in kept]
    own = [(k, v) for k, v in kept.items() if v and k != QUERY]
    return tuple(hidden(name, value) for name, value in (*others, *own))


def _choices(
    total: int, problems: int, page: PageContext, ref: str, wish: _Wish, anchor: str
) -> tuple[Choice, ...]:
    if not (wish.problems or wish.query or (total > FILTER_FROM and 0 < problems < total)):
        return ()
    kept = _kept(ref, wish)
    everything = not (wish.problems or wish.query)
    all_url = links.page(page, kept | {SHOW: "", QUERY: ""}, anchor)
    bad_url = links.page(page, kept | {SHOW: _PROBLEMS}, anchor)
    return (
        Choice(text=f"All ({total:,})", url="" if everything else all_url, current=everything),
        Choice(
            text=f"Problems ({problems:,})",
            url="" if wish.problems else bad_url,
            current=wish.problems,
        ),
    )


def _pages(last: int, page: PageContext, ref: str, wish: _Wish, anchor: str) -> tuple[Choice, ...]:
    if last == 1:
        return ()

    def to(number: int) -> str:
        if not 1 <= number <= last:
            return ""
        return links.page(page, _kept(ref, wish) | {NUMBER: str(number)}, anchor)

    return (
        Choice(text="Previous", url=to(wish.number - 1)),
        Choice(text=f"Page {wish.number:,} of {last:,}", current=True),
        Choice(text="Next", url=to(wish.number + 1)),
    )
