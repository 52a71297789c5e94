"""What the views say: sentences, times, links, tones, as tables of examples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from gantry_argocd import errors, view
from gantry_argocd.models import Application, Condition, Deployment, Facts, Resource
from gantry_argocd.refs import AppKey
from gantry_argocd.view import badges, details, examples, situations

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
SHA = "3f0e9a17c2d45b8890ab4cd1e27f65a90b13c8d2"


def show(*states: view.AppState, query: str = "", actions: Any = ()) -> view.PanelView:
    """Give the panel of *states* on the page with *query*."""
    return view.panel(states, actions, examples.page(query), NOW)


def answer(**changes: Any) -> str:
    """Give the sentence about the example with *changes*."""
    return show(examples.state(examples.example(NOW, **changes))).answer


# --- badges ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sync", "health", "word", "tone"),
    [
        ("Synced", "Healthy", "Healthy", "good"),
        ("OutOfSync", "Degraded", "Degraded", "bad"),
        ("Synced", "Progressing", "Progressing", "busy"),
        ("Synced", "Missing", "Missing", "missing"),
        ("Synced", "Suspended", "Suspended", "paused"),
        ("Synced", "", "Unknown", "unknown"),
        ("Synced", "Synced", "Synced", "unknown"),
        ("Synced", "Splendid", "Splendid", "unknown"),
        ("Unknown", "Healthy", "Unknown", "unknown"),
        ("", "Healthy", "Unknown", "unknown"),
        ("Unknown", "Degraded", "Degraded", "bad"),
    ],
)
def test_health_is_good_only_when_it_means_something(
    sync: str, health: str, word: str, tone: str
) -> None:
    """Words keep their text; a health that nothing was compared for is not called good."""
    found = badges.health_badge(health, sync)

    assert (found.word, found.tone) == (word, tone)


# --- many applications -----------------------------------------------------------------------


def crowd(number: int, **changes: Any) -> list[view.AppState]:
    """Give the states of so many applications that are well, with *changes*."""
    found = []
    for count in range(1, number + 1):
        app = examples.example(NOW, **changes)
        key = AppKey("one", "argocd", f"payment-{count:03}")
        facts = attrs.evolve(app.facts, key=key)
        state = examples.state(attrs.evolve(app, facts=facts))
        found.append(attrs.evolve(state, key=key, ref=f"one:{key.name}"))
    return found


def test_a_dozen_applications_are_all_there_to_unfold() -> None:
    """Of up to twelve applications everything is on the page."""
    cards = show(*crowd(12)).cards

    assert all(card.body and not card.unfold_url for card in cards)


def test_of_ninety_applications_those_that_are_well_are_a_line_each() -> None:
    """A service with ninety applications is a page that can be loaded; each leads to its rest."""
    cards = show(*crowd(90)).cards

    assert len(cards) == 90
    assert not any(card.body or card.open for card in cards)
    assert len({card.unfold_url for card in cards}) == 90
    assert "argocd.app=one%3Apayment-090" in cards[89].unfold_url
    assert cards[89].unfold_url.endswith(f"#{cards[89].anchor}")
    assert all(card.glance and card.synced for card in cards)


def test_the_table_leads_to_the_unfolded_application() -> None:
    """A name in the table of ninety applications opens that application with one click."""
    shown = show(*crowd(90))

    assert [row.url for row in shown.environments] == [card.unfold_url for card in shown.cards]


def test_the_one_that_was_asked_for_is_unfolded_among_ninety() -> None:
    """The line of an application leads to the page with it unfolded."""
    cards = show(*crowd(90), query="argocd.app=one:payment-090").cards

    assert [card.ref for card in cards if card.body and card.open] == ["one:payment-090"]


def test_of_ninety_in_trouble_the_first_dozen_are_unfolded() -> None:
    """When everything is broken the page still loads, the worst ones first."""
    cards = show(*crowd(90, health="Degraded")).cards

    assert [bool(card.body) for card in cards] == [True] * 12 + [False] * 78
    assert [card.open for card in cards] == [True] * 12 + [False] * 78


# --- the answer ------------------------------------------------------------------------------


def resource(**changes: Any) -> Resource:
    """Give a Deployment that is well, with *changes*."""
    web = Resource(kind="Deployment", name="web", namespace="pay", sync="Synced", health="Healthy")
    return attrs.evolve(web, **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "production: payment-api is Synced and Healthy."),
        (
            {
                "health": "Degraded",
                "health_since": NOW - timedelta(minutes=12),
                "resources": (
                    resource(health="Degraded", health_message="x: ErrImagePull, no such image"),
                ),
            },
            (
                "production: payment-api is Synced and Degraded for 12 min: Deployment web, "
                "ErrImagePull."
            ),
        ),
        (
            {
                "sync": "OutOfSync",
                "resources": tuple(
                    resource(kind="Job", name=str(n), sync="OutOfSync") for n in range(4)
                ),
            },
            "production: payment-api is OutOfSync and Healthy: Job 0; Job 1; and 2 more.",
        ),
        (
            {"sync": "Unknown", "conditions": (Condition(type="ComparisonError", message="no."),)},
            (
                "production: payment-api could not be compared, so its state is not known: "
                "ComparisonError, no."
            ),
        ),
        (
            {
                "health": "Degraded",
                "resources": (
                    resource(health="Degraded", health_message='Deployment "web" is too slow'),
                ),
            },
            "production: payment-api is Synced and Degraded: Deployment web, is too slow.",
        ),
        ({"deleting": True}, "production: payment-api is being deleted."),
        (
            {"operation": None, "history": (), "sync": "OutOfSync", "health": "Missing"},
            "production: payment-api was never synced; it is OutOfSync and Missing.",
        ),
        (
            {"health": "Degraded", "health_message": "Caused by apps/Deployment:pay/web"},
            "production: payment-api is Synced and Degraded: Caused by apps/Deployment:pay/web.",
        ),
    ],
)
def test_the_answer_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    """The first line says where, what, since when and why."""
    assert answer(**changes) == sentence


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "waiting for completion of hook batch/Job/migrate",
            "waits for the hook batch/Job/migrate",
        ),
        ("Sync operation blocked by sync window", "waits for a sync window"),
        ("waiting for pruning confirmation of /ConfigMap/x", "waits until pruning is confirmed"),
        # As 3.3 and older write it.
        ("Waiting for pruning confirmation of v1/ConfigMap/x", "waits until pruning is confirmed"),
        ("anything else", "has been running for 13 min"),
    ],
)
def test_what_a_sync_waits_for_is_named(message: str, words: str) -> None:
    """While a sync runs the sentence says what holds it up, where Argo CD tells."""
    operation = examples.an_operation(NOW, "Running", message)

    assert words in answer(sync="OutOfSync", operation=operation)


def test_a_dry_run_tells_what_would_change() -> None:
    """After a dry run the tab lists what a sync would do, and calls nothing deployed."""
    said = show(situations.dry_run(NOW)).cards[0].banners[0]

    assert said.title == "A dry run succeeded; nothing was changed"
    assert said.message is not None
    assert said.message.text == (
        "It would change Deployment web; with prune it would delete ConfigMap old."
    )
    assert [(result.name, result.status) for result in said.results] == [
        ("Deployment pay/web", "Synced"),
        ("ConfigMap pay/old", "Pruned"),
    ]


def test_a_live_hook_is_no_reason() -> None:
    """A hook that failed long ago, or is to be pruned, is not named as a cause."""
    hook = resource(kind="Job", hook=True, prune=True, sync="", health="Degraded")
    shown = show(examples.state(examples.example(NOW, sync="OutOfSync", resources=(hook,))))

    assert "Job" not in shown.answer
    body = shown.cards[0].body
    assert body is not None
    assert [row.tone for row in body.resources.rows] == [""]


def test_nothing_is_called_well_without_an_answer() -> None:
    """What the catalogue last knew is shown as such, never in the tone of good news."""
    error = errors.Unreachable("refused", instance="production")
    known = attrs.evolve(
        examples.state(examples.example(NOW)), application=None, error=error, stale_since=NOW
    )
    shown = show(known)
    card = shown.cards[0]

    assert shown.tone == "unknown"
    assert "last known as Synced and Healthy" in shown.answer
    assert (card.stale, card.open, card.sync.word) == (True, True, "Synced")
    assert card.banners[0].message == view.Message(text="production: refused")
    assert card.banners[0].help == errors.Unreachable.help


def test_several_applications_have_a_worst_of() -> None:
    """The summary counts and names the worst, which comes first and open; healthy ones fold."""
    well = examples.state(examples.example(NOW, key=AppKey("staging", "argocd", "api")))
    shown = show(well, situations.degraded(NOW))

    assert shown.answer.startswith("1 of 2 applications needs attention. production: payment-api")
    assert [card.open for card in shown.cards] == [True, False]
    assert [row.url for row in shown.environments] == ["#argo-app-2", "#argo-app-1"]


# --- details ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sync", "label"),
    [
        ("Synced", "Synced at"),
        ("OutOfSync", "Compared revision"),
        ("Unknown", "Wanted, not loaded"),
    ],
)
def test_a_revision_is_called_what_it_is(sync: str, label: str) -> None:
    """A revision that was only compared is not called synced."""
    app = examples.example(NOW, sync=sync)
    state = examples.state(app)
    facts = details.facts(state, app, NOW)

    assert label in [fact.label for fact in facts]


def test_the_history_is_newest_first_and_bounded() -> None:
    """Ten deployments are shown, the newest first, and the rest is mentioned."""
    past = tuple(Deployment(id=n, revisions=(SHA,)) for n in range(12))
    body = show(examples.state(examples.example(NOW, history=past))).cards[0].body

    assert body is not None
    assert body.history is not None
    assert [row.number for row in body.history.rows] == [str(n) for n in range(11, 1, -1)]
    assert body.history.note == "2 earlier deployments in Argo CD."


def test_an_application_may_be_nothing_but_a_name() -> None:
    """An application that Argo CD never looked at is shown as that."""
    key = AppKey("production", "argocd", "new")
    state = examples.state(Application(facts=Facts(key=key)))

    assert "was not compared by Argo CD yet" in show(state).answer


# --- resources -------------------------------------------------------------------------------


def table(query: str = "") -> view.Resources:
    """Give the table of an application with 120 resources, two of them with problems."""
    many = (
        *(resource(kind="Pod", name=f"web-{n:03}") for n in range(118)),
        resource(name="sick", health="Degraded"),
        resource(name="old", sync="OutOfSync", health=None, prune=True),
    )
    state = examples.state(examples.example(NOW, resources=many))
    body = show(state, query=query).cards[0].body
    assert body is not None
    return body.resources


@pytest.mark.parametrize(
    ("query", "rows", "first", "note"),
    [
        ("", 50, "sick", "1–50 of 120"),
        ("argocd.page=3", 20, "web-098", "101–120 of 120"),
        ("argocd.page=99", 20, "web-098", "101–120 of 120"),
        ("argocd.page=x", 50, "sick", "1–50 of 120"),
        ("argocd.q=POD web-00", 10, "web-000", "10 resources of 120"),
        ("argocd.show=problems", 2, "sick", "2 resources of 120"),
        ("argocd.kind=Pod", 50, "web-000", "1–50 of 118"),
        ("argocd.kind=Deployment&argocd.status=OutOfSync", 1, "old", "1 resource of 120"),
        ("argocd.status=Degraded", 1, "sick", "1 resource of 120"),
        ("argocd.status=to be pruned", 1, "old", "1 resource of 120"),
        ("argocd.app=other&argocd.q=none", 50, "sick", "1–50 of 120"),
        ("argocd.app=production:payment-api&argocd.q=old", 1, "old", "1 resource of 120"),
    ],
)
def test_resources_are_filtered_and_paged(query: str, rows: int, first: str, note: str) -> None:
    """Problems come first; filter and page come from the address, for one application."""
    shown = table(query)

    assert (len(shown.rows), shown.rows[0].name, shown.note) == (rows, first, note)


def test_the_filter_keeps_the_rest_of_the_address() -> None:
    """Filtering keeps the tab and other parameters, and begins at the first page."""
    shown = table("argocd.page=2&x=1")
    assert shown.filter is not None
    kept = {field.name: field.value for field in shown.filter.fields}

    assert kept == {"tab": "argocd", "x": "1", "argocd.app": "production:payment-api"}
    assert shown.filter.url == "/catalog/Service/payment-api#argo-app-1-resources"
    assert shown.pages[2].url == (
        "/catalog/Service/payment-api?tab=argocd&x=1&argocd.app=production%3Apayment-api"
        "&argocd.page=3#argo-app-1-resources"
    )


def test_a_resource_to_be_pruned_is_marked() -> None:
    """What a sync would delete says so, and a health that is not known is not made up."""
    row = table("argocd.q=old").rows[0]

    assert (row.marks, row.health, row.tone) == (("to be pruned",), None, "drift")


# --- the card on the Overview tab ------------------------------------------------------------


@pytest.mark.parametrize("annotations", [{}, {"appName": " "}, {"appNames": ",", "appName": 7}])
def test_no_card_without_a_link(annotations: dict[str, Any]) -> None:
    """An entity that names no application has no card."""
    assert view.sidebar({f"argocd.io/{k}": v for k, v in annotations.items()}, NOW) is None


def test_the_card_shows_the_worst_and_counts() -> None:
    """Several applications are one status, how many there are of each, and a list."""
    found = view.sidebar(
        {
            "argocd.io/appNames": "a:x,a:y,b:n/z",
            "argocd.io/apps": "a:x=Synced/Healthy,a:y=OutOfSync/Odd%2FWord,b:n/z=Unknown/Healthy",
            "argocd.io/staleSince": "2026-11-24T17:00:00Z",
        },
        NOW,
    )

    assert found is not None
    assert (found.name, found.sync.word, found.health.word) == (
        "3 applications",
        "Unknown",
        "Odd/Word",
    )
    assert found.counts == "1 Odd/Word, 1 Unknown, 1 Healthy"
    assert [app.ref for app in found.apps] == ["b:n/z", "a:y", "a:x"]
    assert found.stale is not None
    assert found.stale.words == "1h ago"


def test_a_card_of_a_fresh_link_says_so() -> None:
    """An entity linked by hand has a card before the first sync has filled it in."""
    found = view.sidebar({"argocd.io/appName": "api"}, NOW)

    assert found is not None
    assert (found.name, found.synced_yet) == ("api", False)
    assert "not synced yet" in found.note


@pytest.mark.parametrize("kind", ["disabled", "not-configured", "no-application-linked"])
def test_a_notice_says_what_to_do(kind: Any) -> None:
    """A tab that has nothing to show says why, and what would change that."""
    shown = view.notice(kind, examples.page())

    assert shown.notice is not None
    assert shown.notice.title
    assert shown.notice.help
    assert shown.cards == ()
