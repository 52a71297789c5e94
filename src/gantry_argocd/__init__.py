"""Argo CD in the Gantry developer portal."""

PLUGIN = "argocd"
"""Name of the plugin: in configurations, addresses, fragments and results."""
