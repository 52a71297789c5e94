"""Plugins over REST: life cycle, configuration, own routes, neighbours, failing ones."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from gantry_argocd.hookspecs import ConfigVerdict, Host, Request, Response, Route, hookimpl
from gantry_argocd.refhost import ConfigRefused, HostOptions, create_host, sample
from gantry_argocd.refhost.neighbours import GitHubNeighbour, Repository
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.trail import Actor

from .support import CHEAP, MASK, Bomb, Marker, Portal, make_host, portal, service, submit

API = "/api/v1/plugins"
GOOD = {"url": "https://x", "token": "hunter2"}


@pytest.fixture
def fresh(tmp_path: Path) -> Any:
    """Give a running host of its own."""
    with portal(tmp_path, Marker(), *sample.neighbours()) as running:
        yield running


def fake(site: Portal) -> Marker:
    """Give the fake of a host."""
    found = site.host.plugins._by_name["marker"]
    assert isinstance(found, Marker)
    return found


def test_plugins_are_listed_by_name(fresh: Portal) -> None:
    """Everybody sees which plugins there are, and that they begin disabled."""
    listed = fresh.rest("viewer").get(API).json()

    assert [(one["name"], one["enabled"]) for one in listed] == [
        ("github", False),
        ("kubernetes", False),
        ("marker", False),
    ]
    assert fresh.rest().get(f"{API}/nothing").status_code == 404


def test_a_configuration_is_stored_sealed_and_shown_masked(fresh: Portal, tmp_path: Path) -> None:
    """What is put works, and neither answers nor the database file tell the secret."""
    client = fresh.rest("platform-engineer")

    put = client.put(f"{API}/marker/config", json=GOOD)
    shown = client.get(f"{API}/marker/config")
    whole = client.get(f"{API}/marker")

    assert put.status_code == 204
    assert shown.json()["values"] == {"url": "https://x", "token": MASK}
    assert shown.json()["schema"]["required"] == ["url"]
    assert whole.json()["config"] == {"url": "https://x", "token": MASK}
    assert whole.json()["lastSync"]["apps"] == 3
    assert fake(fresh).told[-1] == (GOOD, False)
    files = b"".join(file.read_bytes() for file in tmp_path.glob("gantry.db*"))
    assert b"hunter2" not in files
    assert b"enc:v1:" in files
    assert "hunter2" not in fresh.rest().get("/api/v1/audit").text


def test_the_mask_keeps_the_stored_secret(fresh: Portal) -> None:
    """Sending back what was shown changes nothing of the secret."""
    client = fresh.rest()
    client.put(f"{API}/marker/config", json=GOOD)

    client.put(f"{API}/marker/config", json={"url": "https://y", "token": MASK})

    assert fake(fresh).told[-1] == ({"url": "https://y", "token": "hunter2"}, False)


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"url": 1, "token": "__GANTRY_SECRET_REDACTED__"}', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b"{", "application/json", 400),
        (b"{}", "text/yaml", 415),
    ],
)
def test_a_bad_configuration_changes_nothing(
    fresh: Portal, content: bytes, kind: str, status: int
) -> None:
    """What is refused is not stored, and the plugin never hears of it."""
    before = len(fake(fresh).told)
    answer = fresh.rest().put(
        f"{API}/marker/config", content=content, headers={"Content-Type": kind}
    )

    assert answer.status_code == status
    assert len(fake(fresh).told) == before
    assert fresh.rest().get(f"{API}/marker/config").json()["values"] == {}


def test_all_errors_of_a_configuration_come_with_their_paths(fresh: Portal) -> None:
    """A refused configuration is a 400 with every error at once."""
    answer = fresh.rest().put(f"{API}/marker/config", json={"url": 1, "token": MASK})

    assert answer.json()["errors"] == [
        {"path": "$.url", "message": "expected a string"},
        {"path": "$.token", "message": "nothing is stored"},
    ]


def test_enabling_wants_a_complete_configuration(fresh: Portal) -> None:
    """A plugin is enabled when it can work, and told so."""
    client = fresh.rest()

    early = client.put(f"{API}/marker/enable", json={"enabled": True})
    client.put(f"{API}/marker/config", json=GOOD)
    then = client.put(f"{API}/marker/enable", json={"enabled": True})

    assert early.status_code == 400
    assert early.json()["error"] == "required configuration fields must be set before enabling"
    assert early.json()["errors"] == [{"path": "$.url", "message": "is required"}]
    assert then.status_code == 204
    assert fake(fresh).told[-1] == (GOOD, True)
    assert client.get(f"{API}/marker").json()["enabled"] is True


@pytest.mark.parametrize(
    "body",
    [{}, {"enabled": "true"}, {"enabled": 1}, {"enabled": False, "withdraw": "yes"}, [],
     {"enabled": True, "withdraw": True}],
)  # fmt: skip
def test_enabling_takes_booleans_only(fresh: Portal, body: Any) -> None:
    """Nothing is enabled or disabled by a guess."""
    answer = fresh.rest().put(f"{API}/marker/enable", json=body)

    assert answer.status_code == 400


def test_withdrawing_takes_the_plugins_part_out(fresh: Portal) -> None:
    """Disabling keeps entities; withdrawing removes what the plugin says is its own."""
    client = fresh.rest()
    client.post("/api/v1/entities", json=service("ours"))
    client.post("/api/v1/entities", json=service("theirs"))

    client.put(f"{API}/marker/enable", json={"enabled": False})
    kept = client.get("/api/v1/entities/Service").json()
    client.put(f"{API}/marker/enable", json={"enabled": False, "withdraw": True})
    left = client.get("/api/v1/entities/Service").json()

    assert len(kept) == 2
    assert [entity["metadata"]["name"] for entity in left] == ["theirs"]


@pytest.mark.parametrize(
    ("raw", "app"), [("pay", "pay"), ("a%2Fb", "a/b"), ("a%3Ab%20c", "a:b c"), ("%2e%2e", "..")]
)
def test_a_name_in_a_path_is_one_segment(site: Portal, raw: str, app: str) -> None:
    """An escaped slash stays in its segment and reaches the plugin decoded."""
    answer = site.rest("viewer").get(f"{API}/marker/apps/{raw}?x=1&x=2")

    assert answer.status_code == 200
    assert answer.json() == {
        "app": app,
        "query": {"x": ["1", "2"]},
        "user": {"name": "viewer", "role": "viewer"},
    }
    assert answer.headers["x-mark"] == "yes"


def test_a_plugins_route_that_raises_is_a_plain_500(
    site: Portal, caplog: pytest.LogCaptureFixture
) -> None:
    """A failing plugin answers without a traceback and without what it raised."""
    answer = site.rest().post(f"{API}/marker/bang")

    assert (answer.status_code, answer.json()["error"]) == (500, "plugin marker failed")
    assert "secret detail" not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_plugins_own_sync_route_wins(site: Portal) -> None:
    """A plugin that syncs by itself gets the body, and its status is the answer's."""
    answer = site.rest().post(f"{API}/marker/sync", json={"confirm": ["x"]})

    assert answer.status_code == 202
    assert answer.json()["running"] is True
    assert "confirm" in answer.json()["body"]
    newest = site.rest().get("/api/v1/audit?limit=1").json()[0]
    assert (newest["action"], newest["resourceName"]) == ("plugin.synced", "marker")


