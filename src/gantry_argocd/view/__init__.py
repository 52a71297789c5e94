"""
What people see of Argo CD, as values: everything is already put into words.

Pure: no clock, no network, no template. The templates use exactly these classes and compute
nothing; a test holds the two against each other in both directions.
"""

from __future__ import annotations

from .badges import Badge
from .banners import Banner, Result
from .buttons import Button, Reason
from .card import Body, Card
from .details import Fact
from .filters import Choice, Filter, Option, Select
from .gallery import Exhibit, exhibits, gallery, slug
from .history import Change, History, HistoryRow, asks
from .links import Link
from .panel import Environment, Notice, PanelView, notice, panel
from .resources import ResourceRow, Resources
from .sidebar import SidebarApp, SidebarView, sidebar
from .state import AppState
from .text import Field, Message
from .timeline import Mark, Timeline
from .times import Moment

__all__ = [
    "AppState",
    "Badge",
    "Banner",
    "Body",
    "Button",
    "Card",
    "Change",
    "Choice",
    "Environment",
    "Exhibit",
    "Fact",
    "Field",
    "Filter",
    "History",
    "HistoryRow",
    "Link",
    "Mark",
    "Message",
    "Moment",
    "Notice",
    "Option",
    "PanelView",
    "Reason",
    "ResourceRow",
    "Resources",
    "Result",
    "Select",
    "SidebarApp",
    "SidebarView",
    "Timeline",
    "asks",
    "exhibits",
    "gallery",
    "notice",
    "panel",
    "sidebar",
    "slug",
]
