"""``gantry-argocd check`` beside each fault: the right step, the right words, the right cure."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner
from matrix import answering, broken, good_config
from scene import BODY, CANARIES, HASTY, PASSWORD, SUBJECT, TIMEOUTS, USERINFO, Bad
from servers import (
    Authority,
    Link,
    black_hole,
    chunks_without_end,
    closed_in_headers,
    cut_short,
    garbage_gzip,
    gzip_bomb,
    huge_body,
    not_http,
    reset_after_headers,
    reset_before_headers,
    reset_in_headers,
    slow_drip,
    slow_headers,
)

from gantry_argocd import errors
from gantry_argocd.cli import main
from gantry_argocd.instances.doctor import ADVICE, STEPS
from gantry_argocd.simulator import Simulator

DAY = timedelta(days=1)
SAID = f"rpc error: desc = https://u:{USERINFO}@git.example.com/x.git?token={BODY}: failed"
DENIED = f"permission denied: applications, get, payments/x, sub: {SUBJECT}, iat: 2026-01-01"
LOGIN = f"https://u:{USERINFO}@sso.example.com/login?next={BODY}"


@attrs.frozen
class Row:
    """
    A fault, and what is to be said of it.

    Attributes:
        name: For the test's id.

        fault: Makes the instance misbehave.

        step: Which step tells it. Empty when nothing is to be told.

        words: What is said.

        help: What is to be done: that of an error, or one of the doctor's own.

        config: What the configuration says otherwise.
    """

    name: str
    fault: Callable[[Bad], None]
    step: str = ""
    words: str = ""
    help: type[errors.ArgoCDError] | str = ""
    config: dict[str, Any] = attrs.field(factory=dict)

    @property
    def fails(self) -> bool:
        """Say whether the instance cannot be used."""
        return isinstance(self.help, type)

    @property
    def cure(self) -> str:
        """The whole text of the help."""
        return self.help.help if isinstance(self.help, type) else ADVICE[self.help]


def nothing(bad: Bad) -> None:
    """Let it be well."""


def refuse(bad: Bad) -> None:
    """Close the port."""
    bad.front.refuse()


def flat(code: int, text: str = SAID) -> dict[str, Any]:
    """Give the body of a call that failed."""
    return {"error": text, "code": code, "message": text}


def nested(code: int, status: int, text: str = SAID) -> dict[str, Any]:
    """Give the body of a stream that failed."""
    return {"error": {"grpc_code": code, "http_code": status, "message": text}}


def listing(body: Any) -> Callable[[Bad], None]:
    """Answer the list with that."""

    def fault(bad: Bad) -> None:
        apps = [bad.simulator.fleet.get(name) for name in ("bad-a", "bad-b")]
        said = body(apps) if callable(body) else body
        bad.simulator.faults.set("list", status=200, body=said, content_type="application/json")

    return fault


E = errors
# The check looks for TLS on a port that waits for a request, for as long as for a connection.
SOON = {"timeouts": TIMEOUTS | {"connect": "1s"}}
LIMITED = {"timeouts": HASTY | {"connect": "1s"}}
SIGNED_IN = {"token": "", "authMode": "credentials", "password": "simulator"}
ROWS = (
    Row("well", nothing),
    # The way there.
    Row(
        "unknown-name",
        nothing,
        "dns",
        "argocd.invalid cannot be resolved",
        E.UnknownHost,
        {"argocdUrl": "http://argocd.invalid"},
    ),
    Row("refused", refuse, "connect", "connection refused", E.Refused),
    Row("black-hole", broken(black_hole), "version", "no answer within", E.TimedOut, LIMITED),
    Row("reset-before-headers", broken(reset_before_headers), "version", "broke", E.Broken),
    Row("reset-in-headers", broken(reset_in_headers), "version", "broke", E.Broken),
    Row("closed-in-headers", broken(closed_in_headers), "version", "broke", E.Broken),
    Row("reset-after-headers", broken(reset_after_headers), "version", "broke", E.Broken),
    Row("cut-short", broken(cut_short), "version", "broke before the answer", E.Broken),
    Row("no-last-chunk", broken(chunks_without_end), "version", "broke before", E.Broken),
    Row("slow-drip", broken(slow_drip), "version", "did not end in time", E.TimedOut, LIMITED),
    Row("slow-headers", broken(slow_headers), "version", "time limit", E.TimedOut, LIMITED),
    Row("100-megabytes", broken(huge_body), "version", "larger than 32 MB", E.Oversized),
    Row("gzip-bomb", broken(gzip_bomb), "version", "larger than 32 MB", E.Oversized),
    Row("no-gzip", broken(garbage_gzip), "version", "cannot be decompressed", E.Malformed),
    Row("not-http", broken(not_http), "version", "does not speak HTTP", E.NotHTTP),
    Row("closed", answering("*", close=True), "version", "broke", E.Broken),
    # What stands in front.
    Row("html-200", answering("*", html=True), "version", "200 with text/html", E.NotArgoCD),
    Row(
        "302",
        answering("*", redirect=LOGIN),
        "version",
        "redirected to sso.example.com",
        E.NotArgoCD,
    ),
    Row(
        "307-to-https",
        answering("*", redirect="https://localhost/api", status=307),
        "version",
        "redirected to https",
        E.WantsTLS,
    ),
    Row(
        "401-of-a-proxy",
        answering("*", status=401, html=True, body=BODY),
        "version",
        "answered 401 with text/html",
        E.NotArgoCD,
    ),
    Row(
        "403-of-a-proxy",
        answering("*", status=403, html=True, body=BODY),
        "version",
        "answered 403 with text/html",
        E.NotArgoCD,
    ),
    Row(
        "403-text",
        answering(status=403, body=BODY),
        "list",
        "answered 403 with text/plain",
        E.NotArgoCD,
    ),
    Row("404-text", answering("*", status=404, body=BODY), "version", "no Argo CD", E.NotArgoCD),
    Row(
        "wrong-root-path",
        nothing,
        "version",
        "no Argo CD API at this address (answered 404)",
        E.NotArgoCD,
        {"argocdUrl": "/argo-cd"},
    ),
    Row("405", answering("*", status=405, body="No\n"), "version", "answered 405", E.NotArgoCD),
    Row("407", answering("*", status=407, body=BODY), "version", "credentials", E.ProxyFailed),
    Row("415", answering("*", status=415, body="No\n"), "version", "content type", E.Rejected),
    Row("429", answering("*", status=429, body=BODY), "version", "too many requests", E.Busy),
    Row(
        "429-retry-after",
        answering("*", status=429, body=BODY, headers={"Retry-After": "30"}),
        "version",
        "too many requests",
        E.Busy,
    ),
    Row(
        "429-retry-after-once",
        answering("*", status=429, body=BODY, headers={"Retry-After": "0"}, times=1),
    ),
    Row(
        "500-text", answering("*", status=500, body=BODY), "version", "answered 500", E.ServerFailed
    ),
    Row(
        "503-storm",
        answering("*", status=503, html=True, body=BODY),
        "version",
        "answered 503",
        E.Unavailable,
    ),
    Row("503-once", answering("*", status=503, body=BODY, times=1)),
    # Credentials.
    Row(
        "401-for-ever",
        answering(status=401, body=flat(16)),
        "list",
        "credentials are not accepted",
        E.Unauthenticated,
    ),
    Row(
        "401-once",
        answering("userinfo", status=401, body=flat(16), times=1),
        "session",
        "credentials are not accepted",
        E.Unauthenticated,
    ),
    Row(
        "401-once-signed-in",
        answering("list", status=401, body=flat(16), times=1),
        config=SIGNED_IN,
    ),
    Row(
        "401-for-ever-signed-in",
        answering("list", status=401, body=flat(16)),
        "list",
        "credentials are not accepted",
        E.Unauthenticated,
        SIGNED_IN,
    ),
    Row(
        "401-expired",
        answering(status=401, body=flat(16, "invalid session: token is expired")),
        "list",
        "the token has expired",
        E.Unauthenticated,
    ),
    Row(
        "401-not-yet",
        answering(status=401, body=flat(16, "invalid session: Token is not valid yet")),
        "list",
        "a clock is wrong",
        E.Unauthenticated,
    ),
    Row(
        "token-of-another-server",
        nothing,
        "session",
        "credentials are not accepted",
        E.Unauthenticated,
        {"token": "a.b.c"},
    ),
    Row(
        "token-with-a-line-break",
        nothing,
        "session",
        "what no header can",
        E.Unauthenticated,
        {"token": "file:token"},
    ),
    Row(
        "token-file-missing",
        nothing,
        "session",
        "cannot be read",
        E.SecretMissing,
        {"token": "file:nowhere"},
    ),
    Row(
        "wrong-password",
        nothing,
        "session",
        "the sign-in was refused",
        E.LockedOut,
        {"token": "", "authMode": "credentials", "password": PASSWORD},
    ),
    # Rights.
    Row(
        "403-list",
        answering(status=403, body=flat(7, DENIED)),
        "list",
        "listing the applications is not permitted",
        E.Forbidden,
    ),
    Row(
        "403-can-i",
        answering("can-i", status=403, body=flat(7, DENIED)),
        "sync",
        "asking what we may do is not permitted",
        E.Forbidden,
    ),
    Row(
        "403-stream",
        answering("stream", status=403, body=nested(7, 403, DENIED)),
        "stream",
        "following the applications is not permitted",
        E.Forbidden,
    ),
    Row("reader", nothing, "sync", "may not sync bad-", "read-only", {"token": "reader"}),
    Row("items-null", listing({"items": None}), "list", "is empty", "empty"),
    # What Argo CD itself says.
    Row(
        "429-larger-than-max",
        answering(status=429, body=flat(8, "grpc: received message larger than max (1 vs. 2)")),
        "list",
        "larger than Argo CD allows itself",
        E.TooLarge,
    ),
    Row("500-flat", answering(status=500, body=flat(2)), "list", "Argo CD failed", E.ServerFailed),
    Row(
        "500-nested",
        answering("stream", status=500, body=nested(2, 500)),
        "stream",
        "Argo CD failed while following",
        E.ServerFailed,
    ),
    Row(
        "500-without-code",
        answering(status=500, body={"error": f"failed to marshal {BODY}"}),
        "list",
        "answered 500",
        E.ServerFailed,
    ),
    Row(
        "503-of-a-part",
        answering(status=503, body=flat(14)),
        "list",
        "a part of Argo CD is not available",
        E.Unavailable,
    ),
    Row("504", answering(status=504, body=flat(4)), "list", "gave up", E.TimedOut),
    Row("truncated", answering(truncate=True), "list", "broke before the answer", E.Broken),
    Row("invalid-json", listing('{"items": [{"'), "list", "no JSON", E.Malformed),
    Row("wrong-types", listing({"items": BODY}), "list", "no array", E.Malformed),
    Row("no-items", listing("{}"), "list", "no items", E.Malformed),
    Row(
        "a-row-of-a-wrong-type",
        listing(lambda apps: {"items": [apps[0], apps[1] | {"spec": 5}]}),
        "list",
        "1 applications of projects default; 1 cannot be read, the first: bad: 'bad-b'",
        "unreadable",
    ),
    Row("duplicate-apps", listing(lambda apps: {"items": apps + apps})),
)


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """The command makes the plugin's log quieter; other tests listen to it."""
    log = logging.getLogger("gantry_argocd")
    level = log.level
    yield
    log.setLevel(level)


