"""
One Argo CD server over REST: the calls that the plugin makes, and nothing more.

Blocking and thread-safe. Every failure is an :class:`~gantry_argocd.errors.ArgoCDError`; what
httpx raised is not chained, because its frames hold requests with their headers.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import ssl
import threading
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import certifi
import httpx

from . import errors
from .circuit import Circuit
from .connections import Connections
from .repositories import shorten
from .settings import Secret, without
from .wire import PORTABLE_FIELDS, REQUEST_INFO, USER_INFO, Refusal, decode, explain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .refs import AppKey
    from .settings import InstanceSettings

LIST_LIMIT = 512 * 1024 * 1024
"""Bytes of a list answer, decompressed; Argo CD itself stops at 200 MB by default."""

ANSWER_LIMIT = 32 * 1024 * 1024
"""Bytes of any other answer. One Application cannot be larger than about 3 MB."""

REFUSAL_LIMIT = 64 * 1024
LOCKOUT = timedelta(minutes=5)
"""How long Argo CD refuses an account after five failed sign-ins (``argocd-api.md`` section 2)."""

RETRY_PAUSES = (0.2, 0.6)
"""Seconds between the tries of a call that may be repeated; jittered by half."""

TRANSIENT = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may well be answered in a moment."""

REFRESH_TIMEOUT = 60.0
"""Seconds: a refresh blocks until Argo CD's controller is done (section 5)."""

_GRACE = 0.1
"""Seconds after which a wait ends that the deadline of the body did not end."""

_RENEW_BEFORE = timedelta(minutes=6)
"""Argo CD mints a new token of its own in the last five minutes; be earlier."""


@attrs.frozen(kw_only=True)
class SyncRequest:
    """
    What to sync and how (``argocd-api.md`` section 6.1).

    Attributes:
        prune: Delete resources that are no longer in the source.

        force: Delete and recreate what cannot be changed. Hooks still run.

        dry_run: Only say what would happen.

        request_id: Kept by Argo CD with the operation, to recognise it.

        requested_by: Gantry user, kept by Argo CD with the operation.
    """

    prune: bool = False
    force: bool = False
    dry_run: bool = False
    request_id: str = ""
    requested_by: str = ""


