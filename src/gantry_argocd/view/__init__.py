"""
What people see of Argo CD, as values: everything is already put into words.

Pure: no clock, no network, no template. The templates use exactly these classes and compute
nothing; a test holds the two against each other in both directions.
"""

from __future__ import annotations

from .badges import Badge
from .banners import Banner, Result
from .card import Body, Button, Card, Reason
from .details import Fact, HistoryRow
from .gallery import Exhibit, exhibits, gallery, slug
from .links import Link
from .panel import Environment, Notice, PanelView, notice, panel
from .resources import Choice, Field, ResourceRow, Resources
from .sidebar import SidebarApp, SidebarView, sidebar
from .state import AppState
from .text import Message
from .times import Moment

__all__ = [
    "AppState",
    "Badge",
    "Banner",
    "Body",
    "Button",
    "Card",
    "Choice",
    "Environment",
    "Exhibit",
    "Fact",
    "Field",
    "HistoryRow",
    "Link",
    "Message",
    "Moment",
    "Notice",
    "PanelView",
    "Reason",
    "ResourceRow",
    "Resources",
    "Result",
    "SidebarApp",
    "SidebarView",
    "exhibits",
    "gallery",
    "notice",
    "panel",
    "sidebar",
    "slug",
]
