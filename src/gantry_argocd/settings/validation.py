"""
From a JSON value to settings: every error at once, masks replaced, nothing guessed (G2, G4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ..hookspecs import ConfigError
from ..mappings import plain
from .fields import read, schema, settings_of
from .model import InstanceSettings, Settings, Timeouts
from .policy import PolicyRule
from .secrets import MASK, is_reference, reference_problem
from .texts import web_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


DEFAULT_SECRETS_DIRS = ("/run/secrets", "/var/run/secrets")
_INSTANCE_KEYS = {item.key for item in settings_of(InstanceSettings).values()}
_FILE_KEYS = ("caBundle", "clientCertificate", "clientKey")
_HIDDEN_KEYS = {item.key for item in settings_of(InstanceSettings).values() if item.secret}
_SECRET_KEYS = tuple(
    item.key
    for item in settings_of(InstanceSettings).values()
    if item.secret and item.json_type == "string"
)


@attrs.frozen(kw_only=True)
class Verdict:
    """
    What is to be said of a configuration.

    Attributes:
        settings: None when there are errors.

        values: What to store, in JSON form. Holds secrets.

        errors: Why it cannot be stored.

        enable_errors: Why it cannot be enabled, though it may be stored.
    """

    settings: Settings | None
    values: Mapping[str, Any]
    errors: tuple[ConfigError, ...]
    enable_errors: tuple[ConfigError, ...]

    def __repr__(self) -> str:
        # The values hold secrets, and a repr ends in logs.
        return f"Verdict(errors={self.errors!r}, enable_errors={self.enable_errors!r})"


def config_schema() -> dict[str, Any]:
    """Give the JSON Schema of the configuration."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema(Settings)


def validate(
    config: Any,
    *,
    stored: Any = None,
    trusted: bool = False,
    secrets_dirs: Sequence[str] = DEFAULT_SECRETS_DIRS,
) -> Verdict:
    """
    Check a configuration.

    Args:
        config: Any JSON value.

        stored: The present configuration, for masks; what is no object holds none.

        trusted: It comes from the operator of the host, not over REST.

        secrets_dirs: Where an untrusted one may read files.
    """
    errors: list[ConfigError] = []
    try:
        values, before = _modern(plain(config)), _modern(plain(stored))
    except RecursionError:
        deep = ConfigError(path="$", message="less nesting is expected")
        return Verdict(settings=None, values={}, errors=(deep,), enable_errors=())
    before = before if isinstance(before, dict) else {}
    if isinstance(values, dict):
        _unmask(values, before, errors)
        if not trusted:
            _check_references(values, before, secrets_dirs, errors)
    found = read(Settings, values, "$", errors)
    if found is None:
        return Verdict(settings=None, values={}, errors=tuple(errors), enable_errors=())
    instances = _instances(found["instances"], errors)
    if errors:
        return Verdict(settings=None, values={}, errors=tuple(errors), enable_errors=())
    settings = Settings(
        instances=tuple(instances),
        label_key=found["label_key"],
        sync_interval=found["sync_interval"],
        enrichment_prefixes=tuple(found["enrichment_prefixes"]),
        policy=tuple(PolicyRule(**_frozen(rule)) for rule in found["policy"]),
    )
    enable: list[ConfigError] = []
    if not instances:
        enable.append({"path": "$.instances", "message": "at least one instance is needed"})
    return Verdict(settings=settings, values=values, errors=(), enable_errors=tuple(enable))


def mask(values: Any) -> dict[str, Any]:
    """
    Give a stored configuration with the mask in place of every secret (G4).

    Secrets are looked for wherever one of their keys is, so that a configuration that was stored
    otherwise than this release does tells none either.
    """
    masked = _masked(_modern(plain(values)))
    return masked if isinstance(masked, dict) else {}


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _hidden(member) if key in _HIDDEN_KEYS else _masked(member)
        for key, member in value.items()
    }


def _hidden(value: Any) -> Any:
    """Hide a secret, or each value of an object of them; a reference to one is none."""
    if isinstance(value, dict):
        return {name: _hidden(member) for name, member in value.items()}
    return value if not value or is_reference(value) else MASK


def _frozen(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in rule.items()}


# --- forms of the original plugin ---


def _modern(config: Any) -> Any:
    """Turn the legacy flat form into one instance named ``default``."""
    if not isinstance(config, dict) or "instances" in config or "argocdUrl" not in config:
        return config
    instance = {key: config.pop(key) for key in list(config) if key in _INSTANCE_KEYS}
    instance.setdefault("name", "default")
    return config | {"instances": [instance]}


