"""
What may be shown of Argo CD's own object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import Malformed
from ..repositories import redact, without_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRET_PARTS: Mapping[str, frozenset[str]] = {
    "helm": frozenset({"values", "valuesObject", "parameters", "fileParameters"}),
    "plugin": frozenset({"env", "parameters"}),
    "metadata": frozenset({"managedFields"}),
    "annotations": frozenset({"kubectl.kubernetes.io/last-applied-configuration"}),
    "sync": frozenset({"manifests"}),
    "kustomize": frozenset({"patches", "patchesJson6902", "patchesStrategicMerge"}),
}


def disclose(application: Any, *, everything: bool) -> Any:
    """
    Give Argo CD's own object as it may be shown (A1).

    Credentials in texts go for everybody. Without *everything* the parts go that may hold secrets:
    Helm values and parameters, plugin environment, kustomize patches, manifests of a local sync,
    managed fields, the last applied configuration.

    Raises:
        Malformed: If it is nested so deeply that nobody could write it again.
    """
    try:
        return _disclose(application, "", everything=everything)
    except RecursionError:
        raise Malformed("the application is nested too deeply") from None


def _disclose(value: Any, key: str, *, everything: bool) -> Any:
    if isinstance(value, dict):
        hidden = frozenset() if everything else _SECRET_PARTS.get(key, frozenset())
        return {
            name: _disclose(member, name, everything=everything)
            for name, member in value.items()
            if name not in hidden
        }
    if isinstance(value, list):
        return [_disclose(item, key, everything=everything) for item in value]
    if isinstance(value, str):
        return without_credentials(value) if key == "repoURL" else redact(value)
    return value
