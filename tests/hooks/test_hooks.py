"""The plugin as any host sees it: found by entry point, called through pluggy."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import Any

import pluggy
import pytest

from gantry_argocd import hookspecs
from gantry_argocd.hookspecs import hookimpl
from gantry_argocd.simulator import Simulator
from waiting import eventually, standing_still

DEVELOPER = {"name": "dora", "role": "developer"}
VIEWER = {"name": "vic", "role": "viewer"}
PAGE = {
    "url": "/catalog/Service/payment-api?tab=argocd",
    "actionUrl": "/catalog/Service/payment-api/action",
    "hidden": {"csrf_token": "token-of-the-host"},
    "params": {},
}


class Neighbour:
    """A plugin beside ours."""

    @hookimpl
    def discover(self) -> list[dict[str, Any]]:
        """Know one entity."""
        return [{"apiVersion": "gantry.io/v1", "kind": "Service", "metadata": {"name": "other"}}]


class Catalogue:
    """The smallest host: a dict, and what a plugin may ask of it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.writes = 0
        self.trail: list[Mapping[str, Any]] = []

    def update(self, correlate: Callable[[Any], Any]) -> Mapping[str, int]:
        """Apply what the plugin says."""
        counts = {"create": 0, "update": 0, "delete": 0}
        for change in correlate([json.loads(json.dumps(row)) for row in self.rows.values()]):
            counts[change["action"]] += 1
            self.writes += 1
            key = (change["namespace"], change["name"])
            if change["entity"] is None:
                del self.rows[key]
            else:
                self.rows[key] = json.loads(json.dumps(change["entity"]))
        return {
            "created": counts["create"],
            "updated": counts["update"],
            "deleted": counts["delete"],
        }

    def audit(self, record: Mapping[str, Any]) -> None:
        """Keep a record."""
        self.trail.append(record)

    def service(self, name: str) -> dict[str, Any]:
        """Give one Service."""
        return self.rows["default", name]


def make_manager() -> pluggy.PluginManager:
    """Make a manager as any host would."""
    manager = pluggy.PluginManager("gantry")
    manager.add_hookspecs(hookspecs)
    manager.load_setuptools_entrypoints("gantry.plugins")
    manager.register(Neighbour(), "neighbour")
    manager.check_pending()
    return manager


def config_of(*simulators: Simulator, **settings: Any) -> dict[str, Any]:
    """Make a configuration of simulators, with the first ones called one, two, ..."""
    names = ["one", "two", "three"]
    return {
        "instances": [
            {"name": name, "argocdUrl": simulator.url, "token": simulator.token}
            for name, simulator in zip(names, simulators, strict=False)
        ],
        "syncInterval": "",
    } | settings


@pytest.fixture
def manager() -> Iterator[pluggy.PluginManager]:
    """A manager with our plugin and a neighbour."""
    made = make_manager()
    yield made
    made.hook.shutdown(plugin="argocd")


def configured(
    manager: pluggy.PluginManager, config: Mapping[str, Any], host: Catalogue | None = None
) -> None:
    """Validate a configuration and take it into use."""
    verdict = manager.hook.validate_config(
        plugin="argocd", config=config, stored=None, trusted=False
    )
    assert verdict["errors"] == ()
    manager.hook.configure(plugin="argocd", config=verdict["values"], enabled=True, host=host)


def synced(manager: pluggy.PluginManager) -> Any:
    """Wait for the end of the first sync; give its report."""
    return eventually(
        lambda: manager.hook.plugin_status(plugin="argocd")["lastSync"],
        lambda run: run is not None and not run["running"],
    )


def correlated(manager: pluggy.PluginManager, entities: Sequence[Any]) -> list[dict[str, Any]]:
    """Give the entities after correlation."""
    (answer,) = manager.hook.correlate(entities=entities)
    return [change["entity"] for change in answer["changes"]]


def call(manager: pluggy.PluginManager, method: str, route: str, /, **request: Any) -> Any:
    """Call a REST route of the plugin."""
    routes = manager.hook.plugin_routes(plugin="argocd")
    (handler,) = [r["handler"] for r in routes if (r["method"], r["path"]) == (method, route)]
    answer = handler(
        {"path": {}, "query": {}, "body": b"", "contentType": None, "user": DEVELOPER} | request
    )
    return answer["status"], answer["body"]


