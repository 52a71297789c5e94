"""
What every fault is held to: it costs its own instance its freshness, and nobody anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from scene import (
    CANARIES,
    HASTY,
    TIMEOUTS,
    Bad,
    Scene,
    everything_said,
    open_sockets,
    plugin_threads,
    revise,
)
from servers import Fault

from gantry_argocd import errors
from gantry_argocd.simulator import Simulator
from waiting import eventually

BAD = {"bad-a", "bad-b", "bad-c"}


@attrs.frozen
class Case:
    """
    A fault and what is to come of it.

    Attributes:
        name: For the test's id.

        fault: Makes the instance misbehave.

        error: What its list fails with. None when it succeeds all the same.

        words: What the report says of it.

        state: What the report calls the instance.

        hasty: Only the time limit ends it, which is therefore a short one.

        everywhere: Whether the panel meets the fault as well.
    """

    name: str
    fault: Callable[[Bad], None]
    error: type[errors.ArgoCDError] | None = None
    words: str = ""
    state: str = "failed"
    hasty: bool = False
    everywhere: bool = False


def broken(fault: Fault) -> Callable[[Bad], None]:
    """Break every connection in that way."""

    def apply(bad: Bad) -> None:
        bad.front.fault = fault

    return apply


def answering(route: str = "list", **fault: Any) -> Callable[[Bad], None]:
    """Answer requests of a kind with a fault of the simulator's."""

    def apply(bad: Bad) -> None:
        bad.simulator.faults.set(route, **fault)

    return apply


def cases(*table: Case) -> Any:
    """Give the parameters of a test."""
    return pytest.mark.parametrize("case", table, ids=lambda case: case.name)


def hold(case: Case, good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture) -> None:
    """Let *case* happen between two times that all is well, and look at everything."""
    caplog.set_level("INFO")
    sockets, threads = open_sockets(), plugin_threads()
    config = bad.config | ({"timeouts": HASTY} if case.hasty else {})
    with Scene(good_config(good), config) as scene:
        if case.hasty:
            recovers(scene)
        before = scene.host.named("")
        assert before == {"good-a", "good-b", *BAD}
        assert not scene.host.stale()
        during(case, scene, good, bad, caplog)
        afterwards(case, scene, bad)
        assert_no_canary(scene, caplog, bad)
    eventually(lambda: plugin_threads() - threads, lambda left: not left)
    eventually(open_sockets, lambda now: now <= sockets)


def good_config(good: Simulator) -> dict[str, Any]:
    """Give the configuration of the instance that does what it should."""
    return {
        "name": "good",
        "argocdUrl": good.url,
        "token": good.token,
        "timeouts": TIMEOUTS,
    }


def during(
    case: Case, scene: Scene, good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """Look at a sync that meets the fault."""
    sync_state = revise(good, "good-a")
    scene.events.clear()
    # The bad one has not failed before the good one is written, however long that takes.
    scene.clients["bad"].before_failing = lambda: eventually(
        lambda: "good-a update" in scene.events
    )
    case.fault(bad)
    report = scene.sync()

    # The other one is well, and written.
    assert report["good"]["state"] == "ok"
    assert f"={sync_state}/" in scene.host.notes("good-a")["argocd.io/apps"]
    assert not scene.host.stale() & {"good-a", "good-b"}
    if "bad failed" in scene.events:  # what the client let through fails when it is read
        assert scene.events.index("good-a update") < scene.events.index("bad failed")
    # Nothing is removed.
    assert report[""]["removed"] == report[""]["retired"] == 0
    assert scene.host.named("bad") == BAD
    # The report says what happened.
    assert report["bad"]["state"] == case.state, report["bad"]
    if case.error is not None:
        assert scene.host.stale() == BAD
        assert_error(case, scene, report)
    if case.everywhere:
        # The page shows the last known state and says what failed.
        panel = scene.panel("bad-a")
        assert "bad:bad-a" in panel
        assert "OutOfSync" in panel
        assert case.words in panel, panel
        assert_no_canary(scene, caplog, bad, panel, scene.card("bad-a"))
    assert_no_canary(scene, caplog, bad, report)


def assert_error(case: Case, scene: Scene, report: Any) -> None:
    """Look at the error and its help."""
    error = scene.failure("bad")
    assert isinstance(error, case.error), (type(error), str(error))
    assert error.instance == "bad"
    assert case.words in report["bad"]["error"], report["bad"]["error"]
    assert any(case.words in text for text in report[""]["errors"])
    shown = scene.instance("bad")
    assert shown["state"] == "failed"
    assert case.words in shown["error"]
    assert shown["help"]
    assert shown["help"] == error.help
    assert error.as_json()["code"] == case.error.code
    assert len(str(error)) < 400
    assert error.__cause__ is error.__context__ is None or error.__suppress_context__


def recovers(scene: Scene) -> None:
    """Wait for a sync that the bad one answers: a loaded machine may miss a short time limit."""
    eventually(lambda: scene.sync()["bad"], lambda bad: bad["state"] == "ok")


def afterwards(case: Case, scene: Scene, bad: Bad) -> None:
    """Look at a sync after the fault has ended."""
    bad.heal()
    if case.hasty:
        recovers(scene)
    else:
        report = scene.sync()
        assert report["bad"]["state"] == "ok", report["bad"]
    assert not scene.host.stale()
    assert scene.host.named("bad") == BAD
    assert scene.instance("bad")["error"] is None


def assert_no_canary(
    scene: Scene, caplog: pytest.LogCaptureFixture, bad: Bad, *more: object
) -> None:
    """Search everything that was said for secrets."""
    said = everything_said(scene, caplog, *more)
    token = bad.simulator.token
    for canary in (*CANARIES, token, token.split(".")[2]):
        at = said.find(canary)
        assert at < 0, f"{canary} in ...{said[max(at - 200, 0) : at + 100]}"
