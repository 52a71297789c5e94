"""Pages, as a browser without JavaScript sees them."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from gantry_argocd.hookspecs import Fragment
from gantry_argocd.refhost import HostOptions, ShownPage, create_host, sample, serve_in_thread
from gantry_argocd.refhost.documents import Key
from gantry_argocd.refhost.foreign import ForeignWrite
from gantry_argocd.refhost.masking import without_secrets
from gantry_argocd.refhost.trail import Actor

from .support import CHEAP, MASK, PASSWORD, Marker, Portal, portal, service, submit, token_of

HOSTILE = "<script>alert(1)</script>\"'&"
VOID = {"meta", "link", "input", "img", "br", "hr", "path", "rect"}


class Reader(HTMLParser):
    """Collects tags, and checks that they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check."""
        if tag not in VOID:
            assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """List the attributes of all tags of that name."""
        return [attrs for name, attrs in self.tags if name == tag]


def check(text: str) -> Reader:
    """Check what must be so on every page."""
    page = Reader(text)
    assert len(page.all("main")) == 1
    assert len(page.all("h1")) == 1
    assert all(script.get("src") for script in page.all("script"))
    assert not page.all("style")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    labels = {attrs.get("for") for attrs in page.all("label")}
    for name in ("input", "select", "textarea"):
        for attrs in page.all(name):
            hidden = attrs.get("type") in ("hidden", "checkbox")
            assert hidden or attrs.get("id") in labels or attrs.get("aria-label")
    for _, attrs in page.tags:
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
    for attrs in page.all("form"):
        assert attrs.get("action") is not None or attrs.get("method") == "get"
    return page


@pytest.fixture(scope="module", autouse=True)
def _content(site: Portal) -> None:
    """Put something on the pages."""
    client = site.rest("developer")
    client.post(
        "/api/v1/entities",
        json=service(
            "pay", title=HOSTILE, description=HOSTILE, owner=HOSTILE, tags=[HOSTILE],
            labels={"l": HOSTILE},
            annotations={HOSTILE: HOSTILE, "argocd.io/syncStatus": HOSTILE,
                         "argocd.io/healthStatus": "Healthy",
                         "argocd.io/staleSince": "2026-11-23T10:00:00Z"},
        )
        | {"spec": {
            "system": HOSTILE, "repoUrl": "javascript:alert(1)",
            "deployedIn": [{"kind": HOSTILE, "name": HOSTILE}],
            "links": [{"title": HOSTILE, "url": "https://x.example/" + HOSTILE},
                      {"title": "bad", "url": "javascript:alert(1)"}],
        }},
    )  # fmt: skip
    client.post("/api/v1/entities", json=service("odd-place", namespace="other"))


PAGES = [
    "/", "/?kind=all&q=pay", "/catalog", "/catalog/service", "/catalog/Team?q=zz&page=2", "/new",
    "/catalog/Service/pay", "/catalog/Service/pay?tab=marker", "/catalog/Service/pay?tab=yaml",
    "/catalog/Service/pay?tab=dependencies", "/catalog/Service/pay?tab=activity",
    "/catalog/Service/pay?tab=%3Cb%3E", "/catalog/Service/odd-place?namespace=other",
    "/catalog/Service/pay/edit", "/catalog/Service/pay/delete", "/plugins", "/plugins/marker",
    "/settings", "/admin", "/logout",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_escapes_what_is_hostile(site: Portal, path: str) -> None:
    """Every page is there, is accessible in its basics, and runs nothing that an entity holds."""
    answer = site.browser().get(path)

    assert answer.status_code == 200
    page = check(answer.text)
    assert "<script>alert" not in answer.text
    assert "<b>ok</b>" not in answer.text
    assert not [a for a in page.all("a") if (a.get("href") or "").startswith("javascript")]
    assert answer.headers["content-security-policy"].startswith("default-src 'self'; img-src")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_the_catalogue_shows_status_in_words(site: Portal) -> None:
    """The list says sync, health and staleness of a Service, and links to it."""
    text = site.browser("viewer").get("/").text

    assert 'href="/catalog/Service/pay"' in text
    assert "Healthy</span>" in text
    assert "stale</span>" in text
    assert 'href="/catalog/Service/odd-place?namespace=other"' in text
    assert "/new" not in text


def test_signing_in_and_out_works_by_plain_forms(site: Portal) -> None:
    """A form post with the right token needs neither JavaScript nor Origin nor Referer."""
    client = site.client()
    first = client.get("/catalog/Service/pay?tab=yaml")
    login = client.get(first.headers["location"])
    form = {"username": "viewer", "password": PASSWORD, "csrf_token": token_of(login)}

    wrong = client.post("/login", data={**form, "password": "wrong", "next": "//evil.example"})
    right = client.post("/login", data={**form, "next": "/catalog/Service/pay?tab=yaml"})
    page = client.get(right.headers["location"])
    out = client.post("/logout", data={"csrf_token": token_of(page)})

    check(login.text)
    assert first.headers["location"] == "/login?next=%2Fcatalog%2FService%2Fpay%3Ftab%3Dyaml"
    assert wrong.status_code == 401
    assert "Invalid credentials" in wrong.text
    assert "//evil.example" not in wrong.text
    assert page.status_code == 200
    assert out.status_code == 303
    assert client.get("/").headers["location"].startswith("/login")


@pytest.mark.parametrize("token", ["", "wrong", "other"])
def test_a_form_without_its_token_is_refused(site: Portal, token: str) -> None:
    """A missing, invented or somebody else's token changes nothing."""
    if token == "other":
        token = token_of(site.browser("viewer").get("/"))
    client = site.browser("developer")

    answer = client.post("/new", data={"document": "kind: Service", "csrf_token": token})

    assert answer.status_code == 403
    assert "this form has expired" in answer.text