def test_every_hook_is_called_through_a_fresh_manager(argocd: Simulator) -> None:
    """Installed by pip, found by entry point, and every hook answers beside a neighbour."""
    manager = make_manager()
    hook = manager.hook
    configured(manager, config_of(argocd))

    mine, other = sorted(hook.discover(entities=[]), key=len, reverse=True)
    assert [entity["metadata"]["name"] for entity in other] == ["other"]
    assert "payment-api" in {entity["metadata"]["name"] for entity in mine}
    entities = correlated(manager, [])
    assert correlated(manager, entities) == []
    (pay,) = [entity for entity in entities if entity["metadata"]["name"] == "payment-api"]

    assert hook.panel_tab(entity=pay) == [{"plugin": "argocd", "id": "argocd", "title": "ArgoCD"}]
    (panel,) = hook.render_panel(entity=pay, user=DEVELOPER, page=PAGE)
    (card,) = hook.render_sidebar(entity=pay, user=DEVELOPER, page=PAGE)
    (actions,) = hook.actions(entity=pay, user=DEVELOPER)
    assert "payment-api" in panel["html"]
    assert "OutOfSync" in card["html"]
    assert {action["id"] for action in actions} >= {"argocd:sync", "argocd:hard-sync"}
    assert set(panel["stylesheets"]) <= hook.plugin_assets(plugin="argocd").keys()

    (manifest,) = hook.plugin_manifest()
    assert manifest["name"] == "argocd"
    assert hook.plugin_status(plugin="argocd")["state"] == "enabled"
    assert hook.plugin_routes(plugin="argocd")
    masked = hook.mask_config(plugin="argocd", config=config_of(argocd))
    assert argocd.token not in str(masked)
    assert hook.receive_write(stored=None, body=pay, mode="create")["metadata"]["name"]
    taken = hook.withdraw(plugin="argocd", entities=entities)
    assert {change["action"] for change in taken["changes"]} == {"delete"}
    assert hook.shutdown(plugin="argocd") is True


def test_hooks_of_another_plugins_name_are_left_alone(manager: pluggy.PluginManager) -> None:
    """What is meant for another plugin is not ours to answer."""
    for hook in ("plugin_status", "plugin_routes", "plugin_assets", "shutdown"):
        assert getattr(manager.hook, hook)(plugin="other") is None


def test_two_managers_share_nothing(argocd: Simulator) -> None:
    """Two hosts in one process have two plugins."""
    first, second = make_manager(), make_manager()
    configured(first, config_of(argocd))

    assert first.get_plugin("argocd") is not second.get_plugin("argocd")
    assert second.hook.plugin_status(plugin="argocd")["state"] == "available"
    first.hook.shutdown(plugin="argocd")


def test_loading_the_plugin_starts_nothing() -> None:
    """A host that only loads the plugin and ends gets no thread, and waits for no big import."""
    code = (
        "import sys, threading, pluggy\n"
        "pm = pluggy.PluginManager('gantry')\n"
        "pm.load_setuptools_entrypoints('gantry.plugins')\n"
        "assert pm.get_plugin('argocd')\n"
        "assert pm.hook.shutdown(plugin='argocd') == [True]\n"
        "assert threading.active_count() == 1\n"
        "assert not {'httpx', 'jinja2', 'cattrs', 'attrs', 'msgspec'} & set(sys.modules)\n"
        "assert pm.hook.plugin_manifest()[0]['name'] == 'argocd'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)  # noqa: S603


def test_many_who_come_first_find_one_plugin(manager: pluggy.PluginManager) -> None:
    """Threads of a host that call the first hooks at the same moment get answers of one plugin."""
    begin = threading.Barrier(8)

    def first(_: int) -> Any:
        begin.wait(10)
        return manager.hook.plugin_routes(plugin="argocd")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(first, range(8)))

    assert all(one is found[0] for one in found)


