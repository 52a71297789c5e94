"""The thread that works on operations outlives whatever is done to its Applications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from gantry_argocd.simulator import LATEST, Fleet, Projects, generate
from gantry_argocd.simulator.clock import SimulatedClock
from gantry_argocd.simulator.controller import Controller
from gantry_argocd.simulator.gojson import Json
from gantry_argocd.simulator.revisions import Revisions
from gantry_argocd.simulator.store import Key, Record
from waiting import eventually


class Hasty(Fleet):
    """Replaces one Application whenever somebody is about to change it."""

    replaced: Json | None = None

    def change(self, key: Key, edit: Callable[[Json], None]) -> Record | None:
        """Change one Application, but not that one."""
        if self.replaced is not None and self.replaced["metadata"]["name"] == key[1]:
            self.replace(self.replaced)
        return super().change(key, edit)


def test_an_application_that_is_replaced_under_way_ends_only_its_own_operation() -> None:
    """A test that puts its fleet back while a sync runs finds the simulator at work afterwards."""
    clock = SimulatedClock(lambda: datetime.now(UTC))
    fleet = Hasty(clock, LATEST)
    fleet.adopt(generate(2, 1, "one", now=clock()))
    revisions = Revisions(LATEST.unresolvable_suffix)
    controller = Controller(
        fleet, Projects(), revisions, clock, LATEST, operation_seconds=0.01, reconcile_seconds=0.01
    )
    first, second = ((app["metadata"]["namespace"], app["metadata"]["name"]) for app in fleet)
    operation: Json = {"sync": {"revision": "HEAD"}, "initiatedBy": {"username": "admin"}}
    for key in (first, second):
        fleet.change(key, lambda app: app.update(operation=operation))
    fleet.replaced = {k: v for k, v in (fleet.get(first[1]) or {}).items() if k != "operation"}
    controller.start()
    controller.begin(first, None)
    controller.begin(second, None)

    eventually(lambda: "operation" not in (fleet.get(second[1], namespace=second[0]) or {}))
    assert "operation" not in (fleet.get(first[1], namespace=first[0]) or {})
    controller.stop()
