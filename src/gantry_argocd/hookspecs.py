"""
The contract between a Gantry host and its plugins.

A host makes a ``pluggy.PluginManager("gantry")``, adds these specifications, loads the entry
points of the group ``gantry.plugins`` and calls the hooks. Entities and everything else cross the
boundary as plain JSON-shaped mappings (the ``TypedDict`` classes below), so a host needs nothing
of this package but the specifications, and not even those.

Three groups:

* what a plugin knows: :func:`discover`, :func:`correlate`, :func:`receive_write`;
* what people see: :func:`panel_tab`, :func:`render_panel`, :func:`render_sidebar`,
  :func:`actions`;
* the life cycle and REST: :func:`plugin_manifest`, :func:`validate_config`, :func:`mask_config`,
  :func:`configure`, :func:`withdraw`, :func:`plugin_status`, :func:`plugin_routes`,
  :func:`plugin_schemas`, :func:`plugin_assets`, :func:`shutdown`.

Hooks that take *plugin* mean the plugin of that name; every other returns None. All hooks are
synchronous and may be called from several threads at once. None raises for a failure of Argo CD:
pluggy runs all plugins in one loop, and an exception would take the others' results with it.

Nor does one raise for what a host leaves out or gives in another type: that counts as absent. A
user without one of the four roles is a viewer, forms of a page without ``actionUrl`` post to the
page itself, and an entity that is none has nothing linked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, Protocol, TypedDict, runtime_checkable

import pluggy

PROJECT = "gantry"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Entity = Mapping[str, Any]
"""``{"apiVersion", "kind", "metadata", "spec"}`` as in the catalogue's REST API."""

Role = Literal["viewer", "developer", "platform-engineer", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "developer", "platform-engineer", "admin")
"""From least to most."""

WriteMode = Literal["create", "replace", "upsert", "delete", "take-back"]


class User(TypedDict):
    """
    Who looks or acts. ``name`` goes into audit records, ``role`` decides what is allowed.

    ``groups`` are the names of the user's groups, where the host has such: a plugin's policy may
    leave actions to some of them.
    """

    name: str
    role: Role
    groups: NotRequired[Sequence[str]]


class PageContext(TypedDict):
    """
    Where a fragment is shown, so its links and forms work without JavaScript.

    ``url``: path of the page that shows the fragment, with the parameters that select it
    (``/catalog/Service/pay?tab=argocd``).

    ``actionUrl``: where forms of actions post to: fields ``action`` (id), ``app`` (ref) and those
    in ``hidden``.

    ``hidden``: hidden fields that every form must carry, such as the CSRF token.

    ``params``: query parameters of this view; a plugin uses only those with its own prefix.

    ``fragmentUrl``: answers the fragment alone, with its ``version`` as ETag, for a script that
    looks for news. Takes the same parameters as the page. Absent where a host has no such route.

    ``confirmed``: hidden fields that say that the question of an action was answered with yes, for
    a script that asks on the page. Absent where the host wants to ask itself.
    """

    url: str
    actionUrl: str
    hidden: Mapping[str, str]
    params: Mapping[str, str]
    fragmentUrl: NotRequired[str]
    confirmed: NotRequired[Mapping[str, str]]


class Fragment(TypedDict):
    """
    A piece of a page. ``html`` is safe to insert as it is: the plugin has escaped it.

    ``stylesheets`` and ``scripts`` name assets of :func:`plugin_assets`. ``version`` changes when
    something else is shown than before.
    """

    plugin: str
    title: str
    html: str
    stylesheets: Sequence[str]
    scripts: Sequence[str]
    version: NotRequired[str]


class Tab(TypedDict):
    """A tab of an entity's page; ``id`` is its ``?tab=`` value."""

    plugin: str
    id: str
    title: str


class Change(TypedDict):
    """
    One change of the catalogue.

    ``entity`` is the whole entity as it is to be stored; None when it is to be deleted. It is the
    host's from then on: a plugin never changes it afterwards.
    ``reason`` says why, for people.
    """

    action: Literal["create", "update", "delete"]
    kind: str
    namespace: str
    name: str
    entity: Entity | None
    reason: str


