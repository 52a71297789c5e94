"""The releases of Argo CD that a simulator can be, and the points in which they differ."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .gojson import Json

Release = tuple[int, int]

_HYDRATE = "argocd.argoproj.io/hydrate"


@attrs.frozen
class Profile:
    """One release; every property is a point in which releases differ."""

    name: str
    version: str
    release: Release

    def since(self, major: int, minor: int) -> bool:
        """Return whether this is the release *major.minor* or a later one."""
        return self.release >= (major, minor)

    # -- the front --------------------------------------------------------------------------------

    @property
    def checks_content_type(self) -> bool:
        """Whether anything but GET needs a Content-Type; from 2.8.8, 2.9.4 and 2.10.0 on."""
        return self.since(2, 9)

    @property
    def token_texts(self) -> Mapping[str, str]:
        """What is said of tokens; the library that reads them is another one from 3.0 on."""
        if self.since(3, 0):
            return {
                "expired": "token has invalid claims: token is expired",
                "early": "token has invalid claims: token is not valid yet",
                "signature": "token signature is invalid: signature is invalid",
                "head": "token is malformed: could not base64 decode header: "
                "illegal base64 data at input byte 0",
                "claims": "token is malformed: could not JSON decode claim",
            }
        return {
            "expired": "Token is expired",
            "early": "Token is not valid yet",
            "signature": "signature is invalid",
            "head": "illegal base64 data at input byte 0",
            "claims": "invalid character in claims",
        }

    @property
    def absent_routes(self) -> frozenset[str]:
        """The routes that this release does not know."""
        routes = set() if self.since(3, 1) else {"ocimetadata", "resource-action-v2"}
        if not self.since(3, 2):
            routes.add("server-side-diff")
        return frozenset(routes)

    # -- rights -----------------------------------------------------------------------------------

    @property
    def rights(self) -> tuple[str, ...]:
        """The actions that can-i knows."""
        actions: tuple[str, ...] = ("get", "create", "update", "delete", "sync", "override")
        if self.since(3, 6):
            actions = ("get", "create", "update", "delete", "sync", "rollback", "override")
        return (*actions, "action", "invoke") if self.since(2, 14) else actions

    @property
    def objects(self) -> tuple[str, ...]:
        """The resources that can-i knows."""
        if not self.since(2, 14):
            return (
                *("clusters", "projects", "applications", "applicationsets", "repositories"),
                *("certificates", "logs", "exec"),
            )
        return (
            *("clusters", "projects", "applications", "applicationsets", "repositories"),
            *("write-repositories", "certificates", "accounts", "gpgkeys", "logs", "exec"),
            "extensions",
        )

    @property
    def has_rollback_right(self) -> bool:
        """Whether the right to roll back can be asked for by a setting."""
        return self.since(3, 6)

    @property
    def has_override_setting(self) -> bool:
        """Whether a setting can ask for the right to override for a sync to another revision."""
        return self.since(3, 3)

    @property
    def logs_need_a_right(self) -> bool:
        """Whether logs need ``logs, get``; on 2.x only if a setting says so."""
        return self.since(3, 0)

    @property
    def normalises_objects(self) -> bool:
        """Whether can-i drops the control-plane namespace from the middle of an object."""
        return self.since(3, 4)

    # -- lists and watches ------------------------------------------------------------------------

    @property
    def list_fields(self) -> frozenset[str]:
        """The names the list projection knows besides those of 2.8."""
        names = {"status.sourceHydrator"} if self.since(3, 2) else set()
        if self.since(3, 5):
            names |= {
                *("spec.destination", "spec.project", "spec.source", "spec.sources"),
                *("spec.sourceHydrator", "spec.syncPolicy", "status.sync.revision"),
            }
        return frozenset(names)

    @property
    def fails_on_spec_with_children(self) -> bool:
        """Whether ``spec`` together with a child of its own breaks the answer; 3.5 alone."""
        return self.release == (3, 5)

    @property
    def persists_resource_health(self) -> bool:
        """Whether the health of resources is stored, so that lists carry it."""
        return not self.since(3, 0)

    # -- operations -------------------------------------------------------------------------------

    @property
    def chooses_sources(self) -> bool:
        """Whether a sync can choose the revisions of several sources."""
        return self.since(2, 11)

    @property
    def dry_runs_any_revision(self) -> bool:
        """Whether a dry run to another revision is allowed with auto-sync."""
        return self.since(2, 10)

    @property
    def rolls_back_several_sources(self) -> bool:
        """Whether a rollback of several sources works."""
        return self.since(2, 12)

    @property
    def windows_hold_operations(self) -> bool:
        """Whether the controller holds an operation while a window is closed."""
        return self.since(2, 11)

    @property
    def force_breaks_server_side_apply(self) -> bool:
        """Whether force and server-side apply fail together."""
        return self.since(3, 0)

    @property
    def fills_in_source(self) -> bool:
        """Whether ``operation.sync`` tells the one source."""
        return self.since(3, 2)

    @property
    def fills_in_failed_revision(self) -> bool:
        """Whether the result of a failed or held operation tells the revision."""
        return self.since(3, 2)

    @property
    def overwrites_target_revision(self) -> bool:
        """Whether a sync of chosen sources writes the SHA over their target revision."""
        return not self.since(3, 3)

    @property
    def reports_images(self) -> bool:
        """Whether the result of a sync tells images, and commits their references."""
        return self.since(3, 1)

    @property
    def retry_keeps_refresh(self) -> bool:
        """Whether ``retry.refresh`` is kept."""
        return self.since(3, 2)

    @property
    def unknown_cluster_phase(self) -> str:
        """The phase in which a sync to a cluster out of reach ends."""
        return "Error" if self.since(3, 2) else "Failed"

    @property
    def hooks_have_status(self) -> bool:
        """Whether a hook in the result of a sync has a status, besides its phase."""
        return self.since(3, 4)

    @property
    def failure_ends_phases(self) -> bool:
        """Whether the resources that did not fail are Succeeded in a failed sync, not Running."""
        return self.since(3, 4)

    @property
    def terminated_hook(self) -> Json:
        """What becomes of a hook when its operation is terminated."""
        if self.since(3, 4):
            return {"hookPhase": "Failed", "message": "Terminated"}
        return {"hookPhase": "Succeeded", "message": "Deleted"}

    @property
    def failure_text(self) -> str:
        """How the message of a failed sync begins."""
        if self.since(3, 4):
            return "one or more synchronization tasks completed unsuccessfully"
        return "one or more objects failed to apply"

    @property
    def retry_reason(self) -> str:
        """What releases before 3.2 give as the reason of every retry, rightly or not."""
        return "" if self.since(3, 2) else " due to application controller sync timeout"

    def confirmation_text(self, item: Json) -> str:
        """Return what an operation says that waits for a deletion to be confirmed."""
        kind, name = item.get("kind", ""), item.get("name", "")
        if self.since(3, 4):
            return f"waiting for pruning confirmation of {item.get('group', '')}/{kind}/{name}"
        version = "/".join(filter(None, (item.get("group"), item.get("version"))))
        return f"Waiting for pruning confirmation of {version}/{kind}/{name}"

    @property
    def unresolvable_suffix(self) -> str:
        """How the text about a revision that cannot be resolved ends."""
        return ": revision not found" if self.since(3, 6) else ""

    # -- refresh, resources -----------------------------------------------------------------------

    def refresh_annotations(self, kind: str, now: str) -> dict[str, str]:
        """Return the annotations, besides the refresh itself, that a refresh leaves for good."""
        found = {_HYDRATE: kind} if self.since(3, 5) else {}
        return {**found, f"{_HYDRATE}-timestamp": now} if self.since(3, 6) else found

    @property
    def names_unresolved_revisions(self) -> bool:
        """Whether a failed comparison tells which revision it wanted."""
        return self.since(3, 2)

    @property
    def tracks_by_annotation(self) -> bool:
        """Whether manifests are tracked by an annotation, not by a label."""
        return self.since(3, 0)

    @property
    def missing_nodes_have_health(self) -> bool:
        """Whether the tree tells the health of what is missing."""
        return self.since(3, 2)

    @property
    def missing_only_if_all_are(self) -> bool:
        """Whether an Application is Missing only if all of its resources are."""
        return self.since(3, 4)

    @property
    def judges_cron_jobs(self) -> bool:
        """Whether a CronJob has health."""
        return self.since(3, 2)

    @property
    def cluster_version(self) -> str:
        """How the version of a cluster is written."""
        return "v1.34.4" if self.since(3, 3) else "1.34"

    # -- the Application --------------------------------------------------------------------------

    def conform(self, app: Json) -> None:
        """Change *app* to what this release would have made of it."""
        spec, status = app["spec"], app["status"]
        self._conform_spec(spec)
        self._conform_status(status)
        for holder in (app.get("operation"), (status.get("operationState") or {}).get("operation")):
            if holder and not self.fills_in_source and "syncStrategy" not in holder["sync"]:
                holder["sync"].pop("source", None)
        result = (status.get("operationState") or {}).get("syncResult") or {}
        for item in result.get("resources") or ():
            if not self.reports_images:
                item.pop("images", None)
            if item.get("hookType") and not self.hooks_have_status:
                item.pop("status", None)

    def _conform_spec(self, spec: Json) -> None:
        policy = spec.get("syncPolicy") or {}
        if policy.get("automated") is not None and not self.since(3, 1):
            policy["automated"].pop("enabled", None)
        if policy.get("retry") is not None and not self.retry_keeps_refresh:
            policy["retry"].pop("refresh", None)
        if not self.since(2, 14):
            spec.pop("sourceHydrator", None)
            for source in (spec.get("source"), *(spec.get("sources") or ())):
                if source is not None:
                    source.pop("name", None)

    def _conform_status(self, status: Json) -> None:
        resources = status.get("resources") or []
        if self.persists_resource_health:
            status.pop("resourceHealthSource", None)
        if not self.since(2, 14):
            status.pop("sourceHydrator", None)
            status["health"].pop("lastTransitionTime", None)
        if not self.since(3, 5):
            status["summary"].pop("isAppOfApps", None)
        if not self.since(3, 6):
            status["health"].pop("message", None)
        failed = status["sync"].get("status") == "Unknown"
        if failed and not self.names_unresolved_revisions:
            status["sync"].pop("revision", None)
        for item in resources:
            if not self.since(3, 4):
                item.pop("requiresDeletionConfirmation", None)
            if item.get("kind") == "CronJob" and not self.judges_cron_jobs:
                item.pop("health", None)
        for entry in status.get("history") or ():
            if not self.since(2, 11):
                entry.pop("initiatedBy", None)


_PROFILES = (
    Profile("2.8", "v2.8.0", (2, 8)),
    Profile("2.14", "v2.14.21", (2, 14)),
    Profile("3.0", "v3.0.23", (3, 0)),
    Profile("3.2", "v3.2.12", (3, 2)),
    Profile("3.4", "v3.4.7", (3, 4)),
    Profile("3.5", "v3.5.1", (3, 5)),
    Profile("3.6", "v3.6.0+37ee009", (3, 6)),
)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _PROFILES}
LATEST = PROFILES["3.5"]
OLDEST, NEWEST = _PROFILES[0], _PROFILES[-1]


def profile_of(name: str) -> Profile:
    """Return the profile of a release such as ``3.5`` or ``v3.5.1``; raises ValueError."""
    wanted = name.strip().removeprefix("v")
    for profile in _PROFILES:
        if wanted == profile.name or wanted.startswith(f"{profile.name}."):
            return profile
    raise ValueError(f"no profile of Argo CD {name}; there are {', '.join(PROFILES)}")
