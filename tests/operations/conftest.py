"""An Argo CD with the usual fleet, and a plugin that is connected to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scene import Scene, instance

from gantry_argocd.simulator import Simulator


@pytest.fixture(scope="module")
def argocd() -> Iterator[Simulator]:
    """An Argo CD whose operations take a third of a second; each test has its own applications."""
    with Simulator(operation_seconds=0.3, reconcile_seconds=0.02) as simulator:
        yield simulator


@pytest.fixture
def scene(argocd: Simulator) -> Iterator[Scene]:
    """The plugin at work."""
    argocd.requests.clear()
    with Scene(instance(argocd)) as made:
        yield made
    argocd.faults.clear()
