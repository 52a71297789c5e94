"""
The entry point ``gantry.plugins: argocd``: the hooks.

``gantry_argocd.plugin:plugin`` is made anew each time it is loaded, so two plugin managers in one
process share nothing.

A host imports and registers every plugin before it answers anybody. Whatever the hooks do is in
``work`` therefore, with everything that it needs, and is imported when a hook is called first.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from . import PLUGIN
from .hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from .client.calls import Client
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
    from .settings import InstanceSettings
    from .work import Work


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
        self._make_client = make_client
        self._now = now
        self._pace = pace
        self._templates = templates
        self._beginning = threading.Lock()
        self._begun: Work | None = None

    def _work(self) -> Work:
        with self._beginning:
            if self._begun is None:
                from .work import Work

                self._begun = Work(
                    make_client=self._make_client,
                    now=self._now,
                    pace=self._pace,
                    templates=self._templates,
                )
            return self._begun

    # --- what the plugin knows ---

    @hookimpl
    def discover(self, entities: Sequence[Entity]) -> Sequence[Entity] | None:  # noqa: ARG002
        """Ask every instance; what is in the catalogue already does not matter."""
        return self._work().discover()

    @hookimpl
    def correlate(self, entities: Sequence[Entity]) -> Correlation | None:
        """Bring the catalogue in line with what was heard last."""
        return self._work().correlate(entities)

    @hookimpl
    def receive_write(
        self, stored: Entity | None, body: Entity | None, mode: WriteMode
    ) -> Entity | None:
        """Keep our values ours, and others' theirs."""
        return self._work().receive_write(stored, body, mode)

    # --- what people see ---

    @hookimpl
    def panel_tab(self, entity: Entity) -> Tab | None:
        """Show the tab on Services that are linked, while the plugin is enabled (P1)."""
        work = self._work()
        return work.pages.tab(work.runtime, entity)

    @hookimpl
    def render_panel(self, entity: Entity, user: User, page: PageContext) -> Fragment | None:
        """Draw the tab."""
        work = self._work()
        return work.pages.panel(work.runtime, entity, user, page)

    @hookimpl
    def render_sidebar(self, entity: Entity, user: User, page: PageContext) -> Fragment | None:  # noqa: ARG002
        """Draw the card from the annotations alone (P6)."""
        return self._work().pages.card(entity)

    @hookimpl
    def actions(self, entity: Entity, user: User) -> Sequence[Action] | None:
        """Offer what can be done to the apps of the entity (A9)."""
        work = self._work()
        return work.pages.actions(work.runtime, entity, user)

    # --- life cycle and REST ---

    @hookimpl
    def plugin_manifest(self) -> Manifest:
        """Describe the plugin."""
        return self._work().manifest()

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
        return self._work().validate_config(config, stored, trusted, secrets_dirs)

    @hookimpl
    def mask_config(self, plugin: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Hide the secrets of a configuration."""
        return self._work().mask_config(config) if plugin == PLUGIN else None

    @hookimpl
    def configure(
        self, plugin: str, config: Mapping[str, Any] | None, enabled: bool, host: Host | None
    ) -> bool | None:
        """Take a configuration into use, or out of use."""
        return self._work().configure(config, enabled, host) if plugin == PLUGIN else None

    @hookimpl
    def withdraw(self, plugin: str, entities: Sequence[Entity]) -> Correlation | None:
        """Take everything that is ours out of the catalogue."""
        return self._work().withdraw(entities) if plugin == PLUGIN else None

    @hookimpl
    def plugin_status(self, plugin: str) -> Mapping[str, Any] | None:
        """Say how the plugin is."""
        return self._work().status() if plugin == PLUGIN else None

    @hookimpl
    def plugin_routes(self, plugin: str) -> Sequence[Route] | None:
        """List the REST routes."""
        return self._work().routes if plugin == PLUGIN else None

    @hookimpl
    def plugin_schemas(self, plugin: str) -> Mapping[str, Any] | None:
        """Give what the routes refer to."""
        return self._work().schemas if plugin == PLUGIN else None

    @hookimpl
    def plugin_assets(self, plugin: str) -> Mapping[str, Asset] | None:
        """Give stylesheet and script."""
        return self._work().renderer.assets() if plugin == PLUGIN else None

    @hookimpl
    def shutdown(self, plugin: str) -> bool | None:
        """End all work."""
        if plugin != PLUGIN:
            return None
        if self._begun is not None:
            self._begun.shut_down()
        return True


def __getattr__(name: str) -> Any:
    # Each manager that loads the entry point gets a plugin of its own, without state in modules.
    if name == "plugin":
        return ArgoCDPlugin()
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