def test_an_unconfigured_plugin_answers_and_changes_nothing(manager: pluggy.PluginManager) -> None:
    """Before it is configured the plugin says so wherever it is asked."""
    linked = {
        "kind": "Service",
        "metadata": {"name": "x", "annotations": {"argocd.io/appName": "x"}},
    }

    assert manager.hook.correlate(entities=[linked]) == []
    assert manager.hook.panel_tab(entity=linked) == []
    assert manager.hook.actions(entity=linked, user=DEVELOPER) == []
    (panel,) = manager.hook.render_panel(entity=linked, user=DEVELOPER, page=PAGE)
    assert "is configured" in panel["html"]
    for method, path in (("POST", "/sync"), ("GET", "/apps/{appName}")):
        status, body = call(manager, method, path, path={"appName": "x"})
        assert (status, body["code"]) == (400, "not_ready")


def test_a_disabled_plugin_says_so_and_keeps_its_entities(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """Disabling marks what is ours as stale, and removes nothing."""
    config = config_of(argocd)
    host = Catalogue()
    configured(manager, config, host)
    synced(manager)
    manager.hook.configure(plugin="argocd", config=config, enabled=False, host=host)

    pay = host.service("payment-api")
    assert pay["metadata"]["annotations"]["argocd.io/staleSince"]
    assert manager.hook.panel_tab(entity=pay) == []
    (panel,) = manager.hook.render_panel(entity=pay, user=DEVELOPER, page=PAGE)
    assert "disabled" in panel["html"].lower()
    (card,) = manager.hook.render_sidebar(entity=pay, user=DEVELOPER, page=PAGE)
    assert "OutOfSync" in card["html"]
    status, body = call(manager, "GET", "/apps/{appName}", path={"appName": "payment-api"})
    assert (status, body["error"]) == (400, "argocd plugin is not enabled")


def test_enabling_syncs_at_once_and_again_without_writing(
    manager: pluggy.PluginManager, argocd: Simulator, staging: Simulator
) -> None:
    """The first sync begins by itself; one that changes nothing writes nothing."""
    host = Catalogue()
    configured(manager, config_of(argocd, staging), host)
    report = synced(manager)
    assert report["apps"] == 60
    assert report["created"] == len(host.rows)
    assert [(i["name"], i["state"]) for i in report["instances"]] == [("one", "ok"), ("two", "ok")]

    before = host.writes
    status, again = call(manager, "POST", "/sync")
    assert status == 200
    assert host.writes == before
    assert (again["created"], again["updated"]) == (0, 0)
    assert again["unchanged"] == len(host.rows)


def test_a_dead_instance_harms_nobody(manager: pluggy.PluginManager, argocd: Simulator) -> None:
    """One instance that cannot be reached is in the report; the other's apps are there."""
    config = config_of(argocd)
    config["instances"].append({"name": "dead", "argocdUrl": "http://127.0.0.1:9", "token": "t"})
    host = Catalogue()
    configured(manager, config, host)
    status, report = call(manager, "POST", "/sync")

    assert status == 200
    assert host.rows
    states = {item["name"]: item["state"] for item in report["instances"]}
    assert states == {"dead": "failed", "one": "ok"}
    assert any("dead: no connection" in text for text in report["errors"])


def test_a_sync_from_the_page_is_followed_to_its_end(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """Pressing Sync changes the state that the catalogue shows, without another sync of it."""
    host = Catalogue()
    configured(manager, config_of(argocd), host)
    synced(manager)
    pay = host.service("payment-api")
    (actions,) = manager.hook.actions(entity=pay, user=DEVELOPER)
    (sync,) = [
        a for a in actions if (a["app"], a["id"]) == ("one:payment-api-prod", "argocd:hard-sync")
    ]
    assert sync["destructive"]
    assert "ConfigMap payment-api-legacy" in sync["confirmation"]

    outcome = sync["run"]()
    assert outcome["ok"], outcome
    assert outcome["body"]["operation"]["phase"] in {"Queued", "Running"}
    eventually(
        lambda: host.service("payment-api")["metadata"]["annotations"]["argocd.io/apps"],
        lambda apps: "one:payment-api-prod=Synced/Healthy" in apps,
    )


def test_the_instances_can_be_examined(manager: pluggy.PluginManager, argocd: Simulator) -> None:
    """A platform engineer asks the portal itself what is wrong with an instance."""
    configured(manager, config_of(argocd))
    status, body = call(manager, "POST", "/check")

    assert (status, body["ok"]) == (200, True)
    assert body["instances"][0]["instance"] == "one"
    routes = manager.hook.plugin_routes(plugin="argocd")
    assert [r["role"] for r in routes if r["path"] == "/check"] == ["platform-engineer"]


def test_every_action_is_on_record(manager: pluggy.PluginManager, argocd: Simulator) -> None:
    """Who did what to which app of which entity, refused ones too, and how it ended."""
    host = Catalogue()
    configured(manager, config_of(argocd), host)
    synced(manager)
    at = {"appName": "one:payment-api"}
    with standing_still(argocd):
        assert call(manager, "POST", "/apps/{appName}/sync", path=at)[0] == 200
        assert call(manager, "POST", "/apps/{appName}/sync", path=at)[0] == 409
    assert call(manager, "POST", "/apps/{appName}/refresh", path=at)[0] == 200

    ended = eventually(lambda: [r for r in host.trail if r["outcome"] == "Succeeded"])
    assert [(r["action"], r["outcome"]) for r in host.trail if r not in ended] == [
        ("argocd.sync", "requested"),
        ("argocd.sync", "refused"),
        ("argocd.refresh", "requested"),
    ]
    assert ended[0]["requestId"] == host.trail[0]["requestId"]
    for record in host.trail:
        assert record["user"] == DEVELOPER
        assert record["app"] == "one:payment-api"
        assert record["entity"] == {
            "kind": "Service",
            "namespace": "default",
            "name": "payment-api",
        }
    assert argocd.token not in str(host.trail)


def test_a_viewer_sees_why_the_buttons_do_not_work(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """Without the role every action is there, unavailable, with the reason, and refuses to run."""
    configured(manager, config_of(argocd))
    manager.hook.discover(entities=[])
    (pay,) = [e for e in correlated(manager, []) if e["metadata"]["name"] == "payment-api"]
    (actions,) = manager.hook.actions(entity=pay, user=VIEWER)

    assert not any(action["available"] for action in actions)
    assert {action["reason"] for action in actions} == {"needs the role developer or higher"}
    assert actions[0]["run"]()["status"] == 403
    assert not [r for r in argocd.requests if r.method == "POST"]


@pytest.mark.parametrize(
    ("name", "query", "status", "code"),
    [
        ("payment-api", {}, 409, "ambiguous"),
        ("payment-api", {"instance": ["one"]}, 409, "ambiguous"),
        ("payment-api", {"instance": ["one"], "namespace": ["argocd"]}, 200, None),
        ("one:payment-api", {}, 200, None),
        ("one:team-a/payment-api", {}, 200, None),
        ("one:payment-api", {"instance": ["two"]}, 400, "bad_request"),
        ("payment-api", {"instance": ["nope"]}, 404, "unknown_instance"),
        ("no-such-app", {}, 404, "unknown_app"),
        ("../clusters", {}, 404, "unknown_app"),
        ("payment%2Dapi", {}, 404, "unknown_app"),
        (" payment-api\n", {}, 404, "unknown_app"),
        ("payment-api?refresh=hard", {}, 404, "unknown_app"),
        ("PAYMENT-API", {}, 404, "unknown_app"),
        ("payment-api", {"instance": ["one", "two"]}, 400, "bad_request"),
    ],
)
def test_an_app_is_addressed_and_never_guessed(
    manager: pluggy.PluginManager,
    argocd: Simulator,
    name: str,
    query: dict[str, list[str]],
    status: int,
    code: str | None,
) -> None:
    """defect-G9: A short name works where it is unique; else the candidates are told."""
    configured(manager, config_of(argocd))
    manager.hook.discover(entities=[])
    answered, body = call(manager, "GET", "/apps/{appName}", path={"appName": name}, query=query)

    assert answered == status
    assert body.get("code") == code
    if code == "ambiguous":
        assert set(body["candidates"]) == {"one:payment-api", "one:team-a/payment-api"}


def test_an_app_that_came_after_the_last_sync_is_found(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """A name that is not known yet makes the instances be asked once more."""
    configured(manager, config_of(argocd))

    status, body = call(manager, "GET", "/apps/{appName}", path={"appName": "one:payment-api"})
    assert status == 200
    assert body["ref"] == "one:payment-api"
    assert body["application"]["metadata"]["name"] == "payment-api"
    assert {"group", "kind", "name", "namespace", "status"} <= body["resources"][0].keys() | {
        "group"
    }


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", None, 200),
        (b"{}", "application/json; charset=utf-8", 200),
        (b"{}", None, 200),
        (b'{"hard":"yes"}', "application/json", 400),
        (b'{"hard":1}', "application/json", 400),
        (b'{"hrad":true}', "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"hard=true", "application/x-www-form-urlencoded", 415),
    ],
)
def test_a_sync_with_a_strange_body_does_nothing(
    manager: pluggy.PluginManager,
    argocd: Simulator,
    body: bytes,
    content_type: str | None,
    status: int,
) -> None:
    """What is not understood is refused and nothing is synced."""
    configured(manager, config_of(argocd))
    manager.hook.discover(entities=[])
    answered, answer = call(
        manager,
        "POST",
        "/apps/{appName}/sync",
        path={"appName": "one:payment-api"},
        body=body,
        contentType=content_type,
    )

    assert answered == status, answer
    syncs = [r for r in argocd.requests if r.path.endswith("/sync")]
    assert len(syncs) == (1 if status == 200 else 0)


def test_several_apps_are_answered_in_their_places(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """defect-G11: A name that fails stands in its place with the reason."""
    configured(manager, config_of(argocd))
    manager.hook.discover(entities=[])
    names = "one:payment-api, two:x,payment-api,nope,one:nope,one:payment-api"
    status, body = call(manager, "GET", "/entity-apps", query={"appNames": [names]})

    assert status == 200
    assert [entry.get("code") for entry in body] == [
        None,
        "unknown_instance",
        "ambiguous",
        "unknown_app",
        "unknown_app",
        None,
    ]
    assert body[0]["syncStatus"] == "OutOfSync"
    assert call(manager, "GET", "/entity-apps") == (200, [])


def test_an_answer_about_another_app_is_not_believed(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """An Argo CD, or a proxy, that mixes up applications is told, and writes nothing."""
    host = Catalogue()
    configured(manager, config_of(argocd), host)
    synced(manager)
    before = set(host.rows)
    other = {"metadata": {"name": "other", "namespace": "zzz"}, "spec": {}, "status": {}}
    for route in ("app", "sync"):
        argocd.faults.set(route, status=200, body=other)
    for method, route in (("GET", ""), ("POST", "/refresh"), ("POST", "/sync")):
        status, body = call(
            manager, method, "/apps/{appName}" + route, path={"appName": "one:payment-api"}
        )
        assert (status, body["code"]) == (502, "malformed")
    assert set(host.rows) == before


def test_thousands_of_dead_links_fit_on_a_page(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """Whoever writes a list of dead links, or one without end, spoils neither report nor tab."""
    host = Catalogue()
    dead = ",".join(f"one:dead-{number}" for number in range(2000))
    for name, links in (("many", dead), ("long", "x" * 50_000)):
        annotations = {"argocd.io/appNames": f"{links},one:identity"}
        host.rows["default", name] = {
            "apiVersion": "gantry.io/v1",
            "kind": "Service",
            "metadata": {"name": name, "annotations": annotations},
        }
    configured(manager, config_of(argocd), host)
    errors = synced(manager)["errors"]

    assert "dead-0" in "".join(errors)
    assert errors[-1].startswith("and 1,50")
    assert max(map(len, errors)) < 500
    for name in ("many", "long"):
        (panel,) = manager.hook.render_panel(entity=host.service(name), user=VIEWER, page=PAGE)
        assert len(panel["html"]) < 200_000
    (panel,) = manager.hook.render_panel(entity=host.service("many"), user=VIEWER, page=PAGE)
    assert "So it is with 1,990 more links" in panel["html"]


def test_an_address_that_cannot_be_used_harms_nobody(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """A stored configuration of an older release with a strange address costs its instance."""
    config = config_of(argocd)
    config["instances"].append(
        {"name": "odd", "argocdUrl": "http://h", "token": "env:NOT_SET_HERE"}
    )
    host = Catalogue()
    manager.hook.configure(plugin="argocd", config=config, enabled=True, host=host)
    report = synced(manager)

    assert host.rows
    assert any("odd: env:NOT_SET_HERE cannot be read" in text for text in report["errors"])


GARBAGE = [None, [], 5, "x", {}, {"kind": "Service"}, {"kind": "Service", "metadata": None}]


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_no_hook_raises_for_what_is_no_entity(
    manager: pluggy.PluginManager, argocd: Simulator, garbage: Any
) -> None:
    """A broken row of a host costs only itself."""
    configured(manager, config_of(argocd))
    hook = manager.hook
    hook.discover(entities=[garbage])
    (answer,) = hook.correlate(entities=[garbage])
    assert "payment-api" in {change["name"] for change in answer["changes"]}
    assert hook.panel_tab(entity=garbage) == []
    assert hook.actions(entity=garbage, user=DEVELOPER) == []
    assert hook.render_sidebar(entity=garbage, user=DEVELOPER, page=PAGE) == []
    hook.render_panel(entity=garbage, user=DEVELOPER, page=PAGE)
    hook.withdraw(plugin="argocd", entities=[garbage])
    for mode in ("create", "replace", "upsert", "delete", "take-back"):
        hook.receive_write(stored=garbage, body=garbage, mode=mode)
        hook.receive_write(stored=None, body=garbage, mode=mode)


def test_mappings_of_any_kind_are_entities(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """A host may keep its entities in mappings of its own."""
    configured(manager, config_of(argocd))
    manager.hook.discover(entities=[])
    rows = correlated(manager, [])
    frozen = [
        MappingProxyType(row | {"metadata": MappingProxyType(row["metadata"])}) for row in rows
    ]

    assert correlated(manager, frozen) == []
    (pay,) = [row for row in frozen if row["metadata"]["name"] == "payment-api"]
    assert manager.hook.panel_tab(entity=pay)
    assert manager.hook.actions(entity=pay, user=DEVELOPER)


def test_the_host_is_free_within_two_seconds(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """Shutdown does not wait for an Argo CD that hangs."""
    argocd.faults.set("list", delay=60)
    configured(manager, config_of(argocd), Catalogue())
    eventually(lambda: [r for r in argocd.requests if r.path.endswith("/applications")])

    began = time.monotonic()
    manager.hook.shutdown(plugin="argocd")
    assert time.monotonic() - began < 2


def test_the_panel_does_not_wait_for_an_argo_cd_that_hangs(
    manager: pluggy.PluginManager, argocd: Simulator
) -> None:
    """The page shows the last known state and says what failed."""
    configured(manager, config_of(argocd))
    manager.hook.discover(entities=[])
    (pay,) = [e for e in correlated(manager, []) if e["metadata"]["name"] == "payment-api"]
    argocd.faults.set("app", status=503, body="<html>", content_type="text/html")
    (panel,) = manager.hook.render_panel(entity=pay, user=DEVELOPER, page=PAGE)

    assert "OutOfSync" in panel["html"]
    assert "answered 503" in panel["html"]


def test_every_route_says_what_it_takes_and_answers(manager: pluggy.PluginManager) -> None:
    """A host can describe the routes: each has its own id, answers, and no loose reference."""
    routes = manager.hook.plugin_routes(plugin="argocd")
    schemas = manager.hook.plugin_schemas(plugin="argocd")

    ids = [route["openapi"]["operationId"] for route in routes]
    assert len(ids) == len(set(ids))
    for route in routes:
        assert "200" in route["openapi"]["responses"]
        assert ("requestBody" in route["openapi"]) is (route["method"] == "POST")
    named = set(re.findall(r"#/components/schemas/(\w+)", str([routes, schemas])))
    assert named == {*schemas, "Error"}
    assert manager.hook.plugin_schemas(plugin="other") is None
