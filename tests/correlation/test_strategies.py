"""The strategies reach the odd cases: a law that never meets one proves nothing about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import strategies as s
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from gantry_argocd.correlation import annotations as keys
from gantry_argocd.correlation.naming import raw_name, valid_names
from gantry_argocd.correlation.provenance import decode

pytestmark = pytest.mark.nightly  # half a minute of searching; .ci/run does it
SEARCH = settings(max_examples=2_000, phases=[Phase.generate], database=None)


class AllSeen(Exception):
    """There is nothing left to look for."""


def _annotation(entity: dict[str, Any], key: str) -> Any:
    return (entity["metadata"].get("annotations") or {}).get(key)


def _elements(entity: dict[str, Any]) -> list[str]:
    return (_annotation(entity, keys.APP_NAMES) or "").split(",")


def _names(fleet: list[Any]) -> Any:
    return valid_names({raw for facts in fleet if (raw := raw_name(facts))})[0]


FLEETS: dict[str, Callable[[list[Any]], bool]] = {
    "three labels meet in one name": lambda fleet: (
        len({facts.label for facts in fleet} & {"Pay", "PAY", "pay"}) == 3
    ),
    "a label is the distinct form of another": lambda fleet: (
        {"Pay", "PAY", "pay-723afa"} <= {facts.label for facts in fleet}
    ),
    "one name in two namespaces of one instance": lambda fleet: (
        len({(f.key.instance, f.key.name) for f in fleet}) < len(fleet)
    ),
    "one name on two instances": lambda fleet: (
        len({f.key.instance for f in fleet if f.key.name == "pay"}) == 2
    ),
    "a label equals the name of another app": lambda fleet: any(
        one.label == other.key.name != one.key.name for one in fleet for other in fleet
    ),
    "a label with nothing usable": lambda fleet: any(f.label == "🎉" for f in fleet),
    "a name that is too long": lambda fleet: any(len(f.label) == 300 for f in fleet),
    "an app that opts out beside one that does not": lambda fleet: (
        {f.ignored for f in fleet} == {True, False}
    ),
    "a name that had to be cleaned and did not collide": lambda fleet: any(
        name == "mail-svc" for name in _names(fleet).values()
    ),
    "enough apps of one instance for the guard": lambda fleet: (
        len([f for f in fleet if f.key.instance == "one"]) >= 4
    ),
    "no app at all": lambda fleet: not fleet,
}

ENTITIES: dict[str, Callable[[Any], bool]] = {
    "a link in each form": lambda e: (
        {":" in text for text in _elements(e)} == {True, False}
        and any("/" in text for text in _elements(e))
    ),
    "an empty appName": lambda e: _annotation(e, keys.APP_NAME) == "",
    "an element twice": lambda e: any(
        text and _elements(e).count(text) > 1 for text in _elements(e)
    ),
    "an element with blanks": lambda e: any(text.startswith(" one:") for text in _elements(e)),
    "an empty element between others": lambda e: "" in _elements(e)[1:-1],
    "a link that names nothing": lambda e: _annotation(e, keys.APP_NAME) == "gone",
    "a status key by hand": lambda e: _annotation(e, keys.SYNC_STATUS) is not None,
    "an equal value by hand": lambda e: e.get("spec", {}).get("type") == "backend",
    "an environment twice": lambda e: any(
        e["spec"]["deployedIn"].count(ref) > 1 for ref in e.get("spec", {}).get("deployedIn", [])
    ),
    "an environment with more than kind and name": lambda e: any(
        "note" in ref for ref in e.get("spec", {}).get("deployedIn", [])
    ),
    "empty annotations": lambda e: e["metadata"].get("annotations") == {},
    "an empty spec": lambda e: e.get("spec") == {},
    "an empty deployedIn": lambda e: e.get("spec", {}).get("deployedIn") == [],
    "nothing but a name": lambda e: set(e["metadata"]) == {"name"} and "spec" not in e,
    "another namespace": lambda e: e["metadata"].get("namespace") == "other",
    "an unknown field at the top": lambda e: "x-unknown" in e,
    "an unknown field of a falsy value": lambda e: e["metadata"].get("pinned", True) is False,
}

BROKEN: dict[str, Callable[[Any], bool]] = {
    "annotations that are null": lambda e: e["metadata"].get("annotations", {}) is None,
    "annotations that are a list": lambda e: isinstance(e["metadata"].get("annotations"), list),
    "a spec that is null": lambda e: "spec" in e and e["spec"] is None,
    "a spec that is a text": lambda e: isinstance(e.get("spec"), str),
    "a deployedIn that is a text": lambda e: (
        isinstance(e.get("spec"), dict) and isinstance(e["spec"].get("deployedIn"), str)
    ),
    "an appName that is no text": lambda e: (
        isinstance(e["metadata"].get("annotations"), dict)
        and isinstance(e["metadata"]["annotations"].get(keys.APP_NAME), int)
    ),
    "an appNames that is no text": lambda e: (
        isinstance(e["metadata"].get("annotations"), dict)
        and isinstance(e["metadata"]["annotations"].get(keys.APP_NAMES), list)
    ),
}

DAMAGED: dict[str, Callable[[Any], bool]] = {
    "no text": lambda text: not isinstance(text, str),
    "no JSON": lambda text: isinstance(text, str) and text.endswith("["),
    "readable all the same": lambda text: decode(text) is not None,
    "too deep": lambda text: isinstance(text, str) and text.startswith("[[[[[[[[[[["),
    "another version": lambda text: isinstance(text, str) and '"v": 2' in text,
    "an app with an empty word": lambda text: isinstance(text, str) and '"sync": ""' in text,
}

PROVENANCES: dict[str, Callable[[Any], bool]] = {
    "records of two scopes in one instance": lambda found: (
        len({r.source.name for r in found.records}) < len({r.source for r in found.records})
    ),
}

ANSWERS: dict[str, Callable[[Any], bool]] = {
    "an app twice in an answer, and different": lambda found: (
        len({f.key for f in found}) < len(set(found))
    ),
}

GARBAGE: dict[str, Callable[[Any], bool]] = {
    "no metadata": lambda e: not isinstance(e.get("metadata"), dict),
    "a Service without a usable name": lambda e: (
        e.get("kind") == "Service"
        and isinstance(e.get("metadata"), dict)
        and not isinstance(e["metadata"].get("name"), str)
    ),
    "another kind": lambda e: e.get("kind") != "Service",
}

NEIGHBOURS: dict[str, Callable[[Any], bool]] = {
    "our type": lambda e: (e.get("spec") or {}).get("type") == "backend",
    "a repoUrl": lambda e: "repoUrl" in (e.get("spec") or {}),
    "enrichment alone": lambda e: "spec" not in e,
}

CATALOGUES: dict[str, Callable[[Any], bool]] = {
    "two Services of one name": lambda found: (
        len({e["metadata"]["name"] for e in found}) < len(found)
    ),
    "two that link one app": lambda found: (
        [_annotation(e, keys.APP_NAME) in ("pay", "one:pay") for e in found].count(True) > 1
    ),
}

DAMAGED_ENTITIES: dict[str, Callable[[Any], bool]] = {
    "a provenance of another entity": lambda e: e["metadata"]["name"] != "pay",
    "a provenance that can be read": lambda e: (
        decode(e["metadata"]["annotations"][keys.PROVENANCE]) is not None
    ),
    "values that are as the provenance says": lambda e: (
        (found := decode(e["metadata"]["annotations"][keys.PROVENANCE])) is not None
        and "type" in found.wrote.spec
        and e.get("spec", {}).get("type") == found.wrote.spec["type"]
    ),
}

GROUPS: dict[str, tuple[st.SearchStrategy[Any], dict[str, Callable[[Any], bool]]]] = {
    "fleets": (s.fleets, FLEETS),
    "entities of people": (s.hand_entities(), ENTITIES),
    "broken entities": (s.broken_entities(), BROKEN),
    "damaged provenance": (s.damaged_texts(), DAMAGED),
    "provenance": (s.provenances(), PROVENANCES),
    "answers": (s.answers_with_repeats, ANSWERS),
    "garbage": (s.garbage, GARBAGE),
    "neighbours": (s.neighbour_upserts, NEIGHBOURS),
    "catalogues": (s.catalogues(), CATALOGUES),
    "damaged entities": (s.damaged_entities(), DAMAGED_ENTITIES),
}


@pytest.mark.parametrize("group", GROUPS)
def test_the_odd_cases_are_reached(group: str) -> None:
    """The odd cases that the rules speak of are among what the laws are tried with."""
    strategy, cases = GROUPS[group]
    missing = dict(cases)

    @seed(0)
    @settings(SEARCH)
    @given(strategy)
    def look(value: Any) -> None:
        for name in [name for name, holds in missing.items() if holds(value)]:
            del missing[name]
        if not missing:
            raise AllSeen

    with suppress(AllSeen):
        look()
    assert not missing
