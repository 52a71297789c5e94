"""What the panel is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from ..errors import ArgoCDError
from ..models import Application, Commit, Resource, RevisionKey
from ..refs import AppKey
from . import badges

_WELL = {None, "", "Healthy", "Progressing", "Suspended"}


@attrs.frozen
class AppState:
    """
    One application of an entity, as far as it is known.

    Attributes:
        ref: As the catalogue writes it (``production:payment-api``).

        key: Which application.

        application: None when no answer holds it.

        error: Why nothing newer is known. None when the last answer is good.

        sync: What the catalogue last knew.

        health: What the catalogue last knew.

        stale_since: Since when nothing was heard. None when fresh.

        argocd_url: Base of Argo CD's own UI, checked. None when not known.

        why: One sentence: by which rule it belongs to this entity. Empty when not known.

        commits: Who made its revisions, as far as that is known.
    """

    ref: str
    key: AppKey
    application: Application | None
    error: ArgoCDError | None
    sync: str
    health: str
    stale_since: datetime | None
    argocd_url: str | None
    why: str = ""
    commits: Mapping[RevisionKey, Commit] = attrs.field(factory=dict)

    @property
    def present_sync(self) -> str:
        """The best knowledge of the sync status."""
        return (self.application.facts.sync if self.application else self.sync) or "Unknown"

    @property
    def present_health(self) -> str:
        """The best knowledge of the health, as Argo CD says it."""
        return (self.application.facts.health if self.application else self.health) or "Unknown"

    @property
    def stale(self) -> bool:
        """Say whether what is shown may be out of date."""
        return self.stale_since is not None or self.error is not None or self.application is None

    @property
    def busy(self) -> bool:
        """Say whether something is under way that ends by itself."""
        app = self.application
        return app is not None and (
            (app.operation is not None and app.operation.running)
            or app.deleting
            or (badges.compared(self.present_sync) and self.present_health == "Progressing")
            or (app.hydration is not None and app.hydration.phase == "Hydrating")
        )

    @property
    def needs_attention(self) -> bool:
        """Say whether somebody has to look at it."""
        app = self.application
        if self.stale or app is None or self.present_sync != "Synced":
            return True
        return (
            self.present_health not in {"Healthy", "Progressing"}
            or any(condition.severity == "error" for condition in app.conditions)
            or self.failed
            or self.unhydrated
        )

    @property
    def failed(self) -> bool:
        """Say whether the last sync did not succeed, or its last attempt did not; no dry run."""
        operation = self.application.operation if self.application else None
        return (
            operation is not None
            and not operation.dry_run
            and (operation.waiting_for_retry or operation.phase in {"Failed", "Error"})
        )

    @property
    def unhydrated(self) -> bool:
        """Say whether the hydrator failed: what is wanted is then not what Argo CD compares."""
        hydration = self.application.hydration if self.application else None
        return hydration is not None and hydration.phase == "Failed"


def unhealthy(resource: Resource) -> bool:
    """Say whether its health is a problem. A live hook's is not."""
    return not resource.hook and resource.health not in _WELL


def differs(resource: Resource) -> bool:
    """Say whether it is out of sync. A live hook never is."""
    return not resource.hook and resource.sync not in {"", "Synced"}


def is_problem(resource: Resource) -> bool:
    """Say whether it is a reason to look at the application."""
    return unhealthy(resource) or differs(resource)
