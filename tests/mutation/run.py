"""
Show that the tests notice every fault of ``faults.py``, in the correlation, and of
``client_faults.py``, in the client.

Run it with ``python tests/mutation/run.py``, in the environment that the tests run in. For each
fault the package is copied to a temporary directory, the fault is seeded into the copy, and the
examples and the laws are run against it, until the first of them fails. A table says which test
caught which fault. The exit code is 1 when a fault survives, and 2 when one has lost its place in
the code (then ``faults.py`` has to follow the code).

A first run without any fault shows that the tests pass against a copy. Arguments choose faults:
``python tests/mutation/run.py 9 16`` runs those of rules 9 and 16, ``leak limit`` the client's. It
takes some five minutes; the sources are never touched.
"""

# ruff: noqa: T201 - a command that prints its table

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from client_faults import CLIENT_FAULTS
from fault import Fault

from faults import FAULTS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "gantry_argocd"
TESTS = [
    f"tests/correlation/test_{name}.py"
    for name in ("examples", "more_examples", "adoption", "defects", "ledger", "laws", "history")
] + ["tests/live/test_snapshot.py"]
_QUIET = ("-x", "-q", "-n0", "-p", "no:cacheprovider")
NONE = Fault("-", "no fault at all", "", "", "")


class Displaced(Exception):
    """The text of a fault does not stand in the code exactly once."""


def try_out(fault: Fault) -> tuple[str, float]:
    """
    Run the tests against a copy with *fault*.

    Returns:
        The first test that failed, or an empty text, and the seconds that it took.

    Raises:
        Displaced: If the fault has no single place.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "gantry_argocd"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        if fault.file:
            _seed(copy / fault.file, fault)
        began = time.monotonic()
        done = subprocess.run(  # noqa: S603  our own interpreter and arguments
            [sys.executable, "-m", "pytest", *_QUIET, *(fault.tests or TESTS)],
            cwd=ROOT,
            env=os.environ
            | {"PYTHONPATH": folder, "HYPOTHESIS_STORAGE_DIRECTORY": f"{folder}/hypothesis"},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
    if done.returncode == 0:
        return "", seconds
    found = re.search(r"^(?:FAILED|ERROR) \S*?/(test_\w+\.py(?:::\S+)?)", done.stdout, re.MULTILINE)
    return (found[1] if found else done.stdout[-300:] + done.stderr[-300:]), seconds


def _seed(path: Path, fault: Fault) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        raise Displaced(f"it stands {text.count(fault.old)} times in {fault.file}")
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")


def main(rules: list[str]) -> int:
    """Try the faults of *rules*, all when none is named, and print what came of them."""
    chosen = [fault for fault in FAULTS + CLIENT_FAULTS if not rules or fault.rule in rules]
    survived = displaced = 0
    caught, seconds = try_out(NONE)
    if caught:
        print(f"the tests fail without any fault: {caught}")
        return 2
    print(f"{'rule':4}  {'fault':60}  {'s':>5}  caught by")
    print(f"{NONE.rule:4}  {NONE.what:60}  {seconds:5.1f}  (nothing to catch)", flush=True)
    for fault in chosen:
        try:
            caught, seconds = try_out(fault)
        except Displaced as problem:
            displaced += 1
            print(f"{fault.rule:4}  {fault.what:60}  {'':5}  DISPLACED: {problem}", flush=True)
            continue
        survived += not caught
        verdict = caught or "SURVIVED"
        print(f"{fault.rule:4}  {fault.what:60}  {seconds:5.1f}  {verdict}", flush=True)
    print(f"{len(chosen)} faults, {survived} survived, {displaced} displaced")
    return 2 if displaced else 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
