"""Putting the reference host together."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from argon2 import PasswordHasher
from starlette.responses import Response
from starlette.types import ASGIApp

from gantry_argocd.refhost import openapi
from gantry_argocd.refhost.accounts import Accounts, NewUser
from gantry_argocd.refhost.api_accounts import AccountsApi
from gantry_argocd.refhost.api_entities import EntitiesApi
from gantry_argocd.refhost.api_plugins import PluginsApi
from gantry_argocd.refhost.app import Front, make_app
from gantry_argocd.refhost.catalogue import Catalogue
from gantry_argocd.refhost.config_forms import ConfigForms
from gantry_argocd.refhost.database import make_engine, make_private_file, usable
from gantry_argocd.refhost.lifecycle import Lifecycle
from gantry_argocd.refhost.moments import Clock, system_clock
from gantry_argocd.refhost.pages import Pages
from gantry_argocd.refhost.pages_account import AccountPages
from gantry_argocd.refhost.pages_catalogue import CataloguePages
from gantry_argocd.refhost.pages_edit import EditPages
from gantry_argocd.refhost.pages_plugins import PluginPages
from gantry_argocd.refhost.pages_shown import ShownPage, ShownPages
from gantry_argocd.refhost.plugins import Plugins
from gantry_argocd.refhost.problems import Busy
from gantry_argocd.refhost.sessions import Brake, Sessions
from gantry_argocd.refhost.trail import Trail
from gantry_argocd.refhost.vault import Drafts, FileVault, Vault, key_from_text
from gantry_argocd.refhost.web import Call, Endpoint, Router, failure, json_response


class Host:
    """
    A portal: catalogue, users, plugins, and the application that serves them.

    Made by :func:`create_host`.

    Attributes:
        app: ASGI application; starts and closes the host with itself.

        catalogue: All entities.

        accounts: All users.

        plugins: The hooks.

        lifecycle: What plugins are configured to.

        trail: The audit trail.

        generated_password: Of the user ``admin``, when it was made just now without a given one.
            None otherwise. To be shown once.
    """

    def __init__(
        self,
        engine: sa.Engine,
        plugins: Plugins,
        vault: Vault,
        clock: Clock,
        hasher: PasswordHasher,
        secrets_dirs: Sequence[str],
        shown: Sequence[ShownPage] = (),
    ) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._running = False
        self._configs: Mapping[str, Mapping[str, Any]] = {}
        self.generated_password: str | None = None
        self.plugins = plugins
        self.trail = Trail(engine, clock)
        self.catalogue = Catalogue(engine, self.trail, clock)
        self.accounts = Accounts(engine, clock, hasher)
        self.lifecycle = Lifecycle(
            engine, plugins, self.catalogue, self.trail, vault, clock, secrets_dirs
        )
        self.app = self._application(
            Sessions(self.accounts, vault, clock), Brake(clock), ConfigForms(Drafts(vault)), shown
        )

    def start(self) -> None:
        """
        Configure every plugin. Does nothing when that has been done.

        Raises:
            ConfigRefused: A configuration given to :func:`create_host` is not valid.
        """
        with self._lock:
            if not self._running:
                self.lifecycle.start(self._configs)
                self._running = True

    def stop(self) -> None:
        """Tell every plugin to end its work, which also ends requests that wait for it."""
        with self._lock:
            if self._running:
                self._running = False
                self.plugins.shutdown()

    def close(self) -> None:
        """Stop, and close the database. May be called twice."""
        self.stop()
        self._engine.dispose()

    def seed(
        self,
        admin_password: str | None,
        users: Iterable[NewUser],
        configs: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Make the users that are missing, and remember what to configure at the start."""
        self.generated_password = self.accounts.seed_admin(admin_password)
        for user in users:
            if self.accounts.named(user.username) is None:
                self.accounts.add(user)
        self._configs = configs

    def _application(
        self, sessions: Sessions, brake: Brake, forms: ConfigForms, shown: Sequence[ShownPage]
    ) -> ASGIApp:
        accounts_api = AccountsApi(self.accounts, sessions, brake, self.trail)
        entities_api = EntitiesApi(self.catalogue, self.plugins)
        plugins_api = PluginsApi(self.plugins, self.lifecycle)
        pages = Pages(sessions)
        parts = (
            accounts_api,
            entities_api,
            plugins_api,
            pages,
            AccountPages(pages, accounts_api, self.accounts),
            CataloguePages(pages, self.catalogue, self.plugins, self.trail),
            EditPages(pages, self.catalogue, entities_api, self.plugins),
            PluginPages(pages, plugins_api, self.plugins, self.lifecycle, forms),
            ShownPages(pages, shown),
        )
        endpoints = [endpoint for part in parts for endpoint in part.endpoints()]
        endpoints = [*self._health(), *endpoints]
        described = Endpoint("GET", openapi.PATH, lambda _: json_response(told), None)
        told = openapi.document(
            [*endpoints, described], self.plugins.schemas(), version("gantry-argocd")
        )
        router = Router([*endpoints, described])
        return make_app(Front(router, sessions, pages, self.trail), self.start, self.close)

    def _health(self) -> list[Endpoint]:
        release = {"version": version("gantry-argocd")}
        return [
            Endpoint("GET", "/healthz", lambda _: json_response({"status": "ok"}), None),
            Endpoint("GET", "/readyz", self._ready, None),
            Endpoint("GET", "/api/v1/version", lambda _: json_response(release), None),
        ]

    def _ready(self, _call: Call) -> Response:
        try:
            with self._engine.connect() as connection:
                connection.execute(sa.select(1))
        except sa.exc.SQLAlchemyError:
            return failure(Busy("database not ready"))
        return json_response({"status": "ok"})


