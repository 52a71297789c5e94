"""What of a table is shown, told by the address of the page; works without JavaScript."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from ..hookspecs import PageContext
from ..models import Resource
from . import links, text
from .state import is_problem
from .text import Field, hidden

PAGE = 50
"""Rows of one page."""

FILTER_FROM = 10
"""With fewer resources a filter would be in the way."""

APP = "argocd.app"
QUERY, KIND, STATUS = "argocd.q", "argocd.kind", "argocd.status"
SHOW, NUMBER = "argocd.show", "argocd.page"
HOOK, PRUNE = "hook", "to be pruned"
_PROBLEMS = "problems"
_MAX_QUERY = 100
_OPTIONS = 100


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
class Option:
    """
    One of the values of a selection.

    Attributes:
        value: What the form sends. Empty for all.

        text: What is shown.

        chosen: It is what is shown now.
    """

    value: str
    text: str
    chosen: bool


@attrs.frozen(kw_only=True)
class Select:
    """
    A selection in a form.

    Attributes:
        label: For those who hear the page.

        name: Of the parameter.

        options: The first is all.
    """

    label: str
    name: str
    options: tuple[Option, ...]


@attrs.frozen(kw_only=True)
class Filter:
    """
    The form above the table.

    Attributes:
        url: Where it leads.

        label: Names the form, and its text field.

        fields: What it must keep of the page's address.

        name: Name of the text field.

        value: What is filtered for. May be empty.

        selects: For kind and status.

        clear_url: Takes all filters away. Empty when there is none.
    """

    url: str
    label: str
    fields: tuple[Field, ...]
    name: str
    value: str
    selects: tuple[Select, ...]
    clear_url: str


@attrs.frozen(kw_only=True)
class Wish:
    """
    What somebody wants to see of one table.

    Attributes:
        query: Words that a row must hold.

        kind: Empty for all.

        status: A status of sync or health, or a mark. Empty for all.

        problems: Only what is a reason to look.

        number: Of the page, from 1.
    """

    query: str = ""
    kind: str = ""
    status: str = ""
    problems: bool = False
    number: int = 1

    @property
    def narrows(self) -> bool:
        """Say whether anything is left out."""
        return bool(self.query or self.kind or self.status or self.problems)


def wish_of(page: PageContext, ref: str) -> Wish:
    """Read what is wanted of the table of *ref*."""
    params = page["params"]
    if params.get(APP, ref) != ref:
        return Wish()
    try:
        number = int(params.get(NUMBER, "1")[:6])
    except ValueError:
        number = 1
    return Wish(
        query=params.get(QUERY, "").strip()[:_MAX_QUERY],
        kind=params.get(KIND, "").strip()[:_MAX_QUERY],
        status=params.get(STATUS, "").strip()[:_MAX_QUERY],
        problems=params.get(SHOW) == _PROBLEMS,
        number=max(1, number),
    )


def chosen(resources: Iterable[Resource], wish: Wish) -> list[Resource]:
    """Give those that are wanted, in their order."""
    words = wish.query.casefold().split()
    found = []
    for one in resources:
        if wish.kind and one.kind != wish.kind:
            continue
        if wish.status and wish.status not in statuses(one):
            continue
        if wish.problems and not is_problem(one):
            continue
        if words:
            row = f"{one.group}/{one.kind} {one.namespace}/{one.name} {one.sync} {one.health or ''}"
            row = row.casefold()
            if not all(word in row for word in words):
                continue
        found.append(one)
    return found


def statuses(resource: Resource) -> tuple[str, ...]:
    """Give all that a resource can be found by as its status."""
    found = [word for word in (resource.sync, resource.health) if word]
    if resource.hook:
        found.append(HOOK)
    elif resource.prune or resource.prune_confirmation:
        found.append(PRUNE)
    return tuple(found)


def form(
    listed: Sequence[Resource], page: PageContext, ref: str, wish: Wish, name: str, anchor: str
) -> Filter | None:
    """Draw up the form; None where it would be in the way."""
    if len(listed) <= FILTER_FROM and not wish.narrows:
        return None
    kinds = Counter(one.kind for one in listed)
    states = Counter(word for one in listed for word in statuses(one))
    nothing = {QUERY: "", KIND: "", STATUS: "", SHOW: "", NUMBER: ""}
    return Filter(
        url=links.pairs(page["url"])[0] + f"#{anchor}",
        label=f"Filter the resources of {name}",
        fields=_fields(page, ref, wish),
        name=QUERY,
        value=text.line(wish.query, _MAX_QUERY),
        selects=(
            _select("Kind", KIND, kinds, wish.kind),
            _select("Status", STATUS, states, wish.status),
        ),
        clear_url=links.page(page, {APP: ref} | nothing, anchor) if wish.narrows else "",
    )


def choices(
    total: int, problems: int, page: PageContext, ref: str, wish: Wish, anchor: str
) -> tuple[Choice, ...]:
    """Draw up the links to all, and to problems alone; none where there is nothing to choose."""
    if not (wish.narrows or (total > FILTER_FROM and 0 < problems < total)):
        return ()
    kept = _kept(ref, wish)
    every = kept | {SHOW: "", QUERY: "", KIND: "", STATUS: ""}
    all_url = links.page(page, every, anchor)
    bad_url = links.page(page, kept | {SHOW: _PROBLEMS}, anchor)
    return (
        Choice(
            text=f"All ({total:,})",
            url=all_url if wish.narrows else "",
            current=not wish.narrows,
        ),
        Choice(
            text=f"Problems ({problems:,})",
            url="" if wish.problems else bad_url,
            current=wish.problems,
        ),
    )


def pages(last: int, page: PageContext, ref: str, wish: Wish, anchor: str) -> tuple[Choice, ...]:
    """Draw up the links to other pages; none when there is one page."""
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


def _kept(ref: str, wish: Wish) -> dict[str, str]:
    show = _PROBLEMS if wish.problems else ""
    return {
        APP: ref,
        QUERY: wish.query,
        KIND: wish.kind,
        STATUS: wish.status,
        SHOW: show,
        NUMBER: "",
    }


def _fields(page: PageContext, ref: str, wish: Wish) -> tuple[Field, ...]:
    kept = _kept(ref, wish)
    others = [(k, v) for k, v in links.pairs(page["url"])[1] if k not in kept]
    own = [(k, v) for k, v in kept.items() if v and k in {APP, SHOW}]
    return tuple(hidden(name, value) for name, value in (*others, *own))


def _select(label: str, name: str, found: Counter[str], now: str) -> Select:
    # What cannot be shown as it is cannot be chosen either; the text field finds it.
    plain = (word for word in found if text.line(word, _MAX_QUERY) == word)
    words = sorted(plain, key=lambda word: (-found[word], word))[:_OPTIONS]
    if now and now not in words:
        words.append(now)
    return Select(
        label=label,
        name=name,
        options=(
            Option(value="", text=f"Any {label.lower()}", chosen=not now),
            *(
                Option(
                    value=text.sendable(word),
                    text=f"{text.line(word, 60)} ({found[word]:,})",
                    chosen=word == now,
                )
                for word in words
            ),
        ),
    )
