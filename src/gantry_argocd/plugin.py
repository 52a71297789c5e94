"""
The entry point ``gantry.plugins: argocd``: what the hooks do, composed from the rest.

``gantry_argocd.plugin:plugin`` is made anew each time it is loaded, so two plugin managers in one
process share nothing.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import attrs

from . import errors
from .actions import offers
from .catalogue.ledger import PLUGIN
from .client.calls import Client
from .correlation import correlate, entity_key, receive
from .correlation.annotations import APP_NAME, APP_NAMES
from .hookspecs import hookimpl
from .instances.hub import Fetched, reveal
from .mappings import as_dict
from .render import Renderer
from .rest.openapi import SCHEMAS
from .rest.routes import Routes
from .rest.running import run_action, run_once
from .runtime import STANDING_SECONDS, Runtime
from .settings import DEFAULT_SECRETS_DIRS, config_schema, mask, validate
from .view import AppState, asks, notice, panel, sidebar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .correlation import Member, Members
    from .hookspecs import (
        Action,
        Asset,
        ConfigVerdict,
        Correlation,
        Entity,
        Fragment,
        Host,
        Manifest,
        PageContext,
        Route,
        Tab,
        User,
        WriteMode,
    )
    from .instances.watch import Pace
    from .models import Application
    from .settings import InstanceSettings

LOG = logging.getLogger("gantry_argocd")
PANEL_SECONDS = 2.5
"""Longest time that a page waits for Argo CD (P7)."""

COMMIT_SECONDS = 0.3
"""Longest time that it waits besides for the authors of commits; later ones come with the next."""


class ArgoCDPlugin:
    """
    Gantry's Argo CD plugin.

    Args:
        make_client: Makes the client of an instance. None for the network.

        now: The time, aware. None for the system's clock.

        pace: Of those who follow the instances. None for what suits Argo CD.

        templates: Folders with templates of the host's own (``docs/templates.md``).
    """

    def __init__(
        self,
        *,
        make_client: Callable[[InstanceSettings], Client] | None = None,
        now: Callable[[], datetime] | None = None,
        pace: Pace | None = None,
        templates: Sequence[Path] = (),
    ) -> None:
        self._pace = pace
        self._now = now or (lambda: datetime.now(UTC))
        self._make_client = make_client or self._client
        self._renderer = Renderer(templates)
        self._lock = threading.Lock()
        self._configuring = threading.Lock()
        self._runtime: Runtime | None = None
        self._routes = Routes(self._ready).routes()

    def _client(self, instance: InstanceSettings) -> Client:
        return Client(instance, reveal=reveal, now=self._now)

    def _ready(self) -> Runtime:
        runtime = self._runtime
        if runtime is None:
            raise errors.NotReady("argocd plugin is not configured")
        return runtime

    # --- what the plugin knows ---

    @hookimpl
    def discover(self, entities: Sequence[Entity]) -> Sequence[Entity] | None:  # noqa: ARG002
        """Ask every instance; what is in the catalogue already does not matter."""
        runtime = self._runtime
        return runtime.discover() if runtime is not None and runtime.enabled else None

    @hookimpl
    def correlate(self, entities: Sequence[Entity]) -> Correlation | None:
        """Bring the catalogue in line with what was heard last."""
        runtime = self._runtime
        return runtime.ledger.correlate(entities) if runtime is not None else None

    @hookimpl
    def receive_write(
        self, stored: Entity | None, body: Entity | None, mode: WriteMode
    ) -> Entity | None:
        """Keep our values ours, and others' theirs."""
        runtime = self._runtime
        if runtime is None:
            return receive(stored, body, mode)
        return receive(stored, body, mode, runtime.settings.enrichment_prefixes)

    # --- what people see ---

    @hookimpl
    def panel_tab(self, entity: Entity) -> Tab | None:
        """Show the tab on Services that are linked, while the plugin is enabled (P1)."""
        runtime = self._runtime
        if runtime is None or not runtime.enabled or not _linked(entity):
            return None
        return {"plugin": PLUGIN, "id": PLUGIN, "title": "ArgoCD"}

    @hookimpl
    def render_panel(self, entity: Entity, user: User, page: PageContext) -> Fragment | None:
        """Draw the tab."""
        if (as_dict(entity) or {}).get("kind") != "Service":
            return None
        runtime = self._runtime
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
        return self._fragment(self._renderer.panel(view))

    @hookimpl
    def render_sidebar(self, entity: Entity, user: User, page: PageContext) -> Fragment | None:  # noqa: ARG002
        """Draw the card from the annotations alone (P6)."""
        view = sidebar(_annotations(entity), self._now()) if _linked(entity) else None
        return self._fragment(self._renderer.sidebar(view)) if view is not None else None

    @hookimpl
    def actions(self, entity: Entity, user: User) -> Sequence[Action] | None:
        """Offer what can be done to the apps of the entity (A9)."""
        runtime = self._runtime
        if runtime is None or not runtime.enabled or not _linked(entity):
            return None
        found = runtime.ledger.members(entity)
        return self._states_and_actions(runtime, found, user, found.apps)[1]

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

    def _fragment(self, html: str) -> Fragment:
        return self._renderer.fragment(PLUGIN, html)

    # --- life cycle and REST ---

    @hookimpl
    def plugin_manifest(self) -> Manifest:
        """Describe the plugin."""
        return {
            "name": PLUGIN,
            "title": "ArgoCD",
            "description": "Auto-discovers Argo CD Applications across multiple instances.",
            "longDescription": "Applications of any number of Argo CD instances become Services, "
            "merged with what Kubernetes, GitHub and people know of them, with their live state "
            "in a tab, and sync, hard sync and refresh from the portal.",
            "version": version("gantry-argocd"),
            "author": "Gantry",
            "category": "integration",
            "homepage": "https://argo-cd.readthedocs.io/",
            "features": [
                "Discovery of Applications on any number of instances",
                "Correlation with other plugins and hand-written entities",
                "Live status, resources and history on the service page",
                "Sync, hard sync, refresh and terminate by role",
            ],
            "entityPanels": ["Service"],
            "actionTypes": [],
            "requirements": [
                {
                    "name": "Argo CD",
                    "description": "2.8 or later, with a token that may read applications",
                    "optional": False,
                }
            ],
            "configSchema": config_schema(),
        }

    @hookimpl
    def validate_config(
        self,
        plugin: str,
        config: Any,
        stored: Mapping[str, Any] | None,
        trusted: bool,
        secrets_dirs: Sequence[str],
    ) -> ConfigVerdict | None:
        """Check a configuration."""
        if plugin != PLUGIN:
            return None
        dirs = secrets_dirs or DEFAULT_SECRETS_DIRS
        verdict = validate(config, stored=stored, trusted=trusted, secrets_dirs=dirs)
        return {
            "values": verdict.values,
            "errors": verdict.errors,
            "enable_errors": verdict.enable_errors,
        }

    @hookimpl
    def mask_config(self, plugin: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Hide the secrets of a configuration."""
        return mask(config) if plugin == PLUGIN else None

    @hookimpl
    def configure(
        self, plugin: str, config: Mapping[str, Any] | None, enabled: bool, host: Host | None
    ) -> bool | None:
        """Take a configuration into use, or out of use."""
        if plugin != PLUGIN:
            return None
        with self._configuring:
            runtime = self._made(config, enabled, host) if config else None
            if config and runtime is None:
                LOG.error("the configuration cannot be used; argocd stays as it is")
                return False
            # New requests go to the new one at once; what the former one has begun comes to its
            # end before the new one writes.
            with self._lock:
                before, self._runtime = self._runtime, runtime
            if before is not None:
                before.retire()
            if runtime is not None:
                runtime.start()
                if before is not None and runtime.enabled:
                    runtime.operations.take_over(before.operations)
        return True

    def _made(self, config: Mapping[str, Any], enabled: bool, host: Host | None) -> Runtime | None:
        """Make what a configuration needs, without any effect; None when it cannot be used."""
        settings = validate(config, stored=config, trusted=True).settings
        if settings is None:
            return None
        return Runtime(
            settings,
            enabled=enabled and bool(settings.instances),
            host=host,
            make_client=self._make_client,
            now=self._now,
            pace=self._pace,
        )

    @hookimpl
    def withdraw(self, plugin: str, entities: Sequence[Entity]) -> Correlation | None:
        """Take everything that is ours out of the catalogue."""
        if plugin != PLUGIN:
            return None
        runtime = self._runtime
        if runtime is not None:
            runtime.ledger.forget()
        result = correlate(entities, [])
        return {"plugin": PLUGIN, "changes": result.changes, "problems": result.problems}

    @hookimpl
    def plugin_status(self, plugin: str) -> Mapping[str, Any] | None:
        """Say how the plugin is."""
        if plugin != PLUGIN:
            return None
        runtime = self._runtime
        if runtime is None:
            return {"state": "available", "lastSync": None, "instances": []}
        return runtime.status()

    @hookimpl
    def plugin_routes(self, plugin: str) -> Sequence[Route] | None:
        """List the REST routes."""
        return self._routes if plugin == PLUGIN else None

    @hookimpl
    def plugin_schemas(self, plugin: str) -> Mapping[str, Any] | None:
        """Give what the routes refer to."""
        return SCHEMAS if plugin == PLUGIN else None

    @hookimpl
    def plugin_assets(self, plugin: str) -> Mapping[str, Asset] | None:
        """Give stylesheet and script."""
        return self._renderer.assets() if plugin == PLUGIN else None

    @hookimpl
    def shutdown(self, plugin: str) -> bool | None:
        """End all work."""
        if plugin != PLUGIN:
            return None
        with self._lock:
            before, self._runtime = self._runtime, None
        if before is not None:
            before.stop()
        return True


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


def __getattr__(name: str) -> Any:
    # Each manager that loads the entry point gets a plugin of its own, without state in modules.
    if name == "plugin":
        return ArgoCDPlugin()
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
