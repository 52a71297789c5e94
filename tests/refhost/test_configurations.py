"""Thousands of configurations over REST and through the form: judged, never half stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configurations import CANARY, CONFIGS, NAMES, TRIES, URLS, edited, valid
from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.settings import mask

from .forms import Fields
from .support import Portal, portal

API = "/api/v1/plugins/argocd/config"
PAGE = "/plugins/argocd"


class Unused:
    """Stands for the client of an instance that nobody asks: a real one reads certificates."""

    def close(self) -> None:
        """Do nothing."""


def plugin() -> ArgoCDPlugin:
    """Make a plugin that connects to nothing."""
    return ArgoCDPlugin(make_client=lambda _: Unused())  # type: ignore[arg-type,return-value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal whose plugin is not enabled."""
    with portal(tmp_path_factory.mktemp("site"), plugin()) as running:
        yield running


def stored(site: Portal) -> Any:
    """Give what is stored, with its secrets."""
    return site.host.lifecycle.state("argocd").config or {}


def files(folder: Path) -> bytes:
    """Read all files of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


ALL = list(HealthCheck)
MANY = settings(max_examples=TRIES if TRIES > 1000 else 30, suppress_health_check=ALL)
FORMS = settings(max_examples=TRIES // 4, suppress_health_check=ALL)


@MANY
@given(CONFIGS, st.booleans())
def test_every_body_is_stored_whole_or_refused_whole(
    site: Portal, caplog: pytest.LogCaptureFixture, body: Any, at_once: bool
) -> None:
    """Never a 500, never a part, never a secret in an answer or in the log."""
    client = site.rest("platform-engineer")
    before = stored(site)
    content = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}

    put = client.put(API, content=content, headers=headers)
    shown = client.get(API)

    assert put.status_code in {204, 400}, put.text
    assert CANARY not in put.text + shown.text + caplog.text
    if put.status_code == 400:
        assert put.json()["error"]
        assert stored(site) == before
    elif at_once:
        # What is shown can be written back, and nothing is another thing afterwards.
        after = stored(site)
        assert client.put(API, json=shown.json()["values"]).status_code == 204
        assert stored(site) == after


@MANY
@given(valid(), st.data())
def test_no_edit_of_what_is_shown_moves_a_secret(
    site: Portal, config: dict[str, Any], data: st.DataObject
) -> None:
    """defect-G21: Over REST, a secret that is stored stays with its name and its address."""
    client = site.rest("platform-engineer")
    assert client.put(API, json=config).status_code == 204
    before = stored(site)
    at_home = {(i["name"], v) for i in before["instances"] for v in secrets_in(i)}

    put = client.put(API, json=data.draw(edited(mask(before))))

    if put.status_code == 204:
        after = {(i["name"], v) for i in stored(site)["instances"] for v in secrets_in(i)}
        assert {pair for pair in after if CANARY in pair[1]} <= at_home
    else:
        assert (put.status_code, stored(site)) == (400, before)


def secrets_in(instance: dict[str, Any]) -> list[str]:
    """Give the secrets of an instance."""
    found = [instance.get("token"), instance.get("password"), *instance.get("headers", {}).values()]
    return [value for value in found if value]


@FORMS
@given(
    valid(),
    st.dictionaries(
        st.sampled_from(["name", "argocdUrl", "token", "token#clear", "headers#0.key", "project"]),
        st.text(max_size=5) | NAMES | URLS,
        max_size=3,
    ),
    st.sampled_from(["save", "add:$.instances", "remove:$.instances[0]", "nonsense"]),
)
def test_every_form_is_saved_whole_or_shown_again(
    site: Portal, config: dict[str, Any], typed: dict[str, str], button: str
) -> None:
    """Whatever is typed into the form comes to a page, with no secret in it."""
    assert site.rest("platform-engineer").put(API, json=config).status_code == 204
    client = site.browser("platform-engineer")
    before = stored(site)
    page = client.get(PAGE)
    form = Fields(page.text, f"{PAGE}/config").fields
    form |= {f"$.instances[0].{key}": value for key, value in typed.items()} | {"do": button}

    answer = client.post(f"{PAGE}/config", data=form)

    assert answer.status_code in {200, 303, 400}
    assert CANARY not in page.text + answer.text
    if answer.status_code != 303:
        assert stored(site) == before


@pytest.mark.parametrize("depth", [50, 500, 900, 990, 5_000, 100_000])
def test_brackets_without_end_are_refused(site: Portal, depth: int) -> None:
    """A body that is nested however deep is refused, over REST and in the form of JSON."""
    client = site.rest("platform-engineer")
    before = stored(site)
    text = '{"instances":[],"x":' + "[" * depth + "]" * depth + "}"

    answer = client.put(API, content=text, headers={"Content-Type": "application/json"})
    browser = site.browser("platform-engineer")
    token = Fields(browser.get(PAGE).text, f"{PAGE}/config").fields["csrf_token"]
    page = browser.post(f"{PAGE}/config", data={"csrf_token": token, "config": text})

    assert (answer.status_code, page.status_code) == (400, 400)
    assert stored(site) == before


def test_the_database_has_none_of_it(site: Portal, tmp_path: Path) -> None:
    """After all of that, no secret is in the files of the portal."""
    folder = tmp_path / "own"
    with portal(folder, ArgoCDPlugin()) as own:
        body = {"instances": [{"name": "a", "argocdUrl": "https://a", "token": f"{CANARY}-x"}]}
        answers: list[httpx.Response] = [
            own.rest().put(API, json=body),
            own.rest().put(API, json=body | {"tokn": f"{CANARY}-y"}),
        ]
    assert [answer.status_code for answer in answers] == [204, 400]
    assert CANARY.encode() not in files(folder)
