"""
What the plugin's routes take and answer, as OpenAPI 3.1 says it: data, for the host's document.

Kept beside the routes and checked against them: a test asks every route and holds what it answers
against what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..actions.request import MOST_OPTIONS, MOST_RESOURCES

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_TRUTH: Json = {"type": "boolean"}
_NUMBER: Json = {"type": "integer", "minimum": 0}
_MOMENT: Json = {"type": "string", "format": "date-time"}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, *required: str, **more: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


_HEALTH = _object({"status": _TEXT, "message": _TEXT})
_RESULT = _object(
    {
        **dict.fromkeys(
            ("group", "kind", "namespace", "name", "status", "message", "hookType", "hookPhase"),
            _TEXT,
        )
    }
)
_OPERATION = _object(
    {
        "id": {**_TEXT, "description": "Correlation id of the request, when it came from here."},
        "phase": {
            **_TEXT,
            "examples": ["Queued", "Running", "Terminating", "Succeeded", "Failed", "Error"],
        },
        "message": _TEXT,
        "startedAt": {"anyOf": [_MOMENT, {"type": "null"}]},
        "finishedAt": {"anyOf": [_MOMENT, {"type": "null"}]},
        "dryRun": _TRUTH,
        "initiatedBy": {"type": ["string", "null"]},
        "results": _list(_ref("ArgoCDResult")),
    },
    "phase",
)
_OPERATION["properties"]["id"] = {"type": ["string", "null"]}
_PROGRESS = _object(
    {
        "state": {
            "enum": [
                "none",
                "queued",
                "running",
                "waiting-for-confirmation",
                "waiting-for-retry",
                "blocked",
                "terminating",
                "settling",
                "succeeded",
                "failed",
            ]
        },
        "message": _TEXT,
        "done": {**_TRUTH, "description": "Nothing more is to be expected."},
    },
    "state",
    "message",
    "done",
)
_SOURCE = _object(
    dict.fromkeys(
        ("repoURL", "kind", "url", "path", "chart", "targetRevision", "ref", "name"), _TEXT
    )
)
_RESOURCE = _object(
    {
        **dict.fromkeys(("group", "version", "kind", "namespace", "name", "status"), _TEXT),
        "health": _HEALTH,
        "hook": _TRUTH,
        "requiresPruning": _TRUTH,
    }
)
_DEPLOYMENT = _object(
    {
        "id": {**_NUMBER, "description": "What a rollback names. Starts at 0."},
        "revisions": _list(_TEXT),
        "deployedAt": _MOMENT,
        "startedAt": _MOMENT,
        "initiatedBy": _TEXT,
        "sources": _list(_ref("ArgoCDSource")),
    }
)
_IDENTITY = ("instance", "appName", "namespace", "ref", "syncStatus", "healthStatus", "progress")
_APPLICATION = _object(
    {
        **dict.fromkeys(
            (
                *("instance", "appName", "namespace", "ref", "url", "syncStatus", "healthStatus"),
                *("healthMessage", "syncRevision", "operationPhase", "operationMsg", "repoURL"),
                *("targetRevision", "path", "chart", "project", "destServer", "destName"),
                "destNamespace",
            ),
            _TEXT,
        ),
        "lastSyncTime": _MOMENT,
        "images": _list(_TEXT),
        "externalUrls": _list(_object({"title": _TEXT, "url": _TEXT}, "title", "url")),
        "operation": _ref("ArgoCDOperation"),
        "progress": _ref("ArgoCDProgress"),
        "autoSync": _object({"prune": _TRUTH, "selfHeal": _TRUTH}),
        "resources": _list(_ref("ArgoCDResource")),
        "revisions": {**_list(_TEXT), "description": "What was compared, one for each source."},
        "sources": _list(_ref("ArgoCDSource")),
        "conditions": _list(_object({"type": _TEXT, "message": _TEXT, "since": _MOMENT}, "type")),
        "history": _list(_ref("ArgoCDDeployment")),
        "requestId": {**_TEXT, "description": "Of an action, as it is on record."},
        "notes": {**_list(_TEXT), "description": "What has to be known of an action."},
        "application": {"type": "object", "description": "Argo CD's own object."},
    },
    *_IDENTITY,
    description="A key without a value is absent.",
)
_FAILED = _object(
    {
        "instance": _TEXT,
        "appName": _TEXT,
        "ref": _TEXT,
        "error": _TEXT,
        "code": _TEXT,
        "help": _TEXT,
        "candidates": _list(_TEXT),
    },
    "error",
    "code",
    "ref",
)
_OFFER = _object(
    {
        "id": {**_TEXT, "examples": ["argocd:sync", "argocd:rollback:3"]},
        "label": _TEXT,
        "part": _TEXT,
        "destructive": _TRUTH,
        "confirmation": {"type": ["string", "null"]},
        "available": _TRUTH,
        "reason": _TEXT,
    },
    "id",
    "label",
    "available",
    "reason",
)
_SYNC_BODY = _object(
    {
        "hard": {
            **_TRUTH,
            "description": "Prune, and apply by force. Hooks run.",
        },
        "prune": {**_TRUTH, "description": "Delete what is no longer in the source."},
        "dryRun": {**_TRUTH, "description": "Change nothing; the results say what would."},
        "revision": {
            **_TEXT,
            "maxLength": 250,
            "description": "Branch, tag, commit or version to deploy of the only source.",
        },
        "revisions": {
            "type": "object",
            "propertyNames": {"pattern": "^[1-9][0-9]{0,2}$"},
            "additionalProperties": {**_TEXT, "maxLength": 250},
            "description": "The same of several sources, by position from 1 on.",
        },
        "resources": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_RESOURCES,
            "items": _object(
                {
                    "group": {**_TEXT, "maxLength": 253},
                    "kind": {**_TEXT, "minLength": 1, "maxLength": 253},
                    "namespace": {**_TEXT, "maxLength": 253},
                    "name": {**_TEXT, "minLength": 1, "maxLength": 253},
                },
                "kind",
                "name",
                additionalProperties=False,
            ),
            "description": "Only these; hooks are skipped then.",
        },
        "syncOptions": {
            "type": "array",
            "maxItems": MOST_OPTIONS,
            "items": {**_TEXT, "pattern": "^[A-Za-z][A-Za-z0-9]{0,63}=\\S{1,200}$"},
            "description": "Added to the application's own; one of the same name is replaced.",
        },
    },
    additionalProperties=False,
)

SCHEMAS: Mapping[str, Json] = {
    "ArgoCDApplication": _APPLICATION,
    "ArgoCDDeployment": _DEPLOYMENT,
    "ArgoCDFailed": _FAILED,
    "ArgoCDOffer": _OFFER,
    "ArgoCDOperation": _OPERATION,
    "ArgoCDProgress": _PROGRESS,
    "ArgoCDResource": _RESOURCE,
    "ArgoCDResult": _RESULT,
    "ArgoCDSource": _SOURCE,
    "ArgoCDSync": _SYNC_BODY,
}
"""What the operations refer to; for the document's components."""


