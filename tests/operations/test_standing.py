"""What is possible is asked of Argo CD only where somebody looks, once in a while, and in time."""

from __future__ import annotations

import time

from scene import DEVELOPER, PAGE, Scene

from gantry_argocd.operations.rights import Standings
from gantry_argocd.refs import AppKey
from gantry_argocd.simulator import Simulator


def draw(scene: Scene, name: str, **params: str) -> str:
    """Draw the tab of a Service."""
    row = scene.host.rows["default", name]
    page = {**PAGE, "params": params}
    (panel,) = scene.manager.hook.render_panel(entity=row, user=DEVELOPER, page=page)
    return str(panel["html"])


def asked(argocd: Simulator) -> tuple[int, int]:
    """Count the questions about rights and about windows."""
    return len(argocd.requests.of("can-i")), len(argocd.requests.of("syncwindows"))


def test_only_cards_that_are_open_cost_a_question(scene: Scene, argocd: Simulator) -> None:
    """Of an entity with several well applications none is asked about until somebody opens it."""
    well = [
        ref
        for ref, state in (
            item.split("=") for item in scene.host.notes("payment-api")["argocd.io/apps"].split(",")
        )
        if state == "Synced/Healthy"
    ]
    all_of_them = len(scene.host.notes("payment-api")["argocd.io/apps"].split(","))
    argocd.requests.clear()
    draw(scene, "payment-api")
    assert asked(argocd) == (all_of_them - len(well), all_of_them - len(well))
    argocd.requests.clear()
    draw(scene, "payment-api", **{"argocd.app": well[0]})
    assert asked(argocd)[0] == 1


def test_answers_are_remembered_for_a_while(scene: Scene, argocd: Simulator) -> None:
    """Many looks are one question; windows, which open and close, are asked about sooner again."""
    clock = [1000.0]
    runtime = scene.plugin._work().runtime
    assert runtime is not None
    standings = Standings(runtime._hub, monotonic=lambda: clock[0])
    key = AppKey("one", "argocd", "fraud-check")

    def look(after: float) -> tuple[int, int]:
        clock[0] += after
        found = standings.ask({key: "payments"}).answers(30)
        assert found[key].may_sync is True
        return asked(argocd)

    argocd.requests.clear()
    assert [look(after) for after in (0, 1, 1, 9, 50)] == [(1, 1), (1, 1), (1, 1), (1, 2), (2, 3)]


def test_a_slow_answer_does_not_hold_up_the_page(scene: Scene, argocd: Simulator) -> None:
    """The tab comes in its time, with buttons that work; what is not known forbids nothing."""
    argocd.faults.set("can-i", delay=30)
    argocd.faults.set("syncwindows", delay=30)
    began = time.monotonic()

    html = draw(scene, "fraud-check")

    assert time.monotonic() - began < 10
    assert 'value="argocd:sync"' in html


def test_a_failing_answer_forbids_nothing(scene: Scene, argocd: Simulator) -> None:
    """A right that cannot be asked for is not taken for one that is missing, nor remembered."""
    argocd.faults.set("can-i", status=400, body={"error": "x", "code": 3, "message": "x"})
    (sync,) = [o for o in scene.look("/actions", "one:ledger") if o["id"] == "argocd:sync"]
    assert sync["available"]
    argocd.faults.clear()
    argocd.requests.clear()
    scene.look("/actions", "one:ledger")
    assert asked(argocd)[0] == 1
