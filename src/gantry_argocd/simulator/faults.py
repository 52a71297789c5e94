"""Faults on purpose: what proxies, outages and broken connections make of an answer."""

from __future__ import annotations

import enum
import threading
from typing import Any

import attrs

from .codes import CallFailed, Code
from .gojson import Json, encode

LOGIN_PAGE = (
    "<!doctype html><html><head><title>Sign in</title></head>"
    "<body><form action='/oauth2/start'><button>Sign in with SSO</button></form></body></html>"
)
ANY = "*"


class End(enum.Enum):
    """How a connection goes on after what a fault sent."""

    CLOSE = "close"
    RESET = "reset"
    # It stays open and nothing comes any more.
    HANG = "hang"


class Mangling(enum.Enum):
    """What is wrong with an answer that arrives whole."""

    CUT_JSON = "cut-json"
    NULL_ITEMS = "null-items"
    DUPLICATES = "duplicates"
    WRONG_TYPES = "wrong-types"


@attrs.frozen(kw_only=True)
class Fault:
    """What to do to an answer, or instead of giving it.

    Attributes:
        delay: Seconds before anything happens; alone it only slows the answer down.

        status: Status of an answer in place of the real one.

        redirect: Where a redirect in place of the real answer goes.

        raw: Bytes in place of an HTTP answer, before *end*.

        end: How the connection ends before, or instead of, an answer.

        truncate: Send half of the answer, then *end*.

        drip: Seconds between two bytes of the body.

        megabytes: Size of an answer of blanks in place of the real one.

        bomb: Send those megabytes compressed.

        mangle: What is wrong with the real answer.
    """

    delay: float = 0.0
    status: int | None = None
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    redirect: str | None = None
    raw: bytes = b""
    end: End | None = None
    truncate: bool = False
    drip: float = 0.0
    megabytes: int = 0
    bomb: bool = False
    mangle: Mangling | None = None


class Faults:
    """The faults in force by kind of route; ``*`` stands for every kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, tuple[Fault, int | None]] = {}

    def set(
        self,
        route: str,
        *,
        times: int | None = None,
        status: int | None = None,
        code: int | None = None,
        message: str = "",
        nested: bool = False,
        body: str | Json = "",
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
        html: bool = False,
        redirect: str | None = None,
        close: bool = False,
        reset: bool = False,
        hang: bool = False,
        raw: str = "",
        mangle: str | None = None,
        **more: Any,
    ) -> None:
        """Answer requests of *route* with a fault, *times* times or until cleared.

        *code* and *message* are an error of Argo CD's own, *nested* one in the shape of a stream's.
        *html* is the login page of an SSO proxy with status 200. *close*, *reset* and *hang* end
        the connection before any header, or after *raw*, or, with *truncate*, in the middle of the
        body. *more* are the other attributes of `Fault`.
        """
        if code is not None:
            failure = CallFailed(Code(code), message)
            body = failure.streamed() if nested else failure.unary()
            status = status or failure.code.http
        if isinstance(body, dict):
            body, content_type = encode(body).decode(), content_type or "application/json"
        if html:
            status, body = status or 200, body or LOGIN_PAGE
            content_type = content_type or "text/html; charset=utf-8"
        fault = Fault(
            status=status,
            body=body.encode(),
            content_type=content_type or "text/plain; charset=utf-8",
            headers=tuple((headers or {}).items()),
            redirect=redirect,
            raw=raw.encode("latin-1"),
            end=_end(close=close, reset=reset, hang=hang, raw=raw),
            mangle=None if mangle is None else Mangling(mangle),
            **more,
        )
        with self._lock:
            self._faults[route] = (fault, times)

    def set_from(self, request: dict[str, Any]) -> None:
        """Set a fault from a JSON body with the same names; raises TypeError for others."""
        options = dict(request)
        self.set(str(options.pop("route", ANY)), **options)

    def clear(self, route: str | None = None) -> None:
        """End the faults of one kind of route, or all of them."""
        with self._lock:
            if route is None:
                self._faults.clear()
            else:
                self._faults.pop(route, None)

    def take(self, route: str) -> Fault | None:
        """Return the fault for a request of *route* and count it."""
        with self._lock:
            key = route if route in self._faults else ANY
            if key not in self._faults:
                return None
            fault, times = self._faults[key]
            if times is not None:
                if times <= 1:
                    del self._faults[key]
                else:
                    self._faults[key] = (fault, times - 1)
            return fault


def _end(*, close: bool, reset: bool, hang: bool, raw: str) -> End | None:
    if hang:
        return End.HANG
    if reset:
        return End.RESET
    return End.CLOSE if close or raw else None
