"""Faults in the middle of what people do, and credentials that end (issue 5)."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from matrix import assert_no_canary, good_config
from scene import Bad, Scene, everything_said, open_sockets, plugin_threads
from servers import Clock, Link, Silent, black_hole, taken_late

from gantry_argocd.simulator import Simulator
from waiting import eventually

APP = "bad:bad-a"
REFUSED = {"error": "invalid session", "code": 16, "message": "invalid session"}


def count(simulator: Simulator, route: str, method: str = "") -> int:
    """Count the requests of a kind that arrived."""
    return sum(1 for r in simulator.requests if r.route == route and method in {"", r.method})


def request_id(simulator: Simulator) -> str:
    """Give the correlation id of the last sync that arrived."""
    sync = [r for r in simulator.requests if r.route == "sync"][-1]
    assert isinstance(sync.body, dict)
    (value,) = [info["value"] for info in sync.body["infos"] if info["name"] == "gantry-request"]
    return str(value)


def signing_in(bad: Bad, **more: Any) -> dict[str, Any]:
    """Give the configuration of an instance that is signed in to with a password."""
    return bad.config | {"token": "", "authMode": "credentials", "password": "simulator"} | more


def idle(bad: Bad) -> None:
    """Wait until the last sync that arrived was carried out and has ended."""
    eventually(lambda: count(bad.simulator, "sync"))
    name = request_id(bad.simulator)

    def ended() -> bool:
        app = bad.simulator.fleet.get("bad-a")
        assert app is not None
        state = app["status"].get("operationState", {})
        return "operation" not in app and name in str(state) and state["phase"] != "Running"

    eventually(ended)


def test_a_session_that_ends_at_a_sync_is_renewed_and_the_sync_sent_once_more(bad: Bad) -> None:
    """A refused sync did nothing, so it is sent again with a new session; people see no error."""
    with Scene(signing_in(bad)) as scene:
        assert count(bad.simulator, "session") == 1
        bad.simulator.faults.set("sync", status=401, body=REFUSED, times=1)
        status, body = scene.act("sync", APP)
        assert status == 200, body
        assert count(bad.simulator, "session") == 2
        assert count(bad.simulator, "sync") == 2
        idle(bad)


def test_a_session_that_is_refused_again_and_again_makes_no_loop(bad: Bad) -> None:
    """One new sign-in and one more try, and then the error; the account is not locked."""
    with Scene(signing_in(bad)) as scene:
        bad.simulator.faults.set("sync", status=401, body=REFUSED)
        status, body = scene.act("sync", APP)
        assert (status, body["code"]) == (502, "unauthenticated")
        assert body["help"]
        assert (count(bad.simulator, "session"), count(bad.simulator, "sync")) == (2, 2)
        assert [r["outcome"] for r in scene.host.trail] == ["refused"]


def test_a_session_that_is_revoked_is_renewed_before_the_list(bad: Bad) -> None:
    """A session that Argo CD forgets costs one sign-in, and no sync of the catalogue fails."""
    with Scene(signing_in(bad)) as scene:
        bad.simulator.faults.set("list", status=401, body=REFUSED, times=1)
        assert scene.sync()["bad"]["state"] == "ok"
        assert count(bad.simulator, "session") == 2


def test_a_sync_that_was_accepted_but_not_answered_in_time_is_found(bad: Bad) -> None:
    """Argo CD took the sync and was slow to say so: the operation is shown, and sent only once."""

    def late(link: Link) -> None:
        request = link.request()
        if not request.startswith(b"POST"):
            bad.front.relay(link, request)
            return
        bad.front.relay(Silent(), request)
        clock.exhaust(link)
        black_hole(link)

    clock = Clock()
    with Scene(bad.config, monotonic=clock) as scene:
        bad.front.fault = late
        status, body = scene.act("sync", APP)
        assert status == 200, body
        assert count(bad.simulator, "sync") == 1
        assert body["operation"]["phase"] in {"Queued", "Running", "Succeeded"}
        (record, *_) = scene.host.trail
        assert record["outcome"] == "requested"
        assert record["requestId"] == request_id(bad.simulator)
        idle(bad)


def test_a_sync_that_argo_cd_takes_later_is_not_sent_twice(bad: Bad) -> None:
    """The time limit is over before Argo CD has taken the sync: people are told that it is."""
    clock, told = Clock(), threading.Event()
    with Scene(bad.config, monotonic=clock) as scene:
        bad.front.fault = taken_late(bad.front, clock, told)
        status, body = scene.act("sync", APP)
        told.set()
        assert (status, body["code"]) == (504, "timeout")
        assert body["instance"] == "bad"
        idle(bad)
        assert count(bad.simulator, "sync") == 1


def test_a_sync_that_was_accepted_and_lost_its_connection_is_found(bad: Bad) -> None:
    """The connection broke after Argo CD took the sync: the operation is shown, sent only once."""

    def lost(link: Link) -> None:
        request = link.request()
        if request.startswith(b"POST"):
            bad.front.relay(Silent(), request)
            link.reset()
        else:
            bad.front.relay(link, request)

    with Scene(bad.config) as scene:
        bad.front.fault = lost
        status, body = scene.act("sync", APP)
        assert status == 200, body
        assert count(bad.simulator, "sync") == 1
        assert scene.host.trail[0]["requestId"] == request_id(bad.simulator)
        idle(bad)


def test_a_sync_that_never_arrived_is_told_and_not_sent_twice(bad: Bad) -> None:
    """The connection broke before Argo CD took the sync: people are told, and decide themselves."""
    with Scene(bad.config) as scene:
        bad.simulator.faults.set("sync", close=True)
        status, body = scene.act("sync", APP)
        assert (status, body["code"]) == (502, "unreachable")
        assert body["help"]
        assert count(bad.simulator, "sync") == 1
        assert [r["message"] for r in scene.host.trail] == [body["error"]]


def test_a_sync_whose_fate_is_unknown_is_not_on_record_as_refused(bad: Bad) -> None:
    """Who reads the trail is not told that a sync was refused that Argo CD may carry out."""
    clock, told = Clock(), threading.Event()
    with Scene(bad.config, monotonic=clock) as scene:
        bad.front.fault = taken_late(bad.front, clock, told)
        status, _ = scene.act("sync", APP)
        told.set()
        assert status == 504
        idle(bad)
        assert scene.host.trail[0]["outcome"] != "refused"


def test_a_list_that_argo_cd_finds_too_large_is_asked_for_once(bad: Bad) -> None:
    """What is too large today is too large in a second: Argo CD is not made to read it thrice."""
    text = "grpc: received message larger than max (300000000 vs. 209715200)"
    with Scene(bad.config) as scene:
        bad.simulator.requests.clear()
        bad.simulator.faults.set("list", status=429, body=REFUSED | {"code": 8, "message": text})
        assert "larger than Argo CD allows" in scene.sync()["bad"]["error"]
        assert count(bad.simulator, "list") == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_sync_that_a_proxy_refuses_is_not_sent_twice(bad: Bad, status: int) -> None:
    """A proxy's failure leaves open whether the sync came through, so it is never repeated."""
    with Scene(bad.config) as scene:
        bad.simulator.faults.set("sync", status=status, body="busy", headers={"Retry-After": "0"})
        answered, body = scene.act("sync", APP)
        assert answered in {502, 504}
        assert body["help"]
        assert count(bad.simulator, "sync") == 1


