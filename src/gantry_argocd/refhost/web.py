"""Requests and answers: routing by raw path segments, bodies, JSON, cookies, security headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote

import attrs
from starlette.requests import Request
from starlette.responses import Response

from gantry_argocd.hookspecs import Role
from gantry_argocd.refhost.problems import (
    HostError,
    Invalid,
    Missing,
    NotAllowed,
    NotSignedIn,
    TooLarge,
    WrongType,
)
from gantry_argocd.refhost.sessions import Principal
from gantry_argocd.refhost.trail import Actor, Record

LONGEST_BODY = 1024 * 1024
LONGEST_DISCARDED = 16 * LONGEST_BODY
"""How much of a too long body is read away, so that its sender gets to read the answer."""
LONGEST_FORM = 20_000
"""Fields. A configuration of many instances has thousands; the body's length is limited too."""

_IN_ADDRESSES = "/:?#[]@!$&'()*+,;=%~"

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)


@attrs.frozen(slots=False, eq=False)
class Call:
    """
    A request, on its way to a handler that runs in a thread.

    Attributes:
        request: Of Starlette; its body has been read.

        params: Path parameters, decoded.

        body: The whole body.

        signed_in: Who asks. None on public routes only.
    """

    request: Request
    params: Mapping[str, str]
    body: bytes
    signed_in: Principal | None

    @property
    def principal(self) -> Principal:
        """
        Who asks, where that is known.

        Raises:
            NotSignedIn: Nobody is signed in.
        """
        if self.signed_in is None:
            raise NotSignedIn("missing authentication credentials")
        return self.signed_in

    @property
    def address(self) -> str:
        """Where the request came from. Forwarding headers are not believed: anyone sends them."""
        return self.request.client.host if self.request.client else ""

    @property
    def secure(self) -> bool:
        """Whether the browser's side is TLS, so that cookies may be limited to that."""
        forwarded = self.request.headers.get("x-forwarded-proto", "")
        return self.request.url.scheme == "https" or forwarded == "https"

    @property
    def media_type(self) -> str:
        """The body's type without parameters, in lower case; empty when none is given."""
        return self.request.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def target(self) -> str:
        """Path and query as they came."""
        query = self.request.url.query
        return raw_path(self.request) + (f"?{query}" if query else "")

    def query(self, name: str, default: str = "") -> str:
        """Give a query parameter."""
        return self.request.query_params.get(name, default)

    def number(self, name: str, default: int, highest: int) -> int:
        """
        Read a query parameter that is a number from 0 on.

        Raises:
            Invalid: It is not.
        """
        text = self.query(name, str(default))
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise Invalid(f"{name} must be a number from 0 on")
        return min(int(text), highest)

    def acting(self, source: str) -> Actor:
        """Give the author of what this request writes."""
        return self.principal.acting(source, self.address)

    def json(self) -> Any:
        """
        Read the body as JSON.

        Raises:
            WrongType: It says that it is something else.

            Invalid: It is not JSON.
        """
        if self.media_type not in ("", JSON_TYPE):
            raise WrongType(f"the body must be {JSON_TYPE}")
        return parse_json(self.body)

    def json_object(self) -> dict[str, Any]:
        """
        Read the body as a JSON object.

        Raises:
            Invalid: It is something else.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise Invalid("invalid request body: expected a JSON object")
        return value

    @cached_property
    def form(self) -> Mapping[str, str]:
        """
        The fields of a plain form.

        Raises:
            WrongType: The body is no form.
        """
        if self.media_type != FORM_TYPE:
            raise WrongType(f"a form must be {FORM_TYPE}")
        try:
            text = self.body.decode()
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=LONGEST_FORM))
        except ValueError:
            raise Invalid("the form cannot be read") from None


Handler = Callable[[Call], Response]


@attrs.frozen
class Endpoint:
    """
    What answers a method and a path.

    Attributes:
        method: HTTP method; HEAD is answered as GET.

        path: With ``{name}`` for one raw segment.

        handler: Runs in a thread.

        role: The least role. None: public.

        attempt: What the trail says of a refused call, where that is worth keeping.

        summary: A few words about it. Empty where the host has its own.

        openapi: An OpenAPI operation object: what it takes and answers.
    """

    method: str
    path: str
    handler: Handler
    role: Role | None = "viewer"
    attempt: Callable[[Call], Record] | None = None
    summary: str = ""
    openapi: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def is_page(self) -> bool:
        """Whether people look at its answers."""
        return not self.path.startswith("/api/")

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Give the decoded path parameters when the raw *segments* fit."""
        mine = tuple(self.path.split("/")[1:])
        if len(mine) != len(segments):
            return None
        params: dict[str, str] = {}
        for pattern, segment in zip(mine, segments, strict=True):
            if pattern.startswith("{"):
                if not segment:
                    return None
                params[pattern[1:-1]] = unquote(segment, errors="replace")
            elif pattern != segment:
                return None
        return params


class Router:
    """Finds the endpoint of a request. The first that fits answers."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._by_length: dict[int, list[Endpoint]] = {}
        for endpoint in endpoints:
            self._by_length.setdefault(endpoint.path.count("/"), []).append(endpoint)

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
        """
        Find who answers.

        Raises:
            Missing: Nobody has that path.

            NotAllowed: Somebody has, but not with this method.
        """
        method = "GET" if method == "HEAD" else method
        segments = tuple(path.split("/")[1:])
        allowed: set[str] = set()
        for endpoint in self._by_length.get(len(segments), ()):
            params = endpoint.match(segments)
            if params is None:
                continue
            if endpoint.method == method:
                return endpoint, params
            allowed.add(endpoint.method)
        if allowed:
            names = ", ".join(sorted(allowed))
            raise NotAllowed(f"method not allowed, allowed: {names}", headers={"Allow": names})
        raise Missing("not found")


class Authenticator(Protocol):
    """Finds out who asks."""

    def identify(self, authorization: str | None, cookie: str | None) -> Principal:
        """Give who asks, or raise :class:`NotSignedIn`."""


async def read_body(request: Request) -> bytes:
    """
    Read the whole body, up to the limit.

    Raises:
        TooLarge: There is more.
    """
    body = bytearray()
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length <= LONGEST_BODY:
            body += chunk
        elif length > LONGEST_DISCARDED:
            break
    if length > LONGEST_BODY:
        raise TooLarge(
            f"the body is longer than {LONGEST_BODY} bytes", headers={"Connection": "close"}
        )
    return bytes(body)


def parse_json(body: bytes | str) -> Any:
    """
    Read JSON strictly.

    Raises:
        Invalid: It is not JSON, or has text or numbers that JSON does not know.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()  # finds lone surrogates
    except (ValueError, RecursionError):
        raise Invalid("invalid request body: not valid JSON") from None
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def raw_path(request: Request) -> str:
    """Give the path as it came, with its percent signs."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.split(b"?")[0].decode("ascii", errors="replace")


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(body, status, dict(headers or {}), media_type=JSON_TYPE)


def no_content() -> Response:
    """Answer 204."""
    return Response(status_code=204)


def failure(error: HostError) -> Response:
    """Answer an error as JSON."""
    return json_response(error.as_json(), error.status, error.headers)


def redirect(location: str) -> Response:
    """Send the browser elsewhere with GET. What a header cannot hold is escaped; ``%`` stays."""
    escaped = quote(location, safe=_IN_ADDRESSES, errors="replace")
    return Response(status_code=303, headers={"Location": escaped})


def secured(response: Response) -> Response:
    """Add the headers that every answer has."""
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    headers.setdefault("Cache-Control", "no-store")
    return response