def test_the_cookie_is_no_key_for_other_sites(site: Portal) -> None:
    """A REST write with the cookie and a foreign Origin is refused; the same site's works."""
    client = site.browser()

    foreign = client.post(
        "/api/v1/entities", json=service("csrf"), headers={"Origin": "https://evil.example"}
    )
    own = client.post("/api/v1/entities", json=service("csrf"), headers={"Origin": site.url})

    assert (foreign.status_code, foreign.json()["code"]) == (403, "csrf")
    assert own.status_code == 201


def test_entities_are_written_by_a_form(site: Portal) -> None:
    """A developer creates, edits and deletes an entity with YAML."""
    client = site.browser("developer")
    document = "kind: Service\nmetadata:\n  name: typed\n  title: 2026-11-23\nspec: {}\n"

    bad = submit(client, "/new", document="kind: Service\nmetadata: [")
    made = submit(client, "/new", document=document)
    page = client.get(made.headers["location"])
    edited = submit(
        client, "/catalog/Service/typed/edit", document=document.replace("typed", "renamed")
    )
    gone = submit(client, "/catalog/Service/renamed/delete")

    assert bad.status_code == 400
    assert "not valid YAML (line " in bad.text
    assert made.headers["location"] == "/catalog/Service/typed"
    assert "The entity has been created." in page.text
    assert "2026-11-23" in page.text
    assert "has been created" not in client.get("/").text
    assert edited.headers["location"] == "/catalog/Service/renamed"
    assert gone.headers["location"] == "/catalog/Service"
    assert client.get("/catalog/Service/renamed").status_code == 404


@pytest.mark.parametrize(
    "document",
    ["a: &a [1]\nb: *a\n", "[.nan]", "kind: !!python/object:os.system x", "", "kind: Service"],
)
def test_a_form_takes_plain_documents_only(site: Portal, document: str) -> None:
    """Aliases, odd values and tags are refused with a sentence, and the text stays in the form."""
    answer = submit(site.browser("developer"), "/new", document=document)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_a_panel_gets_what_its_forms_need(site: Portal) -> None:
    """A plugin's tab has its page's address, the form token, and its stylesheet in the head."""
    text = site.browser("viewer").get("/catalog/Service/pay?tab=marker").text

    assert "viewer /catalog/Service/pay?tab=marker" in text
    assert 'action="/catalog/Service/pay/action"' in text
    assert '<input type="hidden" name="csrf_token"' in text
    assert '<link rel="stylesheet" href="/plugin-assets/marker/mark.css">' in text
    assert '<script src="/plugin-assets/marker/mark.js" defer></script>' in text


def test_a_panel_alone_is_sent_once_for_each_version(site: Portal) -> None:
    """A script gets a plugin's tab without the page around it, and nothing while it is the same."""
    client = site.browser("viewer")
    url = "/catalog/Service/pay/fragment?tab=marker"

    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    other = site.browser("developer").get(url, headers={"If-None-Match": first.headers["etag"]})

    assert first.text.startswith('<p id="panel">viewer /catalog/Service/pay?tab=marker</p>')
    assert (again.status_code, again.content) == (304, b"")
    assert (other.status_code, other.text.startswith('<p id="panel">developer')) == (200, True)