def _query(name: str, description: str, example: str) -> Json:
    return {
        "name": name,
        "in": "query",
        "schema": _TEXT,
        "description": description,
        "example": example,
    }


_PLACE = [
    _query("instance", "Of which instance, where several have that name.", "production"),
    _query("namespace", "Of which namespace, where several have that name.", "argocd"),
]
_MEANINGS = {
    400: "The request is not what it must be, or Argo CD refuses it as such",
    403: "code role: your Gantry role. code policy: the plugin's configuration. "
    "code argocd_forbidden: the token of the instance",
    404: "There is none of that name",
    409: "Not now (running, blocked, conflict), or several have that name (ambiguous, with "
    "candidates)",
    415: "The body is no JSON",
    502: "Argo CD cannot be reached, or fails",
    504: "Argo CD does not answer in time; the request may be carried out all the same",
}


def _answers(good: Mapping[int, Json], *failing: int) -> Json:
    failures = {str(status): _content(_ref("Error"), _MEANINGS[status]) for status in failing}
    return {str(status): answer for status, answer in good.items()} | failures


def _content(schema: Json, description: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _body(schema: Json, examples: Mapping[str, Any], *, required: bool = False) -> Json:
    return {
        "required": required,
        "content": {
            "application/json": {
                "schema": schema,
                "examples": {name: {"value": value} for name, value in examples.items()},
            }
        },
    }


_READING = (400, 403, 404, 409, 502, 504)
_ACTING = (*_READING, 415)
_DONE = {200: _content(_ref("ArgoCDApplication"), "Requested; follow `progress`")}
_NOTHING = _object({}, additionalProperties=False)
_HARD = _object({"hard": _TRUTH}, additionalProperties=False)
_NUMBERED = _object(
    {"id": {**_NUMBER, "maximum": 2**31 - 1}, "prune": _TRUTH, "dryRun": _TRUTH},
    "id",
    additionalProperties=False,
)
_REPORT = {"type": "object", "description": "The report of the sync."}
_SELECTED = {"group": "apps", "kind": "Deployment", "name": "payment-api"}

_OPERATIONS: Mapping[tuple[str, str], Json] = {
    ("POST", "/sync"): {
        "requestBody": _body(
            _object({"confirm": _list(_TEXT)}, additionalProperties=False),
            {"all": {}, "a loss that is real": {"confirm": ["production"]}},
        ),
        "responses": _answers(
            {200: _content(_REPORT, "It has ended"), 202: _content(_REPORT, "It goes on")},
            400,
            404,
            415,
        ),
    },
    ("GET", "/entity-apps"): {
        "parameters": [
            _query("appNames", "Names or refs, separated by commas.", "production:payment-api")
        ],
        "responses": _answers(
            {
                200: _content(
                    _list({"anyOf": [_ref("ArgoCDApplication"), _ref("ArgoCDFailed")]}),
                    "One for each name, in that order",
                )
            },
            400,
        ),
    },
    ("POST", "/check"): {
        "requestBody": _body(_NOTHING, {}),
        "responses": _answers({200: _content({"type": "object"}, "What was found")}, 400, 415),
    },
    ("GET", "/explain"): {
        "parameters": [
            _query("app", "Why this one is where it is.", "production:payment-api"),
            _query("entity", "What this one has, and why.", "Service/default/payment-api"),
            _query("labelKey", "What another label would move.", "team"),
        ],
        "responses": _answers({200: _content({"type": "object"}, "Why")}, 400, 404, 409, 502, 504),
    },
    ("GET", "/apps/{appName}"): {
        "parameters": _PLACE,
        "responses": _answers({200: _content(_ref("ArgoCDApplication"), "Its state")}, *_READING),
    },
    ("GET", "/apps/{appName}/operation"): {
        "parameters": _PLACE,
        "responses": _answers(
            {
                200: _content(
                    _object(
                        {
                            **dict.fromkeys(_IDENTITY, _TEXT),
                            "progress": _ref("ArgoCDProgress"),
                            "operation": {"anyOf": [_ref("ArgoCDOperation"), {"type": "null"}]},
                        },
                        *_IDENTITY,
                        "operation",
                    ),
                    "How far it is",
                )
            },
            *_READING,
        ),
    },
    ("GET", "/apps/{appName}/actions"): {
        "parameters": _PLACE,
        "responses": _answers(
            {200: _content(_list(_ref("ArgoCDOffer")), "All of them")}, *_READING
        ),
    },
    ("POST", "/apps/{appName}/sync"): {
        "parameters": _PLACE,
        "requestBody": _body(
            _ref("ArgoCDSync"),
            {
                "normal": {},
                "hard": {"hard": True},
                "dry run": {"prune": True, "dryRun": True},
                "one resource": {"resources": [_SELECTED]},
                "another revision": {"revision": "v1.4.0"},
                "of the second source": {"revisions": {"2": "v1.4.0"}},
                "with an option": {"syncOptions": ["PruneLast=true"]},
            },
        ),
        "responses": _answers(_DONE, *_ACTING),
    },
    ("POST", "/apps/{appName}/refresh"): {
        "parameters": _PLACE,
        "requestBody": _body(_HARD, {"normal": {}, "manifests anew": {"hard": True}}),
        "responses": _answers(
            {
                200: _content(_ref("ArgoCDApplication"), "It was compared"),
                202: _content(_ref("ArgoCDApplication"), "It is being compared; see `notes`"),
            },
            *_ACTING,
        ),
    },
    ("POST", "/apps/{appName}/terminate"): {
        "parameters": _PLACE,
        "requestBody": _body(_NOTHING, {}),
        "responses": _answers(_DONE, *_ACTING),
    },
    ("POST", "/apps/{appName}/rollback"): {
        "parameters": _PLACE,
        "requestBody": _body(_NUMBERED, {"to the first": {"id": 0}}, required=True),
        "responses": _answers(_DONE, *_ACTING),
    },
}
_ENTITY = "/entities/{kind}/{namespace}/{name}"


def operation(method: str, path: str) -> Json:
    """Describe a route, also one of an entity's app: as an OpenAPI operation object."""
    known = _OPERATIONS[method, path.removeprefix(_ENTITY)]
    words = [word for word in path.replace("{", "").replace("}", "").split("/") if word]
    return {**known, "operationId": "argocd-" + "-".join([method.lower(), *words])}
