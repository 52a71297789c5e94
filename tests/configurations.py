"""Configurations for properties: valid ones, near-valid ones, and hostile ones."""

from __future__ import annotations

import copy
import itertools
import os
from typing import Any

from hypothesis import strategies as st

from gantry_argocd.settings import MASK

CANARY = "canary"
"""Every secret that is generated begins so, and nothing else does."""

TRIES = {"ci": 2_000, "nightly": 10_000}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 60)

NAMES = st.sampled_from(["a", "b", "c", "prod.eu-1"])
URLS = st.sampled_from(
    ["https://a.example", "https://b.example", "http://a.example", "https://a.example/argo",
     "https://a.example:8443", "HTTPS://A.example:443/"]
)  # fmt: skip
TEXTS = st.text(max_size=8) | st.sampled_from(
    ["", " ", "a:b", "a,b", "__proto__", "💥", "\ud7ff", "\x00", "<b>", "env:HOME", "env:", "file:",
     "file:/etc/passwd", "file:/run/secrets/../x", "env:GANTRY_ARGOCD_X", MASK, MASK + "x",
     "a" * 70, "https://", "http://[::1", "https://u:p@h", "https://h?q", "https://ü..x", "1d",
     "-1s", "9" * 90]
)  # fmt: skip
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
KEYS = st.sampled_from(
    ["name", "argocdUrl", "token", "username", "password", "authMode", "insecureSkipTLS", "project",
     "selector", "caBundle", "headers", "timeouts", "publicUrl", "namespace", "follow", "tokn",
     "Token", "instances", "labelKey", "syncInterval"]
)  # fmt: skip


@st.composite
def instances(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw a valid instance with unique secrets."""
    number = itertools.count(draw(st.integers(0, 99)))

    def secret() -> str:
        return f"{CANARY}-{name}-{next(number)}"

    optional: dict[str, st.SearchStrategy[Any]] = {
        "insecureSkipTLS": st.booleans(),
        "follow": st.booleans(),
        "project": st.sampled_from(["", "default"]),
        "selector": st.sampled_from(["", "team=x"]),
        "publicUrl": st.just("") | URLS,
        "namespace": st.sampled_from(["", "argocd"]),
        "caBundle": st.sampled_from(["", PEM, "file:/run/secrets/ca"]),
        "headers": st.dictionaries(
            st.sampled_from(["X-One", "X-Two"]), st.builds(secret), max_size=2
        ),
        "timeouts": st.fixed_dictionaries(
            {}, optional={"connect": st.sampled_from(["1s", "500ms"]), "list": st.just("1m30s")}
        ),
    }
    found = draw(st.fixed_dictionaries({"argocdUrl": URLS}, optional=optional))
    how = draw(st.sampled_from(["token", "password", "both", "env"]))
    if how in ("token", "both"):
        found["token"] = secret()
    if how in ("password", "both"):
        found |= {"username": "u", "password": secret()}
    if how == "both":
        found["authMode"] = draw(st.sampled_from(["token", "credentials"]))
    if how == "env":
        found["token"] = "env:GANTRY_ARGOCD_T"
    return {"name": name} | found


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid configuration."""
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    rest = st.fixed_dictionaries(
        {},
        optional={
            "labelKey": st.sampled_from(["name", "", "app.kubernetes.io/name"]),
            "syncInterval": st.sampled_from(["", "0", "90s", "1h30m", "1.5h"]),
            "enrichmentPrefixes": st.lists(st.sampled_from(["github.com/", "x/"]), max_size=2),
        },
    )
    return {"instances": [draw(instances(name)) for name in names]} | draw(rest)


@st.composite
def near_valid(draw: st.DrawFn) -> Any:
    """Draw a valid configuration with a few mistakes in it."""
    config = draw(valid())
    for _ in range(draw(st.integers(1, 3))):
        found = config.get("instances")
        places = [config, *(found if isinstance(found, list) else [])]
        place = draw(st.sampled_from([p for p in places if isinstance(p, dict)]))
        key = draw(KEYS | st.sampled_from(sorted(place) or ["name"]))
        what = draw(st.sampled_from(["replace", "remove", "twin", "blend"]))
        if what == "remove":
            place.pop(key, None)
        elif what == "twin" and isinstance(found, list):
            found.append(copy.deepcopy(place))
        elif what == "blend" and isinstance(place.get(key), str):
            place[key] += draw(TEXTS)
        else:
            place[key] = draw(JSON)
    return config


CONFIGS: st.SearchStrategy[Any] = valid() | near_valid() | JSON


@st.composite
def edited(draw: st.DrawFn, shown: dict[str, Any]) -> dict[str, Any]:
    """Draw what somebody made of a masked configuration: moved, renamed, removed, copied."""
    config = copy.deepcopy(shown)
    found: list[dict[str, Any]] = config["instances"]
    for _ in range(draw(st.integers(1, 4))):
        found = draw(st.permutations(found))
        if not found:
            break
        one = draw(st.sampled_from(found))
        what = draw(st.sampled_from(["name", "url", "remove", "copy", "swap", "move", "headers"]))
        other = draw(st.sampled_from(found))
        if what == "name":
            one["name"] = draw(NAMES)
        elif what == "url":
            one["argocdUrl"] = draw(URLS)
        elif what == "remove":
            found.remove(one)
        elif what == "copy":
            found.append(copy.deepcopy(one) | {"name": draw(NAMES)})
        elif what == "swap":
            one["name"], other["name"] = other["name"], one["name"]
        elif what == "move":
            one["password"], one["token"] = one.get("token"), one.get("password")
        else:
            one["headers"] = {"X-New": MASK} | (other.get("headers") or {})
    return config | {"instances": found}