def test_a_neighbour_is_synced_by_the_host(fresh: Portal) -> None:
    """A neighbour's entities come into the catalogue, and a second sync changes nothing."""
    client = fresh.rest()
    refused = client.post(f"{API}/kubernetes/sync")
    client.put(f"{API}/kubernetes/enable", json={"enabled": True})

    first = client.post(f"{API}/kubernetes/sync")
    second = client.post(f"{API}/kubernetes/sync")

    assert (refused.status_code, refused.json()["error"]) == (400, "plugin is not enabled")
    assert first.json() == {"entities": 12, "created": 12, "updated": 0, "errors": []}
    assert second.json() == {"entities": 12, "created": 0, "updated": 0, "errors": []}
    pay = client.get("/api/v1/entities/Service/payment-api").json()
    assert pay["metadata"]["createdBy"] == "kubernetes-plugin"
    assert pay["metadata"]["annotations"]["kubernetes.io/kind"] == "Deployment"
    assert pay["spec"]["deployedIn"] == [{"kind": "Environment", "name": "payments"}]


def test_the_github_neighbour_enriches_what_is_there(fresh: Portal) -> None:
    """An entity with a repository on GitHub gets its facts and loses nothing."""
    client = fresh.rest()
    body = service("billing", title="Billing", annotations={"mine": "1"})
    body["spec"]["repoUrl"] = "https://github.com/acme/billing.git"
    client.post("/api/v1/entities", json=body)
    client.put(f"{API}/github/enable", json={"enabled": True})

    report = client.post(f"{API}/github/sync").json()

    assert report == {"entities": 1, "created": 0, "updated": 1, "errors": []}
    entity = client.get("/api/v1/entities/Service/billing").json()
    assert entity["spec"] == body["spec"]
    assert entity["metadata"]["title"] == "Billing"
    assert entity["metadata"]["annotations"] == {
        "mine": "1",
        "github.com/owner": "acme",
        "github.com/repo": "billing",
        "github.com/full-name": "acme/billing",
        "github.com/default-branch": "main",
        "github.com/language": "Python",
        "github.com/topics": "payments,invoices",
        "github.com/archived": "false",
    }


