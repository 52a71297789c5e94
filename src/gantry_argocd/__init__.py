"""Argo CD in the Gantry developer portal."""
