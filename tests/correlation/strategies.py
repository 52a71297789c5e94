"""
What can stand in a catalogue and in Argo CD, for Hypothesis.

There are few names, so that they collide, and nothing is left out because the code would rather
not see it. ``test_strategies.py`` shows that the odd cases are reached.
"""

from __future__ import annotations

import copy
import json
from itertools import product, starmap
from typing import Any

import attrs
from hypothesis import strategies as st
from world import service

from gantry_argocd.correlation import InstanceInfo, Record
from gantry_argocd.correlation import annotations as keys
from gantry_argocd.correlation.provenance import Provenance, Wrote
from gantry_argocd.models import Destination, Facts
from gantry_argocd.refs import AppKey

INSTANCES = ("one", "two")
NAMESPACES = ("argocd", "team-a", "aaa")
APP_NAMES = ("pay", "web", "cart")
ENTITY_NAMES = ("pay", "web", "legacy", "mail-svc", "pay-723afa")
LABELS = (
    "",
    "pay",
    "Pay",
    "PAY",
    "pay-723afa",
    "web",
    "legacy",
    "Mail_Svc",
    "x" * 300,
    "X" * 300,
    "🎉",
    "  ",
    "-.-",
    "a:b,c",
    "<b>",
)
SYNCS = ("Synced", "OutOfSync", "Unknown", "Odd", "a,b=c/d")
HEALTHS = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown", "Odd", "Ödd")
REPOS = ("https://github.com/acme/pay", "https://github.com/acme/web")
ENVIRONMENTS = ("prod", "stage", "prod-eu")

hostile = st.sampled_from(
    ("", " ", "<script>alert(1)</script>", "a,b", "☃", "\ud800", "null", "{}", "=", ":", "/", "\n")
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | hostile,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(hostile, inner, max_size=2),
    max_leaves=4,
)
"""Anything that JSON can hold."""

wrong_types = st.sampled_from((None, 7, True, "text", "", [], ["a"], {}, {"a": {"b": 1}}))

# --- Argo CD ---

app_keys = st.sampled_from(list(starmap(AppKey, product(INSTANCES, NAMESPACES, APP_NAMES))))
destinations = st.sampled_from(
    [
        Destination(server=server, name=name, namespace=namespace)
        for server, name in (("https://kubernetes.default.svc", ""), ("", "eu"), ("", ""))
        for namespace in ("", *ENVIRONMENTS)
    ]
)
_states = st.sampled_from(list(product(SYNCS, HEALTHS)))
_sources = st.sampled_from(
    [("", None), ("https://charts.example", None), *((repo, repo) for repo in REPOS)]
)
_one_in_four = st.sampled_from((False, False, False, True))


@st.composite
def apps_of(draw: st.DrawFn, app_key: st.SearchStrategy[AppKey]) -> Facts:
    """Draw applications of the given identities."""
    sync, health = draw(_states)
    repo, repo_url = draw(_sources)
    return Facts(
        key=draw(app_key),
        label=draw(st.sampled_from(LABELS)),
        project=draw(st.sampled_from(("default", "shop"))),
        sync=sync,
        health=health,
        repo=repo,
        repo_url=repo_url,
        destination=draw(destinations),
        ignored=draw(_one_in_four),
    )


apps = apps_of(app_keys)

fleets = st.lists(apps, max_size=6, unique_by=lambda facts: facts.key)
"""What several instances have, in any order, each app once."""

answers_with_repeats = st.lists(apps, max_size=6)
"""An answer that may name an app twice."""

# --- links ---

GOOD_LINKS = (
    *APP_NAMES,
    *(f"{instance}:{name}" for instance in INSTANCES for name in APP_NAMES),
    *(
        f"{instance}:{namespace}/{name}"
        for instance in INSTANCES
        for namespace in NAMESPACES
        for name in APP_NAMES[:2]
    ),
)
DANGLING_LINKS = (
    "gone",
    "PAY",
    "one:gone",
    "three:pay",
    "one:nowhere/pay",
    "team-a/pay",
    "a:b:c",
    ":",
    "one:",
)
good_links = st.sampled_from(("pay", "pay", "one:pay", "one:pay", *GOOD_LINKS))
link_texts = good_links | st.sampled_from(DANGLING_LINKS) | hostile
_elements = st.sampled_from(
    (*GOOD_LINKS, *DANGLING_LINKS, "", "", "", " one:pay ", " pay", "one:pay=Synced/Healthy", "<b>")
)
app_names_texts = st.lists(_elements, max_size=4).flatmap(
    # The same element twice is what people paste.
    lambda elements: st.sampled_from((elements, [*elements, *elements[:1]])).map(",".join)
)

