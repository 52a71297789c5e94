"""The simulator against recordings of the real Argo CD 3.5.1: same request, same kind of answer."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from talking import RawAnswer, raw_request

from gantry_argocd.simulator import Simulator

RECORDED = Path(__file__).parents[3] / "shared" / "argocd" / "recorded"
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recordings of a real Argo CD are not part of this checkout"
)

Json = dict[str, Any]
FOLDERS = ("list", "app", "actions", "permissions", "session", "errors", "detail")

# Not replayed at all: another server set-up, or something only the recording client saw.
OTHER_SETUP = re.compile(
    r"outage-|anonymous-enabled|disable-auth|rootpath|plain-http|size-limit|tls|renew-"
    r"|timing-|lockout-|controller-down|-get$|-get-|-at-once$"
)

ACCEPTED = {
    "app/bearer-two-spaces": "the second blank was lost when the recording was redacted",
    "app/token-deleted": "the id of the token is another one",
    "app/refresh-annotation-stays": "a moment in the life of another request",
    "app/paused-retry": "recorded without resource health; the simulator always has it",
    "app/payments-drift": "recorded without resource health; the simulator always has it",
    "app/stuck-deleting": "recorded without resource health; the simulator always has it",
    "actions/rollback-queued-over": "needs the operation queued by an earlier request",
    "actions/sync-queued-twice": "needs the operation queued by an earlier request",
    "actions/terminate-prune-confirm": "needs the operation started by an earlier request",
    "actions/terminate-running-hook": "needs the operation started by an earlier request",
    "actions/sync-revision-needs-override": "the override setting is not simulated",
    "actions/sync-hook-running": "a moment in the life of another request",
    "actions/sync-hook-running-2": "a moment in the life of another request",
    "detail/cluster-by-name": "info.cacheInfo and apiVersions are invented",
    "detail/events-app": "events carry no managedFields and annotations",
    "detail/events-resource": "resources have other UIDs, and no events of their own",
    "detail/manifests-error": "the text is the condition's, with its own prefix",
    "detail/project-payments": "projects carry no managedFields and annotations",
    "detail/projects-full": "projects carry no managedFields and annotations",
    "detail/revision-chart-details-missing-version": "the scratch directory in the text differs",
    "detail/settings-reader": "only one of the built-in resource overrides is listed",
    "detail/tree-unreachable-cluster": "one more reason in the text than the conditions have",
    "list/mix-spec-and-children-one-app": "fails by chance, four times in five",
}
# Same status, but the content tells of another invented commit or tree.
INVENTED = re.compile(r"detail/(revision-git|revision-multi-source-1|tree-|managed-)")
# The Applications of these lists were others at the time.
OTHER_MOMENT = {
    "list/fields-empty",
    "list/fields-resources",
    "list/full-team-a-proj",
    "list/limit-ignored",
    "list/name-several-namespaces",
    "list/projects-two",
    "list/resource-version-param",
}


def recording(name: str) -> Json:
    """Return one recorded exchange."""
    found: Json = json.loads((RECORDED / f"{name}.json").read_text())
    return found


def replayable() -> list[str]:
    """Return the names of the exchanges the simulator is held to."""
    names = []
    for folder in FOLDERS:
        for file in sorted((RECORDED / folder).glob("*.json")):
            name = f"{folder}/{file.stem}"
            if name in ACCEPTED or OTHER_SETUP.search(file.stem):
                continue
            exchange = recording(name)
            if exchange.get("request") and exchange["response"]["status"] is not None:
                names.append(name)
    return names


NAMES = replayable() if RECORDED.is_dir() else []


@pytest.fixture(scope="module")
def replica() -> Iterator[Simulator]:
    """A simulator whose controller never gets round to anything."""
    with Simulator(operation_seconds=100_000) as running:
        yield running


@pytest.fixture(scope="module")
def fleet() -> list[Json]:
    """The recorded Applications."""
    items: list[Json] = recording("list/full-admin")["response"]["body"]["items"]
    return items


@pytest.fixture(scope="module")
def changed(replica: Simulator) -> threading.Event:
    """Set as soon as the fleet is no longer the recorded one; at first it is another one."""
    event = threading.Event()
    event.set()
    replica.fleet.subscribe(lambda _: event.set())
    return event


@pytest.fixture(scope="module")
def tokens(replica: Simulator) -> dict[str, str]:
    """The tokens of every recorded caller, good and bad."""
    year = 365 * 86_400.0
    found = dict(replica.tokens)
    found |= {
        f"{name}-login": replica.issue_token(name, lifetime=year, capability="login")
        for name in ("admin", "reader", "syncer")
    }
    found["expired"] = replica.issue_token("reader", lifetime=-60)
    for name, subject in (("deleted", "reader"), ("ci-deleted", "proj:payments:ci")):
        found[name] = replica.issue_token(subject, lifetime=year)
        replica.revoke_token(found[name])
    head, body, signature = replica.token.split(".")
    found["tampered"] = f"{head}.{body}.{signature[:-4]}AAAA"
    claims = base64.urlsafe_b64encode(b'{"iss":"https://sso.example.com","sub":"x"}')
    found["foreign"] = f"{head}.{claims.decode().rstrip('=')}.{signature}"
    found["garbage"] = "garbage"
    return found


def replay(sim: Simulator, tokens: dict[str, str], exchange: Json) -> RawAnswer:
    """Send a recorded request with credentials of this simulator."""
    request = exchange["request"]
    token = tokens.get(exchange["as"], tokens["reader"])
    headers = {}
    for name, value in request["headers"].items():
        secret = tokens["reader"] if name == "cookie" else token
        headers[name] = value.replace("REDACTED", secret)
    body = request.get("body")
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    if body is not None:
        body = body.replace("REDACTED", "simulator")
    headers["accept-encoding"] = "identity"
    query = f"?{request['query']}" if request.get("query") else ""
    return raw_request(sim, request["method"], request["path"] + query, headers, body)


def prepare(sim: Simulator, fleet: list[Json], changed: threading.Event, exchange: Json) -> None:
    """Put the Application of an answer in the state it was in before the request."""
    # Loading costs most of a test, so only after something was changed.
    if changed.is_set():
        sim.fleet.load(fleet)
        changed.clear()
    body = exchange["response"].get("body")
    if isinstance(body, dict) and "metadata" in body and "spec" in body and "status" in body:
        before = dict(body)
        if exchange["request"]["method"] == "POST":
            before.pop("operation", None)
        sim.fleet.replace(before)


def key_paths(value: object, prefix: str = "") -> Iterator[str]:
    """Return the paths of every key in a JSON value, list positions left out."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield f"{prefix}.{key}"
            yield from key_paths(child, f"{prefix}.{key}")
    elif isinstance(value, list):
        for child in value:
            yield from key_paths(child, f"{prefix}[]")


