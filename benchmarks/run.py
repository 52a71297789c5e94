"""
Measure everything, and say how far it is from what it is compared with.

``python benchmarks/run.py`` runs all workloads, each in a process of its own, prints a table and
writes ``benchmarks/results.json``; ``--only W1,W5`` runs some, ``--small`` only sees whether
everything runs. A workload that did not do its work makes the whole run fail.
``docs/generate.py`` puts the table of the last run into ``docs/performance.md``.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import click
import correlating
import discovery
import growing
import isolation
import living
import pages
import starting
from measuring import NotDone, Row
from panel import drawing
from sizes import SMALL, Sizes
from table import as_table

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"

WORKLOADS: Mapping[str, Callable[[Sizes], Sequence[Row]]] = {
    "W1": discovery.first,
    "W2": discovery.again,
    "W3": pages.panels,
    "W4": pages.cards,
    "W5": correlating.correlating,
    "W6": living.following,
    "W7": growing.remembering,
    "W8": growing.growing,
    "W9": living.viewing,
    "W10": starting.starting,
    "PANEL": drawing,
    "ISOLATION": isolation.isolating,
}


@click.command(help=__doc__)
@click.option("--only", default="", help="Some workloads, such as W1,W5.")
@click.option("--small", is_flag=True, help="See whether everything runs; the figures say nothing.")
@click.option("--apps", type=int, help="Applications, 10,000 if not given.")
@click.option("--instances", type=int, help="Simulated Argo CD servers, 10 if not given.")
@click.option("--rounds", type=int, help="Rounds, 15 if not given; 5 of what takes long.")
@click.option("--seconds", type=float, help="How long viewers read, 60 if not given.")
@click.option("--growth", help="Sizes of fleets, 1000,10000,100000 if not given.")
@click.option("--json", "path", type=click.Path(path_type=Path), default=RESULTS)
@click.option("--worker", hidden=True)
def main(only: str, small: bool, path: Path, worker: str | None, **given: Any) -> None:
    """Measure."""
    sizes = _sizes(SMALL if small else Sizes(), given)
    if worker:
        _work(worker, sizes)
        return
    wanted = only.split(",") if only else list(WORKLOADS)
    for name in wanted:
        if name not in WORKLOADS:
            raise click.BadParameter(f"there are {', '.join(WORKLOADS)}", param_hint="--only")
    failed = []
    rows: list[Any] = []
    for name in wanted:
        began = time.monotonic()
        found = _run(name)
        click.echo(f"{name}: {time.monotonic() - began:.0f} s", err=True)
        rows += found or ()
        if found is None:
            failed.append(name)
    if small:
        click.echo(f"{len(rows)} rows; so small, their figures say nothing")
    else:
        _keep(path, rows, sizes)
        click.echo(as_table(rows))
    if failed:
        click.echo(f"did not do their work: {', '.join(failed)}", err=True)
        sys.exit(1)


def _sizes(usual: Sizes, given: Mapping[str, Any]) -> Sizes:
    changed = {name: value for name, value in given.items() if value is not None}
    if "growth" in changed:
        changed["growth"] = tuple(int(size) for size in changed["growth"].split(","))
    if "rounds" in changed:
        changed["few"] = min(changed["rounds"], usual.few)
    return attrs.evolve(usual, **changed)


def _run(name: str) -> list[Any] | None:
    """Run one workload in a process of its own; None when it failed."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, __file__, *sys.argv[1:], "--worker", name],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return None
    found: list[Any] = json.loads(done.stdout)
    return found


def _work(name: str, sizes: Sizes) -> None:
    try:
        rows = WORKLOADS[name](sizes)
    except NotDone as problem:
        click.echo(f"{name} did not do its work: {problem}", err=True)
        sys.exit(1)
    click.echo(json.dumps([row.as_json() for row in rows]))


def _keep(path: Path, rows: list[Any], sizes: Sizes) -> None:
    """Write the results; workloads that were not run this time stay as they were."""
    before = json.loads(path.read_text("utf-8"))["rows"] if path.exists() else []
    now = {row["workload"] for row in rows}
    moment = datetime.now(UTC).strftime("%Y-%m-%d")
    rows = [row | {"measured": moment, "load": round(os.getloadavg()[0], 1)} for row in rows]
    rows += [row for row in before if row["workload"] not in now]
    rows.sort(key=lambda row: list(WORKLOADS).index(row["workload"]))
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
    }
    text = json.dumps({"machine": machine, "sizes": attrs.asdict(sizes), "rows": rows}, indent=1)
    path.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
