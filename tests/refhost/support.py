"""Fakes and helpers of the reference host's tests."""

# ruff: noqa: ARG002 - pluggy passes arguments by name, and the fakes show the whole contract

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from gantry_argocd.hookspecs import (
    ROLES,
    Action,
    Asset,
    Change,
    ConfigError,
    ConfigVerdict,
    Correlation,
    Entity,
    Fragment,
    Host,
    Manifest,
    Outcome,
    PageContext,
    Request,
    Response,
    Route,
    Tab,
    User,
    hookimpl,
)
from gantry_argocd.refhost import Host as ReferenceHost
from gantry_argocd.refhost import HostOptions, NewUser, RunningHost, create_host, serve_in_thread

MASK = "__GANTRY_SECRET_REDACTED__"
PASSWORD = "correct horse"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
USERS = [NewUser(role, PASSWORD, role) for role in ROLES]


class Time:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Give the present time."""
        return self.now

    def advance(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


class Marker:
    """
    A plugin with all the hooks: every Service with the annotation ``mark/want`` gets ``mark/has``.

    It remembers what it was told. ``name`` lets two of them stand side by side.
    """

    def __init__(self, name: str = "marker") -> None:
        self.name = name
        self.told: list[tuple[Mapping[str, Any] | None, bool]] = []
        self.host: Host | None = None
        self.closed = 0
        self.ran: list[tuple[str, str]] = []

    @hookimpl
    def plugin_manifest(self) -> Manifest:
        """Describe the fake."""
        return Manifest(
            name=self.name, title="Marker", description="Marks services.", longDescription="",
            version="1.0.0", author="Tests", category="integration", homepage="", features=[],
            entityPanels=["Service"], actionTypes=[], requirements=[],
            configSchema={"type": "object", "required": ["url"]},
        )  # fmt: skip

    @hookimpl
    def validate_config(
        self, plugin: str, config: Any, stored: Mapping[str, Any] | None
    ) -> ConfigVerdict | None:
        """Want a text ``url``, and a ``token`` that may be masked."""
        if plugin != self.name:
            return None
        errors = []
        values = dict(config) if isinstance(config, dict) else {}
        if not isinstance(values.get("url", ""), str):
            errors.append(ConfigError(path="$.url", message="expected a string"))
        if values.get("token") == MASK:
            if stored is None:
                errors.append(ConfigError(path="$.token", message="nothing is stored"))
            else:
                values["token"] = stored["token"]
        lacking = [] if values.get("url") else [ConfigError(path="$.url", message="is required")]
        return ConfigVerdict(values={} if errors else values, errors=errors, enable_errors=lacking)

    @hookimpl
    def mask_config(self, plugin: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Mask the token."""
        if plugin != self.name:
            return None
        return {key: MASK if key == "token" else value for key, value in config.items()}

    @hookimpl
    def configure(
        self, plugin: str, config: Mapping[str, Any] | None, enabled: bool, host: Host | None
    ) -> bool | None:
        """Remember."""
        if plugin != self.name:
            return None
        self.told.append((config, enabled))
        self.host = host
        return True

    @hookimpl
    def receive_write(self, stored: Entity | None, body: Entity | None, mode: str) -> Entity | None:
        """Take the mark out of what others write."""
        if body is None:
            return None
        metadata = dict(body["metadata"])
        annotations = dict(metadata.get("annotations") or {})
        annotations.pop("mark/has", None)
        if mode == "upsert" and stored is not None:
            mine = stored["metadata"]
            both = {**mine.get("annotations", {}), **annotations}
            return {**stored, "metadata": {**mine, "annotations": both}}
        return {**body, "metadata": {**metadata, "annotations": annotations}}

    @hookimpl
    def correlate(self, entities: Sequence[Entity]) -> Correlation | None:
        """Mark what wants to be marked."""
        return Correlation(plugin=self.name, changes=marks(entities), problems=[])

    @hookimpl
    def withdraw(self, plugin: str, entities: Sequence[Entity]) -> Correlation | None:
        """Delete every Service that is called ``ours``."""
        if plugin != self.name:
            return None
        changes = [
            Change(
                action="delete", kind="Service", namespace="default", name="ours", entity=None,
                reason="withdrawn",
            )
            for entity in entities
            if entity["metadata"]["name"] == "ours"
        ]  # fmt: skip
        return Correlation(plugin=self.name, changes=changes, problems=[])

    @hookimpl
    def panel_tab(self, entity: Entity) -> Tab | None:
        """Have a tab on Services."""
        if entity["kind"] != "Service":
            return None
        return Tab(plugin=self.name, id=self.name, title="Marks")

    @hookimpl
    def render_panel(self, entity: Entity, user: User, page: PageContext) -> Fragment | None:
        """Draw one form for each action."""
        hidden = "".join(
            f'<input type="hidden" name="{k}" value="{v}">' for k, v in page["hidden"].items()
        )
        html = (
            f'<p id="panel">{user["role"]} {page["url"]}</p>'
            f'<form method="post" action="{page["actionUrl"]}">{hidden}</form>'
        )
        return Fragment(
            plugin=self.name,
            title="Marks",
            html=html,
            stylesheets=["mark.css"],
            scripts=["mark.js"],
            version=user["role"],
        )

    @hookimpl
    def render_sidebar(self, entity: Entity) -> Fragment | None:
        """Draw a card."""
        return Fragment(
            plugin=self.name, title="Mark card", html="<b>card</b>", stylesheets=[], scripts=[]
        )

    @hookimpl
    def actions(self, entity: Entity, user: User) -> Sequence[Action] | None:
        """Offer three actions on the app ``one:pay``."""

        def action(id_: str, **other: Any) -> Action:
            def run() -> Outcome:
                self.ran.append((id_, user["name"]))
                if id_ == "bang":
                    raise RuntimeError("secret detail")
                return Outcome(ok=True, message="<i>done</i>", status=200, body={})

            plain: dict[str, Any] = {
                "role": "developer", "destructive": False, "confirmation": None,
                "available": True, "reason": "",
            }  # fmt: skip
            fixed = {"id": id_, "plugin": self.name, "app": "one:pay", "label": id_.title()}
            return Action(**{"icon": "x", **fixed, **plain, **other, "run": run})  # type: ignore[typeddict-item]

        return [
            action("go"),
            action("bang"),
            action("prune", destructive=True, confirmation="Prunes <3> resources."),
            action("never", available=False, reason="a window is closed"),
        ]

    @hookimpl
    def plugin_status(self, plugin: str) -> Mapping[str, Any] | None:
        """Tell of one instance."""
        if plugin != self.name:
            return None
        return {
            "state": "ok",
            "instances": [{"name": "prod", "state": "<b>ok</b>"}],
            "lastSync": {"apps": 3, "errors": ["stage: no answer"], "instances": []},
        }

    @hookimpl
    def plugin_routes(self, plugin: str) -> Sequence[Route] | None:
        """Bring routes of two roles."""
        if plugin != self.name:
            return None

        def echo(request: Request) -> Response:
            body = {**request["path"], "query": request["query"], "user": request["user"]}
            return Response(status=200, body=body, headers={"X-Mark": "yes"})

        def bang(request: Request) -> Response:
            raise RuntimeError("secret detail")

        def sync(request: Request) -> Response:
            return Response(status=202, body={"running": True, "body": request["body"].decode()})

        return [
            Route(method="GET", path="/apps/{app}", role="viewer", summary="", handler=echo),
            Route(method="POST", path="/apps/{app}/go", role="developer", summary="", handler=echo),
            Route(method="POST", path="/bang", role="viewer", summary="", handler=bang),
            Route(method="POST", path="/sync", role="platform-engineer", summary="", handler=sync),
        ]

    @hookimpl
    def plugin_assets(self, plugin: str) -> Mapping[str, Asset] | None:
        """Bring a stylesheet."""
        if plugin != self.name:
            return None
        return {"mark.css": Asset(type="text/css", content=b"b{}")}

    @hookimpl
    def shutdown(self, plugin: str) -> bool | None:
        """Count."""
        if plugin != self.name:
            return None
        self.closed += 1
        return True


