"""W1 and W2: everything into an empty catalogue, and the same again."""

from __future__ import annotations

from collections.abc import Mapping

from measuring import Figure, Row, alternate, demand, memory, timed
from scene import Fleet, Floor, Portal, check, portal
from sizes import Sizes

_PEER = "the same answers fetched at once with httpx and decoded by orjson, nothing more"
_FIRST, _AGAIN = 3.0, 1.5


def first(sizes: Sizes) -> list[Row]:
    """Measure W1."""
    with Fleet(sizes.apps, sizes.instances) as fleet:
        truth = fleet.truth()
        floor = Floor(fleet, sizes.apps)
        spent: list[tuple[int, int]] = []
        figure, least = alternate(
            sizes.rounds,
            lambda: discovered(fleet, truth, spent),
            lambda: timed(floor),
        )
        floor.close()
    row = Row(
        workload="W1",
        work=f"first discovery of {sizes.apps:,} apps on {sizes.instances} instances "
        "into an empty SQLite catalogue",
        figure=figure,
        peer=_PEER,
        floor=least,
        mark=f"at most {_FIRST:g} x the floor",
        reached=figure.median <= _FIRST * least.median,
        warm_up=1,
        memory=memory(),
        upstream=_sum(spent[-sizes.rounds :]),
    )
    return [row]


def discovered(
    fleet: Fleet, truth: Mapping[str, str], spent: list[tuple[int, int]] | None = None
) -> float:
    """Time one discovery into an empty catalogue, from the start of the host on."""
    with portal(fleet.config(follow=False)) as made:
        before = fleet.upstream()
        took = timed(lambda: _start(made, len(truth)))
        if spent is not None:
            spent.append(difference(before, fleet.upstream()))
        check(list(made.services().values()), truth)
    return took


def _start(made: Portal, apps: int) -> None:
    report = made.start()
    demand(report["created"] and not report["updated"], f"the catalogue was not empty: {report}")
    demand(report["apps"] >= apps, f"{report['apps']} apps instead of {apps}")


def again(sizes: Sizes) -> list[Row]:
    """Measure W2."""
    with Fleet(sizes.apps, sizes.instances) as fleet, portal(fleet.config(follow=False)) as made:
        truth = fleet.truth()
        floor = Floor(fleet, sizes.apps)
        entities = made.start()["created"]
        ticks = made.ticks()
        before = fleet.upstream()
        spent: list[tuple[int, int]] = []

        def product() -> float:
            before = fleet.upstream()
            took = timed(lambda: unchanged(made, entities))
            spent.append(difference(before, fleet.upstream()))
            return took

        figure, least = alternate(sizes.rounds, product, lambda: timed(floor))
        demand(made.ticks() == ticks, "something was written")
        check(list(made.services().values()), truth)
        demand(before, "nothing was asked")
        floor.close()
    row = Row(
        workload="W2",
        work="the same again, nothing changed",
        figure=figure,
        peer=_PEER,
        floor=least,
        mark=f"at most {_AGAIN:g} x the floor, 0 rows written",
        reached=figure.median <= _AGAIN * least.median,
        warm_up=1,
        memory=memory(),
        upstream=_sum(spent[-sizes.rounds :]),
        notes=["0 rows written"],
    )
    return [row]


def unchanged(made: Portal, entities: int) -> None:
    """Sync once more, and demand that nothing was written."""
    report = made.sync()
    written = report["created"] + report["updated"] + report["removed"]
    same = report["unchanged"] == entities and not written
    demand(same, f"not {entities} unchanged entities: {report}")


def difference(
    before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]]
) -> tuple[int, int]:
    """Give the requests and bytes between two counts."""
    pairs = [(after[route], before.get(route, (0, 0))) for route in after]
    return sum(new[0] - old[0] for new, old in pairs), sum(new[1] - old[1] for new, old in pairs)


def _sum(spent: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(number for number, _ in spent), sum(size for _, size in spent)


def median_of(values: list[float]) -> float:
    """Give the one in the middle."""
    return Figure(tuple(values)).median
