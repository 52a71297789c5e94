"""Leaving an instance alone that does not answer."""

from __future__ import annotations

import pytest

from gantry_argocd.client.circuit import OPENS_AFTER, PROBE_EVERY, Circuit
from gantry_argocd.errors import TimedOut, Unreachable


def test_a_dead_instance_is_left_alone_and_probed() -> None:
    """After some failures calls fail at once; one in a while finds out whether it is back."""
    clock = [0.0]
    circuit = Circuit(lambda: clock[0])
    for _ in range(OPENS_AFTER):
        circuit.check()
        circuit.failed(TimedOut("no answer", instance="one"))

    with pytest.raises(TimedOut, match="not asked again yet"):
        circuit.check()
    clock[0] += PROBE_EVERY
    circuit.check()
    with pytest.raises(TimedOut):
        circuit.check()
    circuit.answered()
    circuit.check()


def test_failures_that_are_not_in_a_row_change_nothing() -> None:
    """An instance that answers now and then is asked every time."""
    circuit = Circuit(lambda: 0.0)
    for _ in range(OPENS_AFTER * 2):
        circuit.failed(Unreachable("x"))
        circuit.answered()

    circuit.check()