class _NoSessions(logging.Filter):
    """Takes answers' headers out of what httpcore logs in detail: Argo CD puts sessions there."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if "receive_response_headers.complete" in text:
            record.msg = text.partition(" return_value=")[0]
        return True


logging.getLogger("httpcore.http11").addFilter(_NoSessions())


class Client:
    """
    A connection pool to one instance, with its credentials.

    Args:
        settings: The instance.

        reveal: Gives the text of a secret; reads references.

        now: The time, aware.

        transport: For tests. None for the network.
    """

    def __init__(
        self,
        settings: InstanceSettings,
        *,
        reveal: Callable[[Secret], str],
        now: Callable[[], datetime],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._reveal = reveal
        self._now = now
        self._session = _Session()
        self._circuit = Circuit(now)
        self._closed = threading.Event()
        self._skew: float | None = None
        timeouts = settings.timeouts
        self._http = httpx.Client(
            base_url=settings.url,
            timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
            follow_redirects=False,
            verify=tls_context(settings),
            # A token that Argo CD renews by cookie must not travel unseen.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            limits=httpx.Limits(max_connections=10, max_keepalive_connections=5),
            transport=transport,
            headers={"User-Agent": "gantry-argocd", "Accept": "application/json"},
        )
        self._connections = Connections()
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

    # --- reads ---

    def list_applications(self) -> bytes:
        """Fetch the projected list of everything that the instance is restricted to."""
        params = {"fields": PORTABLE_FIELDS}
        if self._settings.project:
            params["projects"] = self._settings.project
        if self._settings.selector:
            params["selector"] = self._settings.selector
        return self._get(
            "/api/v1/applications",
            params,
            doing="listing the applications",
            timeout=self._settings.timeouts.list,
            limit=LIST_LIMIT,
            # A sync always tries every instance (D5).
            always=True,
        )

    def application(self, key: AppKey, project: str, *, refresh: str | None = None) -> Any:
        """
        Fetch one Application in full; Argo CD's JSON.

        Args:
            key: Which one.

            project: Its project; without it Argo CD answers 403 for a missing one as well.

            refresh: ``normal`` or ``hard`` lets Argo CD compare it anew first, which may take
                as long as its controller likes.
        """
        params = {"appNamespace": key.namespace, "project": project}
        doing = f"reading {key.name}"
        timeout = None
        if refresh is not None:
            params["refresh"] = refresh
            doing, timeout = f"refreshing {key.name}", REFRESH_TIMEOUT
        body = self._get(_app_path(key), params, doing=doing, timeout=timeout)
        return decode(body, self.name)

    def own_namespace(self) -> str | None:
        """Ask for Argo CD's own namespace; None when the server does not say."""
        body = self._get("/api/v1/settings", {}, doing="reading its settings", always=True)
        settings = decode(body, self.name)
        found = settings.get("controllerNamespace") if isinstance(settings, dict) else None
        return found if isinstance(found, str) and found else None

    # --- questions about the server and ourselves ---

    def version(self) -> str:
        """Ask for the release of Argo CD; empty when it does not say."""
        answer = decode(self._get("/api/version", {}, doing="asking its version"), self.name)
        found = answer.get("Version") if isinstance(answer, dict) else None
        return found if isinstance(found, str) else ""

    def user(self) -> str | None:
        """
        Ask who the credentials are.

        Returns:
            None when they are nobody's; Argo CD answers 200 all the same (section 2).
        """
        body = self._get("/api/v1/session/userinfo", {}, doing="asking who we are")
        answer = decode(body, self.name)
        if not isinstance(answer, dict) or answer.get("loggedIn") is not True:
            return None
        return str(answer.get("username") or "")

    def can_sync(self, key: AppKey, project: str, own_namespace: str) -> bool:
        """Ask whether the credentials may sync an application; by policy alone (section 7)."""
        scope = [project, key.name] if key.namespace == own_namespace else [project, *key[1:]]
        path = "/".join(quote(part, safe="") for part in scope)
        body = self._get(
            f"/api/v1/account/can-i/applications/sync/{path}",
            {},
            doing="asking what we may do",
        )
        answer = decode(body, self.name)
        return isinstance(answer, dict) and answer.get("value") == "yes"

    def stream_opens(self, seconds: float) -> bool:
        """
        Say whether the stream of changes sends anything within *seconds*.

        Raises:
            ArgoCDError: If it is refused.
        """
        call = _Call(
            method="GET",
            path="/api/v1/stream/applications",
            params={"fields": "error,result.type,result.application.metadata.name"},
            headers={
                "Accept": "text/event-stream",  # exactly this, or no event stream (section 4)
                "Accept-Encoding": "identity",
            },
            doing="opening the stream",
            right="applications, get",
            seconds=seconds,
            limit=REFUSAL_LIMIT,
        )
        try:
            request = self._request(call, self._token())
            with closing(self._http.send(request, stream=True)) as response:
                if response.status_code != 200:
                    self._read(response, call, self._now() + timedelta(seconds=seconds))
                return next(response.iter_bytes(), None) is not None
        except httpx.ReadTimeout:
            return False
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, RuntimeError) as failure:
            problem = _transport_error(failure, self.name)
        raise problem from None

    # --- actions ---

    def sync(self, key: AppKey, project: str, request: SyncRequest) -> Any:
        """
        Request a sync; Argo CD's JSON of the Application.

        Argo CD has only written the request down when it answers. It is never sent twice: after
        a time-out the application tells by ``request_id`` whether it came through.
        """
        body: dict[str, Any] = {
            "appNamespace": key.namespace,
            "project": project,
            "dryRun": request.dry_run,
            "prune": request.prune,
            "infos": [
                {"name": name, "value": value}
                for name, value in (
                    (REQUEST_INFO, request.request_id),
                    (USER_INFO, request.requested_by),
                )
                if value
            ],
        }
        if request.force:
            # The hook strategy: "apply" would skip the application's hooks (section 6.1).
            body["strategy"] = {"hook": {"force": True}}
        answer = self._send(
            "POST",
            f"{_app_path(key)}/sync",
            body=body,
            doing=f"syncing {key.name}",
            right="applications, sync",
        )
        return decode(answer, self.name)

    def rollback(self, key: AppKey, project: str, number: int) -> Any:
        """
        Request that deployment *number* is deployed again; Argo CD's JSON of the Application.

        Argo CD keeps no correlation id with it, skips hooks, and asks no sync window.
        """
        answer = self._send(
            "POST",
            f"{_app_path(key)}/rollback",
            # Without the id, 0 included, Argo CD fails (section 6.3).
            body={"id": number, "appNamespace": key.namespace, "project": project},
            doing=f"rolling {key.name} back",
            right="applications, sync",
        )
        return decode(answer, self.name)

    def terminate(self, key: AppKey, project: str) -> None:
        """Request the end of the running operation."""
        self._send(
            "DELETE",
            f"{_app_path(key)}/operation",
            params={"appNamespace": key.namespace, "project": project},
            doing=f"terminating the operation of {key.name}",
            right="applications, sync",
        )

    # --- one request ---

    def _get(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        doing: str,
        timeout: float | None = None,
        limit: int = ANSWER_LIMIT,
        always: bool = False,
    ) -> bytes:
        return self._send(
            "GET", path, params=params, doing=doing, timeout=timeout, limit=limit, always=always
        )

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        doing: str,
        right: str = "applications, get",
        timeout: float | None = None,
        limit: int = ANSWER_LIMIT,
        always: bool = False,
    ) -> bytes:
        """
        Send a request with credentials; sign in anew once when they have run out.

        *always* sends it also to an instance that did not answer for a while.
        """
        call = _Call(
            method=method,
            path=path,
            params=dict(params or {}),
            body=body,
            doing=doing,
            right=right,
            seconds=timeout or self._settings.timeouts.read,
            limit=limit,
            always=always,
        )
        if not call.always:
            self._circuit.check()
        deadline = self._now() + timedelta(seconds=call.seconds)
        for pause in (*self._pauses(call), None):
            try:
                return self._authenticated(call)
            except errors.ArgoCDError as error:
                wait = max(error.retry_after or 0, pause or 0)
                late = self._now() + timedelta(seconds=wait) >= deadline
                if not error.transient or pause is None or late or self._closed.wait(wait):
                    raise
        msg = "the last try raises or returns"
        raise AssertionError(msg)

    def _pauses(self, call: _Call) -> list[float]:
        """Give the seconds between tries: a few, jittered, and only where asking twice is safe."""
        if call.method != "GET" or "refresh" in call.params:
            return []
        return [pause * random.uniform(0.5, 1.5) for pause in RETRY_PAUSES]  # noqa: S311

    def _authenticated(self, call: _Call) -> bytes:
        token = self._token()
        try:
            return self._exchange(call, token)
        except errors.Unauthenticated:
            if not self._settings.uses_password:
                raise
            # The call was refused before it did anything, so it may be sent again.
            self._session.forget(token)
            return self._exchange(call, self._token())

    def _exchange(self, call: _Call, token: Secret | None) -> bytes:
        deadline = self._now() + timedelta(seconds=call.seconds)
        try:
            request = self._request(call, token)
            with (
                self._connections.within(call.seconds + _GRACE),
                closing(self._http.send(request, stream=True)) as response,
            ):
                self._circuit.answered()
                self._note_time(response)
                return self._read(response, call, deadline)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, RuntimeError) as failure:
            problem = _transport_error(failure, self.name)
        except UnicodeEncodeError:
            problem = errors.Unauthenticated(
                "the credentials hold characters that no header can", instance=self.name
            )
        self._circuit.failed(problem)
        raise problem from None

    def _request(self, call: _Call, token: Secret | None) -> httpx.Request:
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
            timeout=httpx.Timeout(call.seconds, connect=self._settings.timeouts.connect),
        )

    def _note_time(self, response: httpx.Response) -> None:
        try:
            said = parsedate_to_datetime(response.headers.get("date", ""))
            self._skew = (said - self._now()).total_seconds()
        except (ValueError, TypeError):
            self._skew = None

    def _content(self, response: httpx.Response, call: _Call, deadline: datetime) -> bytes:
        success = response.status_code == 200
        limit = call.limit if success else REFUSAL_LIMIT
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > limit:
                if not success:
                    break
                raise errors.Malformed(
                    f"the answer is larger than {limit // 1024 // 1024} MB", instance=self.name
                )
            if self._now() > deadline:
                raise errors.TimedOut(
                    f"the answer did not end in time while {call.doing}", instance=self.name
                )
        return bytes(content) if success else self._without_secrets(bytes(content))

    def _read(self, response: httpx.Response, call: _Call, deadline: datetime) -> bytes:
        content_type = response.headers.get("content-type", "")
        content = self._content(response, call, deadline)
        if response.status_code != 200:
            refusal = Refusal(
                status=response.status_code,
                content_type=content_type,
                location=response.headers.get("location", ""),
                body=content,
                doing=call.doing,
                right=call.right,
            )
            error = explain(refusal, self.name)
            # What is too large now is too large in a moment (section 1).
            too_large = isinstance(error, errors.TooLarge)
            error.transient = response.status_code in TRANSIENT and not too_large
            error.retry_after = _seconds_of(response.headers.get("retry-after"))
            raise error
        if content_type.partition(";")[0].strip().lower() != "application/json":
            shown = shorten(content_type, 80) or "no content type"
            raise errors.NotArgoCD(f"answered 200 with {shown} instead of JSON", instance=self.name)
        return content

    # --- credentials ---

    def _headers(self, token: Secret | None) -> dict[str, str]:
        """Give what goes with every request: the configured headers, and who we are."""
        given = self._settings.headers.items()
        headers = {name: self._secret(value).reveal() for name, value in given}
        return headers if token is None else headers | {"Authorization": f"Bearer {token.reveal()}"}

    def _token(self) -> Secret:
        settings = self._settings
        if not settings.uses_password:
            return self._secret(settings.token)
        return self._session.token(self._now(), self._sign_in)

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

    def _sign_in(self) -> tuple[Secret, datetime | None]:
        call = _Call(
            method="POST",
            path="/api/v1/session",
            params={},
            body={
                "username": self._settings.username,
                "password": self._secret(self._settings.password).reveal(),
            },
            doing="signing in",
            right="",
            seconds=self._settings.timeouts.read,
            limit=ANSWER_LIMIT,
        )
        try:
            answer = decode(self._exchange(call, None), self.name)
        except errors.Unauthenticated:
            raise errors.LockedOut("the sign-in was refused", instance=self.name) from None
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise errors.Malformed("the sign-in gave no token", instance=self.name)
        return Secret(token), _expiry(token)


