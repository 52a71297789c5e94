"""How large the workloads are."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Sizes:
    """
    What can be chosen by flags.

    Attributes:
        apps: Applications of all instances together.

        instances: Simulated servers.

        rounds: Of what takes less than a few seconds.

        few: Rounds of what takes longer.

        seconds: How long viewers read, and how long a host is watched.

        changes: Changes whose way into the catalogue is timed.

        viewers: Readers at once.

        growth: Fleets whose costs are compared.

        growth_instances: Simulated servers of each of those.

        faults: Of the instance that misbehaves; all when there are none.
    """

    apps: int = 10_000
    instances: int = 10
    rounds: int = 15
    few: int = 5
    seconds: float = 60.0
    changes: int = 1000
    viewers: int = 100
    growth: tuple[int, ...] = (1000, 10_000, 100_000)
    growth_instances: int = 50
    faults: tuple[str, ...] = ()


SMALL = Sizes(
    apps=60,
    instances=3,
    rounds=2,
    few=1,
    seconds=0.5,
    changes=20,
    viewers=5,
    growth=(30, 60),
    growth_instances=3,
    faults=("reset",),
)
"""Only to see that everything runs: its figures mean nothing."""