class Correlation(TypedDict):
    """
    What the catalogue has to become.

    ``problems`` are sentences for people: names that collide, links that name nothing, entities
    that could not be written.
    """

    plugin: str
    changes: Sequence[Change]
    problems: Sequence[str]


class Applied(TypedDict):
    """How many entities a host really created, updated and deleted."""

    created: int
    updated: int
    deleted: int


@runtime_checkable
class EntitySnapshot(Protocol):
    """
    Entities as a host may hand them over, instead of a plain sequence, when it knows what changed.

    A plugin that has seen the catalogue before then looks at the changes only. It is a sequence of
    entities besides.
    """

    def changes_since(
        self, earlier: EntitySnapshot
    ) -> Mapping[tuple[str, str, str], Entity | None] | None:
        """
        Give the entities that are other than in *earlier*, by kind, namespace and name.

        An entity that is gone is None. More entities than have changed may be given, never fewer.

        Returns:
            None when it cannot be told any more.
        """


class Host(Protocol):
    """
    What a plugin may ask of its host between hook calls, from threads of its own.

    A host that cannot offer it passes None to :func:`configure`; the plugin then does nothing by
    itself, and the host calls ``discover`` and ``correlate``.
    """

    def update(self, correlate: Callable[[Sequence[Entity]], Sequence[Change]]) -> Applied:
        """
        Read all Service entities, give them to *correlate*, and apply what it returns.

        They are a plain sequence, or one that is an :class:`EntitySnapshot` too.

        All in one transaction. When another writer was faster the whole is done again, so
        *correlate* may be called more than once. An empty answer writes nothing, and an
        unchanged entity keeps its ``updatedAt``.
        """

    def audit(self, record: Mapping[str, Any]) -> None:
        """
        Keep a record of who did what, with what outcome (A8). Never holds a secret.

        *record* has ``action`` (``argocd.sync``), ``user`` (as :class:`User`), ``outcome``
        (``requested``, ``refused``, ``unknown`` when no answer came, then in a second record of the
        same ``requestId`` the phase that the operation ended in), and where they apply ``app``
        (ref; ``asked`` as it was written, when it is none), ``entity`` (kind, namespace, name),
        ``options``, ``requestId``, ``message`` and ``durationMs``. The host adds the time.
        """


class ConfigError(TypedDict):
    """
    One thing that is wrong with a configuration.

    ``path`` is a JSON path (``$.instances[0].argocdUrl``), ``message`` says what is expected.
    """

    path: str
    message: str


class ConfigVerdict(TypedDict):
    """
    What a plugin says of a configuration.

    ``values`` is what to store: masks replaced by the stored secrets. Empty when there are
    errors. ``enable_errors`` are the reasons why it may be stored but not enabled.
    """

    values: Mapping[str, Any]
    errors: Sequence[ConfigError]
    enable_errors: Sequence[ConfigError]


class Request(TypedDict):
    """
    A REST request to a route of a plugin, already authenticated and of a sufficient role.

    ``path`` holds the segments that the route names, percent-decoded once: a ``%2F`` of the
    address is a slash inside the segment here.
    """

    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    contentType: str | None
    user: User


class Response(TypedDict):
    """An answer: ``body`` is JSON-shaped, None for an empty one."""

    status: int
    body: Any
    headers: NotRequired[Mapping[str, str]]


