"""The routes that are not about one Application: session, settings, projects, clusters, rights."""

from __future__ import annotations

import re

from .codes import CallFailed, Code, permission_denied
from .exchange import GRPC, Answer, Exchange
from .gojson import Json, encode
from .rbac import normalised_object
from .routes_applications import filtered_answer
from .tokens import ISSUER, Identity
from .world import World

LOGIN_SECONDS = 24 * 3600.0
_RENEW_SECONDS = 300.0
_SESSION_FIELDS = {"username": "string", "password": "string", "token": "string"}


async def create_session(world: World, exchange: Exchange) -> Answer:
    """Log in with a password and get a token for a day."""
    body = exchange.decode("session.SessionCreateRequest", _SESSION_FIELDS)
    if body.get("token"):
        raise CallFailed(
            Code.UNAUTHENTICATED,
            "token-based session creation no longer supported. please upgrade argocd cli to v0.7+",
        )
    account = world.accounts.verify(body.get("username", ""), body.get("password", ""))
    token = world.keyring.issue(account.name, lifetime=LOGIN_SECONDS, capability="login")
    return Answer(
        200, encode({"token": token}), headers=(GRPC, ("set-cookie", cookie(world, token)))
    )


def cookie(world: World, token: str) -> str:
    """Return the session cookie the server sets."""
    return f"argocd.token={token}; path={world.root_path or '/'}; SameSite=lax; httpOnly"


def renewal(world: World, identity: Identity | None) -> tuple[tuple[str, str], ...]:
    """Return the headers that carry a new token when a login is about to expire."""
    if identity is None or not identity.is_login or identity.expires_at is None:
        return ()
    if identity.expires_at - world.clock().timestamp() >= _RENEW_SECONDS:
        return ()
    token = world.keyring.issue(identity.subject, lifetime=LOGIN_SECONDS, capability="login")
    return (("set-cookie", cookie(world, token)), ("grpc-metadata-renew-token", token))


async def delete_session(_world: World, _exchange: Exchange) -> Answer:
    """Log out, which in fact neither revokes the token nor clears the cookie."""
    return Answer.json({})


async def userinfo(_world: World, exchange: Exchange) -> Answer:
    """Say who asks; an empty object for anybody without a valid token."""
    identity = exchange.identity
    if identity is None:
        return Answer.json({})
    return Answer.json({"loggedIn": True, "username": identity.subject, "iss": ISSUER})


async def version(world: World, exchange: Exchange) -> Answer:
    """Say the version; the details only to callers with a valid token."""
    answer: Json = {"Version": world.profile.version}
    if exchange.identity is not None:
        answer |= {
            "BuildDate": "2026-08-20T00:00:00Z",
            "GitCommit": "109ca7ca71139e514114499d294a492e7910a965",
            **({} if "+" in world.profile.version else {"GitTag": world.profile.version}),
            "GitTreeState": "clean",
            "GoVersion": "go1.26.8",
            "Compiler": "gc",
            "Platform": "linux/amd64",
            "KustomizeVersion": "v5.8.1 unknown",
            "HelmVersion": "v4.2",
            "JsonnetVersion": "v0.22.0",
        }
    return Answer.json(answer)


async def settings(world: World, exchange: Exchange) -> Answer:
    """Tell the settings; some of them only to callers with a valid token."""
    known, profile = exchange.identity is not None, world.profile
    ignored = "jqPathExpressions: null\njsonPointers:\n- /status\nmanagedFieldsManagers: null\n"
    overrides = {"*/*": {"ignoreDifferences": ignored, "ignoreResourceUpdates": ignored}}
    answer: Json = {"url": world.public_url, "appLabelKey": "app.kubernetes.io/instance"}
    if known or not profile.since(3, 3):
        answer["resourceOverrides"] = overrides
    kustomize: Json = {"BuildOptions": "", "BinaryPath": ""}
    if profile.since(3, 2):
        kustomize["Versions"] = None
    answer |= {
        "statusBadgeEnabled": True,
        "googleAnalytics": {"anonymizeUsers": True},
        "kustomizeOptions": kustomize,
        "help": {"chatUrl": "https://chat.example.com/argo", "chatText": "Chat now!"},
    }
    if known:
        answer["passwordPattern"] = "^.{8,32}$"
    if profile.since(3, 0):
        answer["trackingMethod"] = "annotation"
    if known:
        answer["controllerNamespace"] = world.control_plane
    answer["appsInAnyNamespaceEnabled"] = True
    if profile.since(3, 3) and world.options.sync_with_replace_allowed:
        answer["syncWithReplaceAllowed"] = True
    if profile.since(3, 6):
        answer["resourceViewEnabled"] = True
    return Answer.json(answer)


