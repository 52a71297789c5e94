"""Fixtures for pytest: ``pytest_plugins = ["gantry_argocd.simulator.testing"]`` in a conftest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .server import Simulator

__all__ = ["argocd_simulator", "make_argocd_simulator"]


@pytest.fixture
def make_argocd_simulator() -> Iterator[Callable[..., Simulator]]:
    """Start simulators with the arguments of `Simulator`; each is stopped after the test."""
    with ExitStack() as stack:

        def make(**options: object) -> Simulator:
            return stack.enter_context(Simulator(**options))  # type: ignore[arg-type]

        yield make


@pytest.fixture
def argocd_simulator(make_argocd_simulator: Callable[..., Simulator]) -> Simulator:
    """A running simulator with forty Applications, whose syncs take a moment."""
    return make_argocd_simulator(operation_seconds=0.3)
