"""Recorded exchanges with real servers, sent again to a simulator of the same release."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
from talking import RawAnswer, raw_request

from gantry_argocd.simulator import Grant, Options, Simulator

ROOT = Path(__file__).parents[3] / "shared" / "argocd"
FOLDERS = ("list", "app", "actions", "permissions", "session", "errors", "detail")
Json = dict[str, Any]

# Not replayed at all: another server set-up, or something only the recording client saw.
OTHER_SETUP = re.compile(
    r"outage-|anonymous-enabled|disable-auth|rootpath|plain-http|size-limit|tls|renew-"
    r"|timing-|lockout-|controller-down|-get$|-get-|-at-once$|persist-false"
)
# A setting of the server that a recording was made with.
SETTINGS = {
    "actions/sync-replace-not-allowed": {"sync_with_replace_allowed": False},
    "actions/sync-revision-needs-override": {"override_for_revisions": True},
    "actions/rollback-enforced": {"rollback_needs_a_right": True},
    "permissions/can-i-logs-get-reader-enforced": {"logs_need_a_right": True},
}
# The recording that shows the Application as it was before.
BEFORE = {
    "actions/sync-while-running": "actions/sync-hook-running",
    "actions/terminate-running-hook": "actions/sync-hook-running",
}
# Same status, but the content tells of another invented commit or tree.
INVENTED = re.compile(r"detail/(revision-git|revision-multi-source-1|tree-|managed-)")
_ENUMERATIONS: Mapping[str, frozenset[str]] = {
    "phase": frozenset({"Running", "Terminating", "Succeeded", "Failed", "Error"}),
    "hookPhase": frozenset({"Running", "Succeeded", "Failed", "Error", "Terminating"}),
    "syncPhase": frozenset({"PreSync", "Sync", "PostSync", "SyncFail"}),
    "status": frozenset(
        {
            *("Synced", "OutOfSync", "Unknown", "", "SyncFailed", "Pruned", "PruneSkipped"),
            *("Healthy", "Progressing", "Degraded", "Suspended", "Missing"),
            *("Successful", "Failed"),
        }
    ),
}


def recording(folder: str, name: str) -> Json:
    """Return one recorded exchange."""
    found: Json = json.loads((ROOT / folder / f"{name}.json").read_text())
    return found


def replayable(folder: str, accepted: Mapping[str, str]) -> list[str]:
    """Return the names of the exchanges that a simulator is held to."""
    names = []
    for kind in FOLDERS:
        for file in sorted((ROOT / folder / kind).glob("*.json")):
            name = f"{kind}/{file.stem}"
            if name in accepted or OTHER_SETUP.search(file.stem):
                continue
            exchange = recording(folder, name)
            if exchange.get("request") and exchange["response"]["status"] is not None:
                names.append(name)
    return names


class Replica:
    """A simulator with the Applications of a recording, whose controller never does anything."""

    def __init__(self, sim: Simulator, folder: str) -> None:
        self.sim = sim
        self._folder = folder
        listed = recording(folder, "list/full-admin")["response"]["body"]["items"]
        self._fleet: list[Json] = listed
        self._changed = threading.Event()
        self._changed.set()
        sim.fleet.subscribe(lambda _: self._changed.set())
        for caller, actions in (("deleter", ("get", "delete")), ("updater", ("get", "update"))):
            grants = [Grant("applications", action, "*/*") for action in actions]
            sim.policies.replace(caller, grants)
        exact = [
            Grant("applications", action, "payments/fraud-check") for action in ("get", "sync")
        ]
        sim.policies.replace("exact", exact)
        self._tokens = _tokens(sim)

    def load(self) -> None:
        """Put the fleet in the recorded state."""
        # Loading costs most of a test, so only after something was changed.
        if self._changed.is_set():
            self.sim.fleet.load(self._fleet)
            self._changed.clear()

    def prepare(self, name: str, exchange: Json) -> None:
        """Put the server and the Application of an answer in the state before the request."""
        self.load()
        for option, default in attrs.asdict(Options()).items():
            setattr(self.sim.options, option, SETTINGS.get(name, {}).get(option, default))
        before = BEFORE.get(name)
        if before is not None:
            self.sim.fleet.replace(recording(self._folder, before)["response"]["body"])
        body = exchange["response"].get("body")
        if isinstance(body, dict) and "metadata" in body and "spec" in body and "status" in body:
            before = dict(body)
            if exchange["request"]["method"] == "POST":
                before.pop("operation", None)
            self.sim.fleet.replace(before)

    def replay(self, exchange: Json) -> RawAnswer:
        """Send a recorded request with credentials of this simulator."""
        request = exchange["request"]
        token = self._tokens.get(exchange["as"], self._tokens["reader"])
        headers = {}
        for name, value in request["headers"].items():
            secret = self._tokens["reader"] if name == "cookie" else token
            headers[name] = value.replace("REDACTED", secret)
        body = request.get("body")
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        if body is not None:
            body = body.replace("REDACTED", "simulator")
        headers["accept-encoding"] = "identity"
        if "grpc-timeout" in {name.lower() for name in headers}:
            # The wait ends in the same way, sooner.
            headers = {n: "50m" if v == "3S" else v for n, v in headers.items()}
        query = f"?{request['query']}" if request.get("query") else ""
        return raw_request(self.sim, request["method"], request["path"] + query, headers, body)


def _tokens(sim: Simulator) -> dict[str, str]:
    """Return the tokens of every recorded caller, good and bad."""
    year = 365 * 86_400.0
    found = dict(sim.tokens)
    found |= {name: sim.issue_token(name) for name in ("exact", "deleter", "updater")}
    found |= {
        f"{name}-login": sim.issue_token(name, lifetime=year, capability="login")
        for name in ("admin", "reader", "syncer")
    }
    found["expired"] = sim.issue_token("reader", lifetime=-60)
    sim.clock.advance(120)
    found["future"] = sim.issue_token("reader")
    sim.clock.advance(-120)
    for name, subject in (("deleted", "reader"), ("ci-deleted", "proj:payments:ci")):
        found[name] = sim.issue_token(subject, lifetime=year)
        sim.revoke_token(found[name])
    head, body, signature = sim.token.split(".")
    found["tampered"] = f"{head}.{body}.{signature[:-4]}AAAA"
    claims = base64.urlsafe_b64encode(b'{"iss":"https://sso.example.com","sub":"x"}')
    found["foreign"] = f"{head}.{claims.decode().rstrip('=')}.{signature}"
    found["garbage"] = "garbage"
    return found


def shape(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Return the path of every value in some JSON, list positions left out, with its type.

    Of words from a fixed list only that they are from it is told.
    """
    if isinstance(value, dict):
        yield path, "object"
        for key, child in value.items():
            if key in _ENUMERATIONS and isinstance(child, str):
                yield f"{path}.{key}", "known" if child in _ENUMERATIONS[key] else child
            else:
                yield from shape(child, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, "list"
        for child in value:
            yield from shape(child, f"{path}[]")
    else:
        yield path, type(value).__name__


def normalised(text: str) -> str:
    """Return an error text without what depends on the moment or the machine."""
    return re.sub(r"iat: \S+|'\d{9,}'", "*", text)


@attrs.frozen
class Differences:
    """What differs between a recorded answer and the simulator's, one line each."""

    lines: tuple[str, ...]

    @classmethod
    def of(cls, name: str, expected: Json, answer: RawAnswer, *, deeply: bool) -> Differences:
        """Compare; bodies only *deeply* where they tell of the same Applications."""
        lines = [f"status {answer.status}, not {expected['status']}: {answer.body[:300]!r}"]
        if expected["status"] == answer.status:
            lines = [*_headers(expected["headers"], answer)]
            if "text" in expected and expected["text"] != answer.body.decode():
                lines.append(f"text {answer.body!r}, not {expected['text']!r}")
            elif "body" in expected:
                lines.extend(_bodies(name, expected["body"], answer.json(), deeply=deeply))
        return cls(tuple(lines))


def _headers(expected: Mapping[str, str], answer: RawAnswer) -> Iterator[str]:
    # An empty answer has no content type here.
    names = ["location", *(["content-type"] if answer.body else [])]
    for name in names:
        if expected.get(name) != answer.headers.get(name):
            yield f"{name} {answer.headers.get(name)!r}, not {expected.get(name)!r}"
    marker = "grpc-metadata-content-type"
    if (marker in expected) != (marker in answer.headers):
        yield f"{marker} {answer.headers.get(marker)!r}, not {expected.get(marker)!r}"


def _bodies(name: str, expected: Json, actual: Json, *, deeply: bool) -> Iterator[str]:
    if "error" in expected:
        if list(expected) != list(actual):
            yield f"keys {list(actual)}, not {list(expected)}"
        wanted, said = (normalised(json.dumps(item.get("error"))) for item in (expected, actual))
        if wanted != said:
            yield f"error {said!r}, not {wanted!r}"
    elif "operation" in expected and "operationState" not in expected["status"]:
        yield from _shapes(expected["operation"], actual.get("operation"))
        if "operationState" in actual["status"]:
            yield "operationState is there"
    elif name.startswith("permissions/"):
        if expected != actual:
            yield f"{actual}, not {expected}"
    elif deeply:
        yield from _shapes(expected, actual)


def _shapes(expected: object, actual: object) -> Iterator[str]:
    wanted, given = set(shape(expected)), set(shape(actual))
    for path, kind in sorted(wanted - given):
        yield f"lacks {path} ({kind})"
    for path, kind in sorted(given - wanted):
        yield f"has {path} ({kind})"