class Route(TypedDict):
    """
    A REST route of a plugin.

    ``path`` is below ``/api/v1/plugins/{plugin}``, with ``{name}`` for one raw segment.
    ``role`` is the least role that may call it. ``openapi`` is an OpenAPI 3.1 operation object:
    parameters, request body, answers. What it refers to is in :func:`plugin_schemas`; an error
    is a ``#/components/schemas/Error``, which is the host's.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    role: Role
    summary: str
    handler: Callable[[Request], Response]
    openapi: NotRequired[Mapping[str, Any]]


class Asset(TypedDict):
    """A static file."""

    type: str
    content: bytes


class Manifest(TypedDict):
    """What a host shows of a plugin before it is configured."""

    name: str
    title: str
    description: str
    longDescription: str
    version: str
    author: str
    category: str
    homepage: str
    features: Sequence[str]
    entityPanels: Sequence[str]
    actionTypes: Sequence[str]
    requirements: Sequence[Mapping[str, Any]]
    configSchema: Mapping[str, Any]


class Outcome(TypedDict):
    """
    How an action ended, as far as it is known.

    ``ok`` is False when nothing was done. ``message`` is for people. ``status`` is the HTTP status
    that a REST answer would have; ``body`` its body.
    """

    ok: bool
    message: str
    status: int
    body: Mapping[str, Any]


class Action(TypedDict):
    """
    Something that can be done to one application of an entity (A9).

    ``id`` is stable (``argocd:sync``). ``app`` is the ref it acts on. ``role`` is the least role.
    ``destructive`` actions ask first: ``confirmation`` says what exactly will happen; None when
    nothing needs to be confirmed. ``available`` is False with a ``reason`` for people. ``run``
    does it, as the user it was made for; it checks again and never raises. ``runOnce`` does the
    same for a form with an id of its own, which may be sent twice: an operation that was begun for
    that id is not begun again.

    ``part`` says what it belongs to: absent or empty for the application as a whole, ``more`` for
    what is seldom needed, ``history/3`` for the deployment number 3 of its history, and
    ``rehearsal`` for what only tries out another action, to be offered where that is confirmed:
    its id is the ``rehearsal`` of the other.
    """

    id: str
    plugin: str
    app: str
    label: str
    icon: str
    role: Role
    destructive: bool
    confirmation: str | None
    available: bool
    reason: str
    run: Callable[[], Outcome]
    runOnce: NotRequired[Callable[[str], Outcome]]
    part: NotRequired[str]
    rehearsal: NotRequired[str]


# --- what a plugin knows ---


@hookspec
def discover(entities: Sequence[Entity]) -> Sequence[Entity] | None:
    """
    Ask the connected systems and give the entities that they know.

    Blocks while the systems are asked, within the plugin's own time limits. Writes nothing. A
    system that fails is left out here and named in :func:`plugin_status`.

    Args:
        entities: What the catalogue holds, for plugins that only add to what is there.

    Returns:
        Entities, each as it would be in an otherwise empty catalogue. None from a plugin that
        discovers nothing or is not enabled.
    """


@hookspec
def correlate(entities: Sequence[Entity]) -> Correlation | None:
    """
    Say what has to change so that the catalogue agrees with what the plugin last heard.

    Does no I/O. To be called after :func:`discover`, and inside the transaction of every write
    of others (after :func:`receive_write`), so that an entity that others touched is right again
    when the transaction ends. Applying the changes and calling again gives no more changes.

    Args:
        entities: Every ``Service`` of the catalogue as it is stored; other kinds are ignored.

    Returns:
        Changes and problems. None from a plugin that owns nothing in the catalogue.
    """


@hookspec(firstresult=True)
def receive_write(stored: Entity | None, body: Entity | None, mode: WriteMode) -> Entity | None:
    """
    Turn what somebody writes into what is to be stored, before :func:`correlate` runs.

    A plugin's own values in an entity belong to the plugin: a writer who sends them back has not
    claimed them, and a writer who takes them away has not removed them (correlation rules 5-7).

    Args:
        stored: The row as it is. None when there is none.

        body: What is written. None for ``delete``.

        mode:
            ``create`` and ``replace`` are a person's POST and PUT, ``upsert`` a neighbour
            plugin's write that merges into what others have, ``take-back`` a neighbour's removal
            of its part (*body* is what is left), ``delete`` a person's DELETE.

    Returns:
        The row to store; the host then calls :func:`correlate`, which may change or delete it.
        None for ``delete`` and ``take-back`` when no row is to be stored. For other modes a
        plugin that has no opinion returns None, and the host stores *body* as it is.
    """


# --- what people see ---


@hookspec
def panel_tab(entity: Entity) -> Tab | None:
    """
    Say whether the entity's page has a tab of this plugin. No I/O.

    Returns:
        None when it has none: another kind, nothing linked, or the plugin is not enabled (P1).
    """


@hookspec
def render_panel(entity: Entity, user: User, page: PageContext) -> Fragment | None:
    """
    Draw the plugin's tab.

    Answers within the plugin's time budget whatever the connected systems do (P7).

    Args:
        entity: As stored.

        user: Decides which buttons work.

        page: Where links and forms lead.

    Returns:
        The panel. What went wrong is said inside of it. None for kinds without a panel.
    """


@hookspec
def render_sidebar(entity: Entity, user: User, page: PageContext) -> Fragment | None:
    """
    Draw the plugin's card on the Overview tab, from the entity's annotations alone (P6).

    Returns:
        None when the entity has nothing of this plugin.
    """


@hookspec
def actions(entity: Entity, user: User) -> Sequence[Action] | None:
    """
    List what *user* could do to the applications of *entity*, with the reasons why not.

    Returns:
        Actions, grouped by application. None when the entity has none.
    """


# --- life cycle and REST ---


@hookspec
def plugin_manifest() -> Manifest | None:
    """Describe the plugin: its name, what it does, and the schema of its configuration."""


@hookspec(firstresult=True)
def validate_config(
    plugin: str,
    config: Any,
    stored: Mapping[str, Any] | None,
    trusted: bool,
    secrets_dirs: Sequence[str] = (),
) -> ConfigVerdict | None:
    """
    Check a configuration and say what to store. No I/O, nothing changes.

    Args:
        plugin: Whose configuration it is.

        config: What somebody wrote; any JSON value.

        stored: The present configuration with its secrets, for masks (G4). None when none.

        trusted: True for a file that the host's own operator named, False for REST: then
            ``env:`` and ``file:`` reach only what was set aside for it (G1).

        secrets_dirs: Directories that an untrusted one may read files in; the plugin's own
            default when empty.
    """


@hookspec(firstresult=True)
def mask_config(plugin: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give a stored configuration with every secret replaced by the mask (G4)."""


