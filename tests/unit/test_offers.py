"""What can be done to an application, by whom, why not now, and what will happen."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from gantry_argocd import errors
from gantry_argocd.actions import offers as actions
from gantry_argocd.actions.offers import Offer, Standing, offers, rollback_number
from gantry_argocd.hookspecs import ROLES
from gantry_argocd.models import Application, AutoSync, Deployment, Facts, Operation, Resource
from gantry_argocd.refs import AppKey

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HISTORY = (
    Deployment(id=0, revisions=("a" * 40,), deployed_at=NOON),
    Deployment(id=1, revisions=("1.8.2", "b" * 40)),
)
APP = Application(facts=Facts(key=AppKey("prod", "argocd", "pay"), sync="Synced"), history=HISTORY)
RUNNING = attrs.evolve(APP, operation=Operation(phase="Running"))


def by_id(
    application: Application | None, role: str = "developer", **more: object
) -> dict[str, Offer]:
    """Give what is offered, by id."""
    standing = Standing(**more)  # type: ignore[arg-type]
    return {offer.id: offer for offer in offers(application, None, role, standing)}


def reasons(found: dict[str, Offer]) -> dict[str, str]:
    """Give the first word or two of why each is not possible."""
    return {id_.removeprefix("argocd:"): offer.reason for id_, offer in found.items()}


def test_everything_is_possible_for_a_developer_on_a_quiet_application() -> None:
    """Nobody is kept from anything without a reason, and each deployment can be gone back to."""
    found = by_id(APP)

    assert all(offer.available and not offer.reason for offer in found.values())
    assert {offer.id: offer.part for offer in found.values()} == {
        "argocd:sync": "",
        "argocd:hard-sync": "",
        "argocd:refresh": "",
        "argocd:dry-run": "more",
        "argocd:hard-dry-run": "rehearsal",
        "argocd:hard-refresh": "more",
        "argocd:rollback:0": "history/0",
        "argocd:rollback:1": "history/1",
    }


@pytest.mark.parametrize("role", [*ROLES, "", "root"])
def test_the_role_decides_before_everything_else(role: str) -> None:
    """A viewer, or somebody of a role that nobody knows, may do nothing, and is told why."""
    allowed = role in ROLES[1:]

    for offer in by_id(APP, role).values():
        assert offer.available is allowed
        assert offer.reason == ("" if allowed else "needs the role developer or higher")


CASES = [
    (attrs.evolve(APP, deleting=True), {}, "being deleted", "everything"),
    (attrs.evolve(APP, left_alone=True), {}, "skip-reconcile", "everything"),
    (APP, {"may_sync": False}, "applications, sync", "operations"),
    (APP, {"window": "a sync window is closed"}, "a sync window", "operations"),
    (RUNNING, {}, "an operation is in progress", "operations"),
    (attrs.evolve(APP, auto_sync=AutoSync()), {}, "turn auto-sync off first", "rollbacks"),
    (APP, {"narrowed": lambda a: "not you" if a == "hard-sync" else ""}, "not you", "hard-sync"),
    (APP, {"narrowed": lambda a: "not you" if a == "refresh" else ""}, "not you", "refreshes"),
]
KINDS = {
    "everything": lambda _: True,
    "operations": lambda id_: "refresh" not in id_ and "terminate" not in id_,
    "rollbacks": lambda id_: "rollback" in id_,
    "hard-sync": lambda id_: id_ == "argocd:hard-sync",
    "refreshes": lambda id_: "refresh" in id_,
}


@pytest.mark.parametrize(("application", "standing", "why", "which"), CASES)
def test_the_reason_is_known_before_the_click(
    application: Application, standing: dict[str, object], why: str, which: str
) -> None:
    """What would be refused is not offered, with the reason; everything else is."""
    for id_, offer in by_id(application, **standing).items():
        assert offer.available is not KINDS[which](id_), id_
        assert (why in offer.reason) is KINDS[which](id_), id_


def test_an_application_that_cannot_be_read_offers_nothing_blindly() -> None:
    """With the instance down nothing can be pressed, and the reason is the instance's."""
    down = errors.Unreachable("no connection (connection refused)", instance="prod")

    found = offers(None, down, "admin")

    assert found
    assert not any(offer.available for offer in found)
    assert {"connection refused" in offer.reason for offer in found} == {True}


