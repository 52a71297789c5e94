"""The client of one instance, over real sockets against the simulator."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from gantry_argocd import errors
from gantry_argocd.actions.request import SyncRequest
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import reveal
from gantry_argocd.refs import AppKey
from gantry_argocd.settings import validate
from gantry_argocd.simulator import Simulator
from waiting import standing_still

PAY = AppKey("one", "argocd", "payment-api")


def connect(
    url: str, *, transport: Any = None, monotonic: Any = time.monotonic, **settings: Any
) -> Client:
    """Make a client of an instance at *url*."""
    config = {"instances": [{"name": "one", "argocdUrl": url} | settings]}
    verdict = validate(config, trusted=True)
    assert verdict.settings is not None, verdict.errors
    return Client(
        verdict.settings.instances[0],
        reveal=reveal,
        now=lambda: datetime.now(UTC),
        monotonic=monotonic,
        transport=transport,
    )


@pytest.fixture
def client(argocd: Simulator) -> Iterator[Client]:
    """A client with all rights."""
    made = connect(argocd.url, token=argocd.token)
    yield made
    made.close()


def last(argocd: Simulator) -> Any:
    """Give the last request that the simulator received."""
    return list(argocd.requests)[-1]


def test_the_list_is_projected_and_restricted(argocd: Simulator) -> None:
    """Only the fields that every release knows are asked for, and only the configured project."""
    client = connect(argocd.url, token=argocd.token, project="payments", selector="name")
    items = json.loads(client.list_applications())["items"]
    client.close()

    assert {item["spec"]["project"] for item in items} == {"payments"}
    query = parse_qs(last(argocd).query)
    assert "items.spec," in query["fields"][0]
    assert query["projects"] == ["payments"]
    assert query["selector"] == ["name"]


def test_one_application_is_asked_for_by_namespace_and_project(
    client: Client, argocd: Simulator
) -> None:
    """defect-G8: Namespace and project always go along, so 404 means gone."""
    assert client.application(PAY, "default")["metadata"]["name"] == "payment-api"
    assert parse_qs(last(argocd).query) == {"appNamespace": ["argocd"], "project": ["default"]}

    with pytest.raises(errors.NotFound):
        client.application(AppKey("one", "argocd", "nope"), "default")
    twin = client.application(AppKey("one", "team-a", "payment-api"), "team-a-proj")
    assert twin["metadata"]["namespace"] == "team-a"


def test_a_sync_says_everything_in_its_body(client: Client, argocd: Simulator) -> None:
    """Argo CD reads no query on a sync, and wants exactly one content type."""
    client.sync(PAY, "default", SyncRequest(request_id="r1", requested_by="dora"))

    request = last(argocd)
    assert request.query == ""
    assert request.headers["content-type"] == "application/json"
    assert request.body["appNamespace"] == "argocd"
    assert request.body["project"] == "default"
    assert request.body["prune"] is False
    assert "strategy" not in request.body
    assert {"name": "gantry-request", "value": "r1"} in request.body["infos"]


def test_a_hard_sync_prunes_and_forces_and_still_runs_hooks(
    client: Client, argocd: Simulator
) -> None:
    """defect-G14: Hard sync is prune and force with the hook strategy."""
    client.sync(PAY, "default", SyncRequest(prune=True, force=True))

    body = last(argocd).body
    assert body["prune"] is True
    assert body["strategy"] == {"hook": {"force": True}}
    assert not {"syncOptions", "resources", "retryStrategy"} & body.keys()


def test_a_second_sync_while_one_runs_is_refused(argocd: Simulator, client: Client) -> None:
    """Two syncs at once are one operation and a refusal that says so."""
    with standing_still(argocd):
        client.sync(PAY, "default", SyncRequest())

        with pytest.raises(errors.OperationRunning):
            client.sync(PAY, "default", SyncRequest())


def test_a_token_without_the_right_is_told_which_right_it_lacks(argocd: Simulator) -> None:
    """A reader's token that syncs gets an error naming the right, and no subject."""
    client = connect(argocd.url, token=argocd.tokens["reader"])

    with pytest.raises(errors.Forbidden, match="applications, sync") as caught:
        client.sync(PAY, "default", SyncRequest())
    client.close()
    assert "sub:" not in str(caught.value)


