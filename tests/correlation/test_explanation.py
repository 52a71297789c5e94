"""Why is it here: what the correlation tells of itself."""

from __future__ import annotations

from typing import Any

import pytest
from world import World, app, kubernetes, service

from gantry_argocd.correlation import explain_app, explain_entity, members, moves
from gantry_argocd.refs import EntityKey


def why(world: World, ref: str) -> Any:
    """Explain one app."""
    result = world.sync()
    return explain_app(result, app(ref).key)


def test_a_name_explains_itself() -> None:
    """An app without label and link is in the entity of its own name."""
    told = why(World(app("one:pay")), "one:pay")

    assert (told["entity"], told["rule"]) == ("Service/default/pay", "name")
    assert told["why"] == "its own name is 'pay', and it has no usable label"
    assert [item["outcome"] for item in told["considered"]] == ["not set", "wins"]


def test_a_label_wins_over_the_name() -> None:
    """The label decides, also where a Service of the app's own name exists, and that is said."""
    world = World()
    world.upsert(kubernetes("pay"))
    world.set(app("one:pay", label="Web Shop"))
    told = why(world, "one:pay")

    assert told["entity"] == "Service/default/web-shop"
    assert told["why"] == "its label says 'Web Shop'"
    outcomes = {item["rule"]: item["outcome"] for item in told["considered"]}
    assert outcomes == {"label": "wins", "name": "loses: the label wins over the name"}


def test_links_that_lose_are_told_with_the_reason() -> None:
    """Of several links each says whether it won, and to whom and why it lost."""
    world = World(app("one:pay"))
    world.post(service("legacy", annotations={"argocd.io/appName": "pay"}))
    world.post(service("billing", annotations={"argocd.io/appName": "one:pay"}))
    world.post(service("zoo", annotations={"argocd.io/appNames": "one:pay, nope"}))
    told = why(world, "one:pay")

    assert told["why"] == "Service/default/billing links 'one:pay' by hand"
    links = {i["entity"]: i["outcome"] for i in told["considered"] if i["rule"] == "link"}
    assert links == {
        "Service/default/legacy": "loses: Service/default/billing names it more exactly",
        "Service/default/billing": "wins",
        "Service/default/zoo": "loses: Service/default/billing comes first by name",
    }
    zoo = explain_entity(world.sync(), EntityKey("Service", "default", "zoo"))
    assert [(link["text"], link["outcome"]) for link in zoo["links"]] == [
        ("one:pay", "lost: Service/default/billing has it"),
        ("nope", "names nothing"),
    ]


def test_an_app_without_a_place_says_why() -> None:
    """An app whose entity cannot be written to is explained, too."""
    world = World()
    broken = service("pay")
    broken["metadata"]["annotations"] = "text"
    world.rows[EntityKey("Service", "default", "pay")] = broken
    world.set(app("one:pay"))
    told = why(world, "one:pay")

    assert told["entity"] is None
    assert "no mapping" in told["why"]


def test_an_entity_says_what_is_ours_and_from_which_app() -> None:
    """Each value that we filled is named with the apps that it comes from."""
    world = World()
    world.upsert(kubernetes("web"))
    world.set(
        app("one:a", label="web", to="x"),
        app("two:b", label="web", to="y"),
    )
    told = explain_entity(world.sync(), EntityKey("Service", "default", "web"))
    told = explain_entity(world.sync(), EntityKey("Service", "default", "web"))

    assert told["theirs"]
    assert [item["app"] for item in told["apps"]] == ["one:a", "two:b"]
    ours = told["ours"]
    assert ours["spec.deployedIn.x"] == {"value": "x", "from": ["one:a"]}
    assert ours["spec.deployedIn.y"]["from"] == ["two:b"]
    assert ours["spec.repoUrl"]["from"] == ["one:a"]
    assert "spec.type" not in ours


def test_an_entity_that_is_not_there_is_not_explained() -> None:
    """What nobody has and no app wants has no explanation."""
    with pytest.raises(KeyError):
        explain_entity(World().sync(), EntityKey("Service", "default", "nope"))


def test_another_label_can_be_tried() -> None:
    """Two sets of placements are compared app by app."""
    before = World(app("one:a", label="web"), app("one:b", label="web")).sync()
    after = World(app("one:a", label="web"), app("one:b", label="api")).sync()

    (moved,) = moves(before.placements, after.placements)
    assert (moved["name"], moved["from"], moved["to"]) == (
        "b",
        "Service/default/web",
        "Service/default/api",
    )


def test_a_page_knows_its_apps_from_the_entity_alone() -> None:
    """The tab of an entity needs nothing but the entity; a link not correlated yet is looked up."""
    world = World(app("one:a", label="web"), app("two:b", label="web"))
    found = members(world.edit("web"), tuple)
    assert [member.record.ref for member in found.apps] == ["one:a", "two:b"]
    assert found.apps[0].why == "its label says 'web'"

    fresh = service("new", annotations={"argocd.io/appNames": "two:b,nope"})
    linked = members(fresh, world.memory.values)
    assert [member.record.ref for member in linked.apps] == ["two:b"]
    assert linked.dangling == ("nope",)
    assert linked.apps[0].why == "Service/default/new links 'two:b' by hand"
