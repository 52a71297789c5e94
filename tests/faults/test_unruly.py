"""Servers that keep to no rule, over raw sockets: each call ends soon, as an error of the tree."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from scene import BODY, HEADER, TIMEOUTS, USERINFO
from servers import MEGABYTE, Fault, Front, Link

from gantry_argocd import errors
from gantry_argocd.actions.request import SyncRequest
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import reveal
from gantry_argocd.refs import AppKey
from gantry_argocd.settings import validate
from gantry_argocd.wire import Reader, Reading

LINE = b"HTTP/1.1 200 OK\r\n"
JSON = b"Content-Type: application/json\r\n"
NULL = b'{"items":null}'
TOKEN = "canary-token"
APP = AppKey("one", "argocd", "pay")


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    """A port that answers as each test says."""
    with Front(target=1) as listening:
        yield listening
        listening.heal()


def connect(front: Front, **timeouts: str) -> Client:
    """Make a client of that port."""
    given = {
        "name": "one",
        "argocdUrl": f"http://127.0.0.1:{front.port}",
        "token": TOKEN,
        "headers": {"X-Proxy-Key": HEADER},
        "timeouts": TIMEOUTS | timeouts,
    }
    settings = validate({"instances": [given]}, trusted=True).settings
    assert settings is not None
    return Client(settings.instances[0], reveal=reveal, now=lambda: datetime.now(UTC))


@pytest.fixture
def client(front: Front) -> Iterator[Client]:
    """A client of that port that runs out of time in no test: whatever it meets is told as such."""
    made = connect(front)
    yield made
    made.close()


@pytest.fixture
def hasty(front: Front) -> Iterator[Client]:
    """A client of that port that waits one second."""
    made = connect(front, read="1s", list="1s")
    yield made
    made.close()


def sized(body: bytes) -> bytes:
    """Give the end of the headers, and a body of that length."""
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def answer(*parts: bytes) -> Fault:
    """Answer with exactly these bytes."""

    def fault(link: Link) -> None:
        link.request()
        link.send(b"".join(parts))

    return fault


def endless(begin: bytes, piece: bytes) -> Fault:
    """Go on for as long as anybody listens."""

    def fault(link: Link) -> None:
        link.request()
        link.send(begin)
        while not link.ended.is_set():
            link.send(piece)

    return fault


def compressed(encoding: bytes, body: bytes) -> Fault:
    """Answer with a body in that encoding."""
    return answer(LINE, JSON, b"Content-Encoding: ", encoding, b"\r\n", sized(body))


def refused(status: int, *headers: bytes, body: bytes = b"") -> Fault:
    """Answer with a status that is no success."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return answer(b"HTTP/1.1 %d Said\r\n" % status, lines, sized(body))


CHUNKED = LINE + JSON + b"Transfer-Encoding: chunked\r\n\r\n"