# --- entities of people ---

references = st.one_of(
    st.builds(
        lambda kind, name: {"kind": kind, "name": name},
        st.sampled_from(("Environment", "API")),
        st.sampled_from(ENVIRONMENTS),
    ),
    st.sampled_from(ENVIRONMENTS).map(
        lambda name: {"kind": "Environment", "name": name, "note": "by hand"}
    ),
)


def _mapping(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {key: st.just(value) for key, value in required.items()}, optional=optional
    )


hand_annotations: st.SearchStrategy[dict[str, Any]] = _mapping(
    {},
    {
        keys.APP_NAME: link_texts,
        keys.APP_NAMES: app_names_texts,
        keys.SYNC_STATUS: st.just("Perfect"),
        "acme/x": hostile,
        "github.com/owner": st.just("acme"),
    },
)

hand_specs: st.SearchStrategy[dict[str, Any]] = _mapping(
    {},
    {
        "type": st.sampled_from(("backend", "library", "")),
        "lifecycle": st.sampled_from(("production", "experimental")),
        "repoUrl": st.sampled_from(REPOS),
        "deployedIn": st.lists(references, max_size=3),
        "dependsOn": st.lists(references, max_size=2),
        "custom": json_values,
    },
)

_hand_metadata = _mapping(
    {},
    {
        "title": hostile | st.sampled_from(("Pay", "Mail_Svc")),
        "tags": st.lists(st.sampled_from(("a", "b", "argocd")), max_size=3),
        "labels": st.dictionaries(st.sampled_from(("app", "team")), hostile, max_size=2),
        "description": hostile,
        "pinned": json_values,
    },
)


@st.composite
def hand_entities(draw: st.DrawFn, names: tuple[str, ...] = ENTITY_NAMES) -> dict[str, Any]:
    """Draw Services as people write them; each of the parts may be absent or empty."""
    entity = service(
        draw(st.sampled_from(names)),
        namespace=draw(st.sampled_from((None, None, "default", "other"))),
        annotations=draw(st.none() | hand_annotations),
        spec=draw(st.none() | hand_specs),
        **draw(_hand_metadata),
    )
    if draw(st.integers(0, 4)) == 0:
        entity["x-unknown"] = draw(json_values)
    return entity


@st.composite
def broken_entities(draw: st.DrawFn) -> dict[str, Any]:
    """Draw Services in which something has a type that it must not have."""
    entity = draw(hand_entities())
    path = draw(
        st.sampled_from(
            (
                ("metadata", "annotations"),
                ("metadata", "annotations", keys.APP_NAME),
                ("metadata", "annotations", keys.APP_NAMES),
                ("metadata", "annotations", keys.PROVENANCE),
                ("metadata", "title"),
                ("metadata", "tags"),
                ("metadata", "labels"),
                ("spec",),
                ("spec", "type"),
                ("spec", "deployedIn"),
            )
        )
    )
    place: Any = entity
    for part in path[:-1]:
        place = place.setdefault(part, {})
    place[path[-1]] = draw(wrong_types)
    return entity


_unnamed = st.fixed_dictionaries(
    {},
    optional={
        "apiVersion": json_values,
        "kind": st.just("Service") | json_values,
        "metadata": json_values
        | st.fixed_dictionaries({}, optional={"name": json_values, "namespace": json_values}),
        "spec": json_values,
    },
)
garbage = st.one_of(_unnamed, broken_entities(), st.dictionaries(hostile, json_values, max_size=2))
"""Mappings that are hardly entities."""


def catalogues(entities: st.SearchStrategy[Any] | None = None) -> st.SearchStrategy[list[Any]]:
    """Draw the Services of a catalogue: each (namespace, name) once."""
    return st.lists(
        hand_entities() if entities is None else entities,
        max_size=4,
        unique_by=lambda e: (e["metadata"].get("namespace") or "default", e["metadata"]["name"]),
    )


# --- neighbours ---


@st.composite
def kubernetes_upserts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what the Kubernetes plugin says of a Deployment."""
    name = draw(st.sampled_from(ENTITY_NAMES))
    return service(
        name,
        annotations={"kubernetes.io/kind": "Deployment", "kubernetes.io/uid": f"uid-{name}"},
        spec={
            "type": draw(st.sampled_from(("worker", "backend"))),
            "deployedIn": [{"kind": "Environment", "name": draw(st.sampled_from(ENVIRONMENTS))}],
        },
        labels={"app": name},
    )


@st.composite
def github_upserts(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what the GitHub plugin says of a repository without having read the entity."""
    spec = draw(st.sampled_from((None, {"repoUrl": REPOS[0]}, {"repoUrl": REPOS[1]})))
    name = draw(st.sampled_from(ENTITY_NAMES))
    return service(name, annotations={"github.com/owner": "acme"}, spec=spec)


