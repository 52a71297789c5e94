"""Who may call what."""

from __future__ import annotations

import pytest

from gantry_argocd.hookspecs import ROLES

from .support import Portal

API = "/api/v1"
ROUTES = [
    ("GET", f"{API}/entities", "viewer"),
    ("GET", f"{API}/entities/Service", "viewer"),
    ("GET", f"{API}/entities/Service/nothing", "viewer"),
    ("GET", f"{API}/search?q=x", "viewer"),
    ("GET", f"{API}/graph/Service/nothing", "viewer"),
    ("GET", f"{API}/schemas", "viewer"),
    ("GET", f"{API}/auth/me", "viewer"),
    ("GET", f"{API}/auth/apikeys", "viewer"),
    ("GET", f"{API}/plugins", "viewer"),
    ("GET", f"{API}/plugins/marker/apps/x", "viewer"),
    ("POST", f"{API}/entities", "developer"),
    ("PUT", f"{API}/entities/Service/nothing", "developer"),
    ("DELETE", f"{API}/entities/Service/nothing", "developer"),
    ("POST", f"{API}/plugins/marker/apps/x/go", "developer"),
    ("GET", f"{API}/plugins/marker", "platform-engineer"),
    ("GET", f"{API}/plugins/marker/config", "platform-engineer"),
    ("PUT", f"{API}/plugins/marker/config", "platform-engineer"),
    ("PUT", f"{API}/plugins/marker/enable", "platform-engineer"),
    ("POST", f"{API}/plugins/marker/sync", "platform-engineer"),
    ("POST", f"{API}/plugins/other/sync", "platform-engineer"),
    ("GET", f"{API}/auth/users", "admin"),
    ("POST", f"{API}/auth/register", "admin"),
    ("PUT", f"{API}/auth/users/nobody", "admin"),
    ("DELETE", f"{API}/auth/users/nobody", "admin"),
    ("GET", f"{API}/audit", "admin"),
    ("GET", "/", "viewer"),
    ("GET", "/catalog", "viewer"),
    ("GET", "/settings", "viewer"),
    ("GET", "/new", "developer"),
    ("GET", "/plugins", "platform-engineer"),
    ("GET", "/plugins/marker", "platform-engineer"),
    ("GET", "/admin", "admin"),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("method", "path", "least"), ROUTES)
def test_a_route_is_for_its_role_and_above(
    site: Portal, method: str, path: str, least: str, role: str
) -> None:
    """A lower role gets 403, the least role and every higher one do not."""
    answer = site.rest(role).request(method, path)

    allowed = ROLES.index(role) >= ROLES.index(least)
    assert (answer.status_code == 403) is not allowed
    if not allowed and path.startswith(API):
        assert answer.json() == {
            "error": "insufficient permissions", "code": "role", "role": role, "required": least,
        }  # fmt: skip


@pytest.mark.parametrize(("method", "path", "least"), ROUTES)
def test_nothing_is_for_strangers(site: Portal, method: str, path: str, least: str) -> None:
    """Who is not signed in gets 401 from the API, and the sign-in instead of a page."""
    answer = site.client().request(method, path)

    if path.startswith(API):
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=%2F")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/version", "/login"])
def test_some_routes_are_public(site: Portal, path: str) -> None:
    """Health, version and the sign-in need no user."""
    assert site.client().get(path).status_code == 200