@attrs.frozen(kw_only=True)
class _Call:
    """One request, credentials aside."""

    method: str
    path: str
    params: dict[str, str]
    body: Any = attrs.field(default=None, repr=False)
    headers: dict[str, str] = attrs.field(factory=dict)
    doing: str
    right: str
    seconds: float
    limit: int
    always: bool = False


class _Session:
    """A token that is fetched once for all callers waiting (G3)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._expires: datetime | None = None
        self._refused: errors.LockedOut | None = None
        self._refused_at = datetime.min.replace(tzinfo=UTC)

    @property
    def present(self) -> Secret:
        """The token, as far as there is one; empty otherwise."""
        return self._token or Secret("")

    def token(self, now: datetime, sign_in: Callable[[], tuple[Secret, datetime | None]]) -> Secret:
        """Give the token; fetch one where there is none or it ends soon."""
        with self._lock:
            if self._token and (self._expires is None or now < self._expires - _RENEW_BEFORE):
                return self._token
            if self._refused is not None and now < self._refused_at + LOCKOUT:
                # Trying again would only keep the account locked.
                raise self._refused
            try:
                self._token, self._expires = sign_in()
            except errors.LockedOut as refused:
                self._token, self._refused, self._refused_at = None, refused, now
                raise
            self._refused = None
            return self._token

    def forget(self, token: Secret) -> None:
        """Drop *token*, unless somebody fetched another meanwhile."""
        with self._lock:
            if self._token == token:
                self._token = None


def _app_path(key: AppKey) -> str:
    return f"/api/v1/applications/{quote(key.name, safe='')}"


def _seconds_of(retry_after: str | None) -> float | None:
    """Read Retry-After in its form of seconds; a date is left to our own pauses."""
    return float(retry_after) if retry_after and retry_after.isdigit() else None


def _expiry(token: str) -> datetime | None:
    """Read ``exp`` of a JWT without checking it; None when there is none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, OSError):
        return None