class Bomb:
    """A plugin whose every hook raises, but for the one that says who it is."""

    @hookimpl
    def plugin_manifest(self) -> Manifest:
        """Describe the fake."""
        return Marker("bomb").plugin_manifest()

    @hookimpl
    def panel_tab(self, entity: Entity) -> Tab | None:
        """Raise."""
        raise RuntimeError("bomb")

    @hookimpl
    def render_sidebar(self, entity: Entity) -> Fragment | None:
        """Raise."""
        raise RuntimeError("bomb")

    @hookimpl
    def correlate(self, entities: Sequence[Entity]) -> Correlation | None:
        """Raise."""
        raise RuntimeError("bomb")

    @hookimpl
    def receive_write(self, body: Entity | None) -> Entity | None:
        """Raise."""
        raise RuntimeError("bomb")

    @hookimpl
    def plugin_status(self, plugin: str) -> Mapping[str, Any] | None:
        """Raise."""
        raise RuntimeError("bomb")

    @hookimpl
    def configure(self, plugin: str) -> bool | None:
        """Raise."""
        raise RuntimeError("bomb")

    @hookimpl
    def shutdown(self, plugin: str) -> bool | None:
        """Raise."""
        raise RuntimeError("bomb")


def marks(entities: Sequence[Entity]) -> list[Change]:
    """Say which Services lack their mark."""
    changes = []
    for entity in entities:
        annotations = entity["metadata"].get("annotations") or {}
        if "mark/want" in annotations and annotations.get("mark/has") != annotations["mark/want"]:
            marked = {**annotations, "mark/has": annotations["mark/want"]}
            changes.append(change(entity, annotations=marked))
    return changes


