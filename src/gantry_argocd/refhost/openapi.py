"""The OpenAPI 3.1 document of the REST API, made from its routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gantry_argocd.refhost.web import LONGEST_BODY, Endpoint

PATH = "/api/v1/openapi.json"
_PARAMETER = re.compile(r"\{(\w+)\}")
_EXAMPLES = {
    "appName": "production:payment-api",
    "kind": "Service",
    "name": "payment-api",
    "namespace": "default",
    "plugin": "argocd",
}
_SUMMARIES = {
    f"GET {PATH}": "This document",
    "GET /api/v1/version": "The release of the host",
    "GET /api/v1/audit": "The audit trail, newest first",
    "POST /api/v1/auth/login": "Sign in",
    "POST /api/v1/auth/logout": "Sign out",
    "GET /api/v1/auth/me": "Who is signed in",
    "PUT /api/v1/auth/me/password": "Change the own password",
    "GET /api/v1/auth/apikeys": "The own API keys",
    "POST /api/v1/auth/apikeys": "Make an API key",
    "DELETE /api/v1/auth/apikeys/{id}": "Revoke an API key",
    "POST /api/v1/auth/register": "Make a user",
    "GET /api/v1/auth/users": "All users",
    "GET /api/v1/auth/users/{id}": "One user",
    "PUT /api/v1/auth/users/{id}": "Change a user",
    "DELETE /api/v1/auth/users/{id}": "Delete a user",
    "GET /api/v1/entities": "All entities",
    "POST /api/v1/entities": "Create an entity",
    "GET /api/v1/entities/{kind}": "All entities of a kind",
    "GET /api/v1/entities/{kind}/{name}": "One entity",
    "PUT /api/v1/entities/{kind}/{name}": "Replace an entity",
    "DELETE /api/v1/entities/{kind}/{name}": "Delete an entity",
    "GET /api/v1/entities/{kind}/{name}/documentation": "The documentation of an entity",
    "GET /api/v1/entities/{kind}/{name}/panels": "The panels of an entity",
    "GET /api/v1/search": "Search the catalogue",
    "GET /api/v1/graph/{kind}/{name}": "What an entity leads to, and what names it",
    "GET /api/v1/schemas": "The kinds that have a schema",
    "GET /api/v1/schemas/{kind}": "The schema of a kind",
    "GET /api/v1/plugins": "All plugins",
    "GET /api/v1/plugins/{plugin}": "How a plugin is",
    "GET /api/v1/plugins/{plugin}/config": "The configuration of a plugin, secrets masked",
    "PUT /api/v1/plugins/{plugin}/config": "Configure a plugin",
    "PUT /api/v1/plugins/{plugin}/enable": "Enable or disable a plugin",
    "POST /api/v1/plugins/{plugin}/sync": "Have a plugin discover everything anew",
}
_ENTITY = {
    "kind": "Service",
    "metadata": {"name": "payment-api"},
    "spec": {"type": "backend", "lifecycle": "production"},
}
_CONFIG = {
    "instances": [
        {
            "name": "production",
            "argocdUrl": "https://argocd.your-org.com",
            "token": "your-argocd-api-token",
            "insecureSkipTLS": False,
            "project": "default",
        }
    ],
    "labelKey": "name",
    "syncInterval": "5m",
}
_BODIES: Mapping[str, Any] = {
    "POST /api/v1/auth/login": {"username": "admin", "password": "change-me"},
    "POST /api/v1/entities": _ENTITY,
    "PUT /api/v1/entities/{kind}/{name}": _ENTITY,
    "PUT /api/v1/plugins/{plugin}/config": _CONFIG,
    "PUT /api/v1/plugins/{plugin}/enable": {"enabled": True},
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "For people."},
        "code": {"type": "string", "description": "For programs; never changes."},
        "help": {"type": "string", "description": "What can be done about it."},
        "instance": {"type": "string"},
        "candidates": {"type": "array", "items": {"type": "string"}},
        "errors": {"type": "array", "items": {"type": "object"}},
        "role": {"type": "string"},
        "required": {"type": "string"},
    },
}


def document(
    endpoints: Iterable[Endpoint], schemas: Mapping[str, Any], release: str
) -> dict[str, Any]:
    """
    Make the document.

    Args:
        endpoints: All of the host's; pages are left out. Of two for one address the first counts.

        schemas: What operations of plugins refer to, by name.

        release: Of the host.
    """
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        if not endpoint.is_page:
            methods = paths.setdefault(endpoint.path, {})
            methods.setdefault(endpoint.method.lower(), _operation(endpoint))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gantry",
            "version": release,
            "description": "Errors are a JSON object with `error`, and mostly `code`.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of /api/v1/auth/login, or an API key.",
                }
            },
            "schemas": {"Error": _ERROR, **schemas},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    about, name = dict(endpoint.openapi), f"{endpoint.method} {endpoint.path}"
    found: dict[str, Any] = {
        "summary": endpoint.summary or _SUMMARIES.get(name, name),
        **about,
        "parameters": [*_path_parameters(endpoint.path), *about.get("parameters", ())],
        "responses": about.get("responses", _ANY) | _refusals(endpoint),
    }
    if endpoint.role is None:
        found["security"] = []
    else:
        found["x-gantry-role"] = endpoint.role
    if "requestBody" not in found and endpoint.method in {"POST", "PUT"}:
        found["requestBody"] = _request_body(name)
    return found


_ANY: dict[str, Any] = {
    "2XX": {"description": "Done"},
    "4XX": {
        "description": "Refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    },
}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
            **({"example": _EXAMPLES[name]} if name in _EXAMPLES else {}),
        }
        for name in _PARAMETER.findall(path)
    ]


def _request_body(name: str) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}}
    if name in _BODIES:
        content["example"] = _BODIES[name]
    return {"required": name in _BODIES, "content": {"application/json": content}}


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    """Say what the host itself refuses, whoever answers the rest."""
    meanings = {"503": "The host is ending, or its database is busy"}
    if endpoint.role is not None:
        meanings["401"] = "Nobody is signed in"
    if endpoint.role not in (None, "viewer"):
        meanings["403"] = "code role: your role is lower than needed"
    if endpoint.method not in {"GET", "DELETE"}:
        meanings["413"] = f"The body is longer than {LONGEST_BODY} bytes"
    known = endpoint.openapi.get("responses", {})
    return {
        status: {"description": words, "content": _ANY["4XX"]["content"]}
        for status, words in meanings.items()
        if status not in known
    }
