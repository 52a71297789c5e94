"""Entities over REST."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .support import Portal, service


def test_what_is_posted_comes_back_with_its_origin(site: Portal) -> None:
    """An entity is stored whole, unknown keys included, with who and when added."""
    body: dict[str, Any] = {
        "kind": "Service",
        "extra": {"deep": [1, 1.0, True, None, []]},
        "metadata": {
            "name": "whole", "title": "Ünïcode 🎉", "unknown": {"a": []},
            "tags": ["b", "a", "b"], "annotations": {"x/y": "  spaces  "},
        },
        "spec": {"links": [{"title": "t", "url": "u", "more": 1}], "type": "backend"},
    }  # fmt: skip

    made = site.rest("developer").post("/api/v1/entities", json=body)
    read = site.rest("viewer").get("/api/v1/entities/Service/whole")

    assert made.status_code == 201
    assert made.json() == read.json()
    entity = read.json()
    metadata = entity["metadata"]
    assert metadata.pop("createdBy") == "developer"
    assert metadata.pop("createdAt") == metadata.pop("updatedAt") == "2026-11-23T12:00:00.000000Z"
    assert metadata.pop("namespace") == "default"
    assert entity == {**body, "apiVersion": "gantry.io/v1", "metadata": metadata}
    assert json.dumps(entity["extra"]) == json.dumps(body["extra"])
    assert metadata == body["metadata"]
    assert list(entity)[:4] == ["kind", "apiVersion", "metadata", "spec"]


def test_empty_texts_and_lists_are_stored_as_nothing(site: Portal) -> None:
    """Empty metadata comes back as absent keys, and so does an empty spec."""
    body = service("bare", title="", tags=[], annotations={}, labels=None) | {"spec": {}}

    made = site.rest().post("/api/v1/entities", json=body).json()

    assert set(made["metadata"]) == {"name", "namespace", "createdAt", "updatedAt", "createdBy"}
    assert "spec" not in made


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ([], "invalid request body: expected a JSON object"),
        ({"kind": 1}, "invalid request body: kind must be a string"),
        (service("x", annotations={"a": 1}), "metadata.annotations.a must be a string"),
        (service("x", tags=["a", 2]), "metadata.tags[1] must be a string"),
        (service("x") | {"spec": []}, "spec must be an object"),
        (
            {},
            "entity validation failed: kind is required; metadata.name is required",
        ),
        (service("Bad_Name"), 'metadata.name "Bad_Name" must consist of'),
        (service("x" * 254), "metadata.name is longer than 253 characters"),
        (service("x", namespace="-"), 'metadata.namespace "-" must consist of'),
        (service("x") | {"kind": "Sevrice"}, 'kind "Sevrice" is unknown'),
        (
            service("x")
            | {
                "spec": {
                    "type": "x",
                    "deployedIn": [{"kind": "Environment"}],
                    "foo": 1,
                    "system": 2,
                }
            },
            'spec validation failed for kind "Service": ',
        ),
    ],
)
def test_what_is_not_an_entity_is_refused_with_the_reasons(
    site: Portal, body: Any, text: str
) -> None:
    """A wrong body is a 400 that says what is wrong with it."""
    answer = site.rest().post("/api/v1/entities", json=body)

    assert answer.status_code == 400
    assert text in answer.json()["error"]


def test_schema_errors_come_all_at_once(site: Portal) -> None:
    """Every violation of the schema is named with its place."""
    spec = {"type": "x", "deployedIn": [{"kind": "Environment"}], "foo": 1, "system": 2}

    error = site.rest().post("/api/v1/entities", json=service("x") | {"spec": spec}).json()["error"]

    assert "/deployedIn/0: missing properties: 'name'" in error
    assert '/type: value must be one of "backend", "frontend"' in error
    assert "additionalProperties 'foo' not allowed" in error
    assert "/system: expected string, but got number" in error


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b'{"a": "\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json; charset=utf-8", 400),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
)
def test_only_json_of_a_sane_size_is_read(
    site: Portal, content: bytes, kind: str, status: int
) -> None:
    """Garbage, another type and endless bodies are refused with the right status, as JSON."""
    answer = site.rest().post("/api/v1/entities", content=content, headers={"Content-Type": kind})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]


def test_a_json_body_without_a_type_is_read(site: Portal) -> None:
    """Who sends JSON and no Content-Type is understood."""
    answer = site.rest().post("/api/v1/entities", content=json.dumps(service("typeless")).encode())

    assert answer.status_code == 201


def test_a_second_of_the_same_name_is_a_conflict(site: Portal) -> None:
    """POST never overwrites; another namespace is another entity."""
    client = site.rest()
    client.post("/api/v1/entities", json=service("twin"))

    again = client.post("/api/v1/entities", json=service("twin"))
    elsewhere = client.post("/api/v1/entities", json=service("twin", namespace="other"))

    assert (again.status_code, again.json()["error"]) == (409, "entity already exists")
    assert elsewhere.status_code == 201
    assert client.get("/api/v1/entities/Service/twin?namespace=other").status_code == 200


def test_put_replaces_and_keeps_the_origin(site: Portal) -> None:
    """PUT takes what is not sent away, and keeps who made the entity and when."""
    made = site.rest("developer").post(
        "/api/v1/entities", json=service("put", title="old", annotations={"a": "b"})
    ).json()  # fmt: skip
    made["metadata"]["createdBy"] = "somebody"

    put = site.rest().put(
        "/api/v1/entities/service/put", json={"kind": "Team", "metadata": {"title": "new"}}
    )

    assert put.status_code == 200
    assert put.json()["kind"] == "Service"
    assert put.json()["metadata"]["title"] == "new"
    assert "annotations" not in put.json()["metadata"]
    assert put.json()["metadata"]["createdBy"] == "developer"


def test_put_can_rename(site: Portal) -> None:
    """A body with another name moves the entity, unless that place is taken."""
    client = site.rest()
    made = client.post("/api/v1/entities", json=service("old-name")).json()
    client.post("/api/v1/entities", json=service("taken"))

    moved = client.put("/api/v1/entities/Service/old-name", json=service("new-name"))
    clash = client.put("/api/v1/entities/Service/new-name", json=service("taken"))

    assert moved.status_code == 200
    assert moved.json()["metadata"]["createdAt"] == made["metadata"]["createdAt"]
    assert client.get("/api/v1/entities/Service/old-name").status_code == 404
    assert clash.status_code == 409


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_is_not_there_is_a_404(site: Portal, method: str) -> None:
    """A missing entity is named with its namespace."""
    answer = site.rest().request(
        method,
        "/api/v1/entities/Service/zz?namespace=foo",
        json=service("zz", namespace="foo") if method == "PUT" else None,
    )

    assert answer.status_code == 404
    assert answer.json()["error"] == 'Service entity "zz" not found in namespace "foo"'


def test_delete_deletes(site: Portal) -> None:
    """A deleted entity is gone."""
    client = site.rest()
    client.post("/api/v1/entities", json=service("doomed"))

    assert client.delete("/api/v1/entities/Service/doomed").status_code == 204
    assert client.get("/api/v1/entities/Service/doomed").status_code == 404


def test_lists_are_ordered_and_filtered(site: Portal) -> None:
    """Lists come by kind, namespace and name, and can be narrowed; unknown kinds are empty."""
    client = site.rest()
    client.post("/api/v1/entities", json=service("list-b", owner="list", tags=["t"]))
    client.post("/api/v1/entities", json=service("list-a", owner="list", namespace="zoo"))
    client.post(
        "/api/v1/entities", json={"kind": "API", "metadata": {"name": "l", "owner": "list"}}
    )

    def names(query: str) -> list[str]:
        return [one["metadata"]["name"] for one in client.get(f"/api/v1/entities{query}").json()]

    assert names("?owner=list") == ["l", "list-b", "list-a"]
    assert names("/service?owner=list&tag=t") == ["list-b"]
    assert names("/Service?owner=list&namespace=zoo") == ["list-a"]
    assert names("/Nonsense") == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("needle", ["seek-a", "seek-b"]),
        ("needle haystack", ["seek-b"]),
        ("needle hay", ["seek-b"]),
        ("hay needle", []),
        ("NEEDLE AND", []),
        ("AND OR NOT ()\"'*", []),
        ("", []),
    ],
)
def test_search_wants_all_words_and_completes_the_last(
    site: Portal, query: str, names: list[str]
) -> None:
    """Words are ANDed, the last may be a beginning, and no query breaks the search."""
    client = site.rest()
    client.post("/api/v1/entities", json=service("seek-a", description="a needle"))
    client.post("/api/v1/entities", json=service("seek-b", annotations={"haystack/x": "needle"}))

    answer = client.get("/api/v1/search", params={"q": query})

    assert answer.status_code == 200
    assert sorted(hit["name"] for hit in answer.json()) == names


def test_the_graph_shows_references_without_an_entity_too(site: Portal) -> None:
    """The graph has what an entity names and who names it."""
    client = site.rest()
    spec = {"dependsOn": [{"kind": "Service", "name": "nowhere"}], "providesApis": ["v1"]}
    client.post("/api/v1/entities", json=service("centre") | {"spec": spec})
    client.post(
        "/api/v1/entities",
        json=service("user") | {"spec": {"dependsOn": [{"kind": "Service", "name": "centre"}]}},
    )

    graph = client.get("/api/v1/graph/Service/centre").json()

    assert [node["id"] for node in graph["nodes"] if node["isRoot"]] == ["Service/centre"]
    assert {(edge["from"], edge["to"], edge["relation"]) for edge in graph["edges"]} == {
        ("Service/user", "Service/centre", "dependsOn"),
        ("Service/centre", "Service/nowhere", "dependsOn"),
        ("Service/centre", "API/v1", "providesApis"),
    }


def test_schemas_are_served(site: Portal) -> None:
    """Every kind's schema can be read, in whatever case its name is written."""
    client = site.rest("viewer")

    assert "Service" in client.get("/api/v1/schemas").json()
    assert client.get("/api/v1/schemas/service").json()["additionalProperties"] is False
    assert client.get("/api/v1/schemas/nothing").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("PUT", "/api/nothing", 404),
        ("PATCH", "/api/v1/entities", 405),
        ("GET", "/api/v1/auth/login", 405),
    ],
)
def test_unknown_paths_are_json_errors(site: Portal, method: str, path: str, status: int) -> None:
    """Below /api nothing ever answers with a page, signed in or not."""
    answer = site.client().request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) >= {"error"}