def test_only_what_runs_can_be_terminated() -> None:
    """Terminate is there while an operation runs, and says what a closed window means for it."""
    assert actions.TERMINATE not in by_id(APP)

    terminate = by_id(RUNNING, window="a sync window is closed")[actions.TERMINATE]

    assert terminate.available
    assert "until the window opens" in str(terminate.confirmation)
    assert "window" not in str(by_id(RUNNING)[actions.TERMINATE].confirmation)
    held = Operation(phase="Running", message="Sync operation blocked by sync window")
    automated = by_id(attrs.evolve(APP, operation=held))[actions.TERMINATE]
    assert "until the window opens" in str(automated.confirmation)
    assert not by_id(RUNNING, may_sync=False)[actions.TERMINATE].available


@pytest.mark.parametrize(
    ("phase", "why"), [("Queued", "it has not begun"), ("Terminating", "ended already")]
)
def test_what_argo_cd_would_not_end_is_not_offered_to_be_ended(phase: str, why: str) -> None:
    """Terminate says why it cannot be pressed while an operation is queued, or ends already."""
    app = attrs.evolve(APP, operation=Operation(phase=phase))

    terminate = by_id(app)[actions.TERMINATE]

    assert not terminate.available
    assert why in terminate.reason


def test_a_hard_sync_of_what_was_not_compared_promises_nothing() -> None:
    """Where manifests did not load, nobody is told that nothing would be deleted."""
    facts = attrs.evolve(APP.facts, sync="Unknown")

    says = str(by_id(attrs.evolve(APP, facts=facts))[actions.HARD_SYNC].confirmation)

    assert "not known now" in says
    assert "Deletes nothing" not in says


def test_a_hard_sync_says_in_numbers_what_it_deletes() -> None:
    """Three doomed resources are counted and named, live hooks are not, and force is explained."""
    resources = (
        *(Resource(kind="ConfigMap", name=f"old-{n}", prune=True) for n in range(7)),
        Resource(kind="Job", name="migrate", hook=True),
        Resource(kind="Deployment", name="pay"),
    )
    app = attrs.evolve(APP, resources=resources, sync_options=("ServerSideApply=true",))

    says = str(by_id(app)[actions.HARD_SYNC].confirmation)

    assert "Deletes 7 resources" in says
    assert "ConfigMap old-0" in says
    assert "and 2 more" in says
    assert "migrate" not in says
    assert "Applies 1 resource by force" in says
    assert "ServerSideApply=true" in says
    assert by_id(APP)[actions.HARD_SYNC].rehearsal == actions.HARD_DRY_RUN


def test_a_sync_that_would_wait_for_a_confirmation_says_so_first() -> None:
    """A plain sync of an application with Prune=confirm would run for ever: people know before."""
    left = Resource(kind="ConfigMap", name="old", prune=True, prune_confirmation=True)
    app = attrs.evolve(APP, resources=(left,))

    assert by_id(APP)[actions.SYNC].confirmation is None
    for id_ in (actions.SYNC, actions.HARD_SYNC):
        assert "only when somebody confirms" in str(by_id(app)[id_].confirmation)


def test_a_rollback_says_what_it_deploys_and_what_it_does_not_do() -> None:
    """Revision and time of the deployment are named; hooks are skipped, and that is said."""
    found = by_id(APP)

    first = str(found["argocd:rollback:0"].confirmation)
    assert "number 0 of 2026-05-01 12:00 UTC" in first
    assert "a" * 40 in first
    assert "Hooks are skipped" in first
    assert "OutOfSync" in first
    assert "1.8.2 and bbbb" in str(found["argocd:rollback:1"].confirmation)
    assert found["argocd:rollback:0"].destructive


@pytest.mark.parametrize(
    ("action", "number"),
    [
        ("argocd:rollback:0", 0),
        ("argocd:rollback:12", 12),
        ("argocd:rollback:", None),
        ("argocd:rollback", None),
        ("argocd:rollback:-1", None),
        ("argocd:rollback:²", None),
        ("argocd:sync", None),
    ],
)
def test_a_rollback_names_its_deployment(action: str, number: int | None) -> None:
    """The number in the id of an action is read, 0 included, and nothing else is taken for one."""
    assert rollback_number(action) == number