@attrs.frozen(kw_only=True)
class HostOptions:
    """
    What :func:`create_host` can be told beyond the usual.

    Attributes:
        installed: Entry points to load; those of the group ``gantry.plugins`` when None.

        secrets_dirs: Folders that ``file:`` references of plugin configurations may name.

        clock: The present time.

        hasher: How passwords are hashed.

        shown: Pages besides the host's own.
    """

    installed: Iterable[EntryPoint] | None = None
    secrets_dirs: Sequence[str] = ("/run/secrets", "/var/run/secrets")
    clock: Clock = system_clock
    hasher: PasswordHasher = attrs.field(factory=PasswordHasher)
    shown: Sequence[ShownPage] = ()


def create_host(
    *,
    data_dir: Path | None = None,
    database_url: str | None = None,
    encryption_key: str | None = None,
    admin_password: str | None = None,
    users: Iterable[NewUser] = (),
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    plugins: Iterable[object] = (),
    options: HostOptions | None = None,
) -> Host:
    """
    Put a host together, make its database, and load the plugins. Nothing runs yet.

    Args:
        data_dir: Where the database and the key file are, unless given otherwise.

        database_url: Of SQLAlchemy; ``gantry.db`` in *data_dir* when None.

        encryption_key: Any text; the key file in *data_dir* when None.

        admin_password:
            For the user ``admin``. When None, and there is no such user yet, one is generated:
            :attr:`Host.generated_password`.

        users: Made when no user has their name.

        configs: Plugin configurations by plugin name, to be stored and enabled at every start as
            the operator's own (G1).

        plugins: Plugin objects besides the installed ones.

        options: Further ones.

    Raises:
        ValueError: *data_dir* is needed and not given, or its key file is damaged.

        DatabaseUnusable: The database cannot be opened. A ValueError too, that fits on one line.

        OSError: *data_dir* cannot be made.
    """
    options = options or HostOptions()
    if data_dir is None and (database_url is None or encryption_key is None):
        raise ValueError("give data_dir, or both database_url and encryption_key")
    if data_dir is not None:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if database_url is None:
            file = data_dir / "gantry.db"
            make_private_file(file)
            database_url = f"sqlite:///{file}"
    if encryption_key is not None:
        vault = Vault(key_from_text(encryption_key))
    else:
        vault = FileVault(data_dir or Path())
    named = {user.username: user for user in users}
    if admin_password is None and "admin" in named:
        admin_password = named["admin"].password
    hooks = Plugins(plugins, options.installed)
    engine = make_engine(database_url or "")
    try:
        with usable(database_url or ""):  # its tables may be of somebody else
            host = Host(
                engine,
                hooks,
                vault,
                options.clock,
                options.hasher,
                options.secrets_dirs,
                options.shown,
            )
            host.seed(admin_password, named.values(), configs or {})
    except BaseException:
        engine.dispose()
        raise
    return host
