"""Connections that break, certificates that are not right, answers too large (issue 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from matrix import Case, broken, cases, good_config, hold
from scene import CANARIES, Bad, Scene, everything_said
from servers import (
    Authority,
    Fault,
    Link,
    black_hole,
    chunks_without_end,
    closed_in_headers,
    cut_short,
    garbage_gzip,
    gzip_bomb,
    huge_body,
    not_http,
    plain_http,
    reset_after_headers,
    reset_before_headers,
    reset_in_headers,
    slow_drip,
    slow_headers,
)

from gantry_argocd import errors
from gantry_argocd.simulator import Simulator

DAY = timedelta(days=1)


def refused(bad: Bad) -> None:
    """Close the port."""
    bad.front.refuse()


@cases(
    Case(
        "refused",
        refused,
        errors.Unreachable,
        "connection refused",
        everywhere=True,
    ),
    Case(
        "black-hole",
        broken(black_hole),
        errors.TimedOut,
        "no answer within",
        everywhere=True,
        hasty=True,
    ),
    Case(
        "reset-before-headers",
        broken(reset_before_headers),
        errors.Unreachable,
        "broke",
        everywhere=True,
    ),
    Case(
        "reset-in-headers", broken(reset_in_headers), errors.Unreachable, "broke", everywhere=True
    ),
    Case(
        "closed-in-headers", broken(closed_in_headers), errors.Unreachable, "broke", everywhere=True
    ),
    Case(
        "reset-after-headers",
        broken(reset_after_headers),
        errors.Unreachable,
        "broke",
        everywhere=True,
    ),
    Case(
        "cut-short",
        broken(cut_short),
        errors.Unreachable,
        "broke before the answer ended",
        everywhere=True,
    ),
    Case(
        "no-last-chunk",
        broken(chunks_without_end),
        errors.Unreachable,
        "broke before",
        everywhere=True,
    ),
    Case("not-http", broken(not_http), errors.NotArgoCD, "does not speak HTTP", everywhere=True),
    Case(
        "slow-drip",
        broken(slow_drip),
        errors.TimedOut,
        "did not end in time",
        everywhere=True,
        hasty=True,
    ),
    Case(
        "slow-headers",
        broken(slow_headers),
        errors.TimedOut,
        "time",
        everywhere=True,
        hasty=True,
    ),
    Case(
        "garbage-gzip",
        broken(garbage_gzip),
        errors.Malformed,
        "cannot be decompressed",
        everywhere=True,
    ),
)
def test_a_broken_connection_costs_only_its_own_instance(
    case: Case, good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """People see what is wrong with the broken instance, and everything of the others."""
    hold(case, good, bad, caplog)


CERTIFICATES = {
    "self-signed": ({"self_signed": True}, "self-signed"),
    "expired": ({"ends": -DAY}, "expired"),
    "not-yet-valid": ({"begins": DAY}, "not valid yet"),
    "wrong-name": ({"name": "other.example.com"}, "another host name"),
    "wrong-address": ({"name": "127.0.0.2"}, "another host name"),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_is_not_right_is_told(
    name: str,
    good: Simulator,
    bad_tls: Bad,
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """People are told what is wrong with the certificate."""
    options, words = CERTIFICATES[name]

    def fault(bad: Bad) -> None:
        bad.front.tls = authority.server(**options)  # type: ignore[arg-type]

    hold(Case(name, fault, errors.TLSFailed, words, everywhere=True), good, bad_tls, caplog)


def test_another_authority_is_told(
    good: Simulator,
    bad_tls: Bad,
    caplog: pytest.LogCaptureFixture,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A certificate of an authority that is not trusted is told as such."""
    other = Authority(tmp_path_factory.mktemp("other"))

    def fault(bad: Bad) -> None:
        bad.front.tls = other.server()

    hold(
        Case("other", fault, errors.TLSFailed, "certificate", everywhere=True),
        good,
        bad_tls,
        caplog,
    )


def without_tls(bad: Bad) -> None:
    """Speak plain HTTP where TLS is expected."""
    bad.front.tls, bad.front.fault = None, plain_http


@cases(Case("plain-http", without_tls, errors.TLSFailed, "does not speak TLS", everywhere=True))
def test_a_server_without_tls_is_told(
    case: Case, good: Simulator, bad_tls: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """An https address of a plain server is told as such."""
    hold(case, good, bad_tls, caplog)


def test_a_host_name_that_does_not_exist_is_told(
    good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """People are told that the name is unknown, and see the other instance."""
    nowhere = bad.config | {"argocdUrl": "http://argocd.invalid"}
    with Scene(good_config(good), nowhere) as scene:
        report = {item["name"]: item for item in scene.last_sync["instances"]}
        assert report["good"]["state"] == "ok"
        assert scene.host.named("") == {"good-a", "good-b"}
        assert report["bad"]["state"] == "failed"
        assert "the host name" in report["bad"]["error"]
        assert type(scene.clients["bad"].raised[-1]) is errors.UnknownHost
        assert "resolves names" in scene.instance("bad")["help"]
        said = everything_said(scene, caplog)
    assert not [canary for canary in (*CANARIES, bad.simulator.token) if canary in said]


@pytest.mark.parametrize("fault", [huge_body, gzip_bomb], ids=["huge", "gzip-bomb"])
def test_an_answer_that_is_too_large_is_not_taken_in(
    fault: Fault, good: Simulator, bad: Bad
) -> None:
    """One application of 200 MB, or one that unpacks to 100 MB, is an error; the rest goes on."""

    def only_the_application(link: Link) -> None:
        request = link.request()
        if request.startswith(b"GET /api/v1/applications/bad-a?"):
            link.unread(request)
            fault(link)
        else:
            bad.front.relay(link, request)

    with Scene(good_config(good), bad.config) as scene:
        bad.front.fault = only_the_application
        status, body = scene.call("GET", "/apps/{appName}", path={"appName": "bad:bad-a"})
        assert (status, body["code"]) == (502, "malformed")
        assert "larger than 32 MB" in body["error"]
        assert scene.sync()["bad"]["state"] == "ok"
        status, body = scene.call("GET", "/apps/{appName}", path={"appName": "bad:bad-b"})
        assert status == 200