def check(folder: Path, *instances: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    """Run the command; give its exit code, what it found, and all that it said."""
    path = folder / "argocd.json"
    path.write_text(json.dumps({"instances": instances}))
    done = CliRunner().invoke(main, ["check", "--config", str(path), "--output", "json"])
    text = CliRunner().invoke(main, ["check", "--config", str(path)]) if done.exit_code else done
    body = json.loads(done.stdout)
    return (
        done.exit_code,
        {one["instance"]: one for one in body["instances"]},
        done.output + (text.output),
    )


def configured(row: Row, bad: Bad, folder: Path) -> dict[str, Any]:
    """Give the configuration of the instance that misbehaves."""
    config = bad.config | SOON | row.config
    if config["argocdUrl"].startswith("/"):
        config["argocdUrl"] = bad.url + config["argocdUrl"]
    if config["token"] == "reader":
        config["token"] = bad.simulator.tokens["reader"]
    if config["token"].startswith("file:"):
        config["token"] = f"file:{folder / config['token'].removeprefix('file:')}"
    return config


def assert_told(row: Row, found: dict[str, Any]) -> None:
    """Look at the steps."""
    steps = {step["name"]: step for step in found["steps"]}
    assert list(steps) == list(STEPS)
    told = {name for name, step in steps.items() if step["state"] in {"failed", "warning"}}
    # Plain http is worth a warning everywhere, and so is a certificate of some days.
    assert told - ({"tls"} - {row.step}) == ({row.step} if row.step else set()), steps
    assert found["ok"] is not row.fails
    if row.step:
        step = steps[row.step]
        assert step["state"] == ("failed" if row.fails else "warning")
        assert row.words in step["message"], step
        assert step["help"] == row.cure


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_check_says_what_is_wrong_and_what_to_do(
    row: Row, good: Simulator, bad: Bad, tmp_path: Path
) -> None:
    """Whoever runs it reads the one step that fails, why, and the cure; others are well."""
    (tmp_path / "token").write_text("a.b\nc")
    config = configured(row, bad, tmp_path)
    row.fault(bad)
    code, found, said = check(tmp_path, good_config(good), config)

    assert found["good"]["ok"]
    assert_told(row, found["bad"])
    assert code == (1 if row.fails else 0)
    for canary in (*CANARIES, bad.simulator.token):
        assert canary not in said


def test_clocks_are_looked_at_even_after_a_failure(bad: Bad, tmp_path: Path) -> None:
    """A clock that is off is told, also where it is the reason of what failed."""

    def long_ago(link: Link) -> None:
        link.request()
        link.send(b"HTTP/1.1 500 No\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\n\r\n")

    bad.front.fault = long_ago
    _, found, _ = check(tmp_path, bad.config)
    clock = found["bad"]["steps"][-1]

    assert (clock["name"], clock["state"]) == ("clock", "warning")
    assert "behind ours" in clock["message"]
    assert clock["help"] == ADVICE["clocks"]


CERTIFICATES: dict[str, tuple[dict[str, Any], str, type[errors.ArgoCDError]]] = {
    "self-signed": ({"self_signed": True}, "is self-signed", E.UnknownAuthority),
    "expired": ({"ends": -DAY}, "has expired", E.OutOfDate),
    "not-yet-valid": ({"begins": DAY}, "not valid yet", E.OutOfDate),
    "wrong-name": ({"name": "other.example.com"}, "for another host name", E.WrongName),
    "wrong-address": ({"name": "127.0.0.2"}, "for another host name", E.WrongName),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_check_says_what_is_wrong_with_a_certificate(
    name: str, good: Simulator, bad_tls: Bad, authority: Authority, tmp_path: Path
) -> None:
    """An expired certificate is not answered with the advice to trust its authority."""
    options, words, kind = CERTIFICATES[name]
    bad_tls.front.tls = authority.server(**options)
    code, found, _ = check(tmp_path, good_config(good), bad_tls.config)

    assert code == 1
    assert found["good"]["ok"]
    assert_told(Row(name, nothing, "tls", words, kind), found["bad"])
    assert found["bad"]["steps"][2]["help"] == kind.help


def test_check_names_an_authority_that_is_not_trusted(
    bad_tls: Bad, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A company's own authority is the largest connection complaint: caBundle is the cure."""
    bad_tls.front.tls = Authority(tmp_path_factory.mktemp("other")).server()
    code, found, _ = check(tmp_path, bad_tls.config)

    assert code == 1
    step = found["bad"]["steps"][2]
    assert "unknown authority" in step["message"]
    assert "caBundle" in step["help"]


def test_check_says_that_a_client_certificate_is_wanted(
    bad_tls: Bad, authority: Authority, tmp_path: Path
) -> None:
    """A proxy that asks who we are is told as such, and not as a broken connection."""
    context = authority.server()
    context.verify_mode = 2  # type: ignore[assignment]  # CERT_REQUIRED
    context.load_verify_locations(cadata=authority.pem)
    bad_tls.front.tls = context
    code, found, _ = check(tmp_path, bad_tls.config)

    assert code == 1
    (failed,) = [step for step in found["bad"]["steps"] if step["state"] == "failed"]
    assert "wants a client certificate" in failed["message"]
    assert failed["help"] == E.WhoAreYou.help


@pytest.mark.parametrize(
    ("scheme", "step", "kind"), [("http", "version", E.WantsTLS), ("https", "tls", E.NoTLS)]
)
def test_check_says_that_the_scheme_is_wrong(
    scheme: str,
    step: str,
    kind: type[errors.ArgoCDError],
    bad: Bad,
    bad_tls: Bad,
    good: Simulator,
    tmp_path: Path,
) -> None:
    """http:// of a TLS port, and https:// of a plain one, are told with the right scheme."""
    if scheme == "http":
        config = bad_tls.config | {"argocdUrl": bad_tls.url.replace("https:", "http:")}
    else:
        config = bad.config | {"argocdUrl": good.url.replace("http:", "https:")}
    code, found, _ = check(tmp_path, config)

    assert code == 1
    (failed,) = [one for one in found["bad"]["steps"] if one["state"] == "failed"]
    assert failed["name"] == step
    assert failed["help"] == kind.help


def test_check_calms_about_a_certificate_that_is_well(bad_tls: Bad, tmp_path: Path) -> None:
    """Who issued it, and how long it is good; a warning when that is not long."""
    code, found, _ = check(tmp_path, bad_tls.config)

    assert code == 0
    step = found["bad"]["steps"][2]
    assert step["message"] == "trusted; issued by Authority of a test, valid for 4 more days"
    assert step["help"] == ADVICE["expires"]


@pytest.mark.parametrize(
    ("proxy", "step", "words"),
    [
        ("http://u:canary-password@127.0.0.1:9", "connect", "the HTTP proxy: no connection"),
        ("http://u:canary-password@proxy.invalid", "dns", "the HTTP proxy: the host name"),
        ("http://[canary-password", "dns", "the HTTP proxy: the host name"),
        ("socks5://127.0.0.1:9", "connect", "needs the package httpx[socks]"),
        ("nonsense://x", "connect", "a proxy that the environment names"),
    ],
)
def test_check_says_that_the_proxy_of_the_environment_is_at_fault(
    proxy: str, step: str, words: str, bad: Bad, tmp_path: Path
) -> None:
    """A proxy that is down or written wrongly is told as such, and stops no other instance."""
    path = tmp_path / "argocd.json"
    path.write_text(json.dumps({"instances": [bad.config]}))
    command = ["check", "--config", str(path), "--output", "json"]
    done = CliRunner().invoke(main, command, env={"ALL_PROXY": proxy, "NO_PROXY": ""})

    assert done.exit_code == 1, done.output
    (found,) = json.loads(done.stdout)["instances"]
    (failed,) = [one for one in found["steps"] if one["state"] == "failed"]
    assert failed["name"] == step
    assert words in failed["message"]
    assert failed["help"] == E.ProxyFailed.help
    assert PASSWORD not in done.output
