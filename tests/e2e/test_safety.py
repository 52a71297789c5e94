"""Nobody does by accident, by guessing or by insisting what they may not: over real sockets."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from gantry_argocd.hookspecs import ROLES
from gantry_argocd.simulator import Simulator
from waiting import eventually
from whole import PLUGIN, Portal, fields, running

APP = "production:payment-api"
ACTING = {"sync", "rollback", "terminate"}
PAGE = "/catalog/Service/payment-api"
_ONE = ("/apps/{appName}", "/entities/{kind}/{namespace}/{name}/apps/{appName}")

LEAST = {
    **{("GET", one + part): "viewer" for one in _ONE for part in ("", "/operation", "/actions")},
    **{
        ("POST", f"{one}/{action}"): "developer"
        for one in _ONE
        for action in ("sync", "refresh", "terminate", "rollback")
    },
    ("GET", "/entity-apps"): "viewer",
    ("GET", "/explain"): "viewer",
    ("POST", "/sync"): "platform-engineer",
    ("POST", "/check"): "platform-engineer",
}
"""Every route of the plugin with the least role that may call it (A1 to A8)."""


@pytest.fixture(scope="module")
def production() -> Iterator[Simulator]:
    """An Argo CD."""
    with Simulator(apps=40, operation_seconds=0.3, reconcile_seconds=0.02) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def site(production: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal that the tests of this module share."""
    with (
        Simulator(apps=5, seed=2, name="staging", operation_seconds=0.3) as staging,
        running(production, staging, tmp_path_factory.mktemp("site")) as made,
    ):
        yield made


def done(argocd: Simulator) -> list[Any]:
    """Give what reached Argo CD that could change something."""
    return [r for r in argocd.requests if r.route in ACTING or "refresh=" in r.query]


def address(path: str, app: str = "nope") -> str:
    """Give the address of a route for an application."""
    known = {"kind": "Service", "namespace": "default", "name": "payment-api", "appName": app}
    return PLUGIN + path.format_map(known)


# --- roles ---


def test_the_table_of_roles_is_that_of_the_routes(site: Portal) -> None:
    """The document that anybody can read lists exactly these routes, with these roles."""
    document = httpx.get(f"{site.url}/api/v1/openapi.json").json()

    told = {
        (method.upper(), path.removeprefix(PLUGIN)): about["x-gantry-role"]
        for path, methods in document["paths"].items()
        if path.startswith(PLUGIN)
        for method, about in methods.items()
    }
    assert told == LEAST


@pytest.mark.parametrize("role", ROLES)
def test_a_role_reaches_its_routes_and_no_others(
    site: Portal, production: Simulator, role: str
) -> None:
    """Four roles by every route: a lower one is told which it needs, and nothing is done."""
    production.requests.clear()
    with site.rest(role) as client:
        for (method, path), least in LEAST.items():
            body = {"id": 0} if path.endswith("rollback") else None
            answer = client.request(method, address(path), json=body)
            refused = answer.status_code == 403 and answer.json().get("code") == "role"
            lower = ROLES.index(role) < ROLES.index(least)  # type: ignore[arg-type]
            assert refused is lower, (role, method, path, answer.text)
            if lower:
                assert answer.json()["required"] == least
            assert answer.status_code < 500
    assert done(production) == []


def test_a_stranger_reaches_nothing(site: Portal, production: Simulator) -> None:
    """Without a token, and with one that is none, every route answers 401 and does nothing."""
    production.requests.clear()
    for headers in ({}, {"Authorization": "Bearer a.b.c"}, {"Authorization": "Basic YTpi"}):
        for method, path in LEAST:
            answer = httpx.request(method, site.url + address(path, APP), headers=headers)
            assert answer.status_code == 401, (method, path)
    assert len(production.requests) == 0


# --- bad input ---

