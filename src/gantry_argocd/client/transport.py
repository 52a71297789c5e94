"""
How a call reaches one instance: connections, credentials, deadlines, what may be repeated.

Blocking and thread-safe. Every failure is an :class:`~gantry_argocd.errors.ArgoCDError`; what
httpx raised is not chained, because its frames hold requests with their headers.
"""

from __future__ import annotations

import io
import json
import logging
import random
import re
import threading
import time
from contextlib import closing, contextmanager, suppress
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import attrs
import httpx

from .. import errors
from ..repositories import shorten
from ..settings import Secret, without
from ..wire import Refusal, decode, explain
from .circuit import Circuit
from .connections import Connections, Exchange, TooMuch
from .failures import explain_failure
from .session import Session, lifetime
from .tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ..settings import InstanceSettings

ANSWER_LIMIT = 32 * 1024 * 1024
"""Bytes of any other answer. One Application cannot be larger than about 3 MB."""

REFUSAL_LIMIT = 64 * 1024
"""Bytes of an answer that is no success; more is not read."""

HEAD_LIMIT = 64 * 1024
"""Bytes of headers, and of the framing of a body beside the body itself."""

RETRY_PAUSES = (0.2, 0.6)
"""Seconds between the tries of a call that may be repeated; jittered by half."""

TRANSIENT = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may well be answered in a moment."""

KEEP_IDLE = 30.0
"""Seconds that an idle connection is kept: load balancers commonly cut one after 60."""

ENCODINGS = ("gzip", "deflate")
"""
Compression that is asked for, and all that is accepted.

httpx would undo whatever is named, several times over too: 64 kB could become gigabytes at once.
"""

_SESSION = "/api/v1/session"

_FAILURES = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    RuntimeError,
    UnicodeEncodeError,
)
"""What httpx raises; RuntimeError when it was closed meanwhile."""


@attrs.frozen(kw_only=True)
class Call:
    """
    One request, credentials aside.

    Attributes:
        doing: What it is for, as a participle phrase.

        right: The right in Argo CD's RBAC that it needs.

        anonymous: It goes without credentials.

        ends: When its answer must be there, by the monotonic clock.

        patience: Seconds within which the next byte must come. None for as long as it has.

        limit: Bytes of an answer, decompressed.

        expected: Content type of a success.

        aside: Asked once, and a failure of it is not held against the instance.
    """

    method: str
    path: str
    params: dict[str, str]
    body: Any = attrs.field(default=None, repr=False)
    headers: dict[str, str] = attrs.field(factory=dict)
    doing: str
    right: str = ""
    anonymous: bool = False
    ends: float
    patience: float | None = None
    limit: int
    expected: str = "application/json"
    aside: bool = False

    @property
    def repeatable(self) -> bool:
        """Say whether it may be sent twice when nothing is known of the first time."""
        return self.method == "GET" or self.path == _SESSION


class _NoSessions(logging.Filter):
    """Takes answers' headers out of what httpcore logs in detail: Argo CD puts sessions there."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if "receive_response_headers.complete" in text:
            record.msg = text.partition(" return_value=")[0]
        return True


logging.getLogger("httpcore.http11").addFilter(_NoSessions())


