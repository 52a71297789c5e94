"""The front of the server: paths, content types, sessions, faults, records and its own life."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from talking import JSON, PORTABLE, client_of, raw_request

from gantry_argocd.simulator import Simulator
from waiting import eventually

LIST = "/api/v1/applications"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "text"),
    [
        ("GET", "/api/v1/nope", {}, 404, "Not Found\n"),
        ("GET", f"{LIST}/payment-api/", {}, 404, "Not Found\n"),
        ("GET", f"{LIST}/team-a%2Fpayment-api", {}, 404, "Not Found\n"),
        ("GET", f"{LIST}/payment-api:x", {}, 404, "Not Found\n"),
        ("GET", f"{LIST}/payment-api/sync", {}, 405, "Method Not Allowed\n"),
        ("OPTIONS", LIST, {"content-type": JSON}, 405, "Method Not Allowed\n"),
        ("HEAD", LIST, {}, 415, ""),
        ("DELETE", "/api/v1/session", {}, 415, "Invalid content type\n"),
        (
            "POST",
            f"{LIST}/payment-api/sync",
            {"content-type": f"{JSON}; charset=utf-8"},
            415,
            "Invalid content type\n",
        ),
        ("GET", "/applications", {}, 404, "404 page not found\n"),
        ("GET", "/healthz", {}, 200, "ok\n"),
    ],
)
def test_answers_that_are_not_json(
    sim: Simulator, method: str, target: str, headers: dict[str, str], status: int, text: str
) -> None:
    """Paths, methods and content types are refused in plain text, before any token is read."""
    answer = raw_request(sim, method, target, headers)

    assert (status, text) == (answer.status, answer.body.decode())


@pytest.mark.parametrize(
    ("target", "location"),
    [
        (f"{LIST}/../clusters", "/api/v1/clusters"),
        ("/api//v1/applications?name=x", f"{LIST}?name=x"),
        (
            "/api/v1/account/can-i/clusters/get/https://kubernetes.default.svc",
            "/api/v1/account/can-i/clusters/get/https:/kubernetes.default.svc",
        ),
    ],
)
def test_untidy_paths_are_redirected(sim: Simulator, target: str, location: str) -> None:
    """Dots and double slashes are answered with 307 to the tidied path."""
    answer = raw_request(sim, "GET", target)

    assert (307, location) == (answer.status, answer.headers["location"])


def test_root_path_is_part_of_everything() -> None:
    """Under a root path only health is also served at the true root."""
    with Simulator(apps=1, root_path="/argo-cd/") as rooted:
        assert rooted.url.endswith("/argo-cd")
        with client_of(rooted) as http_client:
            assert http_client.get("/api/v1/applications").status_code == 200
            assert http_client.get("/healthz").text == "ok\n"
        outside = raw_request(rooted, "GET", LIST)
        assert (outside.status, outside.body) == (404, b"404 page not found\n")
        assert raw_request(rooted, "GET", "/healthz").body == b"ok\n"
        bare = raw_request(rooted, "GET", "/argo-cd")
        assert (bare.status, bare.headers["location"]) == (307, "/argo-cd/")


def test_token_places(sim: Simulator) -> None:
    """A metadata header, a bearer and a cookie, split or not, all say who asks."""
    token = sim.tokens["reader"]
    half = len(token) // 2
    split = f"argocd.token=2:{token[:half]}; argocd.token-1={token[half:]}"
    for headers in (
        {"grpc-metadata-token": token},
        {"authorization": f"Bearer {token}"},
        {"cookie": f"argocd.token={token}"},
        {"cookie": split},
        {"authorization": "Bearer garbage", "cookie": f"argocd.token={token}"},
    ):
        answer = httpx.get(f"{sim.url}/api/v1/session/userinfo", headers=headers).json()
        assert answer == {"loggedIn": True, "username": "reader", "iss": "argocd"}, headers


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("Bearer garbage", "no session information"),
        ("bearer {token}", "no session information"),
        (
            "Bearer  {token}",
            (
                "invalid session: token is malformed: could not base64 decode header: "
                "illegal base64 data at input byte 0"
            ),
        ),
        ("Bearer {token}x", "invalid session: token signature is invalid: signature is invalid"),
    ],
)
def test_tokens_that_do_not_count(sim: Simulator, authorization: str, message: str) -> None:
    """What is not a token is as good as none; what is a bad one is refused by name."""
    headers = {"authorization": authorization.format(token=sim.token)}
    answer = raw_request(sim, "GET", LIST, headers)

    assert (401, message) == (answer.status, answer.json()["message"])


def test_login_renewal_and_lockout() -> None:
    """Logins work until five failures; then the right password waits for five minutes."""
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]
    with (
        Simulator(apps=1, clock=lambda: moment[0]) as own,
        httpx.Client(base_url=own.url) as http_client,
    ):

        def login(password: str) -> httpx.Response:
            body = {"username": "reader", "password": password}
            return http_client.post("/api/v1/session", json=body)

        answer = login("simulator")
        assert "SameSite=lax; httpOnly" in answer.headers["set-cookie"]
        http_client.cookies.clear()
        bearer = {"authorization": f"Bearer {answer.json()['token']}"}
        for _ in range(5):
            assert login("wrong").status_code == 401
        refused = login("simulator")
        assert refused.json()["message"] == "Invalid username or password"
        moment[0] += timedelta(seconds=301)
        assert login("simulator").status_code == 200
        moment[0] += timedelta(hours=23, minutes=52)
        renewed = http_client.get("/api/v1/session/userinfo", headers=bearer)
        assert "grpc-metadata-renew-token" in renewed.headers
        http_client.cookies.clear()
        moment[0] += timedelta(hours=1)
        expired = http_client.get(LIST, headers=bearer).json()
    assert expired["message"] == "invalid session: token has invalid claims: token is expired"


def test_tokens_survive_a_restart() -> None:
    """The same name and seed sign alike, and a restarted simulator keeps its port."""
    own = Simulator(apps=1)
    own.start()
    url = own.url
    own.stop()
    own.start()
    try:
        assert url == own.url
        with client_of(own) as http_client:
            assert http_client.get(LIST).status_code == 200
    finally:
        own.stop()


def test_stop_does_not_wait_for_streams() -> None:
    """Two seconds are enough, with a stream open and a call that hangs."""
    own = Simulator()
    own.start()
    got: list[str] = []

    def hang() -> None:
        with client_of(own) as http_client:
            try:
                http_client.get(f"{LIST}/audit-log", params={"refresh": "normal"})
            except httpx.HTTPError as error:
                got.append(type(error).__name__)

    waiting = threading.Thread(target=hang)
    with (
        client_of(own) as http_client,
        http_client.stream("GET", "/api/v1/stream/applications") as response,
    ):
        next(response.iter_lines())
        waiting.start()
        eventually(lambda: own.requests.of("app"))
        began = time.monotonic()
        own.stop()
        assert time.monotonic() - began < 2.5
    waiting.join()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(own.url.rsplit(":", 1)[1])), 1)


def test_requests_are_recorded_without_secrets(quick: Simulator) -> None:
    """A test can count requests and read their bodies and content types, but no secret."""
    with client_of(quick) as http_client:
        http_client.get(LIST, params={"name": "web"})
        http_client.post("/api/v1/session", json={"username": "reader", "password": "hush"})

    listed, login = quick.requests
    assert (
        listed.method,
        listed.path,
        listed.query,
        listed.route,
    ) == ("GET", LIST, "name=web", "list")
    assert listed.headers["authorization"] == "(present)"
    assert login.headers["content-type"] == JSON
    assert login.body == {"username": "reader", "password": "(present)"}
    quick.requests.clear()
    assert len(quick.requests) == 0


def test_faults_replace_answers(quick: Simulator) -> None:
    """A fault answers for one kind of route, as often as it was asked to."""
    with client_of(quick) as http_client:
        quick.faults.set(
            "list", status=503, body={"error": "x"}, headers={"retry-after": "7"}, times=1
        )
        answer = http_client.get(LIST)
        assert (
            answer.status_code,
            answer.headers["retry-after"],
            answer.json(),
        ) == (503, "7", {"error": "x"})
        assert http_client.get(LIST).status_code == 200
        quick.faults.set("*", html=True)
        answer = http_client.get(f"{LIST}/payment-api")
        assert (
            answer.status_code,
            answer.headers["content-type"],
        ) == (200, "text/html; charset=utf-8")
        quick.faults.set("list", redirect="https://sso.example.com/login")
        assert http_client.get(LIST).headers["location"] == "https://sso.example.com/login"
        quick.faults.clear()
        assert http_client.get(LIST).status_code == 200


@pytest.mark.parametrize("fault", ["close", "truncate"])
def test_faults_break_connections(quick: Simulator, fault: str) -> None:
    """A connection can end before the headers or in the middle of the body."""
    quick.faults.set("list", close=fault == "close", truncate=fault == "truncate")
    with client_of(quick) as http_client, pytest.raises(httpx.TransportError):
        http_client.get(LIST)


def test_faults_from_another_process(quick: Simulator) -> None:
    """The admin route sets and clears the same faults."""
    with client_of(quick) as http_client:
        set_fault = http_client.post(
            "/_simulator/faults", json={"route": "list", "status": 502, "delay": 0.01}
        )
        assert set_fault.status_code == 204
        assert http_client.get(LIST).status_code == 502
        assert http_client.delete("/_simulator/faults").status_code == 204
        assert http_client.get(LIST).status_code == 200
        assert http_client.post("/_simulator/faults", json={"nope": 1}).status_code == 400


def test_json_is_gos(quick: Simulator) -> None:
    """Angle brackets and ampersands arrive escaped, and gzip only when offered."""
    with client_of(quick) as http_client:
        path = f"{LIST}/reviews"
        plain = http_client.get(path, headers={"accept-encoding": "identity"})
    assert b"\\u003cscript\\u003ealert(2)\\u003c/script\\u003e \\u0026 co" in plain.content
    assert "content-encoding" not in plain.headers
    packed = raw_request(
        quick,
        "GET",
        path,
        {"authorization": f"Bearer {quick.token}", "accept-encoding": "gzip, deflate"},
    )
    assert plain.json() == json.loads(gzip.decompress(packed.body))


def test_list_rights_and_order(sim: Simulator) -> None:
    """A caller without rights sees an empty fleet; others see it sorted by name."""
    with client_of(sim, "nobody") as http_client:
        assert http_client.get(LIST).json()["items"] is None
    with client_of(sim, "paylead") as http_client:
        items = http_client.get(LIST, params={"fields": PORTABLE}).json()["items"]
    assert {"payments"} == {item["spec"]["project"] for item in items}
    names = [item["metadata"]["name"] for item in items]
    assert sorted(names) == names


def test_a_large_fleet_is_listed_quickly() -> None:
    """Two thousand projected Applications are answered in well under a second."""
    with Simulator(apps=2000) as own, client_of(own) as http_client:
        first = http_client.get(LIST, params={"fields": PORTABLE}).json()
        began = time.process_time()  # of server and client; others on the machine do not count
        again = http_client.get(LIST, params={"fields": PORTABLE})
        assert time.process_time() - began < 1
    assert 2000 == len(first["items"]) == len(again.json()["items"])


def test_what_was_asked_and_sent_is_counted() -> None:
    """Another process can see what a client costs, in requests and in bytes as they go out."""
    with Simulator(apps=3) as own, client_of(own) as client:
        client.headers["accept-encoding"] = "gzip"
        before = client.get("/_simulator/requests").json()["routes"].get("list")
        answers = [client.get(LIST, params={"fields": PORTABLE}) for _ in range(2)]
        after = client.get("/_simulator/requests").json()["routes"]

    assert before is None
    sent = sum(int(answer.headers["content-length"]) for answer in answers)
    assert after["list"] == {"requests": 2, "bytes": sent}
    assert sent < sum(len(answer.content) for answer in answers)
