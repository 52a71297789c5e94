"""Applications as real servers answered them, and what people are told of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gantry_argocd import view
from gantry_argocd.actions.offers import HARD_SYNC, TERMINATE, offers
from gantry_argocd.actions.progress import progress
from gantry_argocd.models import Application
from gantry_argocd.view import examples
from gantry_argocd.wire import Reader, Reading
from recorded import recorded

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
READER = Reader()


def application(name: str, release: str = "recorded") -> Application:
    """Read the Application of a recorded answer."""
    body = recorded(name, release)["response"]["body"]
    return READER.application(body, Reading(instance="production"))


def card(app: Application) -> view.PanelView:
    """Draw the tab of one application."""
    return view.panel([examples.state(app)], (), examples.page(), NOW)


def banners(app: Application) -> dict[str, str]:
    """Give the titles of what is said first, each with its help."""
    return {said.title: said.help for said in card(app).cards[0].banners}


def test_nothing_is_to_be_pruned_while_manifests_do_not_load() -> None:
    """With the repo-server down every resource says requiresPruning, and none is to be deleted."""
    app = application("errors/outage-repo-server-refresh-normal")

    assert app.resources
    assert not any(resource.prune for resource in app.resources)
    (hard,) = (offer for offer in offers(app, None, "developer") if offer.id == HARD_SYNC)
    assert "ConfigMap lab" not in str(hard.confirmation)


def test_what_is_left_in_the_cluster_is_to_be_pruned() -> None:
    """A resource that has left the source is marked, and one of them may be kept all the same."""
    app = application("app/payments-prune")

    assert [r.name for r in app.resources if r.prune] == ["prune-c", "prune-keep"]
    (hard,) = (offer for offer in offers(app, None, "developer") if offer.id == HARD_SYNC)
    assert "Prune=false stays" in str(hard.confirmation)


def test_a_dry_run_is_no_sync() -> None:
    """The time of the last sync is that of the last one that could change something."""
    app = application("actions/sync-dry-run-get-finished")

    assert app.operation is not None
    assert app.operation.dry_run
    assert app.last_sync_at == app.history[-1].deployed_at


def test_a_dry_run_that_finds_nothing_says_so() -> None:
    """A dry run of what is in place already is not said to touch anything."""
    said = card(application("actions/sync-dry-run-get-finished")).cards[0].banners[0]

    assert said.message is not None
    assert said.message.text == "It would change nothing."


@pytest.mark.parametrize("release", ["recorded", "recorded-2.14.21", "recorded-3.2.12"])
def test_a_wait_for_a_confirmation_is_told_whatever_the_release_calls_it(release: str) -> None:
    """Tab and REST say that somebody has to confirm a deletion, in every release's words."""
    app = application("actions/sync-prune-confirm-waiting", release)

    assert "waits until pruning is confirmed" in card(app).answer
    assert progress(app, NOW).state == "waiting-for-confirmation"


def test_a_requested_sync_cannot_be_terminated_yet() -> None:
    """Argo CD refuses to end what has not begun, so nobody is invited to try."""
    app = application("actions/sync-controller-down-get")

    (terminate,) = (offer for offer in offers(app, None, "developer") if offer.id == TERMINATE)

    assert not terminate.available


def test_an_application_that_is_left_alone_is_not_said_to_need_a_sync() -> None:
    """With skip-reconcile the tab names the annotation, and advises nothing that cannot happen."""
    said = banners(application("app/skip-reconcile"))

    assert "skip-reconcile" in said["Argo CD is told to leave this application alone"]
    assert "A sync would do it" not in said["Never synced"]
    assert "Argo CD has not compared this application yet" not in said


@pytest.mark.parametrize(
    ("name", "advised"),
    [("app/never-synced", True), ("app/missing-path", False), ("app/stuck-deleting", False)],
)
def test_a_first_sync_is_advised_where_it_can_help(name: str, advised: bool) -> None:
    """Nobody is sent to sync what cannot be compared, or what is being deleted."""
    assert ("A sync would do it" in banners(application(name))["Never synced"]) is advised


@pytest.mark.parametrize(
    ("release", "name", "words"),
    [
        ("recorded", "app/payment-gateway", "Deployment payment-gateway, Waiting for rollout"),
        ("recorded", "app/settlement-batch", "Deployment settlement-worker, Deployment is paused."),
        ("recorded", "app/fraud-check", "Deployment fraud-check, exceeded its progress deadline."),
        ("recorded-3.2.12", "app/cron", "CronJob nightly, CronJob has not completed its last"),
        ("recorded", "app/missing-repo", "failed to list refs: repository not found."),
        (
            "recorded",
            "app/payments-migrate-failed",
            "the last sync failed, Job pay-migrate-fail, Job has reached the specified backoff",
        ),
        (
            "recorded",
            "app/auto-failing",
            'the last sync failed, Deployment no-selector, Deployment.apps "no-selector" is inv',
        ),
        ("recorded", "actions/sync-missing-path-get", "known: ComparisonError, no/such/path: app"),
    ],
)
def test_the_answer_names_the_cause(release: str, name: str, words: str) -> None:
    """Whatever keeps an application from being healthy is named in the first line."""
    assert words in card(application(name, release)).answer


def test_an_application_of_an_application_set_says_so() -> None:
    """Whoever changes such an application should know who will change it back."""
    body = card(application("app/tenant-red")).cards[0].body

    assert body is not None
    said = {fact.label: [value.text for value in fact.values] for fact in body.facts}
    assert said["Generated by"] == ["ApplicationSet tenants"]


@pytest.mark.parametrize(
    ("name", "told"), [("errors/outage-redis-app", False), ("app/fraud-check", True)]
)
def test_health_that_argo_cd_has_lost_is_not_silently_missing(name: str, told: bool) -> None:
    """Without its cache Argo CD says Degraded, and of no resource which: people hear why."""
    body = card(application(name)).cards[0].body

    assert body is not None
    assert ("its cache may have lost it" in body.resources.note) is not told


@pytest.mark.parametrize(
    ("name", "told"), [("app/refresh-annotation-stays", True), ("app/refresh-hard", False)]
)
def test_a_refresh_that_nobody_made_is_told(name: str, told: bool) -> None:
    """A request that the controller never took up is shown; the mark that 3.5 leaves is not one."""
    assert application(name).refreshing is told
    assert (
        "A refresh was requested and has not been made yet" in banners(application(name))
    ) is told
