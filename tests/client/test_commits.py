"""Who made the revisions that are shown: asked once, never waited for long, and never needed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gantry_argocd import errors
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.commits import ASK_AGAIN_AFTER, Commits
from gantry_argocd.instances.hub import reveal
from gantry_argocd.models import Application, Commit, RevisionAsk, Source, SourceKind
from gantry_argocd.refs import AppKey
from gantry_argocd.settings import validate
from gantry_argocd.simulator import Simulator
from gantry_argocd.view import asks
from gantry_argocd.wire import Reader, Reading, commit_of
from recorded import recorded
from waiting import eventually

PAY = AppKey("one", "argocd", "payment-api")
SHA = "3f0e9a17c2d45b8890ab4cd1e27f65a90b13c8d2"
ASK = RevisionAsk(source=Source(repo_url="https://git.example.com/pay"), revision=SHA)
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


@pytest.fixture
def client(argocd: Simulator) -> Iterator[Client]:
    """A client with all rights."""
    config = {"instances": [{"name": "one", "argocdUrl": argocd.url, "token": argocd.token}]}
    settings = validate(config, trusted=True).settings
    assert settings is not None
    made = Client(settings.instances[0], reveal=reveal, now=lambda: datetime.now(UTC))
    yield made
    made.close()


class Asked:
    """Stands for a client: answers what it is told to, and counts."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.calls = 0
        self._answer = answer

    def revision(self, *_asked: Any) -> Any:
        """Answer."""
        self.calls += 1
        return self._answer()


def read(client: Client, name: str) -> Application:
    """Fetch and read an application."""
    document = client.application(AppKey("one", "argocd", name), "")
    return Reader().application(document, Reading(instance="one"))


def revision_calls(argocd: Simulator) -> list[Any]:
    """Give the questions about revisions that the server received."""
    return [request for request in argocd.requests if "/revisions/" in request.path]


def test_authors_of_the_rows_shown_are_asked_once(client: Client, argocd: Simulator) -> None:
    """Each commit is asked about once, of the rows that are shown, whoever looks how often."""
    app = read(client, "payment-api")
    commits = Commits(lambda _: client, now=lambda: NOW)
    wanted = {PAY: (app.facts.project, asks(app))}

    found = commits.look_up(wanted, 10)[PAY]
    first = len(revision_calls(argocd))
    again = commits.look_up(wanted, 10)[PAY]

    assert found == again
    assert len(found) == first == len(asks(app))
    assert all(commit.subject and "@" not in commit.author for commit in found.values())
    assert len(revision_calls(argocd)) == first


def test_each_kind_of_source_is_asked_in_its_own_way(client: Client, argocd: Simulator) -> None:
    """A chart is asked for its description, several sources by the number of the right one."""
    listed = json.loads(client.list_applications())["items"]
    names = [m["name"] for m in (i["metadata"] for i in listed) if m["namespace"] == "argocd"]
    apps = [read(client, name) for name in names]
    chart, several = (
        next(app for app in apps if app.history and [s.kind for s in app.sources] == kinds)
        for kinds in ([SourceKind.HELM], [SourceKind.HELM, SourceKind.GIT])
    )
    commits = Commits(lambda _: client, now=lambda: NOW)
    wanted = {app.key: (app.facts.project, asks(app)) for app in (chart, several)}

    found = commits.look_up(wanted, 10)

    assert [c.subject.endswith("chart") for c in found[chart.key].values()] == [True] * len(
        asks(chart)
    )
    assert len(found[several.key]) == len(asks(several))
    queries = {request.path.rpartition("/")[2]: request.query for request in revision_calls(argocd)}
    assert queries.keys() == {"metadata", "chartdetails"}
    assert "sourceIndex=1" in queries["metadata"]


