"""Whatever a host hands over, its hooks answer: what is missing or of another type is absent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.settings import MASK
from gantry_argocd.simulator import Simulator

DEVELOPER = {"name": "dora", "role": "developer"}
PAGE = {"url": "/page?tab=argocd", "actionUrl": "/act", "hidden": {"csrf": "c"}, "params": {}}
PATH = {
    "appName": "one:payment-api",
    "kind": "Service",
    "namespace": "default",
    "name": "payment-api",
}
GARBAGE = [None, 5, "\ud800", b"x", [], [None], {}, {1: 2}, object()]


@pytest.fixture(scope="module")
def plugin() -> Iterator[ArgoCDPlugin]:
    """A plugin that has heard of its applications, with one instance."""
    made = ArgoCDPlugin()
    with Simulator(apps=20, seed=1, name="one") as simulator:
        instance = {"name": "one", "argocdUrl": simulator.url, "token": simulator.token}
        config = {"instances": [instance], "syncInterval": ""}
        made.configure("argocd", config, enabled=True, host=None)
        made.discover([])
        yield made
        made.shutdown("argocd")


@pytest.fixture(scope="module")
def pay(plugin: ArgoCDPlugin) -> Any:
    """The entity payment-api."""
    answer = plugin.correlate([])
    assert answer is not None
    return next(c["entity"] for c in answer["changes"] if c["name"] == "payment-api")


def spoiled(whole: Mapping[str, Any]) -> Iterator[Any]:
    """Give *whole* in other types, without each of its parts, and with each of another type."""
    yield from GARBAGE
    for part in whole:
        yield {name: value for name, value in whole.items() if name != part}
        yield from (dict(whole) | {part: garbage} for garbage in GARBAGE)


def test_a_panel_is_drawn_on_any_page(plugin: ArgoCDPlugin, pay: Any) -> None:
    """A host that forgets a part of the page gets a panel with what can be told without it."""
    whole = PAGE | {"fragmentUrl": "/fragment", "confirmed": {"yes": "1"}}
    for page in spoiled(whole):
        panel = plugin.render_panel(pay, DEVELOPER, page)  # type: ignore[arg-type]
        assert panel is not None
        assert "payment-api" in panel["html"], page
        assert 'action=""' not in panel["html"], page


def test_who_has_no_known_role_may_do_nothing(plugin: ArgoCDPlugin, pay: Any) -> None:
    """A user without a role that Gantry has sees everything, and every action is refused."""
    for user in spoiled(DEVELOPER):
        assert plugin.render_panel(pay, user, PAGE), user  # type: ignore[arg-type]
        offered = plugin.actions(pay, user) or []
        may = isinstance(user, dict) and user.get("role") == "developer"
        assert {one["available"] for one in offered if one["id"] == "argocd:refresh"} == {may}
        if not may:
            assert {one["run"]()["status"] for one in offered} == {403}


def test_a_lone_text_is_a_group_and_not_its_letters(argocd: Simulator) -> None:
    """A policy that is open to the group a lets nobody in whose only group is called admins."""
    plugin = ArgoCDPlugin()
    instance = {"name": "one", "argocdUrl": argocd.url, "token": argocd.token}
    policy = [{"actions": ["refresh"], "groups": ["a"]}]
    plugin.configure("argocd", {"instances": [instance], "policy": policy}, enabled=True, host=None)
    plugin.discover([])
    answer = plugin.correlate([])
    assert answer is not None
    pay = next(c["entity"] for c in answer["changes"] if c["name"] == "payment-api")
    available = {
        groups: one["available"]
        for groups in ("a", "admins")
        for one in plugin.actions(pay, DEVELOPER | {"groups": groups}) or ()  # type: ignore[operator, arg-type]
        if one["id"] == "argocd:refresh"
    }
    plugin.shutdown("argocd")

    assert available == {"a": True, "admins": False}


@pytest.mark.parametrize("form", [None, 5, "\ud800", b"x", "once"])
def test_a_form_of_any_id_is_an_action(plugin: ArgoCDPlugin, pay: Any, form: Any) -> None:
    """A form id that is no text is an id all the same."""
    refresh = next(
        one for one in plugin.actions(pay, DEVELOPER) or () if one["app"] and "refresh" in one["id"]
    )  # type: ignore[arg-type]

    assert refresh["runOnce"](form)["ok"]


def test_every_route_answers_any_request(plugin: ArgoCDPlugin) -> None:
    """A request that lacks something is refused in words."""
    path = PATH | {"appName": "one:nothing"}
    whole = {"path": path, "query": {}, "body": b"", "contentType": None, "user": DEVELOPER}
    routes = [r for r in plugin.plugin_routes("argocd") or () if "check" not in r["path"]]
    for route, request in itertools.product(routes, spoiled(whole)):
        answer = route["handler"](request)
        assert answer["status"] in {200, 400, 403, 404, 415}, (route["path"], request)
    for route, segments in itertools.product(routes, spoiled(path)):
        assert route["handler"](whole | {"path": segments})["status"] in {200, 400, 404}  # type: ignore[arg-type]


def test_details_are_for_those_whose_role_is_known(plugin: ArgoCDPlugin) -> None:
    """An application is told to whoever the host lets ask, without what may hold secrets."""
    app = next(r["handler"] for r in plugin.plugin_routes("argocd") or () if r["path"][-1] == "}")
    for user in spoiled(DEVELOPER):
        answer = app({"path": PATH, "user": user})  # type: ignore[typeddict-item]
        assert answer["status"] == 200
        assert "managedFields" not in answer["body"]["application"]["metadata"]


def test_a_body_that_is_no_bytes_is_not_an_absent_one(plugin: ArgoCDPlugin) -> None:
    """A host that hands over parsed JSON is told so, instead of a dry run becoming a sync."""
    sync = next(
        route["handler"]
        for route in plugin.plugin_routes("argocd") or ()
        if route["path"] == "/apps/{appName}/sync"
    )
    request = {"path": PATH, "query": {}, "user": DEVELOPER, "body": {"dryRun": True}}
    answer = sync(request)  # type: ignore[arg-type]

    assert answer["status"] == 400
    assert "bytes" in answer["body"]["error"]


@pytest.mark.parametrize("catalogue", [None, 5, "text", b"x", {}, iter([None, {}])])
def test_a_catalogue_that_is_none_is_empty(plugin: ArgoCDPlugin, catalogue: Any) -> None:
    """What is no list of entities holds none."""
    answer = plugin.correlate(catalogue)

    assert answer is not None
    assert "payment-api" in {change["name"] for change in answer["changes"]}
    assert (plugin.withdraw("argocd", catalogue) or {})["changes"] == ()
    plugin.discover([])  # it is known again


@pytest.mark.parametrize("stored", GARBAGE)
def test_what_is_stored_may_be_anything(plugin: ArgoCDPlugin, stored: Any) -> None:
    """A configuration is judged and masked, whatever an older release or a person has stored."""
    instance = {"name": "one", "argocdUrl": "https://one.example", "token": MASK}
    config = {"instances": [instance]}
    verdict = plugin.validate_config("argocd", config, stored, trusted=False, secrets_dirs=())

    assert verdict is not None
    assert [error["path"] for error in verdict["errors"]] == ["$.instances[0].token"]
    assert isinstance(plugin.mask_config("argocd", stored), dict)


@pytest.mark.parametrize(
    "stored",
    [
        {"argocdUrl": "https://one.example", "token": "hush"},
        {"instances": {"one": {"token": "hush"}}},
        {"instances": [{"token": ["hush"], "password": {"a": "hush"}, "headers": ["hush"]}]},
        {"instances": [[{"token": "hush"}]], "password": "hush"},
    ],
)
def test_no_form_of_a_stored_configuration_tells_its_secrets(
    plugin: ArgoCDPlugin, stored: Any
) -> None:
    """The flat form of the original plugin, and what no release ever wrote, are masked too."""
    assert "hush" not in repr(plugin.mask_config("argocd", stored))


def test_the_flat_form_can_be_written_back(plugin: ArgoCDPlugin) -> None:
    """Who reads a flat configuration and sends it back keeps its secret."""
    stored = {"argocdUrl": "https://one.example", "token": "hush"}
    shown = plugin.mask_config("argocd", stored)
    verdict = plugin.validate_config("argocd", shown, stored, trusted=False, secrets_dirs=())

    assert verdict is not None
    assert verdict["values"]["instances"][0]["token"] == "hush"


def test_one_directory_as_a_text_is_one(plugin: ArgoCDPlugin) -> None:
    """A host that forgets the list around the one directory of secrets does not open them all."""
    instance = {"name": "one", "argocdUrl": "https://one.example", "token": "file:/etc/shadow"}
    verdict = plugin.validate_config(
        "argocd", {"instances": [instance]}, None, trusted=False, secrets_dirs="/run/secrets"
    )

    assert verdict is not None
    assert "/run/secrets" in verdict["errors"][0]["message"]
