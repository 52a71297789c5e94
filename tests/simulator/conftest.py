"""Running simulators for the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gantry_argocd.simulator import Simulator


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """A running simulator with the usual fleet, shared by the tests of a module."""
    with Simulator() as running:
        yield running


@pytest.fixture
def quick() -> Iterator[Simulator]:
    """A running simulator of one test's own, whose operations take a fifth of a second."""
    with Simulator(operation_seconds=0.2, reconcile_seconds=0.01, keep_alive_seconds=0.1) as own:
        yield own


@pytest.fixture
def frozen() -> Iterator[Simulator]:
    """A running simulator whose controller needs for ever, so that operations stay queued."""
    with Simulator(operation_seconds=10_000) as own:
        yield own
