"""
The plugin's configuration: classes, JSON Schema, validation, masks, secrets (requirements G).
"""

from .model import InstanceSettings, Settings, Timeouts
from .policy import Place, PolicyRule, why_not
from .secrets import MASK, Secret, without
from .texts import LABEL_KEY
from .validation import DEFAULT_SECRETS_DIRS, Verdict, config_schema, mask, validate

__all__ = [
    "DEFAULT_SECRETS_DIRS",
    "LABEL_KEY",
    "MASK",
    "InstanceSettings",
    "Place",
    "PolicyRule",
    "Secret",
    "Settings",
    "Timeouts",
    "Verdict",
    "config_schema",
    "mask",
    "validate",
    "why_not",
    "without",
]