neighbour_upserts = kubernetes_upserts() | github_upserts()

# --- provenance ---

_texts = st.sampled_from(("", "a", "☃", "\ud800", '"', "x,y"))


_scopes = st.sampled_from(list(product(("", "shop"), ("", "a=b"), ("argocd", "team-a"))))
_times = st.sampled_from(
    list(
        product(
            (None, "2026-01-01T00:00:00Z"), ("", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
        )
    )
)


@st.composite
def records(draw: st.DrawFn, app_key: st.SearchStrategy[AppKey] = app_keys) -> Record:
    """Draw what is recorded of an app. Ignored apps are never recorded."""
    facts = attrs.evolve(draw(apps_of(app_key)), ignored=False)
    project, selector, own_namespace = draw(_scopes)
    stale_since, read_at = draw(_times)
    return Record(
        facts=facts,
        source=InstanceInfo(
            name=facts.key.instance,
            origin=f"https://{facts.key.instance}",
            project=project,
            selector=selector,
            own_namespace=own_namespace,
        ),
        stale_since=stale_since,
        read_at=read_at,
    )


wrotes = st.builds(
    Wrote,
    app_name=st.none() | _texts,
    refs=st.lists(good_links, max_size=2, unique=True).map(tuple),
    title=st.none() | st.sampled_from(("Pay", "☃")),
    spec=st.dictionaries(st.sampled_from(("type", "lifecycle", "repoUrl")), _texts),
    deployed_in=st.lists(st.sampled_from(ENVIRONMENTS), max_size=2, unique=True).map(tuple),
    made_app_names=st.booleans(),
    made_deployed_in=st.booleans(),
)


def provenances(
    entity: str | None = None, *, uniform: bool = False
) -> st.SearchStrategy[Provenance]:
    """
    Draw provenances.

    Args:
        entity: Whose. Any when None.

        uniform: All apps of an instance were read under one project and selector.
    """
    some = st.lists(records(), max_size=3, unique_by=lambda record: record.key)
    if uniform:
        some = some.map(_uniform)
    return st.builds(
        Provenance,
        entity=st.just(entity) if entity else st.sampled_from(("Service/default/pay", "x")),
        theirs=st.booleans(),
        records=some.map(tuple),
        wrote=wrotes,
    )


def _uniform(some: list[Record]) -> list[Record]:
    first: dict[str, InstanceInfo] = {}
    return [
        attrs.evolve(record, source=first.setdefault(record.source.name, record.source))
        for record in some
    ]


def _without_a_word(data: dict[str, Any]) -> None:
    for item in data["apps"][:1]:
        item["sync"] = ""


def _of_another_version(data: dict[str, Any]) -> None:
    data["v"] = 2


EDITS = (_without_a_word, _of_another_version)


@st.composite
def damaged_texts(draw: st.DrawFn) -> Any:
    """Draw a provenance that somebody edited, cut off or made up."""
    kind = draw(st.sampled_from(("cut", "edit", "field", "part", "deep", "value")))
    if kind == "deep":
        return "[" * draw(st.sampled_from((10, 100_000)))
    if kind == "value":
        return draw(json_values)
    text = draw(provenances("Service/default/pay")).encode()
    if kind == "cut":
        return text[: draw(st.integers(0, len(text) - 1))]
    data = json.loads(text)
    if kind == "edit":
        draw(st.sampled_from(EDITS))(data)
        return json.dumps(data)
    place = data
    if kind == "part" and data["apps"]:
        place = draw(st.sampled_from((data["apps"][0], data["from"], data["wrote"])))
    key = draw(st.sampled_from(sorted(place) or ["v"]))
    if draw(st.booleans()):
        place.pop(key, None)
    else:
        place[key] = draw(json_values)
    return json.dumps(data)


@st.composite
def damaged_entities(draw: st.DrawFn) -> dict[str, Any]:
    """Draw Services that carry a provenance which was not written for what they say."""
    entity = copy.deepcopy(draw(hand_entities()))
    annotations = entity["metadata"].setdefault("annotations", {})
    annotations[keys.PROVENANCE] = draw(
        damaged_texts() | provenances("Service/default/pay").map(Provenance.encode)
    )
    return entity
