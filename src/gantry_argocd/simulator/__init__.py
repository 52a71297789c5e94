"""An Argo CD API server in a thread, for the demo, for tests and for benchmarks.

It tells the truth about Argo CD 3.5.1, the unpleasant rules included, and imports nothing else of
this package.
"""

from __future__ import annotations

from .accounts import Account
from .faults import Faults
from .fleet import generate
from .projects import Projects
from .rbac import Grant, Policies
from .requests import ReceivedRequest, Requests
from .server import Simulator
from .store import Fleet

__all__ = [
    "Account",
    "Faults",
    "Fleet",
    "Grant",
    "Policies",
    "Projects",
    "ReceivedRequest",
    "Requests",
    "Simulator",
    "generate",
]
