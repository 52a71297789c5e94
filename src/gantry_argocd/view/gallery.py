"""Every state that the tab and the card can be in, for people and for screenshots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import attrs

from .. import errors
from ..models import Application, Destination, Facts, Resource
from ..refs import AppKey
from .examples import actions_for, example, key_on, page, some_resources, state
from .panel import PanelView, notice, panel_at
from .sidebar import SidebarView, sidebar
from .situations import (
    blocked,
    confirmation,
    degraded,
    down,
    dry_run,
    failed,
    hook,
    hostile,
    late,
    never,
    oci,
    queued,
    retry,
    running,
    terminating,
    two_sources,
    uncompared,
    unhydrated,
)
from .state import AppState

Item = tuple[str, PanelView | SidebarView]


@attrs.frozen(kw_only=True)
class Exhibit:
    """
    One state in the gallery.

    Attributes:
        title: What it is.

        anchor: Id of its section.

        url: The page that shows it alone.

        panel: None when it is a card.

        card: None when it is a tab.
    """

    title: str
    anchor: str
    url: str
    panel: PanelView | None
    card: SidebarView | None


_REASON = "Your role viewer may not do this; it needs developer."


def exhibits(items: Iterable[Item]) -> tuple[Exhibit, ...]:
    """Hang up *items*, each with an address and a name of its own."""
    return tuple(
        Exhibit(
            title=title,
            anchor=f"state-{slug(title)}",
            url=f"?state={slug(title)}",
            panel=attrs.evolve(shown, title=f"{shown.title}, {title}")
            if isinstance(shown, PanelView)
            else None,
            card=shown if isinstance(shown, SidebarView) else None,
        )
        for title, shown in items
    )


def slug(title: str) -> str:
    """Give the short name of a state in addresses."""
    return "-".join("".join(c if c.isalnum() else " " for c in title).lower().split())


def gallery(now: datetime) -> Sequence[Item]:
    """Give every state with its title, as it would be at *now*."""
    return [*_panels(now), *_notices(), *_cards(now)]


def _panels(now: datetime) -> list[Item]:
    makers: list[tuple[str, Callable[[datetime], AppState]]] = [
        ("Synced and healthy", lambda at: state(example(at))),
        ("Out of sync and degraded", degraded),
        ("Progressing, sync running", running),
        (
            "Sync requested",
            queued,
        ),
        ("Hook running", hook),
        ("Blocked by a sync window", blocked),
        ("Waiting for retry", retry),
        ("Waiting for prune confirmation", confirmation),
        (
            "Terminating",
            terminating,
        ),
        ("Last sync failed", failed),
        ("After a dry run", dry_run),
        ("Comparison failed", uncompared),
        ("Never synced", never),
        ("Being deleted", lambda at: state(example(at, deleting=True, health="Progressing"))),
        ("Suspended", lambda at: state(example(at, health="Suspended"))),
        ("Missing, before 3.4", lambda at: state(example(at, health="Missing", sync="OutOfSync"))),
        ("Words of a later release", lambda at: state(example(at, sync="Drifting", health="Odd"))),
        ("Chart and values, two sources", two_sources),
        ("Hydrated, from an OCI image", oci),
        ("Hydration failed", unhydrated),
        ("Nothing but a name", lambda _: state(Application(facts=Facts(key=key_on())))),
    ]
    found: list[Item] = []
    for title, make in makers:
        found.append((title, _one(len(found), make(now), now)))
    found += [(title, _one(100 + n, down(now, error), now)) for n, (title, error) in _errors()]
    found += [
        ("No answer yet", _one(200, down(now, None), now)),
        ("Nothing known", _one(201, down(now, None, sync="", health="", stale_since=None), now)),
        ("Stale", _one(202, state(example(now), stale_since=now - timedelta(hours=3)), now)),
        ("Read, then unreachable", _one(203, late(now), now)),
        ("Buttons that are not allowed", _one(204, state(example(now)), now, _REASON)),
    ]
    return [*found, *_many(now), *_large(now)]


def _many(now: datetime) -> list[Item]:
    staging = AppKey("staging", "argocd", "payment-api")
    tenant = AppKey("production", "team-pay", "payment-worker")
    target = Destination(name="staging", namespace="pay-staging")
    states = [
        degraded(now),
        state(example(now, key=staging, destination=target)),
        state(example(now, key=tenant, health="Progressing")),
        down(now, errors.Unreachable("connection refused", instance="dr"), key=key_on("dr")),
    ]
    offered = [action for one in states for action in actions_for(one.ref)]
    well = [state(example(now)), state(example(now, key=staging, destination=target))]
    links = ["production:paymnt-api"]
    return [
        ("Several applications", panel_at("g-many", states, offered, page(), now, links)),
        ("Several applications, all well", panel_at("g-well", well, [], page(), now)),
        ("Links that name nothing", panel_at("g-none", [], [], page(), now, links)),
    ]


def _large(now: datetime) -> list[Item]:
    pods = tuple(
        Resource(kind="ConfigMap", namespace="pay", name=f"settings-{n:03}", sync="Synced")
        for n in range(120)
    )
    all_of_it = (*some_resources(), *pods)
    names = (f"payment-api-{n}" for n in range(3))
    keys = (AppKey("production", "argocd", name) for name in names)
    states = [state(example(now, key=key, resources=all_of_it)) for key in keys]
    views = {
        "Many resources": page("argocd.page=2"),
        "Filtered": page("argocd.q=settings-00"),
        "Nothing found": page("argocd.q=nothing&argocd.show=problems"),
    }
    found: list[Item] = [
        (title, panel_at(f"g-large-{n}", [one], actions_for(one.ref), context, now))
        for n, ((title, context), one) in enumerate(zip(views.items(), states, strict=True))
    ]
    return [*found, ("Hostile text", _one(300, hostile(now), now))]


def _notices() -> list[Item]:
    return [
        ("Disabled", notice("disabled", page(), "g-disabled")),
        ("Not configured", notice("not-configured", page(), "g-not-configured")),
        ("Nothing linked", notice("no-application-linked", page(), "g-not-linked")),
    ]


def _cards(now: datetime) -> list[Item]:
    one = {
        "appName": "payment-api",
        "appNames": "production:payment-api",
        "syncStatus": "Synced",
        "healthStatus": "Healthy",
        "project": "payments",
        "apps": "production:payment-api=Synced/Healthy",
    }
    many = one | {
        "appNames": "production:payment-api,staging:payment-api,production:team-pay/worker",
        "syncStatus": "OutOfSync",
        "healthStatus": "Degraded",
        "apps": "production:payment-api=OutOfSync/Degraded,staging:payment-api=Synced/Healthy,"
        "production:team-pay/worker=Synced/Progressing",
    }
    crowd = many | {"apps": ",".join(f"production:app-{n}=Synced/Healthy" for n in range(12))}
    stale = one | {"staleSince": (now - timedelta(hours=5)).isoformat()}
    states = {
        "Card": one,
        "Card, several applications": many,
        "Card, many applications": crowd,
        "Card, stale": stale,
        "Card, comparison failed": one | {"syncStatus": "Unknown"},
        "Card, linked and not synced yet": {"appName": "payment-api"},
    }
    views = (
        (title, sidebar({f"argocd.io/{k}": v for k, v in values.items()}, now))
        for title, values in states.items()
    )
    return [(title, view) for title, view in views if view is not None]


def _one(number: int, one: AppState, now: datetime, reason: str = "") -> PanelView:
    if one.error is not None:
        reason = f"the application cannot be reached now: {one.error.message}"
    offered = actions_for(one.ref, reason, busy=one.busy and one.application is not None)
    return panel_at(f"g-{number}", [one], offered, page(), now)


def _errors() -> Sequence[tuple[int, tuple[str, errors.ArgoCDError]]]:
    def failed(kind: type[errors.ArgoCDError], message: str) -> errors.ArgoCDError:
        return kind(message, instance="production")

    return list(
        enumerate(
            [
                ("Unreachable", failed(errors.Unreachable, "connection refused")),
                ("TLS", failed(errors.TLSFailed, "certificate signed by unknown authority")),
                ("Too slow", failed(errors.TimedOut, "no answer within 5 s")),
                ("A sign-in page", failed(errors.NotArgoCD, "the answer is an HTML page")),
                ("401", failed(errors.Unauthenticated, "the token is expired")),
                ("403", failed(errors.Forbidden, "the token may not read payment-api")),
                ("404", failed(errors.NotFound, "there is no application payment-api")),
            ]
        )
    )
