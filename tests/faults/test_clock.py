"""A system clock that is set while calls are under way (issue 5)."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scene import TIMEOUTS
from servers import Front, Link, slow_drip

from gantry_argocd import errors
from gantry_argocd.client.calls import Client
from gantry_argocd.instances.hub import reveal
from gantry_argocd.settings import validate
from gantry_argocd.simulator import Simulator

STEPS = {"forward": timedelta(days=1), "backward": timedelta(days=-1)}


def stepping(step: timedelta) -> Callable[[], datetime]:
    """Make a clock that is set by *step* each time that it is read."""
    times = itertools.count(1)
    return lambda: datetime.now(UTC) + step * next(times)


def connect(url: str, step: timedelta, **settings: Any) -> Client:
    """Make a client whose system clock is set again and again."""
    given = {"name": "one", "argocdUrl": url, "timeouts": TIMEOUTS}
    found = validate({"instances": [given | settings]}, trusted=True).settings
    assert found is not None
    return Client(found.instances[0], reveal=reveal, now=stepping(step))


@pytest.fixture
def front() -> Iterator[Front]:
    """A port that answers as each test says."""
    with Front(target=1) as listening:
        yield listening
        listening.heal()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_an_answer_is_read_whatever_is_done_to_the_clock(
    step: timedelta, argocd: Simulator
) -> None:
    """Setting the clock makes no call a time-out, and signs nobody in anew."""
    client = connect(argocd.url, step, username="admin", password="simulator")
    for _ in range(3):
        assert json.loads(client.list_applications())["items"]
    client.close()

    assert sum(1 for r in argocd.requests if r.route == "session") == 1


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_an_answer_without_end_ends_whatever_is_done_to_the_clock(
    step: timedelta, front: Front
) -> None:
    """Setting the clock lets nobody wait for ever."""
    front.fault = slow_drip
    hasty = TIMEOUTS | {"read": "1s", "list": "1s"}
    client = connect(f"http://127.0.0.1:{front.port}", step, token="t", timeouts=hasty)
    began = time.monotonic()
    with pytest.raises(errors.TimedOut, match="did not end in time"):
        client.list_applications()
    assert time.monotonic() - began > 0.9
    client.close()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_busy_instance_is_asked_again_whatever_is_done_to_the_clock(
    step: timedelta, argocd: Simulator
) -> None:
    """Setting the clock takes no second try from a call, and gives it no third second."""
    argocd.faults.set("list", status=503, body="busy", times=1)
    client = connect(argocd.url, step, token=argocd.token)
    assert json.loads(client.list_applications())["items"]
    client.close()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_dead_instance_is_left_alone_whatever_is_done_to_the_clock(
    step: timedelta, front: Front
) -> None:
    """Setting the clock makes nobody hammer an instance that does not answer."""
    seen: list[bytes] = []

    def broken(link: Link) -> None:
        seen.append(link.request())

    front.fault = broken
    client = connect(f"http://127.0.0.1:{front.port}", step, token="t")
    for _ in range(6):
        with pytest.raises(errors.Unreachable):
            client.user()
    client.close()
    assert len(seen) == 3


def test_a_refused_password_is_left_alone_whatever_is_done_to_the_clock(argocd: Simulator) -> None:
    """Setting the clock does not lock an account by trying a wrong password again."""
    client = connect(argocd.url, STEPS["forward"], username="admin", password="wrong")
    for _ in range(4):
        with pytest.raises(errors.LockedOut):
            client.list_applications()
    client.close()
    assert sum(1 for r in argocd.requests if r.route == "session") == 1
