"""The form of a plugin's configuration: generic, generated, and silent about secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configurations import CANARY, TRIES, valid
from gantry_argocd.plugin import ArgoCDPlugin
from gantry_argocd.refhost.form_fields import Field, is_formable, kind_of, make_form
from gantry_argocd.refhost.form_reading import read_form
from gantry_argocd.settings import MASK, config_schema, mask, validate

from .forms import Fields
from .support import Portal, portal

SCHEMA = config_schema()
PAGE = "/plugins/argocd"
CONFIG = f"{PAGE}/config"
API = "/api/v1/plugins/argocd/config"
ONE = "$.instances[0]"
TWO: dict[str, Any] = {
    "instances": [
        {"name": "production", "argocdUrl": "https://a.example", "token": f"{CANARY}-1"},
        {
            "name": "staging",
            "argocdUrl": "https://b.example",
            "username": "u",
            "password": f"{CANARY}-2",
            "headers": {"X-Key": f"{CANARY}-3"},
            "insecureSkipTLS": True,
        },
    ],
    "syncInterval": "",
    "enrichmentPrefixes": [],
}


def sent(field: Field) -> Iterator[tuple[str, str]]:
    """Give what a browser sends of a field that nobody touches."""
    for part in field.parts:
        yield from sent(part)
    if field.kind in {"list", "map"}:
        yield f"{field.path}#size", str(len(field.parts))
    if "#" in field.path:
        yield f"{field.path}.key", field.name
    if field.kind == "switch":
        if field.value:
            yield field.path, "on"
    elif field.kind == "choice":
        yield field.path, field.values[0]
    elif field.kind == "choices":
        yield from ((f"{field.path}#{value}", "on") for value in field.values)
    elif not field.parts and field.kind not in {"group", "list", "map"}:
        yield field.path, field.value
        if field.stored:
            yield f"{field.path}#stored", "yes"
        if field.kind == "json":
            yield f"{field.path}#json", "yes"


@settings(max_examples=TRIES // 4)
@given(valid())
def test_a_form_that_nobody_touched_changes_nothing(config: dict[str, Any]) -> None:
    """Opening the form and saving it leaves every setting and every secret as it was."""
    stored = validate(config).values
    form = make_form(SCHEMA, mask(stored))

    filled = read_form(SCHEMA, dict(sent(form.root)), lambda _: None)
    again = validate(filled.revealed, stored=stored)

    assert filled.errors == []
    assert again.errors == ()
    assert again.settings == validate(stored).settings
    assert CANARY not in repr(form)


@settings(max_examples=TRIES // 4)
@given(
    st.dictionaries(
        st.sampled_from(
            [f"{ONE}{rest}" for rest in (".name", ".token", ".token#typed", ".token#stored",
             ".headers#size", ".headers#0.key", ".headers#0", ".follow", ".timeouts.read")]
            + ["$.instances#size", "do", "$", "", "$.syncInterval", "$.enrichmentPrefixes#json"]
        ),
        st.text(max_size=9) | st.sampled_from(
            ["1", "9999999999", "-1", "²", "add:$.instances", "remove:$.instances[0]", MASK]
        ),
    )
)  # fmt: skip
def test_any_form_is_read(form: dict[str, str]) -> None:
    """Whatever is posted becomes a configuration that is judged, and a form again."""
    filled = read_form(SCHEMA, form, lambda _: None)
    errors = validate(filled.revealed).errors

    again = make_form(SCHEMA, filled.values, [dict(e) for e in errors], lambda _: "sealed")

    assert len(again.problems) == len(errors)


def every(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Give every setting of a schema."""
    for part in schema.get("properties", {}).values():
        yield part
        yield from every(part)
        yield from every(part.get("items", {}))


