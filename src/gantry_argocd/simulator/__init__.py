"""An Argo CD API server in a thread, for the demo, for tests and for benchmarks.

It tells the truth about Argo CD 2.8 to 3.6, the unpleasant rules included, and imports nothing else
of this package.
"""

from __future__ import annotations

from .accounts import Account
from .faults import Faults
from .fleet import generate
from .life import BUSIEST, Life
from .options import Options
from .profiles import LATEST, NEWEST, OLDEST, PROFILES, Profile
from .projects import Projects
from .rbac import Grant, Policies
from .requests import ReceivedRequest, Requests
from .server import Simulator
from .store import Fleet

__all__ = [
    "BUSIEST",
    "LATEST",
    "NEWEST",
    "OLDEST",
    "PROFILES",
    "Account",
    "Faults",
    "Fleet",
    "Grant",
    "Life",
    "Options",
    "Policies",
    "Profile",
    "Projects",
    "ReceivedRequest",
    "Requests",
    "Simulator",
    "generate",
]