UNDERSTOOD = {
    "plain": answer(LINE, JSON, sized(NULL)),
    "byte-order-mark": answer(LINE, JSON, sized(b"\xef\xbb\xbf" + NULL)),
    "charset": answer(LINE, b"Content-Type: Application/JSON; charset=utf-8\r\n", sized(NULL)),
    "http-1.0": answer(b"HTTP/1.0 200 OK\r\n", JSON, b"\r\n", NULL),
    "no-reason": answer(b"HTTP/1.1 200\r\n", JSON, sized(NULL)),
    "one-length-twice": answer(LINE, JSON, b"Content-Length: 14\r\n", sized(NULL)),
    "early-hints": answer(b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n", LINE, JSON, sized(NULL)),
    "gzip": compressed(b"gzip", gzip.compress(NULL)),
    "deflate": compressed(b"deflate", zlib.compress(NULL)),
    "header-that-is-no-utf-8": answer(LINE, JSON, b"X-A: \xff\xc3\x28\r\n", sized(NULL)),
    "date-of-garbage": answer(LINE, JSON, b"Date: \xff\xfe\r\n", sized(NULL)),
    "date-of-another-world": answer(
        LINE, JSON, b"Date: Mon, 01 Jan 2024 00:00:00 +99999999999999999999\r\n", sized(NULL)
    ),
    "three-thousand-cookies": answer(
        LINE, JSON, b"".join(b"Set-Cookie: a%d=b\r\n" % n for n in range(3000)), sized(NULL)
    ),
    "a-cookie-of-nonsense": answer(
        LINE, JSON, b"Set-Cookie: =;;expires=\xff; Max-Age=1e999; domain=[::1\r\n", sized(NULL)
    ),
    "keys-twice": answer(LINE, JSON, sized(b'{"items":[5],"items":null}')),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_an_odd_answer_that_can_be_understood_is(name: str, front: Front, client: Client) -> None:
    """Proxies and old servers with habits of their own cost nobody anything."""
    front.fault = UNDERSTOOD[name]

    assert client.list_applications().endswith(b"null}")
    assert client.version() == ""


NOT_HTTP = "does not keep to HTTP"
BROKEN: dict[str, tuple[Fault, type[errors.ArgoCDError], str]] = {
    "two-types": (
        answer(LINE, JSON, b"Content-Type: text/html\r\n", sized(NULL)),
        errors.NotArgoCD,
        "text/html",
    ),
    "two-lengths": (
        answer(LINE, JSON, b"Content-Length: 3\r\n", sized(NULL)),
        errors.NotHTTP,
        NOT_HTTP,
    ),
    "negative-length": (
        answer(LINE, JSON, b"Content-Length: -3\r\n\r\n", NULL),
        errors.NotHTTP,
        NOT_HTTP,
    ),
    "length-too-large": (
        answer(LINE, JSON, b"Content-Length: 99\r\n\r\n", NULL),
        errors.Broken,
        "broke before",
    ),
    "length-too-small": (
        answer(LINE, JSON, b"Content-Length: 3\r\n\r\n", NULL),
        errors.Malformed,
        "no JSON",
    ),
    "chunk-of-garbage": (answer(CHUNKED, b"zz\r\nfoo\r\n"), errors.NotHTTP, NOT_HTTP),
    "chunk-without-measure": (
        answer(CHUNKED, b"fffffffffffffffffffffff\r\nfoo\r\n"),
        errors.NotHTTP,
        NOT_HTTP,
    ),
    "chunk-extension-without-end": (
        endless(CHUNKED + b"e;", b"x" * 65536),
        errors.NotHTTP,
        NOT_HTTP,
    ),
    "trailers-without-end": (
        endless(CHUNKED + b"0\r\n", b"X-A: b\r\n" * 5000),
        errors.NotHTTP,
        NOT_HTTP,
    ),
    # Whether h11's limit or ours is met first depends on how much comes at once.
    "headers-without-end": (
        endless(LINE, b"X-A: " + b"b" * 1000 + b"\r\n"),
        errors.NotHTTP,
        "answer",
    ),
    "header-without-end": (endless(LINE + b"X-A: ", b"b" * 65536), errors.NotHTTP, "answer"),
    "continue-without-end": (
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
        errors.NotHTTP,
        "headers of the answer do not end",
    ),
    "early-hints-without-end": (
        endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500),
        errors.NotHTTP,
        "headers of the answer do not end",
    ),
    "header-with-nul": (answer(LINE, JSON, b"X: a\0b\r\n", sized(NULL)), errors.NotHTTP, "HTTP"),
    "header-of-garbage": (answer(LINE, b"garbage\r\n", sized(NULL)), errors.NotHTTP, NOT_HTTP),
    "http-0.9": (answer(NULL), errors.NotHTTP, "does not speak HTTP"),
    "ssh": (answer(b"SSH-2.0-OpenSSH_9.6\r\n"), errors.NotHTTP, "does not speak HTTP"),
    "tls": (answer(b"\x15\x03\x01\x00\x02\x02\x46"), errors.NotHTTP, "does not speak HTTP"),
    "nothing": (answer(), errors.Broken, "broke before"),
    "no-content": (answer(b"HTTP/1.1 204 No\r\n\r\n"), errors.NotArgoCD, "answered 204"),
    "part-of-it": (
        answer(b"HTTP/1.1 206 Part\r\n", JSON, sized(NULL)),
        errors.NotArgoCD,
        "answered 206",
    ),
    "not-modified": (answer(b"HTTP/1.1 304 Not\r\n\r\n"), errors.NotArgoCD, "answered 304"),
    "status-999": (refused(999), errors.ServerFailed, "answered 999"),
    "type-of-nonsense": (
        answer(LINE, b"Content-Type: \xff<script>" + b"a" * 60_000 + b"\r\n", sized(NULL)),
        errors.NotArgoCD,
        "answered 200 with",
    ),
    "gzip-twice": (
        compressed(b"gzip, gzip", gzip.compress(gzip.compress(bytes(100 * MEGABYTE)))),
        errors.Malformed,
        "not asked for",
    ),
    "brotli": (compressed(b"br", b"x"), errors.Malformed, "not asked for"),
    "zstandard": (compressed(b"zstd", b"x"), errors.Malformed, "not asked for"),
    "gzip-cut-short": (
        compressed(b"gzip", gzip.compress(NULL)[:-10]),
        errors.Malformed,
        "no JSON",
    ),
    "not-a-number": (answer(LINE, JSON, sized(b'{"items": NaN}')), errors.Malformed, "no JSON"),
    "infinity": (answer(LINE, JSON, sized(b'{"items": 1e999}')), errors.Malformed, "no JSON"),
    "long-number": (answer(LINE, JSON, sized(b"9" * 9999)), errors.Malformed, "no JSON"),
    "deep": (answer(LINE, JSON, sized(b'{"items":' * 99_999)), errors.Malformed, "no JSON"),
    "utf-16": (answer(LINE, JSON, sized('{"a":1}'.encode("utf-16"))), errors.Malformed, "no JSON"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_a_server_sends_is_an_error_that_says_what(
    name: str, front: Front, client: Client
) -> None:
    """What is told is what happened, and not that it took too long."""
    fault, kind, words = BROKEN[name]
    front.fault = fault
    for call in calls(client):
        error = failure_of(call)
        assert type(error) is kind
        assert words in str(error)


NOTHING = endless(
    LINE
    + JSON
    + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\na\r\n"
    + gzip.compress(b"")[:10]
    + b"\r\n",
    b"5\r\n\x00\x00\x00\xff\xff\r\n" * 3000,
)


def test_a_compressed_nothing_without_end_is_left_in_time(front: Front, hasty: Client) -> None:
    """Nobody waits longer than was agreed for an answer of which nothing is to be seen."""
    front.fault = NOTHING
    for call in calls(hasty):
        assert type(failure_of(call)) is errors.TimedOut


LOCATIONS = {
    "https://[bad/": "no address",
    "https://a:b/": "no address",
    "javascript:alert(1)": "no address",
    "https://xn--\xfc.com/": "no address",
    f"https://u:{USERINFO}@sso.example.com/?{BODY}": "redirected to sso.example.com",
    f"https://{TOKEN}.example.com/": "redirected to ***.example.com",
    "https://" + "a" * 60_000 + ".com/": "redirected to aaa",
    "/login": "another page of the same host",
}


@pytest.mark.parametrize("location", LOCATIONS, ids=range(len(LOCATIONS)))
def test_a_redirect_is_told_wherever_it_leads(location: str, front: Front, client: Client) -> None:
    """A sign-in page in front is recognised, and nothing secret of its address is told."""
    front.fault = refused(302, b"Location: " + location.encode())

    error = failure_of(client.list_applications)
    assert type(error) is errors.NotArgoCD
    assert LOCATIONS[location] in str(error)


@pytest.mark.parametrize(("value", "tries"), [(b"\xb2", 3), (b"9" * 1000, 3), (b"60", 1)])
def test_retry_after_makes_nobody_wait_longer_than_agreed(
    value: bytes, tries: int, front: Front, client: Client
) -> None:
    """A server that asks for patience without measure is told as one that is busy."""
    front.fault = refused(429, b"Retry-After: " + value)
    before, began = front.connections, time.monotonic()

    error = failure_of(client.list_applications)
    assert type(error) is errors.Busy
    assert "too many requests" in str(error)
    assert front.connections - before == tries
    assert time.monotonic() - began < 60


REFUSALS: dict[str, tuple[Fault, type[errors.ArgoCDError], str]] = {
    "garbage-gzip": (
        refused(502, b"Content-Encoding: gzip", body=b"nope"),
        errors.Unavailable,
        "answered 502",
    ),
    "brotli": (
        refused(502, b"Content-Encoding: br", body=b"nope"),
        errors.Unavailable,
        "answered 502",
    ),
    "cut-short": (
        answer(b"HTTP/1.1 503 Said\r\nContent-Length: 99\r\n\r\nabc"),
        errors.Unavailable,
        "answered 503",
    ),
    "endless": (
        endless(b"HTTP/1.1 401 Said\r\nContent-Type: text/html\r\n\r\n", b"x" * 65536),
        errors.NotArgoCD,
        "answered 401 with text/html",
    ),
    "deep": (refused(401, body=b"[" * 60_000), errors.NotArgoCD, "answered 401"),
    "half-a-pair": (
        refused(500, body=rb'{"code":2,"message":"a\ud800b"}'),
        errors.ServerFailed,
        "a\N{REPLACEMENT CHARACTER}b",
    ),
    "code-without-measure": (
        refused(500, body=b'{"code":%s,"message":"a"}' % (b"9" * 99)),
        errors.ServerFailed,
        "Argo CD failed",
    ),
    "code-of-text": (
        refused(500, body=b'{"error":{"grpc_code":"16","message":{}}}'),
        errors.ServerFailed,
        "answered 500",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_told_even_where_its_text_is_not_to_be_had(
    name: str, front: Front, client: Client
) -> None:
    """A proxy that fails in the middle of saying that it failed is told by its status."""
    fault, kind, words = REFUSALS[name]
    front.fault = fault

    error = failure_of(client.list_applications)
    assert type(error) is kind
    assert words in str(error)
    json.dumps(error.as_json(), ensure_ascii=False).encode()


def calls(client: Client) -> list[Callable[[], Any]]:
    """Give calls of every kind."""
    reader, reading = Reader(), Reading(instance="one")
    return [
        lambda: reader.listing(client.list_applications(), reading),
        client.version,
        lambda: client.sync(APP, "default", SyncRequest()),
    ]


def failure_of(call: Callable[[], Any]) -> errors.ArgoCDError:
    """Give what *call* ends with, after no more work than an answer is worth."""
    began = time.thread_time()  # what others do on the machine does not count
    with pytest.raises(errors.ArgoCDError) as caught:
        call()
    assert time.thread_time() - began < 5
    error = caught.value
    assert error.instance == "one"
    assert error.help
    assert error.__context__ is None or error.__suppress_context__
    assert len(str(error)) < 400
    for canary in (TOKEN, HEADER, USERINFO, BODY):
        assert canary not in f"{error} {error!r} {error.as_json()}"
    return error
