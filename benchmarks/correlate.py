"""
How long correlation takes for a fleet in which nothing changed, against grouping the same apps.

Run it with ``python benchmarks/correlate.py [--apps 10000] [--rounds 15]``. Product and floor
alternate in the same run. A run that wrote something, or placed an app nowhere, fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from gantry_argocd.correlation import Answer, InstanceInfo, Outcome, correlate
from gantry_argocd.models import Destination, Facts
from gantry_argocd.refs import AppKey

INSTANCES = 10


def fleet(apps: int) -> list[Answer]:
    """Make the complete answers of ten instances; three apps share a label."""
    sources = [InstanceInfo(name=f"i{n}", origin=f"https://argocd-{n}") for n in range(INSTANCES)]
    found: dict[str, list[Facts]] = defaultdict(list)
    for number in range(apps):
        source = sources[number % INSTANCES]
        repo = f"https://github.com/acme/service-{number // 3}"
        found[source.name].append(
            Facts(
                key=AppKey(source.name, "argocd", f"app-{number}"),
                label=f"service-{number // 3}",
                sync="Synced",
                health="Healthy",
                repo=f"{repo}.git",
                repo_url=repo,
                destination=Destination(
                    server="https://kubernetes.default.svc", namespace=f"ns-{number % 50}"
                ),
            )
        )
    began = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Answer(
            source=source,
            outcome=Outcome.COMPLETE,
            apps=tuple(found[source.name]),
            began_at=began,
        )
        for source in sources
    ]


def timed(work: Callable[[], object]) -> float:
    """Give the seconds that *work* takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()

    answers = fleet(options.apps)
    first = correlate([], answers)
    rows = [json.loads(json.dumps(change["entity"])) for change in first.changes]

    def unchanged() -> None:
        result = correlate(rows, answers)
        if result.changes or len(result.placements) != options.apps:
            msg = "the benchmark did not do its work"
            raise SystemExit(msg)

    def floor() -> None:
        groups: dict[str, list[Facts]] = defaultdict(list)
        for answer in answers:
            for facts in answer.apps:
                groups[facts.label].append(facts)

    unchanged()
    product, least = [], []
    for _ in range(options.rounds):
        product.append(timed(unchanged))
        least.append(timed(floor))
    for name, times in (("correlate, unchanged", product), ("grouping alone", least)):
        print(  # noqa: T201
            f"{name:22} median {statistics.median(times) * 1000:8.1f} ms   "
            f"from {min(times) * 1000:.1f} to {max(times) * 1000:.1f}"
        )
    ratio = statistics.median(product) / statistics.median(least)
    print(f"{options.apps} apps in {len(rows)} entities, 0 written; ratio {ratio:.0f}")  # noqa: T201


if __name__ == "__main__":
    main()
