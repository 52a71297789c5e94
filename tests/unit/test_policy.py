"""Who may act where: rules only take away, and what they do not speak of stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from gantry_argocd.hookspecs import User
from gantry_argocd.settings import Place, PolicyRule, validate, why_not

DORA: User = {"name": "dora", "role": "developer", "groups": ["payments"]}
PAUL: User = {"name": "paul", "role": "platform-engineer"}
INSTANCE = {"name": "prod", "argocdUrl": "https://argocd.example.com", "token": "t"}


def rules(*policy: dict[str, Any]) -> tuple[PolicyRule, ...]:
    """Read rules as the configuration has them."""
    verdict = validate({"instances": [INSTANCE], "policy": list(policy)})
    assert verdict.settings is not None, verdict.errors
    return verdict.settings.policy


def place(owner: str = "payments", namespace: str = "pay-prod") -> Place:
    """Give a place."""
    return Place(
        instance="prod", project="payments", namespace=namespace, owner=lambda: owner
    )  # fmt: skip


CASES = [
    ([], DORA, "sync", True),
    ([{"actions": ["hard-sync"], "role": "platform-engineer"}], DORA, "sync", True),
    ([{"actions": ["hard-sync"], "role": "platform-engineer"}], DORA, "hard-sync", False),
    ([{"actions": ["hard-sync"], "role": "platform-engineer"}], PAUL, "hard-sync", True),
    ([{"role": "admin"}], PAUL, "refresh", False),
    ([{"instances": ["prod"], "role": "admin"}], DORA, "sync", False),
    ([{"instances": ["staging"], "role": "admin"}], DORA, "sync", True),
    ([{"projects": ["pay*"], "role": "admin"}], DORA, "sync", False),
    ([{"projects": ["platform"], "role": "admin"}], DORA, "sync", True),
    ([{"namespaces": ["*-prod"], "role": "admin"}], DORA, "sync", False),
    ([{"namespaces": ["*-dev"], "role": "admin"}], DORA, "sync", True),
    ([{"owners": ["payments"], "role": "admin"}], DORA, "sync", False),
    ([{"owners": ["search"], "role": "admin"}], DORA, "sync", True),
    ([{"users": ["dora"]}], DORA, "sync", True),
    ([{"users": ["dora"]}], PAUL, "sync", False),
    ([{"groups": ["payments"]}], DORA, "sync", True),
    ([{"groups": ["search"]}], DORA, "sync", False),
    ([{"groups": ["$owner"]}], DORA, "sync", True),
    ([{"groups": ["$owner"]}], PAUL, "sync", False),
    ([{"groups": ["$owner"], "role": "platform-engineer"}], PAUL, "sync", True),
    ([{"users": ["dora"]}, {"role": "admin"}], DORA, "sync", False),
    ([{"actions": ["rollback"]}], PAUL, "rollback", False),
]


@pytest.mark.parametrize(("policy", "user", "action", "allowed"), CASES)
def test_every_rule_that_fits_has_to_let_somebody_through(
    policy: list[dict[str, Any]], user: User, action: str, allowed: bool
) -> None:
    """A rule holds for what it names only; of several all have to be met; without any all may."""
    reason = why_not(rules(*policy), action, user, place())

    assert (reason == "") is allowed


def test_the_group_of_the_owner_is_that_of_this_entity() -> None:
    """Somebody in the group of another owner may not, and an entity without owner lets nobody."""
    policy = rules({"groups": ["$owner"]})

    assert why_not(policy, "sync", DORA, place("search"))
    assert why_not(policy, "sync", DORA, place(""))


def test_the_owner_is_asked_for_only_where_a_rule_needs_it() -> None:
    """Without such a rule no action costs a look into the catalogue."""

    def never() -> str:
        raise AssertionError

    there = Place(instance="prod", project="p", namespace="n", owner=never)

    assert why_not(rules({"role": "admin"}), "sync", DORA, there)
    assert why_not(rules({"owners": ["x"], "instances": ["other"]}), "sync", DORA, there) == ""


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"actions": ["deploy"]}, "$.policy[0].actions[0]"),
        ({"actions": "sync"}, "$.policy[0].actions"),
        ({"role": "root"}, "$.policy[0].role"),
        ({"user": ["dora"]}, "$.policy[0].user"),
        ({"users": [""]}, "$.policy[0].users"),
        ("deny", "$.policy[0]"),
    ],
)
def test_a_wrong_rule_is_named(rule: Any, path: str) -> None:
    """A rule with a spelling mistake is refused, and never silently lets everybody through."""
    verdict = validate({"instances": [INSTANCE], "policy": [rule]})

    assert verdict.settings is None
    assert any(error["path"].startswith(path) for error in verdict.errors), verdict.errors
