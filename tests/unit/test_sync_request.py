"""What somebody wants synced: read strictly, and made to mean for the application what it says."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantry_argocd.actions.request import FIELDS, SyncRequest, read, settle, warnings
from gantry_argocd.errors import BadRequest
from gantry_argocd.models import Application, Facts, Resource, Source
from gantry_argocd.refs import AppKey

KEY = AppKey("prod", "team-a", "pay")
WEB = Resource(group="apps", kind="Deployment", namespace="pay", name="web", sync="OutOfSync")
HOOK = Resource(group="batch", kind="Job", namespace="pay", name="migrate", hook=True)
APP = Application(
    facts=Facts(key=KEY), sources=(Source(path="deploy"),), resources=(WEB, HOOK)
)  # fmt: skip
LISTED = attrs.evolve(APP, by_position=True)
TWO = attrs.evolve(LISTED, sources=(Source(chart="web"), Source(ref="values")))

WRONG = [
    ({"hard": "true"}, "hard must be true or false"),
    ({"hard": 1}, "hard must be true or false"),
    ({"prune": None}, "prune must be true or false"),
    ({"dryRun": []}, "dryRun must be true or false"),
    ({"revision": 7}, "revision must be a branch"),
    ({"revision": "a b"}, "revision must be a branch"),
    ({"revision": "--upload-pack=x"}, "revision must be a branch"),
    ({"revision": "a\nb"}, "revision must be a branch"),
    ({"revision": "x" * 251}, "revision must be a branch"),
    ({"revisions": ["v1"]}, "revisions must be an object"),
    ({"revisions": {"0": "v1"}}, "revisions must be an object"),
    ({"revisions": {"one": "v1"}}, "revisions must be an object"),
    ({"revisions": {"1": 5}}, "revisions must be a branch"),
    ({"revision": "v1", "revisions": {"1": "v2"}}, "cannot be given together"),
    ({"resources": []}, "resources must be a list of 1 to 500"),
    ({"resources": {}}, "resources must be a list of 1 to 500"),
    ({"resources": ["web"]}, "resources[0] must be an object of texts"),
    ({"resources": [{"kind": "Deployment"}]}, "resources[0] must be an object of texts"),
    ({"resources": [{"kind": "D", "name": "x", "uid": "y"}]}, "resources[0] must be an object"),
    ({"resources": [{"kind": "D", "name": 5}]}, "resources[0] must be an object of texts"),
    ({"resources": [{"kind": "D", "name": ""}]}, "resources[0] must have a kind and a name"),
    ({"syncOptions": "Prune=true"}, "syncOptions must be a list"),
    ({"syncOptions": ["Prune"]}, "syncOptions must be a list"),
    ({"syncOptions": ["Prune=a b"]}, "syncOptions must be a list"),
    ({"syncOptions": [True]}, "syncOptions must be a list"),
]


@pytest.mark.parametrize(("body", "why"), WRONG)
def test_what_is_not_what_it_must_be_is_refused(body: dict[str, Any], why: str) -> None:
    """A wrong field is named; in particular no malformed hard sync becomes a normal one."""
    with pytest.raises(BadRequest) as refused:
        read(body)

    assert why in str(refused.value)


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(FIELDS), _ANYTHING))
def test_any_body_is_read_or_refused(body: dict[str, Any]) -> None:
    """Whatever JSON is sent, the answer is a request or a refusal, and no other exception."""
    try:
        request = read(body)
    except BadRequest:
        return
    flags = [isinstance(body.get(name, False), bool) for name in ("hard", "prune", "dryRun")]
    assert all(flags)
    assert request.body(KEY, "default")["prune"] is request.prune


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ({}, "sync"),
        ({"hard": True}, "hard-sync"),
        ({"hard": True, "prune": False}, "hard-sync"),
        ({"prune": True}, "hard-sync"),
        ({"syncOptions": ["Replace=true"]}, "hard-sync"),
        ({"syncOptions": ["Force=true"]}, "hard-sync"),
        ({"syncOptions": ["PruneLast=true"]}, "sync"),
        ({"hard": True, "dryRun": True}, "dry-run"),
        ({"revision": "v1"}, "sync"),
    ],
)
def test_a_sync_is_called_by_the_most_that_it_can_do(body: dict[str, Any], action: str) -> None:
    """A policy on hard syncs is not got round by asking for their parts one by one."""
    assert read(body).action == action


def test_a_normal_sync_leaves_everything_to_the_application() -> None:
    """Nothing is sent that would replace the application's own options, strategy or revision."""
    assert SyncRequest(request_id="r", requested_by="dora").body(KEY, "default") == {
        "appNamespace": "team-a",
        "project": "default",
        "dryRun": False,
        "prune": False,
        "infos": [
            {"name": "gantry-request", "value": "r"},
            {"name": "gantry-user", "value": "dora"},
        ],
    }


def test_a_hard_sync_forces_and_still_runs_hooks() -> None:
    """Prune and force by the hook strategy: the apply strategy would skip the hooks."""
    body = read({"hard": True}).body(KEY, "default")

    assert body["prune"] is True
    assert body["strategy"] == {"hook": {"force": True}}


