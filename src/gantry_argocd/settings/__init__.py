"""
The plugin's configuration: classes, JSON Schema, validation, masks, secrets (requirements G).
"""

from .model import InstanceSettings, Settings, Timeouts, label_key
from .secrets import MASK, Secret, without
from .validation import DEFAULT_SECRETS_DIRS, Verdict, config_schema, mask, validate

__all__ = [
    "DEFAULT_SECRETS_DIRS",
    "MASK",
    "InstanceSettings",
    "Secret",
    "Settings",
    "Timeouts",
    "Verdict",
    "config_schema",
    "label_key",
    "mask",
    "validate",
    "without",
]
