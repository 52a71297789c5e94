"""
Who may act where, when that is to be less than the roles allow.

A rule names what it is about (actions, instances, projects, namespaces, owners; what is left out
means any) and who may do that. Rules only take away: every rule that fits an action has to let
the person through, after the role has.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import attrs

from ..hookspecs import ROLES
from . import texts
from .fields import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..hookspecs import User

OWNER = "$owner"
"""Among groups: the one that is called like the owner of the entity."""


def patterns(**known: Any) -> Any:
    """Declare a setting of names or patterns; none is the default."""
    return setting(json_type="array", text=texts.NAME_PATTERN, default=[], **known)


@attrs.frozen(kw_only=True)
class PolicyRule:
    """One rule."""

    actions: tuple[str, ...] = setting(
        key="actions",
        title="Actions",
        description="What the rule is about: sync, hard-sync (whatever deletes, forces or "
        "replaces), dry-run, refresh, terminate, rollback. Empty means all.",
        json_type="array",
        text=texts.POLICY_ACTION,
        default=[],
        examples=(["hard-sync", "rollback"],),
    )
    instances: tuple[str, ...] = patterns(
        key="instances",
        title="Instances",
        description="Names or patterns of instances. Empty means all.",
        examples=(["production"],),
    )
    projects: tuple[str, ...] = patterns(
        key="projects",
        title="Projects",
        description="Names or patterns of Argo CD projects. Empty means all.",
    )
    namespaces: tuple[str, ...] = patterns(
        key="namespaces",
        title="Namespaces",
        description="Names or patterns of the namespaces that are deployed to. Empty means all.",
        examples=(["*-prod"],),
    )
    owners: tuple[str, ...] = patterns(
        key="owners",
        title="Owners",
        description="Names or patterns of the entity's owner. Empty means all, also none.",
    )
    role: str = setting(
        key="role",
        title="Least role",
        description="People of this role or higher may. Empty: the role alone lets nobody.",
        choices=("", *ROLES[1:]),
    )
    users: tuple[str, ...] = patterns(
        key="users",
        title="Users",
        description="These people may.",
    )
    groups: tuple[str, ...] = patterns(
        key="groups",
        title="Groups",
        description="People in these groups may, as the host tells them; $owner is the group that "
        "is called like the entity's owner.",
        examples=(["$owner"],),
    )


@attrs.frozen(kw_only=True)
class Place:
    """
    Where somebody wants to act.

    Attributes:
        namespace: That is deployed to. May be empty.

        owner: Gives that of the entity, empty when it has none; asked only where a rule needs it.
    """

    instance: str
    project: str
    namespace: str
    owner: Callable[[], str]


def why_not(rules: Iterable[PolicyRule], action: str, user: User, place: Place) -> str:
    """Say why *user* may not do *action* there; an empty text when no rule is against it."""
    for rule in rules:
        if _fits(rule, action, place) and not _lets(rule, user, place):
            return f"the policy of this portal leaves it to others: {_who(rule)}"
    return ""


def _fits(rule: PolicyRule, action: str, place: Place) -> bool:
    if rule.actions and action not in rule.actions:
        return False
    conditions = (
        (rule.instances, place.instance),
        (rule.projects, place.project),
        (rule.namespaces, place.namespace),
    )
    if not all(_matches(patterns, value) for patterns, value in conditions):
        return False
    return not rule.owners or _matches(rule.owners, place.owner())


def _matches(patterns: Sequence[str], value: str) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)


def _lets(rule: PolicyRule, user: User, place: Place) -> bool:
    if rule.role in ROLES and user["role"] in ROLES[ROLES.index(rule.role) :]:
        return True
    if user["name"] in rule.users:
        return True
    groups = set(user.get("groups", ()))
    if groups & (set(rule.groups) - {OWNER}):
        return True
    return OWNER in rule.groups and bool(groups) and place.owner() in groups


def _who(rule: PolicyRule) -> str:
    found = [f"the role {rule.role} or higher"] if rule.role else []
    if rule.users:
        found.append("certain people")
    if rule.groups:
        named = ["the owner's group" if name == OWNER else name for name in rule.groups[:3]]
        found.append(f"members of {', '.join(named)}")
    return ", or ".join(found) or "nobody"
