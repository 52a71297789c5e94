"""Requests and tokens."""

from __future__ import annotations

import gzip
import http.client
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from argocd_target import JSON, LIST, STREAM, Target, not_tried


def refused(answer: httpx.Response, status: int, code: int) -> str:
    """Check the shape of an error of an ordinary call; return its text."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["error"] == body["message"]
    return str(body["message"])


def test_no_token(target: Target) -> None:
    """Without a token a call is 401 with code 16."""
    assert refused(target.get(LIST, None), 401, 16) == "no session information"


def test_token_without_three_parts(target: Target) -> None:
    """A bearer without three parts counts as none."""
    answer = httpx.get(
        f"{target.url}{LIST}", headers={"authorization": "Bearer x"}, verify=target.verify
    )
    assert refused(answer, 401, 16) == "no session information"


def test_bearer_is_case_sensitive(target: Target) -> None:
    """The word Bearer in lower case is ignored."""
    headers = {"authorization": f"bearer {target.token}"}
    answer = httpx.get(f"{target.url}{LIST}", headers=headers, verify=target.verify)
    assert refused(answer, 401, 16) == "no session information"


def test_bad_signature(target: Target) -> None:
    """A token with a bad signature is 401 with code 16, and its text begins `invalid session`."""
    head, body, signature = target.token.split(".")
    headers = {"authorization": f"Bearer {head}.{body}.{signature[:-4]}AAAA"}
    answer = httpx.get(f"{target.url}{LIST}", headers=headers, verify=target.verify)
    text = refused(answer, 401, 16)
    assert text.startswith("invalid session")
    modern = "token signature is invalid" in text
    assert modern == target.since(3, 0)


def test_userinfo_is_the_probe(target: Target) -> None:
    """userinfo says `loggedIn` for a good token only, and never 401."""
    assert target.get("/api/v1/session/userinfo").json()["loggedIn"] is True
    nobody = target.get("/api/v1/session/userinfo", None)
    assert nobody.status_code == 200
    assert "loggedIn" not in nobody.json()


def test_version_needs_no_token(target: Target) -> None:
    """The version is told to everybody, everything else about the build to callers with a token."""
    assert list(target.get("/api/version", None).json()) == ["Version"]
    assert "GoVersion" in target.get("/api/version").json()


def test_settings_need_no_token(target: Target) -> None:
    """Settings are told to everybody; the control-plane namespace to callers with a token only."""
    everybody = target.get("/api/v1/settings", None).json()
    known = target.get("/api/v1/settings").json()
    assert "controllerNamespace" not in everybody
    assert known["controllerNamespace"]
    assert not everybody.get("resourceOverrides") or not target.since(3, 3)


@pytest.mark.parametrize("given", [None, "application/json; charset=utf-8", "text/plain"])
def test_content_type(target: Target, given: str | None) -> None:
    """Whatever is no GET needs the exact Content-Type, or it is 415 text before anything else."""
    headers = {} if given is None else {"content-type": given}
    with target.client() as client:
        answer = client.delete(f"{LIST}/no-such-app/operation", headers=headers)
    enforced = (
        target.since(2, 10) or (2, 8, 8) <= target.version < (2, 9) or (target.version >= (2, 9, 4))
    )
    if enforced:
        assert (answer.status_code, answer.text) == (415, "Invalid content type\n")
    else:
        refused(answer, 403, 7)


def test_unknown_route(target: Target) -> None:
    """A route that the server does not know is 404 text, never JSON."""
    answer = target.get("/api/v1/nope")
    assert (answer.status_code, answer.text) == (404, "Not Found\n")
    assert answer.headers["content-type"].startswith("text/plain")


def test_wrong_method(target: Target) -> None:
    """Another method on a known path is 405 text."""
    answer = target.get(f"{LIST}/x/sync")
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed\n")


def test_slash_in_a_name(target: Target) -> None:
    """An encoded slash in a name, and a slash at the end, give 404 text."""
    for path in (f"{LIST}/a%2Fb", f"{LIST}/x/"):
        assert raw(target, path)[0] == 404


def test_double_slash(target: Target) -> None:
    """A double slash is answered with a redirect to the cleaned path."""
    status, headers, _ = raw(target, LIST.replace("/v1/", "//v1/"))
    assert status == 307
    assert headers["location"].endswith(LIST)


def test_unknown_parameters(target: Target) -> None:
    """Unknown parameters are ignored: there are no pages."""
    fields = "items.metadata.name"
    assert len(target.listed(fields=fields, limit=1)) == len(target.listed(fields=fields))


def test_sign_of_argo_cd(target: Target) -> None:
    """Good answers carry the header `Grpc-Metadata-Content-Type`, failed ones do not."""
    name = "grpc-metadata-content-type"
    assert target.get(LIST, fields="items.metadata.name").headers[name] == "application/grpc"
    assert name not in target.get(f"{LIST}/no-such-app").headers


def test_compression(target: Target) -> None:
    """Answers are compressed for who offers gzip, and for nobody else."""
    status, headers, body = raw(target, f"{LIST}?fields=items.metadata.name", gzip_offered=True)
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(body).startswith(b"{")
    assert "content-encoding" not in raw(target, LIST)[1]


def test_escapes(target: Target) -> None:
    """Angle brackets and ampersands never come bare."""
    _, _, body = raw(target, LIST)
    assert not {b"<", b">", b"&"} & {body[at : at + 1] for at in range(len(body))}


def test_deadline(target: Target) -> None:
    """Grpc-Timeout sets a deadline, which ends in 504 with code 4; a malformed one is 400."""
    with target.client() as client:
        late = client.get(LIST, headers={"grpc-timeout": "1n"})
        wrong = client.get(LIST, headers={"grpc-timeout": "soon"})
    refused(late, 504, 4)
    refused(wrong, 400, 3)


def test_body_that_is_no_json(target: Target) -> None:
    """A body that does not parse is 400 with code 3."""
    with target.client() as client:
        answer = client.post(f"{LIST}/no-such-app/sync", content="{", headers=JSON)
    assert refused(answer, 400, 3) == "unexpected EOF"


def test_numbers_are_numbers(target: Target) -> None:
    """An integer sent as text is 400 with code 3."""
    answer = target.post(f"{LIST}/no-such-app/rollback", {"id": "1"})
    assert "cannot unmarshal string" in refused(answer, 400, 3)


def test_login(target: Target) -> None:
    """A password gets a token that works at once, and logging out does not revoke it."""
    if not target.username:
        not_tried("no ARGOCD_USERNAME and ARGOCD_PASSWORD are given")
    body = {"username": target.username, "password": target.password}
    token = target.post("/api/v1/session", body, None).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=target.url, headers=headers, verify=target.verify) as client:
        client.request("DELETE", "/api/v1/session", headers=JSON)
        assert client.get("/api/v1/session/userinfo").json()["username"] == target.username
        assert client.get(LIST, params={"name": "x"}).status_code == 200


def test_login_refused(target: Target) -> None:
    """A wrong password is 401, and no credentials at all are, with another text."""
    if not target.username:
        not_tried("no ARGOCD_USERNAME and ARGOCD_PASSWORD are given")
    wrong = target.post("/api/v1/session", {"username": "gantry-x", "password": "x"}, None)
    assert refused(wrong, 401, 16) == "Invalid username or password"
    assert refused(target.post("/api/v1/session", {}, None), 401, 16) == "no credentials supplied"


def test_rights(target: Target) -> None:
    """can-i answers `yes` or `no`, 400 for an action that it does not know, 401 without a token."""
    path = "/api/v1/account/can-i/applications"
    assert target.get(f"{path}/get/default/x").json() in ({"value": "yes"}, {"value": "no"})
    assert "does not contain" in refused(target.get(f"{path}/fly/default/x"), 400, 3)
    refused(target.get(f"{path}/get/default/x", None), 401, 16)


def test_rights_of_nobody(target: Target) -> None:
    """A caller without rights is told `no`."""
    path = "/api/v1/account/can-i/applications/sync/default/x"
    assert target.get(path, "nobody").json() == {"value": "no"}


def test_errors_of_streams_are_nested(target: Target) -> None:
    """A stream that fails has an error that is an object, with grpc_code and http_code."""
    answer = target.get(STREAM, None)
    assert answer.status_code == 401
    assert answer.json()["error"] == {
        "grpc_code": 16,
        "http_code": 401,
        "message": "no session information",
        "http_status": "Unauthorized",
    }


def raw(
    target: Target, path: str, *, gzip_offered: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """Send exactly this request line, which httpx would tidy up."""
    parts = urlsplit(target.url)
    connection: Any
    if parts.scheme == "https":
        context = httpx.create_ssl_context(verify=target.verify)
        connection = http.client.HTTPSConnection(parts.netloc, timeout=30, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    headers = {"authorization": f"Bearer {target.token}"}
    headers["accept-encoding"] = "gzip" if gzip_offered else "identity"
    try:
        connection.request("GET", parts.path + path, headers=headers)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return response.status, names, response.read()
    finally:
        connection.close()