def change(entity: Entity, **metadata: Any) -> Change:
    """Change metadata of an entity."""
    return Change(
        action="update",
        kind=entity["kind"],
        namespace=entity["metadata"]["namespace"],
        name=entity["metadata"]["name"],
        entity={**entity, "metadata": {**entity["metadata"], **metadata}},
        reason="because",
    )


def service(name: str, **metadata: Any) -> dict[str, Any]:
    """Make a Service as somebody would write it."""
    return {"kind": "Service", "metadata": {"name": name, **metadata}, "spec": {"type": "backend"}}


def make_host(
    folder: Path, *plugins: object, time: Callable[[], datetime] | None = None, **more: Any
) -> ReferenceHost:
    """Make a host with one user for each role and no plugins but those given."""
    options = HostOptions(installed=(), hasher=CHEAP, clock=time or Time())
    return create_host(data_dir=folder, users=USERS, plugins=plugins, options=options, **more)


class Portal:
    """A running host, and clients that are closed with it."""

    def __init__(self, running: RunningHost, closing: ExitStack) -> None:
        self.host = running.host
        self.url = running.url
        self._closing = closing
        self._rest: dict[str, httpx.Client] = {}
        self._browsers: dict[str, httpx.Client] = {}

    def client(self, **headers: str) -> httpx.Client:
        """Give a client that is not signed in."""
        # Without TLS there is no need to load certificates for each client.
        client = httpx.Client(base_url=self.url, headers=headers, verify=False, timeout=30)  # noqa: S501
        return self._closing.enter_context(client)

    def rest(self, role: str = "admin") -> httpx.Client:
        """Give a client with a bearer token."""
        if role not in self._rest:
            body = {"username": role, "password": PASSWORD}
            token = self.client().post("/api/v1/auth/login", json=body).json()["token"]
            self._rest[role] = self.client(Authorization=f"Bearer {token}")
        return self._rest[role]

    def browser(self, role: str = "admin") -> httpx.Client:
        """Give a client that has signed in by the form, as a browser without JavaScript does."""
        if role not in self._browsers:
            client = self.client()
            token = token_of(client.get("/login"))
            form = {"username": role, "password": PASSWORD, "csrf_token": token}
            assert client.post("/login", data=form).status_code == 303
            self._browsers[role] = client
        return self._browsers[role]


@contextmanager
def portal(folder: Path, *plugins: object, **more: Any) -> Iterator[Portal]:
    """Run a host."""
    with (
        serve_in_thread(make_host(folder, *plugins, **more)) as running,
        ExitStack() as closing,
    ):
        yield Portal(running, closing)


def token_of(page: httpx.Response) -> str:
    """Read the form token of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def submit(client: httpx.Client, url: str, at: str = "/settings", **fields: str) -> httpx.Response:
    """Post a form with the token of the page *at*."""
    return client.post(url, data={**fields, "csrf_token": token_of(client.get(at))})