def test_a_plugin_that_cannot_sync_says_so(tmp_path: Path) -> None:
    """Syncing what has nothing to discover is a 501."""
    with portal(tmp_path, Bomb()) as site:
        answer = site.rest().post(f"{API}/bomb/sync")

    assert answer.status_code == 501


def test_a_raising_plugin_harms_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Beside a plugin that raises in every hook, the others and the pages work as ever."""
    with portal(tmp_path, Bomb(), Marker()) as site:
        client = site.rest()
        made = client.post("/api/v1/entities", json=service("pay", annotations={"mark/want": "1"}))
        page = site.browser().get("/catalog/Service/pay")
        plugin = site.browser().get("/plugins/bomb")
        listed = client.get(API)

    assert made.status_code == 201
    assert made.json()["metadata"]["annotations"]["mark/has"] == "1"
    assert page.status_code == plugin.status_code == listed.status_code == 200
    assert "<b>card</b>" in page.text
    assert ">Marks</a>" in page.text
    assert "plugin bomb failed in correlate: RuntimeError: bomb" in caplog.messages
    assert "Traceback" not in caplog.text


def test_a_configuration_of_another_key_breaks_its_plugin_only(tmp_path: Path) -> None:
    """With a wrong key the plugin says what to do, everything else works, and it can be redone."""
    with portal(tmp_path, Marker(), encryption_key="first") as site:
        site.rest().put(f"{API}/marker/config", json=GOOD)
        site.rest().put(f"{API}/marker/enable", json={"enabled": True})
    with portal(
        tmp_path, marker := Marker(), *sample.neighbours(), encryption_key="second"
    ) as site:
        client = site.rest()
        at_start = list(marker.told)
        listed = client.get(API)
        config = client.get(f"{API}/marker/config")
        enable = client.put(f"{API}/marker/enable", json={"enabled": True})
        page = site.browser().get("/plugins")
        again = client.put(f"{API}/marker/config", json=GOOD)

    assert at_start == [(None, False)]
    assert listed.status_code == page.status_code == 200
    assert "encryption key has changed" in config.json()["error"]
    assert enable.status_code == 400
    assert again.status_code == 204
    assert marker.told[-1] == (GOOD, True)


def test_what_is_stored_is_configured_at_the_next_start(tmp_path: Path) -> None:
    """A restart hands every plugin its configuration, and a stop ends every plugin."""
    with portal(tmp_path, first := Marker()) as site:
        site.rest().put(f"{API}/marker/config", json=GOOD)
        site.rest().put(f"{API}/marker/enable", json={"enabled": True})
    second = Marker()
    with portal(tmp_path, second):
        pass

    assert first.told == [(None, False), (GOOD, False), (GOOD, True)]
    assert second.told == [(GOOD, True)]
    assert (first.closed, second.closed) == (1, 1)


def test_the_operators_file_is_applied_and_enabled(tmp_path: Path) -> None:
    """A configuration given at the start is stored and enabled; a bad one stops the start."""
    good = make_host(tmp_path, marker := Marker(), configs={"marker": GOOD})
    good.start()
    good.close()
    bad = make_host(tmp_path, Marker(), configs={"marker": {"url": 1}})

    with pytest.raises(ConfigRefused, match="the configuration of marker is not valid") as raised:
        bad.start()
    bad.close()
    assert marker.told == [(GOOD, True)]
    assert raised.value.errors[0]["path"] == "$.url"


def test_what_a_plugin_audits_is_in_the_trail_of_its_entity(site: Portal, marker: Marker) -> None:
    """A record of a plugin is found by the entity that it names."""
    assert marker.host is not None
    marker.host.audit(
        {
            "action": "argocd.sync",
            "user": {"name": "ada", "role": "developer"},
            "entity": {"kind": "Service", "name": "audited"},
            "app": "one:pay",
            "outcome": "Succeeded",
        }
    )

    entry = site.host.trail.newest(resource="Service:default/audited")[0]
    assert (entry["userName"], entry["action"], entry["source"]) == ("ada", "argocd.sync", "plugin")
    assert entry["details"]["outcome"] == "Succeeded"


class Curious:
    """A plugin that keeps what it is asked to check."""

    seen: Sequence[str] = ()

    @hookimpl
    def plugin_manifest(self) -> Any:
        """Describe the fake."""
        return Marker("curious").plugin_manifest()

    @hookimpl
    def validate_config(self, config: Any, secrets_dirs: Sequence[str]) -> ConfigVerdict:
        """Keep where secrets may be."""
        self.seen = secrets_dirs
        return {"values": config, "errors": [], "enable_errors": []}


def test_plugins_learn_where_secrets_may_be(tmp_path: Path) -> None:
    """A plugin that checks a configuration is told the folders of the operator."""
    options = HostOptions(installed=(), hasher=CHEAP, secrets_dirs=["/run/x"])
    host = create_host(data_dir=tmp_path, plugins=[plugin := Curious()], options=options)
    host.start()
    host.lifecycle.put_config("curious", {}, Actor("ada"))
    host.close()

    assert plugin.seen == ("/run/x",)


def test_a_plugin_that_cannot_be_imported_costs_only_itself() -> None:
    """A broken installed plugin is named with its fault; the others are loaded."""
    group = "gantry.plugins"
    broken = EntryPoint("broken", "gantry_argocd.no_such_module:plugin", group)
    argocd = EntryPoint("argocd", "gantry_argocd.plugin:plugin", group)
    plugins = Plugins([], [broken, argocd])

    assert plugins.names == ["argocd"]
    assert "no_such_module" in plugins.failed["broken"]
    plugins.shutdown()


def test_a_stored_configuration_is_not_readable_in_the_database(tmp_path: Path) -> None:
    """Whoever copies the database file finds no token in it."""
    host = make_host(tmp_path, Marker(), encryption_key="first")
    host.start()
    host.lifecycle.put_config("marker", {"token": "canary-token"}, Actor("ada"))
    host.close()

    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"enc:v1:" in stored
    assert b"canary-token" not in stored


def test_the_github_neighbour_only_enriches() -> None:
    """It tells its own annotations of repositories that it knows, and makes no entity."""
    neighbour = GitHubNeighbour([Repository("acme/pay", language="Go")])
    neighbour.configure("github", enabled=True)
    plain, known, strange = (service(name, namespace="default") for name in ("a", "pay", "other"))
    known["spec"] = {"repoUrl": "https://github.com/Acme/pay"}
    strange["spec"] = {"repoUrl": "https://github.com/acme/other"}

    found = neighbour.discover([plain, known, strange])
    assert found is not None
    assert [entity["metadata"]["name"] for entity in found] == ["pay"]
    assert "spec" not in found[0]
    assert all(key.startswith("github.com/") for key in found[0]["metadata"]["annotations"])


class Picky(Marker):
    """A plugin that accepts every configuration and cannot take one with ``bad`` into use."""

    @hookimpl
    def configure(
        self, plugin: str, config: Mapping[str, Any] | None, enabled: bool, host: Host | None
    ) -> bool | None:
        """Remember, or raise."""
        if config and (config.get("bad") == "always" or config.get("bad") == enabled):
            raise RuntimeError("secret detail")
        return super().configure(plugin, config, enabled, host)


UNTAKEN = "the plugin could not take the configuration into use"


def test_a_configuration_that_cannot_be_used_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A plugin that fails to take a configuration keeps the former one, and the caller hears it."""
    with portal(tmp_path, plugin := Picky()) as site:
        client = site.rest()
        client.put(f"{API}/marker/config", json=GOOD)
        client.put(f"{API}/marker/enable", json={"enabled": True})
        failed = client.put(f"{API}/marker/config", json={"url": "u", "bad": True})
        page = submit(site.browser(), "/plugins/marker/config", config='{"url": "u", "bad": true}')
        about = client.get(f"{API}/marker").json()
        actions = [entry["action"] for entry in client.get("/api/v1/audit").json()]

    assert (failed.status_code, failed.json()["error"]) == (500, UNTAKEN)
    assert page.status_code == 500
    assert UNTAKEN in page.text
    assert about["config"] == {"url": "https://x", "token": MASK}
    assert "problem" not in about
    assert plugin.told[-1] == (GOOD, True)
    assert actions.count("plugin.configured") == 1
    assert "Traceback" not in caplog.text


