"""
Let schemathesis try every REST route of a portal with a plugin and a simulated Argo CD behind it.

``python tests/fuzz/run.py [examples]``; needs ``schemathesis`` on the path. Fails on an answer of
5xx, on one that the OpenAPI document does not know, on a sync that reached Argo CD without being
on record or more than once, and on a secret in the trail.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from gantry_argocd.refhost import HostOptions, create_host, sample, serve_in_thread
from gantry_argocd.simulator import Simulator

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
CHECKS += ",response_schema_conformance"
LEFT_OUT = (
    "/api/v1/auth/(me/password|users.*|register|logout)",
    "/api/v1/plugins/{plugin}/(config|enable)",
)
"""Routes whose success would end the test: they change who asks, and whether there is a plugin."""


def fuzz(examples: int) -> int:
    """Run it; give the exit code."""
    tool = shutil.which("schemathesis")
    if tool is None:
        sys.stderr.write("schemathesis is not installed: pip install schemathesis\n")
        return 2
    with Simulator(apps=40, operation_seconds=0.1) as argocd, tempfile.TemporaryDirectory() as data:
        config = {
            "instances": [{"name": "production", "argocdUrl": argocd.url, "token": argocd.token}],
            "syncInterval": "",
        }
        host = create_host(
            data_dir=Path(data),
            users=sample.demo_users(),
            configs={"argocd": config},
            options=HostOptions(hasher=CHEAP),
        )
        with serve_in_thread(host) as running:
            sample.fill(host)
            code = _run(tool, running.url, _token(running.url), examples)
            trail = host.trail.newest(limit=1_000_000)
        return code or _audit(argocd, trail)


def _audit(argocd: Simulator, trail: list[dict[str, Any]]) -> int:
    """Hold what reached Argo CD against what is on record; give the exit code."""
    told = {(record.get("details") or {}).get("requestId") for record in trail}
    sent = [
        info["value"]
        for request in argocd.requests.of("sync")
        if isinstance(request.body, dict)
        for info in request.body["infos"]
        if info["name"] == "gantry-request"
    ]
    faults = []
    if unrecorded := set(sent) - told:
        faults.append(f"{len(unrecorded)} syncs reached Argo CD and are not on record")
    if len(sent) != len(set(sent)):
        faults.append("a sync was sent twice")
    if argocd.token in json.dumps(trail):
        faults.append("the trail holds the token")
    sys.stdout.write(f"{len(sent)} syncs, {len(trail)} records. {'; '.join(faults) or 'Well.'}\n")
    return 1 if faults else 0


def _token(url: str) -> str:
    body = {"username": "admin", "password": "demo"}
    answer = httpx.post(f"{url}/api/v1/auth/login", json=body)
    return str(answer.json()["token"])


def _run(tool: str, url: str, token: str, examples: int) -> int:
    command = [
        tool,
        "run",
        f"{url}/api/v1/openapi.json",
        "--header",
        f"Authorization: Bearer {token}",
        "--checks",
        CHECKS,
        "--max-examples",
        str(examples),
        "--no-color",
    ]
    for pattern in LEFT_OUT:
        command += ["--exclude-path-regex", pattern]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": ""}).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