def test_a_bad_token_is_told(argocd: Simulator) -> None:
    """A token that Argo CD does not know is an error of its own."""
    client = connect(argocd.url, token="a.b.c")

    with pytest.raises(errors.Unauthenticated):
        client.list_applications()
    client.close()


def follow(client: Client) -> None:
    """Open the stream, and read what comes first."""
    with client.stream_applications(seconds=5, patience=5) as results:
        next(results, None)


def test_a_bad_token_is_told_by_the_stream_too(argocd: Simulator) -> None:
    """The error of a stream comes as an event, and is no sign-in page for that."""
    client = connect(argocd.url, token="a.b.c")

    with pytest.raises(errors.Unauthenticated, match="not accepted"):
        follow(client)
    client.close()


def test_a_stream_that_is_refused_makes_the_next_one_sign_in_anew() -> None:
    """A session that ended is no reason for the stream to wait until a list has noticed."""
    given: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/session"):
            given.append(f"a.b.{len(given)}")
            return httpx.Response(200, json={"token": given[-1]})
        headers = {"content-type": "text/event-stream"}
        if request.headers["authorization"].endswith("a.b.0"):
            refusal = b'data: {"error":{"grpc_code":16,"message":"token is expired"}} \n\n'
            return httpx.Response(401, headers=headers, content=refusal)
        return httpx.Response(200, headers=headers, content=b":\n")

    client = connect("https://x", username="u", password="p", transport=httpx.MockTransport(answer))
    with pytest.raises(errors.Unauthenticated, match="expired"):
        follow(client)
    follow(client)
    client.close()
    assert given == ["a.b.0", "a.b.1"]


def logins(argocd: Simulator) -> int:
    """Count the sign-ins."""
    return sum(1 for r in argocd.requests if r.path.endswith("/session") and r.method == "POST")


