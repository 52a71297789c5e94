"""Where helper modules of the tests are found, how much Hypothesis tries, and common fixtures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from gantry_argocd.simulator import LATEST, Simulator

for folder in (".", "correlation", "faults"):
    sys.path.insert(0, str(Path(__file__).parent / folder))

settings.register_profile(
    "default",
    max_examples=50,  # CI and the nightly run try more
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # Explaining a failure can take minutes, in which CI would tell nothing.
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
settings.register_profile("ci", parent=settings.get_profile("default"), max_examples=500)
settings.register_profile("nightly", parent=settings.get_profile("default"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def release() -> str:
    """The release of Argo CD that is simulated."""
    return LATEST.name


@pytest.fixture
def argocd(release: str) -> Iterator[Simulator]:
    """An Argo CD with a varied fleet, in which operations take a moment."""
    with Simulator(apps=40, operation_seconds=0.3, release=release) as simulator:
        yield simulator


@pytest.fixture
def staging(release: str) -> Iterator[Simulator]:
    """Another Argo CD."""
    with Simulator(
        apps=20, seed=2, name="staging", operation_seconds=0.3, release=release
    ) as simulator:
        yield simulator
