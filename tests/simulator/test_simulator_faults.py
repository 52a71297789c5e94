"""Faults on demand, set by another process, as they arrive at a client; and the clock."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from talking import client_of

from gantry_argocd.simulator import Simulator
from waiting import eventually

LIST = "/api/v1/applications"
Json = dict[str, Any]


def set_fault(sim: Simulator, **fault: Any) -> None:
    """Set a fault on the list by the admin route."""
    answer = httpx.post(f"{sim.url}/_simulator/faults", json={"route": "list", **fault})
    assert answer.status_code == 204, answer.text


def listed(sim: Simulator, timeout: float = 15.0) -> httpx.Response:
    """List Applications on a connection of its own."""
    with client_of(sim) as client:
        return client.get(LIST, params={"fields": "items.metadata.name"}, timeout=timeout)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"close": True}, httpx.RemoteProtocolError),
        ({"reset": True}, httpx.ReadError),
        ({"hang": True}, httpx.ReadTimeout),
        ({"delay": 10}, httpx.ReadTimeout),
        ({"raw": "220 mail.example.com ESMTP\r\n"}, httpx.RemoteProtocolError),
        ({"raw": "HTTP/1.1 200 OK\r\nContent-Ty"}, httpx.RemoteProtocolError),
        ({"raw": "HTTP/1.1 200 OK\r\nContent-Ty", "hang": True}, httpx.ReadTimeout),
        ({"truncate": True}, httpx.RemoteProtocolError),
        ({"truncate": True, "reset": True}, httpx.ReadError),
        ({"truncate": True, "hang": True}, httpx.ReadTimeout),
        (
            {"body": "no gzip", "status": 200, "headers": {"content-encoding": "gzip"}},
            httpx.DecodingError,
        ),
    ],
    ids=str,
)
def test_broken_connections(quick: Simulator, fault: Json, error: type[Exception]) -> None:
    """Each way in which a connection breaks is the error that a client has a word for."""
    set_fault(quick, **fault)
    with pytest.raises(error):
        listed(quick, timeout=0.3 if error is httpx.ReadTimeout else 15.0)
    httpx.delete(f"{quick.url}/_simulator/faults")
    assert listed(quick).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"html": True}, 200, "Sign in"),
        ({"redirect": "https://sso.example.com/"}, 302, ""),
        ({"code": 16, "message": "m"}, 401, '{"error":"m","code":16,"message":"m"}'),
        ({"code": 7, "message": "m"}, 403, '"code":7'),
        ({"code": 13, "message": "m", "nested": True}, 500, '{"error":{"grpc_code":13'),
        ({"status": 404, "body": "Not Found\n"}, 404, "Not Found\n"),
        ({"status": 405, "body": "Method Not Allowed\n"}, 405, "Method"),
        ({"status": 415, "body": "Invalid content type\n"}, 415, "Invalid"),
        ({"status": 429, "headers": {"Retry-After": "7"}}, 429, ""),
        ({"status": 503, "html": True}, 503, "Sign in"),
        ({"mangle": "null-items"}, 200, '"items":null'),
    ],
    ids=str,
)
def test_answers_in_place_of_the_real_one(
    quick: Simulator, fault: Json, status: int, text: str
) -> None:
    """What proxies and a failing server answer comes with its own status, headers and body."""
    set_fault(quick, **fault, times=1)
    answer = listed(quick)
    assert answer.status_code == status
    assert text in answer.text
    assert answer.headers.get("retry-after") == fault.get("headers", {}).get("Retry-After")
    assert listed(quick).status_code == 200


def test_wrong_answers_that_arrive_whole(quick: Simulator) -> None:
    """JSON can be cut, items can come twice, and values can have the wrong types."""
    whole = listed(quick).json()["items"]
    set_fault(quick, mangle="cut-json")
    with pytest.raises(ValueError, match="char"):
        listed(quick).json()
    set_fault(quick, mangle="duplicates")
    assert len(listed(quick).json()["items"]) == 2 * len(whole)
    set_fault(quick, mangle="wrong-types")
    assert all(isinstance(i["metadata"]["name"], list) for i in listed(quick).json()["items"])


def test_a_slow_drip(quick: Simulator) -> None:
    """The body comes byte by byte, and whole in the end."""
    set_fault(quick, status=200, body="slow", drip=0.02)
    answer = listed(quick)
    assert answer.text == "slow"
    drips = int(answer.headers["content-length"])
    assert answer.elapsed > timedelta(seconds=0.02 * (drips - 1))


def test_a_drip_is_one_byte(quick: Simulator) -> None:
    """A client has the first byte long before there is another one."""
    set_fault(quick, status=200, body="slow", drip=60)
    with client_of(quick) as client, client.stream("GET", LIST) as answer:
        assert len(next(answer.iter_raw())) == 1


@pytest.mark.parametrize("bomb", [False, True])
def test_a_huge_body(quick: Simulator, bomb: bool) -> None:
    """A body can be as large as wanted, compressed to almost nothing too."""
    set_fault(quick, megabytes=20, bomb=bomb)
    with client_of(quick) as client, client.stream("GET", LIST) as response:
        assert (int(response.headers["content-length"]) < 100_000) == bomb
        assert len(response.read()) == 20 * 1024 * 1024


def test_faults_are_of_one_route(quick: Simulator) -> None:
    """Other routes answer as ever, and a fault on all of them spares the admin route."""
    set_fault(quick, status=503)
    with client_of(quick) as client:
        assert client.get(f"{LIST}/payment-api").status_code == 200
        set_fault(quick, route="*", status=502)
        assert client.get(f"{LIST}/payment-api").status_code == 502
        assert client.get(LIST).status_code == 503


def test_connections_are_refused_by_order(quick: Simulator) -> None:
    """Another process can close the port for a while."""
    where = (urlsplit(quick.url).hostname, urlsplit(quick.url).port)
    httpx.post(f"{quick.url}/_simulator/refuse", json={"seconds": 3600})

    def accepts() -> bool:
        try:
            socket.create_connection(where).close()
        except ConnectionError:
            return False
        return True

    eventually(lambda: not accepts())
    quick.refuse(0.1)
    eventually(accepts)


def test_a_clock_that_is_wrong(quick: Simulator) -> None:
    """Date, tokens and Applications go by the simulated clock."""
    token = quick.issue_token("reader", lifetime=300)
    httpx.post(f"{quick.url}/_simulator/clock", json={"advance": 600})
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx.get(f"{quick.url}{LIST}", headers=headers)
    ahead = parsedate_to_datetime(answer.headers["date"]) - datetime.now(UTC)
    assert abs(ahead - timedelta(minutes=10)) < timedelta(seconds=5)
    assert answer.status_code == 401
    assert answer.json()["message"].endswith("token is expired")


def test_time_can_stand_still(quick: Simulator) -> None:
    """At rate 0 a sync goes on only as far as time is advanced."""
    admin = f"{quick.url}/_simulator/clock"
    assert httpx.post(admin, json={"rate": 0}).status_code == 200
    with client_of(quick) as client:
        client.post(f"{LIST}/payment-api/sync", json={})

        def phase() -> str:
            status = client.get(f"{LIST}/payment-api").json()["status"]
            return str(status.get("operationState", {}).get("phase", ""))

        assert phase() == ""
        httpx.post(admin, json={"advance": 0.021})
        eventually(lambda: phase() == "Running")
        assert phase() == "Running"
        httpx.post(admin, json={"advance": 60})
        httpx.post(admin, json={"advance": 60})
        httpx.post(admin, json={"advance": 60})
        eventually(lambda: phase() == "Succeeded")
    assert httpx.post(admin, json={"rate": -1}).status_code == 400


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", 1e300, None, [], "x"])
def test_what_is_no_number_changes_nothing(quick: Simulator, number: Any) -> None:
    """An order that would stop time, or fill it, is refused, and the simulator goes on."""
    orders = {
        "clock": ("advance", "rate"),
        "life": ("perMinute", "count"),
        "restart": ("drainSeconds", "downSeconds"),
        "refuse": ("seconds",),
    }
    for path, names in orders.items():
        for name in names:
            do = {"do": "step" if name == "count" else "run"} if path == "life" else {}
            answer = httpx.post(f"{quick.url}/_simulator/{path}", json={name: number} | do)
            assert answer.status_code == 400, name
    with client_of(quick) as client:
        assert client.get(f"{LIST}/payment-api").status_code == 200


def test_seldom_is_not_never_and_no_failure(quick: Simulator) -> None:
    """A life of less than one event in a thousand years goes on."""
    quick.life.run(1e-320)
    quick.clock.run(1e-300)

    assert quick.life.happen("drift", "payment-api", namespace="argocd")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_an_ipv6_address() -> None:
    """A simulator on ::1 says an address that can be opened."""
    with Simulator(apps=1, host="::1") as simulator:
        assert httpx.get(f"{simulator.url}/healthz").status_code == 200


def test_tokens_by_order(quick: Simulator) -> None:
    """Another process can have tokens issued and revoked, as a rotation does."""
    tokens = f"{quick.url}/_simulator/tokens"
    first, second = (
        httpx.post(tokens, json={"subject": "reader"}).json()["token"] for _ in range(2)
    )
    httpx.request("DELETE", tokens, json={"token": first})
    seen = [
        httpx.get(f"{quick.url}{LIST}", headers={"authorization": f"Bearer {token}"}).status_code
        for token in (first, second)
    ]
    assert seen == [401, 200]


def test_unknown_faults_are_refused(quick: Simulator) -> None:
    """A misspelt fault is told, instead of being no fault."""
    for wrong in ({"sttaus": 500}, {"mangle": "nothing"}, {"code": 99}, []):
        answer = httpx.post(f"{quick.url}/_simulator/faults", json=wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["error"]
