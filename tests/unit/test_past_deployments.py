"""The deployments: which revisions are asked about, the picture, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import attrs
import pytest

from gantry_argocd import view
from gantry_argocd.models import Commit, Deployment, Operation, Source
from gantry_argocd.view import examples
from gantry_argocd.view.timeline import timeline

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
SHA = "3f0e9a17c2d45b8890ab4cd1e27f65a90b13c8d2"
GIT = Source(repo_url="https://git.example.com/pay")
CHART = Source(repo_url="https://charts.example.com", chart="pay")
OCI = Source(repo_url="oci://registry.example.com/pay")


def history_of(**changes: Any) -> view.History:
    """Give the deployments of the example with *changes*."""
    state = examples.state(examples.example(NOW, **changes))
    offered = examples.actions_for(state.ref)
    body = view.panel([state], offered, examples.page(), NOW).cards[0].body
    assert body is not None
    assert body.history is not None
    return body.history


@pytest.mark.parametrize(
    ("sources", "revisions", "asked"),
    [
        ((GIT,), (SHA,), [(0, SHA)]),
        ((GIT,), (SHA[:7],), [(0, SHA[:7])]),
        ((GIT,), ("main",), []),
        ((GIT,), (SHA[:6],), []),
        ((CHART,), ("1.8.2",), [(0, "1.8.2")]),
        ((CHART, GIT), ("1.8.2", SHA), [(1, SHA)]),
        ((CHART, GIT), ("1.8.2", "main"), [(0, "1.8.2")]),
        ((OCI,), ("sha256:" + "0" * 64,), [(0, "sha256:" + "0" * 64)]),
        ((GIT,), (), []),
        ((CHART,), ("../..",), []),
    ],
)
def test_only_what_can_be_told_is_asked(
    sources: tuple[Source, ...], revisions: tuple[str, ...], asked: list[tuple[int, str]]
) -> None:
    """A commit is asked about before a chart; a branch is not, as Argo CD tells nothing of it."""
    app = examples.example(NOW, sources=sources, revisions=revisions, history=())

    assert [(ask.index, ask.revision) for ask in view.asks(app)] == asked


def test_each_revision_of_the_rows_shown_is_asked_once() -> None:
    """Of a long history ten rows are asked about, and a revision in several rows once."""
    numbers = [*range(20), 19]
    past = tuple(
        Deployment(id=n, revisions=(f"{number:040x}",), sources=(GIT,))
        for n, number in enumerate(numbers)
    )
    app = examples.example(NOW, sources=(GIT,), revisions=(f"{19:040x}",), history=past)

    asked = view.asks(app)

    assert len(asked) == 9
    assert {ask.number for ask in asked} >= {11, 18}


def test_a_row_names_change_author_starter_and_duration() -> None:
    """A deployment says what it was about, who wrote it, who started it and how long it took."""
    rows = history_of().rows

    assert [(row.number, row.who, row.took) for row in rows] == [
        ("5", "mia", "1 min 55 s"),
        ("4", "auto-sync", "1 min 32 s"),
        ("3", "mia", "1 min 9 s"),
    ]
    assert rows[0].change == view.Change(
        subject="Pull the image from the new registry", author="Ada Example"
    )


def test_what_is_deployed_already_has_no_way_back() -> None:
    """Every row but the newest has a button that names its deployment and asks first."""
    rows = history_of().rows

    assert [row.rollback is not None for row in rows] == [False, True, True]
    oldest = rows[2].rollback
    assert oldest is not None
    assert oldest.name == "Roll back payment-api to deployment 3"
    assert ("action", "argocd:rollback:3") in [(f.name, f.value) for f in oldest.fields]
    assert oldest.consequence


def test_the_reason_for_no_way_back_is_said_once() -> None:
    """Where nothing can be rolled back there are no buttons but one sentence that says why."""
    state = examples.state(examples.example(NOW))
    offered = examples.actions_for(state.ref, "Argo CD would undo it")
    body = view.panel([state], offered, examples.page(), NOW).cards[0].body

    assert body is not None
    assert body.history is not None
    assert not body.history.rollbacks
    assert body.history.note == "No roll back: Argo CD would undo it."


@pytest.mark.parametrize(
    ("operation", "tones", "words"),
    [
        (None, ["good", "good", "good"], "3 deployments, from"),
        (
            Operation(phase="Failed", finished_at=NOW),
            ["good", "good", "good", "bad"],
            "3 deployments and 1 failed sync, from",
        ),
        (
            Operation(phase="Running", started_at=NOW),
            ["good", "good", "good", "busy"],
            "3 deployments and a sync in progress, from",
        ),
        (
            Operation(phase="Running", started_at=NOW, finished_at=NOW),
            ["good", "good", "good", "bad"],
            "1 failed sync",
        ),
        (Operation(phase="Abandoned", started_at=NOW), [*["good"] * 3, "bad"], "1 failed sync"),
        (Operation(phase="Failed", finished_at=NOW, dry_run=True), ["good"] * 3, "3 deployments"),
        (Operation(phase="Queued"), ["good"] * 3, "3 deployments"),
    ],
)
def test_the_picture_shows_how_each_ended(
    operation: Operation | None, tones: list[str], words: str
) -> None:
    """The picture has a mark for each deployment and a sync that failed or runs, and says so."""
    shown = timeline(examples.example(NOW, operation=operation), NOW, "pay")

    assert shown is not None
    assert [mark.tone for mark in shown.marks] == tones
    assert words in shown.label


def test_marks_never_hide_each_other() -> None:
    """Deployments within seconds of each other are still marks of their own, in order."""
    past = tuple(
        Deployment(id=n, revisions=(SHA,), deployed_at=NOW - timedelta(days=100 if n == 0 else 0))
        for n in range(30)
    )
    shown = timeline(examples.example(NOW, operation=None, history=past), NOW, "pay")

    assert shown is not None
    places = [float(mark.place.split("(")[1].split()[0]) for mark in shown.marks]
    assert len(places) == 15
    assert all(after - before >= 19.9 for before, after in pairwise(places))


def test_one_deployment_is_no_picture() -> None:
    """With a single deployment there is nothing to compare, so nothing is drawn."""
    one = examples.a_history(NOW)[:1]

    assert timeline(examples.example(NOW, operation=None, history=one), NOW, "pay") is None


def test_a_change_without_words_is_not_shown() -> None:
    """A commit that says nothing leaves the place empty instead of a blank line."""
    app = examples.example(NOW)
    silent = {ask.subject: Commit() for ask in view.asks(app)}
    state = attrs.evolve(examples.state(app), commits=silent)
    body = view.panel([state], [], examples.page(), NOW).cards[0].body

    assert body is not None
    assert body.history is not None
    assert [row.change for row in body.history.rows] == [None, None, None]