def test_a_plugin_that_cannot_be_enabled_stays_disabled(tmp_path: Path) -> None:
    """Enabling that fails in the plugin is an error to the caller, not a plugin that seems on."""
    with portal(tmp_path, plugin := Picky()) as site:
        client = site.rest()
        client.put(f"{API}/marker/config", json={"url": "u", "bad": True})
        failed = client.put(f"{API}/marker/enable", json={"enabled": True})
        page = submit(site.browser(), "/plugins/marker/enable")
        about = client.get(f"{API}/marker").json()

    assert (failed.status_code, failed.json()["error"]) == (500, UNTAKEN)
    assert page.status_code == 500
    assert about["enabled"] is False
    assert plugin.told[-1] == ({"url": "u", "bad": True}, False)


def test_a_plugin_that_fails_at_the_start_says_so(tmp_path: Path) -> None:
    """A stored configuration that a plugin cannot use is shown as its problem until it can."""
    with portal(tmp_path, Marker()) as site:
        site.rest().put(f"{API}/marker/config", json={"url": "u", "bad": "always"})
    with portal(tmp_path, Picky()) as site:
        client = site.rest()
        broken = client.get(f"{API}/marker").json()
        listed = client.get(API).json()[0]
        page = site.browser().get("/plugins/marker").text
        off = client.put(f"{API}/marker/enable", json={"enabled": False})
        page_off = submit(site.browser(), "/plugins/marker/disable")
        mended = client.put(f"{API}/marker/config", json=GOOD)
        after = client.get(f"{API}/marker").json()

    assert broken["problem"] == listed["problem"] == UNTAKEN
    assert UNTAKEN in page
    assert (off.status_code, page_off.status_code, mended.status_code) == (500, 500, 204)
    assert "problem" not in after


