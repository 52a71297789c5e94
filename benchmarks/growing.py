"""W7 and W8: memory, and how costs grow with the fleet."""

from __future__ import annotations

from functools import partial

import attrs
from correlating import unchanged as correlation
from discovery import discovered
from discovery import unchanged as same_again
from measuring import Figure, Row, demand, exponent, memory, timed
from scene import Fleet, check, listing, portal, served
from sizes import Sizes

_MB, _PER = 60.0, 10_000
_EXPONENT = 1.1


@attrs.frozen
class Weight:
    """
    What a host with a fleet weighs, in MB.

    Attributes:
        more: Over an empty host, once it has come to rest.

        peak: The most that it ever had, over an empty host.

        answers: Size of the projected JSON.
    """

    more: float
    peak: float
    answers: float
    absolute: tuple[float, float]


def weigh(apps: int, instances: int) -> Weight:
    """Run a host without a fleet and one with it, each in a new process, and compare."""
    with served(None) as empty:
        empty.services()
        base = memory(empty.pid)
    with Fleet(apps, instances) as fleet, served(fleet.config()) as host:
        host.wait_for_sync()
        host.wait_until_live()
        truth = fleet.truth()
        # Somebody opens a page, so that the snapshot for readers is there as well.
        for _ in range(2):
            demand(host.client.get("/api/v1/entities/Service/payment-api").is_success, "no entity")
        host.wait_until(
            "lists", lambda _: fleet.upstream().get("list", (0, 0))[0] >= 2 * instances + instances
        )
        used = memory(host.pid)
        check(host.services(), truth)
        answers = sum(len(listing(fleet.admin, instance)) for instance in fleet.instances) / 1e6
    return Weight(used[1] - base[1], used[0] - base[0], answers, used)


def remembering(sizes: Sizes) -> list[Row]:
    """Measure W7."""
    found = [weigh(sizes.apps, sizes.instances) for _ in range(sizes.few)]
    figure = Figure(tuple(one.more for one in found), "MB")
    share = figure.median * _PER / sizes.apps
    last = found[-1]
    return [
        Row(
            workload="W7",
            work=f"memory of a host that follows {sizes.apps:,} apps, over an empty one",
            figure=figure,
            peer="the projected JSON",
            floor=Figure(tuple(one.answers for one in found), "MB"),
            mark=f"at most {_MB:g} MB for each {_PER:,} apps",
            reached=share <= _MB,
            memory=last.absolute,
            notes=[f"{share:.0f} MB for {_PER:,} apps; the most on the way {last.peak:.0f} MB"],
        )
    ]


def growing(sizes: Sizes) -> list[Row]:
    """Measure W8."""
    costs: dict[str, list[float]] = {"W1": [], "W2": [], "W5": [], "W7": []}
    for apps in sizes.growth:
        rounds = max(1, min(sizes.few, 100_000 // apps))
        instances = sizes.growth_instances
        with Fleet(apps, instances) as fleet:
            truth = fleet.truth()
            discovered(fleet, truth)
            times = [discovered(fleet, truth) for _ in range(rounds)]
            costs["W1"].append(Figure(tuple(times)).median)
            with portal(fleet.config(follow=False)) as made:
                entities = made.start()["created"]
                again = partial(same_again, made, entities)
                again()
                times = [timed(again) for _ in range(rounds)]
            costs["W2"].append(Figure(tuple(times)).median)
        product, _, _ = correlation(apps)
        product()
        costs["W5"].append(Figure(tuple(timed(product) for _ in range(rounds))).median)
        costs["W7"].append(weigh(apps, instances).more)
    return [_row(sizes, name, found) for name, found in costs.items()]


def _row(sizes: Sizes, name: str, costs: list[float]) -> Row:
    unit = "MB" if name == "W7" else "ms"
    slope = exponent(sizes.growth, [max(cost, 0.001) for cost in costs])
    each = ", ".join(
        f"{apps:,}: {cost:,.0f} {unit}" for apps, cost in zip(sizes.growth, costs, strict=True)
    )
    return Row(
        workload="W8",
        work=f"growth of {name} on {sizes.growth_instances} instances",
        figure=Figure((slope,), "exponent"),
        peer="a straight line",
        floor=Figure((1.0,), "exponent"),
        mark=f"exponent at most {_EXPONENT:g}",
        reached=slope <= _EXPONENT,
        memory=memory(),
        notes=[each],
    )