def test_many_callers_sign_in_once(argocd: Simulator) -> None:
    """A user name and password are exchanged once for everybody who waits."""
    client = connect(argocd.url, username="admin", password="simulator")
    threads = [threading.Thread(target=client.list_applications) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()

    assert logins(argocd) == 1


def test_a_refused_password_is_not_tried_again_for_a_while(argocd: Simulator) -> None:
    """A wrong password is tried once, so it does not lock the account."""
    passed = 0.0
    client = connect(
        argocd.url,
        username="admin",
        password="wrong",
        monotonic=lambda: time.monotonic() + passed,
    )
    for _ in range(3):
        with pytest.raises(errors.LockedOut, match="sign-in was refused"):
            client.list_applications()
    assert logins(argocd) == 1

    passed = 360.0
    with pytest.raises(errors.LockedOut):
        client.list_applications()
    client.close()
    assert logins(argocd) == 2


def test_a_session_that_ended_is_renewed_and_the_call_sent_once_more() -> None:
    """One 401 leads to one new sign-in and one more try, and to no loop."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(f"{request.method} {request.url.path}")
        if request.url.path.endswith("/session"):
            return httpx.Response(200, json={"token": f"a.b.{len(seen)}"})
        if request.headers["authorization"].endswith("a.b.1"):
            return httpx.Response(401, json={"code": 16, "message": "token is expired"})
        return httpx.Response(200, json={"items": None})

    client = connect("https://x", username="u", password="p", transport=httpx.MockTransport(answer))
    assert json.loads(client.list_applications()) == {"items": None}
    client.close()
    assert [entry.split("/")[-1] for entry in seen] == [
        "session",
        "applications",
        "session",
        "applications",
    ]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(200, html="<html>Sign in</html>"), errors.NotArgoCD),
        (httpx.Response(302, headers={"location": "https://sso/x"}), errors.NotArgoCD),
        (httpx.Response(502, html="<html>"), errors.ServerFailed),
        (httpx.Response(403, html="<html>"), errors.NotArgoCD),
    ],
)
def test_something_else_than_argo_cd_is_recognised(
    response: httpx.Response, kind: type[errors.ArgoCDError]
) -> None:
    """A sign-in page or a proxy in front is told apart from Argo CD."""
    client = connect("https://x", token="t", transport=httpx.MockTransport(lambda _: response))

    with pytest.raises(kind):
        client.list_applications()
    client.close()


def subclasses(cls: type) -> set[type]:
    """Give all subclasses, near and far."""
    found = set(cls.__subclasses__())
    return found | {deep for sub in found for deep in subclasses(sub)}


@pytest.mark.parametrize(
    "failure", sorted(subclasses(httpx.TransportError), key=lambda cls: cls.__name__)
)
def test_every_transport_error_is_an_error_of_the_tree(failure: type[Exception]) -> None:
    """Whatever httpx can raise becomes an error with a cause and a cure."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise failure("canary", request=request)  # type: ignore[call-arg]

    client = connect("https://x", token="t", transport=httpx.MockTransport(fail))
    with pytest.raises(errors.ArgoCDError) as caught:
        client.list_applications()
    client.close()
    assert caught.value.help
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "canary" not in str(caught.value)


def test_a_dead_address_is_told_as_such() -> None:
    """A refused connection says that it was refused."""
    client = connect("http://127.0.0.1:9", token="t")

    with pytest.raises(errors.Unreachable, match="connection refused"):
        client.list_applications()
    client.close()


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (429, errors.Busy, "too many requests"),
        (503, errors.Unavailable, "answered 503"),
        (504, errors.TimedOut, "gave up"),
    ],
)
def test_what_was_answered_is_told_when_asking_again_comes_too_late(
    status: int, kind: type[errors.ArgoCDError], words: str
) -> None:
    """A server that is busy is told as such, and not as one that gives no answer."""
    passed = 0.0
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal passed
        seen.append(request.url.path)
        if len(seen) == 1:
            return httpx.Response(status, text="busy")
        passed = 10.0
        raise httpx.ReadTimeout("late", request=request)

    client = connect(
        "https://x",
        token="t",
        timeouts={"read": "10s"},
        monotonic=lambda: passed,
        transport=httpx.MockTransport(answer),
    )
    with pytest.raises(kind, match=words) as caught:
        client.version()
    client.close()

    assert type(caught.value) is kind
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(seen) == 2


class Stalling(httpx.SyncByteStream):
    """A body that begins and does not go on."""

    def __iter__(self) -> Iterator[bytes]:
        """Give its beginning."""
        yield b'{"Version": '
        raise httpx.ReadTimeout("late")


def test_an_answer_that_stalls_is_not_told_as_none() -> None:
    """People who look for the cause learn that the server did begin to answer."""
    headers = {"content-type": "application/json"}
    stalled = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=Stalling()))
    client = connect("https://x", token="t", transport=stalled)
    with pytest.raises(errors.TimedOut, match="the answer did not end in time while asking"):
        client.version()
    client.close()


def test_a_name_cannot_change_the_route(argocd: Simulator, client: Client) -> None:
    """defect-G13: A name with a slash or a question mark reaches no other route."""
    for name in ("../clusters", "x?refresh=hard", "a/b", "%2e%2e"):
        with pytest.raises(errors.ArgoCDError):
            client.application(AppKey("one", "argocd", name), "default")

    assert not [request for request in argocd.requests if request.path.endswith("/clusters")]
    assert not [request for request in argocd.requests if "refresh" in request.query]


def test_a_token_from_a_file_or_the_environment_is_read_at_each_call(
    argocd: Simulator, tmp_path: Any
) -> None:
    """A mounted secret that is rotated is used without a restart."""
    path = tmp_path / "token"
    path.write_text("a.b.c\n")
    client = connect(argocd.url, token=f"file:{path}")
    with pytest.raises(errors.Unauthenticated):
        client.list_applications()

    path.write_text(argocd.token + "\n")
    assert client.list_applications()
    path.unlink()
    with pytest.raises(errors.Unauthenticated, match="cannot be read"):
        client.list_applications()
    client.close()
