"""
How long the tab takes to be drawn, against joining the words of its table into plain markup.

Run it with ``python benchmarks/panel.py [--rounds 31]``. It takes an application with 100 and
with 5,000 resources, a tenth of them with problems, from what is known to HTML; templates are
warm. Product and floor alternate in the same run. Drawing waits for nothing, so the processor's
time is measured: that of an idle machine. A drawing that lacks a row fails.
"""

from __future__ import annotations

import argparse
import html
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gantry_argocd import view
from gantry_argocd.models import Resource
from gantry_argocd.render import Renderer
from gantry_argocd.view import examples

NOW = datetime(2026, 11, 24, 18, 27, 50, tzinfo=UTC)
KINDS = (("apps", "Deployment"), ("", "Service"), ("", "ConfigMap"), ("batch", "Job"))
LIMITS = {100: 3.0, 5_000: 30.0}
"""Milliseconds that a drawing may take."""

_SHOWN = 50
_WARM = 20
"""Drawings before it counts; a portal has drawn many when somebody looks."""


def fleet(number: int) -> tuple[Resource, ...]:
    """Make *number* resources; every tenth is sick."""
    return tuple(
        Resource(
            group=KINDS[n % 4][0],
            kind=KINDS[n % 4][1],
            namespace=f"ns-{n % 7}",
            name=f"web-{n}",
            sync="OutOfSync" if n % 10 == 0 else "Synced",
            health="Degraded" if n % 10 == 0 else "Healthy",
            health_message="x: ImagePullBackOff" if n % 10 == 0 else "",
        )
        for n in range(number)
    )


def plain(resources: Sequence[Resource]) -> str:
    """Join what a page of the table shows: the least that any drawing has to do."""
    bad = sorted((r for r in resources if r.sync != "Synced"), key=lambda r: r.name)
    rows = (bad + [r for r in resources if r.sync == "Synced"])[:_SHOWN]
    return "".join(
        f"<tr>{''.join(f'<td>{html.escape(text)}</td>' for text in row)}</tr>"
        for row in (
            (r.group, r.kind, r.name, r.namespace, r.sync, r.health or "", r.health_message)
            for r in rows
        )
    )


def timed(work: Callable[[], object]) -> float:
    """Give the milliseconds that *work* takes."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def measure(renderer: Renderer, number: int, rounds: int) -> bool:
    """Measure one size and print it; whether it is within its limit."""
    resources = fleet(number)
    state = examples.state(examples.example(NOW, resources=resources))
    offered, page = examples.actions_for(state.ref), examples.page()

    def draw() -> None:
        drawn = renderer.panel(view.panel([state], offered, page, NOW))
        if drawn.count("<tr") != min(number, _SHOWN) + len(state.application.history) + 2:
            msg = "the benchmark did not do its work"
            raise SystemExit(msg)

    for _ in range(_WARM):
        draw()
    pairs = [(timed(draw), timed(lambda: plain(resources))) for _ in range(rounds)]
    product, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    drawn = [first for first, _ in pairs]
    sys.stdout.write(
        f"{number:>5} resources: {product:.2f} ms (from {min(drawn):.2f} to {max(drawn):.2f}), "
        f"floor {floor:.2f} ms, ratio {product / floor:.0f}, limit {LIMITS[number]:.0f} ms\n"
    )
    return product < LIMITS[number]


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=31)
    options = parser.parse_args()
    renderer = Renderer()
    within = [measure(renderer, number, options.rounds) for number in LIMITS]
    if not all(within):
        raise SystemExit("too slow")


if __name__ == "__main__":
    main()
