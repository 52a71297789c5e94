"""How far an operation is: a request is no success, and neither is an end without health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gantry_argocd.actions.progress import SETTLES_WITHIN, progress
from gantry_argocd.models import Application, Facts, Operation, ResourceResult
from gantry_argocd.refs import AppKey

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FACTS = Facts(key=AppKey("prod", "argocd", "pay"), sync="Synced", health="Healthy")
PROGRESSING = Facts(key=FACTS.key, sync="Synced", health="Progressing")
ENDED: dict[str, Any] = {"phase": "Succeeded", "finished_at": NOON}
LATE = {"phase": "Succeeded", "finished_at": NOON - SETTLES_WITHIN - timedelta(seconds=1)}

CASES = [
    (None, FACTS, "none", True),
    ({"phase": "Queued"}, FACTS, "queued", False),
    ({"phase": "Running"}, FACTS, "running", False),
    ({"phase": "Running", "finished_at": NOON}, FACTS, "waiting-for-retry", False),
    (
        {"phase": "Running", "message": "waiting for pruning confirmation of /ConfigMap/x"},
        FACTS,
        "waiting-for-confirmation",
        False,
    ),
    (
        {"phase": "Running", "message": "Waiting for pruning confirmation of v1/ConfigMap/x"},
        FACTS,
        "waiting-for-confirmation",
        False,
    ),
    (
        {"phase": "Running", "message": "Sync operation blocked by sync window"},
        FACTS,
        "blocked",
        False,
    ),
    ({"phase": "Terminating"}, FACTS, "terminating", False),
    ({"phase": "Failed", "message": "hook failed"}, FACTS, "failed", True),
    ({"phase": "Error", "message": "ComparisonError: x"}, FACTS, "failed", True),
    (ENDED, FACTS, "succeeded", True),
    (ENDED, PROGRESSING, "settling", False),
    (LATE, PROGRESSING, "succeeded", True),
    (ENDED | {"dry_run": True}, PROGRESSING, "succeeded", True),
    (ENDED | {"selected": True}, FACTS, "failed", True),
    (ENDED | {"selected": True, "results": (ResourceResult(name="x"),)}, FACTS, "succeeded", True),
    ({"phase": "Dreaming"}, FACTS, "running", False),
    ({"phase": "Abandoned"}, FACTS, "failed", True),
]


@pytest.mark.parametrize(("operation", "facts", "state", "done"), CASES)
def test_how_far_it_is(
    operation: dict[str, Any] | None, facts: Facts, state: str, done: bool
) -> None:
    """Each state of an operation has one word, one sentence, and says whether more is to come."""
    app = Application(facts=facts, operation=Operation(**operation) if operation else None)

    found = progress(app, NOON)

    assert (found.state, found.done) == (state, done)
    assert found.message


def test_what_argo_cd_says_is_in_the_sentence() -> None:
    """Why it failed is told in Argo CD's own words."""
    app = Application(facts=FACTS, operation=Operation(phase="Failed", message="hook exit 1"))

    assert progress(app, NOON).message == "The operation failed: hook exit 1"


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ((), "It would change nothing."),
        ((("Synced", "configmap/x unchanged (dry run)"),), "It would change nothing."),
        ((("PruneSkipped", "ignored (no prune)"),), "It would change nothing."),
        (
            (("Pruned", "pruned (dry run)"),),
            "It would change nothing; with prune it would delete ConfigMap r0.",
        ),
        (
            (("Pruned", "pruned (dry run)"), ("Synced", "configmap/x configured (dry run)")),
            "It would change ConfigMap r1; with prune it would delete ConfigMap r0.",
        ),
        (
            (("Synced", "configmap/x serverside-applied (server dry run)"),),
            "Argo CD does not say whether it would change ConfigMap r0.",
        ),
        (
            (("Synced", "x configured (dry run)"), ("Synced", "role/x reconciled (dry run)")),
            (
                "It would change ConfigMap r0; Argo CD does not say whether it would change "
                "ConfigMap r1."
            ),
        ),
    ],
)
def test_a_dry_run_says_what_it_would_change(
    results: tuple[tuple[str, str], ...], message: str
) -> None:
    """What would be deleted and what changed is named; what would stay as it is is not."""
    found = tuple(
        ResourceResult(kind="ConfigMap", name=f"r{number}", status=status, message=said)
        for number, (status, said) in enumerate(results)
    )
    operation = Operation(phase="Succeeded", finished_at=NOON, dry_run=True, results=found)

    assert progress(Application(facts=FACTS, operation=operation), NOON).message == message
