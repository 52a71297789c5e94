"""What was deployed, when, by whom, and the change behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from ..models import Application, Commit, Deployment, RevisionAsk, RevisionKey, Source, SourceKind
from . import links, text, times
from .buttons import Button, Buttons
from .links import Link
from .state import AppState
from .times import Moment

DEPLOYMENTS = 10
"""Rows that are shown; Argo CD keeps as many by default."""

_CHIPS = 30
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")


@attrs.frozen(kw_only=True)
class Change:
    """
    What a revision is about.

    Attributes:
        subject: First line of the commit's message, or what a chart says of itself. May be empty.

        author: May be empty.
    """

    subject: str
    author: str


@attrs.frozen(kw_only=True)
class HistoryRow:
    """
    One deployment.

    Attributes:
        number: What Argo CD calls it.

        when: When it was complete. None when Argo CD does not say.

        took: In words. Empty when not known.

        revisions: One for each source.

        change: Who made it and what it is about. None when that is not known.

        who: Who or what started it.

        newest: It is what was deployed last.

        rollback: Deploys it again. None for what was deployed last, and where it is not offered.
    """

    number: str
    when: Moment | None
    took: str
    revisions: tuple[Link, ...]
    change: Change | None
    who: str
    newest: bool
    rollback: Button | None


@attrs.frozen(kw_only=True)
class History:
    """
    The deployments.

    Attributes:
        rows: Newest first.

        caption: For those who hear the page.

        note: What is left out, and why nothing can be rolled back. Empty when there is nothing
            to say.

        rollbacks: Some row can be rolled back to, or says why not.
    """

    rows: tuple[HistoryRow, ...]
    caption: str
    note: str
    rollbacks: bool


def history(state: AppState, app: Application, can: Buttons, called: str, now: datetime) -> History:
    """
    List the deployments of an application.

    Args:
        state: What is known of it.

        app: The application.

        can: What can be done to it.

        called: What it is called on this page.

        now: For relative times.
    """
    newest = newest_first(app)
    rows = tuple(
        _row(state, app, entry, can.rollbacks.get(str(entry.id)) if index else None, now, not index)
        for index, entry in enumerate(newest[:DEPLOYMENTS])
    )
    notes = []
    if len(newest) > DEPLOYMENTS:
        notes.append(f"{text.count(len(newest) - DEPLOYMENTS, 'earlier deployment')} in Argo CD.")
    if can.no_rollback and len(rows) > 1:
        notes.append(f"No roll back: {text.sentence(can.no_rollback, 300)}")
    return History(
        rows=rows,
        caption=f"Deployments of {called}, newest first",
        note=" ".join(notes),
        rollbacks=any(row.rollback for row in rows),
    )


def newest_first(app: Application) -> list[Deployment]:
    """Give the deployments, the newest first."""
    return sorted(app.history, key=lambda entry: entry.id, reverse=True)


def asks(app: Application) -> tuple[RevisionAsk, ...]:
    """Give the revisions that the page would say more about: of the rows shown, one of each."""
    found = [_ask(app.revisions, app.compared_sources, None)]
    found += [
        _ask(entry.revisions, app.sources_of(entry), entry.id)
        for entry in newest_first(app)[:DEPLOYMENTS]
    ]
    # The number of a deployment makes Argo CD look at the sources of then.
    by_subject = {ask.subject: ask for ask in reversed(found) if ask is not None}
    return tuple(by_subject.values())


def change(
    revisions: Sequence[str], sources: Sequence[Source], commits: Mapping[RevisionKey, Commit]
) -> Change | None:
    """Say what is known of *revisions*; None when nothing is."""
    ask = _ask(revisions, sources, None)
    commit = commits.get(ask.subject) if ask is not None else None
    if commit is None or not (commit.subject or commit.author):
        return None
    return Change(subject=text.line(commit.subject, 120), author=text.line(commit.author, 80))


def who(entry: Deployment) -> str:
    """Say who or what began a deployment."""
    return text.line(entry.initiator, 80) or ("auto-sync" if entry.automated else "not known")


def deployed(app: Application) -> tuple[Link, ...]:
    """Give the revisions that were deployed last; empty when none was."""
    entries = newest_first(app)
    if not entries:
        return ()
    return linked(entries[0].revisions, app.sources_of(entries[0]))


def deployed_or_compared(app: Application) -> tuple[Link, ...]:
    """Give the revisions that were deployed last; else those that were compared."""
    return deployed(app) or linked(app.revisions, app.compared_sources)


def linked(revisions: Sequence[str], sources: Sequence[Source]) -> tuple[Link, ...]:
    """Show *revisions*, each of its source."""
    padded = (*sources, *(None for _ in revisions[len(sources) :]))
    pairs = list(zip(revisions, padded, strict=False))[:_CHIPS]
    return tuple(links.revision(name, source) for name, source in pairs if name)


def _row(
    state: AppState,
    app: Application,
    entry: Deployment,
    rollback: Button | None,
    now: datetime,
    newest: bool,
) -> HistoryRow:
    sources = app.sources_of(entry)
    return HistoryRow(
        number=str(entry.id),
        when=times.moment(entry.deployed_at, now),
        took=times.duration(entry.started_at, entry.deployed_at),
        revisions=linked(entry.revisions, sources),
        change=change(entry.revisions, sources, state.commits),
        who=who(entry),
        newest=newest,
        rollback=rollback,
    )


def _ask(
    revisions: Sequence[str], sources: Sequence[Source], number: int | None
) -> RevisionAsk | None:
    """Choose the revision that says most of a deployment: a commit before a chart or an image."""
    possible = [
        RevisionAsk(source=source, revision=revision, index=index, number=number)
        for index, (revision, source) in enumerate(zip(revisions, sources, strict=False))
        if _tells(revision, source)
    ]
    commits = (ask for ask in possible if ask.source.kind is SourceKind.GIT)
    return next(commits, possible[0] if possible else None)


def _tells(revision: str, source: Source) -> bool:
    # Of a branch, which a failed comparison leaves, Argo CD tells nothing (section 7).
    if source.kind is SourceKind.GIT:
        return _COMMIT.fullmatch(revision) is not None
    return 0 < len(revision) <= 200 and "/" not in revision