class Transport:
    """
    Calls to one instance: its connections, its credentials, its deadlines.

    Args:
        settings: The instance.

        reveal: Gives the text of a secret; reads references.

        now: The time, aware.

        monotonic: Seconds that pass, whatever is done to the system's clock: for all deadlines.

        transport: For tests. None for the network.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        *,
        reveal: Callable[[Secret], str],
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._reveal = reveal
        self._now = now
        self._monotonic = monotonic
        self._session = Session(monotonic)
        self._circuit = Circuit(monotonic)
        self._closed = threading.Event()
        self._skew: float | None = None
        self._http = self._make_client(transport)
        self._connections = Connections(monotonic)
        self._connections.serve(self._http)

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self._settings.name

    def close(self) -> None:
        """Close all connections; calls under way fail."""
        self._closed.set()
        self._connections.cut()
        self._http.close()

    @property
    def clock_skew(self) -> float | None:
        """
        Seconds that the server's clock is ahead of ours, by its last answer.

        None when it said no time.
        """
        return self._skew

    def _make_client(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        settings, timeouts = self._settings, self._settings.timeouts
        try:
            return httpx.Client(
                base_url=settings.url,
                timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
                follow_redirects=False,
                verify=tls_context(settings),
                # A token that Argo CD renews by cookie must not travel unseen.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                limits=httpx.Limits(
                    max_connections=10, max_keepalive_connections=5, keepalive_expiry=KEEP_IDLE
                ),
                transport=transport,
                headers={
                    "User-Agent": "gantry-argocd",
                    "Accept": "application/json",
                    "Accept-Encoding": ", ".join(ENCODINGS),
                },
            )
        except ImportError:
            problem = errors.ProxyFailed(
                "the environment names a SOCKS proxy, which needs the package httpx[socks]",
                instance=self.name,
            )
        except (httpx.InvalidURL, ValueError):
            problem = errors.ProxyFailed(
                "argocdUrl, or a proxy that the environment names, is no address that can be used",
                instance=self.name,
            )
        raise problem

    # --- one request ---

    def send(self, call: Call, *, always: bool = False) -> bytes:
        """
        Send a request with credentials; sign in anew once when they have run out.

        Args:
            call: What to send.

            always: Send it also to an instance that did not answer for a while.

        Raises:
            ArgoCDError: If it came to no answer, or to a refusal.
        """
        if not always:
            self._circuit.check()
        before: errors.ArgoCDError | None = None
        for pause in (*_pauses(call), None):
            try:
                return self._authenticated(call)
            except errors.ArgoCDError as error:
                wait = max(error.retry_after or 0, pause or 0)
                late = self._monotonic() + wait >= call.ends
                if not error.transient or pause is None or late or self._closed.wait(wait):
                    if before is not None and _cut_short(error):
                        raise before from None
                    raise
                before = error
        msg = "the last try raises or returns"
        raise AssertionError(msg)

    @contextmanager
    def stream(self, call: Call) -> Iterator[Iterator[bytes]]:
        """
        Open what is to be read as it comes, until *call* ends.

        Raises:
            ArgoCDError: If it is refused, or breaks.
        """
        exchange = Exchange(ends=call.ends, allowed=HEAD_LIMIT)
        token = self._token(call.ends)
        try:
            with self._sent(call, token, exchange) as response:
                content = b"" if response.is_success else self._content(response, call, exchange)
                self._judge(response, content, call)
                yield self._chunks(response, call)
                return
        except (*_FAILURES, TooMuch) as failure:
            problem = self._failed(failure, exchange)
        except errors.Unauthenticated:
            # Whoever opens it again gets another one, where there is a password for it.
            self._session.forget(token)
            raise
        raise problem from None

    def _authenticated(self, call: Call) -> bytes:
        if call.anonymous:
            return self._exchange(call, None)
        token = self._token(call.ends)
        try:
            return self._exchange(call, token)
        except errors.Unauthenticated:
            if not self._settings.uses_password:
                raise
            # The call was refused before it did anything, so it may be sent again.
            self._session.forget(token)
            return self._exchange(call, self._token(call.ends))

    def _exchange(self, call: Call, token: Secret | None) -> bytes:
        """Send it; again at once where an idle connection had been closed by the other side."""
        for fresh in (not call.repeatable, True):
            exchange = Exchange(ends=call.ends, allowed=HEAD_LIMIT, fresh=fresh)
            try:
                return self._once(call, token, exchange)
            except errors.Unreachable:
                if fresh or not exchange.met_closed_door or self._closed.is_set():
                    raise
        msg = "the last try raises or returns"
        raise AssertionError(msg)

    def _once(self, call: Call, token: Secret | None, exchange: Exchange) -> bytes:
        try:
            with self._sent(call, token, exchange) as response:
                self._note_time(response)
                content = self._content(response, call, exchange)
        except (*_FAILURES, TooMuch) as failure:
            problem = self._failed(failure, exchange)
        except errors.TimedOut as late:
            problem = late
        else:
            self._circuit.answered()
            self._judge(response, content, call)
            return content
        # A refresh waits for the controller; the server that keeps it waiting may be well.
        waits = "refresh" in call.params and isinstance(problem, errors.TimedOut)
        if not (exchange.met_closed_door or call.aside or waits):  # none says anything of it
            self._circuit.failed(problem)
        raise problem from None

    def _failed(self, failure: Exception, exchange: Exchange) -> errors.ArgoCDError:
        if isinstance(failure, TooMuch):
            return errors.NotHTTP("the headers of the answer do not end", instance=self.name)
        if not exchange.speaks_http:
            return errors.NotHTTP("what answers does not speak HTTP", instance=self.name)
        return explain_failure(failure, self.name)

    @contextmanager
    def _sent(
        self, call: Call, token: Secret | None, exchange: Exchange
    ) -> Iterator[httpx.Response]:
        if call.ends <= self._monotonic():
            raise errors.TimedOut("no answer within the time limit", instance=self.name)
        request = self._request(call, token)
        with (
            self._connections.holding(exchange),
            closing(self._http.send(request, stream=True)) as response,
        ):
            exchange.allowed = call.limit + HEAD_LIMIT
            exchange.fresh = False  # it was; let the pool keep it
            yield response

    def _request(self, call: Call, token: Secret | None) -> httpx.Request:
        # The only place that holds secrets in plain, and it has returned before anything can
        # fail: an error reporter that shows local variables finds none.
        headers = self._headers(token)
        content = None
        if call.method != "GET":
            # Exactly this: Argo CD refuses a charset, and a DELETE without it (section 1).
            headers["Content-Type"] = "application/json"
            content = b"" if call.body is None else json.dumps(call.body).encode()
        return self._http.build_request(
            call.method,
            call.path,
            params=call.params,
            headers=headers | call.headers,
            content=content,
            timeout=httpx.Timeout(
                call.patience or call.ends - self._monotonic(),
                connect=self._settings.timeouts.connect,
            ),
        )

    def _note_time(self, response: httpx.Response) -> None:
        try:
            said = parsedate_to_datetime(response.headers.get("date", ""))
            self._skew = (said - self._now()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            self._skew = None

    def _content(self, response: httpx.Response, call: Call, exchange: Exchange) -> bytes:
        """Read the body; of a refusal as much as there is to be had."""
        if response.status_code == 200:
            return self._body(response, call)
        exchange.allowed = REFUSAL_LIMIT
        content = bytearray()
        # Its text may be lost, but not that it is a refusal.
        with suppress(httpx.HTTPError, TooMuch, errors.ArgoCDError):
            for chunk in self._chunks(response, call):
                content += chunk
        return self._without_secrets(bytes(content[:REFUSAL_LIMIT]))

    def _body(self, response: httpx.Response, call: Call) -> bytes:
        content = io.BytesIO()  # gives its bytes without a second copy of them
        with suppress(TooMuch):
            for chunk in self._chunks(response, call):
                content.write(chunk)
                if content.tell() > call.limit:
                    break
            else:
                return content.getvalue()
        raise errors.Oversized(
            f"the answer is larger than {call.limit // 1024 // 1024} MB", instance=self.name
        )

    def _chunks(self, response: httpx.Response, call: Call) -> Iterator[bytes]:
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in {"", "identity", *ENCODINGS}:
            raise errors.Malformed(
                "the answer is compressed in a way that was not asked for", instance=self.name
            )
        try:
            yield from response.iter_bytes()
        except httpx.ReadTimeout:
            if call.patience is not None:
                raise
            problem = errors.TimedOut(
                f"the answer did not end in time while {call.doing}", instance=self.name
            )
        else:
            return
        raise problem

    def _judge(self, response: httpx.Response, content: bytes, call: Call) -> None:
        """
        Accept an answer.

        Raises:
            ArgoCDError: If it is a refusal, or none of Argo CD's.
        """
        content_type, location, retry_after = (
            # A proxy that shows our request back would have us tell our secrets.
            self._without_secrets(response.headers.get(name, "").encode()).decode()
            for name in ("content-type", "location", "retry-after")
        )
        if response.status_code != 200:
            refusal = Refusal(
                status=response.status_code,
                content_type=content_type,
                location=location,
                asked=self._settings.url,
                body=content,
                doing=call.doing,
                right=call.right,
            )
            error = explain(refusal, self.name)
            # What is too large now is too large in a moment (section 1).
            too_large = isinstance(error, errors.TooLarge)
            error.transient = response.status_code in TRANSIENT and not too_large
            error.retry_after = _seconds_of(retry_after)
            raise error
        if content_type.partition(";")[0].strip().lower() != call.expected:
            shown = shorten(content_type, 80) or "no content type"
            raise errors.NotArgoCD(
                f"answered 200 with {shown} instead of {call.expected}", instance=self.name
            )

    # --- credentials ---

    def _headers(self, token: Secret | None) -> dict[str, str]:
        """Give what goes with every request: the configured headers, and who we are."""
        given = self._settings.headers.items()
        headers = {name: self._secret(value).reveal() for name, value in given}
        return headers if token is None else headers | {"Authorization": f"Bearer {token.reveal()}"}

    def _token(self, ends: float) -> Secret:
        settings = self._settings
        if not settings.uses_password:
            return self._secret(settings.token)
        return self._session.token(self._sign_in, ends)

    def _secret(self, secret: Secret) -> Secret:
        """Fetch what *secret* refers to."""
        try:
            return Secret(self._reveal(secret))
        except errors.SecretMissing as missing:
            raise errors.SecretMissing(missing.message, instance=self.name) from None

    def _without_secrets(self, content: bytes) -> bytes:
        """Mask ours in a refusal: a proxy that shows the request back would have us tell them."""
        settings = self._settings
        for secret in (settings.token, settings.password, *settings.headers.values()):
            with suppress(errors.SecretMissing):
                content = without(content, self._secret(secret))
        return without(content, self._session.present)

    def _sign_in(self) -> tuple[Secret, float | None]:
        call = Call(
            method="POST",
            path=_SESSION,
            params={},
            body={
                "username": self._settings.username,
                "password": self._secret(self._settings.password).reveal(),
            },
            doing="signing in",
            right="",
            ends=self._monotonic() + self._settings.timeouts.read,
            limit=ANSWER_LIMIT,
        )
        try:
            answer = decode(self._exchange(call, None), self.name)
        except errors.Unauthenticated as refusal:
            why = "" if refusal.message == errors.NOT_ACCEPTED else f": {refusal.message}"
            raise errors.LockedOut(f"the sign-in was refused{why}", instance=self.name) from None
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise errors.Malformed("the sign-in gave no token", instance=self.name)
        return Secret(token), lifetime(token)


def _cut_short(error: errors.ArgoCDError) -> bool:
    """Say whether our own deadline ended a try; that says less than what came of the one before."""
    return isinstance(error, errors.TimedOut) and not error.transient


def _pauses(call: Call) -> list[float]:
    """Give the seconds between tries: a few, jittered, and only where asking twice is safe."""
    if call.method != "GET" or "refresh" in call.params or call.aside:
        return []
    return [pause * random.uniform(0.5, 1.5) for pause in RETRY_PAUSES]  # noqa: S311


def _seconds_of(retry_after: str) -> float | None:
    """Read Retry-After in its form of seconds; a date is left to our own pauses."""
    return float(retry_after) if re.fullmatch(r"[0-9]{1,9}", retry_after) else None