def test_writes_are_in_the_audit_trail(site: Portal) -> None:
    """The trail tells who created, changed and deleted what, newest first."""
    client = site.rest("developer")
    client.post("/api/v1/entities", json=service("traced"))
    client.put("/api/v1/entities/Service/traced", json=service("traced", title="x"))
    client.delete("/api/v1/entities/Service/traced")

    entries = site.rest().get("/api/v1/audit?limit=3").json()

    assert [entry["action"] for entry in entries] == [
        "entity.deleted", "entity.updated", "entity.created",
    ]  # fmt: skip
    assert {entry["userName"] for entry in entries} == {"developer"}
    assert json.loads(entries[1]["afterState"])["metadata"]["title"] == "x"
    assert site.rest().get("/api/v1/audit?limit=x").status_code == 400


@pytest.mark.parametrize(("levels", "status"), [(64, 201), (65, 400), (900, 400)])
def test_an_entity_is_nested_as_deep_as_its_pages_go(
    site: Portal, levels: int, status: int
) -> None:
    """What could not be shown again is refused when it is written."""
    deep: Any = []
    for _ in range(levels - 4):  # the entity, its spec and its list, and the innermost
        deep = [deep]
    body = {"kind": "Action", "metadata": {"name": f"deep-{levels}"}, "spec": {"config": {}}}
    body["spec"] = {"config": {"x": deep}}

    answer = site.rest().post("/api/v1/entities", json=body)

    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"] == ("invalid request body: nested more than 64 levels deep")