@pytest.mark.parametrize(
    "url",
    [
        "/catalog/Service/pay/fragment",
        "/catalog/Service/pay/fragment?tab=yaml",
        "/catalog/Service/pay/fragment?tab=none",
        "/catalog/Service/nobody/fragment?tab=marker",
    ],
)
def test_there_is_no_other_fragment(site: Portal, url: str) -> None:
    """Only tabs of plugins, of entities that are there, can be had alone, by who is signed in."""
    assert site.browser("viewer").get(url).status_code == 404
    stranger = site.client().get(url, follow_redirects=False)
    assert (stranger.status_code, stranger.headers["location"].startswith("/login")) == (303, True)


def test_assets_are_cached_by_their_content(site: Portal) -> None:
    """A plugin's file comes with a tag that saves the second transfer."""
    client = site.client()

    first = client.get("/plugin-assets/marker/mark.css")
    second = client.get(
        "/plugin-assets/marker/mark.css", headers={"If-None-Match": first.headers["etag"]}
    )

    assert (first.status_code, first.text) == (200, "b{}")
    assert first.headers["content-type"].startswith("text/css")
    assert second.status_code == 304
    assert client.get("/plugin-assets/marker/nothing").status_code == 404
    assert client.get("/plugin-assets/nothing/mark.css").status_code == 404


def act(site: Portal, role: str, action: str, **more: str) -> tuple[int, str, str]:
    """Post an action's form: status, location, and the text of the page or of where it leads."""
    client = site.browser(role)
    answer = submit(
        client, "/catalog/Service/pay/action", at="/", action=action, app="one:pay", **more
    )
    location = answer.headers.get("location", "")
    return answer.status_code, location, client.get(location).text if location else answer.text


def test_an_action_runs_and_says_how_it_went(site: Portal, marker: Marker) -> None:
    """A developer's action is run and its message is shown, escaped, on the tab."""
    status, location, text = act(site, "developer", "go")

    assert (status, location) == (303, "/catalog/Service/pay?tab=marker")
    assert "&lt;i&gt;done&lt;/i&gt;" in text
    assert marker.ran[-1] == ("go", "developer")


def test_an_action_leads_back_to_what_the_tab_showed(site: Portal) -> None:
    """Filters, pages and what was unfolded are there again; tab and entity stay as they were."""
    text = site.browser("developer").get("/catalog/Service/pay?tab=marker&mark.app=a%3Ab").text
    assert '<input type="hidden" name="view" value="mark.app=a%3Ab">' in text

    view = "mark.app=a%3Ab&tab=yaml&namespace=other"
    _, location, _ = act(site, "developer", "go", view=view)
    _, _, question = act(site, "developer", "prune", view=view)

    assert location == "/catalog/Service/pay?tab=marker&mark.app=a%3Ab"
    assert 'href="/catalog/Service/pay?tab=marker&amp;mark.app=a%3Ab"' in question
    assert 'name="view" value="mark.app=a%3Ab"' in question


def test_a_dangerous_action_asks_first(site: Portal, marker: Marker) -> None:
    """An action with a confirmation runs only after a page that says what will happen."""
    before = len(marker.ran)
    status, _, text = act(site, "developer", "prune")
    asked = len(marker.ran)
    confirmed, location, _ = act(site, "developer", "prune", confirmed="yes")

    assert status == 200
    check(text)
    assert "Prunes &lt;3&gt; resources." in text
    assert 'name="confirmed" value="yes"' in text
    assert asked == before
    assert (confirmed, location) == (303, "/catalog/Service/pay?tab=marker")
    assert marker.ran[-1] == ("prune", "developer")


@pytest.mark.parametrize(
    ("role", "action", "status", "said"),
    [
        ("viewer", "go", 403, "Go needs the role developer, you are viewer"),
        ("developer", "never", 409, "Never is not possible: a window is closed"),
        ("developer", "invented", 404, "this action is not offered"),
    ],
)
def test_an_action_that_may_not_be_done_says_why(
    site: Portal, marker: Marker, role: str, action: str, status: int, said: str
) -> None:
    """A missing role, an unavailable and an unknown action are refused with the reason."""
    before = len(marker.ran)
    got, _, text = act(site, role, action)

    assert got == status
    assert said in text
    assert len(marker.ran) == before


