"""
What the hooks do, composed from the rest: ``plugin`` imports it when a host first needs any of it.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from . import PLUGIN, errors
from .client.calls import Client
from .correlation import correlate, receive
from .given import entities_of, texts_of
from .instances.hub import reveal
from .pages import Pages
from .render import Renderer
from .rest.openapi import SCHEMAS
from .rest.routes import Routes
from .runtime import Runtime
from .settings import DEFAULT_SECRETS_DIRS, config_schema, mask, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .hookspecs import ConfigVerdict, Correlation, Entity, Host, Manifest, WriteMode
    from .instances.watch import Pace
    from .settings import InstanceSettings

LOG = logging.getLogger("gantry_argocd")


class Work:
    """
    The plugin, whether it is configured or not.

    Args:
        make_client: Makes the client of an instance. None for the network.

        now: The time, aware. None for the system's clock.

        pace: Of those who follow the instances. None for what suits Argo CD.

        templates: Folders with templates of the host's own.

    Attributes:
        runtime: The configuration in use. None while there is none.

        renderer: Turns views into HTML, and has the files that the HTML needs.

        pages: What people see.

        routes: What the REST API answers.
    """

    schemas = SCHEMAS

    def __init__(
        self,
        *,
        make_client: Callable[[InstanceSettings], Client] | None,
        now: Callable[[], datetime] | None,
        pace: Pace | None,
        templates: Sequence[Path],
    ) -> None:
        self._pace = pace
        self._now = now or (lambda: datetime.now(UTC))
        self._make_client = make_client or self._client
        self._lock = threading.Lock()
        self._configuring = threading.Lock()
        self.runtime: Runtime | None = None
        self.renderer = Renderer(templates)
        self.pages = Pages(self.renderer, self._now)
        self.routes = Routes(self._ready).routes()

    def _client(self, instance: InstanceSettings) -> Client:
        return Client(instance, reveal=reveal, now=self._now)

    def _ready(self) -> Runtime:
        runtime = self.runtime
        if runtime is None:
            raise errors.NotReady("argocd plugin is not configured")
        return runtime

    # --- what the plugin knows ---

    def discover(self) -> Sequence[Entity] | None:
        """Ask every instance."""
        runtime = self.runtime
        return runtime.discover() if runtime is not None and runtime.enabled else None

    def correlate(self, entities: Sequence[Entity]) -> Correlation | None:
        """Bring the catalogue in line with what was heard last."""
        runtime = self.runtime
        return runtime.ledger.correlate(entities_of(entities)) if runtime is not None else None

    def receive_write(
        self, stored: Entity | None, body: Entity | None, mode: WriteMode
    ) -> Entity | None:
        """Keep our values ours, and others' theirs."""
        runtime = self.runtime
        if runtime is None:
            return receive(stored, body, mode)
        return receive(stored, body, mode, runtime.settings.enrichment_prefixes)

    def withdraw(self, entities: Sequence[Entity]) -> Correlation:
        """Take everything that is ours out of the catalogue."""
        runtime = self.runtime
        if runtime is not None:
            runtime.ledger.forget()
        result = correlate(entities_of(entities), [])
        return {"plugin": PLUGIN, "changes": result.changes, "problems": result.problems}

    # --- life cycle ---

    def manifest(self) -> Manifest:
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

    def validate_config(
        self,
        config: Any,
        stored: Mapping[str, Any] | None,
        trusted: bool,
        secrets_dirs: Sequence[str],
    ) -> ConfigVerdict:
        """Check a configuration."""
        dirs = texts_of(secrets_dirs) or DEFAULT_SECRETS_DIRS
        verdict = validate(config, stored=stored, trusted=trusted, secrets_dirs=dirs)
        return {
            "values": verdict.values,
            "errors": verdict.errors,
            "enable_errors": verdict.enable_errors,
        }

    def mask_config(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hide the secrets of a configuration."""
        return mask(config)

    def configure(self, config: Mapping[str, Any] | None, enabled: bool, host: Host | None) -> bool:
        """Take a configuration into use, or out of use."""
        with self._configuring:
            runtime = self._made(config, enabled, host) if config else None
            if config and runtime is None:
                LOG.error("the configuration cannot be used; argocd stays as it is")
                return False
            # New requests go to the new one at once; what the former one has begun comes to its
            # end before the new one writes.
            with self._lock:
                before, self.runtime = self.runtime, runtime
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

    def status(self) -> Mapping[str, Any]:
        """Say how the plugin is."""
        runtime = self.runtime
        if runtime is None:
            return {"state": "available", "lastSync": None, "instances": []}
        return runtime.status()

    def shut_down(self) -> None:
        """End all work."""
        with self._lock:
            before, self.runtime = self.runtime, None
        if before is not None:
            before.stop()
