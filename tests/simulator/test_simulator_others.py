"""The simulator for others: their clients, and their tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from gantry_argocd.simulator import NEWEST, OLDEST, Simulator
from waiting import eventually

Json = dict[str, Any]
LIST = "/api/v1/applications"
STREAM = "/api/v1/stream/applications"


class Script:
    """A client as a script has it: nothing but the standard library, and a password."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"}

    def open(self, method: str, path: str, body: Json | None = None) -> Any:
        """Send a request and return the open answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            self._url + path, data=data, headers=self._headers, method=method
        )
        return urllib.request.urlopen(request, timeout=10)  # noqa: S310

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """Send a request and return the JSON of the answer."""
        with self.open(method, path, body) as answer:
            found: Json = json.load(answer)
            return found

    def log_in(self, username: str, password: str) -> None:
        """Log in, and send the token from now on."""
        body = {"username": username, "password": password}
        token = self.ask("POST", "/api/v1/session", body)["token"]
        self._headers["Authorization"] = f"Bearer {token}"


@pytest.mark.parametrize("release", [OLDEST.name, NEWEST.name])
def test_a_script_logs_in_lists_watches_and_syncs(release: str) -> None:
    """A client that shares no code with this project can do what it does with Argo CD."""
    with Simulator(release=release, operation_seconds=0.2) as simulator:
        script = Script(simulator.url)
        with pytest.raises(urllib.error.HTTPError):
            script.ask("GET", LIST)
        script.log_in("admin", "simulator")
        names = [item["metadata"]["name"] for item in script.ask("GET", LIST)["items"]]
        assert "payment-api" in names
        with script.open("GET", f"{STREAM}?name=payment-api") as stream:
            assert json.loads(stream.readline())["result"]["type"] == "ADDED"
            script.ask("POST", f"{LIST}/payment-api/sync", {"prune": True})
            phase = ""
            while phase != "Succeeded":
                event = json.loads(stream.readline())["result"]["application"]
                phase = event["status"].get("operationState", {}).get("phase", "")
        eventually(
            lambda: script.ask("GET", f"{LIST}/payment-api")["status"]["sync"]["status"] == "Synced"
        )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_logs_in_lists_watches_and_syncs() -> None:
    """A shell script with curl alone can, too."""
    script = """
    set -eu
    json='Content-Type: application/json'
    login='{"username":"admin","password":"simulator"}'
    token=$(curl -sf -H "$json" -d "$login" "$URL/api/v1/session" | cut -d'"' -f4)
    auth="Authorization: Bearer $token"
    curl -sf -H "$auth" "$URL/api/v1/applications?fields=items.metadata.name" | head -c 60; echo
    curl -sfN -m 30 -H "$auth" -H 'Accept: text/event-stream' \
      "$URL/api/v1/stream/applications?name=payment-api&fields=result.type" | head -n 1
    curl -sf -H "$auth" -H "$json" -d '{"dryRun":true}' \
      "$URL/api/v1/applications/payment-api/sync" | grep -o '"dryRun":true'
    """
    with Simulator(keep_alive_seconds=0.1) as simulator:
        done = subprocess.run(  # noqa: S603
            ["bash", "-c", script],  # noqa: S607
            env={"URL": simulator.url, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert '{"items":[{"metadata":{"name":' in done.stdout
    assert 'data: {"result":{"type":"ADDED"}}' in done.stdout
    assert done.stdout.endswith('"dryRun":true\n')


def test_the_fixture_is_shipped(tmp_path: Path) -> None:
    """Tests of others get running simulators from one line in their conftest."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["gantry_argocd.simulator.testing"]\n')
    (tmp_path / "test_theirs.py").write_text(
        "import urllib.request\n"
        "def test_one(argocd_simulator, make_argocd_simulator):\n"
        "    other = make_argocd_simulator(apps=3, release='2.14')\n"
        "    for url in (argocd_simulator.url, other.url):\n"
        "        assert urllib.request.urlopen(url + '/healthz').read() == b'ok\\n'\n"
        "    assert len(other.fleet) == 3\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
