"""
Try the installed package as a user would: the demo, a sign-in, a sync, the expected entity.

Run with the Python of an environment that has only the wheel: ``python tests/smoke.py``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import httpx


def main() -> None:
    """Fail with a traceback when anything is not as it should be."""
    (entry,) = entry_points(group="gantry.plugins", name="argocd")
    assert entry.load().plugin_manifest()["name"] == "argocd"
    assert (files("gantry_argocd") / "templates" / "gantry_argocd" / "panel.html").is_file()
    assert (files("gantry_argocd") / "py.typed").is_file()

    command = Path(sys.executable).with_name("gantry-argocd")
    demo = subprocess.Popen(  # noqa: S603
        [command, "demo", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        _use(_address(demo))
    finally:
        demo.terminate()
        code = demo.wait(timeout=20)
    assert code == 0, f"the demo ended with {code}"
    print("1 passed, 0 failed")  # noqa: T201


def _address(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout is not None
    for line in demo.stdout:
        found = re.search(r"Gantry is at (http://\S+)", line)
        if found:
            return found[1]
    msg = "the demo ended before it served"
    raise AssertionError(msg)


def _use(url: str) -> None:
    with httpx.Client(base_url=url, timeout=30) as client:
        body = {"username": "developer", "password": "demo"}
        token = client.post("/api/v1/auth/login", json=body).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answer = client.post("/api/v1/plugins/argocd/apps/production:payment-api/sync")
        assert answer.status_code == 200, answer.text
        end = time.monotonic() + 60
        while "production:payment-api=Synced/Healthy" not in _apps(client):
            assert time.monotonic() < end, "the sync did not show in the catalogue"
            time.sleep(0.2)
        page = client.get(
            "/catalog/Service/payment-api?tab=argocd", headers={}, cookies=client.cookies
        )
        assert "Managed resources" in page.text


def _apps(client: httpx.Client) -> str:
    entity = client.get("/api/v1/entities/Service/payment-api").json()
    assert entity["metadata"]["annotations"]["kubernetes.io/kind"] == "Deployment"
    apps: str = entity["metadata"]["annotations"]["argocd.io/apps"]
    return apps


if __name__ == "__main__":
    main()
