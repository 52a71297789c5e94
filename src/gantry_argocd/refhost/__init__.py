"""
The reference host: a small developer portal that is Gantry to its users.

For the demo, for running plugins on their own, and for end-to-end tests. It finds plugins by
entry point as any host would, and needs nothing of ours but the hook specifications.
"""

from gantry_argocd.refhost.accounts import NewUser
from gantry_argocd.refhost.database import DatabaseUnusable
from gantry_argocd.refhost.host import Host, HostOptions, create_host
from gantry_argocd.refhost.pages_shown import ShownPage
from gantry_argocd.refhost.plugin_state import ConfigRefused
from gantry_argocd.refhost.problems import HostError
from gantry_argocd.refhost.rotation import rotate
from gantry_argocd.refhost.server import RunningHost, listening, serve, serve_in_thread

__all__ = [
    "ConfigRefused",
    "DatabaseUnusable",
    "Host",
    "HostError",
    "HostOptions",
    "NewUser",
    "RunningHost",
    "ShownPage",
    "create_host",
    "listening",
    "rotate",
    "serve",
    "serve_in_thread",
]