def test_a_failure_costs_the_author_only_and_is_not_repeated_at_once() -> None:
    """What Argo CD cannot tell is left out, and asked again only after a while."""

    def fail() -> Any:
        raise errors.ServerFailed("revision must be resolved", instance="one")

    asked, now = Asked(fail), [NOW]
    commits = Commits(lambda _: asked, now=lambda: now[0])  # type: ignore[arg-type,return-value]
    wanted = {PAY: ("default", (ASK,))}

    assert commits.look_up(wanted, 10) == {PAY: {}}
    assert commits.look_up(wanted, 10) == {PAY: {}}
    assert asked.calls == 1
    now[0] += timedelta(seconds=ASK_AGAIN_AFTER)
    commits.look_up(wanted, 10)
    assert asked.calls == 2


def test_a_page_does_not_wait_for_a_clone_and_has_it_the_next_time() -> None:
    """A slow answer delays nobody, is asked for once, and is there later."""
    ready = threading.Event()

    def slow() -> Any:
        ready.wait(10)
        return {"author": "Ada <ada@example.com>", "message": "Fix it\n\nlong"}

    asked = Asked(slow)
    commits = Commits(lambda _: asked, now=lambda: NOW)  # type: ignore[arg-type,return-value]
    wanted = {PAY: ("default", (ASK,))}

    assert commits.look_up(wanted, 0.01) == {PAY: {}}
    assert commits.look_up(wanted, 0.01) == {PAY: {}}
    ready.set()
    found = eventually(lambda: commits.look_up(wanted, 1)[PAY])

    assert found == {ASK.subject: Commit(author="Ada", subject="Fix it")}
    assert asked.calls == 1


def test_a_failing_repository_does_not_close_the_instance(argocd: Simulator) -> None:
    """Time-outs of revisions are not held against the instance: it is asked for all else."""
    config = {"instances": [{"name": "one", "argocdUrl": "http://127.0.0.1:9", "token": "x"}]}
    settings = validate(config, trusted=True).settings
    assert settings is not None
    client = Client(settings.instances[0], reveal=reveal, now=lambda: NOW)
    for _ in range(5):
        with pytest.raises(errors.Unreachable):
            client.revision(PAY, "default", ASK)
    with pytest.raises(errors.Unreachable) as failure:
        client.application(PAY, "default")
    client.close()

    assert "not asked again yet" not in str(failure.value)


@pytest.mark.parametrize(
    ("document", "kind", "commit"),
    [
        (
            {"author": "Ada <a@b>", "message": "\n One\nTwo"},
            "git",
            Commit(author="Ada", subject="One"),
        ),
        ({"author": "<a@b>", "message": 7}, "git", Commit()),
        ({"author": ["x"], "message": ""}, "git", Commit()),
        (["no object"], "git", Commit()),
        (
            {"message": "see https://me:secret@git.example.com/x"},
            "git",
            Commit(subject="see https://git.example.com/x"),
        ),
        (
            {"description": "A chart", "maintainers": ["Ops <o@b>", 7]},
            "helm",
            Commit(author="Ops", subject="A chart"),
        ),
        ({"maintainers": "nobody"}, "helm", Commit()),
        (
            {"authors": "Ops", "description": "Manifests"},
            "oci",
            Commit(author="Ops", subject="Manifests"),
        ),
    ],
)
def test_an_answer_about_a_revision_is_read_leniently(
    document: Any, kind: str, commit: Commit
) -> None:
    """Whatever is in an answer, the name and the first line are told, without addresses."""
    assert commit_of(document, SourceKind(kind)) == commit


@pytest.mark.parametrize(
    ("name", "kind", "author", "subject"),
    [
        ("revision-git", "git", "Ada Example", "Release 1.13.0"),
        ("revision-multi-source-1", "git", "Ada Example", "Values for the worker"),
        ("revision-chart-details", "helm", "Platform Team", "monitoring web service chart"),
    ],
)
def test_recorded_answers_are_understood(name: str, kind: str, author: str, subject: str) -> None:
    """What a real Argo CD answers about revisions is read as it is meant."""
    body = recorded(f"detail/{name}")["response"]["body"]

    assert commit_of(body, SourceKind(kind)) == Commit(author=author, subject=subject)
