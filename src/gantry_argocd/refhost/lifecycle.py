"""What the host does to plugins: configure, enable, disable, withdraw, sync."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import attrs
import sqlalchemy as sa

from gantry_argocd.hookspecs import (
    Applied,
    Change,
    ConfigError,
    ConfigVerdict,
    Entity,
)
from gantry_argocd.refhost import database
from gantry_argocd.refhost.catalogue import Catalogue
from gantry_argocd.refhost.documents import check_base, check_shape, key_of
from gantry_argocd.refhost.foreign import ForeignWrite
from gantry_argocd.refhost.moments import Clock, stamp
from gantry_argocd.refhost.plugin_state import ConfigRefused, PluginHost, PluginState
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import HostError, Invalid, Missing, NotTaken
from gantry_argocd.refhost.rotation import KeysMixed, reseal
from gantry_argocd.refhost.trail import Actor, Record, Trail
from gantry_argocd.refhost.vault import Undecryptable, Vault

_log = logging.getLogger(__name__)

_REPORTS = 50
"""How many reports of a plugin are remembered as told."""

NOT_ENABLED = "plugin is not enabled"


class Lifecycle:
    """
    Keeps what plugins are configured to, and tells them.

    Args:
        engine: Where configurations are.

        plugins: Whom they are for.

        catalogue: Where plugins write.

        trail: Where it is told.

        vault: Seals configurations.

        clock: The present time.

        secrets_dirs: Folders that ``file:`` references of a configuration may name.
    """

    def __init__(
        self,
        engine: sa.Engine,
        plugins: Plugins,
        catalogue: Catalogue,
        trail: Trail,
        vault: Vault,
        clock: Clock,
        secrets_dirs: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._plugins = plugins
        self._catalogue = catalogue
        self._trail = trail
        self._vault = vault
        self._clock = clock
        self._secrets_dirs = tuple(secrets_dirs)
        # Changes of one plugin's state come one after the other, and so do its syncs.
        self._changing = threading.Lock()
        self._syncing = {name: threading.Lock() for name in plugins.names}
        self._failing: dict[str, str] = {}
        self._telling = threading.Lock()
        self._told: dict[str, deque[str]] = {}
        self._insert_missing()

    # --- reading ---

    def states(self) -> list[PluginState]:
        """List all plugins by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(database.plugins)).mappings().all()
        by_name = {row["name"]: row for row in rows}
        return [self._state(by_name[name]) for name in self._plugins.names]

    def state(self, name: str) -> PluginState:
        """
        Give one plugin.

        Raises:
            Missing: There is no such plugin.
        """
        found = next((state for state in self.states() if state.name == name), None)
        if found is None:
            raise Missing("plugin not found")
        return found

    def masked(self, state: PluginState) -> Mapping[str, Any]:
        """Give a plugin's configuration without secrets; empty when it has none."""
        return self._plugins.mask(state.name, state.config) if state.config else {}

    def host_of(self, name: str) -> PluginHost:
        """Give what is handed to the plugin *name*."""
        return PluginHost(name, self._catalogue, self._trail)

    # --- changing ---

    def start(self, configs: Mapping[str, Mapping[str, Any]]) -> None:
        """
        Store and enable what the operator's own file says, then configure every plugin.

        Raises:
            ConfigRefused: The file is not accepted.

            Missing: It is for a plugin that is not installed.
        """
        with suppress(KeysMixed):  # what cannot be opened is told of each plugin
            reseal(self._engine, self._vault, self._vault, plain_only=True)
        operator = Actor("operator", source="config")
        for name, config in configs.items():
            state = self.state(name)
            verdict = self._judge(state, config, trusted=True)
            refused = [*verdict["errors"], *verdict["enable_errors"]]
            if refused:
                raise ConfigRefused(f"the configuration of {name} is not valid", refused)
            self._save(name, config=verdict["values"], trusted=True, enabled=True)
            self._tell(operator, "plugin.configured", name, {"enabled": True})
        for state in self.states():
            if state.unreadable:
                _log.error("plugin %s: %s", state.name, state.unreadable)
            self._configure(state)

    def put_config(self, name: str, config: Any, actor: Actor) -> None:
        """
        Replace a plugin's configuration.

        Raises:
            ConfigRefused: It is not accepted; nothing has changed.

            NotTaken: The plugin failed to take it into use; the former one is in force.
        """
        with self._changing:
            state = self.state(name)
            verdict = self._judge(state, config, trusted=False)
            if verdict["errors"]:
                raise ConfigRefused("the configuration is not valid", verdict["errors"])
            if state.enabled and verdict["enable_errors"]:
                raise ConfigRefused(
                    "the configuration may be stored, but not while the plugin is enabled: "
                    "disable it first",
                    verdict["enable_errors"],
                )
            values = verdict["values"]
            self._take(state, attrs.evolve(state, config=values, trusted=False, unreadable=""))
            with self._put_back(state):
                self._save(name, config=values, trusted=False)
            self._tell(actor, "plugin.configured", name)

    def enable(self, name: str, actor: Actor) -> None:
        """
        Enable a plugin.

        Raises:
            ConfigRefused: Its configuration is not complete, or cannot be read.

            NotTaken: The plugin failed to take it into use, and is not enabled.
        """
        with self._changing:
            state = self.state(name)
            if why := state.unreadable:
                raise ConfigRefused(why, [ConfigError(path="$", message=why)])
            verdict = self._judge(state, dict(state.config or {}), trusted=state.trusted)
            if refused := [*verdict["errors"], *verdict["enable_errors"]]:
                raise ConfigRefused(
                    "required configuration fields must be set before enabling", refused
                )
            self._take(state, attrs.evolve(state, enabled=True))
            with self._put_back(state):
                self._save(name, enabled=True)
            self._tell(actor, "plugin.enabled", name)

    def disable(self, name: str, actor: Actor, *, withdraw: bool = False) -> Applied | None:
        """
        Disable a plugin; with *withdraw* take everything of it out of the catalogue.

        Raises:
            NotTaken: The plugin failed to hear of it. It is disabled and withdrawn nevertheless.
        """
        with self._changing:
            self.state(name)
            self._save(name, enabled=False)
            self._tell(actor, "plugin.disabled", name, {"withdraw": withdraw})
            taken = self._configure(self.state(name))
            applied = self._withdraw(name) if withdraw else None
            if not taken:
                raise NotTaken
            return applied

    # --- syncing plugins that have no route for it ---

    def sync(self, name: str, actor: Actor) -> dict[str, Any]:
        """
        Have a neighbour discover, and put what it knows into the catalogue.

        Raises:
            Invalid: The plugin is not enabled.
        """
        state = self.state(name)
        if not self._plugins.implements(name, "discover"):
            raise Unsupported(f"sync not supported for plugin: {name}")
        if not state.enabled:
            raise Invalid(NOT_ENABLED)
        with self._syncing[name]:
            report = self._sync(name)
        self.synced(name, actor, report)
        return report

    def synced(self, name: str, actor: Actor, report: Any) -> None:
        """
        Keep in the trail who had a plugin synced, with what came of it.

        Callers who join a sync under way get the same report, known by its ``startedAt``. It is
        told once.
        """
        if isinstance(report, Mapping) and isinstance(begun := report.get("startedAt"), str):
            with self._telling:
                told = self._told.setdefault(name, deque(maxlen=_REPORTS))
                if begun in told:
                    return
                told.append(begun)
        counts = (
            {key: value for key, value in report.items() if isinstance(value, int | str)}
            if isinstance(report, Mapping)
            else {}
        )
        self._tell(actor, "plugin.synced", name, counts)

    def _sync(self, name: str) -> dict[str, Any]:
        errors: list[str] = []
        try:
            found = self._plugins.discover(name, self._catalogue.entities())
        except Exception as error:  # noqa: BLE001 - a plugin's failure belongs into the report
            _log.error("plugin %s failed in discover: %s", name, type(error).__name__)
            found, errors = [], [f"{name}: discovery failed"]
        writes = []
        for entity in found:
            try:
                check_shape(entity)
                check_base(entity)
            except Invalid as error:
                errors.append(str(error))
            else:
                writes.append(ForeignWrite("upsert", key_of(entity), entity))
        before = {write.key: self._catalogue.get(write.key) for write in writes}
        self._catalogue.write(writes, self._plugins, self.host_of(name).actor)
        after = {key: self._catalogue.get(key) for key in before}
        return {
            "entities": len(before),
            "created": sum(before[key] is None and after[key] is not None for key in before),
            "updated": sum(before[key] not in (None, after[key]) for key in before),
            "errors": errors,
        }

    # --- inside ---

    def _judge(self, state: PluginState, config: Any, *, trusted: bool) -> ConfigVerdict:
        verdict = self._plugins.validate(
            state.name,
            config,
            state.config,
            trusted=trusted,
            secrets_dirs=self._secrets_dirs,
        )
        if verdict is not None:
            return verdict
        if not isinstance(config, Mapping):
            error = ConfigError(path="$", message="expected an object")
            return ConfigVerdict(values={}, errors=[error], enable_errors=[])
        lacking = [
            ConfigError(path=f"$.{field}", message="is required")
            for field in state.manifest["configSchema"].get("required", ())
            if config.get(field) in (None, "")
        ]
        return ConfigVerdict(values=config, errors=[], enable_errors=lacking)

    def _take(self, former: PluginState, wanted: PluginState) -> None:
        """Have a plugin take *wanted* into use, or put it back to *former*."""
        if not self._configure(wanted):
            self._configure(former)
            raise NotTaken

    @contextmanager
    def _put_back(self, former: PluginState) -> Iterator[None]:
        """Have a plugin go on as it is stored when what it has taken cannot be stored."""
        try:
            yield
        except BaseException:
            self._configure(former)
            raise

    def _configure(self, state: PluginState) -> bool:
        enabled = state.enabled and not state.unreadable
        config = state.config or None
        taken = self._plugins.configure(state.name, config, enabled, self.host_of(state.name))
        if taken:
            self._failing.pop(state.name, None)
        else:
            self._failing[state.name] = str(NotTaken())
        return taken

    def _withdraw(self, name: str) -> Applied:
        def changes(entities: Sequence[Entity]) -> Sequence[Change]:
            answer = self._plugins.withdraw(name, entities)
            return answer["changes"] if answer else ()

        return self._catalogue.update(changes, self.host_of(name).actor)

    def _insert_missing(self) -> None:
        now = stamp(self._clock())
        table = database.plugins
        with database.transaction(self._engine, "locked") as connection:
            known = set(connection.scalars(sa.select(table.c.name)))
            for name in self._plugins.names:
                if name not in known:
                    row = {"name": name, "enabled": False, "config": None, "trusted": False}
                    times = {"installed_at": now, "updated_at": now}
                    connection.execute(table.insert().values(row | times))

    def _save(
        self,
        name: str,
        *,
        config: Mapping[str, Any] | None = None,
        trusted: bool = False,
        enabled: bool | None = None,
    ) -> None:
        values: dict[str, Any] = {"updated_at": stamp(self._clock())}
        if config is not None:
            values |= {"config": self._vault.seal(config), "trusted": trusted}
        if enabled is not None:
            values["enabled"] = enabled
        table = database.plugins
        with database.transaction(self._engine, "locked") as connection:
            connection.execute(table.update().where(table.c.name == name).values(values))

    def _state(self, row: Mapping[Any, Any]) -> PluginState:
        manifest = self._plugins.manifest(row["name"])
        if manifest is None:  # pragma: no cover - only names of plugins that have one come here
            raise Missing("plugin not found")
        config, unreadable = None, ""
        try:
            config = self._vault.open(row["config"]) if row["config"] else None
        except Undecryptable as error:
            unreadable = str(error)
        return PluginState(
            manifest=manifest,
            enabled=row["enabled"],
            config=config,
            trusted=row["trusted"],
            unreadable=unreadable,
            problem=unreadable or self._failing.get(row["name"], ""),
            installed_at=row["installed_at"],
            updated_at=row["updated_at"],
        )

    def _tell(
        self, actor: Actor, action: str, name: str, details: Mapping[str, Any] | None = None
    ) -> None:
        self._trail.add(
            Record(
                actor=actor,
                action=action,
                resource_type="Plugin",
                resource_id=f"Plugin:{name}",
                resource_name=name,
                details=dict(details) if details else None,
            )
        )


class Unsupported(HostError):
    """A plugin cannot do that."""

    status = 501
    code = "not_supported"
