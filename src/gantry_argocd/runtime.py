"""
The plugin at work with one configuration: what belongs to it, put together; and how it is.

All threads are daemonic, wait on events only, and end within a moment of :meth:`Runtime.stop`.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import attrs

from . import errors
from .actions.offers import ACTION_ROLE, Standing, has_role, offers
from .catalogue.ledger import Ledger
from .catalogue.live import Live
from .catalogue.syncs import Syncs
from .correlation import Answer, correlate, explain_app, explain_entity, moves, rfc3339
from .instances.commits import Commits
from .instances.hub import Fetched, Heard, Hub
from .instances.watch import Pace
from .operations.applications import Applications
from .operations.deeds import Operations
from .operations.rights import Asked, Standings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .actions.offers import Offer
    from .client.calls import Client
    from .hookspecs import Entity, Host, User
    from .instances.doctor import Diagnosis
    from .models import Facts
    from .refs import AppKey, EntityKey, Wanted
    from .settings import InstanceSettings, Settings

STANDING_SECONDS = 1.0
"""Longest time that a page waits for rights and windows: a button works without them too."""

RETIRING = 5.0
"""Seconds that what is under way has to end when the configuration changes."""


class Runtime:
    """
    One configuration in use.

    Args:
        settings: The configuration.

        enabled: Whether instances are asked at all.

        host: The catalogue. None when the host drives everything itself.

        make_client: Makes the client of an instance.

        now: The time, aware.

        monotonic: Seconds that pass.

        pace: Of those who follow the instances. None for what suits Argo CD.

    Attributes:
        settings: The configuration.

        enabled: Whether instances are asked at all.

        ledger: What is known of all apps.

        applications: One by one.

        standings: What may be done to one now.

        operations: What is done to one.

        commits: What is known of revisions.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        enabled: bool,
        host: Host | None,
        make_client: Callable[[InstanceSettings], Client],
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self.settings = settings
        self.enabled = enabled
        self._now = now
        self._stop = threading.Event()
        self._hub = Hub(
            settings,
            make_client=make_client,
            now=now,
            monotonic=monotonic,
            is_live=lambda name: self._live.is_live(name),  # noqa: PLW0108  made below
        )
        self.ledger = Ledger(host, sources=self._hub.sources, now=now)
        self._live = Live(
            self._hub,
            self.ledger,
            stop=self._stop,
            now=now,
            monotonic=monotonic,
            pace=pace or Pace(),
        )
        self.applications = Applications(self._hub, self.ledger, now=now, stop=self._stop)
        self.commits = Commits(self._hub.client, now=now)
        self.standings = Standings(self._hub, monotonic=monotonic)
        self.operations = Operations(
            self._hub,
            self.ledger,
            self.applications,
            self.standings,
            settings.policy,
            now=now,
            stop=self._stop,
        )
        self._syncs = Syncs(
            settings, self._hub, self.ledger, follow=self._live.follow, stop=self._stop, now=now
        )

    # --- life ---

    def start(self) -> None:
        """Take the configuration into use: the first sync at once, or stale marks."""
        if not self.enabled:
            self.ledger.fail_all()
        elif self.ledger.writes:
            self._syncs.start()

    def retire(self, patience: float = RETIRING) -> None:
        """Let actions and writes under way end, each within so many seconds, and stop."""
        self.operations.under_way.wait_until_empty(patience)
        self.ledger.close(patience)
        self.stop()

    def stop(self) -> None:
        """End all threads; a request under way is cut off, and nothing more is written."""
        self._stop.set()
        self.ledger.close()
        self._hub.close()
        self._live.join(1.0)
        self._syncs.join(0.5)

    def check_ready(self) -> None:
        """
        Refuse what needs an enabled plugin.

        Raises:
            NotReady: If it is disabled or has no instance.
        """
        if not self.enabled:
            raise errors.NotReady("argocd plugin is not enabled")
        if not self.settings.instances:
            raise errors.NotReady("argocd plugin has no instances configured")

    def now(self) -> datetime:
        """Give the time."""
        return self._now()

    def offers(self, facts: Facts, user: User, seconds: float) -> Sequence[Offer]:
        """
        List what *user* may do to one app.

        Args:
            facts: The app.

            user: Who.

            seconds: What Argo CD has not answered by then is not known.
        """
        asked = self.ask_standing({facts.key: facts.project}, user)
        found = self.applications.fetch_all({facts.key: facts.project}, seconds)[facts.key]
        application = found.application if isinstance(found, Fetched) else None
        error = found if isinstance(found, errors.ArgoCDError) else None
        standing = asked.answers(seconds).get(facts.key, Standing())
        standing = self.narrowed(standing, facts, user)
        return offers(application, error, user["role"], standing)

    def ask_standing(self, wanted: Mapping[AppKey, str], user: User) -> Asked:
        """Begin to ask what is possible; of nobody who may do nothing anyway."""
        return self.standings.ask(wanted if has_role(user["role"], ACTION_ROLE) else {})

    def narrowed(self, standing: Standing, facts: Facts, user: User) -> Standing:
        """Add what the configuration leaves to others."""
        place = self.operations.place(facts)
        return attrs.evolve(
            standing, narrowed=lambda action: self.operations.why_not(action, user, place)
        )

    # --- syncs ---

    def sync(self, confirm: Sequence[str] = ()) -> tuple[Mapping[str, Any], bool]:
        """
        Sync the catalogue; see :meth:`gantry_argocd.catalogue.syncs.Syncs.sync`.

        Raises:
            NotReady: If the plugin is disabled or has no instance, too.
        """
        self.check_ready()
        return self._syncs.sync(confirm)

    def discover(self, told: Callable[[Heard], None] | None = None) -> list[Entity]:
        """Ask every instance; see :meth:`gantry_argocd.catalogue.syncs.Syncs.discover`."""
        return self._syncs.discover(told)

    # --- why ---

    def explain_app(self, wanted: Wanted, *, ref: bool) -> dict[str, Any]:
        """
        Say why the app that *wanted* names is in its entity, and what else was considered.

        Raises:
            UnknownApp: If it is not in the catalogue; and what resolving a name raises.
        """
        key, _ = self.applications.resolve(wanted, ref=ref)
        result = self.ledger.look()
        if key not in result.known:
            raise errors.UnknownApp(f"{str(wanted)!r} is not in the catalogue yet")
        return explain_app(result, key)

    def explain_entity(self, key: EntityKey) -> dict[str, Any]:
        """
        Say which apps an entity has and why, and what in it is ours.

        Raises:
            UnknownEntity: If there is none.
        """
        try:
            return explain_entity(self.ledger.look(), key)
        except KeyError:
            raise errors.UnknownEntity(f"there is no {key}, and no application wants it") from None

    def explain_all(self, heard: Sequence[Heard]) -> list[dict[str, Any]]:
        """Say of every app that was heard why it would be in its entity, first one first."""
        result = correlate([], [self._hub.answer(item) for item in heard])
        return [explain_app(result, key) for key in sorted(result.known)]

    def try_label_key(self, label_key: str) -> dict[str, Any]:
        """
        List what would move if the label key were another; writes nothing.

        Instances that do not answer are named, and nothing of theirs moves.
        """
        heard = [item for batch in self._hub.ask(label_key=label_key) for item in batch]
        after = self.ledger.look({item.source.name: _tried(item) for item in heard})
        return {
            "labelKey": label_key,
            "moves": moves(self.ledger.look().placements, after.placements),
            "problems": list(after.problems),
            "errors": [str(item.error) for item in heard if item.error],
        }

    # --- how it is ---

    def check(self) -> list[Diagnosis]:
        """Examine every instance; works for a disabled plugin too."""
        return self._hub.check()

    def own_namespace(self, instance: str) -> str:
        """Give Argo CD's own namespace on an instance, as far as it is known."""
        return self._hub.source(instance).own_namespace

    def status(self) -> dict[str, Any]:
        """Say how the plugin is, JSON-shaped and without secrets."""
        return {
            "state": "enabled" if self.enabled else "disabled",
            **self._syncs.status(),
            "instances": [self._instance_status(instance) for instance in self.settings.instances],
        }

    def _instance_status(self, instance: InstanceSettings) -> dict[str, Any]:
        contact = self._hub.contact(instance.name)
        failure = self._hub.failure(instance.name)
        answered = self._hub.answered(instance.name)
        warnings = []
        if instance.insecure_skip_tls:
            warnings.append("the certificate is not checked (insecureSkipTLS)")
        return {
            "name": instance.name,
            "argocdUrl": instance.url,
            "publicUrl": instance.people_url,
            "project": instance.project,
            "state": "failed" if failure else "ok" if answered else "unknown",
            "error": str(failure) if failure else None,
            "help": failure.help if failure else None,
            "lastContact": rfc3339(contact) if contact is not None else None,
            "applications": self._hub.count(instance.name),
            "stream": self._live.status(instance.name),
            "warnings": warnings,
        }


def _tried(heard: Heard) -> Answer:
    """Give an answer as it came: it was read otherwise than what is known of the instance."""
    return Answer(
        source=heard.source, outcome=heard.outcome, apps=heard.apps, began_at=heard.began_at
    )