# --- masks and references ---


def _unmask(values: dict[str, Any], stored: Mapping[str, Any], errors: list[ConfigError]) -> None:
    """Put the stored secret of the same name and origin in the place of each mask."""
    known = {_identity(instance): instance for instance in _instance_dicts(stored)}
    for index, instance in enumerate(_instance_dicts(values)):
        name, origin = _identity(instance)
        before = known.get((name, origin), {})
        for path, holder, key, old in _secret_places(instance, before):
            given = holder[key]
            if given in (None, ""):
                if holder is instance:
                    holder[key] = ""
                else:
                    del holder[key]  # a header without a value is none
            elif given == MASK and isinstance(old, str) and old:
                holder[key] = old
            elif isinstance(given, str) and MASK in given:
                spot = f"$.instances[{index}].{path}"
                if given != MASK:
                    message = "the mask alone, or a secret, is expected"
                    errors.append({"path": spot, "message": message})
                elif origin:  # One that is refused may be mended to the former.
                    errors.append({"path": spot, "message": _no_secret(name)})


def _no_secret(name: object) -> str:
    return (
        f"no such secret is stored for instance {str(name)[:63]!r} at this address, and none "
        "moves there: give it anew"
    )


def _check_references(
    values: dict[str, Any],
    stored: Mapping[str, Any],
    secrets_dirs: Sequence[str],
    errors: list[ConfigError],
) -> None:
    known = {_identity(instance): instance for instance in _instance_dicts(stored)}
    for index, instance in enumerate(_instance_dicts(values)):
        before = known.get(_identity(instance), {})
        places = [*_secret_places(instance, before)]
        places += [(k, instance, k, before.get(k)) for k in _FILE_KEYS if k in instance]
        for path, holder, key, old in places:
            given = holder[key]
            # What the operator stored once may stay; only new references are judged.
            if not isinstance(given, str) or given == old:
                continue
            problem = reference_problem(given, secrets_dirs)
            if problem is not None:
                errors.append(
                    {"path": f"$.instances[{index}].{path}", "message": f"{problem} is expected"}
                )


def _secret_places(
    instance: dict[str, Any], before: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any], str, Any]]:
    places = [(key, instance, key, before.get(key)) for key in _SECRET_KEYS if key in instance]
    headers, old = instance.get("headers"), before.get("headers")
    if isinstance(headers, dict):
        old = old if isinstance(old, dict) else {}
        places += [(f"headers.{name}", headers, name, old.get(name)) for name in headers]
    return places


def _identity(instance: Mapping[str, Any]) -> tuple[Any, str]:
    try:
        origin = web_url(str(instance.get("argocdUrl", "")))
    except ValueError:
        origin = ""
    name = instance.get("name")
    return (name if isinstance(name, str) and origin else None, origin)


def _instance_dicts(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the instances by their place; what is no object is given as an empty one."""
    instances = values.get("instances")
    if not isinstance(instances, list):
        return []
    return [item if isinstance(item, dict) else {} for item in instances]


# --- instances ---


def _instances(
    found: Sequence[dict[str, Any] | None], errors: list[ConfigError]
) -> list[InstanceSettings]:
    seen: dict[str, int] = {}
    result = []
    for index, values in enumerate(found):
        if values is None:
            continue
        path = f"$.instances[{index}]"
        name = values["name"]
        if isinstance(name, str) and name:
            if name in seen:
                message = f"is used by instances[{seen[name]}] already"
                errors.append({"path": f"{path}.name", "message": message})
            seen.setdefault(name, index)
        if not any(error["path"].startswith(path) for error in errors):
            _check_credentials(values, path, errors)
        if not errors:
            result.append(InstanceSettings(**values | {"timeouts": Timeouts(**values["timeouts"])}))
    return result


def _check_credentials(values: dict[str, Any], path: str, errors: list[ConfigError]) -> None:
    token, password = bool(values["token"]), bool(values["password"])
    username, mode = bool(values["username"]), values["auth_mode"]
    if token and password and not mode:
        errors.append(
            {
                "path": path,
                "message": "either a token or a password is expected, not both; authMode says "
                "which counts",
            }
        )
    elif mode == "token" or (token and not mode):
        if not token:
            errors.append({"path": f"{path}.token", "message": "a token is expected"})
    elif not (username and password):
        missing = "password" if username else "username" if password or mode else "token"
        message = {
            "password": "the password of the user is expected",
            "username": "the name of the user is expected",
            "token": "a token, or a username and a password, is expected",
        }[missing]
        errors.append({"path": f"{path}.{missing}", "message": message})
