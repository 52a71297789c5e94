"""A plugin as the host knows it, what it may ask, and why its configuration is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from gantry_argocd.hookspecs import Applied, Change, ConfigError, Entity, Manifest
from gantry_argocd.refhost.catalogue import Catalogue
from gantry_argocd.refhost.problems import Invalid
from gantry_argocd.refhost.trail import Actor, Trail, plugin_record


class ConfigRefused(Invalid):
    """A configuration is not accepted; ``errors`` has every reason with its path."""

    code = "config"

    def __init__(self, message: str, errors: Sequence[ConfigError]) -> None:
        super().__init__(message, errors=[dict(error) for error in errors])
        self.errors = tuple(errors)


@attrs.frozen
class PluginHost:
    """What one plugin may ask of the host: :class:`gantry_argocd.hookspecs.Host`."""

    plugin: str
    _catalogue: Catalogue
    _trail: Trail

    @property
    def actor(self) -> Actor:
        """The plugin as an author."""
        return Actor(f"{self.plugin}-plugin")

    def update(self, correlate: Callable[[Sequence[Entity]], Sequence[Change]]) -> Applied:
        """Read all Services, and apply what *correlate* says, in one transaction."""
        return self._catalogue.update(correlate, self.actor)

    def audit(self, record: Mapping[str, Any]) -> None:
        """Keep a record; see :func:`gantry_argocd.refhost.trail.plugin_record`."""
        self._trail.add(plugin_record(self.actor, record))


@attrs.frozen
class PluginState:
    """
    A plugin as the host knows it.

    Attributes:
        unreadable: Why its stored configuration cannot be read.

        problem: What is wrong with it: that, or that it could not take the configuration.
    """

    manifest: Manifest
    enabled: bool
    config: Mapping[str, Any] | None = attrs.field(repr=False)
    trusted: bool
    unreadable: str
    problem: str
    installed_at: str
    updated_at: str

    @property
    def name(self) -> str:
        """Name of the plugin."""
        return self.manifest["name"]
