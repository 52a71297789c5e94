"""Answers that are refusals or cannot be understood, one by one (issue 5)."""

from __future__ import annotations

from typing import Any

import pytest
from matrix import Case, answering, cases, hold
from scene import BODY, SUBJECT, USERINFO, Bad

from gantry_argocd import errors
from gantry_argocd.simulator import Simulator

LOGIN = f"https://u:{USERINFO}@sso.example.com/login?next={BODY}"
SAID = (
    f"rpc error: code = Unknown desc = https://u:{USERINFO}@git.example.com/x.git?token={BODY}: "
    "exit status 128"
)
DENIED = f"permission denied: applications, get, payments/x, sub: {SUBJECT}, iat: 2026-01-01"


def flat(code: int, text: str = SAID) -> dict[str, Any]:
    """Give the body of a call that failed."""
    return {"error": text, "code": code, "message": text}


def nested(code: int, status: int) -> dict[str, Any]:
    """Give the body of a stream that failed."""
    return {"error": {"grpc_code": code, "http_code": status, "message": SAID}}


@cases(
    Case("html-200", answering("*", html=True), errors.NotArgoCD, "text/html", everywhere=True),
    Case(
        "302",
        answering("*", redirect=LOGIN),
        errors.NotArgoCD,
        "redirected to sso.example.com",
        everywhere=True,
    ),
    Case(
        "307-to-https",
        answering("*", redirect="https://localhost/api", status=307),
        errors.NotArgoCD,
        "redirected to https",
        everywhere=True,
    ),
    Case(
        "401-once",
        answering(status=401, body=flat(16), times=1),
        errors.Unauthenticated,
        "not accepted",
    ),
    Case(
        "401-for-ever", answering(status=401, body=flat(16)), errors.Unauthenticated, "not accepted"
    ),
    Case(
        "401-expired",
        answering(status=401, body=flat(16, "invalid session: token is expired")),
        errors.Unauthenticated,
        "expired",
    ),
    Case(
        "401-of-a-proxy",
        answering("*", status=401, html=True, body=BODY),
        errors.NotArgoCD,
        "answered 401",
        everywhere=True,
    ),
    Case(
        "403-missing-or-forbidden",
        answering(status=403, body=flat(7, f"permission denied, sub: {SUBJECT}")),
        errors.Forbidden,
        "not permitted",
    ),
    Case(
        "403-of-a-proxy",
        answering(status=403, html=True, body=BODY),
        errors.NotArgoCD,
        "answered 403",
    ),
    Case("403-text", answering(status=403, body=BODY), errors.NotArgoCD, "answered 403"),
    Case(
        "404-text",
        answering("*", status=404, body=BODY),
        errors.NotArgoCD,
        "answered 404",
        everywhere=True,
    ),
    Case("405", answering(status=405, body="Method Not Allowed\n"), errors.NotArgoCD, "405"),
    Case("407", answering(status=407, body=BODY), errors.ProxyFailed, "wants credentials"),
    Case(
        "415",
        answering(status=415, body="Invalid\n"),
        errors.Rejected,
        "content type",
    ),
    Case("429", answering(status=429, body=BODY), errors.ServerFailed, "too many"),
    Case(
        "429-retry-after-too-long",
        answering(status=429, body=BODY, headers={"Retry-After": "30"}),
        errors.ServerFailed,
        "too many",
    ),
    Case(
        "429-retry-after-once",
        answering(status=429, body=BODY, headers={"Retry-After": "1"}, times=1),
        state="ok",
    ),
    Case(
        "429-larger-than-max",
        answering(status=429, body=flat(8, "grpc: received message larger than max (1 vs. 2)")),
        errors.ServerFailed,
        "larger than Argo CD allows",
    ),
    Case("500-flat", answering(status=500, body=flat(2)), errors.ServerFailed, "Argo CD failed"),
    Case(
        "500-nested",
        answering(status=500, body=nested(2, 500)),
        errors.ServerFailed,
        "Argo CD failed",
    ),
    Case(
        "500-with-a-subject",
        answering(status=500, body=flat(2, f"rpc error: code = Unknown desc = {DENIED}")),
        errors.ServerFailed,
        "Argo CD failed",
    ),
    Case(
        "500-text",
        answering("*", status=500, body=BODY),
        errors.ServerFailed,
        "answered 500",
        everywhere=True,
    ),
    Case(
        "500-without-code",
        answering(status=500, body={"error": f"failed to marshal {BODY}"}),
        errors.ServerFailed,
        "answered 500",
    ),
    Case(
        "503-storm",
        answering("*", status=503, html=True, body=BODY),
        errors.ServerFailed,
        "answered 503",
        everywhere=True,
    ),
    Case("503-once", answering(status=503, body=BODY, times=1), state="ok"),
    Case(
        "503-of-a-part", answering(status=503, body=flat(14)), errors.ServerFailed, "not available"
    ),
    Case("504", answering(status=504, body=BODY), errors.TimedOut, "gave up"),
    Case("closed", answering("*", close=True), errors.Unreachable, "broke", everywhere=True),
    Case("truncated", answering(truncate=True), errors.Unreachable, "broke"),
)
def test_a_refusal_costs_only_its_own_instance(
    case: Case, good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """People see what was refused by whom, and everything of the others."""
    hold(case, good, bad, caplog)


def said(value: Any, **fault: Any) -> Any:
    """Answer the list with that, as JSON."""

    def apply(bad: Bad) -> None:
        apps = [bad.simulator.fleet.get(name) for name in ("bad-a", "bad-b", "bad-c")]
        body = value(apps) if callable(value) else value
        bad.simulator.faults.set(
            "list", status=200, body=body, content_type="application/json", **fault
        )

    return apply


@cases(
    Case("invalid-json", said('{"items": [{"'), errors.Malformed, "no JSON"),
    Case("no-utf-8", said('{"items": "\ud800"}'.encode("utf-8", "replace").decode()), None),
    Case("deep", said("[" * 100_000), errors.Malformed, "no JSON"),
    Case("empty", said(""), errors.NotArgoCD, "no content type"),
    Case("array", said("[]"), errors.Malformed, "no items"),
    Case("missing-items", said("{}"), errors.Malformed, "no items"),
    Case("items-of-a-wrong-type", said({"items": BODY}), errors.Malformed, "no array"),
    Case("items-null", said({"items": None}), state="heldBack"),
    Case("rows-of-wrong-types", said({"items": [5, None, BODY, []]}), state="partial"),
    Case(
        "fields-of-wrong-types",
        said(lambda apps: {"items": [apps[0], apps[1] | {"spec": 5}, {"metadata": {"name": 7}}]}),
        state="partial",
    ),
    Case("duplicate-apps", said(lambda apps: {"items": apps + apps}), state="ok"),
)
def test_an_answer_that_is_no_list_costs_only_its_own_instance(
    case: Case, good: Simulator, bad: Bad, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be understood is told, and nothing is concluded from it."""
    hold(case, good, bad, caplog)
