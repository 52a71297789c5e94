"""
A user name and a password, exchanged for a token once for all who wait (G3).
"""

from __future__ import annotations

import base64
import math
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from .. import errors
from ..settings import Secret
from ..wire import loads

if TYPE_CHECKING:
    from collections.abc import Callable

LOCKOUT = 300.0
"""Seconds: Argo CD refuses an account that long after five failed sign-ins (section 2)."""

_RENEW_BEFORE = 360.0
"""Seconds: Argo CD mints a new token of its own in the last five minutes; be earlier."""

_RENEW_LATEST = 0.8
"""Part of a token's life after which it is renewed, where that is later: lives can be short."""


class Session:
    """
    The token of an account, and the memory that a sign-in was refused.

    Args:
        monotonic: Seconds that pass, whatever is done to the system's clock.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renew_at = math.inf
        self._refused: errors.LockedOut | None = None
        self._refused_until = -math.inf
        self._under_way: Future[Secret] | None = None

    @property
    def present(self) -> Secret:
        """The token, as far as there is one; empty otherwise."""
        return self._token or Secret("")

    def token(self, sign_in: Callable[[], tuple[Secret, float | None]], ends: float) -> Secret:
        """
        Give the token; fetch one where there is none or it ends soon.

        Whoever comes while it is fetched gets what comes of it, be it an error.

        Args:
            sign_in: Fetches a token; says for how many seconds it is good, where it knows.

            ends: Until when to wait for somebody else's sign-in.

        Raises:
            ArgoCDError: If there is none to be had.
        """
        with self._lock:
            if self._token and self._monotonic() < self._renew_at:
                return self._token
            if self._refused is not None and self._monotonic() < self._refused_until:
                # Trying again would only keep the account locked.
                raise self._refused
            others, mine = self._under_way, Future[Secret]()
            if others is None:
                self._under_way = mine
        if others is None:
            self._fetch(sign_in, mine)
            return mine.result()
        try:
            return others.result(max(ends - self._monotonic(), 0))
        except TimeoutError:
            raise errors.TimedOut("the sign-in did not end in time") from None

    def _fetch(
        self, sign_in: Callable[[], tuple[Secret, float | None]], under_way: Future[Secret]
    ) -> None:
        try:
            token, seconds = sign_in()
        except BaseException as failure:  # noqa: BLE001  those who wait must hear of it
            with self._lock:
                self._under_way = None
                if isinstance(failure, errors.LockedOut):
                    self._token, self._refused = None, failure
                    self._refused_until = self._monotonic() + LOCKOUT
            under_way.set_exception(failure)
            return
        with self._lock:
            self._under_way, self._token, self._refused = None, token, None
            self._renew_at = self._monotonic() + _good_for(seconds)
        under_way.set_result(token)

    def forget(self, token: Secret) -> None:
        """Drop *token*, unless somebody fetched another meanwhile."""
        with self._lock:
            if self._token == token:
                self._token = None


def _good_for(seconds: float | None) -> float:
    """Give the seconds until a token is to be renewed; one that does not say is good until 401."""
    if seconds is None or seconds <= 0:
        return math.inf
    return max(seconds - _RENEW_BEFORE, seconds * _RENEW_LATEST)


def lifetime(token: str) -> float | None:
    """
    Read from a JWT, without checking it, how many seconds it is good for.

    From its own two times alone: neither our clock nor the server's has to be right.

    Returns:
        None when it does not say.
    """
    try:
        payload = token.split(".")[1]
        claims = loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"]) - float(claims["iat"])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError):
        return None