def tls_context(settings: InstanceSettings) -> ssl.SSLContext:
    """
    Make what TLS needs: whom to trust, and who we are.

    The system's authorities count as well as the bundled ones: companies put theirs there.

    Raises:
        TLSFailed: If a file cannot be read.
    """
    if settings.url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used: redirects are not followed
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=certifi.where())
    if settings.insecure_skip_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if settings.ca_bundle.startswith("file:"):
            context.load_verify_locations(cafile=settings.ca_bundle.removeprefix("file:"))
        elif settings.ca_bundle:
            context.load_verify_locations(cadata=settings.ca_bundle)
    except (OSError, ValueError):
        raise errors.TLSFailed("caBundle cannot be read", instance=settings.name) from None
    if settings.client_certificate:
        key = settings.client_key.removeprefix("file:") or None
        try:
            context.load_cert_chain(settings.client_certificate.removeprefix("file:"), key)
        except (OSError, ValueError):
            raise errors.TLSFailed(
                "clientCertificate or clientKey cannot be read", instance=settings.name
            ) from None
    return context


_TIMEOUTS = (httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout)


def _transport_error(failure: Exception, instance: str) -> errors.ArgoCDError:
    """Say in the error tree what the transport met."""
    if isinstance(failure, httpx.ConnectTimeout):
        return errors.TimedOut("no connection within the time limit", instance=instance)
    if isinstance(failure, _TIMEOUTS):
        return errors.TimedOut("no answer within the time limit", instance=instance)
    if isinstance(failure, httpx.ConnectError):
        text = str(failure)
        if "CERTIFICATE" in text or "SSL" in text.upper():
            return errors.TLSFailed(_tls_words(text), instance=instance)
        reason = _reason(text)
        refused = reason == "connection refused"
        return errors.Unreachable(f"no connection ({reason})", instance=instance, transient=refused)
    if isinstance(failure, httpx.ProxyError):
        return errors.Unreachable("the HTTP proxy refused the connection", instance=instance)
    if isinstance(failure, httpx.DecodingError):
        return errors.Malformed("the answer cannot be decompressed", instance=instance)
    if isinstance(failure, httpx.RemoteProtocolError):
        return errors.Unreachable("the connection broke before the answer ended", instance=instance)
    if isinstance(failure, RuntimeError):
        return errors.Unreachable("the connection was closed", instance=instance)
    return errors.Unreachable("the connection broke", instance=instance)


def _reason(text: str) -> str:
    for mark, words in (
        ("refused", "connection refused"),
        ("Name or service", "the host name is unknown"),
        ("name resolution", "the host name cannot be resolved"),
        ("nodename", "the host name is unknown"),
        ("No address", "the host name has no address"),
        ("unreachable", "network unreachable"),
        ("No route", "no route to the host"),
        ("reset", "connection reset"),
    ):
        if mark in text:
            return words
    return "network error"


def _tls_words(text: str) -> str:
    for mark, words in (
        ("has expired", "the certificate has expired"),
        ("not yet valid", "the certificate is not valid yet"),
        ("self-signed", "the certificate is self-signed"),
        ("self signed", "the certificate is self-signed"),
        ("Hostname mismatch", "the certificate is for another host name"),
        ("IP address mismatch", "the certificate is for another address"),
        ("unable to get local issuer", "the certificate is of an unknown authority"),
        ("WRONG_VERSION_NUMBER", "the server does not speak TLS at this port"),
    ):
        if mark in text:
            return words
    return "TLS failed"