async def can_i(world: World, exchange: Exchange) -> Answer:
    """Say whether the policy lets the caller do something; nothing else is considered."""
    identity = exchange.caller()
    resource, action = exchange.params["resource"], exchange.params["action"]
    profile = world.profile
    for value, known in ((resource, profile.objects), (action, profile.rights)):
        if value not in known:
            text = f"[{' '.join(known)}] does not contain {value}"
            raise CallFailed(Code.INVALID_ARGUMENT, text)
    if resource == "logs" and not world.logs_need_a_right:
        return Answer.json({"value": "yes"})
    target = exchange.params["object"]
    if profile.normalises_objects:
        target = normalised_object(resource, target, world.control_plane)
    allowed = world.policies.allowed(identity.subject, resource, action, target)
    return Answer.json({"value": "yes" if allowed else "no"})


async def list_projects(world: World, exchange: Exchange) -> Answer:
    """List the projects the caller may read; null for none."""
    identity = exchange.caller()
    items = [
        project
        for name, project in sorted(world.projects.by_name.items())
        if world.policies.allowed(identity.subject, "projects", "get", name)
    ]
    version = {"resourceVersion": str(world.fleet.resource_version)}
    return filtered_answer(exchange, {"metadata": version, "items": items or None})


async def get_project(world: World, exchange: Exchange) -> Answer:
    """Read one project."""
    name = exchange.params["name"]
    world.require(exchange.caller(), "projects", "get", name)
    project = world.projects.by_name.get(name)
    if project is None:
        raise CallFailed(Code.NOT_FOUND, f'appprojects.argoproj.io "{name}" not found')
    return Answer.json(project)


async def list_clusters(world: World, exchange: Exchange) -> Answer:
    """List the clusters the caller may read, credentials left out."""
    identity = exchange.caller()
    name, server = exchange.value("name"), exchange.value("server")
    items = [
        _counted(world, cluster)
        for cluster in world.clusters
        if name in ("", cluster["name"])
        and server in ("", cluster["server"])
        and world.policies.allowed(identity.subject, "clusters", "get", cluster["server"])
    ]
    return Answer.json({"metadata": {}, "items": items or None})


async def get_cluster(world: World, exchange: Exchange) -> Answer:
    """Read one cluster by its percent-encoded server URL, or by name with ``id.type=name``."""
    identity, wanted = exchange.caller(), exchange.params["server"]
    key = "name" if exchange.value("id.type") in ("name", "name_escaped") else "server"
    for cluster in world.clusters:
        if cluster[key] == wanted and world.policies.allowed(
            identity.subject, "clusters", "get", cluster["server"]
        ):
            return Answer.json(_counted(world, cluster))
    raise permission_denied()


def _counted(world: World, cluster: Json) -> Json:
    wanted = {cluster["server"], cluster["name"]}
    destinations = (record.app["spec"].get("destination", {}) for record in world.fleet.records())
    count = sum(bool({d.get("server"), d.get("name")} & wanted) for d in destinations)
    counted = {**cluster, "info": {**cluster["info"], "applicationsCount": count}}
    if "serverVersion" in cluster:
        counted["serverVersion"] = world.profile.cluster_version
        counted["info"]["serverVersion"] = world.profile.cluster_version
    return counted


async def healthz(_world: World, _exchange: Exchange) -> Answer:
    """Say that the server is up."""
    return Answer.text(200, "ok\n")


async def not_simulated(_world: World, exchange: Exchange) -> Answer:
    """Refuse a route Argo CD has and this simulator does not."""
    exchange.caller()
    what = re.sub(r"\s+", " ", f"{exchange.method} {exchange.path}")
    raise CallFailed(Code.UNIMPLEMENTED, f"{what} is not part of the simulator")
