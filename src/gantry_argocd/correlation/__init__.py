"""
How Argo CD applications and catalogue entities come together: pure, without network or clock.

:func:`correlate` says what the catalogue has to become; :func:`receive` does the writes of others
to the part of an entity that is not ours. The rules are told in ``docs/correlation.md``.
"""

from .adoption import is_original
from .engine import Adoption, Placement, Result, correlate
from .explanation import explain_app, explain_entity, moves
from .knowledge import Answer, HeldBack, Outcome, rfc3339
from .membership import Member, Members, members
from .ownership import entity_key, is_ours, receive, split
from .provenance import InstanceInfo, Record
from .standing import Proposal, Standing

__all__ = [
    "Adoption",
    "Answer",
    "HeldBack",
    "InstanceInfo",
    "Member",
    "Members",
    "Outcome",
    "Placement",
    "Proposal",
    "Record",
    "Result",
    "Standing",
    "correlate",
    "entity_key",
    "explain_app",
    "explain_entity",
    "is_original",
    "is_ours",
    "members",
    "moves",
    "receive",
    "rfc3339",
    "split",
]
