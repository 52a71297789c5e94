"""W5: correlation alone, of everything, and of one app that changed."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
from measuring import Figure, Row, alternate, demand, exponent, memory, worked
from sizes import Sizes

from gantry_argocd.correlation import (
    Answer,
    InstanceInfo,
    Outcome,
    Result,
    Standing,
    correlate,
    entity_key,
)
from gantry_argocd.models import Destination, Facts
from gantry_argocd.refs import AppKey

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_INSTANCES = 10
_HALF_A_SECOND, _ONE = 500.0, 1.0
_FLAT = 0.1
"""Exponent below which a cost is said not to grow with the fleet."""


def fleet(apps: int) -> list[Answer]:
    """Make the complete answers of ten instances; three apps share a label, some stand alone."""
    sources = [InstanceInfo(name=f"i{n}", origin=f"https://argocd-{n}") for n in range(_INSTANCES)]
    found: dict[str, list[Facts]] = defaultdict(list)
    for number in range(apps):
        source = sources[number % _INSTANCES]
        alone = number >= apps - apps // 100
        service = f"service-{number if alone else number // 3}"
        found[source.name].append(
            Facts(
                key=AppKey(source.name, "argocd", f"app-{number}"),
                label=service,
                sync="Synced",
                health="Healthy",
                repo=f"https://github.com/acme/{service}.git",
                repo_url=f"https://github.com/acme/{service}",
                destination=Destination(
                    server="https://kubernetes.default.svc", namespace=f"ns-{number % 50}"
                ),
            )
        )
    return [answer(source, found[source.name], Outcome.COMPLETE) for source in sources]


def answer(source: InstanceInfo, apps: Sequence[Facts], outcome: Outcome) -> Answer:
    """Make the answer of one instance."""
    return Answer(source=source, outcome=outcome, apps=tuple(apps), began_at=BEGAN)


def stored(result: Result) -> list[Any]:
    """Give the entities as a catalogue would give them back."""
    return [json.loads(json.dumps(change["entity"])) for change in result.changes]


def unchanged(apps: int) -> tuple[Callable[[], None], Callable[[], None], int]:
    """Give the correlation of a fleet in which nothing changed, its floor, and its entities."""
    answers = fleet(apps)
    rows = stored(correlate([], answers))

    def product() -> None:
        result = correlate(rows, answers)
        done = not result.changes and len(result.placements) == apps
        demand(done, f"{len(result.changes)} changes, {len(result.placements)} apps placed")

    def floor() -> None:
        groups: dict[str, list[Facts]] = defaultdict(list)
        for given in answers:
            for facts in given.apps:
                groups[facts.label].append(facts)
        demand(len(groups) == len(rows), f"{len(groups)} groups")

    return product, floor, len(rows)


class OneChanged:
    """
    A fleet in which one app after the other changes.

    Args:
        apps: How many.
    """

    def __init__(self, apps: int) -> None:
        answers = fleet(apps)
        rows = stored(correlate([], answers))
        self._standing = Standing(correlate(rows, answers), [a.source for a in answers])
        self._facts = [facts for given in answers for facts in given.apps]
        self._sources = {given.source.name: given.source for given in answers}
        self._rng = random.Random(1)  # noqa: S311  the same choice each time
        self._number = 0

    def __call__(self) -> None:
        """Let one app change, and the catalogue have it."""
        self._number += 1
        facts = self._rng.choice(self._facts)
        health = f"Degraded-{self._number}"
        news = answer(
            self._sources[facts.key.instance],
            [attrs.evolve(facts, health=health)],
            Outcome.PARTIAL,
        )
        answers = [
            news if name == facts.key.instance else Answer(source=source)
            for name, source in self._sources.items()
        ]
        proposal = self._standing.propose({}, answers)
        done = proposal is not None and len(proposal.changes) == 1
        demand(done, "one changed app did not change one entity")
        if proposal is None:
            return
        self._standing.take(proposal)
        # The host shows the next time what it has stored.
        entity = proposal.changes[0]["entity"]
        key = entity_key(entity) if entity is not None else None
        seen = self._standing.propose(
            {key: entity} if key else {}, [Answer(source=s) for s in self._sources.values()]
        )
        demand(seen is not None and not seen.changes, "the change did not stay")
        if seen is not None:
            self._standing.take(seen)


def correlating(sizes: Sizes) -> list[Row]:
    """Measure W5."""
    product, floor, entities = unchanged(sizes.apps)
    figure, least = alternate(sizes.rounds, lambda: worked(product), lambda: worked(floor))
    rows = [
        Row(
            workload="W5",
            work=f"correlate {sizes.apps:,} apps in {entities:,} entities, nothing changed",
            figure=figure,
            peer="grouping the same apps by label in a dictionary",
            floor=least,
            mark="under 0.5 s",
            reached=figure.median < _HALF_A_SECOND,
            warm_up=1,
            memory=memory(),
            upstream=(0, 0),
        )
    ]
    costs = {size: one_changed(size, sizes.rounds) for size in sizes.growth}
    slope = exponent(sizes.growth, [costs[size].median for size in sizes.growth])
    each = ", ".join(f"{size:,}: {cost.median:.3f} ms" for size, cost in costs.items())
    middle = costs[sizes.growth[len(sizes.growth) // 2]]
    rows.append(
        Row(
            workload="W5",
            work="the same, one app changed",
            figure=middle,
            mark="under 1 ms, whatever the size of the fleet",
            reached=middle.median < _ONE and slope < _FLAT,
            warm_up=1,
            memory=memory(),
            upstream=(0, 0),
            notes=[f"by the size of the fleet: {each}; exponent {slope:.2f}"],
        )
    )
    return rows


def one_changed(apps: int, rounds: int, each: int = 50) -> Figure:
    """Time changes of one app, many in a round."""
    change = OneChanged(apps)

    def several() -> None:
        for _ in range(each):
            change()

    several()
    return Figure(tuple(worked(several) / each for _ in range(rounds)))