def test_every_setting_has_its_field() -> None:
    """Whatever can be configured can be configured in the form, with its title and meaning."""
    lists = [key for key, part in SCHEMA["properties"].items() if kind_of(part) == "list"]
    form = make_form(SCHEMA, {key: [{}] for key in lists})
    fields = [field for field, _ in form.root.walk()]

    told = {(field.title, field.description) for field in fields}
    assert {(part["title"], part["description"]) for part in every(SCHEMA)} <= told
    assert is_formable(SCHEMA)
    assert "json" not in {field.kind for field in fields}
    secret = {field.path for field in fields if field.kind == "secret"}
    assert secret == {f"{ONE}.token", f"{ONE}.password"}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": ["string", "null"]}, "text"),
        ({"type": "string", "writeOnly": True}, "secret"),
        ({"type": "string", "enum": ["a"]}, "choice"),
        ({"type": "string", "contentMediaType": "text/plain"}, "block"),
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "switch"),
        ({"type": "array", "items": {"type": "string"}}, "lines"),
        ({"type": "array", "items": {"type": "string", "enum": ["a"]}}, "choices"),
        ({"type": "array", "items": {"type": "object", "properties": {}}}, "list"),
        ({"type": "array", "items": {"type": "string", "secret": True}}, "json"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map"),
        ({"type": "object"}, "json"),
        ({"oneOf": []}, "json"),
        (True, "json"),
    ],
)
def test_any_schema_has_a_field(schema: Any, kind: str) -> None:
    """The form shows settings that it has never heard of; what fits no field is JSON."""
    assert kind_of(schema) == kind
    whole = {"type": "object", "properties": {"x": schema}}
    # A field of JSON cannot mask what is secret in it, so there is no form then.
    assert is_formable(whole) == (
        schema != {"type": "array", "items": {"type": "string", "secret": True}}
    )


def test_numbers_choices_and_json_are_read_as_such() -> None:
    """A number is sent as a number, ticks as a list, JSON as what it says; else as was typed."""
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "default": 1},
            "c": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "default": []},
            "j": {"type": "object"},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    form = {"$.n": "7", "$.c#b": "on", "$.j": '{"x": [1]}', "$.m#size": "1", "$.m#0.key": "k"}

    assert read_form(schema, form, lambda _: None).values == {
        "n": 7,
        "c": ["b"],
        "j": {"x": [1]},
        "m": {"k": ""},
    }
    odd = read_form(schema, {"$.n": "seven", "$.j": "{"}, lambda _: None)
    assert odd.values["n"] == "seven"
    assert odd.errors == [{"path": "$.j", "message": "JSON is expected"}]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Portal]:
    """A portal whose plugin is configured and not enabled."""
    with portal(tmp_path, ArgoCDPlugin()) as running:
        assert running.rest().put(API, json=TWO).status_code == 204
        yield running


def stored(site: Portal) -> Any:
    """Give the configuration with its secrets, as the plugin gets it."""
    return site.host.lifecycle.state("argocd").config


def fields(html: str) -> dict[str, str]:
    """Read the form."""
    return Fields(html, CONFIG).fields


def test_the_form_adds_and_removes_instances_without_scripts(site: Portal) -> None:
    """Add, fill in, remove another one, save: what was typed stays all the way, secrets as well."""
    client = site.browser("platform-engineer")
    page = client.get(PAGE).text
    added = client.post(CONFIG, data=fields(page) | {"do": "add:$.instances"})
    new = fields(added.text) | {
        "$.instances[2].name": "third",
        "$.instances[2].argocdUrl": "https://c.example",
        "$.instances[2].token": f"{CANARY}-new",
    }
    removed = client.post(CONFIG, data=new | {"do": "remove:$.instances[0]"})
    assert stored(site) == TWO
    saved = client.post(CONFIG, data=fields(removed.text) | {"do": "save"})

    assert (added.status_code, removed.status_code, saved.status_code) == (200, 200, 303)
    for html in (page, added.text, removed.text, client.get(PAGE).text):
        assert CANARY not in html
    assert fields(removed.text)["$.instances[1].name"] == "third"
    assert "Not saved yet" in removed.text
    assert stored(site)["instances"] == [
        TWO["instances"][1],
        {"name": "third", "argocdUrl": "https://c.example", "token": f"{CANARY}-new"},
    ]
    assert stored(site)["syncInterval"] == ""
    assert stored(site)["enrichmentPrefixes"] == []


def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(site: Portal) -> None:
    """Every mistake is marked where it is; the rest, and a typed secret, need no second typing."""
    client = site.browser("platform-engineer")
    wrong = {
        f"{ONE}.argocdUrl": "nonsense",
        f"{ONE}.token": f"{CANARY}-typed",
        f"{ONE}.project": "mine",
        "$.syncInterval": "1d",
    }
    refused = client.post(CONFIG, data=fields(client.get(PAGE).text) | wrong)
    form = Fields(refused.text, CONFIG)
    assert refused.status_code == 400
    assert form.invalid == {f"{ONE}.argocdUrl", "$.syncInterval"}
    assert form.fields[f"{ONE}.argocdUrl"] == "nonsense"
    assert form.fields[f"{ONE}.project"] == "mine"
    assert form.fields[f"{ONE}.token"] == ""
    assert CANARY not in refused.text
    assert "Argo CD URL of production</a>: an address such as" in refused.text
    assert stored(site) == TWO
    assert client.get(CONFIG).headers["location"] == PAGE

    mended = {f"{ONE}.argocdUrl": "https://new.example", "$.syncInterval": "5m"}
    assert client.post(CONFIG, data=form.fields | mended).status_code == 303
    first = stored(site)["instances"][0]
    assert (first["token"], first["project"]) == (f"{CANARY}-typed", "mine")


