"""Which server the contract is held against, and the table of facts at the end."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argocd_target import Target, given, simulated

from gantry_argocd.simulator import NEWEST, PROFILES

OUTCOMES = {"passed": "holds", "failed": "DOES NOT HOLD", "skipped": "not tried"}
_HERE = Path(__file__).parent


def _servers() -> list[Any]:
    if os.environ.get("ARGOCD_URL"):
        return [pytest.param("", id="given")]
    others = () if os.environ.get("ARGOCD_CONTRACT_REPORT") else (pytest.mark.nightly,)
    return [
        pytest.param(name, id=name, marks=() if name == NEWEST.name else others)
        for name in PROFILES
    ]


@pytest.fixture(scope="module", params=_servers())
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The server: the one that ARGOCD_URL names, otherwise a simulator of each release."""
    if not request.param:
        yield given()
        return
    with simulated(request.param) as server:
        yield server


@pytest.fixture(autouse=True)
def _reported(request: pytest.FixtureRequest) -> None:
    """Put fact and version into the report of a test."""
    if "target" not in request.fixturenames:
        return
    server: Target = request.getfixturevalue("target")
    fact = " ".join(inspect.getdoc(request.function or "").split())
    section = request.module.__doc__.splitlines()[0].rstrip(".")
    request.node.user_properties.append(("fact", [section, fact, server.version_text]))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the facts if nothing else was tested; write them where the environment says."""
    stats = terminalreporter.stats
    reports = [r for name in OUTCOMES for r in stats.get(name, ()) if hasattr(r, "when")]
    rows = _merged([row for report in reports for row in _row(report)])
    where = os.environ.get("ARGOCD_CONTRACT_REPORT")
    if where and rows:
        Path(where).write_text(json.dumps(sorted(rows), indent=1) + "\n", "utf-8")
    folder = _HERE.relative_to(Path(terminalreporter.config.rootpath)).as_posix()
    if not rows or not all(report.nodeid.startswith(folder) for report in reports):
        return
    for version in dict.fromkeys(row[2] for row in rows):
        terminalreporter.section(f"Argo CD {version}")
        for section, fact, of, outcome, reason in rows:
            if of == version:
                because = f" ({reason})" if reason else ""
                terminalreporter.write_line(f"{outcome:14} {section}: {fact}{because}")


def _merged(rows: list[list[str]]) -> list[list[str]]:
    """Return one row for each fact and version: a fact holds if it does with every parameter."""
    worst: dict[tuple[str, ...], list[str]] = {}
    order = list(OUTCOMES.values())
    ranked = sorted(rows, key=lambda row: (order[2], order[0], order[1]).index(row[3]))
    for row in ranked:
        worst[tuple(row[:3])] = row
    return [worst[key] for key in dict.fromkeys(tuple(row[:3]) for row in rows)]


def _row(report: Any) -> Iterator[list[str]]:
    if report.when != "call" and report.outcome == "passed":
        return
    for name, value in report.user_properties:
        if name == "fact":
            reason = ""
            if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
                reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            yield [*value, OUTCOMES[report.outcome], reason]
