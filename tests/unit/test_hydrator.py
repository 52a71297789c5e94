"""Applications whose manifests the source hydrator makes (Argo CD 2.14 and later)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gantry_argocd import view
from gantry_argocd.models import Application, SourceKind
from gantry_argocd.view import asks, examples
from gantry_argocd.wire import Reader, Reading

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
DRY, MADE = "d" * 40, "e" * 40
READER = Reader()


def application(work: dict[str, Any] | None = None, **made: str) -> Application:
    """Read a hydrated application; *work* is what the hydrator does now."""
    hydrator = {
        "drySource": {
            "repoURL": "https://github.com/acme/pay",
            "path": "chart",
            "targetRevision": "HEAD",
        },
        "syncSource": {"targetBranch": "environments/prod", "path": "pay", **made},
    }
    status: dict[str, Any] = {
        "sync": {"status": "Synced", "revision": MADE},
        "health": {"status": "Healthy"},
        "reconciledAt": "2026-11-24T18:20:00Z",
        "operationState": {"phase": "Succeeded", "finishedAt": "2026-11-24T18:19:00Z"},
        "sourceHydrator": {
            "lastSuccessfulOperation": {"drySHA": DRY, "hydratedSHA": MADE},
            **({"currentOperation": work} if work else {}),
        },
    }
    body = {
        "metadata": {"name": "pay", "namespace": "argocd"},
        "spec": {"sourceHydrator": hydrator, "destination": {"name": "prod"}},
        "status": status,
    }
    return READER.application(body, Reading(instance="production"))


def shown(app: Application) -> view.PanelView:
    """Draw its tab."""
    return view.panel([examples.state(app)], (), examples.page(), NOW)


def facts(app: Application) -> dict[str, list[tuple[str, str]]]:
    """Give what the card says, with where it leads."""
    body = shown(app).cards[0].body
    assert body is not None
    return {fact.label: [(value.text, value.url) for value in fact.values] for fact in body.facts}


def test_both_commits_are_told_apart() -> None:
    """People see the commit that is deployed, the one that they wrote, and the branch between."""
    said = facts(application())

    assert said["Synced at"] == [(MADE[:8], f"https://github.com/acme/pay/commit/{MADE}")]
    assert said["Hydrated from"] == [(DRY[:8], f"https://github.com/acme/pay/commit/{DRY}")]
    assert said["Hydrated branch"] == [("environments/prod", "")]
    assert said["Hydrated path"] == [("pay", "")]
    assert "Hydrated repository" not in said


def test_what_is_made_may_be_kept_elsewhere() -> None:
    """From 3.5 on the made manifests may be in another repository, where their commit is then."""
    app = application(repoURL="https://gitlab.example.com/ops/made.git")
    said = facts(app)

    made = "https://gitlab.example.com/ops/made"
    assert said["Hydrated repository"] == [(f"{made}.git", made)]
    assert said["Synced at"] == [(MADE[:8], f"{made}/-/commit/{MADE}")]
    assert said["Hydrated from"][0][1] == f"https://github.com/acme/pay/commit/{DRY}"
    (ask,) = asks(app)
    assert ask.source.kind is SourceKind.GIT
    assert ask.subject == (f"{made}.git", "", MADE)


def test_a_commit_that_cannot_be_hydrated_is_told() -> None:
    """An application can be Synced and Healthy while the newest commit never gets anywhere."""
    app = application(
        {
            "phase": "Failed",
            "message": "no manifests: rpc error: desc = values.yaml does not exist",
            "drySHA": "f" * 40,
            "startedAt": "2026-11-24T18:21:00Z",
            "finishedAt": "2026-11-24T18:22:00Z",
        }
    )
    panel = shown(app)

    assert panel.answer == (
        "production: pay is Synced and Healthy: the newest commit could not be hydrated, "
        "values.yaml does not exist."
    )
    assert panel.tone != "good"
    (said,) = panel.cards[0].banners
    assert said.title == "No manifests could be made from ffffffff"
    assert said.message is not None
    assert "values.yaml does not exist" in said.message.text
    assert said.since is not None
    assert said.since.title.endswith("18:22:00 UTC")


def test_the_tab_looks_again_while_manifests_are_made() -> None:
    """While the hydrator works the tab says so and updates itself; afterwards it says nothing."""
    work = {"phase": "Hydrating", "message": "", "startedAt": "2026-11-24T18:21:00Z"}

    panel = shown(application(work))

    assert panel.live
    assert [said.title for said in panel.cards[0].banners] == [
        "Manifests are being made from a commit"
    ]
    assert shown(application({"phase": "Hydrated", "message": ""})).cards[0].banners == ()
