"""How often something is done, how long it takes, and what it needs of memory and processor."""

from __future__ import annotations

import gc
import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

_TICKS = os.sysconf("SC_CLK_TCK")


class NotDone(Exception):
    """A benchmark did not do its work, so what it measured means nothing."""


def demand(done: object, what: str) -> None:
    """
    Go on only if the work was done.

    Raises:
        NotDone: It was not.
    """
    if not done:
        raise NotDone(what)


@attrs.frozen
class Figure:
    """
    What several rounds gave.

    Attributes:
        values: One for each round, in *unit*.

        unit: ``ms``, ``MB`` or ``%``.
    """

    values: tuple[float, ...]
    unit: str = "ms"

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.values)

    def as_json(self) -> dict[str, Any]:
        """Give median, spread and number."""
        return {
            "median": self.median,
            "least": min(self.values),
            "most": max(self.values),
            "rounds": len(self.values),
            "unit": self.unit,
        }


@attrs.frozen(kw_only=True)
class Row:
    """
    One line of the table.

    Attributes:
        workload: ``W1`` to ``W10``.

        work: What was done.

        figure: How long it took, or how much it needed.

        peer: The floor, or what it is compared with; empty when a limit is all there is.

        floor: What that took.

        mark: What must be reached.

        reached: Whether it was.

        ratio: Of the medians. None without a floor.

        warm_up: Rounds that do not count.

        memory: Peak and steady resident size in MB of the process that was measured.

        upstream: Requests to Argo CD and bytes of its answers, of all counted rounds together.

        notes: What else was seen.
    """

    workload: str
    work: str
    figure: Figure
    mark: str
    reached: bool
    peer: str = ""
    floor: Figure | None = None
    warm_up: int = 0
    memory: tuple[float, float] | None = None
    upstream: tuple[int, int] | None = None
    notes: Sequence[str] = ()

    @property
    def ratio(self) -> float | None:
        """Figure to floor."""
        return self.figure.median / self.floor.median if self.floor is not None else None

    def as_json(self) -> dict[str, Any]:
        """Give all of it."""
        return {
            "workload": self.workload,
            "work": self.work,
            "figure": self.figure.as_json(),
            "peer": self.peer,
            "floor": self.floor.as_json() if self.floor is not None else None,
            "ratio": self.ratio,
            "mark": self.mark,
            "reached": self.reached,
            "warmUp": self.warm_up,
            "memory": {"peakMB": self.memory[0], "steadyMB": self.memory[1]}
            if self.memory
            else None,
            "upstream": {"requests": self.upstream[0], "bytes": self.upstream[1]}
            if self.upstream is not None
            else None,
            "notes": list(self.notes),
        }


def timed(work: Callable[[], object]) -> float:
    """Give the milliseconds that *work* takes, with no garbage of others to be collected."""
    gc.collect()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def worked(work: Callable[[], object]) -> float:
    """
    Give the milliseconds of the processor that *work* takes.

    For what waits for nothing it is the time that passes on a machine that does nothing else.
    """
    gc.collect()
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def alternate(
    rounds: int, product: Callable[[], float], floor: Callable[[], float], warm_up: int = 1
) -> tuple[Figure, Figure]:
    """Measure both by turns, so that what else the machine does meets both."""
    made, least = [], []
    for number in range(-warm_up, rounds):
        low, high = floor(), product()
        if number >= 0:
            least.append(low)
            made.append(high)
    return Figure(tuple(made)), Figure(tuple(least))


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Give the exponent of growth: the slope of the line through the logarithms."""
    xs, ys = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(xs, ys).slope


def memory(pid: int | None = None) -> tuple[float, float]:
    """Give the peak and the present resident size of a process in MB; None for this one."""
    found = {}
    for line in Path(f"/proc/{pid or 'self'}/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmHWM", "VmRSS"):
            found[name] = int(rest.split()[0]) * 1024 / 1e6
    return found["VmHWM"], found["VmRSS"]


def processor_seconds(pid: int) -> float:
    """Give the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
