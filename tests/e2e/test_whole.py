"""The whole way through: host, plugin through its entry point, simulated Argo CD, real sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from gantry_argocd.simulator import NEWEST, OLDEST, Simulator
from waiting import eventually
from whole import PLUGIN, Portal, fields, running


@pytest.fixture(params=[OLDEST.name, NEWEST.name])
def release(request: pytest.FixtureRequest) -> str:
    """The oldest and the newest release of Argo CD that is supported."""
    return str(request.param)


@pytest.fixture
def portal(argocd: Simulator, staging: Simulator, tmp_path: Path) -> Iterator[Portal]:
    """A portal as the demo runs it."""
    with running(argocd, staging, tmp_path) as made:
        yield made


def entity(client: httpx.Client, name: str) -> Any:
    """Read a Service."""
    return client.get(f"/api/v1/entities/Service/{name}").json()


def test_one_service_is_one_entity_with_everybodys_part(portal: Portal) -> None:
    """Kubernetes, GitHub and Argo CD meet in one entity, and each part is there."""
    with portal.rest("viewer") as client:
        pay = entity(client, "payment-api")

    annotations = pay["metadata"]["annotations"]
    assert annotations["kubernetes.io/kind"] == "Deployment"
    assert annotations["argocd.io/syncStatus"] == "OutOfSync"
    assert "production:payment-api=OutOfSync/Healthy" in annotations["argocd.io/apps"]
    assert pay["spec"]["repoUrl"] == "https://github.com/acme/payment-api"
    assert pay["spec"]["lifecycle"] == "production"
    environments = [ref["name"] for ref in pay["spec"]["deployedIn"]]
    assert len(environments) == len(set(environments))
    assert "payments" in environments


def test_a_developer_syncs_from_the_page(portal: Portal) -> None:
    """Without JavaScript: open the service, the tab, press Hard Sync, confirm, see it change."""
    page = "/catalog/Service/payment-api"
    with portal.browser("developer") as browser:
        overview = browser.get(page).text
        assert 'href="/catalog/Service/payment-api?tab=argocd"' in unescape(overview)
        tab = browser.get(page, params={"tab": "argocd"}).text
        assert "Managed resources" in tab
        assert "payment-api-legacy" in tab
        action = f"{page}/action"
        form = fields(tab, action, action="argocd:hard-sync", app="production:payment-api-prod")
        asked = browser.post(action, data=form)
        assert "ConfigMap payment-api-legacy" in unescape(asked.text)
        confirm = fields(asked.text, action, confirmed="yes")
        done = browser.post(action, data=confirm)
        assert "payment-api-prod on production: hard sync requested" in unescape(done.text)
    with portal.rest("viewer") as client:
        eventually(
            lambda: entity(client, "payment-api")["metadata"]["annotations"]["argocd.io/apps"],
            lambda apps: "production:payment-api-prod=Synced/Healthy" in apps,
        )


def test_a_viewer_may_look_and_not_touch(portal: Portal, argocd: Simulator) -> None:
    """A viewer sees the state and why the buttons do not work; REST refuses with a reason."""
    with portal.browser("viewer") as browser:
        tab = browser.get("/catalog/Service/payment-api", params={"tab": "argocd"}).text
        assert "needs the role developer" in tab
    with portal.rest("viewer") as client:
        answer = client.post(f"{PLUGIN}/apps/production:payment-api/sync")
        assert answer.status_code == 403
        assert answer.json()["code"] == "role"
        assert client.post(f"{PLUGIN}/sync").status_code == 403
        assert client.get(f"{PLUGIN}/config").status_code == 403
    assert not argocd.requests.of("sync")


def test_a_hand_written_service_is_linked_by_its_annotation(portal: Portal) -> None:
    """A link takes the app at once, without a sync, and gives it back when it is removed."""
    body = {
        "kind": "Service",
        "metadata": {
            "name": "legacy",
            "annotations": {"argocd.io/appName": "production:payment-api"},
        },
    }
    with portal.rest("developer") as client:
        made = client.post("/api/v1/entities", json=body)
        assert made.status_code == 201
        assert made.json()["metadata"]["annotations"]["argocd.io/syncStatus"] == "OutOfSync"
        apps = entity(client, "payment-api")["metadata"]["annotations"]["argocd.io/appNames"]
        assert "production:payment-api," not in apps
        with portal.browser("developer") as browser:
            tab = browser.get("/catalog/Service/legacy", params={"tab": "argocd"}).text
            assert "production" in tab
        assert client.delete("/api/v1/entities/Service/legacy").status_code == 204
        assert client.get("/api/v1/entities/Service/legacy").status_code == 404
        apps = entity(client, "payment-api")["metadata"]["annotations"]["argocd.io/appNames"]
        assert "production:payment-api," in apps


def test_an_outage_takes_nothing_away(portal: Portal, argocd: Simulator) -> None:
    """An Argo CD that fails leaves its services there, marked, and the tab says what is wrong."""
    with portal.rest("platform-engineer") as client:
        before = {row["metadata"]["name"] for row in client.get("/api/v1/entities/Service").json()}
        argocd.faults.set("*", html=True)
        report = client.post(f"{PLUGIN}/sync").json()
        assert {i["name"]: i["state"] for i in report["instances"]} == {
            "production": "failed",
            "staging": "ok",
        }
        after = {row["metadata"]["name"] for row in client.get("/api/v1/entities/Service").json()}
        assert after == before
        pay = entity(client, "payment-api")
        assert pay["metadata"]["annotations"]["argocd.io/staleSince"]
        with portal.browser("developer") as browser:
            tab = browser.get("/catalog/Service/payment-api", params={"tab": "argocd"}).text
            assert "sign-in page" in tab
        argocd.faults.clear()
        client.post(f"{PLUGIN}/sync")
        pay = entity(client, "payment-api")
        assert "argocd.io/staleSince" not in pay["metadata"]["annotations"]


def test_what_argo_cd_could_not_compare_is_not_called_healthy(portal: Portal) -> None:
    """An app that never loaded is Healthy to Argo CD, and Unknown on every page of ours."""
    with portal.rest("viewer") as client:
        geocoder = entity(client, "geocoder")["metadata"]["annotations"]
        assert geocoder["argocd.io/syncStatus"] == "Unknown"
        assert geocoder["argocd.io/healthStatus"] == "Healthy"
    with portal.browser("viewer") as browser:
        (row,) = re.findall(
            r"<tr>(?:(?!</tr>).)*geocoder.*?</tr>", browser.get("/").text, re.DOTALL
        )
        page = browser.get("/catalog/Service/geocoder").text
        tab = browser.get("/catalog/Service/geocoder", params={"tab": "argocd"}).text
    assert "Healthy" not in row
    assert "Health: </span>Unknown" in page
    assert "could not be compared" in tab or "never loaded" in tab


def test_the_catalogue_says_why(portal: Portal) -> None:
    """Why an app is where it is, what in an entity is ours, and what another label would move."""
    with portal.rest("viewer") as client:
        app = client.get(f"{PLUGIN}/explain", params={"app": "production:pricing"}).json()
        assert app["entity"] == "Service/default/billing"
        assert app["why"] == "Service/default/billing links 'production:pricing' by hand"

        billing = client.get(f"{PLUGIN}/explain", params={"entity": "Service/billing"}).json()
        assert [item["app"] for item in billing["apps"]] == ["production:pricing"]
        assert billing["theirs"]

        tried = client.get(f"{PLUGIN}/explain", params={"labelKey": "team"}).json()
        moved = {f"{m['instance']}:{m['namespace']}/{m['name']}": m["to"] for m in tried["moves"]}
        assert moved["production:argocd/payment-api"] == "Service/default/payments"
        before = client.get("/api/v1/entities/Service").json()
        assert "payments" not in {row["metadata"]["name"] for row in before}

        for params, status in (
            ({}, 400),
            ({"app": "x", "entity": "y"}, 400),
            ({"labelKey": "a b"}, 400),
            ({"app": "nope"}, 404),
            ({"entity": "Service/default/nope"}, 404),
            ({"entity": "nope"}, 404),
        ):
            answer = client.get(f"{PLUGIN}/explain", params=params)
            assert answer.status_code == status, params
    with portal.browser("viewer") as browser:
        tab = browser.get("/catalog/Service/billing", params={"tab": "argocd"}).text
        assert "links &#39;production:pricing&#39; by hand" in tab


def test_a_platform_engineer_examines_the_instances(portal: Portal, argocd: Simulator) -> None:
    """The page of the plugin says of each instance whether it can be used, and what to do."""
    argocd.faults.set("version", html=True)
    with portal.browser("platform-engineer") as browser:
        page = browser.get("/plugins/argocd").text
        form = fields(page, "/plugins/argocd/check")
        found = unescape(browser.post("/plugins/argocd/check", data=form).text)

    assert "Check of staging: can be used" in found
    assert "Check of production: cannot be used" in found
    assert "A sign-in page or a proxy stands in front" in found
    assert argocd.token not in found


def test_disabling_keeps_and_withdrawing_takes_away(portal: Portal) -> None:
    """Disabled, entities stay and are marked; withdrawn, only what others wrote is left."""
    with portal.rest("platform-engineer") as client:
        assert client.put(f"{PLUGIN}/enable", json={"enabled": False}).status_code == 204
        pay = entity(client, "payment-api")
        assert pay["metadata"]["annotations"]["argocd.io/staleSince"]
        answer = client.get(f"{PLUGIN}/apps/production:payment-api")
        assert (answer.status_code, answer.json()["error"]) == (400, "argocd plugin is not enabled")

        withdrawn = client.put(f"{PLUGIN}/enable", json={"enabled": False, "withdraw": True})
        assert withdrawn.status_code == 204
        rows = client.get("/api/v1/entities/Service").json()
        pay = entity(client, "payment-api")
    ours = [key for row in rows for key in row["metadata"].get("annotations", {})]
    assert not [key for key in ours if key.startswith("argocd.io/") and key != "argocd.io/appName"]
    assert pay["metadata"]["annotations"]["kubernetes.io/kind"] == "Deployment"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"instances": "foo"}, "$.instances"),
        ({"instances": [{"name": "x"}]}, "$.instances[0].argocdUrl"),
        ({"instances": [], "syncInterval": "banana"}, "$.syncInterval"),
    ],
)
def test_a_bad_configuration_changes_nothing(portal: Portal, body: Any, path: str) -> None:
    """defect-G9: A wrong configuration is refused with its path, and the old one goes on."""
    with portal.rest("platform-engineer") as client:
        before = client.get(f"{PLUGIN}/config").json()
        answer = client.put(f"{PLUGIN}/config", json=body)

        assert answer.status_code == 400
        assert path in {error["path"] for error in answer.json()["errors"]}
        assert client.get(f"{PLUGIN}/config").json() == before
        assert "simulator" not in str(before["values"])
        assert client.post(f"{PLUGIN}/sync").status_code == 200


def test_no_instance_can_be_stored_and_not_enabled(portal: Portal) -> None:
    """An empty list may be stored for later; enabling it says what is missing."""
    with portal.rest("platform-engineer") as client:
        client.put(f"{PLUGIN}/enable", json={"enabled": False})
        assert client.put(f"{PLUGIN}/config", json={"instances": []}).status_code == 204
        answer = client.put(f"{PLUGIN}/enable", json={"enabled": True})
        assert answer.status_code == 400
        assert client.post(f"{PLUGIN}/sync").status_code == 400
