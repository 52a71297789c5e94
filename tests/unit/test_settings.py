"""The configuration: what is accepted, what is refused and how, and where secrets go."""

from __future__ import annotations

import pickle
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest

from gantry_argocd.settings import MASK, Secret, Timeouts, config_schema, mask, validate

DOCUMENTED = {
    "instances": [
        {
            "name": "production",
            "argocdUrl": "https://argocd.your-org.com",
            "token": "your-argocd-api-token",
            "insecureSkipTLS": False,
            "project": "default",
        }
    ],
    "labelKey": "name",
    "syncInterval": "5m",
}

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


def instance(**changes: Any) -> dict[str, Any]:
    """Make a valid instance with changes; None takes a key away."""
    values = {"name": "one", "argocdUrl": "https://one.example", "token": "t"} | changes
    return {key: value for key, value in values.items() if value is not None}


def config(*instances: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """Make a configuration of instances."""
    return {"instances": list(instances)} | rest


def test_the_documented_configuration_is_accepted_verbatim() -> None:
    """The body that the documentation shows can be stored and enabled."""
    verdict = validate(DOCUMENTED)

    assert verdict.errors == ()
    assert verdict.enable_errors == ()
    assert verdict.settings is not None
    (production,) = verdict.settings.instances
    assert production.url == "https://argocd.your-org.com"
    assert production.token.reveal() == "your-argocd-api-token"
    assert verdict.settings.sync_interval == 300
    assert verdict.values == DOCUMENTED


def test_the_schema_accepts_what_the_validation_accepts() -> None:
    """The published JSON Schema is valid itself and agrees about the documented body."""
    jsonschema.Draft202012Validator.check_schema(config_schema())
    jsonschema.Draft202012Validator(config_schema()).validate(DOCUMENTED)


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        (None, "$", "an object is expected"),
        ([], "$", "an object is expected"),
        ({}, "$.instances", "is required"),
        ({"instances": "foo"}, "$.instances", "an array is expected, not a string"),
        (config(7), "$.instances[0]", "an object is expected"),  # type: ignore[arg-type]
        (config(instance(name=None)), "$.instances[0].name", "is required"),
        (config(instance(name="a:b")), "$.instances[0].name", "a name of letters"),
        (config(instance(name="a,b")), "$.instances[0].name", "a name of letters"),
        (config(instance(name="")), "$.instances[0].name", "a name of letters"),
        (config(instance(argocdUrl="argocd")), "$.instances[0].argocdUrl", "an address such as"),
        (config(instance(argocdUrl="ftp://x")), "$.instances[0].argocdUrl", "an address such as"),
        (config(instance(argocdUrl="https://u:p@x")), "$.instances[0].argocdUrl", "without user"),
        (config(instance(argocdUrl="https://x?a=b")), "$.instances[0].argocdUrl", "without user"),
        (config(instance(argocdUrl="https://x:99999")), "$.instances[0].argocdUrl", "an address"),
        (config(instance(tokn="x")), "$.instances[0].tokn", "is token meant?"),
        (config(instance(argocdURL="x")), "$.instances[0].argocdURL", "is argocdUrl meant?"),
        (config(instance(insecureSkipTLS="true")), "$.instances[0].insecureSkipTLS", "quotes"),
        (config(instance(token=7)), "$.instances[0].token", "a string is expected"),
        (config(instance(token="")), "$.instances[0].token", "a token, or a username"),
        (config(instance(password="p", username="u")), "$.instances[0]", "not both"),
        (config(instance(token=None, username="u")), "$.instances[0].password", "the password"),
        (config(instance(authMode="basic")), "$.instances[0].authMode", "one of"),
        (config(instance(headers={"A": 1})), "$.instances[0].headers.A", "a string is expected"),
        (config(instance(headers={"Cookie": "x"})), "$.instances[0].headers.Cookie", "header name"),
        (config(instance(headers={"TE": "x"})), "$.instances[0].headers.TE", "the plugin's own"),
        (
            config(instance(headers={"Transfer-Encoding": "chunked"})),
            "$.instances[0].headers.Transfer-Encoding",
            "the plugin's own",
        ),
        (
            config(instance(authMode="credentials")),
            "$.instances[0].username",
            "the name of the user",
        ),
        (config(instance(headers={"A": "1", "a": "2"})), "$.instances[0].headers.a", "given twice"),
        (config(instance(headers={"A": "é"})), "$.instances[0].headers.A", "ASCII"),
        (config(instance(token="t ")), "$.instances[0].token", "without blanks"),
        (config(instance(caBundle="x")), "$.instances[0].caBundle", "PEM form"),
        (config(instance(caBundle=PEM + KEY)), "$.instances[0].caBundle", "private key"),
        (config(instance(), enrichmentPrefixes=[""]), "$.enrichmentPrefixes[0]", "annotation"),
        (config(instance(timeouts={"read": "5"})), "$.instances[0].timeouts.read", "a duration"),
        (config(instance(), instance()), "$.instances[1].name", "used by instances[0]"),
        (config(instance(), syncInterval="1d"), "$.syncInterval", "a duration such as"),
        (config(instance(), syncInterval=5), "$.syncInterval", "a string is expected"),
        (config(instance(), labelKey="a b"), "$.labelKey", "label key"),
        (config(instance(argocdUrl="http://ü..example")), "$.instances[0].argocdUrl", "an address"),
        (config(instance(argocdUrl="http://a\x7fb")), "$.instances[0].argocdUrl", "an address"),
        (config(instance(argocdUrl="http://h/" + "a" * 9000)), "$.instances[0].argocdUrl", "an"),
        (config(instance(token="a\nb")), "$.instances[0].token", "one line"),
        (config(instance(headers={1: "x"})), "$.instances[0].headers", "keys that are strings"),
        (config(instance(), syncInterval="3000000h"), "$.syncInterval", "at most a year"),
        (config(instance(), labelkey="x"), "$.labelkey", "is labelKey meant?"),
        (config(instance(token="env:PATH")), "$.instances[0].token", "GANTRY_ARGOCD_"),
        (config(instance(token="file:/etc/passwd")), "$.instances[0].token", "/run/secrets"),
        (
            config(instance(token="file:/run/secrets/../../etc/passwd")),
            "$.instances[0].token",
            "/run/secrets",
        ),
    ],
)
def test_a_mistake_is_named_by_its_path_and_what_is_expected(
    given: Any, path: str, words: str
) -> None:
    """Each mistake is told with its JSON path and what would be right."""
    verdict = validate(given)

    assert verdict.settings is None
    assert [error["message"] for error in verdict.errors if error["path"] == path] != []
    assert any(words in e["message"] for e in verdict.errors if e["path"] == path)