NAMES = [
    "%2e%2e",
    "..%2f..%2fclusters",
    "%2F",
    "payment-api%2F..%2Fmedia",
    "payment-api%3Frefresh=hard",
    "payment-api%23",
    "payment-api%0A",
    "%0Apayment-api",
    "payment-api%00",
    "%20payment-api",
    "payment-api%20",
    "PAYMENT-API",
    "payment_api",
    "production%3A%3Apayment-api",
    "production:",
    ":payment-api",
    "production:argocd/..%2Fmedia",
    "%F0%9F%92%A9",
    "%FF%FE",
    "%E2%80%AEapi",
    "x" * 300,
    "%3Cscript%3E",
    "{appName}",
    "*",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_application_can_have_asks_nobody(
    site: Portal, production: Simulator, name: str
) -> None:
    """Whatever stands in the place of the name, it is 404 in JSON, and Argo CD hears nothing."""
    production.requests.clear()
    with site.rest("developer") as client:
        for part in ("", "/operation", "/actions"):
            answer = client.get(f"{PLUGIN}/apps/{name}{part}")
            assert answer.status_code == 404, answer.text
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-content-type-options"] == "nosniff"
        for action in ("sync", "refresh", "terminate"):
            answer = client.post(f"{PLUGIN}/apps/{name}/{action}")
            assert answer.status_code == 404, answer.text
            assert answer.headers["content-type"] == "application/json"
    assert [r for r in production.requests if "/applications/" in r.path] == []


BODIES = [
    (b"{", "application/json", 400),
    (b"\xff\xfe", "application/json", 400),
    (b"[]", "application/json", 400),
    (b'"hard"', "application/json", 400),
    (b"null", "application/json", 400),
    (b'{"hard": "true"}', "application/json", 400),
    (b'{"hard": NaN}', "application/json", 400),
    (b'{"hard": true, "force": true}', "application/json", 400),
    (b'{"Hard": true}', "application/json", 400),
    (b'{"resources": []}', "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b"hard=true", "application/x-www-form-urlencoded", 415),
    (b'{"hard": true}', "text/plain", 415),
    (b"<hard/>", "application/xml", 415),
    (b'{"revision": "' + b"x" * 2_000_000 + b'"}', "application/json", 413),
]


@pytest.mark.parametrize(("body", "kind", "status"), BODIES)
def test_a_body_that_is_not_what_it_must_be_syncs_nothing(
    site: Portal, production: Simulator, body: bytes, kind: str, status: int
) -> None:
    """Malformed, misspelt, mistyped, too long: refused with a reason, never a normal sync."""
    production.requests.clear()
    with site.rest("developer") as client:
        answer = client.post(
            f"{PLUGIN}/apps/{APP}/sync", content=body, headers={"Content-Type": kind}
        )

    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert "Traceback" not in answer.text
    assert done(production) == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"instance": "stagin"}, 404),
        ({"instance": ["production", "staging"]}, 400),
        ({"instance": "staging", "namespace": "argocd"}, 404),
        ({"namespace": "nowhere"}, 404),
    ],
)
def test_a_target_is_never_guessed(
    site: Portal, production: Simulator, query: Any, status: int
) -> None:
    """A misspelt instance or namespace is refused, and syncs neither this nor another one."""
    production.requests.clear()
    with site.rest("developer") as client:
        answer = client.post(f"{PLUGIN}/apps/fraud-check/sync", params=query)

    assert answer.status_code == status, answer.text
    assert done(production) == []


def test_an_ambiguous_name_is_refused_with_candidates(site: Portal, production: Simulator) -> None:
    """Of several applications of one name none is synced; each is named as it can be asked for."""
    production.requests.clear()
    with site.rest("developer") as client:
        answer = client.post(f"{PLUGIN}/apps/web/sync")

    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous")
    assert {"production:team-a/web", "production:team-b/web"} <= set(answer.json()["candidates"])
    assert done(production) == []


# --- forms ---


def press(browser: httpx.Client, action: str, **wanted: str) -> tuple[str, dict[str, str]]:
    """Open the tab and give address and fields of a button."""
    tab = browser.get(PAGE, params={"tab": "argocd"}).text
    return f"{PAGE}/action", fields(tab, f"{PAGE}/action", action=action, **wanted)


def test_a_form_of_somebody_else_does_nothing(site: Portal, production: Simulator) -> None:
    """Without the token of this very session a form is refused, and the attempt is on record."""
    with site.browser("developer") as browser, site.browser("admin") as other:
        url, form = press(browser, "argocd:sync", app=APP)
        _, foreign = press(other, "argocd:sync", app=APP)
        production.requests.clear()
        for token in (None, "", "x", foreign["csrf_token"]):
            bad = {**form, "csrf_token": token} if token is not None else dict(form)
            if token is None:
                del bad["csrf_token"]
            answer = browser.post(url, data=bad)
            assert answer.status_code == 403
            assert "this form has expired" in answer.text
    assert done(production) == []
    newest = site.host.trail.newest(limit=1)[0]
    assert newest["details"]["outcome"] == "refused"
    assert newest["details"]["code"] == "csrf"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"\xff=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 50_000), "application/x-www-form-urlencoded", 400),
    ],
)
def test_what_is_no_form_is_refused_as_such(
    site: Portal, production: Simulator, body: bytes, kind: str, status: int
) -> None:
    """A body of another kind in the place of a form is refused, and no failure of the host."""
    production.requests.clear()
    with site.browser("developer") as browser:
        answer = browser.post(f"{PAGE}/action", content=body, headers={"Content-Type": kind})

    assert answer.status_code == status
    assert done(production) == []