def test_an_action_that_raises_is_a_message(site: Portal) -> None:
    """A plugin that breaks its promise costs a message, not the page."""
    status, _, text = act(site, "developer", "bang")

    assert status == 303
    assert "Bang failed: RuntimeError" in text
    assert "secret detail" not in text


def test_the_theme_is_kept_without_javascript(site: Portal) -> None:
    """The theme form sets a cookie that the next page honours, and leads nowhere else."""
    client = site.client()
    token = token_of(client.get("/login"))

    answer = client.post("/theme", data={"theme": "dark", "next": "/login", "csrf_token": token})
    away = client.post(
        "/theme", data={"theme": "odd", "next": "/\\evil.example", "csrf_token": token}
    )

    assert answer.headers["location"] == "/login"
    assert away.headers["location"] == "/"
    assert '<html lang="en" class="dark">' in client.get("/login").text


def test_a_plugin_is_configured_by_a_form(tmp_path: Path) -> None:
    """The page saves, masks, lists errors beside the text, enables, syncs and disables."""
    with portal(tmp_path, Marker(), *sample.neighbours()) as site:
        client = site.browser("platform-engineer")
        at = "/plugins/marker"
        bad = submit(client, f"{at}/config", config='{"url": 1, "token": "hunter2"}')
        broken = submit(client, f"{at}/config", config='{"url": 1, "token": "hunter2"')
        early = submit(client, f"{at}/enable")
        saved = submit(client, f"{at}/config", config='{"url": "u", "token": "hunter2"}')
        page = client.get(saved.headers["location"])
        submit(client, f"{at}/enable")
        synced = client.get(submit(client, f"{at}/sync").headers["location"])
        submit(client, "/plugins/kubernetes/enable")
        listed = client.get(
            submit(client, "/plugins/kubernetes/sync", **{"from": "list"}).headers["location"]
        )
        disabled = client.get(submit(client, f"{at}/disable", withdraw="yes").headers["location"])

    assert (bad.status_code, broken.status_code, early.status_code) == (400, 400, 400)
    assert "<code>$.url</code> expected a string" in bad.text
    for answer in (bad, broken, page):
        check(answer.text)
        assert "hunter2" not in answer.text
    assert MASK in bad.text
    assert MASK in page.text
    assert "<code>$.url</code> is required" in early.text
    assert "Sync is running" in synced.text
    assert "stage: no answer" in synced.text
    assert "Kubernetes: Synced: 12 entities, 12 created, 0 updated" in listed.text
    assert "The plugin has been disabled." in disabled.text


def test_users_and_keys_are_managed_by_forms(site: Portal) -> None:
    """An administrator makes, promotes and deletes a user; everybody makes and deletes keys."""
    client = site.browser()
    submit(client, "/admin/users", username="formed", password=PASSWORD, role="viewer")
    account = site.host.accounts.named("formed")
    assert account is not None
    promoted = submit(client, f"/admin/users/{account.id}/role", role="developer")
    shown = client.get(promoted.headers["location"]).text
    submit(client, f"/admin/users/{account.id}/delete")
    short = submit(client, "/admin/users", username="x", password="short", role="viewer")
    key = submit(client, "/settings/keys", name="ci", role="viewer")

    assert "formed is developer now." in shown
    assert site.host.accounts.named("formed") is None
    assert "at least 8 characters" in short.text
    assert key.status_code == 201
    assert "gantry_" in key.text
    assert site.client().get("/static/portal.css").status_code == 200
    assert site.client().get("/static/..%2fhost.py").status_code == 404


def test_an_unknown_page_is_a_page(site: Portal) -> None:
    """What is not there is said in the portal's own frame."""
    answer = site.browser().get("/nothing/here")

    assert answer.status_code == 404
    check(answer.text)


@pytest.mark.parametrize("where", ["/catalog/✓", "/catalog/Service/pay?tab=%E2%9C%93&q=é"])
def test_signing_in_leads_to_any_address(site: Portal, where: str) -> None:
    """Who wanted a page with any letters in its address gets there after the sign-in."""
    client = site.client()
    form = {
        "username": "viewer",
        "password": PASSWORD,
        "csrf_token": token_of(client.get("/login")),
    }

    answer = client.post("/login", data={**form, "next": where})
    again = client.get("/login", params={"next": where})

    assert (answer.status_code, again.status_code) == (303, 303)
    assert answer.headers["location"].isascii()
    assert answer.headers["location"] == str(httpx.URL(where))
    assert again.headers["location"] == answer.headers["location"]


