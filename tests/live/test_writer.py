"""What streams tell is written without a pause that nothing asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from gantry_argocd.catalogue.live import AFTER_FAILURE, Live
from gantry_argocd.instances.watch import Pace
from gantry_argocd.refs import AppKey
from waiting import eventually


class Between(threading.Event):
    """The news flag; lets something happen at the very moment when it is taken down."""

    def __init__(self, happen: Callable[[], None]) -> None:
        super().__init__()
        self._happen = happen

    def clear(self) -> None:
        """Take it down."""
        super().clear()
        happen, self._happen = self._happen, lambda: None
        teller = threading.Thread(target=happen)
        teller.start()
        teller.join(0.2)


class Stop(threading.Event):
    """Notes how long the writer wants to rest."""

    def __init__(self) -> None:
        super().__init__()
        self.rests: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Rest."""
        self.rests.append(timeout)
        return super().wait(0.001 if timeout else timeout)


def test_news_that_come_when_others_are_taken_up_cost_no_rest() -> None:
    """A change is written at once, though it came while another one was taken up."""
    written: list[set[AppKey]] = []
    hub: Any = SimpleNamespace(
        overhear=lambda _, results: {AppKey("one", "argocd", name) for name in results}
    )
    ledger: Any = SimpleNamespace(apply=lambda give: written.append(set(give.args[0]["one"])))
    stop = Stop()
    live = Live(
        hub,
        ledger,
        stop=stop,
        now=lambda: datetime.now(UTC),
        monotonic=time.monotonic,
        pace=Pace(),
    )
    live._news = Between(lambda: live.take_events("one", ["second"]))
    live._writer.start()
    live.take_events("one", ["first"])

    eventually(lambda: {key.name for keys in written for key in keys} == {"first", "second"})
    eventually(lambda: len(stop.rests) >= 2 * len(written))
    stop.set()
    live._news.set()
    live._writer.join(5)
    assert AFTER_FAILURE not in stop.rests