def test_a_session_that_has_ended_does_nothing(site: Portal, production: Simulator) -> None:
    """After signing out the form that is still open is refused, and nothing is synced."""
    with site.browser("developer") as browser:
        url, form = press(browser, "argocd:sync", app=APP)
        browser.cookies.clear()
        production.requests.clear()
        answer = browser.post(url, data=form, follow_redirects=False)

    assert answer.status_code == 401
    assert done(production) == []


def test_a_double_click_and_a_reload_sync_once(site: Portal, production: Simulator) -> None:
    """The same form twice at once, and once more when it is over: one sync, the same answer."""
    ref = "production:payment-api-prod"
    with site.browser("developer") as browser:
        url, form = press(browser, "argocd:sync", app=ref)
        production.requests.clear()
        said: list[str] = []

        def click() -> None:
            with httpx.Client(base_url=site.url, cookies=browser.cookies, timeout=30) as again:
                answer = again.post(url, data=form, follow_redirects=True)
                said.extend(re.findall(r'role="status">([^<]+)<', unescape(answer.text)))

        clicks = [threading.Thread(target=click) for _ in range(2)]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join()
        assert said == ["payment-api-prod on production: sync requested."] * 2
        eventually(
            lambda: production.fleet.get("payment-api-prod"),
            lambda app: app is not None and "operation" not in app,
        )
        click()
        assert said[2:] == said[:1]
        assert len(production.requests.of("sync")) == 1

        _, fresh = press(browser, "argocd:sync", app=ref)
        assert fresh["request_id"] != form["request_id"]
        browser.post(url, data=fresh)
        assert len(production.requests.of("sync")) == 2


def test_what_deletes_asks_first_and_can_be_tried(site: Portal, production: Simulator) -> None:
    """Hard Sync shows what it will do, is not done by its first click, and offers a dry run."""
    ref = "production:payment-api-prod"
    with site.browser("developer") as browser:
        eventually(
            lambda: production.fleet.get("payment-api-prod"),
            lambda app: app is not None and "operation" not in app,
        )
        url, form = press(browser, "argocd:hard-sync", app=ref)
        production.requests.clear()
        question = browser.post(url, data=form).text
        assert "Deletes" in question
        assert done(production) == []
        no = fields(question, url, confirmed="yes") | {"confirmed": "no"}
        assert browser.post(url, data=no).status_code == 409
        assert done(production) == []

        tried = fields(question, url, action="argocd:hard-dry-run")
        answer = unescape(browser.post(url, data=tried).text)

    assert "dry run of a hard sync requested" in answer
    (request,) = production.requests.of("sync")
    assert request.body["dryRun"] is True  # type: ignore[index]


def test_a_deployment_is_gone_back_to_from_the_page(site: Portal, production: Simulator) -> None:
    """Without JavaScript: the button beside the deployment, the question, and it is requested."""
    app = production.fleet.get("media")
    assert app is not None
    number = app["status"]["history"][0]["id"]
    page = "/catalog/Service/media"
    with site.browser("developer") as browser:
        tab = browser.get(page, params={"tab": "argocd"}).text
        form = fields(tab, f"{page}/action", action=f"argocd:rollback:{number}")
        question = browser.post(f"{page}/action", data=form).text
        assert "Hooks are skipped" in question
        confirmed = fields(question, f"{page}/action", confirmed="yes")
        said = unescape(browser.post(f"{page}/action", data=confirmed).text)

    assert f"rollback to deployment number {number} requested" in said
    assert [r.body["id"] for r in production.requests.of("rollback")] == [number]  # type: ignore[index]


# --- on record ---


