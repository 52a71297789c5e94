"""The simulator's answers against Argo CD's own description of its API, where that is right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft4Validator
from talking import client_of

from gantry_argocd.simulator import NEWEST, Simulator

Json = dict[str, Any]
SWAGGER = Path(__file__).parents[3] / "shared" / "argocd" / "swagger.json"
pytestmark = pytest.mark.skipif(
    not SWAGGER.is_file(), reason="Argo CD's API description is not part of this checkout"
)
# What the description says wrongly of the JSON that goes over the wire.
CORRECTED: Json = {
    # Described as the two numbers inside; written as text.
    "v1Time": {"type": ["string", "null"]},
    "v1MicroTime": {"type": ["string", "null"]},
    # Described as bytes; written as the JSON that they are.
    "v1FieldsV1": {},
    # Described as a nested apply strategy; that nesting is ignored by the server.
    "v1alpha1SyncStrategyHook": {"type": "object", "properties": {"force": {"type": "boolean"}}},
    # The settings answer writes these in another form than the resources they are read from; the
    # recorded answers of real servers show it.
    "v1alpha1KustomizeOptions": {"type": "object"},
    "v1alpha1ResourceOverride": {"type": "object"},
}
APP = "/api/v1/applications/payment-api"
ANSWERS = {
    "/api/v1/applications": "v1alpha1ApplicationList",
    APP: "v1alpha1Application",
    f"{APP}/resource-tree": "v1alpha1ApplicationTree",
    f"{APP}/managed-resources": "applicationManagedResourcesResponse",
    f"{APP}/events": "eventsEventList",
    f"{APP}/links": "applicationLinksResponse",
    f"{APP}/manifests": "repositoryManifestResponse",
    "/api/v1/applications/dns/syncwindows": "applicationApplicationSyncWindowsResponse",
    "/api/v1/settings": "clusterSettings",
    "/api/version": "versionVersionMessage",
    "/api/v1/session/userinfo": "sessionGetUserInfoResponse",
    "/api/v1/account/can-i/applications/get/default/x": "accountCanIResponse",
    "/api/v1/projects": "v1alpha1AppProjectList",
    "/api/v1/projects/payments": "v1alpha1AppProject",
    "/api/v1/clusters": "v1alpha1ClusterList",
    f"/api/v1/clusters/{quote('https://kubernetes.default.svc', safe='')}": "v1alpha1Cluster",
}


@pytest.fixture(scope="module")
def definitions() -> Json:
    """The definitions, as JSON Schema of what really goes over the wire."""
    described: Json = json.loads(SWAGGER.read_text("utf-8"))["definitions"]
    corrected = {name: CORRECTED.get(name, schema) for name, schema in described.items()}
    for schema in corrected.values():
        for part in schema.pop("allOf", ()):  # an embedded Go struct: its fields are there too
            embedded = corrected[part["$ref"].rpartition("/")[2]]
            schema["properties"] = embedded["properties"] | schema["properties"]
    return {name: strict(schema) for name, schema in corrected.items()}


def strict(schema: Json) -> Json:
    """Return *schema* with numbers as numbers, nil lists and maps, and no keys but its own."""
    found = {key: value for key, value in schema.items() if key not in ("title", "description")}
    if found.get("type") == "string" and found.get("format") in ("int64", "uint64"):
        return {"type": "integer"}
    if "properties" in found:
        found["properties"] = {key: strict(value) for key, value in found["properties"].items()}
        found.setdefault("additionalProperties", False)
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = strict(found["additionalProperties"])
    if "items" in found:
        found["items"] = strict(found["items"])
    if found.get("type") in ("array", "object"):
        found["type"] = [found["type"], "null"]
    return found


def problems(definitions: Json, name: str, value: object) -> Iterator[str]:
    """Return what is wrong with *value*, a line each."""
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    for error in Draft4Validator(schema).iter_errors(value):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"


@pytest.fixture(scope="module")
def newest() -> Iterator[Simulator]:
    """A simulator of the release that is described, with all that can happen to a fleet."""
    with Simulator(apps=60, release=NEWEST.name, operation_seconds=0.2) as simulator:
        simulator.life.step(40)
        yield simulator


@pytest.mark.parametrize("path", ANSWERS)
def test_answers_are_as_described(path: str, newest: Simulator, definitions: Json) -> None:
    """What is answered has the keys and types that Argo CD describes, and no others."""
    with client_of(newest) as client:
        answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert list(problems(definitions, ANSWERS[path], answer.json())) == []


@pytest.mark.parametrize("name", ["payment-api", "search-api", "catalog", "recommendations"])
def test_applications_are_as_described(name: str, newest: Simulator, definitions: Json) -> None:
    """Applications are as described before, in and after an operation."""
    with client_of(newest) as client:
        path = f"/api/v1/applications/{name}"
        requested = client.post(f"{path}/sync", json={}).json()
        newest.clock.advance(60)
        newest.settle()
        settled = client.get(path).json()
    found = [settled] if "error" in requested else [requested, settled]
    for app in found:
        assert list(problems(definitions, "v1alpha1Application", app)) == []


def test_events_are_as_described(newest: Simulator, definitions: Json) -> None:
    """Events of a watch are as described."""
    with (
        client_of(newest) as client,
        client.stream("GET", "/api/v1/stream/applications") as response,
    ):
        event = json.loads(next(response.iter_lines()))["result"]
    assert list(problems(definitions, "v1alpha1ApplicationWatchEvent", event)) == []


def test_an_invented_key_would_be_noticed(newest: Simulator, definitions: Json) -> None:
    """A key that is not described, and a number that is a text, are found."""
    app = newest.fleet.get("payment-api")
    assert app is not None
    app["status"]["colour"] = "green"
    app["status"]["history"][0]["id"] = "0"
    assert len(list(problems(definitions, "v1alpha1Application", app))) == 2
