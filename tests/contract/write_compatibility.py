"""Runs the contract on every simulated release and writes docs/compatibility.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "compatibility.md"
_INTRODUCTION = """# Compatibility

What the plugin relies on in Argo CD, by release: the results of the contract suite in
`tests/contract`, held against a simulator of each release. The simulator of every release but 2.8
is compared with recordings of a real server, request by request. Where releases differ, the fact
says how, and it holds if the release does as the fact says.

To hold the contract against a server of your own, see `tests/contract/README.md`.

<!-- Written by tests/contract/write_compatibility.py; do not edit. -->
"""
_SIGNS = {"holds": "✓", "DOES NOT HOLD": "✗", "not tried": "-"}


def main() -> int:
    """Run, write, and return the exit code of the run."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-q", str(HERE), "-m", "not browser"],
            env=os.environ | {"ARGOCD_CONTRACT_REPORT": str(report)},
            stdout=subprocess.DEVNULL,
            check=False,
        )
        rows = json.loads(report.read_text("utf-8"))
    DOCUMENT.write_text("\n".join(lines(rows)) + "\n", "utf-8")
    return done.returncode


def lines(rows: list[list[str]]) -> Iterator[str]:
    """Return the document, line by line."""
    yield _INTRODUCTION.rstrip("\n")
    versions = sorted({row[2] for row in rows}, key=_order)
    outcomes = {(section, fact, version): outcome for section, fact, version, outcome, _ in rows}
    for section in dict.fromkeys(row[0] for row in rows):
        yield f"\n## {section}\n"
        yield f"| fact | {' | '.join(versions)} |"
        yield f"|---|{'---|' * len(versions)}"
        for fact in dict.fromkeys(row[1] for row in rows if row[0] == section):
            signs = [_SIGNS[outcomes.get((section, fact, v), "not tried")] for v in versions]
            yield f"| {fact} | {' | '.join(signs)} |"
    yield "\n✓ holds, ✗ does not hold, - could not be tried."


def _order(version: str) -> list[int]:
    return [int(part) for part in version.removeprefix("v").partition("+")[0].split(".")]


if __name__ == "__main__":
    sys.exit(main())