def test_a_configuration_that_cannot_be_stored_is_not_in_use(tmp_path: Path) -> None:
    """When the database refuses, the plugin goes on with what is stored, and the caller hears."""
    with portal(tmp_path, plugin := Marker()) as site:
        client = site.rest()
        client.put(f"{API}/marker/config", json=GOOD)
        with closing(sqlite3.connect(tmp_path / "gantry.db")) as connection:
            connection.execute(
                "CREATE TRIGGER no BEFORE UPDATE ON plugins BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        put = client.put(f"{API}/marker/config", json={"url": "https://y"})
        enabled = client.put(f"{API}/marker/enable", json={"enabled": True})

    assert (put.status_code, enabled.status_code) == (500, 500)
    assert plugin.told[-1] == (GOOD, False)


class Running(Marker):
    """A plugin whose sync runs as long as it is told to."""

    running = True

    @hookimpl
    def plugin_status(self, plugin: str) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Tell of the sync."""
        return {"lastSync": {"running": self.running, "apps": 7}}


def test_a_sync_is_followed_on_its_page(tmp_path: Path) -> None:
    """While a sync runs its page comes anew by itself, with nothing to type into; then it ends."""
    with portal(tmp_path, plugin := Running()) as site:
        client = site.browser()
        site.rest().put(f"{API}/marker/config", json=GOOD)
        enabled = submit(client, "/plugins/marker/enable").headers["location"]
        sent = submit(client, "/plugins/marker/sync").headers["location"]
        running = client.get(sent)
        still = client.get("/plugins/marker")
        plugin.running = False
        ended = client.get(sent)

    assert enabled == sent == "/plugins/marker?watch=sync"
    assert running.headers["refresh"] == "2"
    assert "Sync under way" in running.text
    assert "<textarea" not in running.text
    assert "refresh" not in still.headers
    assert "Follow it" in still.text
    assert ended.headers["refresh"] == "0; url=/plugins/marker"
    assert "Last sync" in ended.text


class Joined(Marker):
    """A plugin whose sync is one report for all that ask while it runs."""

    status = 200
    begun = "2026-11-23T12:00:00Z"

    @hookimpl
    def plugin_routes(self, plugin: str) -> Sequence[Route] | None:  # noqa: ARG002
        """Bring the route."""

        def sync(request: Request) -> Response:
            return Response(status=self.status, body={"startedAt": self.begun, "apps": 3})

        return [Route(method="POST", path="/sync", role="developer", summary="", handler=sync)]


def test_one_sync_is_one_record(tmp_path: Path) -> None:
    """However many join a sync, the trail has it once; what was refused is no sync."""
    with portal(tmp_path, plugin := Joined()) as site:
        client = site.rest()
        for _ in range(3):
            client.post(f"{API}/marker/sync")
        plugin.begun = "2026-11-23T12:05:00Z"
        client.post(f"{API}/marker/sync")
        plugin.begun, plugin.status = "2026-11-23T12:10:00Z", 400
        client.post(f"{API}/marker/sync")
        told = [
            entry["details"]["startedAt"]
            for entry in client.get("/api/v1/audit").json()
            if entry["action"] == "plugin.synced"
        ]

    assert told == ["2026-11-23T12:05:00Z", "2026-11-23T12:00:00Z"]
