"""The document of compatibility against the suite that it is written from."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gantry_argocd.simulator import Simulator

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "compatibility.md"


@pytest.mark.nightly
def test_a_server_that_is_given_is_left_alone(tmp_path: Path) -> None:
    """Against a server of one's own nothing is changed, and the table says what was not tried."""
    with Simulator(release="3.4", keep_alive_seconds=0.2) as simulator:
        before = list(simulator.fleet)
        environment = {
            "ARGOCD_URL": simulator.url,
            "ARGOCD_TOKEN": simulator.token,
            "ARGOCD_TOKEN_READER": simulator.tokens["reader"],
            "ARGOCD_TOKEN_NOBODY": simulator.tokens["nobody"],
            "ARGOCD_APP_PLAIN": "payment-api",
            "ARGOCD_APP_MULTI": "search-api",
            "ARGOCD_APP_AUTOMATED": "checkout-web",
        }
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", str(HERE)],
            env=os.environ | environment,
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert list(simulator.fleet) == before
    assert done.returncode == 0, done.stdout
    assert " Argo CD v3.4.7 " in done.stdout
    assert "holds          Lists: A list is sorted by name." in done.stdout
    assert "(nothing may be changed: ARGOCD_CONTRACT_WRITE is not 1)" in done.stdout
    assert "(no Application is prepared for 'windowed')" in done.stdout
    assert "DOES NOT HOLD" not in done.stdout


def test_the_document_has_every_fact() -> None:
    """What is documented are the facts of the suite, none missing and none left over."""
    facts = set()
    for path in HERE.glob("test_facts_*.py"):
        module = importlib.import_module(path.stem)
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                facts.add(" ".join((inspect.getdoc(function) or "").split()))
    rows = re.findall(r"^\| (.+?) \|(?: [✓✗-] \|)+$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert set(rows) == facts
    assert "✗" not in "".join(DOCUMENT.read_text("utf-8").split("\n## ")[1:-1])
