"""Defects that comparable integrations had, in their users' words; none may come (back) here."""

# ruff: noqa: N802 - a defect is called as in the list of them

from __future__ import annotations

import json
from typing import Any

from world import World, app, service

from gantry_argocd.correlation import split
from gantry_argocd.models import Destination, Facts
from gantry_argocd.refs import AppKey, EntityKey, is_entity_name
from gantry_argocd.wire import Reader, Reading


def test_defect_G1_the_worst_of_a_group_is_shown_whoever_was_read_last() -> None:
    """defect-G1: the sidebar said Healthy for dev while prod was Degraded."""
    for order in (1, -1):
        apps = (
            app("one:web-dev", label="web"),
            app("one:web-prod", label="web", sync="OutOfSync", health="Degraded"),
        )[::order]
        world = World(*apps)
        for facts in apps:
            world.event(facts)

        assert world.annotation("web", "syncStatus") == "OutOfSync"
        assert world.annotation("web", "healthStatus") == "Degraded"
        assert world.annotation("web", "apps") == (
            "one:web-dev=Synced/Healthy,one:web-prod=OutOfSync/Degraded"
        )


def test_defect_G2_what_a_gone_app_gave_goes_with_it() -> None:
    """defect-G2: deleted apps and their environments stayed in the catalogue for ever."""
    world = World(app("one:a", label="web", to="prod"), app("one:b", label="web", to="stage"))
    world.set(app("one:lone"))
    world.sync()
    world.only(app("one:a", label="web", to="prod"))
    world.sync()

    assert world.names == {"web"}
    assert world.annotation("web", "appNames") == "one:a"
    assert world.environments("web") == ["prod"]


def test_defect_G3_values_that_are_empty_now_do_not_stay() -> None:
    """defect-G3: an app that lost its destination and repository kept the old ones on the page."""
    world = World(app("one:pay", health="Degraded"))
    world.set(app("one:pay", to="", repo=""))
    world.sync()

    assert world.annotation("pay", "healthStatus") == "Healthy"
    assert world.annotation("pay", "destNamespace") is None
    assert world.annotation("pay", "repoURL") is None
    assert world.spec("pay") == {"type": "backend", "lifecycle": "production"}


def test_defect_G4_what_a_person_set_is_not_overwritten() -> None:
    """defect-G4: every discovery set the type of my library back to backend."""
    mine = {"type": "library", "lifecycle": "experimental", "repoUrl": "https://git.acme/pay"}
    world = World()
    world.post(service("pay", title="Payments", spec=mine, tags=["core"]))
    world.set(app("one:pay"))
    world.sync()
    world.set(app("one:pay", sync="OutOfSync"))
    world.sync()

    assert world.spec("pay").items() >= mine.items()
    assert world.edit("pay")["metadata"]["title"] == "Payments"
    assert world.edit("pay")["metadata"]["tags"] == ["core"]


def _read(item: dict[str, Any]) -> Facts:
    content = json.dumps({"items": [item]}).encode()
    (facts,) = Reader().listing(content, Reading(instance="one")).apps
    return facts


def test_defect_G5_an_app_of_several_sources_has_its_repository() -> None:
    """defect-G5: an app of a chart with values from Git had no repository at all."""
    world = World(
        _read(
            {
                "metadata": {"name": "pay", "namespace": "argocd"},
                "spec": {
                    "source": {"repoURL": ""},
                    "sources": [
                        {"repoURL": "https://charts.example", "chart": "pay"},
                        {"repoURL": "git@github.com:acme/values.git", "ref": "values"},
                    ],
                },
            }
        )
    )

    assert world.annotation("pay", "repoURL") == "git@github.com:acme/values.git"
    assert world.spec("pay")["repoUrl"] == "https://github.com/acme/values"


def test_defect_G8_apps_of_one_name_in_two_namespaces_are_two() -> None:
    """defect-G8: my team's app and the platform's app of the same name were shown as one."""
    world = World(app("one:pay"), app("one:team-a/pay", label="team-pay", health="Degraded"))

    assert world.placements() == {"one:pay": "pay", "one:team-a/pay": "team-pay"}
    assert world.annotation("pay", "healthStatus") == "Healthy"
    assert world.annotation("team-pay", "namespace") == "team-a"


def test_defect_G10_names_with_separators_break_no_list() -> None:
    """defect-G10: an instance without a name, and names with commas, made the app disappear."""
    world = World(app("one:pay", label="a:b,c"), app("one:web", sync="a,b=c/d"))
    world.post(service("legacy", annotations={"argocd.io/appNames": ":pay, ,one:pay,x:y:z"}))

    assert world.placements() == {"one:pay": "legacy", "one:web": "web"}
    assert world.annotation("legacy", "appNames") == ":pay, ,one:pay,x:y:z"
    assert any("':pay'" in text for text in world.problems)


def test_defect_G18_a_link_by_the_mere_name_works() -> None:
    """defect-G18: I wrote the app's name as the documentation says, and the tab stayed empty."""
    world = World(app("one:payment-api-production"))
    link = {"argocd.io/appName": "payment-api-production"}
    world.post(service("payment-api", annotations=link))

    assert world.names == {"payment-api"}
    assert world.annotation("payment-api", "appName") == "payment-api-production"
    assert world.annotation("payment-api", "appNames") == "one:payment-api-production"
    world.only()
    world.sync()
    assert world.edit("payment-api") == service("payment-api", annotations=link)


def test_defect_G24_my_repository_wins_and_clusters_stay_apart() -> None:
    """defect-G24: the GitHub tab showed the config repository, and two clusters looked like one."""
    world = World()
    world.post(service("pay", spec={"repoUrl": "https://github.com/acme/pay-source"}))
    for name, cluster in (("pay-eu", "eu"), ("pay-us", "us")):
        world.set(
            Facts(
                key=AppKey("one", "argocd", name),
                label="pay",
                repo_url="https://github.com/acme/config",
                destination=Destination(name=cluster, namespace="pay"),
            )
        )
    world.sync()

    assert world.spec("pay")["repoUrl"] == "https://github.com/acme/pay-source"
    assert world.environments("pay") == ["pay"]
    key = EntityKey("Service", "default", "pay")
    assert {
        record.key.name: (record.facts.destination.name, record.facts.destination.namespace)
        for record in split(world.rows[key], key).records
    } == {"pay-eu": ("eu", "pay"), "pay-us": ("us", "pay")}


def test_defect_G25_no_label_is_too_strange_for_a_name() -> None:
    """defect-G25: apps whose label was no valid name failed one by one and were nowhere."""
    labels = ("Mail Svc", "Größe", "x" * 300, "-", "🎉", "a/b:c,d", "PAY", "pay")
    world = World(*(app(f"one:app{index}", label=label) for index, label in enumerate(labels)))

    assert len(world.placements()) == len(labels)
    assert all(map(is_entity_name, world.names))
    assert len(world.names) == len(labels)
