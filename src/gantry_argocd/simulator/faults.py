"""Faults on purpose: what proxies, outages and broken connections make of an answer."""

from __future__ import annotations

import threading
from typing import Any

import attrs

from .gojson import Json

LOGIN_PAGE = (
    "<!doctype html><html><head><title>Sign in</title></head>"
    "<body><form action='/oauth2/start'><button>Sign in with SSO</button></form></body></html>"
)
ANY = "*"


@attrs.frozen(kw_only=True)
class Fault:
    """What to do to an answer instead of giving it; *delay* alone only slows it down."""

    status: int | None = None
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    redirect: str | None = None
    close: bool = False
    truncate: bool = False


class Faults:
    """The faults in force by kind of route; ``*`` stands for every kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, tuple[Fault, int | None]] = {}

    def set(
        self,
        route: str,
        *,
        status: int | None = None,
        body: str | Json = "",
        content_type: str | None = None,
        headers: dict[str, str] | None = None,
        delay: float = 0.0,
        html: bool = False,
        redirect: str | None = None,
        close: bool = False,
        truncate: bool = False,
        times: int | None = None,
    ) -> None:
        """Answer requests of *route* with a fault, *times* times or until cleared.

        *html* is the login page of an SSO proxy with status 200; *close* ends the connection before
        any header; *truncate* sends half of the real answer; *delay* is in seconds.
        """
        if isinstance(body, dict):
            from .gojson import encode

            body, content_type = encode(body).decode(), content_type or "application/json"
        if html:
            status, body = status or 200, body or LOGIN_PAGE
            content_type = content_type or "text/html; charset=utf-8"
        fault = Fault(
            status=status,
            body=body,
            content_type=content_type or "text/plain; charset=utf-8",
            headers=tuple((headers or {}).items()),
            delay=delay,
            redirect=redirect,
            close=close,
            truncate=truncate,
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