def normalised(text: str) -> str:
    """Return an error text without what depends on the moment or the machine."""
    return re.sub(r"iat: \S+|'\d{9,}'", "*", text)


@pytest.mark.parametrize("name", NAMES)
def test_answers_as_recorded(
    name: str,
    replica: Simulator,
    fleet: list[Json],
    changed: threading.Event,
    tokens: dict[str, str],
) -> None:
    """Status, content type, error text and key structure are those of the real server."""
    exchange = recording(name)
    expected = exchange["response"]
    prepare(replica, fleet, changed, exchange)

    answer = replay(replica, tokens, exchange)

    assert expected["status"] == answer.status, answer.body[:300]
    # An empty answer has no content type here.
    if answer.body:
        assert expected["headers"]["content-type"] == answer.headers["content-type"]
    marker = "grpc-metadata-content-type"
    assert (marker in expected["headers"]) == (marker in answer.headers)
    assert expected["headers"].get("location") == answer.headers.get("location")
    if "text" in expected:
        assert expected["text"] == answer.body.decode()
    elif "body" in expected:
        compare(name, expected["body"], answer.json())


def compare(name: str, expected: Json, actual: Json) -> None:
    """Compare two JSON answers as far as the invented data allows."""
    if "error" in expected:
        assert normalised(expected["error"]) == normalised(actual["error"])
        assert list(expected) == list(actual)
    elif "operation" in expected and "operationState" not in expected["status"]:
        assert list(key_paths(expected["operation"])) == list(key_paths(actual["operation"]))
        assert "operationState" not in actual["status"]
    elif name.startswith("permissions/"):
        assert expected == actual
    elif name not in OTHER_MOMENT and not INVENTED.match(name):
        assert set(key_paths(expected)) == set(key_paths(actual))


@pytest.mark.parametrize(
    "name", ["list/portable-admin", "list/fields-3.5-admin", "list/full-admin"]
)
def test_lists_of_one_moment_are_equal(
    name: str, replica: Simulator, fleet: list[Json], tokens: dict[str, str]
) -> None:
    """Lists recorded together with the fleet come out the same, values and all."""
    replica.fleet.load(fleet)
    exchange = recording(name)

    actual = replay(replica, tokens, exchange).json()["items"]

    def order(item: Json) -> tuple[str, str]:
        return item["metadata"]["name"], item["metadata"]["namespace"]

    expected = exchange["response"]["body"]["items"]
    assert sorted(expected, key=order) == sorted(actual, key=order)


def test_accepted_differences_exist() -> None:
    """Every accepted difference names a recording, so that the list cannot rot."""
    for name in ACCEPTED:
        assert (RECORDED / f"{name}.json").is_file(), name