def sent(body: dict[str, Any], app: Application) -> dict[str, Any]:
    """Give what goes to Argo CD beyond what always does."""
    request, _ = settle(read(body), app)
    found = request.body(KEY, "default")
    always = ("appNamespace", "project", "dryRun", "prune", "infos")
    return {name: value for name, value in found.items() if name not in always}


@pytest.mark.parametrize(
    ("body", "app", "expected"),
    [
        ({"revision": "v1"}, APP, {"revision": "v1"}),
        ({"revisions": {"1": "v1"}}, APP, {"revision": "v1"}),
        ({"revision": "v1"}, LISTED, {"sourcePositions": [1], "revisions": ["v1"]}),
        ({"revisions": {"2": "v1"}}, TWO, {"sourcePositions": [2], "revisions": ["v1"]}),
        ({"revision": ""}, TWO, {}),
        ({"revisions": {"1": ""}}, APP, {}),
    ],
)
def test_a_revision_has_the_form_that_the_application_heeds(
    body: dict[str, Any], app: Application, expected: dict[str, Any]
) -> None:
    """Argo CD ignores a single revision where sources are a list, so it is sent by position."""
    assert sent(body, app) == expected


@pytest.mark.parametrize(
    ("body", "app", "why"),
    [
        ({"revision": "v1"}, TWO, "2 sources, and Argo CD would ignore one revision"),
        ({"revision": "v1"}, TWO, "1: web; 2: values"),
        ({"revisions": {"3": "v1"}}, TWO, "2 sources, and no source 3"),
        ({"revisions": {"2": "v1"}}, APP, "one source, and no source 2"),
        ({"resources": [{"kind": "Deployment", "name": "web"}]}, APP, "is none of"),
        (
            {
                "resources": [
                    {"group": "apps", "kind": "Deployment", "name": "web", "namespace": "x"}
                ]
            },
            APP,
            "resources[0] (apps/Deployment x/web) is none of",
        ),
        ({"resources": [{"group": "batch", "kind": "Job", "name": "migrate"}]}, APP, "is a hook"),
    ],
)
def test_what_argo_cd_would_take_for_something_else_is_refused(
    body: dict[str, Any], app: Application, why: str
) -> None:
    """An ignored revision, or a selection that matches nothing, does not end as a success."""
    with pytest.raises(BadRequest) as refused:
        settle(read(body), app)

    assert why in str(refused.value)


def test_a_translated_revision_is_said() -> None:
    """People are told when what they wrote was sent in another form."""
    _, notes = settle(read({"revision": "v1"}), LISTED)

    assert notes == ("The revision was sent for source 1, the only one.",)


def test_a_resource_is_found_with_and_without_its_namespace() -> None:
    """A selection may leave the namespace out, and reaches Argo CD as it was written."""
    wanted = {"group": "apps", "kind": "Deployment", "name": "web"}

    assert sent({"resources": [wanted]}, APP) == {"resources": [wanted | {"namespace": ""}]}
    with_namespace = wanted | {"namespace": "pay"}
    assert sent({"resources": [with_namespace]}, APP) == {"resources": [with_namespace]}


def test_sync_options_are_added_to_those_of_the_application() -> None:
    """Sending options replaces all of the application's, so its own go along; a new value wins."""
    app = attrs.evolve(APP, sync_options=("CreateNamespace=true", "PruneLast=false"))

    assert sent({"syncOptions": ["PruneLast=true", "Validate=false"]}, app) == {
        "syncOptions": {"items": ["CreateNamespace=true", "PruneLast=true", "Validate=false"]}
    }
    assert sent({"syncOptions": []}, app)["syncOptions"]["items"] == list(app.sync_options)
    assert sent({}, app) == {}


@pytest.mark.parametrize(
    ("body", "app", "why"),
    [
        ({"hard": True}, {"sync_options": ("ServerSideApply=true",)}, "force then fails"),
        ({"hard": True, "syncOptions": ["ServerSideApply=true"]}, {}, "force then fails"),
        (
            {"resources": [{"group": "apps", "kind": "Deployment", "name": "web"}]},
            {},
            "skips hooks",
        ),
        ({}, {"resources": (Resource(kind="C", prune_confirmation=True),)}, "Prune=confirm"),
        ({}, {"left_alone": True}, "skip-reconcile"),
    ],
)
def test_what_people_have_to_know_of_a_sync_is_said(
    body: dict[str, Any], app: dict[str, Any], why: str
) -> None:
    """What will fail, wait for ever or do less than usual is said when Argo CD has taken it."""
    after = attrs.evolve(APP, **app)
    request, _ = settle(read(body), after)

    assert any(why in note for note in warnings(request, after))


def test_a_plain_sync_of_a_plain_application_has_no_warnings() -> None:
    """Nobody is warned of what does not concern them."""
    assert warnings(SyncRequest(force=True), APP) == ()


def test_what_goes_on_record_are_the_options_that_were_given() -> None:
    """The trail says what was asked for, and no defaults."""
    assert SyncRequest().told() == {}
    assert read({"hard": True, "revisions": {"2": "v1"}}).told() == {
        "prune": True,
        "force": True,
        "revisions": {"2": "v1"},
    }