def test_a_sync_that_was_accepted_behind_a_gateway_time_out_is_found(bad: Bad) -> None:
    """A proxy gave up, but Argo CD had taken the sync: the operation is shown."""

    def gave_up(link: Link) -> None:
        request = link.request()
        if request.startswith(b"POST"):
            bad.front.relay(Silent(), request)
            link.send(
                b"HTTP/1.1 504 Gateway Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
        else:
            bad.front.relay(link, request)

    with Scene(bad.config) as scene:
        bad.front.fault = gave_up
        status, body = scene.act("sync", APP)
        assert status == 200, body
        assert count(bad.simulator, "sync") == 1
        idle(bad)


@pytest.mark.parametrize("status", [502, 503])
def test_a_sync_that_was_accepted_behind_a_bad_gateway_is_found(bad: Bad, status: int) -> None:
    """A proxy lost the answer, but Argo CD had taken the sync: the operation is shown."""

    def lost(link: Link) -> None:
        request = link.request()
        if request.startswith(b"POST"):
            bad.front.relay(Silent(), request)
            link.send(b"HTTP/1.1 %d Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n" % status)
        else:
            bad.front.relay(link, request)

    with Scene(bad.config) as scene:
        bad.front.fault = lost
        answered, body = scene.act("sync", APP)
        assert count(bad.simulator, "sync") == 1
        idle(bad)
        assert answered == 200, body


def hanging(bad: Bad) -> None:
    """Let reads of one application hang until the instance is healed."""

    def hang(link: Link) -> None:
        request = link.request()
        if request.startswith(b"GET /api/v1/applications/"):
            black_hole(link)
        else:
            bad.front.relay(link, request)

    bad.front.fault = hang


def test_a_refresh_that_hangs_delays_nobody_else(
    good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """While a refresh waits for its controller, others refresh, and the catalogue is synced."""
    sockets, threads = open_sockets(), plugin_threads()
    with Scene(good_config(good), bad.config) as scene:
        hanging(bad)
        connections = bad.front.connections
        refresh = Refresh(scene)
        eventually(lambda: bad.front.connections > connections)
        assert scene.act("refresh", "good:good-a")[0] == 200
        report = scene.sync()
        assert (report["good"]["state"], report["bad"]["state"]) == ("ok", "ok")
        assert refresh.is_alive()
        bad.heal()
        refresh.join()
        assert refresh.answer[0] == 502
        assert refresh.answer[1]["help"]
        assert_no_canary(scene, caplog, bad, refresh.answer)
    eventually(lambda: plugin_threads() - threads, lambda left: not left)
    eventually(open_sockets, lambda now: now <= sockets)


def test_a_refresh_that_hangs_ends_with_the_plugin(bad: Bad) -> None:
    """A plugin that is shut down or configured anew leaves nobody waiting for a minute."""
    with Scene(bad.config) as scene:
        hanging(bad)
        connections = bad.front.connections
        refresh = Refresh(scene)
        eventually(lambda: bad.front.connections > connections)
    try:
        eventually(lambda: not refresh.is_alive())
    finally:
        bad.heal()
        refresh.join()


class Refresh(threading.Thread):
    """A refresh that somebody waits for."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.answer: tuple[int, Any] = (0, None)
        self._scene = scene
        self.start()

    def run(self) -> None:
        """Wait for it."""
        self.answer = self._scene.act("refresh", APP)


def test_a_token_file_that_is_rotated_is_read_anew(bad: Bad, tmp_path: Path) -> None:
    """A mounted token that was replaced is used at the next call, and a missing one is told."""
    path = tmp_path / "token"
    path.write_text(bad.simulator.token + "\n")
    with Scene(bad.config | {"token": f"file:{path}"}) as scene:
        assert scene.last_sync["instances"][0]["state"] == "ok"
        path.unlink()
        report = scene.sync()
        assert report["bad"]["state"] == "failed"
        assert "cannot be read" in report["bad"]["error"]
        assert "mount the file" in scene.instance("bad")["help"]
        path.write_text("old.and.revoked\n")
        assert "not accepted" in scene.sync()["bad"]["error"]
        assert scene.host.stale() == {"bad-a", "bad-b", "bad-c"}
        path.write_text(bad.simulator.tokens["reader"])
        assert scene.sync()["bad"]["state"] == "ok"
        assert not scene.host.stale()
        status, body = scene.act("sync", APP)
        assert (status, body["code"]) == (403, "argocd_forbidden")
        path.write_text(bad.simulator.token)
        assert scene.act("sync", APP)[0] == 200
        idle(bad)


@pytest.mark.parametrize("minutes", [-10, 10, 60 * 24 * 2], ids=["behind", "ahead", "days-ahead"])
def test_a_clock_that_is_off_makes_no_loop_of_sign_ins(bad: Bad, minutes: int) -> None:
    """With our clock wrong by minutes, or by more than a session lasts, there is no storm."""
    offset = timedelta(minutes=minutes)
    with Scene(signing_in(bad), now=lambda: datetime.now(UTC) + offset) as scene:
        for _ in range(3):
            assert scene.sync()["bad"]["state"] == "ok"
        assert scene.act("refresh", APP)[0] == 200
        # One for all; where every session seems to have ended, at most one for each request.
        others = sum(1 for r in bad.simulator.requests if r.route != "session")
        assert count(bad.simulator, "session") <= (1 if minutes < 1000 else others)


def test_a_locked_account_is_asked_once_and_the_help_says_why(
    good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password is tried once and not at each sync, so that nobody is locked out."""
    with Scene(good_config(good), signing_in(bad, password="canary-password")) as scene:
        for _ in range(3):
            report = scene.sync()
            assert report["good"]["state"] == "ok"
            assert report["bad"]["state"] == "failed"
            assert "sign-in was refused" in report["bad"]["error"]
        assert "locked the account" in scene.instance("bad")["help"]
        assert count(bad.simulator, "session") == 1
        assert_no_canary(scene, caplog, bad, report)


@pytest.mark.parametrize("fault", ["html", "status", "close", "late"])
def test_a_sign_in_that_meets_a_fault_says_which(
    fault: str, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy or an outage at the sign-in is not taken for a wrong password, and is tried again."""
    faults: dict[str, dict[str, Any]] = {
        "html": {"html": True},
        "status": {"status": 503, "body": "busy"},
        "close": {"close": True},
    }
    codes = {
        "html": "not_argocd",
        "status": "argocd_error",
        "close": "unreachable",
        "late": "timeout",
    }
    clock = Clock()

    def late(link: Link) -> None:
        request = link.request()
        if request.startswith(b"POST"):
            clock.exhaust(link)
        else:
            bad.front.relay(link, request)

    if fault == "late":
        bad.front.fault = late
    else:
        bad.simulator.faults.set("session", **faults[fault])
    with Scene(signing_in(bad), monotonic=clock) as scene:
        assert scene.last_sync["instances"][0]["state"] == "failed"
        assert scene.failure("bad").code == codes[fault]
        bad.heal()
        assert scene.sync()["bad"]["state"] == "ok"
        assert_no_canary(scene, caplog, bad)


def test_what_is_logged_in_full_detail_holds_no_session(
    bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that logs everything, the HTTP library included, logs no token of a session."""
    caplog.set_level(logging.DEBUG)
    with Scene(signing_in(bad)) as scene:
        assert scene.last_sync["instances"][0]["state"] == "ok"
        said = everything_said(scene, caplog)
    assert said.count("argocd.token=eyJ") == 0


def test_a_plugin_that_ends_warns_of_nothing(bad: Bad, caplog: pytest.LogCaptureFixture) -> None:
    """Ctrl-C is not answered with complaints about connections that it broke itself."""
    with Scene(bad.config | {"follow": True}) as scene:
        eventually(lambda: scene.instance("bad")["stream"]["state"] == "live")
        caplog.clear()
    eventually(plugin_threads, lambda left: not left)

    assert [r.getMessage() for r in caplog.records if r.name.startswith("gantry_argocd")] == []