def test_a_renamed_instance_wants_its_secret_beside_the_field(site: Portal) -> None:
    """defect-G21: In the form, too, a stored secret follows neither a name nor an address."""
    client = site.browser("platform-engineer")
    renamed = {f"{ONE}.name": "other", "$.instances[1].argocdUrl": "https://evil.example"}
    answer = client.post(CONFIG, data=fields(client.get(PAGE).text) | renamed)

    assert answer.status_code == 400
    assert Fields(answer.text, CONFIG).invalid >= {
        f"{ONE}.token",
        "$.instances[1].password",
        "$.instances[1].headers#0",
    }
    assert stored(site) == TWO


def test_a_stored_secret_is_taken_away_by_a_tick(site: Portal) -> None:
    """A secret is cleared on purpose only: an empty field keeps it."""
    client = site.browser("platform-engineer")
    ticked = {
        f"{ONE}.token#clear": "on",
        f"{ONE}.username": "u",
        f"{ONE}.password": f"{CANARY}-p",
    }
    assert client.post(CONFIG, data=fields(client.get(PAGE).text) | ticked).status_code == 303
    assert not stored(site)["instances"][0].get("token")
    assert stored(site)["instances"][1] == TWO["instances"][1]


def test_what_others_saved_meanwhile_is_not_overwritten_unseen(site: Portal) -> None:
    """A form that is older than what is stored is not saved before its sender knows that."""
    client = site.browser("platform-engineer")
    form = fields(client.get(PAGE).text)
    site.host.lifecycle._clock.advance(seconds=1)  # type: ignore[attr-defined]
    site.rest().put(API, json=TWO | {"labelKey": "app"})

    late = client.post(CONFIG, data=form)
    assert late.status_code == 409
    assert stored(site)["labelKey"] == "app"
    assert client.post(CONFIG, data=fields(late.text)).status_code == 303
    assert "labelKey" not in stored(site)


def test_a_typed_secret_is_of_use_to_its_typist_only(site: Portal) -> None:
    """The sealed text in a form opens for the session that typed it, and is no stored secret."""
    engineer, admin = site.browser("platform-engineer"), site.browser("admin")
    wrong = fields(engineer.get(PAGE).text) | {f"{ONE}.argocdUrl": "x", f"{ONE}.token": CANARY}
    sealed = fields(engineer.post(CONFIG, data=wrong).text)[f"{ONE}.token#typed"]

    form = fields(admin.get(PAGE).text) | {f"{ONE}.token#typed": sealed}
    answer = admin.post(CONFIG, data=form)
    assert answer.status_code == 400
    assert "type it again" in answer.text
    assert stored(site) == TWO


@pytest.mark.parametrize("form", [{}, {"$.instances#size": "0"}, {"do": "save"}])
def test_a_form_without_its_fields_empties_nothing_unasked(
    site: Portal, form: dict[str, str]
) -> None:
    """A post that is cut short is refused, or says itself that there are no instances."""
    client = site.browser("platform-engineer")
    token = fields(client.get(PAGE).text)["csrf_token"]
    answer = client.post(CONFIG, data=form | {"csrf_token": token})

    if "$.instances#size" in form:
        assert answer.status_code == 303
    else:
        assert answer.status_code == 400
        assert stored(site) == TWO


def test_the_documented_body_is_stored_verbatim(site: Portal) -> None:
    """The call of the documentation works as it stands, and is answered with schema and values."""
    body = (
        '{"instances":[{"name":"production","argocdUrl":"https://argocd.your-org.com",'
        '"token":"your-argocd-api-token","insecureSkipTLS":false,"project":"default"}],'
        '"labelKey":"name","syncInterval":"5m"}'
    )
    client = site.rest("platform-engineer")
    put = client.put(API, content=body, headers={"Content-Type": "application/json"})
    answer = client.get(API).json()

    assert put.status_code == 204
    assert set(answer) == {"schema", "values"}
    assert answer["schema"] == SCHEMA
    masked = json.loads(body)
    masked["instances"][0]["token"] = MASK
    assert answer["values"] == masked
    assert stored(site) == json.loads(body)
    assert client.put(API, json=answer["values"]).status_code == 204
    assert stored(site) == json.loads(body)
