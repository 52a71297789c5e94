"""
Following an instance: one thread on its stream of changes (D7, ``argocd-api.md`` section 4).

The stream promises little. It says nowhere that its first picture is complete, loses events
silently, starts with a gap, and a proxy may swallow it whole. So every stream is confirmed by a
list once it is up, every loss is followed by a list, and a stream that does not come is replaced
by lists.
"""

from __future__ import annotations

import logging
import random
import threading
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from .. import errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ..client.calls import Client

LOG = logging.getLogger("gantry_argocd")


@attrs.frozen(kw_only=True)
class Pace:
    """
    How long a follower waits for what, in seconds.

    Attributes:
        silence: A stream that says nothing for so long is dead: Argo CD gives a sign of life every
            15 s.

        settle: Without events for so long the first picture of a stream is taken as whole, and
            confirmed by a list.

        life: After so long a stream is opened anew, so that the credentials are checked again; the
            server never ends one itself.

        first: Before the first try to reconnect; doubled with each failure, and jittered.

        longest: Between two tries.

        confirm: Longest that such a list waits for a pause between events.

        steady: A stream that lasted so long was a good one: the next try comes soon.

        poll: Between two lists of an instance whose stream does not come through.
    """

    silence: float = 50.0
    settle: float = 1.0
    life: float = 3600.0
    first: float = 0.5
    longest: float = 60.0
    confirm: float = 15.0
    steady: float = 20.0
    poll: float = 60.0


QUIET_STREAMS = 2
"""Streams that said nothing, though there are applications, before it is polled instead."""

POLLS = 10
"""Lists before an instance that is polled is asked for its stream again."""


class Followed(Protocol):
    """What a follower works for."""

    def relist(self, name: str) -> bool:
        """List an instance and bring the catalogue in line; say whether both came about."""

    def take_events(self, name: str, results: list[Any]) -> None:
        """Take in what the stream sent, Argo CD's JSON."""

    def has_apps(self, name: str) -> bool:
        """Say whether the last list had any application."""


@attrs.frozen(kw_only=True)
class FollowState:
    """
    How following an instance goes.

    Attributes:
        state: ``starting``, ``live``, ``quiet`` (nothing has come yet, and nothing need have),
            ``reconnecting``, ``polling`` (its stream does not come through), ``ended``.

        since: Since when.

        error: What went wrong last. None when it goes well.

        heard_at: When the stream last gave a sign of life. None when it has not yet.
    """

    state: str
    since: datetime
    error: errors.ArgoCDError | None = None
    heard_at: datetime | None = None


class Follower:
    """
    One thread that follows one instance.

    Args:
        name: Of the instance.

        client: Gives its client.

        followed: Whom to tell.

        stop: Set when all is to end.

        now: The time, aware.

        monotonic: Seconds that pass.

        pace: How long to wait for what.
    """

    def __init__(
        self,
        name: str,
        client: Callable[[], Client],
        followed: Followed,
        *,
        stop: threading.Event,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._name = name
        self._client = client
        self._followed = followed
        self._stop = stop
        self._now = now
        self._monotonic = monotonic
        self._pace = pace
        self._state = FollowState(state="starting", since=now())
        self._thread = threading.Thread(target=self._run, name=f"argocd-watch-{name}", daemon=True)
        self._failures = 0
        self._silent = 0
        self._last_event = 0.0

    def start(self) -> None:
        """Begin. The first list is somebody else's."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the end."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    @property
    def state(self) -> FollowState:
        """How it goes."""
        return self._state

    # --- the thread ---

    def _run(self) -> None:
        while not self._stop.is_set():
            began = self._monotonic()
            try:
                self._follow()
            except (errors.NotArgoCD, errors.Rejected, errors.NotFound) as error:
                self._silent = QUIET_STREAMS
                self._become("polling", error)
            except errors.ArgoCDError as error:
                self._become("reconnecting", error)
            except Exception as failure:  # noqa: BLE001  following must go on
                LOG.error("following %s: %s", self._name, type(failure).__name__)  # noqa: TRY400
                self._become("reconnecting")
            lasted = self._monotonic() - began
            self._failures = 0 if lasted >= self._pace.steady else self._failures + 1
            self._catch_up()
        self._become("ended")

    def _follow(self) -> None:
        """Follow one stream to its end."""
        life = self._pace.life * random.uniform(0.9, 1.0)  # noqa: S311  no secret
        ends = self._monotonic() + life
        over = threading.Event()
        try:
            with self._client().stream_applications(
                seconds=life, patience=self._pace.silence
            ) as results:
                for batch in results:
                    if self._stop.is_set():
                        return
                    self._hear(batch, over)
                    batch.clear()  # whole Applications: the next one may come in an hour
        except errors.TimedOut:
            if self._monotonic() < ends and self._state.state == "live":
                raise
        finally:
            over.set()
        if self._state.state != "live":
            self._heard_nothing()
        else:
            self._become("reconnecting")

    def _hear(self, batch: list[Any], over: threading.Event) -> None:
        now = self._now()
        if batch:
            self._last_event = self._monotonic()
        if self._state.state == "live":
            self._state = attrs.evolve(self._state, heard_at=now)
        else:
            self._silent = 0
            self._last_event = self._monotonic()
            self._state = FollowState(state="live", since=now, heard_at=now)
            threading.Thread(
                target=self._confirm, args=(over,), name="argocd-confirm", daemon=True
            ).start()
        if batch:
            self._followed.take_events(self._name, batch)

    def _confirm(self, over: threading.Event) -> None:
        """List once the first picture of a stream seems whole: what came between was not told."""
        began = self._monotonic()
        while not over.wait(self._pace.settle):
            now = self._monotonic()
            calm = now - self._last_event >= self._pace.settle
            if calm or now - began >= self._pace.confirm:
                break
        pause = self._pace.first
        while not (over.is_set() or self._stop.is_set() or self._followed.relist(self._name)):
            over.wait(pause)
            pause = min(2 * pause, self._pace.longest)

    def _heard_nothing(self) -> None:
        if self._followed.has_apps(self._name):
            self._silent += 1
        self._become("polling" if self._silent >= QUIET_STREAMS else "quiet")

    def _catch_up(self) -> None:
        """List before the next stream, or instead of it."""
        polling = self._silent >= QUIET_STREAMS
        for _ in range(POLLS if polling else 1):
            if self._stop.wait(self._pace.poll if polling else self._pause()):
                return
            while not self._followed.relist(self._name):
                self._failures += 1
                if self._stop.wait(self._pause()):
                    return
        # One that is tried again has one chance only.
        self._silent = min(self._silent, QUIET_STREAMS - 1)

    def _pause(self) -> float:
        """Give the seconds to the next try."""
        pause = self._pace.first * 2.0 ** min(self._failures, 16)
        return min(pause, self._pace.longest) * random.uniform(0.5, 1.0)  # noqa: S311

    def _become(self, state: str, error: errors.ArgoCDError | None = None) -> None:
        before = self._state
        new = error is not None and (before.error is None or str(before.error) != str(error))
        if new and not self._stop.is_set():  # ending it breaks its connection
            LOG.warning("following %s: %s", self._name, error)
        since = before.since if before.state == state else self._now()
        self._state = FollowState(state=state, since=since, error=error, heard_at=before.heard_at)
