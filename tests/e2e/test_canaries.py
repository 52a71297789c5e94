"""The whole product, run as a process and asked everything: where does a secret turn up? (G4)."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from gantry_argocd.simulator import Simulator
from refhost.forms import Fields
from waiting import eventually

COMMAND = Path(sys.executable).with_name("gantry-argocd")
API = "/api/v1/plugins/argocd"
PAGE = "/plugins/argocd"
SECRETS = {
    name: f'canary/{name}+"é{name[::-1]}' if name == "password" else f"canary-{name}-{name[::-1]}"
    for name in ("password", "header", "rest", "form", "typo", "admin", "key", "env", "badurl")
}


class Echo(BaseHTTPRequestHandler):
    """A proxy that fails and shows the request back."""

    def do_GET(self) -> None:
        """Answer any request."""
        length = int(self.headers.get("content-length") or 0)
        # The secrets first: error texts are cut.
        body = self.rfile.read(length).decode()
        said = f"{self.headers.get('Authorization')} {body} {dict(self.headers)}"
        answer = json.dumps({"code": 13, "error": said, "message": said}).encode()
        self.send_response(500)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with suppress(OSError):  # who asked has been told to end
            self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815  the name that the library calls

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def echo() -> Iterator[str]:
    """Run it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


@contextmanager
def process(folder: Path, config: Path) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """Run ``serve`` as an operator does; give the process, its address and all that it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GANTRY_")}
    environment |= {
        "GANTRY_ADMIN_PASSWORD": SECRETS["admin"],
        "GANTRY_ENCRYPTION_KEY": SECRETS["key"],
        "GANTRY_ARGOCD_T": SECRETS["env"],
        "PYTHONFAULTHANDLER": "1",
        "PYTHONUNBUFFERED": "1",
    }
    running = subprocess.Popen(  # noqa: S603
        [COMMAND, "serve", "--port", "0", "--data-dir", str(folder), "--config", str(config)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
    )  # fmt: skip
    printed: list[str] = []
    assert running.stdout is not None
    reading = threading.Thread(target=lambda: printed.extend(running.stdout or ()), daemon=True)
    reading.start()
    try:
        said = eventually(
            lambda: re.search(r"Gantry is at (\S+)", "".join(list(printed))), within=60
        )
        assert said is not None
        yield running, said[1], printed
    finally:
        running.kill()
        running.wait(10)
        reading.join(10)
        running.stdout.close()


class Everything:
    """Collects every answer of a portal, headers included."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.heard: list[str] = []

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask, and keep the answer."""
        answer = self._client.request(method, path, **more)
        self.heard.append(f"{method} {path} {answer.status_code} {answer.headers} {answer.text}")
        return answer


def over_rest(url: str, config: dict[str, Any]) -> list[str]:
    """Use REST well and badly."""
    with httpx.Client(base_url=url, timeout=30) as client:
        body = {"username": "admin", "password": SECRETS["admin"]}
        token = client.post("/api/v1/auth/login", json=body).json()["token"]
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {token}"
        ask = Everything(client)
        eventually(
            lambda: client.get(API).json()["lastSync"], lambda run: run and not run["running"]
        )
        new = {"name": "new", "argocdUrl": "http://127.0.0.1:9", "token": SECRETS["rest"]}
        bad = f"https://u:{SECRETS['badurl']}@host"
        shown = ask("GET", f"{API}/config").json()["values"]
        assert ask("PUT", f"{API}/config", json=shown).status_code == 204
        more = shown | {"instances": [*shown["instances"], new]}
        assert ask("PUT", f"{API}/config", json=more).status_code == 204
        for wrong in (
            shown | {"instances": [new | {"argocdUrl": bad}]},
            shown | {"instances": [new | {"tokn": SECRETS["typo"]}]},
            shown | {"instances": [new | {f"token:{SECRETS['typo']}": None}]},
            shown | {"instances": [new | {"token": [SECRETS["typo"]]}]},
            shown | {"instances": [new | {"headers": {SECRETS["typo"] + " ": "x"}}]},
            SECRETS["typo"],
        ):
            assert ask("PUT", f"{API}/config", json=wrong).status_code == 400
        ask("PUT", f"{API}/config", content=f'{{"token": "{SECRETS["typo"]}"')
        for method, path in (
            ("POST", "/sync"), ("POST", "/check"), ("GET", ""), ("GET", "/config"),
            ("GET", "/apps/production:payment-api"), ("GET", "/apps/echo:nothing"),
            ("GET", "/entity-apps?appNames=production:payment-api,echo:x,login:y"),
            ("POST", "/apps/production:payment-api/sync"),
            ("POST", "/apps/production:payment-api/refresh"),
        ):  # fmt: skip
            ask(method, API + path)
        # What comes back from the echo is shown, without our part of it.
        eventually(
            lambda: ask("GET", API).text,
            lambda text: "Bearer ***" in text and '{\\"username\\": \\"u\\", \\"pass' in text,
            within=60,
        )
        for path in ("entities", "audit", "plugins", "schemas", "auth/me", "search?q=canary"):
            ask("GET", f"/api/v1/{path}")
        return ask.heard


def over_pages(url: str) -> list[str]:
    """Use the pages well and badly."""
    with httpx.Client(base_url=url, timeout=30, follow_redirects=True) as client:
        ask = Everything(client)
        form = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
        assert form is not None
        body = {"username": "admin", "password": SECRETS["admin"], "csrf_token": form[1]}
        client.post("/login", data=body)

        def fields() -> dict[str, str]:
            return Fields(ask("GET", PAGE).text, f"{PAGE}/config").fields

        typed = {"$.instances[0].token": SECRETS["form"], "$.instances[0].argocdUrl": "nonsense"}
        wrong = ask("POST", f"{PAGE}/config", data=fields() | typed)
        assert wrong.status_code == 400
        ask("POST", f"{PAGE}/config", data=fields() | {"do": "add:$.instances"} | typed)
        token = {"csrf_token": fields()["csrf_token"]}
        ask("POST", f"{PAGE}/config", data=token | {"config": f'{{"x": "{SECRETS["typo"]}"}}'})
        ask("POST", f"{PAGE}/config", data=token | {"config": SECRETS["typo"]})
        assert ask("POST", f"{PAGE}/config", data=fields()).status_code == 200
        for path in ("check", "sync", "disable", "enable"):
            ask("POST", f"{PAGE}/{path}", data=token)
        for path in (
            "/", "/plugins", PAGE, f"{PAGE}?watch=sync", "/catalog", "/admin", "/settings",
            "/catalog/Service/payment-api", "/catalog/Service/payment-api?tab=argocd",
            "/catalog/Service/payment-api?tab=yaml", "/catalog/Service/payment-api?tab=activity",
        ):  # fmt: skip
            ask("GET", path)
        return ask.heard


def forms_of(secret: str) -> set[str]:
    """Give a secret in the forms in which it may be written down."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], raw.hex()}
    # Base64 of a longer text shows the middle of the secret in one of three ways.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        found.add(encoded[4 * (shift > 0) : len(encoded) // 4 * 4 - 4])
    return found


