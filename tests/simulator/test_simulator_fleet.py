"""The made-up fleet, the store, and the rules that need no server."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gantry_argocd.simulator import LATEST, Fleet, Policies, generate
from gantry_argocd.simulator.gojson import encode
from gantry_argocd.simulator.projection import FieldFilter, ListProjection
from gantry_argocd.simulator.selector import SelectorInvalid, parse, selects

Json = dict[str, Any]


def clock() -> datetime:
    """Return a fixed moment."""
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("apps", [0, 1, 7, 40, 500])
def test_generate_gives_exactly_as_many(apps: int) -> None:
    """The number is exact, the identities are distinct, and the same seed gives the same again."""
    fleet = generate(apps, 3, "stage")

    keys = {(app["metadata"]["namespace"], app["metadata"]["name"]) for app in fleet}
    assert apps == len(fleet) == len(keys)
    assert fleet == generate(apps, 3, "stage")


def test_generate_differs_by_seed_and_name() -> None:
    """Other seeds and names give other fleets."""
    assert generate(60, 1, "a") != generate(60, 2, "a")
    assert generate(60, 1, "a") != generate(60, 1, "b")


def test_first_application_is_the_payment_api() -> None:
    """The demo can rely on the first Application."""
    app = generate(1)[0]

    assert (app["metadata"]["name"], app["metadata"]["namespace"]) == ("payment-api", "argocd")
    assert app["metadata"]["labels"]["name"] == "payment-api"
    assert app["spec"]["project"] == "default"
    assert app["spec"]["source"] == {
        "repoURL": "https://github.com/acme/payment-api",
        "path": "deploy",
        "targetRevision": "HEAD",
    }
    assert app["spec"]["destination"] == {
        "server": "https://kubernetes.default.svc",
        "namespace": "payments",
    }
    assert (
        app["status"]["sync"]["status"],
        app["status"]["health"]["status"],
    ) == ("OutOfSync", "Healthy")
    kinds = {item["kind"] for item in app["status"]["resources"]}
    assert {"Deployment", "Service", "ConfigMap"} <= kinds


def test_the_usual_fleet_has_every_state() -> None:
    """Forty Applications are enough to meet every status, source and oddity once."""
    fleet = generate(40)
    sync = {app["status"]["sync"]["status"] for app in fleet}
    health = {app["status"]["health"].get("status") for app in fleet}

    assert {"Synced", "OutOfSync", "Unknown", ""} == sync
    words = {"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown", None}
    assert words == health
    text = json.dumps(fleet)
    for sign in (
        "oci://",
        "sourceHydrator",
        "javascript:",
        "git@github.com",
        "s3cr3t-token",
        "ApplicationSet",
        "requiresPruning",
        "SyncFailed",
        '"hook": true',
        "ComparisonError",
        "SharedResourceWarning",
        '"enabled": false',
        '"name": "prod-eu"',
    ):
        assert sign in text, sign
    assert any("operation" in app for app in fleet)


def test_store_hands_out_copies() -> None:
    """What is read can be changed without changing the fleet, and the other way round."""
    fleet = Fleet(clock)
    given_app: Json = {"metadata": {"name": "web", "labels": {"a": "1"}}, "spec": {}}
    fleet.add(given_app)
    read = fleet.get("web")
    assert read is not None
    read["metadata"]["labels"]["a"] = "2"
    given_app["metadata"]["labels"]["a"] = "3"

    again = fleet.get("web")
    assert again is not None
    assert again["metadata"]["labels"]["a"] == "1"
    assert again["metadata"]["namespace"] == "argocd"


def test_store_reports_every_change() -> None:
    """Each change is one event with a rising resource version."""
    fleet = Fleet(clock)
    seen: list[tuple[str, int]] = []
    stop = fleet.subscribe(lambda event: seen.append((event.type, event.record.resource_version)))
    fleet.add({"metadata": {"name": "web"}, "spec": {}})
    fleet.set_status("web", sync="Synced", health="Healthy", merge={"reconciledAt": "x"})
    fleet.delete("web")
    stop()
    fleet.add({"metadata": {"name": "web"}, "spec": {}})

    assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert seen[0][1] < seen[1][1]
    with pytest.raises(ValueError, match="exists"):
        fleet.add({"metadata": {"name": "web"}, "spec": {}})
    with pytest.raises(KeyError):
        fleet.set_status("nope", sync="Synced")


def test_list_projection_keeps_empty_values() -> None:
    """Projected values skip omitempty: null, empty text and empty objects appear."""
    fields = (
        "items.metadata.name,items.metadata.labels,items.spec.sources,items.status.sync.revision"
    )
    projection = ListProjection.parse(fields, LATEST.list_fields)
    assert projection is not None

    app: Json = {"metadata": {"name": "web"}, "spec": {}, "status": {"sync": {}}}
    assert projection.apply(app) == {
        "metadata": {"labels": None, "name": "web"},
        "spec": {"sources": None},
        "status": {"sync": {"revision": ""}},
    }


def test_list_projection_collision() -> None:
    """Naming spec with a child of it collides, and so does most exclusion."""
    for fields, collides in (
        ("items.spec,items.spec.project", True),
        ("-items.status.resources", True),
        ("-items.spec,items.status.resources", False),
        ("items.spec", False),
    ):
        projection = ListProjection.parse(fields, LATEST.list_fields)
        assert projection is not None
        assert collides == projection.collides, fields


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=4), children, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_gos_json_reads_back_the_same(value: object) -> None:
    """Escaping changes the bytes, never the value."""
    data = encode(value)

    assert value == json.loads(data)
    assert not set(b"<>&") & set(data)


@given(st.dictionaries(st.sampled_from("abcd"), JSON_VALUES), st.sampled_from("abcd"))
def test_filter_keeps_or_drops_exactly(value: Json, key: str) -> None:
    """Naming one key keeps exactly it, excluding it keeps all others."""
    kept = FieldFilter.parse(key)
    dropped = FieldFilter.parse(f"-{key}")
    assert kept is not None
    assert dropped is not None

    assert {k: v for k, v in value.items() if k == key} == kept.apply(value)
    assert {k: v for k, v in value.items() if k != key} == dropped.apply(value)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("env=prod", True),
        ("env==prod,team!=b", True),
        ("env in (prod, stage),!tenant", True),
        ("env notin (prod)", False),
        ("env", True),
        ("tenant", False),
        ("team!=a", False),
    ],
)
def test_selectors(selector: str, expected: bool) -> None:
    """Equality, sets, existence and their negations select as in Kubernetes."""
    assert expected == selects(parse(selector), {"env": "prod", "team": "a"})


@pytest.mark.parametrize("selector", ["a===b", "a in", "a=b c", "a=(", "!", "=x", "a=" + "x" * 64])
def test_bad_selectors(selector: str) -> None:
    """What Kubernetes would not parse is refused."""
    with pytest.raises(SelectorInvalid):
        parse(selector)


def test_policies_match_across_slashes() -> None:
    """A star covers further slashes, a missing project part is not covered."""
    policies = Policies()

    assert policies.allowed("paylead", "applications", "sync", "payments/team-a/web")
    assert not policies.allowed("syncer", "applications", "sync", "web")
    assert not policies.allowed("admin", "applications", "action", "default/web")
