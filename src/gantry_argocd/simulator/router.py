"""Which route a request takes, with the answers of a gateway that knows none for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import attrs
from starlette.types import Send

from . import routes_applications as applications
from . import routes_server as server
from . import routes_streams as streams
from .exchange import Answer, Exchange
from .world import World

Handler = Callable[[World, Exchange], Awaitable[Answer]]
StreamHandler = Callable[[World, Exchange, Send], Awaitable[None]]


@attrs.frozen
class Route:
    """One route: *name* is its kind, by which faults and recorded requests refer to it."""

    name: str
    method: str
    pattern: re.Pattern[str]
    handler: Handler | None = None
    stream: StreamHandler | None = None
    # A bad token is no obstacle: the call runs as nobody.
    anonymous: bool = False


def _pattern(template: str) -> re.Pattern[str]:
    """Return the expression of a path template: ``{name}`` is a segment, ``{name*}`` the rest."""
    expression = ""
    for part in re.split(r"(\{\w+\*?\})", template):
        if part.startswith("{"):
            name = part.strip("{}*")
            expression += f"(?P<{name}>.*)" if part.endswith("*}") else f"(?P<{name}>[^/]+)"
        else:
            expression += re.escape(part)
    return re.compile(expression)


_APP = "/api/v1/applications/{name}"
_STREAM = "/api/v1/stream/applications"


def _route(name: str, method: str, template: str, handler: Handler) -> Route:
    return Route(name, method, _pattern(template), handler)


def _open(name: str, method: str, template: str, handler: Handler) -> Route:
    return Route(name, method, _pattern(template), handler, anonymous=True)


def _streaming(name: str, template: str, handler: StreamHandler) -> Route:
    return Route(name, "GET", _pattern(template), stream=handler)


_ROUTES = (
    _route("list", "GET", "/api/v1/applications", applications.list_applications),
    _route("create", "POST", "/api/v1/applications", applications.create_application),
    _route("app", "GET", _APP, applications.get_application),
    *(
        _route("change", method, _APP, server.not_simulated)
        for method in ("PUT", "PATCH", "DELETE")
    ),
    _route("sync", "POST", f"{_APP}/sync", applications.sync),
    _route("server-side-diff", "GET", f"{_APP}/server-side-diff", server.not_simulated),
    _route("resource-action-v2", "POST", f"{_APP}/resource/actions/v2", server.not_simulated),
    _route("resource", "DELETE", f"{_APP}/resource", server.not_simulated),
    _route("rollback", "POST", f"{_APP}/rollback", applications.rollback),
    _route("terminate", "DELETE", f"{_APP}/operation", applications.terminate),
    _route("resource-tree", "GET", f"{_APP}/resource-tree", applications.get_resource_tree),
    _route(
        "managed-resources", "GET", f"{_APP}/managed-resources", applications.get_managed_resources
    ),
    _route("manifests", "GET", f"{_APP}/manifests", applications.get_manifests),
    _route("events", "GET", f"{_APP}/events", applications.get_events),
    _route("links", "GET", f"{_APP}/links", applications.get_links),
    _route("resource-links", "GET", f"{_APP}/resource/links", applications.get_resource_links),
    _route("syncwindows", "GET", f"{_APP}/syncwindows", applications.get_sync_windows),
    _route(
        "revision-metadata",
        "GET",
        f"{_APP}/revisions/{{revision}}/metadata",
        applications.get_revision_metadata,
    ),
    _route(
        "chartdetails",
        "GET",
        f"{_APP}/revisions/{{revision}}/chartdetails",
        applications.get_chart_details,
    ),
    _route(
        "ocimetadata",
        "GET",
        f"{_APP}/revisions/{{revision}}/ocimetadata",
        applications.get_oci_metadata,
    ),
    _streaming("logs", f"{_APP}/logs", streams.logs),
    _streaming("logs", f"{_APP}/pods/{{pod}}/logs", streams.logs),
    _streaming("stream", _STREAM, streams.stream_applications),
    _streaming("stream-tree", f"{_STREAM}/{{name}}/resource-tree", streams.stream_resource_tree),
    _open("session", "POST", "/api/v1/session", server.create_session),
    _open("session", "DELETE", "/api/v1/session", server.delete_session),
    _open("userinfo", "GET", "/api/v1/session/userinfo", server.userinfo),
    _open("version", "GET", "/api/version", server.version),
    _open("settings", "GET", "/api/v1/settings", server.settings),
    _route("can-i", "GET", "/api/v1/account/can-i/{resource}/{action}/{object*}", server.can_i),
    _route("projects", "GET", "/api/v1/projects", server.list_projects),
    _route("project", "GET", "/api/v1/projects/{name}", server.get_project),
    _route("clusters", "GET", "/api/v1/clusters", server.list_clusters),
    _route("cluster", "GET", "/api/v1/clusters/{server*}", server.get_cluster),
)
HEALTH = Route("healthz", "GET", _pattern("/healthz"), server.healthz, anonymous=True)


def route_of(method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
    """Return the route, its path parameters, and whether another method would have one."""
    is_cluster = path.startswith("/api/v1/clusters/")
    last = path.rsplit("/", 1)[-1]
    # The gateway takes a colon in the last segment for a verb it does not know.
    if (":" in last and not is_cluster) or (path.endswith("/") and "/can-i/" not in path):
        return None, {}, False
    other = False
    for route in _ROUTES:
        found = route.pattern.fullmatch(path)
        if found is not None:
            if route.method == method:
                return route, found.groupdict(), False
            other = True
    return None, {}, other