def test_no_secret_turns_up_anywhere(tmp_path: Path) -> None:
    """Pages, answers, logs, crash output, arguments and files of a whole run hold no secret."""
    with Simulator(apps=20) as argocd, echo() as echoing:
        config = {
            "instances": [
                {
                    "name": "production",
                    "argocdUrl": argocd.url,
                    "token": argocd.token,
                    "headers": {"X-Key": SECRETS["header"]},
                },
                {
                    "name": "echo",
                    "argocdUrl": echoing,
                    "token": "env:GANTRY_ARGOCD_T",
                    "headers": {"A": SECRETS["header"]},
                },
                {
                    "name": "login",
                    "argocdUrl": f"{echoing}/login",
                    "username": "u",
                    "password": SECRETS["password"],
                },
            ],
            "syncInterval": "30s",
        }
        written = tmp_path / "argocd.json"
        written.write_text(json.dumps(config))
        folder = tmp_path / "data"
        with process(folder, written) as (running, url, printed):
            heard = over_rest(url, config) + over_pages(url)
            arguments = Path(f"/proc/{running.pid}/cmdline")
            shown = arguments.read_bytes().decode() if arguments.exists() else ""
            files = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
            running.send_signal(signal.SIGABRT)
            running.wait(20)
    output = "".join(printed)
    assert "Fatal Python error: Aborted" in output
    assert len(heard) > 40

    places = {
        "answers": "\n".join(heard),
        "output": output,
        "arguments": shown,
        "files": files.decode("latin-1"),
    }
    found = [
        f"{name} in {place}: ...{text[max(0, text.index(form) - 80) :][:200]}"
        for name, secret in (SECRETS | {"token": argocd.token}).items()
        for place, text in places.items()
        for form in forms_of(secret)
        if form in text
    ]
    assert found == []