@hookspec(firstresult=True)
def configure(
    plugin: str, config: Mapping[str, Any] | None, enabled: bool, host: Host | None
) -> bool | None:
    """
    Take a validated configuration into use, or out of use.

    To be called when the host starts, when the configuration changes, and when the plugin is
    enabled or disabled. A configuration that cannot be used leaves the former one at work. One
    that can takes its place at once; actions that people have begun come to their end, for a few
    seconds, and when this returns the threads of the former one have ended and nothing more is
    written for it. Enabling begins the first sync in the background, when there is a *host*.

    Args:
        plugin: Whose configuration it is.

        config: The stored values. None when the plugin was never configured.

        enabled: Whether the plugin is to work. A disabled one still correlates, marks what is
            its own as stale, and keeps it (G5).

        host: For work between hook calls. None when the host drives everything itself.

    Returns:
        True from the plugin that was meant; False when it goes on with the former one.
    """


@hookspec(firstresult=True)
def withdraw(plugin: str, entities: Sequence[Entity]) -> Correlation | None:
    """Give the changes that take everything of the plugin out of the catalogue (G5)."""


@hookspec(firstresult=True)
def plugin_status(plugin: str) -> Mapping[str, Any] | None:
    """Say how the plugin is: state, each instance, last and next sync. JSON-shaped, no secrets."""


@hookspec(firstresult=True)
def plugin_routes(plugin: str) -> Sequence[Route] | None:
    """List the plugin's REST routes. The same for the life of the plugin object."""


@hookspec(firstresult=True)
def plugin_schemas(plugin: str) -> Mapping[str, Any] | None:
    """Give the JSON Schemas by name that the plugin's routes refer to, for OpenAPI components."""


@hookspec(firstresult=True)
def plugin_assets(plugin: str) -> Mapping[str, Asset] | None:
    """Give the plugin's static files by name."""


@hookspec(firstresult=True)
def shutdown(plugin: str) -> bool | None:
    """End all work within two seconds. The plugin can be configured again afterwards."""
