"""
What people see of an entity: the tab, the card and the buttons, from what is known and asked now.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import attrs

from . import PLUGIN, errors
from .actions import offers
from .correlation import entity_key
from .correlation.annotations import APP_NAME, APP_NAMES
from .given import page_of, user_of
from .instances.hub import Fetched
from .mappings import as_dict
from .rest.running import run_action, run_once
from .runtime import STANDING_SECONDS
from .view import AppState, asks, notice, panel, sidebar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .correlation import Member, Members
    from .hookspecs import Action, Entity, Fragment, PageContext, Tab, User
    from .models import Application
    from .render import Renderer
    from .runtime import Runtime

PANEL_SECONDS = 2.5
"""Longest time that a page waits for Argo CD (P7)."""

COMMIT_SECONDS = 0.3
"""Longest time that it waits besides for the authors of commits; later ones come with the next."""


class Pages:
    """
    Draws what belongs to an entity.

    Args:
        renderer: Turns views into HTML.

        now: The time, aware.
    """

    def __init__(self, renderer: Renderer, now: Callable[[], datetime]) -> None:
        self._renderer = renderer
        self._now = now

    def tab(self, runtime: Runtime | None, entity: Entity) -> Tab | None:
        """Show the tab on Services that are linked, while the plugin is enabled (P1)."""
        if runtime is None or not runtime.enabled or not _linked(entity):
            return None
        return {"plugin": PLUGIN, "id": PLUGIN, "title": "ArgoCD"}

    def panel(
        self, runtime: Runtime | None, entity: Entity, user: User, page: PageContext
    ) -> Fragment | None:
        """Draw the tab."""
        user, page = user_of(user), page_of(page)
        if (as_dict(entity) or {}).get("kind") != "Service":
            return None
        if runtime is None or not runtime.settings.instances:
            view = notice("not-configured", page)
        elif not runtime.enabled:
            view = notice("disabled", page)
        elif not _linked(entity):
            view = notice("no-application-linked", page)
        else:
            found = runtime.ledger.members(entity)
            asked = page["params"].get("argocd.app", "")
            opened = [m for m in found.apps if len(found.apps) == 1 or _opens(m, asked)]
            states, offered = self._states_and_actions(runtime, found, user, opened)
            states = self._with_commits(runtime, states)
            view = panel(states, offered, page, self._now(), found.dangling)
        return self._renderer.fragment(PLUGIN, self._renderer.panel(view))

    def card(self, entity: Entity) -> Fragment | None:
        """Draw the card from the annotations alone (P6)."""
        if not _linked(entity):
            return None
        view = sidebar(_annotations(entity), self._now())
        return self._renderer.fragment(PLUGIN, self._renderer.sidebar(view)) if view else None

    def actions(
        self, runtime: Runtime | None, entity: Entity, user: User
    ) -> Sequence[Action] | None:
        """Offer what can be done to the apps of the entity (A9)."""
        if runtime is None or not runtime.enabled or not _linked(entity):
            return None
        found = runtime.ledger.members(entity)
        return self._states_and_actions(runtime, found, user_of(user), found.apps)[1]

    def _states_and_actions(
        self, runtime: Runtime, found: Members, user: User, opened: Sequence[Member]
    ) -> tuple[list[AppState], list[Action]]:
        """Ask for apps, and for rights and windows of *opened* ones, all at once and in time."""
        wanted = {member.key: member.project for member in opened}
        asked = runtime.ask_standing(wanted, user)
        states = self._states(runtime, found)
        standings = asked.answers(STANDING_SECONDS)
        offered = []
        for member, state in zip(found.apps, states, strict=True):
            known = standings.get(member.key, offers.Standing())
            standing = runtime.narrowed(known, member.record.facts, user)
            offered += self._actions_of(runtime, member, state, user, standing)
        return states, offered

    def _states(self, runtime: Runtime, found: Members) -> list[AppState]:
        """Fetch the apps of an entity within the time that a page has."""
        wanted = {member.key: member.project for member in found.apps}
        fetched = runtime.applications.fetch_all(wanted, PANEL_SECONDS)
        return [self._state(runtime, member, fetched[member.key]) for member in found.apps]

    def _with_commits(self, runtime: Runtime, states: Sequence[AppState]) -> list[AppState]:
        """Add who made the revisions that are shown, where that is known or soon will be."""
        first = sorted(states, key=lambda state: not state.needs_attention)
        wanted = {
            state.key: (state.application.facts.project, asks(state.application))
            for state in first
            if state.application is not None and state.error is None
        }
        found = runtime.commits.look_up(wanted, COMMIT_SECONDS)
        return [attrs.evolve(state, commits=found.get(state.key, {})) for state in states]

    def _state(
        self, runtime: Runtime, member: Member, found: Fetched | errors.ArgoCDError
    ) -> AppState:
        record = member.record
        instance = runtime.settings.instance(member.key.instance)
        application: Application | None = None
        error: errors.ArgoCDError | None = None
        if isinstance(found, Fetched):
            application = found.application
        else:
            error = found
        return AppState(
            ref=record.ref,
            key=member.key,
            application=application,
            error=error,
            sync=record.facts.sync,
            health=record.facts.health,
            stale_since=_moment(record.stale_since),
            argocd_url=instance.people_url if instance else None,
            why=member.why,
        )

    def _actions_of(
        self,
        runtime: Runtime,
        member: Member,
        state: AppState,
        user: User,
        standing: offers.Standing,
    ) -> list[Action]:
        return [
            {
                "id": offer.id,
                "plugin": PLUGIN,
                "app": state.ref,
                "label": offer.label,
                "icon": offer.icon,
                "role": offers.ACTION_ROLE,
                "destructive": offer.destructive,
                "confirmation": offer.confirmation,
                "available": offer.available,
                "reason": offer.reason,
                "part": offer.part,
                "rehearsal": offer.rehearsal,
                "run": partial(run_action, runtime, member.record.facts, state.ref, offer.id, user),
                "runOnce": partial(
                    run_once, runtime, member.record.facts, state.ref, offer.id, user
                ),
            }
            for offer in offers.offers(state.application, state.error, user["role"], standing)
        ]


def _opens(member: Member, asked: str) -> bool:
    """Say whether the card of an app is unfolded at once, as far as the catalogue can tell."""
    facts = member.record.facts
    well = facts.sync == "Synced" and facts.health == "Healthy"
    return not well or member.record.ref == asked


def _linked(entity: Entity) -> bool:
    """Say whether the entity is a Service with a link, written by us or by hand."""
    given = as_dict(entity) or {}
    if given.get("kind") != "Service" or entity_key(given) is None:
        return False
    found = _annotations(given)
    return any(isinstance(v := found.get(k), str) and v.strip() for k in (APP_NAME, APP_NAMES))


def _annotations(entity: Entity) -> Mapping[str, str]:
    metadata = (as_dict(entity) or {}).get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