@pytest.mark.parametrize("depth", [100, 900])
def test_an_entity_that_was_stored_too_deep_can_be_seen_and_removed(
    tmp_path: Path, depth: int
) -> None:
    """A row that is nested deeper than may be written has its pages, and can be deleted there."""
    deep: Any = "x"
    for _ in range(depth // 2):
        deep = {"a": [deep]}
    body = {**service("deep"), "spec": {"type": "backend", "odd": deep}}
    with portal(tmp_path, Marker()) as site:
        write = ForeignWrite("create", Key("Service", "default", "deep"), body)
        site.host.catalogue.write([write], site.host.plugins, Actor("ada"))
    with portal(tmp_path, Marker()) as site:
        client = site.browser()
        one = "/catalog/Service/deep"
        tabs = ("overview", "yaml", "dependencies", "activity", "marker")
        seen = [client.get(f"{one}?tab={tab}").status_code for tab in tabs]
        seen += [client.get(path).status_code for path in ("/", f"{one}/edit", f"{one}/delete")]
        read = site.rest().get("/api/v1/search?q=deep")
        gone = submit(client, f"{one}/delete")

    assert seen == [200] * len(seen)
    assert [hit["name"] for hit in read.json()] == ["deep"]
    assert gone.status_code == 303


TYPED = {
    "url": "https://ada:S3/CRET@x.example/base",
    "user": "ada:S3CRET@x.example",
    "token": "S3CRET",
    "tokn": "S3CRET",
    "S3": {"a": ["S3CRET"], "b": True},
    "list": [{"name": "one", "pasword": "S3CRET", "headers": {"X": "S3CRET"}}, "S3CRET"],
    "number": "S3CRET",
    "pem": "-----BEGIN PRIVATE KEY-----S3CRET",
    "count": 7,
    "map": "S3CRET",
}
TEXT = {"type": "string"}
SECRET = {"type": "string", "secret": True}
SCHEMA = {
    "type": "object",
    "properties": {
        "url": TEXT, "user": TEXT, "token": SECRET, "pem": TEXT, "number": {"type": "number"},
        "count": {"type": "integer"}, "map": {"type": "object", "properties": {}},
        "list": {"type": "array", "items": {"type": "object", "properties": {
            "name": TEXT, "headers": {"type": "object", "additionalProperties": SECRET},
        }}},
    },
}  # fmt: skip


def test_a_refused_configuration_is_shown_again_without_what_may_be_secret() -> None:
    """A typing error in a form gives back the text with only what is known to be no secret."""
    assert without_secrets(TYPED, SCHEMA) == {
        "url": "https://x.example/base",
        "user": "x.example",
        "token": MASK,
        "tokn": MASK,
        "S3": MASK,
        "list": [{"name": "one", "pasword": MASK, "headers": {"X": MASK}}, MASK],
        "number": MASK,
        "pem": MASK,
        "count": 7,
        "map": MASK,
    }


@pytest.mark.parametrize(
    "text",
    ["url: x\ntoken: S3CRET", '{"token": "S3CRET"', '["S3CRET"]', '"S3CRET"',
     '{"url": 1, "tokn": "S3CRET", "deep": {"tokn": "S3CRET"}}'],
)  # fmt: skip
def test_a_refused_form_never_echoes_a_secret(site: Portal, text: str) -> None:
    """What is no JSON is not shown again at all; the stored configuration is, with its masks."""
    answer = submit(site.browser(), "/plugins/marker/config", config=text)

    assert answer.status_code == 400
    assert "S3CRET" not in answer.text
    check(answer.text)


def test_pages_of_the_operator_are_shown_to_everybody(tmp_path: Path) -> None:
    """A page that whoever runs the host adds is there without signing in, with what it needs."""

    def draw(params: Mapping[str, str]) -> Fragment:
        return Fragment(
            plugin="marker",
            title="",
            html=f'<p id="shown">{params["state"]}</p>',
            stylesheets=["mark.css"],
            scripts=[],
        )

    options = HostOptions(
        hasher=CHEAP, installed=(), shown=[ShownPage(path="/marks", title="Marks", draw=draw)]
    )
    host = create_host(data_dir=tmp_path, plugins=[Marker()], options=options)
    with serve_in_thread(host) as running:
        text = httpx.get(f"{running.url}/marks?state=one").text

    page = check(text)
    assert '<p id="shown">one</p>' in text
    assert "/plugin-assets/marker/mark.css" in [link.get("href") for link in page.all("link")]
