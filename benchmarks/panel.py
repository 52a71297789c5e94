"""
The tab drawn from what is known, against joining the words of its table into plain markup.

It takes an application with 100 and with 5,000 resources, a tenth of them with problems, from what
is known to HTML; templates are warm. Drawing waits for nothing, so the processor's time is
measured: that of an idle machine. A drawing that lacks a row fails.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime

from measuring import Row, alternate, demand, memory, worked
from sizes import Sizes

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


def drawing(sizes: Sizes) -> list[Row]:
    """Measure each size."""
    renderer = Renderer()
    return [_drawn(renderer, number, sizes.rounds) for number in LIMITS]


def _drawn(renderer: Renderer, number: int, rounds: int) -> Row:
    resources = fleet(number)
    state = examples.state(examples.example(NOW, resources=resources))
    offered, page = examples.actions_for(state.ref), examples.page()

    def draw() -> None:
        drawn = renderer.panel(view.panel([state], offered, page, NOW))
        wanted = min(number, _SHOWN) + len(state.application.history) + 2
        demand(drawn.count("<tr") == wanted, f"{drawn.count('<tr')} rows instead of {wanted}")

    figure, floor = alternate(
        rounds, lambda: worked(draw), lambda: worked(lambda: plain(resources)), warm_up=_WARM
    )
    return Row(
        workload="PANEL",
        work=f"the tab of an application with {number:,} resources, drawn from what is known",
        figure=figure,
        peer="the words of its table joined into plain markup",
        floor=floor,
        mark=f"under {LIMITS[number]:g} ms",
        reached=figure.median < LIMITS[number],
        warm_up=_WARM,
        memory=memory(),
        upstream=(0, 0),
    )
