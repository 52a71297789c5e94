"""Actions that the host refuses are in the trail, once, with who tried."""

from __future__ import annotations

from typing import Any

import pytest

from .support import Marker, Portal, service, submit, token_of

ACTION = "/catalog/Service/pay/action"
ROUTE = "/api/v1/plugins/marker/apps/pay/go"


@pytest.fixture(scope="module", autouse=True)
def _content(site: Portal) -> None:
    """Put an entity into the catalogue."""
    site.rest().post("/api/v1/entities", json=service("pay"))


def trail(site: Portal) -> list[dict[str, Any]]:
    """Read the whole trail, newest first."""
    return site.host.trail.newest(limit=500)


def new_entries(site: Portal, before: int) -> list[dict[str, Any]]:
    """Read what has come since the trail had *before* entries."""
    return trail(site)[: len(trail(site)) - before]


@pytest.mark.parametrize(
    ("role", "action", "more", "code"),
    [
        ("viewer", "go", {}, "role"),
        ("developer", "never", {}, "conflict"),
        ("developer", "prune", {"confirmed": "no"}, "conflict"),
    ],
)
def test_an_action_refused_on_a_page_is_told(
    site: Portal, marker: Marker, role: str, action: str, more: dict[str, str], code: str
) -> None:
    """The trail of an entity has who tried what in vain, and why."""
    client = site.browser(role)
    before, ran = len(trail(site)), len(marker.ran)

    answer = submit(client, ACTION, action=action, app="one:pay", **more)
    told = new_entries(site, before)

    assert answer.status_code in (403, 409)
    assert len(marker.ran) == ran
    assert [(one["userName"], one["action"], one["resourceId"]) for one in told] == [
        (role, f"marker.{action}", "Service:default/pay")
    ]
    details = told[0]["details"]
    assert (details["outcome"], details["code"], details["app"]) == ("refused", code, "one:pay")
    assert details["message"]


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_forged_form_is_told(site: Portal, token: str) -> None:
    """A form without the right token leaves a record of the action that it was for."""
    client = site.browser("developer")
    before = len(trail(site))

    answer = client.post(ACTION, data={"action": "go", "app": "one:pay", "csrf_token": token})
    told = new_entries(site, before)

    assert answer.status_code == 403
    assert [(one["action"], one["details"]["code"]) for one in told] == [("marker.go", "csrf")]


def test_a_forged_form_for_nothing_known_is_told(site: Portal) -> None:
    """An invented action of an entity that is not there leaves a record as well."""
    client = site.browser("developer")
    before = len(trail(site))
    url = "/catalog/Service/nothing/action"

    client.post(url, data={"action": "x" * 9000, "csrf_token": "wrong"})
    told = new_entries(site, before)

    assert [one["action"] for one in told] == ["plugin.action"]
    assert len(told[0]["details"]["action"]) < 300


def test_a_refused_plugin_route_is_told(site: Portal) -> None:
    """A call over REST without the role, or from another site, is one record."""
    before = len(trail(site))
    foreign = {"Origin": "https://evil.example"}
    browser = site.browser("developer")

    role = site.rest("viewer").post(ROUTE)
    origin = browser.post(ROUTE, headers=foreign)
    read = site.rest("viewer").get("/api/v1/plugins/marker/apps/pay")
    told = new_entries(site, before)

    assert (role.status_code, origin.status_code, read.status_code) == (403, 403, 200)
    assert [(one["userName"], one["action"], one["details"]["code"]) for one in told] == [
        ("developer", "marker.go", "csrf"),
        ("viewer", "marker.go", "role"),
    ]
    assert told[0]["details"]["path"] == ROUTE
    assert {one["details"]["outcome"] for one in told} == {"refused"}


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("PUT", "/api/v1/plugins/marker/config", "plugin.configure"),
        ("PUT", "/api/v1/plugins/marker/enable", "plugin.enable"),
        ("POST", "/api/v1/plugins/marker/sync", "plugin.sync"),
        ("POST", "/api/v1/plugins/kubernetes/sync", "plugin.sync"),
        ("POST", "/plugins/marker/disable", "plugin.disable"),
    ],
)
def test_a_refused_change_of_a_plugin_is_told(
    site: Portal, method: str, path: str, action: str
) -> None:
    """Who tries to configure, enable or sync a plugin without the role is in the trail."""
    before = len(trail(site))

    answer = (site.rest("developer") if "api" in path else site.browser("developer")).request(
        method, path
    )
    told = new_entries(site, before)

    assert answer.status_code == 403
    assert [(one["action"], one["details"]["outcome"]) for one in told] == [(action, "refused")]


def test_what_is_done_or_asked_is_no_refusal(site: Portal, marker: Marker) -> None:
    """An action that runs is told by its plugin alone; a question before it is nothing yet."""
    client = site.browser("developer")
    token = token_of(client.get("/settings"))
    before = len(trail(site))
    form = {"action": "prune", "app": "one:pay", "csrf_token": token}

    asked = client.post(ACTION, data=form)
    done = client.post(ACTION, data={**form, "confirmed": "yes"})

    assert (asked.status_code, done.status_code) == (200, 303)
    assert marker.ran[-1] == ("prune", "developer")
    assert new_entries(site, before) == []