def test_a_secret_that_slipped_into_a_key_is_not_shown() -> None:
    """A missing blank after ``token:`` is told without the token."""
    (error,) = validate(config(instance() | {"token:canary": None})).errors

    assert "canary" not in str(error)
    assert error["message"] == "is not known; a blank is missing after token:"


def test_any_mapping_is_a_configuration() -> None:
    """A host may hand over mappings of its own."""
    frozen = MappingProxyType({"instances": [MappingProxyType(instance())]})

    assert validate(frozen).errors == ()
    assert mask(frozen)["instances"][0]["token"] == MASK


def test_every_mistake_is_told_at_once() -> None:
    """A person who made five mistakes is not sent back five times."""
    verdict = validate(
        config(instance(name="a b", argocdUrl="x", insecureSkipTLS=1), labelKey=3, foo=1)
    )

    assert {error["path"] for error in verdict.errors} == {
        "$.foo",
        "$.labelKey",
        "$.instances[0].name",
        "$.instances[0].argocdUrl",
        "$.instances[0].insecureSkipTLS",
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("0", None), ("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("10s", 30)],
)
def test_the_sync_interval_is_a_go_duration_with_a_floor(text: str, seconds: float | None) -> None:
    """Go durations are understood; short ones are raised to thirty seconds."""
    settings = validate(config(instance(), syncInterval=text)).settings

    assert settings is not None
    assert settings.sync_interval == seconds


def test_an_empty_optional_text_is_its_default() -> None:
    """A form that sends what nobody filled in as empty texts configures the defaults."""
    empty = instance(timeouts={"connect": "", "list": ""}, project="", selector="", authMode="")
    settings = validate(config(empty, labelKey="")).settings

    assert settings is not None
    assert settings.label_key == "name"
    assert settings.instances[0].timeouts == Timeouts(connect=5, read=20, list=120, refresh=10)


def test_what_is_nested_without_end_is_a_mistake() -> None:
    """A configuration of a hundred thousand brackets is refused like any other."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert validate(config(instance(), more=deep)).errors[0]["path"] == "$"


def test_no_instance_may_be_stored_but_not_enabled() -> None:
    """An empty list of instances is kept for later, and refuses to be enabled."""
    verdict = validate(config())

    assert verdict.errors == ()
    assert verdict.enable_errors != ()


def test_the_legacy_flat_form_is_one_instance() -> None:
    """A configuration of the original plugin's flat form still works."""
    settings = validate({"argocdUrl": "https://x", "token": "t", "labelKey": "app"}).settings

    assert settings is not None
    assert [item.name for item in settings.instances] == ["default"]
    assert settings.label_key == "app"


def test_the_address_is_normalised_with_its_root_path() -> None:
    """Trailing slashes, the default port and the API's own path do not matter."""
    for text in ("https://X:443/argo-cd/", "https://x/argo-cd/api/v1", "https://x/argo-cd"):
        settings = validate(config(instance(argocdUrl=text))).settings
        assert settings is not None
        assert settings.instances[0].url == "https://x/argo-cd"


def test_a_masked_configuration_shows_no_secret_and_can_be_written_back() -> None:
    """Reading shows masks; writing what was read changes nothing."""
    stored = config(
        instance(headers={"X-Key": "canary-h"}, token="canary-t"),
        instance(name="two", token=None, username="u", password="canary-p"),
        instance(name="three", token="env:GANTRY_ARGOCD_T"),
    )
    shown = mask(stored)

    assert "canary" not in str(shown)
    assert shown["instances"][0]["token"] == MASK
    assert shown["instances"][2]["token"] == "env:GANTRY_ARGOCD_T"
    assert validate(shown, stored=stored).values == stored


def test_a_mask_follows_the_name_and_not_the_place() -> None:
    """defect-G21: Reordering or removing instances never moves a secret to another one."""
    stored = config(instance(token="t1"), instance(name="two", argocdUrl="https://two", token="t2"))
    shown = mask(stored)
    shown["instances"].reverse()
    shown["instances"].pop()

    (two,) = validate(shown, stored=stored).values["instances"]
    assert two["token"] == "t2"


@pytest.mark.parametrize("change", [{"argocdUrl": "https://evil.example"}, {"name": "other"}])
def test_a_mask_is_refused_for_another_name_or_address(change: dict[str, str]) -> None:
    """defect-G21: A changed address or name needs its secret anew; a stored one does not follow."""
    stored = config(instance(token="canary"))
    shown = mask(stored)
    shown["instances"][0] |= change

    verdict = validate(shown, stored=stored)
    assert verdict.errors[0]["path"] == "$.instances[0].token"
    assert "canary" not in str(verdict.errors)


def test_a_blend_of_mask_and_text_is_no_secret() -> None:
    """Who typed into the mask is told so, before it is stored as a token."""
    stored = config(instance(token="canary", headers={"X": "canary"}))
    blended = config(instance(token=f"{MASK}x", headers={"X": f"a{MASK}"}))

    assert [error["path"] for error in validate(blended, stored=stored).errors] == [
        "$.instances[0].token",
        "$.instances[0].headers.X",
    ]


@pytest.mark.parametrize("without", ["name", "colon", "comma", "twice"])
def test_an_instance_has_a_name_that_refs_can_hold(without: str) -> None:
    """defect-G10: No name, a name with a separator, or the name of another: all are refused."""
    names = {"name": [None], "colon": ["a:b"], "comma": ["a,b"], "twice": ["a", "a"]}[without]
    given = config(*(instance(name=name) for name in names))

    (error,) = validate(given).errors
    assert error["path"] == f"$.instances[{len(names) - 1}].name"


@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_secret_clears_it(empty: str | None) -> None:
    """null or an empty text takes the stored secret away."""
    stored = config(instance(token="t"))
    cleared = instance(token="x", username="u", password="p") | {"token": empty}

    assert validate(config(cleared), stored=stored).values["instances"][0]["token"] == ""


def test_the_operator_may_refer_to_anything() -> None:
    """A file that the operator names at start may use any variable and any file."""
    given = config(instance(token="file:/etc/argocd/token"))

    assert validate(given, trusted=True).errors == ()
    assert validate(given, stored=given).errors == ()


def test_a_secret_shows_itself_nowhere() -> None:
    """repr, str, format and pickle of a secret give no text."""
    secret = Secret("canary")

    verdict = validate(config(instance(token="canary")))

    assert "canary" not in f"{secret} {secret!r} {secret!s} {[secret]} {verdict} {verdict.settings}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
