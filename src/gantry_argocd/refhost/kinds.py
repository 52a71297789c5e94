"""
The known kinds and the JSON Schemas of their ``spec``.

Nothing is required at the top of a ``spec``, and nothing unknown is allowed there; items of lists
are open objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

KINDS = (
    "Service",
    "API",
    "Infrastructure",
    "Team",
    "Environment",
    "Documentation",
    "Flow",
    "Action",
)


def canonical_kind(kind: str) -> str:
    """Give the known kind that *kind* spells in whatever case, else *kind* itself."""
    return next((known for known in KINDS if known.lower() == kind.lower()), kind)


def schemas() -> Mapping[str, Schema]:
    """Give the schema of every known kind's ``spec``."""
    return {
        "Service": _object(
            type=_enum("backend", "frontend", "fullstack", "library", "worker"),
            lifecycle=_enum("experimental", "development", "production", "deprecated"),
            techDocsRef=_TEXT,
            apiDocsUrl=_TEXT,
            **_running(),
        ),
        "API": _object(
            type=_enum("openapi", "asyncapi", "graphql", "grpc"),
            lifecycle=_enum("experimental", "development", "production", "deprecated"),
            definition=_TEXT,
            version=_TEXT,
            **_running(),
        ),
        "Infrastructure": _object(
            type=_enum("database", "queue", "cache", "storage", "bucket"),
            provider=_TEXT,
            lifecycle=_TEXT,
            connectionString=_TEXT,
            **_running(),
        ),
        "Team": _object(
            members=_list({"type": ["string", "object"]}),
            email=_TEXT,
            slack=_TEXT,
            parent=_TEXT,
            links=_links(),
        ),
        "Environment": _object(
            provider=_TEXT,
            region=_TEXT,
            cluster=_TEXT,
            accountId=_TEXT,
            system=_TEXT,
            type=_enum("staging", "production", "development"),
            dependsOn=_references(),
            providesApis=_apis(),
            consumesApis=_apis(),
        ),
        "Documentation": _object(
            content=_TEXT,
            url=_TEXT,
            format=_TEXT,
            entityRef=_reference(),
            links=_links(),
        ),
        "Flow": _object(nodes=_list({"type": "object"}), edges=_list({"type": "object"})),
        "Action": _object(
            type=_enum("github-action", "argocd-sync", "flux-update", "webhook", "internal"),
            category=_TEXT,
            config={"type": "object"},
            inputs=_list(
                {
                    "type": "object",
                    "required": ["name", "type"],
                    "properties": {
                        "name": _TEXT,
                        "type": _enum("string", "textarea", "number", "boolean", "select"),
                    },
                }
            ),
        ),
    }


_TEXT: Schema = {"type": "string"}


def _object(**properties: Schema) -> Schema:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _running() -> dict[str, Schema]:
    return {
        "system": _TEXT,
        "repoUrl": _TEXT,
        "healthCheckUrl": _TEXT,
        "links": _links(),
        "dependsOn": _references(),
        "deployedIn": _references(),
        "providesApis": _apis(),
        "consumesApis": _apis(),
    }


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _reference() -> Schema:
    return {
        "type": "object",
        "required": ["kind", "name"],
        "properties": {"kind": _TEXT, "name": _TEXT},
    }


def _references() -> Schema:
    return _list(_reference())


def _apis() -> Schema:
    return _list({"type": "string", "x-entity-ref": "API"})


def _links() -> Schema:
    icons = ("dashboard", "docs", "runbook", "github", "slack", "alert", "monitor", "ci", "other")
    return _list(
        {
            "type": "object",
            "required": ["title", "url"],
            "properties": {"title": _TEXT, "url": _TEXT, "icon": _enum(*icons)},
        }
    )