def test_everything_that_was_tried_is_on_record_without_a_secret(
    site: Portal, production: Simulator
) -> None:
    """An admin reads who did what, refused and requested, and no token, password or header."""
    with site.rest("viewer") as viewer, site.rest("developer") as developer:
        assert viewer.post(f"{PLUGIN}/apps/{APP}/sync").status_code == 403
        assert developer.post(f"{PLUGIN}/apps/{APP}/sync", json={"hard": 1}).status_code == 400
        assert developer.post(f"{PLUGIN}/apps/nope/sync").status_code == 404
        assert developer.post(f"{PLUGIN}/apps/{APP}/refresh").status_code == 200
        assert developer.put(f"{PLUGIN}/enable", json={"enabled": False}).status_code == 403
        assert developer.get("/api/v1/audit").status_code == 403
    with site.rest("platform-engineer") as engineer:
        known = engineer.get(f"{PLUGIN}/config").json()["values"]
        assert engineer.put(f"{PLUGIN}/config", json=known).status_code == 204
        assert engineer.put(f"{PLUGIN}/config", json={"instances": 5}).status_code == 400
        eventually(
            lambda: engineer.get(f"{PLUGIN}/apps/{APP}").status_code, lambda code: code == 200
        )
        sent = engineer.post(f"{PLUGIN}/apps/{APP}/sync").json()["operation"]["id"]
    with site.rest("admin") as admin:
        read = eventually(
            lambda: admin.get("/api/v1/audit", params={"limit": 200}).json(),
            lambda found: _outcomes(found, sent) == ["Succeeded", "requested"],
        )
    told = [(r["userName"], r["action"], r.get("details", {}).get("outcome")) for r in read]
    for expected in (
        ("viewer", "argocd.sync", "refused"),
        ("developer", "argocd.sync", "refused"),
        ("developer", "argocd.refresh", "requested"),
        ("developer", "plugin.enable", "refused"),
        ("platform-engineer", "plugin.configure", "refused"),
    ):
        assert expected in told
    assert ("platform-engineer", "plugin.configured", None) in told
    text = json.dumps(read)
    for secret in (production.token, *production.tokens.values(), '"simulator"'):
        assert secret not in text
    with site.browser("viewer") as browser:
        activity = browser.get(PAGE, params={"tab": "activity"}).text
    assert "argocd.sync" in activity
    assert "engineer" in activity


def _outcomes(records: Any, request_id: str) -> list[str]:
    return [
        r["details"]["outcome"]
        for r in records
        if (r.get("details") or {}).get("requestId") == request_id
    ]


# --- what is said of it ---


def test_answers_are_what_the_document_says(site: Portal) -> None:
    """Whoever writes a client by the document can read every answer by it, refusals too."""
    document = httpx.get(f"{site.url}/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    app = f"{PLUGIN}/apps/production:inventory"
    calls = [
        ("GET", app, None),
        ("GET", f"{app}/operation", None),
        ("GET", f"{app}/actions", None),
        ("GET", f"{PLUGIN}/entity-apps?appNames=production:inventory,nope,web", None),
        ("GET", f"{PLUGIN}/explain?app=production:inventory", None),
        ("POST", f"{app}/refresh", {}),
        ("POST", f"{app}/sync", {"dryRun": True}),
        ("POST", f"{app}/sync", {"dryRun": 1}),
        ("POST", f"{app}/rollback", {"id": 0}),
        ("GET", f"{PLUGIN}/apps/web", None),
        ("GET", f"{PLUGIN}/apps/nope", None),
    ]
    with site.rest("admin") as client:
        for method, url, body in calls:
            answer = client.request(method, url, json=body)
            about = _operation(document, method, url)
            told = about["responses"][str(answer.status_code)]
            schema = told["content"]["application/json"]["schema"]
            whole = {**schema, "components": document["components"]}
            Draft202012Validator(whole).validate(answer.json())


def _operation(document: Any, method: str, url: str) -> Any:
    path = re.sub(r"/apps/[^/?]+", "/apps/{appName}", url.partition("?")[0])
    return document["paths"][path][method.lower()]


def test_the_examples_of_the_document_are_requests_that_work(site: Portal) -> None:
    """Every example of a body fits the schema that is given for it."""
    document = httpx.get(f"{site.url}/api/v1/openapi.json").json()
    seen = 0
    for methods in document["paths"].values():
        for about in methods.values():
            for media in about.get("requestBody", {}).get("content", {}).values():
                whole = {**media["schema"], "components": document["components"]}
                examples = [item["value"] for item in media.get("examples", {}).values()]
                examples += [media["example"]] if "example" in media else []
                for example in examples:
                    Draft202012Validator(whole).validate(example)
                    seen += 1
            assert about["summary"]
            assert not about["summary"].startswith(("GET ", "POST ", "PUT ", "DELETE "))
    assert seen > 20
