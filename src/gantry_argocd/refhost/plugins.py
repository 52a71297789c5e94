"""
The plugins, behind a typed façade: the only place where hooks are fired.

Each plugin is called by itself. One that raises costs its own answer and one line in the log,
never the answers of the others.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from gantry_argocd import hookspecs
from gantry_argocd.hookspecs import (
    Action,
    Asset,
    ConfigError,
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
from gantry_argocd.refhost.foreign import Received

GROUP = "gantry.plugins"

SHUTDOWN_SECONDS = 1.2
"""How long the host waits for plugins when it ends: it has two seconds for all."""

_log = logging.getLogger(__name__)


class Plugins:
    """
    All plugins of one host.

    Args:
        extra: Plugin objects besides those found by entry point.

        installed: Entry points to load; those of the group ``gantry.plugins`` when None.

    Raises:
        pluggy.PluginValidationError: An *extra* plugin does not fit the specifications. One
            found by entry point is left out instead, and said so in the log.
    """

    def __init__(
        self, extra: Iterable[object] = (), installed: Iterable[EntryPoint] | None = None
    ) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.failed: dict[str, str] = {}
        self._by_name: dict[str, object] = {}
        self._manifests: dict[str, Manifest] = {}
        self._names: dict[int, str] = {}
        for entry in entry_points(group=GROUP) if installed is None else installed:
            self._load(entry)
        for plugin in extra:
            self._register(plugin, None)
        for plugin in self._manager.get_plugins():
            self._introduce(plugin)

    # --- who is there ---

    @property
    def names(self) -> list[str]:
        """Names of the plugins that can be configured, sorted."""
        return sorted(self._by_name)

    def manifest(self, name: str) -> Manifest | None:
        """Give what a plugin says of itself; None when there is no such plugin."""
        return self._manifests.get(name)

    def implements(self, name: str, hook: str) -> bool:
        """Say whether the plugin *name* has the hook."""
        plugin = self._by_name.get(name)
        return plugin is not None and plugin in self._having(hook)

    # --- what plugins know ---

    def discover(self, name: str, entities: Sequence[Entity]) -> Sequence[Entity]:
        """
        Ask one plugin what it knows.

        Raises:
            Exception: Whatever the plugin raised; a sync has to report it.
        """
        caller = self._only("discover", self._by_name[name])
        answers = caller(entities=entities)
        return [entity for answer in answers for entity in answer]

    def correlators(self) -> Sequence[Callable[[Sequence[Entity]], Correlation | None]]:
        """Give the ``correlate`` of each plugin that has one."""
        return [partial(self._correlate, plugin) for plugin in self._having("correlate")]

    def receive_write(
        self, stored: Entity | None, body: Entity | None, mode: WriteMode
    ) -> Received:
        """Ask the plugins in turn what is to be stored, until one says so."""
        answered = False
        for plugin in self._having("receive_write"):
            told, row = self._try(plugin, "receive_write", stored=stored, body=body, mode=mode)
            if row is not None:
                return Received(answered=True, row=row)
            answered = answered or told
        return Received(answered=answered, row=None)

    # --- what people see ---

    def tabs(self, entity: Entity) -> list[Tab]:
        """List the tabs of an entity's page."""
        return self._each("panel_tab", entity=entity)

    def panel(self, tab: Tab, entity: Entity, user: User, page: PageContext) -> Fragment | None:
        """Draw one tab; None when the plugin failed or has nothing to show."""
        arguments = {"entity": entity, "user": user, "page": page}
        found: Fragment | None = self._named(tab["plugin"], "render_panel", **arguments)
        return found

    def sidebars(self, entity: Entity, user: User, page: PageContext) -> list[Fragment]:
        """Draw the cards of the Overview tab."""
        return self._each("render_sidebar", entity=entity, user=user, page=page)

    def actions(self, entity: Entity, user: User) -> list[Action]:
        """List what *user* could do to *entity*."""
        lists = self._each("actions", entity=entity, user=user)
        return [action for actions in lists for action in actions]

    # --- life cycle and REST ---

    def validate(
        self,
        name: str,
        config: Any,
        stored: Mapping[str, Any] | None,
        *,
        trusted: bool,
        secrets_dirs: Sequence[str] = (),
    ) -> ConfigVerdict | None:
        """
        Have a configuration checked. None from a plugin that checks nothing.

        A plugin that raises has not accepted it: that is an error of the whole configuration.
        """
        plugin = self._by_name[name]
        if plugin not in self._having("validate_config"):
            return None
        told, verdict = self._try(
            plugin,
            "validate_config",
            plugin=name,
            config=config,
            stored=stored,
            trusted=trusted,
            secrets_dirs=secrets_dirs,
        )
        if not told:
            error = ConfigError(path="$", message="the plugin could not check it")
            return ConfigVerdict(values={}, errors=[error], enable_errors=[])
        found: ConfigVerdict | None = verdict
        return found

    def mask(self, name: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give a configuration without secrets; nothing of it when the plugin cannot say."""
        if not self.implements(name, "mask_config"):
            # Who checks no configuration has none with secrets in it.
            return config if not self.implements(name, "validate_config") else {}
        masked = self._named(name, "mask_config", config=config)
        return masked if isinstance(masked, Mapping) else {}

    def configure(
        self, name: str, config: Mapping[str, Any] | None, enabled: bool, host: Host
    ) -> bool:
        """Hand a configuration over. False when the plugin raised, or cannot use it."""
        plugin = self._by_name[name]
        if plugin not in self._having("configure"):
            return True
        told, answer = self._try(
            plugin, "configure", plugin=name, config=config, enabled=enabled, host=host
        )
        return told and answer is not False

    def withdraw(self, name: str, entities: Sequence[Entity]) -> Correlation | None:
        """Ask for the changes that take everything of a plugin out of the catalogue."""
        found: Correlation | None = self._named(name, "withdraw", entities=entities)
        return found

    def status(self, name: str) -> Mapping[str, Any]:
        """Ask a plugin how it is."""
        found = self._named(name, "plugin_status")
        return found if isinstance(found, Mapping) else {}

    def routes(self, name: str) -> Sequence[Route]:
        """List a plugin's REST routes."""
        return self._named(name, "plugin_routes") or ()

    def schemas(self) -> Mapping[str, Any]:
        """Give what the routes of all plugins refer to."""
        found: dict[str, Any] = {}
        for name in self.names:
            found |= self._named(name, "plugin_schemas") or {}
        return found

    def asset(self, name: str, file: str) -> Asset | None:
        """Give one static file of a plugin."""
        assets: Mapping[str, Asset] = self._named(name, "plugin_assets") or {}
        return assets.get(file)

    def shutdown(self, within: float = SHUTDOWN_SECONDS) -> None:
        """Tell all plugins at once to end their work, and wait so many seconds for them."""
        threads = {
            name: threading.Thread(
                target=self._named, args=(name, "shutdown"), name=f"{name}-end", daemon=True
            )
            for name in self.names
        }
        for thread in threads.values():
            thread.start()
        end = time.monotonic() + within
        for name, thread in threads.items():
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                _log.error("plugin %s has not ended within %g s", name, within)

    # --- inside ---

    def _load(self, entry: EntryPoint) -> None:
        try:
            self._register(entry.load(), entry.name)
        except Exception as error:  # noqa: BLE001 - a stranger's import may raise anything
            _log.error("plugin %s cannot be loaded: %s", entry.name, _said(error))
            self.failed[entry.name] = _said(error)

    def _register(self, plugin: object, name: str | None) -> None:
        self._manager.register(plugin, name)
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError:
            self._manager.unregister(plugin)
            raise

    def _introduce(self, plugin: object) -> None:
        self._names[id(plugin)] = self._manager.get_name(plugin) or repr(plugin)
        if plugin not in self._having("plugin_manifest"):
            return
        told, manifest = self._try(plugin, "plugin_manifest")
        if not told or manifest is None:
            return
        name = manifest["name"]
        if name in self._by_name:
            _log.error("two plugins are called %s: the second is not configurable", name)
            return
        self._by_name[name] = plugin
        self._manifests[name] = manifest
        self._names[id(plugin)] = name

    def _having(self, hook: str) -> list[object]:
        caller = getattr(self._manager.hook, hook)
        return [impl.plugin for impl in reversed(caller.get_hookimpls())]

    def _only(self, hook: str, plugin: object) -> pluggy.HookCaller:
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        return self._manager.subset_hook_caller(hook, others)

    def _try(self, plugin: object, hook: str, /, **arguments: Any) -> tuple[bool, Any]:
        """Fire one hook of one plugin: whether it answered without raising, and what."""
        try:
            answer = self._only(hook, plugin)(**arguments)
        except Exception as error:  # noqa: BLE001 - the others and the page must go on
            name = self._names.get(id(plugin), "?")
            _log.error("plugin %s failed in %s: %s", name, hook, _said(error))
            return False, None
        spec = getattr(self._manager.hook, hook).spec
        if spec is not None and spec.opts["firstresult"]:
            return True, answer
        return True, answer[0] if answer else None  # one plugin, so at most one answer

    def _each(self, hook: str, /, **arguments: Any) -> list[Any]:
        answers = (self._try(plugin, hook, **arguments)[1] for plugin in self._having(hook))
        return [answer for answer in answers if answer is not None]

    def _named(self, name: str, hook: str, /, **arguments: Any) -> Any:
        plugin = self._by_name.get(name)
        if plugin is None or plugin not in self._having(hook):
            return None
        if hook in _TAKING_NAME:
            arguments["plugin"] = name
        return self._try(plugin, hook, **arguments)[1]

    def _correlate(self, plugin: object, entities: Sequence[Entity]) -> Correlation | None:
        answer: Correlation | None = self._try(plugin, "correlate", entities=entities)[1]
        return answer


_TAKING_NAME = frozenset(
    {
        "mask_config",
        "withdraw",
        "plugin_status",
        "plugin_routes",
        "plugin_schemas",
        "plugin_assets",
        "shutdown",
    }
)


def _said(error: Exception) -> str:
    """Put an exception in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
